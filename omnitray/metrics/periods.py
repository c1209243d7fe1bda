"""Minutes, hours, days and months: where each begins, and how long it is kept.

Days and months are those of the local clock; minutes and hours are of the epoch, so that a change
to summer time neither doubles nor drops one.
"""

import datetime as dt
import enum

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86400


class Period(enum.StrEnum):
    """A resolution."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    MONTH = "month"

    @property
    def kept_s(self) -> float | None:
        """How long values are kept; None for good."""
        return {
            Period.MINUTE: 2.0 * DAY_S,
            Period.HOUR: 90.0 * DAY_S,
            Period.DAY: 5 * 365.25 * DAY_S,
            Period.MONTH: None,
        }[self]

    @property
    def finer(self) -> "Period | None":
        """What it is summed up from."""
        order = tuple(Period)
        return order[order.index(self) - 1] if self is not Period.MINUTE else None

    def begin(self, at: float) -> int:
        """Where the stretch begins that a moment lies in (wall seconds)."""
        if self is Period.MINUTE:
            return int(at // MINUTE_S) * MINUTE_S
        if self is Period.HOUR:
            return int(at // HOUR_S) * HOUR_S
        local = dt.datetime.fromtimestamp(at).astimezone()
        day = 1 if self is Period.MONTH else local.day
        start = dt.datetime(local.year, local.month, day)  # noqa: DTZ001 - local midnight is meant
        return int(start.astimezone().timestamp())

    def after(self, begin: int) -> int:
        """Where the next stretch begins."""
        if self is Period.MINUTE:
            return begin + MINUTE_S
        if self is Period.HOUR:
            return begin + HOUR_S
        # Far enough into the next day or month to be in it whatever the clocks do.
        return self.begin(begin + (DAY_S * 1.5 if self is Period.DAY else DAY_S * 32))

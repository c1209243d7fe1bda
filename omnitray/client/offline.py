"""What is left when no OmniTray runs: the files.

Alerts are written durably into the history folder and picked up at the next start, levels and
modes change nothing and say so once, questions read the files.
"""

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

from omnitray.alerts.model import Alert
from omnitray.alerts.storage.query import AlertQuery
from omnitray.api.bodies import level_name
from omnitray.api.requests import NewAlert
from omnitray.api.wire import SnapshotBody, StatusBody
from omnitray.base import amounts
from omnitray.base.clock import Clock, SystemClock, timestamp
from omnitray.base.facts import AlertMove, Mode, MonitorLevel
from omnitray.base.leases import Lease
from omnitray.base.paths import Paths
from omnitray.client.http import Release

if TYPE_CHECKING:
    from omnitray.alerts.storage.history import History

_MOVING = {AlertMove.ACKNOWLEDGE: "acknowledging", AlertMove.RESOLVE: "resolving"}
LOG = logging.getLogger("omnitray")


class Files:
    """What works without a running instance, on the files alone."""

    def __init__(self, paths: Paths, clock: Clock | None = None) -> None:
        self._paths = paths
        self._clock = clock or SystemClock()

    def status(self) -> StatusBody | None:
        """None: only a running instance has a status."""
        return None

    def snapshots(self, minutes: int) -> list[SnapshotBody]:
        """Empty: snapshots are kept in memory alone."""
        del minutes
        return []

    def alerts(self, query: AlertQuery) -> list[Alert]:
        """Read from disk. Raises OSError: it cannot be read, which is not the same as empty."""
        return self._history().query(query) if self._is_there() else []

    def versions(self) -> Iterator[Alert]:
        """Every version of every stored alert, one at a time; raises OSError."""
        return self._history().versions() if self._is_there() else iter(())

    def _is_there(self) -> bool:
        try:
            next(self._paths.alerts.iterdir(), None)
        except FileNotFoundError:
            return False
        except OSError as error:
            why = f"{error.strerror}: {self._paths.alerts}"
            raise OSError(f"the history cannot be read: {why}") from error
        return True

    def raise_alert(self, new: NewAlert) -> Alert:
        """Written to disk; picked up at the next start."""
        alert = alert_from(new, self._clock)
        self._history().store(alert)
        return alert

    def move_alert(self, alert_id: str, move: AlertMove) -> Alert | None:
        """Only a running OmniTray follows an alert's life."""
        _say_once(f"{_MOVING[move]} {alert_id} has no effect")
        return None

    def set_level(self, level: MonitorLevel | None) -> None:
        """Does nothing: no monitor runs."""
        _say_once(f"setting the level to {level_name(level)} has no effect")

    def set_mode(self, mode: Mode) -> None:
        """Does nothing: no protector runs."""
        _say_once(f"setting the mode to {mode} has no effect")

    def lease(self, lease: Lease) -> Release:
        """Does nothing: no monitor runs."""
        _say_once(f"borrowing {lease.level or lease.mode} has no effect")
        return _nothing

    def _history(self) -> "History":
        from omnitray.alerts.storage.history import History  # noqa: PLC0415 - only without an instance

        # What it meets is for the one that keeps order; a failure is raised.
        return History(self._paths.alerts, self._clock, report=LOG.info, keep=False)


def alert_from(new: NewAlert, clock: Clock) -> Alert:
    """A first occurrence, as the alert system would record it."""
    from omnitray.alerts.model import (  # noqa: PLC0415
        fingerprint,
        id_maker,
        stable_labels,
    )
    from omnitray.alerts.rules import DEFAULT_SEVERITY  # noqa: PLC0415

    context = amounts.context(new.context)
    title = amounts.text(new.title, amounts.TITLE_LIMIT)
    source = amounts.text(new.source, amounts.SOURCE_LIMIT)
    seen = timestamp(clock.wall())
    return Alert(
        id=id_maker(clock)(),
        type=new.type,
        severity=new.severity or DEFAULT_SEVERITY[new.type],
        state="firing",
        title=title,
        message=amounts.text(new.message, amounts.MESSAGE_LIMIT),
        source=source,
        fingerprint=fingerprint(new.type, source, stable_labels(title, context)),
        first_seen=seen,
        last_seen=seen,
        context=context,
        channels=("file",),
    )


def _nothing() -> None:
    """What releasing nothing does."""


_said: set[str] = set()


def _say_once(effect: str) -> None:
    """One line for each kind of thing that cannot be done, however often it is asked."""
    kind = effect.split(" ", 1)[0]
    if kind not in _said:
        _said.add(kind)
        LOG.info("OmniTray is not running: %s", effect)

"""Which level is in force: the person's choice, raised at once in need, taken back when calm."""

import enum

import msgspec

from omnitray.base.facts import MonitorLevel
from omnitray.base.leases import AUTOMATIC, BY_YOU, asked_by


class Rhythm(msgspec.Struct, frozen=True):
    """How often a level looks and reports, in seconds."""

    look_s: float
    report_s: float


RHYTHMS = {
    MonitorLevel.IDLE: Rhythm(30.0, 300.0),
    MonitorLevel.NORMAL: Rhythm(5.0, 60.0),
    MonitorLevel.INTENSIVE: Rhythm(1.0, 10.0),
    MonitorLevel.CRITICAL: Rhythm(0.5, 2.0),
}


class LevelReason(enum.Enum):
    """Why the level changed."""

    CHOSEN = BY_YOU
    AUTOMATIC = AUTOMATIC
    LEASED = "asked for"
    CRITICAL_RESOURCE = "a resource is critical"
    CRITICAL_ALERT = "a critical alert was raised"
    CALM = "it has been calm again"
    BY_OTHERS = "the processors are busy by what nothing can be done about"
    BATTERY = "running on battery"


class LevelChange(msgspec.Struct, frozen=True, kw_only=True):
    """The level in force changed; ``by`` who asked for it, where that was not the person.

    ``overrides`` is why it is not the one that is asked for; None where it is.
    """

    before: MonitorLevel
    after: MonitorLevel
    reason: LevelReason
    by: str = ""
    overrides: LevelReason | None = None

    @property
    def why(self) -> str:
        """The reason in words, with who asked for it."""
        return asked_by(self.by) if self.reason is LevelReason.LEASED else self.reason.value


class LevelKeeper:
    """Keeps the level in force. ``calm_s`` is how long it must be clear before it comes down."""

    def __init__(self, chosen: MonitorLevel | None, calm_s: float) -> None:
        self.chosen = chosen
        self.calm_s = calm_s
        self.current = chosen or MonitorLevel.NORMAL
        self._raised_until_s: float | None = None
        self._raised_by = LevelReason.CRITICAL_RESOURCE
        self._on_battery = False

    @property
    def escalated(self) -> bool:
        """Whether the level stands higher than chosen because of trouble."""
        return self._raised_until_s is not None

    @property
    def overrides(self) -> LevelReason | None:
        """Why the level in force is not the one that is asked for; None where it is."""
        asked = self.chosen or MonitorLevel.NORMAL
        if self.current == asked:
            return None
        return self._raised_by if self.escalated else LevelReason.BATTERY

    def choose(self, level: MonitorLevel | None, by: str = "") -> LevelChange | None:
        """Take what is asked for, ``by`` another than the person; None is automatic.

        An escalation stays in force.
        """
        self.chosen = level
        if by:
            return self._settle(LevelReason.LEASED, by)
        return self._settle(LevelReason.CHOSEN if level else LevelReason.AUTOMATIC)

    def escalate(self, now: float, reason: LevelReason) -> LevelChange | None:
        """Trouble: CRITICAL at once, until it has been calm for ``calm_s`` from ``now``."""
        self._raised_until_s = now + self.calm_s
        self._raised_by = reason
        return self._settle(reason)

    def use_battery(self, *, discharging: bool) -> LevelChange | None:
        """One level lower while discharging (call it only where the person wants that)."""
        if discharging == self._on_battery:
            return None
        self._on_battery = discharging
        return self._settle(LevelReason.BATTERY)

    def tick(self, now: float, why: LevelReason = LevelReason.CALM) -> LevelChange | None:
        """Take an escalation back when its time is over, which is ``why``."""
        if self._raised_until_s is None or now < self._raised_until_s:
            return None
        self._raised_until_s = None
        return self._settle(why)

    def _settle(self, reason: LevelReason, by: str = "") -> LevelChange | None:
        wanted = MonitorLevel.CRITICAL if self.escalated else self._resting()
        if wanted == self.current:
            return None
        before, self.current = self.current, wanted
        return LevelChange(
            before=before, after=wanted, reason=reason, by=by, overrides=self.overrides
        )

    def _resting(self) -> MonitorLevel:
        level = self.chosen or MonitorLevel.NORMAL
        order = tuple(MonitorLevel)
        return order[max(0, order.index(level) - 1)] if self._on_battery else level

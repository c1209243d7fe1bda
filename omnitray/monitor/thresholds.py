"""When a value counts as too high: thresholds with hysteresis, held in seconds, not in samples.

A :class:`ThresholdMonitor` follows one resource. It goes up to ``WARNING`` or ``CRITICAL`` when
the value has been at or over that threshold for ``hold_s``, and down again when it has been under
the threshold minus ``clear_below`` for ``hold_s``. A value that cannot be read moves nothing and
restarts the waiting, as does a gap in the readings: what was not seen is not counted.
"""

import enum
from typing import NamedTuple

import msgspec

from omnitray.base.facts import Resource, Snapshot
from omnitray.base.policy import Band


class AlarmLevel(enum.IntEnum):
    """How high a value stands; the order is the order of badness."""

    CLEAR = 0
    WARNING = 1
    CRITICAL = 2


class Watched(NamedTuple):
    """What has a threshold: CPU, memory, and each disk by its mount point."""

    resource: Resource
    mount: str = ""


def values(shot: Snapshot) -> dict[Watched, float | None]:
    """How much of each is in use, in per cent; None for what could not be read."""
    return {
        Watched(Resource.CPU): shot.cpu_percent,
        Watched(Resource.MEMORY): shot.memory_percent,
        **{Watched(Resource.DISK, disk.mount): disk.used_percent for disk in shot.disks},
    }


def is_gone(watched: Watched, shot: Snapshot) -> bool:
    """Whether it is a disk that is mounted no more; where no disk could be read none is gone."""
    return bool(shot.disks) and watched not in values(shot)


class Transition(msgspec.Struct, frozen=True, kw_only=True):
    """A resource changed its height; ``threshold`` (per cent) is the one that was passed."""

    resource: Resource
    mount: str = ""  # of a disk
    before: AlarmLevel
    after: AlarmLevel
    value: float
    threshold: float

    @property
    def watched(self) -> Watched:
        """What changed."""
        return Watched(self.resource, self.mount)


class HysteresisThreshold:
    """One threshold: on when passed for ``hold_s``, off when cleared for ``hold_s``."""

    def __init__(self, threshold: float, clears_under: float, hold_s: float) -> None:
        self.threshold = threshold
        self.is_on = False
        self._clear = clears_under
        self._hold_s = hold_s
        self._since_s: float | None = None

    def left_s(self, now: float) -> float | None:
        """Seconds until a change that is being waited out is due; None when there is none."""
        return None if self._since_s is None else self._since_s + self._hold_s - now

    def forget(self) -> None:
        """Restart the waiting."""
        self._since_s = None

    def observe(self, value: float, now: float) -> None:
        """Take in a value read at ``now``."""
        leaning = value >= self._clear if self.is_on else value >= self.threshold
        if leaning == self.is_on:
            self._since_s = None
            return
        if self._since_s is None:
            self._since_s = now
        if now - self._since_s >= self._hold_s:
            self.is_on, self._since_s = leaning, None


class ThresholdMonitor:
    """The state machine of one resource, or of one disk."""

    def __init__(self, watched: Watched, band: Band) -> None:
        self.watched = watched
        self.height = AlarmLevel.CLEAR
        self._warning = HysteresisThreshold(
            band.warning, band.clears_under(band.warning), band.hold_s
        )
        self._critical = HysteresisThreshold(
            band.critical, band.clears_under(band.critical), band.hold_s
        )

    def left_s(self, now: float) -> float | None:
        """Seconds until the next pending change is due, or None when nothing is pending."""
        pending = (edge.left_s(now) for edge in (self._warning, self._critical))
        return min((left for left in pending if left is not None), default=None)

    def forget(self) -> None:
        """Restart the waiting after a gap in the readings."""
        self._warning.forget()
        self._critical.forget()

    def observe(self, value: float | None, now: float) -> Transition | None:
        """Take in a value (per cent) read at ``now`` (monotonic seconds)."""
        if value is None:
            self.forget()
            return None
        self._warning.observe(value, now)
        self._critical.observe(value, now)
        before, self.height = self.height, self._read_height()
        return None if self.height == before else self._describe(before, value)

    def _read_height(self) -> AlarmLevel:
        if self._critical.is_on:
            return AlarmLevel.CRITICAL
        return AlarmLevel.WARNING if self._warning.is_on else AlarmLevel.CLEAR

    def _describe(self, before: AlarmLevel, value: float) -> Transition:
        passed = self._critical if AlarmLevel.CRITICAL in (before, self.height) else self._warning
        return Transition(
            resource=self.watched.resource,
            mount=self.watched.mount,
            before=before,
            after=self.height,
            value=value,
            threshold=passed.threshold,
        )

"""Levels and modes that are borrowed, and what stands when the borrowers are gone.

A lease asks for a level, a mode or both for as long as its holder lives, or until its time is over.
While several stand at once the most watchful level counts, and the mode that was asked for last.
When the last one ends the person's own choice is back. What the person chooses in that time wins
at once: the leases that stood then have no say in that any more, however long they live.
"""

import time
from collections.abc import Callable

import msgspec

from omnitray.base.facts import Mode, MonitorLevel

BY_YOU = "chosen by you"
AUTOMATIC = "automatic"
UNNAMED = "a client that gives no name"
_WATCHFUL = tuple(MonitorLevel)


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """What one holder asks for; None leaves it alone.

    ``by`` names the holder for a person; after ``lasts_s`` it asks for nothing any more.
    """

    id: str
    level: MonitorLevel | None = None
    mode: Mode | None = None
    by: str = UNNAMED
    lasts_s: float | None = None


def holder_name(given: str) -> str:
    """A name that a program has given itself, on one line; UNNAMED where it is none."""
    shown = "".join(each if each.isprintable() else " " for each in given)
    return " ".join(shown.split()) or UNNAMED


def asked_by(holder: str) -> str:
    """Why a level or a mode counts that a lease asks for."""
    return f"asked for by {holder}"


class ModeAndLevel(msgspec.Struct, frozen=True):
    """A mode and a level; ``level`` None means automatic."""

    mode: Mode
    level: MonitorLevel | None


class Leases:
    """The person's choice and the leases over it. One thread only."""

    def __init__(self, chosen: ModeAndLevel, now: Callable[[], float] = time.monotonic) -> None:
        self._chosen = chosen
        self._now = now
        self._standing: dict[str, Lease] = {}  # the oldest first
        self._ends_mono_s: dict[str, float] = {}  # by lease

    @property
    def chosen(self) -> ModeAndLevel:
        """The person's choice, which applies while there are no leases."""
        return self._chosen

    @property
    def standing(self) -> tuple[Lease, ...]:
        """The leases that still have a say."""
        return tuple(self._standing.values())

    @property
    def effective(self) -> ModeAndLevel:
        """Mode and level with all leases applied."""
        levels = [each.level for each in self._standing.values() if each.level is not None]
        modes = [each.mode for each in self._standing.values() if each.mode is not None]
        return ModeAndLevel(
            modes[-1] if modes else self._chosen.mode,
            max(levels, key=_WATCHFUL.index) if levels else self._chosen.level,
        )

    @property
    def level_by(self) -> str:
        """Who holds the level, empty where it is the person's choice or automatic."""
        asking = [each for each in self._standing.values() if each.level is not None]
        level = self.effective.level
        return next((each.by for each in reversed(asking) if each.level == level), "")

    @property
    def level_reason(self) -> str:
        """Why the level is asked for that counts."""
        if by := self.level_by:
            return asked_by(by)
        return AUTOMATIC if self._chosen.level is None else BY_YOU

    @property
    def mode_by(self) -> str:
        """Who holds the mode, empty where it is the person's choice."""
        holders = [each.by for each in self._standing.values() if each.mode is not None]
        return holders[-1] if holders else ""

    def take(self, lease: Lease, *, again: bool = False) -> ModeAndLevel:
        """Let a lease stand; one with the same id is replaced.

        ``again``: only where it stands still, for what it has asked for already.
        """
        if again and lease.id not in self._standing:
            return self.effective
        self.release(lease.id)
        self._standing[lease.id] = lease
        if lease.lasts_s is not None:
            self._ends_mono_s[lease.id] = self._now() + lease.lasts_s
        return self.effective

    def release(self, lease_id: str) -> ModeAndLevel:
        """End a lease; one that is gone or was overruled changes nothing."""
        self._standing.pop(lease_id, None)
        self._ends_mono_s.pop(lease_id, None)
        return self.effective

    def end_due(self) -> float | None:
        """End those whose time is over; seconds until the next one, None where there is none."""
        now = self._now()
        for lease_id, end_mono_s in tuple(self._ends_mono_s.items()):
            if end_mono_s <= now:
                self.release(lease_id)
        return min((each - now for each in self._ends_mono_s.values()), default=None)

    def choose_level(self, level: MonitorLevel | None) -> ModeAndLevel:
        """The person's word on the level."""
        self._chosen = ModeAndLevel(self._chosen.mode, level)
        self._keep([msgspec.structs.replace(each, level=None) for each in self.standing])
        return self.effective

    def choose_mode(self, mode: Mode) -> ModeAndLevel:
        """The person's word on the mode."""
        self._chosen = ModeAndLevel(mode, self._chosen.level)
        self._keep([msgspec.structs.replace(each, mode=None) for each in self.standing])
        return self.effective

    def _keep(self, leases: list[Lease]) -> None:
        asking = (each for each in leases if each.level is not None or each.mode is not None)
        self._standing = {each.id: each for each in asking}
        self._ends_mono_s = {
            each: end for each, end in self._ends_mono_s.items() if each in self._standing
        }

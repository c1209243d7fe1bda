"""Levels and modes that are borrowed, and what stands when the borrowers are gone.

A lease asks for a level, a mode or both for as long as its holder lives. While several stand at
once the most watchful level counts, and the mode that was asked for last. When the last one ends
the person's own choice is back. What the person chooses in that time wins at once: the leases that
stood then have no say in that any more, however long they live.
"""

import msgspec

from omnitray.base.facts import Mode, MonitorLevel

BORROWED = "a client, such as a test run, asks for it until it ends"
_WATCHFUL = tuple(MonitorLevel)


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """What one holder asks for; None leaves it alone."""

    id: str
    level: MonitorLevel | None = None
    mode: Mode | None = None


class ModeAndLevel(msgspec.Struct, frozen=True):
    """A mode and a level; ``level`` None means automatic."""

    mode: Mode
    level: MonitorLevel | None


class Leases:
    """The person's choice and the leases over it. One thread only."""

    def __init__(self, chosen: ModeAndLevel) -> None:
        self._chosen = chosen
        self._standing: dict[str, Lease] = {}  # the oldest first

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

    def take(self, lease: Lease) -> ModeAndLevel:
        """Let a lease stand; one with the same id is replaced."""
        self._standing.pop(lease.id, None)
        self._standing[lease.id] = lease
        return self.effective

    def release(self, lease_id: str) -> ModeAndLevel:
        """End a lease; one that is gone or was overruled changes nothing."""
        self._standing.pop(lease_id, None)
        return self.effective

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

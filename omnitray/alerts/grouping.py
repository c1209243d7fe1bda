"""Bursts become one notification: the first is told at once, the others wait for each other.

The wait doubles while the burst lasts. The notifications of one burst share a slot, so that each
replaces the one before.
"""

import msgspec

from omnitray.alerts.timing import AlertTiming


class Group(msgspec.Struct, kw_only=True):
    """Alerts of one type and source in one burst.

    ``members`` are fingerprints that wait, ``more`` counts those that are not followed singly.
    """

    told_m: float
    wait_s: float
    slot: str
    due_m: float | None = None
    members: dict[str, None] = {}
    more: int = 0


class Due(msgspec.Struct, frozen=True):
    """What is to be told together: the members that waited, ``more`` of the whole burst."""

    slot: str
    members: tuple[str, ...]
    more: int = 0


class Groups:
    """The bursts that are going on."""

    def __init__(self, timing: AlertTiming) -> None:
        self._timing = timing
        self._groups: dict[str, Group] = {}

    def quiet(self, key: str, now_m: float) -> bool:
        """True where nothing of this kind was told or waits."""
        group = self._groups.get(key)
        return group is None or not self._lasts(group, now_m)

    def told(self, key: str, slot: str, now_m: float) -> None:
        """One of this kind was told on its own: a burst may begin."""
        if self.quiet(key, now_m):
            wait_s = self._timing.group_wait_s
            self._groups[key] = Group(told_m=now_m, wait_s=wait_s, slot=slot)

    def join(self, key: str, fingerprint: str, now_m: float) -> bool:
        """Wait with the others of this kind; False when the group is full and only counts."""
        group = self._groups[key]
        if group.due_m is None:
            group.due_m = now_m + group.wait_s
        if len(group.members) >= self._timing.group_most:
            group.more += 1
            return False
        group.members[fingerprint] = None
        return True

    def leave(self, key: str, fingerprint: str) -> None:
        """No longer wait: it was told on its own or is over."""
        if (group := self._groups.get(key)) is not None:
            group.members.pop(fingerprint, None)

    def take_due(self, now_m: float) -> list[Due]:
        """The groups whose wait is over."""
        due = [group for group in self._groups.values() if (group.due_m or now_m + 1) <= now_m]
        taken = [Due(group.slot, tuple(group.members), group.more) for group in due]
        for group in due:
            group.members.clear()
            group.due_m = None
            group.told_m = now_m
            group.wait_s = min(group.wait_s * 2, self._timing.group_wait_most_s)
        return taken

    def prune(self, now_m: float) -> None:
        """Forget the bursts that are over."""
        self._groups = {k: g for k, g in self._groups.items() if self._lasts(g, now_m)}

    @property
    def next_m(self) -> float | None:
        """When the first wait is over."""
        return min((g.due_m for g in self._groups.values() if g.due_m is not None), default=None)

    def _lasts(self, group: Group, now_m: float) -> bool:
        return bool(group.members) or now_m - group.told_m < self._timing.group_wait_most_s

"""Bursts become one notification: the first is sent at once, the others wait for each other.

The wait doubles while the burst lasts. The notifications of one burst share a slot, so that each
replaces the one before.
"""

from collections import deque

import msgspec

from omnitray.alerts.rules import AlertTiming


class AlertGroup(msgspec.Struct, kw_only=True):
    """Alerts of one type and source in one burst.

    ``members`` are fingerprints that wait, ``more`` counts those that are not followed singly.
    """

    notified_mono_s: float
    wait_s: float
    slot: str
    due_m: float | None = None
    members: dict[str, None] = {}
    more: int = 0


class Due(msgspec.Struct, frozen=True):
    """What is sent together: the members that waited, ``more`` of the whole burst."""

    slot: str
    members: tuple[str, ...]
    more: int = 0


class Groups:
    """The bursts that are going on."""

    def __init__(self, timing: AlertTiming) -> None:
        self._timing = timing
        self._groups: dict[str, AlertGroup] = {}

    def quiet(self, key: str, now_m: float) -> bool:
        """True where nothing of this kind was sent or waits."""
        group = self._groups.get(key)
        return group is None or not self._lasts(group, now_m)

    def told(self, key: str, slot: str, now_m: float) -> None:
        """Note that one of this kind was sent on its own: a burst may begin."""
        if self.quiet(key, now_m):
            wait_s = self._timing.group_wait_s
            self._groups[key] = AlertGroup(notified_mono_s=now_m, wait_s=wait_s, slot=slot)

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
        """Remove it: it was sent on its own or is over."""
        if (group := self._groups.get(key)) is not None:
            group.members.pop(fingerprint, None)

    def take_due(self, now_m: float) -> list[Due]:
        """The groups whose wait is over."""
        due = [group for group in self._groups.values() if (group.due_m or now_m + 1) <= now_m]
        taken = [Due(group.slot, tuple(group.members), group.more) for group in due]
        for group in due:
            group.members.clear()
            group.due_m = None
            group.notified_mono_s = now_m
            group.wait_s = min(group.wait_s * 2, self._timing.group_wait_most_s)
        return taken

    def prune(self, now_m: float) -> None:
        """Forget the bursts that are over."""
        self._groups = {k: g for k, g in self._groups.items() if self._lasts(g, now_m)}

    @property
    def next_m(self) -> float | None:
        """When the first wait is over."""
        return min((g.due_m for g in self._groups.values() if g.due_m is not None), default=None)

    def _lasts(self, group: AlertGroup, now_m: float) -> bool:
        return bool(group.members) or now_m - group.notified_mono_s < self._timing.group_wait_most_s


DIGEST_SLOT = "digest"


class Budget:
    """Counts what was sent and keeps what waits for the digest (fingerprints)."""

    def __init__(self, timing: AlertTiming) -> None:
        self._timing = timing
        self._told_m: deque[float] = deque(maxlen=timing.budget)
        self._waiting: dict[str, None] = {}
        self._digest_m: float | None = None

    def left(self, now_m: float) -> bool:
        """True while one more notification may be shown."""
        full = len(self._told_m) >= self._timing.budget
        return not full or now_m - self._told_m[0] >= self._timing.budget_window_s

    def spend(self, now_m: float) -> None:
        """One was shown."""
        self._told_m.append(now_m)

    def defer(self, fingerprint: str, now_m: float) -> None:
        """Wait for the digest."""
        if not self._waiting and self._digest_m is None:
            self._digest_m = now_m  # the floor counts from the first one that had to wait
        self._waiting[fingerprint] = None

    def leave(self, fingerprint: str) -> None:
        """No longer wait."""
        self._waiting.pop(fingerprint, None)

    def take_digest(self, now_m: float) -> tuple[str, ...]:
        """What the digest that is due now tells of; empty when none is due."""
        if self.next_m is None or self.next_m > now_m:
            return ()
        taken = tuple(self._waiting)
        self._waiting.clear()
        self._digest_m = now_m
        return taken

    @property
    def next_m(self) -> float | None:
        """When the next digest is due."""
        if not self._waiting or self._digest_m is None:
            return None
        return self._digest_m + self._timing.digest_floor_s

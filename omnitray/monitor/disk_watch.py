"""How full the disks are, looked at as often as what is left on them and how fast it goes ask for.

A snapshot comes every 0.5 to 30 s; a writer of 500 MB/s fills 10 GB in 20 s. Reading the use of a
disk takes some microseconds, so that it need not wait for a snapshot.
"""

from collections.abc import Callable

import msgspec

from omnitray.base.clock import Clock
from omnitray.base.facts import DiskFacts

_CALM_S, _CLOSE_S = 5.0, 1.0
_FILLING_S, _SHORTEST_S = 0.5, 0.1
_FASTEST_BPS = 500e6  # what one writer puts on a disk of today; more is seen two looks later
_LOOKS_BEFORE_FULL = 20.0
_FILLS_SOON_S = 300.0  # a disk that would be full within that is looked at closely
_WORTH_BPS = 4e6  # slower growth leaves time for snapshots: 4 GB last a quarter of an hour
_SMALLEST_BYTES = 1 << 30  # smaller ones (a boot partition) are written once a month
_STAYS_CLOSE_S = 5.0  # after the last look that showed it getting fuller


class DiskLook(msgspec.Struct, frozen=True, kw_only=True):
    """The disks at one moment; ``filling`` are those that would be full within minutes."""

    at_mono_s: float
    disks: tuple[DiskFacts, ...]
    filling: frozenset[str] = frozenset()  # mounts
    next_s: float = _CALM_S


class DiskWatch:
    """Looks, and says when to look again; belongs to one thread."""

    def __init__(self, read: Callable[[], tuple[DiskFacts, ...]], clock: Clock) -> None:
        self._read = read
        self._clock = clock
        self._free: dict[str, tuple[float, int]] = {}  # by mount: when, and what was left
        self._until_s: dict[str, float] = {}  # by mount: so long it counts as filling

    def look(self) -> DiskLook:
        """Read each disk."""
        now_s, disks = self._clock.monotonic(), self._read()
        delays = [_CALM_S]
        for disk in disks:
            if (lasts_s := self._lasts_s(disk, now_s)) < _FILLS_SOON_S:
                self._until_s[disk.mount] = now_s + _STAYS_CLOSE_S
            if now_s < self._until_s.get(disk.mount, float("-inf")):
                delays += [_FILLING_S, lasts_s / _LOOKS_BEFORE_FULL]
            elif disk.total_bytes >= _SMALLEST_BYTES:
                delays.append(max(_CLOSE_S, disk.free_bytes / _FASTEST_BPS / 2))
        self._free = {disk.mount: (now_s, disk.free_bytes) for disk in disks}
        filling = {disk.mount for disk in disks if now_s < self._until_s.get(disk.mount, now_s)}
        return DiskLook(
            at_mono_s=now_s,
            disks=disks,
            filling=frozenset(filling),
            next_s=max(_SHORTEST_S, min(delays)),
        )

    def _lasts_s(self, disk: DiskFacts, now_s: float) -> float:
        """How long what is left lasts at the rate since the look before."""
        then_s, before = self._free.get(disk.mount, (now_s, disk.free_bytes))
        if now_s <= then_s:
            return float("inf")
        bps = (before - disk.free_bytes) / (now_s - then_s)
        return disk.free_bytes / bps if bps >= _WORTH_BPS else float("inf")

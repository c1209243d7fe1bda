from hypothesis import given
from hypothesis import strategies as st

from omnitray.base.facts import (
    DiskFacts,
    MemoryFacts,
    MonitorLevel,
    PressureFacts,
    PressurePair,
    Snapshot,
)
from omnitray.monitor.history import SnapshotRing

FULL = Snapshot(
    taken_at=1000.0,
    monotonic_s=5.0,
    level=MonitorLevel.INTENSIVE,
    interval_s=1.0,
    cpu_percent=33.5,
    load=(1.0, 2.0, 3.0),
    memory=MemoryFacts(
        total_bytes=2**40, available_bytes=2**39 + 1, swap_total_bytes=7, limited=True
    ),
    disks=(
        DiskFacts(mount="/home", filesystem="ext4", total_bytes=9, free_bytes=3, used_percent=66.6),
    ),
    disk_read_bps=1.5,
    disk_write_bps=2.5,
    net_recv_bps=3.5,
    net_sent_bps=4.5,
    connections=12,
    pressure=PressureFacts(memory=PressurePair(some_avg10=1.25, full_avg10=0.5)),
    processes=400,
    cost_s=0.002,
)
EMPTY = Snapshot(taken_at=1001.0, monotonic_s=6.0, level=MonitorLevel.IDLE)


def test_what_goes_in_comes_out_and_unreadable_stays_unreadable() -> None:
    ring = SnapshotRing()
    ring.append(FULL)
    ring.append(EMPTY)
    assert ring.since(0.0) == [FULL, EMPTY]


def test_only_the_newest_are_kept_and_older_ones_as_minutes_with_their_highest_value() -> None:
    ring = SnapshotRing(capacity=10)
    for second in range(180):
        cpu = 99.0 if second == 30 else 10.0
        ring.append(
            Snapshot(
                taken_at=60_000.0 + second,
                monotonic_s=float(second),
                level=MonitorLevel.INTENSIVE,
                cpu_percent=cpu,
            )
        )
    shots = ring.since(0.0)
    assert len(ring) == 10
    assert [shot.taken_at for shot in shots[-10:]] == [60_170.0 + n for n in range(10)]
    assert [(shot.taken_at, shot.cpu_percent) for shot in shots[:-10]] == [
        (60_059.0, 99.0),
        (60_119.0, 10.0),
    ]


@given(st.integers(1, 30), st.integers(0, 80))
def test_the_ring_never_holds_more_than_its_capacity(capacity: int, count: int) -> None:
    ring = SnapshotRing(capacity=capacity)
    for second in range(count):
        ring.append(
            Snapshot(taken_at=float(second), monotonic_s=float(second), level=MonitorLevel.NORMAL)
        )
    raw = [shot for shot in ring.since(0.0) if shot.interval_s is None]
    assert [shot.taken_at for shot in raw] == [
        float(n) for n in range(max(0, count - capacity), count)
    ]

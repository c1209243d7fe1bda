"""Readings that the protector decides from: guard signals, forecasts, process details."""

import msgspec

from omnitray.base.facts import (
    MemoryFacts,
    PressureFacts,
    Resource,
)


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """When something runs out: between ``low_s`` and ``high_s`` from now, at ``slope_bps``.

    ``job_key`` is the job that grows most and ``share`` (0 to 1) its part of all growth.
    """

    resource: Resource
    low_s: float
    high_s: float
    slope_bps: float
    left_bytes: int
    job_key: str | None = None
    share: float | None = None
    mount: str | None = None


class ProcessDetail(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one process beyond the scan; of that very one, or it is not given.

    ``exe`` is the program's path, None where the system does not tell (then it is spared).
    ``writes_to`` are the mounts that it has files open for writing on, of those that fill; None
    where that is not known.
    """

    start_ticks: int
    exe: str | None = None
    arguments: tuple[str, ...] = ()
    cwd: str | None = None
    write_bps: float | None = None
    writes_to: frozenset[str] | None = None


class OwnFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Who we are: all our pids, those we were started by, and our user (None: not told apart)."""

    pids: frozenset[int] = frozenset()
    ancestors: frozenset[int] = frozenset()
    uid: int | None = None


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """How long something small takes that a person would wait for, now and on a quiet machine."""

    now_ms: float
    quiet_ms: float


class GuardReading(msgspec.Struct, frozen=True, kw_only=True):
    """What the guard reads each time, for next to nothing.

    ``cpu_percent`` is of the machine, or of the quota of ``quota_cores`` where one is set.
    """

    monotonic_s: float
    memory: MemoryFacts
    pressure: PressureFacts | None = None
    zram_bytes: int = 0
    cpu_percent: float | None = None
    quota_cores: float | None = None


WORTH_WRITING_BPS = 1 << 20  # slower writers fill no disk while somebody watches


class ProcessIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """One very process: its pid may be given to another, pid and start time together are not.

    ``start_ticks`` is field 22 of ``/proc/PID/stat`` on Linux and whatever else tells the start
    elsewhere. ``exe`` is the executable's path, None where it cannot be read.
    """

    pid: int
    start_ticks: int
    exe: str | None = None


class OwnCost(msgspec.Struct, frozen=True, kw_only=True):
    """What OmniTray itself takes: ``cpu_percent`` of one core since the last look."""

    cpu_percent: float
    rss_bytes: int

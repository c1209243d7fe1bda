"""When something is short: each condition is written here once and used by all who ask.

    limits, readings, jobs  →  true, false, or None where it is not known

Policies, explanations, the guard, restoring and the resource alerts share these, so that no two
of them can disagree about what "over the limit" means.
"""

from collections.abc import Container, Hashable, Iterable, Sequence

from omnitray.base.facts import GuardReading, Job, JobKind, MemoryFacts, PressureFacts, Probe
from omnitray.base.policy import ModeLimits, clears_under

# ``some avg10`` of CPU pressure: a build with one job a core stays far below it, twice as many
# tasks as cores reach 90 % and more.
CPU_PRESSURE_PERCENT = 40.0
# Twice as long as on the quiet machine: a task of 4.1 ms takes 7.6 ms beside eight loops of
# another session (measured); 10 ms is a tenth of what a person notices.
PROBE_RATIO, PROBE_LEAST_MS = 2.0, 10.0
PROBE_IS_OF_NOW_S = 5.0  # it is measured every 2 s while processors are short
_PRESSURE_SPAN_S = 10.0  # what ``avg10`` looks back on
THRASHING_PERCENT = 10.0  # ``full avg10``; systemd-oomd ends at 60 %, here it only pauses
NEAR_FLOOR_POINTS = 1.0
GETS_NEAR_S, GETS_NEAR_POINTS = 3.0, 5.0  # at the growth that is measured
LOST_SIGHT_S = 30.0  # six times the longest pause between two readings


class HoldTimer:
    """For how long conditions have been true, by key.

    A condition that was not checked for ``LOST_SIGHT_S`` starts from zero: the machine slept, and
    what was true may have changed.
    """

    def __init__(self) -> None:
        self._since: dict[Hashable, float] = {}
        self._asked: dict[Hashable, float] = {}

    def true_for(self, key: Hashable, now_s: float, *, condition: bool) -> float:
        """Seconds for which it has been true; -1 when it is not."""
        lost_sight = now_s - self._asked.get(key, now_s) > LOST_SIGHT_S
        if not condition or lost_sight:
            self._since.pop(key, None)
            self._asked.pop(key, None)
        if not condition:
            return -1.0
        self._asked[key] = now_s
        return now_s - self._since.setdefault(key, now_s)

    def keep(self, keys: Container[Hashable]) -> None:
        """Drop all other keys."""
        self._since = {key: at_s for key, at_s in self._since.items() if key in keys}
        self._asked = {key: at_s for key, at_s in self._asked.items() if key in keys}


CPU_SEEN_LEAST = 0.25  # of what is used


def is_cpu_seen(
    cpu_percent: float | None, cores: float, jobs: Iterable[Job], own_uid: int | None = None
) -> bool:
    """Whether a good part of what takes the processors is among the jobs; else it is outside.

    With ``own_uid`` only jobs of this user count: no other can be acted on.
    """
    taken = sum(
        job.cpu_percent or 0.0
        for job in jobs
        if own_uid is None or any(each.uid in {None, own_uid} for each in job.processes)
    )
    return taken >= CPU_SEEN_LEAST * (cpu_percent or 0.0) * cores


def is_cpu_over(cpu_percent: float | None, limits: ModeLimits) -> bool:
    """Whether the processors are over their limit; not where their use is not known."""
    return cpu_percent is not None and cpu_percent >= limits.cpu_percent


def is_memory_over(memory: MemoryFacts, limits: ModeLimits) -> bool:
    """Whether the memory in use is over its limit."""
    return memory.used_percent >= limits.memory_percent


def is_memory_clear(memory: MemoryFacts, limits: ModeLimits) -> bool:
    """Whether the memory in use is under its limit by enough."""
    return memory.used_percent < clears_under(limits.memory_percent)


def used_in_memory(reading: GuardReading) -> int:
    """What lies in memory, without what was packed away there (zram)."""
    return reading.memory.used_bytes - reading.zram_bytes


def floor_points(memory: MemoryFacts, limits: ModeLimits) -> float:
    """Points of available memory above the floor; negative under it."""
    return 100.0 - memory.used_percent - limits.memory_floor_percent


def is_swap_gone(memory: MemoryFacts, limits: ModeLimits) -> bool:
    """Whether no swap is left to use."""
    floor = memory.swap_total_bytes * limits.swap_floor_percent / 100.0
    return memory.swap_free_bytes <= floor


def is_at_floor(memory: MemoryFacts, limits: ModeLimits) -> bool:
    """Whether memory and swap are used up."""
    return floor_points(memory, limits) <= 0.0 and is_swap_gone(memory, limits)


def is_near_floor(memory: MemoryFacts, limits: ModeLimits, growth_bps: float) -> bool:
    """Whether the floor is a point away, or seconds at the rate at which the jobs grow."""
    points = floor_points(memory, limits)
    if not is_swap_gone(memory, limits) or points > GETS_NEAR_POINTS:
        return False
    return points <= NEAR_FLOOR_POINTS or memory_left(memory, limits) < growth_bps * GETS_NEAR_S


def is_thrashing(memory: MemoryFacts, pressure: PressureFacts | None, limits: ModeLimits) -> bool:
    """Whether memory is low, swap is not used up, and everything waits for memory."""
    full = pressure.memory.full_avg10 if pressure and pressure.memory else None
    return full is not None and full >= THRASHING_PERCENT and floor_points(memory, limits) <= 0.0


def memory_left(memory: MemoryFacts, limits: ModeLimits) -> float:
    """Bytes until the floor: available memory and swap over theirs.

    A process that grows uses up the one and then the other, so that only their sum falls evenly.
    """
    floor = memory.total_bytes * limits.memory_floor_percent / 100.0
    swap_floor = memory.swap_total_bytes * limits.swap_floor_percent / 100.0
    return max(0.0, memory.available_bytes - floor) + max(0.0, memory.swap_free_bytes - swap_floor)


def waits_for_itself(jobs: Iterable[Job], cores: float) -> bool:
    """Whether a build takes most CPU and has more to run than there are cores.

    Of other jobs it is not known whether they are meant to fill the machine.
    """
    heaviest = max(jobs, key=lambda job: job.cpu_percent or 0.0, default=None)
    if heaviest is None or heaviest.kind is not JobKind.BUILD:
        return False
    return sum(process.state == "R" for process in heaviest.processes) > max(1.0, cores)


def others_waited(pressure: PressureFacts | None, probe: Probe | None) -> bool | None:
    """Whether the probe, or pressure where there is none, shows that others wait; None: neither."""
    if probe is not None:
        return probe.now_ms >= max(PROBE_LEAST_MS, PROBE_RATIO * probe.quiet_ms)
    if pressure is None or pressure.cpu is None:
        return None
    return pressure.cpu.some_avg10 >= CPU_PRESSURE_PERCENT


class ContentionJudge:
    """The one judge of whether others have to wait for a processor.

    The protector, the resource alerts and the status ask it, each with its own readings. Where
    nothing can tell, its verdict is None: an alert is shown then, but nothing is paused or asked.
    """

    def __init__(self) -> None:
        self._waited_for_itself_s = float("-inf")

    def observe(self, jobs: Sequence[Job], cores: float, now_s: float) -> None:
        """Take the jobs of one scan; without any nothing is known of them."""
        if waits_for_itself(jobs, cores):
            self._waited_for_itself_s = now_s

    def verdict(
        self, now_s: float, pressure: PressureFacts | None, probe: Probe | None = None
    ) -> bool | None:
        """Whether others wait now; None where nothing here can tell.

        The probe measures what a person would wait for. Without a recent one pressure says it,
        unless a build with more processes than cores waited for itself in the time that pressure
        looks back on.
        """
        measured_s = now_s if probe is None else probe.measured_mono_s or now_s
        if probe is not None and now_s - measured_s <= PROBE_IS_OF_NOW_S:
            return others_waited(None, probe)
        waited = others_waited(pressure, None)
        own = now_s - self._waited_for_itself_s < _PRESSURE_SPAN_S
        return waited and not own

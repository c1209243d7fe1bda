"""What else runs here: OOM daemons, what they end, and what a person works with.

    neighbours, logs, foreground  →  a floor that comes before theirs, notices, pids to spare

Each is asked seldom: other daemons once a minute, the foreground when a job is about to be acted
on, the logs when something calls for it (``oom_events/watch.py``).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from omnitray.base.facts import (
    GuardReading,
    Job,
    MemoryFacts,
    ProcessDetail,
    ProcessFacts,
    ProcessIdentity,
)
from omnitray.base.policy import ProtectPolicy
from omnitray.protector.exclusions.foreground import Foreground, NoForeground, foreground_pids
from omnitray.protector.notices import Notice, NoticeOver, foreign_notices
from omnitray.protector.oom_events.daemons import OomDaemon
from omnitray.protector.oom_events.watch import ForeignWatch, Logs, Moment, NoLogs

_MEET_EVERY_S = 60.0
_BEFORE_POINTS = 2.0  # our floor stands so far above that of an OOM daemon
_ANSWER_S = 1.0  # so soon is looked again while an answer is awaited
_PRESSED_PERCENT = 10.0  # of ten seconds that something waited for memory


class EnvironmentPorts(msgspec.Struct, frozen=True, kw_only=True):
    """The seams: other OOM daemons, logs of ends, living processes, the active window."""

    neighbours: Callable[[], tuple[OomDaemon, ...]] = tuple
    logs: Logs = NoLogs()
    is_there: Callable[[ProcessIdentity], bool] = lambda _identity: True
    foreground: Foreground = NoForeground()
    servers: Callable[[], tuple[ProcessIdentity, ...]] = tuple  # what is watched, on any thread
    stops_hand_over: Callable[[Iterable[int]], frozenset[int]] = lambda _pids: frozenset()


def _swap_free_percent(memory: MemoryFacts) -> float:
    total = memory.swap_total_bytes
    return 100.0 * memory.swap_free_bytes / total if total else 0.0


class Environment:
    """Remembers what was met; from one thread."""

    def __init__(self, around: EnvironmentPorts) -> None:
        self._around = around
        self._met_s = float("-inf")
        self._met: tuple[OomDaemon, ...] = ()
        self._ends = ForeignWatch(around.logs, around.is_there)

    def meet(self, now_s: float) -> None:
        """See now and then who else guards this machine."""
        if now_s - self._met_s >= _MEET_EVERY_S:
            self._met_s = now_s
            self._met = self._around.neighbours()

    def sentences(self, floor_percent: float) -> tuple[str, ...]:
        """The OOM daemons beside our floor."""
        return tuple(each.sentence(floor_percent) for each in self._met)

    def before_theirs(self, policy: ProtectPolicy) -> ProtectPolicy:
        """The policy with a floor that comes before those of the OOM daemons.

        Never over our own limit: before that there is no shortage of memory, however another
        daemon is configured.
        """
        limits = policy.limits
        theirs = [each.memory_percent for each in self._met if each.memory_percent is not None]
        highest = max((each + _BEFORE_POINTS for each in theirs), default=0.0)
        before = min(highest, 100.0 - limits.memory_percent)
        floor = max(limits.memory_floor_percent, before)
        if floor == limits.memory_floor_percent:
            return policy
        raised = msgspec.structs.replace(limits, memory_floor_percent=floor)
        return msgspec.structs.replace(policy, **{policy.mode.value: raised})

    def foreground(
        self, jobs: Sequence[Job], details: Mapping[int, ProcessDetail]
    ) -> frozenset[int]:
        """What a person works with, among these jobs; without jobs nothing is asked."""
        return (
            foreground_pids(self._around.foreground.pids(), jobs, details) if jobs else frozenset()
        )

    def servers(self, jobs: Sequence[Job]) -> frozenset[int]:
        """The processes of watched servers among these jobs."""
        known = {(each.pid, each.start_ticks) for each in self._around.servers()} if jobs else ()
        return frozenset(
            each.pid
            for job in (jobs if known else ())
            for each in job.processes
            if (each.pid, each.start_ticks) in known
        )

    def hands_over(self, jobs: Sequence[Job]) -> frozenset[int]:
        """Those whose stop would give their terminal's keyboard to a shell.

        Only what a shell has put into a group of its own on a terminal is asked about.
        """
        by_pid = {each.pid: each for job in jobs for each in job.processes}
        asked = [
            each.pid
            for each in by_pid.values()
            if each.tty
            and (parent := by_pid.get(each.ppid)) is not None
            and parent.session == each.session
            and parent.group != each.group
        ]
        return self._around.stops_hand_over(asked) if asked else frozenset()

    def ended(
        self, reading: GuardReading, processes: Sequence[ProcessFacts], ours: frozenset[int]
    ) -> list[Notice | NoticeOver]:
        """What other programs have ended; ``ours`` are pids that we have ended ourselves."""
        pressure = reading.pressure.memory if reading.pressure else None
        moment = Moment(
            now_s=reading.monotonic_s,
            available_percent=100.0 - reading.memory.used_percent,
            available_bytes=reading.memory.available_bytes,
            swap_free_percent=_swap_free_percent(reading.memory),
            pressed=pressure is not None and pressure.some_avg10 >= _PRESSED_PERCENT,
            processes=processes,
            neighbours=self._met,
            ours=ours,
        )
        return [each for end in self._ends.observe(moment) for each in foreign_notices(end)]

    def delay(self, delay_s: float) -> float:
        """The delay until the next step, shorter while an answer is awaited."""
        return min(delay_s, _ANSWER_S) if self._ends.inquires else delay_s

    def close(self) -> None:
        """Give everything back."""
        self._ends.close()
        self._around.foreground.close()

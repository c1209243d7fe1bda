"""When a run is slowed down, paused or ended: by a cgroup, or by decisions from what it takes.

The decisions are for where no cgroup holds the budget. Slowing down means to let the tree run for a
part of the time (stopped and continued, as cpulimit does), which can be taken back at once and
works everywhere.
"""

# Growth from here to the budget takes a tree that holds four times as long as unslowed: time for
# the next sample at 0.1 s and for its own memory to be given back.
SLOW_FROM, FREE_BELOW = 0.85, 0.75
RESUME_BELOW = 0.90
END_FROM = 1.10  # as MemoryMax in a scope stands over MemoryHigh
PAUSE_S = 10.0  # at the budget; others of the tree may give memory back, and a person may act
LET_RUN_S = 10.0  # between two pauses
PAUSES = 3  # that brought nothing: 30 s at the budget, then it is beyond it for good
SLOW_SHARE = 0.25  # of the time, where it is slowed down
CYCLE_S = 0.2  # a task that is typed into still answers five times a second
BURST_S = 0.1  # of CPU time over the quota before it is paused: one period of the kernel's own
MOST_HOLD_S = 1.0


class BudgetStep:
    """The steps, in order: words, because importing enum takes 5 ms."""

    FREE = "free"
    SLOWED = "slowed down"
    PAUSED = "paused"
    ENDED = "ended"


class RunScope:
    """The seam to a cgroup that holds the budget. ``hold`` says whether one was made."""

    def hold(self, pid: int) -> bool:
        """Move a process that has not begun into a cgroup with the budget."""
        del pid
        return False

    def usage(self) -> "tuple[int, float, float] | None":
        """Bytes held, CPU seconds, and seconds throttled, since it began."""
        return None

    def peak_bytes(self) -> int:
        """The most it has held."""
        return 0

    def oom_kills(self) -> int:
        """How many of its processes the kernel has ended for its budget."""
        return 0

    def is_empty(self) -> bool:
        """Whether nothing lives in it any more."""
        return True

    def signal(self, number: int) -> None:
        """Send a signal to all in it."""


class MemoryBudget:
    """Follows what a tree holds against its budget; times are monotonic seconds."""

    def __init__(self, limit_bytes: int, *, may_end: bool) -> None:
        self.limit_bytes = limit_bytes
        self._may_end = may_end
        self._step = BudgetStep.FREE
        self._since_mono_s = 0.0
        self._let_run_mono_s = float("-inf")
        self._pauses = 0

    def decide(self, now_mono_s: float, used_bytes: int) -> str:
        """What the tree is to be now."""
        step = self._next(now_mono_s, used_bytes / self.limit_bytes)
        if step != self._step:
            self._step, self._since_mono_s = step, now_mono_s
        return step

    def _next(self, now_mono_s: float, share: float) -> str:
        if self._step == BudgetStep.ENDED or (self._may_end and share >= END_FROM):
            return BudgetStep.ENDED
        if self._step == BudgetStep.PAUSED:
            return self._after_pause(now_mono_s, share)
        if share >= 1.0 and now_mono_s - self._let_run_mono_s >= LET_RUN_S:
            return BudgetStep.PAUSED
        if share >= SLOW_FROM:
            return BudgetStep.SLOWED
        if share >= FREE_BELOW:
            return self._step
        self._pauses = 0
        return BudgetStep.FREE

    def _after_pause(self, now_mono_s: float, share: float) -> str:
        if share < RESUME_BELOW:
            return BudgetStep.SLOWED
        if now_mono_s - self._since_mono_s < PAUSE_S:
            return BudgetStep.PAUSED
        self._pauses += 1
        self._let_run_mono_s = now_mono_s
        if self._may_end and self._pauses >= PAUSES:
            return BudgetStep.ENDED
        return BudgetStep.SLOWED


class CpuBudget:
    """How long a tree has to stand still so that it takes no more than its share."""

    def __init__(self, percent: float) -> None:
        self._share = percent / 100.0
        self._from: tuple[float, float] | None = None

    def hold_s(self, now_mono_s: float, cpu_s: float) -> float:
        """Seconds to pause from now, 0 where it is within its budget (100 % is one core)."""
        if self._from is None:
            self._from = now_mono_s, cpu_s
        began_mono_s, before_s = self._from
        over_s = (cpu_s - before_s) - self._share * (now_mono_s - began_mono_s)
        if over_s < -BURST_S:  # what was not used is no credit for later
            self._from = now_mono_s, cpu_s
            return 0.0
        return min(MOST_HOLD_S, over_s / self._share) if over_s > BURST_S else 0.0

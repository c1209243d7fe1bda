"""One run from its start to its exit status: waits for the command, measures it, holds its budget.

A budget is held by the command's own cgroup where there is one (``scope``), else by looking at its
process tree and stopping and continuing it.
"""

import os
import resource
import time

from omnitray.base.bounded import oom_kills, rose
from omnitray.runs import records
from omnitray.runs.budget import (
    CYCLE_S,
    PAUSE_S,
    SLOW_SHARE,
    BudgetStep,
    CpuBudget,
    MemoryBudget,
    RunScope,
)
from omnitray.runs.child import Child
from omnitray.runs.light import signal, signal_name
from omnitray.runs.relay import STOPS, SignalRelay
from omnitray.runs.tree import (
    Member,
    RunTree,
    is_still_stopped,
    is_stopped,
    let_run,
    send,
    start_of,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

TIMED_OUT = 124
KILL_AFTER_S = 10.0  # as the protector's own ends: TERM becomes KILL after 10 s
ENDS = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT})
LET_RUN_AGAIN_S = 2.0  # a stop that was sent before takes hold after: two looks of an old run
KILL_AT_ONCE_FROM = 1.25  # of the budget: what grows on while it is being ended
# How often the tree is looked at, by the age of the run: a look costs 60 µs a process.
LOOKS = ((1.0, 0.1), (10.0, 0.25), (float("inf"), 1.0))
LOOK_BUDGET_S = 0.1  # while a budget is held: earlyoom's own pace when memory is short
LOOK_SHARE = 20  # at most 1/20 of the time goes into looking at a large tree
REST_LOOK_S = 0.05
WRITE_EVERY_S = 2.0


class RunPlan:
    """What was asked for, and what is known of the last time."""

    __slots__ = (
        *("command", "cpu_percent", "environ", "expected_bytes", "folder", "last_peak_bytes"),
        *("leave_queue", "may_end", "memory_bytes", "name", "project", "timeout_s", "words"),
    )

    def __init__(self, words: "list[str]", environ: "dict[str, str]") -> None:
        self.words = words
        self.environ = environ
        self.command = records.command_text(words)
        self.name = ""
        self.folder = self.project = ""
        self.memory_bytes: int | None = None
        self.cpu_percent: float | None = None
        self.timeout_s: float | None = None
        self.may_end = True
        self.expected_bytes = 0
        self.last_peak_bytes = 0
        self.leave_queue: Callable[[], None] = _nothing


def _nothing() -> None:
    """Where no queue was joined."""


class CommandRun:
    """See the module. ``on_event`` is called with the kind and the facts when a budget is met."""

    def __init__(
        self,
        plan: RunPlan,
        files: records.RunFiles,
        on_event: "Callable[[str, CommandRun], None]",
        scope: RunScope,
    ) -> None:
        self.plan = plan
        self.id = f"{time.time():.3f}-{os.getpid()}"
        self.timed_out = self.ended_for_memory = self.interrupted = self.was_paused = False
        self.status = 0
        self.slowed_s = self.paused_s = 0.0
        self.events: list[list[object]] = []
        self._files = files
        self._on_event = on_event
        self._scope = scope
        self._scoped = False
        self._memory: MemoryBudget | None = None
        self._cpu: CpuBudget | None = None
        self._step = BudgetStep.FREE
        self._held: list[Member] = []
        self._held_mono_s = 0.0
        self._told_to_end_mono_s = self._let_run_until_mono_s = float("-inf")
        self._samples: list[list[float]] = []
        self._last_sample = (0.0, 0.0)
        self._ending_mono_s: float | None = None
        self._stopped_s = 0.0  # by Ctrl-Z: no time of the run
        self._started_at = 0.0
        self._began_mono_s = 0.0
        self._took_s = 0.0
        self._cpu_s = 0.0
        self._write_due_mono_s = 0.0
        self._kills_before = oom_kills()

    # The life

    def run(self, relay: SignalRelay, *, own_session: bool, scoped: bool) -> int:
        """Run it; the exit status. Raises NotStarted, and OSError where nothing can be started."""
        environ = {**self.plan.environ, "OMNITRAY_RUN": self.id}
        child = Child(self.plan.words, environ, relay.mask, own_session=own_session, hold=scoped)
        self._tree = RunTree(child.pid)
        for number in relay.before_the_start():
            self._pass_on(number, child)
        if scoped:
            self._scoped = self._scope.hold(child.pid)
        self._began_mono_s, self._started_at = time.monotonic(), time.time()
        child.go()
        self._set_budgets()
        relay.watch(child.pid, own_session=own_session)
        if self.plan.expected_bytes:
            self._write()  # others that wait count with it: only then the next one may look
        self.plan.leave_queue()
        try:
            self._follow(child, relay)
            if self._ending_mono_s is not None:
                self._end_rest(self._ending_mono_s)
        finally:
            self._release()
            relay.close()
        return self.status

    def _set_budgets(self) -> None:
        if self._scoped:
            return
        if self.plan.memory_bytes:
            self._memory = MemoryBudget(self.plan.memory_bytes, may_end=self.plan.may_end)
        if self.plan.cpu_percent:
            self._cpu = CpuBudget(self.plan.cpu_percent)

    def _follow(self, child: Child, relay: SignalRelay) -> None:
        due = self._began_mono_s + self._next_look_s(0.0)
        while not self._reap(child, relay):
            now = time.monotonic()
            if now >= due:
                due = now + self._look(now)
            deadline = self._deadline_mono_s()
            if deadline is not None and now >= deadline:
                self._time_is_up(now)
            waits = [due, *([deadline] if deadline is not None else [])]
            if self._ending_mono_s is not None:
                waits.append(self._ending_mono_s)
                if now >= self._ending_mono_s:
                    self._signal_all(signal.SIGKILL)
                    self._ending_mono_s = now + KILL_AFTER_S
            found = relay.next(min(waits) - time.monotonic())
            if found is not None:
                self._on_signal(found, child, relay)

    def _on_signal(self, found: "tuple[int, bool]", child: Child, relay: SignalRelay) -> None:
        number, pass_on = found
        if number in STOPS:
            self._let_run_until_mono_s = float("-inf")  # it came after the end, and counts
        if pass_on or number in ENDS:
            self._pass_on(number, child, sends=pass_on)
        elif number == signal.SIGTSTP and not child.own_session and is_stopped(child.pid):
            # What stands still cannot stop, and would lose it when it is continued: its job can.
            os.waitid(os.P_PID, child.pid, os.WSTOPPED | os.WNOHANG)
            self._stop_along(number, child, relay)

    def _pass_on(self, number: int, child: Child, *, sends: bool = True) -> None:
        self.interrupted = self.interrupted or number == signal.SIGINT
        if sends:
            child.signal(number)
        if number in ENDS:
            self._let_end(time.monotonic())

    def _reap(self, child: Child, relay: SignalRelay) -> bool:
        """Whether the command has ended; a stop by the terminal is ours, too."""
        pid, status, usage = os.wait4(child.pid, os.WNOHANG | os.WUNTRACED)
        if pid == 0:
            return False
        if os.WIFSTOPPED(status):
            number = os.WSTOPSIG(status)
            # One that stands still by SIGSTOP is held by us or by OmniTray: no shell shall see it.
            if not child.own_session and number in STOPS and is_stopped(child.pid):
                self._stop_along(number, child, relay)
            return False
        self._took_s = time.monotonic() - self._began_mono_s - self._stopped_s
        self._cpu_s = max(self._tree.cpu_s, usage.ru_utime + usage.ru_stime)
        # The kernel counts what the copy of us held before it became the command (exec_mmap() in
        # fs/exec.c, for vfork too): up to that the figure says nothing, and 0 means not known.
        if usage.ru_maxrss > resource.getrusage(resource.RUSAGE_SELF).ru_maxrss:
            self._tree.peak_bytes = max(self._tree.peak_bytes, usage.ru_maxrss * 1024)
        if self._scoped:
            self._take_scope()
        self.status = status
        return True

    def _stop_along(self, number: int, child: Child, relay: SignalRelay) -> None:
        since = time.monotonic()
        relay.stop_along(number)
        if is_still_stopped(child.pid):  # continued alone: a shell continues the whole group
            child.signal(signal.SIGCONT)
        stopped_s = time.monotonic() - since
        self._stopped_s += stopped_s
        self._held_mono_s += stopped_s
        self._release()  # the shell has continued a part of it

    # Its end, asked for by us

    def _deadline_mono_s(self) -> "float | None":
        if self.plan.timeout_s is None or self._ending_mono_s is not None:
            return None
        return self._began_mono_s + self.plan.timeout_s + self._stopped_s

    def _time_is_up(self, now: float) -> None:
        self.timed_out = True
        self._note("timeout")
        self._end(now)

    def _end(self, now: float) -> None:
        self._signal_all(signal.SIGTERM)
        self._let_end(now)
        self._ending_mono_s = now + KILL_AFTER_S

    def _let_end(self, now: float) -> None:
        """Continue what is stopped or frozen, as it acts on no signal; nothing is held for 10 s."""
        self._release()
        if not signal.sigpending() & STOPS:  # a Ctrl-Z that has come since counts
            let_run(self._tree.look(), self._tree.root)
        self._told_to_end_mono_s = now
        self._let_run_until_mono_s = now + LET_RUN_AGAIN_S

    def _end_rest(self, until_mono_s: float) -> None:
        """Wait a moment for what was sent TERM, then end as a whole what still forks."""

        def is_over() -> bool:
            return self._scope.is_empty() if self._scoped else not self._tree.look()

        while not is_over():
            if time.monotonic() >= until_mono_s:
                self._signal_all(signal.SIGKILL)
                return
            time.sleep(REST_LOOK_S)

    def _signal_all(self, number: int) -> None:
        """Children first, so that no parent starts another one for it."""
        if self._scoped:
            self._scope.signal(number)
            return
        for each in reversed(self._tree.look()):
            send(each, number)

    # What it takes

    def _look(self, now: float) -> float:
        """Measure, hold the budget; seconds until the next look."""
        began = time.perf_counter()
        self._sample(now)
        if now < self._let_run_until_mono_s and not signal.sigpending() & STOPS:
            let_run(self._tree.members, self._tree.root)
        wait_s = self._keep_budget(now) if self._memory or self._cpu else None
        if now >= self._write_due_mono_s:
            self._write()
        cost_s = time.perf_counter() - began
        if wait_s is not None:
            return wait_s
        return max(self._next_look_s(now - self._began_mono_s), LOOK_SHARE * cost_s)

    def _next_look_s(self, age_s: float) -> float:
        if self._memory or self._cpu or self._scoped:
            return LOOK_BUDGET_S
        return next(each for until_s, each in LOOKS if age_s < until_s)

    def _sample(self, now: float) -> None:
        tree = self._tree
        if self._scoped and (found := self._scope.usage()) is not None:
            tree.members = tree.look()
            tree.rss_bytes, cpu_s, self.slowed_s = found
            tree.peak_bytes = max(tree.peak_bytes, tree.rss_bytes)
        else:
            tree.sample()
            cpu_s = tree.cpu_s
        at_s = now - self._began_mono_s - self._stopped_s
        last_s, last_cpu_s = self._last_sample
        if at_s - last_s >= LOOK_BUDGET_S / 2:
            percent = max(0.0, 100.0 * (cpu_s - last_cpu_s) / (at_s - last_s))
            self._samples.append([round(at_s, 2), tree.rss_bytes, round(percent, 1)])
            self._last_sample = at_s, cpu_s
        if len(self._samples) > 2 * records.MOST_SAMPLES:
            self._samples = records.thinned(self._samples)

    def _take_scope(self) -> None:
        """The cgroup's own figures at the end: nothing was missed between two looks."""
        found = self._scope.usage()
        if found is not None:
            _, self._cpu_s, self.slowed_s = found
        self._tree.peak_bytes = max(self._tree.peak_bytes, self._scope.peak_bytes())
        if self._scope.oom_kills():
            self.ended_for_memory = True

    # The budget, kept by looking

    def _keep_budget(self, now: float) -> float:
        """Hold, slow down, pause or end; seconds until the next look."""
        step = BudgetStep.FREE
        if self._memory is not None:
            step = self._memory.decide(now, self._tree.rss_bytes)
        if step != self._step:
            self._on_step(step)
        if step == BudgetStep.ENDED:
            self._end_for_memory(now)
            return LOOK_BUDGET_S
        if now < self._told_to_end_mono_s + KILL_AFTER_S:
            return LOOK_BUDGET_S
        if step == BudgetStep.PAUSED:
            self._pause_some()
            return LOOK_BUDGET_S
        hold_s = self._cpu.hold_s(now, self._tree.cpu_s) if self._cpu is not None else 0.0
        if step == BudgetStep.SLOWED and not self._held:
            hold_s = max(hold_s, CYCLE_S * (1.0 - SLOW_SHARE))
        if hold_s <= 0.0:
            self._release()
            return CYCLE_S * SLOW_SHARE if step == BudgetStep.SLOWED else LOOK_BUDGET_S
        self._hold_all()
        return hold_s

    def _on_step(self, step: str) -> None:
        if BudgetStep.PAUSED in {step, self._step}:
            self._release()
        self._step = step
        self._note(step)
        if step in {BudgetStep.PAUSED, BudgetStep.ENDED}:
            self._on_event(step, self)
        elif step == BudgetStep.FREE and self.was_paused:
            self._on_event("freed", self)
        self.was_paused = self.was_paused or step == BudgetStep.PAUSED

    def _end_for_memory(self, now: float) -> None:
        if self._ending_mono_s is None:
            self.ended_for_memory = True
            self._end(now)
        elif self._memory and self._tree.rss_bytes >= KILL_AT_ONCE_FROM * self._memory.limit_bytes:
            self._ending_mono_s = now

    def _pause_some(self) -> None:
        """The largest worker; the next one where the others still grow; at last all of it."""
        held = {(each.pid, each.start) for each in self._held}
        free = [each for each in self._tree.members if (each.pid, each.start) not in held]
        workers = [each for each in free if each.pid != self._tree.root]
        if not free or (held and self._memory and self._tree.rss_bytes < self._memory.limit_bytes):
            return
        chosen = [max(workers, key=lambda each: each.rss_bytes)] if len(workers) > 1 else free
        self._hold(chosen)

    def _hold_all(self) -> None:
        self._hold(self._tree.members)
        self._hold(self._tree.look())  # what was started meanwhile

    def _hold(self, members: "list[Member]") -> None:
        """Parents first: none of them sees a child of its own stand still."""
        held = {(each.pid, each.start) for each in self._held}
        for each in members:
            if (each.pid, each.start) not in held and each.state not in {"T", "t"}:
                if not self._held:
                    self._held_mono_s = time.monotonic()
                if send(each, signal.SIGSTOP):
                    self._held.append(each)

    def _release(self) -> None:
        """Continue what is stopped; children first."""
        if not self._held:
            return
        for each in reversed(self._held):
            send(each, signal.SIGCONT)
        self._held = []
        spent_s = time.monotonic() - self._held_mono_s
        if self._step == BudgetStep.PAUSED:
            self.paused_s += spent_s
        else:
            self.slowed_s += spent_s

    # What is kept

    def verdict(self) -> str:
        """In words: ``passed``, ``failed with exit 3``, ``timed out``, ``ended by SIGTERM``."""
        if self.timed_out:
            return "timed out"
        if self.ended_for_memory:
            return "ended at its memory budget"
        if os.WIFSIGNALED(self.status):
            number = os.WTERMSIG(self.status)
            if self.interrupted and number == signal.SIGINT:
                return "interrupted"
            if number == signal.SIGKILL and rose(self._kills_before, oom_kills()):
                return "killed for memory"
            return f"ended by {signal_name(number)}"
        code = os.WEXITSTATUS(self.status)
        if code and self.interrupted:
            return "interrupted"
        return f"failed with exit {code}" if code else "passed"

    @property
    def exit_status(self) -> int:
        """What the wrapper ends with."""
        if self.timed_out:
            return TIMED_OUT
        if os.WIFSIGNALED(self.status):
            return 128 + os.WTERMSIG(self.status)
        return os.WEXITSTATUS(self.status)

    @property
    def took_s(self) -> float:
        """How long it ran, without the time that a person stopped it."""
        return self._took_s

    @property
    def peak_bytes(self) -> int:
        """The most it has held; 0 where it ended before it was looked at."""
        return self._tree.peak_bytes

    @property
    def worker_bytes(self) -> int:
        """The most that one of several workers has held."""
        return self._tree.worker_bytes

    def finish(self) -> "records.Record":
        """The final record; :meth:`remember` writes it."""
        return {**self._record("ended", self.verdict()), "tests": {}}

    def remember(self, record: "records.Record") -> None:
        """Write the final record to disk, with the tests of the run. Raises OSError."""
        record["tests"] = self._files.take_tests(self.id)
        self._files.write(record)
        self._files.sweep()

    def _write(self) -> None:
        """While it runs: what others show of it."""
        self._write_due_mono_s = time.monotonic() + WRITE_EVERY_S
        try:
            self._files.write(self._record("running", ""))
        except OSError:
            self._write_due_mono_s += PAUSE_S  # a full disk: the run goes on

    def _record(self, state: str, verdict: str) -> "records.Record":
        plan = self.plan
        ended = state == "ended"
        took_s = self._took_s if ended else time.monotonic() - self._began_mono_s - self._stopped_s
        cpu_s = self._cpu_s if ended else self._last_sample[1]
        signalled = ended and os.WIFSIGNALED(self.status)
        return {
            "schema": records.SCHEMA,
            "id": self.id,
            "state": state,
            "name": plan.name,
            "command": plan.command,
            "project": plan.project,
            "folder": plan.folder,
            "wrapper_pid": os.getpid(),
            "wrapper_start": start_of(os.getpid()),
            "pid": self._tree.root,
            "started_at": round(self._started_at, 3),
            "took_s": round(took_s, 3),
            "verdict": verdict,
            "exit_code": self.exit_status if ended else None,
            "signal": signal_name(os.WTERMSIG(self.status)) if signalled else None,
            "rss_bytes": self._tree.rss_bytes,
            "peak_bytes": self._tree.peak_bytes,
            "last_peak_bytes": plan.last_peak_bytes,
            "expected_bytes": plan.expected_bytes,
            "worker_bytes": self._tree.worker_bytes,
            "cpu_s": round(cpu_s, 3),
            "cpu_percent": round(100.0 * cpu_s / took_s, 1) if took_s > 0 else 0.0,
            "memory_budget_bytes": plan.memory_bytes,
            "cpu_budget_percent": plan.cpu_percent,
            "timeout_s": plan.timeout_s,
            "slowed_s": round(min(self.slowed_s, took_s), 3),
            "paused_s": round(self.paused_s, 3),
            "held_by": "scope" if self._scoped else "samples",
            "samples": records.thinned(self._samples),
            "events": self.events,
        }

    def _note(self, kind: str) -> None:
        at_s = time.monotonic() - self._began_mono_s - self._stopped_s
        self.events.append([round(at_s, 2), kind])
        del self.events[: -records.MOST_SAMPLES]

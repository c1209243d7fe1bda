"""Carries decisions out on the machine that is not there, and judges each by the truth."""

import dataclasses

from omnitray.core.deciding.identity import Identity, Rung
from omnitray.core.deciding.protect_reasons import ProtectReason, RestoreReason
from omnitray.core.deciding.protection import (
    Action,
    ActionState,
    ActiveAction,
    Alarm,
    Decision,
    EndOutcome,
    Question,
    Restore,
    Withdrawn,
)
from omnitray.core.facts import Resource
from omnitray.core.policy import ProtectPolicy
from support.sim_machine import Corpse, Sim, SimMachine

TERM_S = 0.05
KILL_S = 10.0
HAD_TIME_S = 4.0  # of a steady rush to the floor: enough to see and to pause
GONE_LONG_S = 10.0
WINDOW_S = 600.0
ENDS_ALLOWED = 3


@dataclasses.dataclass
class Ending:
    """An end under way."""

    action: Action
    began_s: float
    left: list[tuple[int, int]]
    killed: bool = False


class SimLevers:
    """What is in force, what went wrong."""

    def __init__(self, machine: SimMachine, *, refuses: frozenset[Rung] = frozenset()) -> None:
        self.machine = machine
        self.refuses = refuses
        self.active: dict[str, ActiveAction] = {}
        self.endings: list[Ending] = []
        self.ended: list[EndOutcome] = []
        self.violations: list[str] = []
        self.done: list[Decision] = []
        self.ends: list[tuple[float, Action]] = []
        self.questions: dict[str, Question] = {}
        self.rushed_s: dict[str, float] = {}  # by job: unpaused while the floor came near
        self.resumed: set[str] = set()  # jobs that the person wants to run
        self._growth = 0.0
        self._held: dict[str, list[tuple[int, int]]] = {}

    # Doing

    def carry_out(self, decisions: list[Decision], policy: ProtectPolicy) -> None:
        """Each in its turn."""
        for decision in decisions:
            self.done.append(decision)
            if isinstance(decision, Action):
                self._act(decision, policy)
            elif isinstance(decision, Restore):
                self._restore(decision)
            elif isinstance(decision, Question):
                self._ask(decision)
            elif isinstance(decision, Withdrawn):
                self.questions.pop(decision.question_id, None)
            else:
                assert isinstance(decision, Alarm)

    def _act(self, action: Action, policy: ProtectPolicy) -> None:
        if action.rung is Rung.TELL:
            return
        self._judge(action, policy)
        if action.dry_run or action.rung in self.refuses:
            state = ActionState.WATCHED if action.dry_run else ActionState.FAILED
            self.active[action.id] = ActiveAction(
                action=action, state=state, since_s=self.machine.now_s
            )
            return
        sims = self._living(action.targets)
        state = ActionState.HELD
        if action.rung is Rung.END:
            state = ActionState.ENDING
            if action.reason is not ProtectReason.ASKED:
                self.ends.append((self.machine.now_s, action))
            self.endings.append(Ending(action, self.machine.now_s, [sim.who for sim in sims]))
        else:
            self._held[action.id] = [sim.who for sim in sims]
            for sim in sims:
                _hold(sim, action, 1)
        self.active[action.id] = ActiveAction(
            action=action, state=state, since_s=self.machine.now_s
        )

    def _restore(self, decision: Restore) -> None:
        action_id = decision.action_id
        active = self.active.pop(action_id, None)
        if active is None:
            self.violate(f"{action_id} was to be restored, but is not held")
            return
        if decision.reason is not RestoreReason.RELIEVED:
            self.resumed.add(active.action.job_key)
        for who in self._held.pop(action_id, []):
            sim = self.machine.alive(*who)
            if sim is not None:
                _hold(sim, active.action, -1)

    def _ask(self, question: Question) -> None:
        if any(each.job_key == question.job_key for each in self.questions.values()):
            self.violate(f"two questions about {question.job_key}")
        self.questions[question.id] = question

    def _living(self, targets: tuple[Identity, ...]) -> list[Sim]:
        found = (self.machine.alive(each.pid, each.start_ticks) for each in targets)
        return [sim for sim in found if sim is not None]

    # Time

    def step(self, passed_s: float, *, hurry: bool) -> None:
        """Ends go on, what has nothing left is dropped, the rush is timed."""
        for ending in list(self.endings):
            self._step_ending(ending, hurry=hurry)
        for action_id, whos in list(self._held.items()):
            if not any(self.machine.alive(*who) for who in whos):
                del self._held[action_id], self.active[action_id]
        for action_id, active in list(self.active.items()):
            old = self.machine.now_s - active.since_s > 30.0
            if active.state is ActionState.FAILED and old:
                del self.active[action_id]
        self._time_rush(passed_s)

    def _step_ending(self, ending: Ending, *, hurry: bool) -> None:
        waited_s = self.machine.now_s - ending.began_s
        kill = hurry or waited_s >= KILL_S
        for who in ending.left:
            sim = self.machine.alive(*who)
            if sim is not None and (kill or (waited_s >= TERM_S and not sim.ignores_term)):
                self.machine.die(sim)
        ending.left = [who for who in ending.left if self.machine.alive(*who)]
        if not ending.left:
            self.endings.remove(ending)
            self.active.pop(ending.action.id, None)
            self.ended.append(EndOutcome(action_id=ending.action.id, at_s=self.machine.now_s))

    def _time_rush(self, passed_s: float) -> None:
        machine = self.machine
        growth = machine.growth
        left = machine.left - 0.05 * machine.total - 0.1 * machine.swap
        is_steady = 0.5 * growth <= self._growth <= 2.0 * growth
        rushes = growth > 0 and left / growth < 30.0 and is_steady
        self._growth = growth
        growing = {sim.job for sim in machine.processes.values() if sim.rate(machine.now_s) > 0}
        for job in machine.jobs:
            if rushes and job in growing and machine.used > 0.8 * (machine.total + machine.swap):
                self.rushed_s[job] = self.rushed_s.get(job, 0.0) + passed_s
            else:
                self.rushed_s[job] = 0.0

    # Judging

    def violate(self, sentence: str) -> None:
        self.violations.append(f"at {self.machine.now_s - 1000.0:.1f} s: {sentence}")

    def _judge(self, action: Action, policy: ProtectPolicy) -> None:
        if not action.targets:
            self.violate(f"{action.rung} without a target")
        for sim in self._living(action.targets):
            if sim.protected or sim.pid in self.machine.foreground:
                self.violate(f"{action.rung} on {sim.name} {sim.pid}, which is protected")
            if sim.leads and action.rung is not Rung.SLOW_DOWN and self._has_workers(sim):
                self.violate(f"{action.rung} on {sim.name} {sim.pid}, the parent of a run")
            if sim.tied and action.rung is Rung.PAUSE:
                self.violate(f"a pause of {sim.name} {sim.pid}, which has a window")
        if action.rung is Rung.END and not action.dry_run:
            self._judge_end(action, policy)

    def _has_workers(self, sim: Sim) -> bool:
        below = [each for each in self.machine.processes.values() if each.ppid == sim.pid]
        return 4.0 * sum(each.rss for each in below) > sim.rss

    def _judge_end(self, action: Action, policy: ProtectPolicy) -> None:
        if action.reason is ProtectReason.ASKED:
            return
        machine = self.machine
        if action.reason is ProtectReason.MEMORY_FLOOR:
            self._judge_floor(action, policy)
        elif not _was_paused(self.done, action):
            self.violate(f"{action.title} was ended and never paused: {action.reason}")
        recent = [at_s for at_s, _ in self.ends if machine.now_s - at_s < WINDOW_S]
        if len(recent) >= ENDS_ALLOWED:
            self.violate(f"the breaker let a {len(recent) + 1}th end through")
        for _, before in self.ends:
            if before.resource is Resource.MEMORY:
                self._judge_memory_back(before)

    def _judge_floor(self, action: Action, policy: ProtectPolicy) -> None:
        memory = self.machine.reading().memory
        limits = policy.limits
        if 100.0 - memory.used_percent > limits.memory_floor_percent:
            self.violate(f"{action.title} was ended with memory left")
        if memory.swap_free_bytes > memory.swap_total_bytes * limits.swap_floor_percent / 100.0:
            self.violate(f"{action.title} was ended with swap left")
        pausable = [sim for sim in self._living(action.targets) if not sim.tied]
        worth = 0.1 * self.machine.growth  # what hardly grows is no reason to pause it
        running = [
            sim for sim in pausable if not sim.paused and sim.rate(self.machine.now_s) > worth
        ]
        had_s = self.rushed_s.get(action.job_key, 0.0)
        may_pause = Rung.PAUSE not in self.refuses and action.job_key not in self.resumed
        if running and had_s > HAD_TIME_S and may_pause:
            self.violate(f"{action.title} could have been paused for {had_s:.1f} s")

    def _judge_memory_back(self, before: Action) -> None:
        """Every victim of an earlier end is gone and half of its memory is back."""
        for target in before.targets:
            who = (target.pid, target.start_ticks)
            if self.machine.alive(*who):
                self.violate(f"a second end while {before.title} {target.pid} is still there")
            corpse = next((each for each in self.machine.corpses if each.who == who), None)
            if corpse is not None and not self._is_settled(corpse):
                self.violate(f"a second end before the memory of {before.title} was back")

    def _is_settled(self, corpse: Corpse) -> bool:
        long_gone = self.machine.now_s - corpse.ended_s >= GONE_LONG_S
        return corpse.is_back or long_gone


def _was_paused(done: list[Decision], action: Action) -> bool:
    return any(
        isinstance(each, Action) and each.rung is Rung.PAUSE and each.job_key == action.job_key
        for each in done
    )


def _hold(sim: Sim, action: Action, by: int) -> None:
    if action.rung is Rung.PAUSE:
        sim.paused += by
    elif action.resource is Resource.MEMORY:
        sim.slowed += by
        sim.throttled += by
    else:
        sim.slowed += by

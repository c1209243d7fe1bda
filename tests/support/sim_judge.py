"""Judges each decision by the truth about the machine that is not there."""

import dataclasses
from typing import Protocol

from omnitray.base.facts import ProcessIdentity, ProtectState, Resource
from omnitray.base.policy import JobRule, ProtectPolicy
from omnitray.protector.model import (
    Action,
    ActionState,
    ActiveAction,
    Alarm,
    Decision,
    EscalationStep,
    ProtectReason,
    Question,
)
from support.scenes import UID
from support.sim_machine import Corpse, Sim, SimMachine

HAD_TIME_S = 4.0  # of a steady rush to the floor: enough to see and to pause
QUIET_S = 15.0
GONE_LONG_S = 10.0
WINDOW_S = 600.0
ENDS_ALLOWED = 3
_JUST_S = 1.0
INNOCENT_BESIDE = 0.05  # of what the largest cause has grown by
WORTH_GROWTH = 4 << 20
FLOOR_USED_PERCENT = 95.0
KILL_S = 10.0
_HURRIED_S = 0.25  # at half the floor, until it is looked at again
_SEEN_EARLIER_S = 4.0  # memory of others that comes back meanwhile cannot be told apart
_UNANSWERED = {ProtectReason.CPU_UNANSWERED, ProtectReason.MEMORY_UNANSWERED}


@dataclasses.dataclass
class Ending:
    """An end under way."""

    action: Action
    began_s: float
    left: list[tuple[int, int]]
    left_bytes: float  # of memory, when it began


class Done(Protocol):
    """What was done so far (``sim_levers.SimLevers``)."""

    active: dict[str, ActiveAction]
    done: list[Decision]
    ends: list[tuple[float, Action]]
    endings: list[Ending]
    resumed: set[str]
    undone: dict[tuple[str, EscalationStep], float]


class SimJudge:
    """Collects what went wrong; ``refuses`` are the steps that this machine never does."""

    def __init__(
        self, machine: SimMachine, levers: Done, refuses: frozenset[EscalationStep]
    ) -> None:
        self.machine = machine
        self.violations: list[str] = []
        self.rules: tuple[JobRule, ...] = ()
        self.rushed_s: dict[str, float] = {}  # by job: unpaused while the floor came near
        self.sleeps: list[tuple[float, float]] = []  # until when, for how long
        self._levers = levers
        self._refuses = refuses
        self._growth = 0.0
        self._kernel_kills = 0
        self._low_s = float("inf")
        self._was: tuple[float, int] = (0.0, 0)  # left and available, a step ago
        self._asked: set[str] = set()
        self._anyway: set[tuple[int, int]] = set()  # what the person may have ended by a word
        self._regrown: set[tuple[int, int]] = set()  # as large as before, at once
        self._siblings: dict[str, int] = {}  # by action: how many like the victim there were
        self._paused_s: dict[str, float] = {}  # by job: when, in time awake

    def violate(self, sentence: str) -> None:
        """A rule was broken."""
        self.violations.append(f"at {self.machine.now_s - 1000.0:.1f} s: {sentence}")

    @property
    def slept_s(self) -> float:
        """Time spent asleep."""
        return sum(seconds for _, seconds in self.sleeps)

    def awake_since(self, at_s: float) -> float:
        """Time since then, without that spent asleep."""
        slept_s = sum(seconds for until_s, seconds in self.sleeps if until_s > at_s)
        return self.machine.now_s - at_s - slept_s

    @property
    def awake_s(self) -> float:
        """Time, without that spent asleep."""
        return self.machine.now_s - self.slept_s

    def action(self, action: Action, policy: ProtectPolicy) -> None:
        """Just before it is done."""
        if not action.targets:
            self.violate(f"{action.step} without a target")
        if action.dry_run is not (policy.state is ProtectState.WATCH):
            self.violate(f"{action.step} of {action.title}: dry run is {action.dry_run}")
        for sim in self._living(action.targets):
            self._victim(sim, action)
        undone_s = self._levers.undone.get((action.job_key, action.step))
        asked = action.reason is ProtectReason.ASKED
        if undone_s is not None and not asked and self.machine.now_s - undone_s < WINDOW_S:
            self.violate(f"{action.step} of {action.title}, which the person has just undone")
        if action.step is not EscalationStep.END and self._is_held_up(action):
            self.violate(f"{action.step} of {action.title}, which is being ended")
        if action.step is EscalationStep.PAUSE and not asked:
            self._pause(action, policy)
        if action.step is EscalationStep.END and not action.dry_run and not asked:
            self._end(action, policy)

    def _is_ending(self, job_key: str) -> bool:
        return any(each.action.job_key == job_key for each in self._levers.endings)

    def _is_held_up(self, action: Action) -> bool:
        """Whether it stands in the way of an end; the rest of a job may grow and be paused."""
        if (action.step, action.resource) != (EscalationStep.PAUSE, Resource.MEMORY):
            return self._is_ending(action.job_key)
        ending = {who for each in self._levers.endings for who in each.left}
        return any((each.pid, each.start_ticks) in ending for each in action.targets)

    def asked(self, questions: list[Question]) -> None:
        """What the person is asked now."""
        active = [each for each in self._levers.active.values() if each.state != "failed"]
        held = {each.action.job_key for each in active}
        failed = [each for each in self._levers.active.values() if each.state == "failed"]
        refused = {each.action.job_key for each in failed if each.action.resource is Resource.CPU}
        for question in questions:
            if question.resource is not Resource.MEMORY and self._is_ending(question.job_key):
                self.violate(f"a question about {question.title}, which is being ended")
            elif question.cause is not None:
                self._about_cause(question)
            elif question.reason is ProtectReason.LAST_RESORT:
                used = self.machine.reading().memory.used_percent
                if question.id not in self._asked and used < FLOOR_USED_PERCENT:
                    self.violate(f"a question to end {question.title} with memory left")
            elif question.job_key not in held | refused and question.id not in self._asked:
                self.violate(f"a question about {question.title}, of which nothing is held")
            self._asked.add(question.id)

    def _about_cause(self, question: Question) -> None:
        """Only a person's own process is offered, and of its job the one that grows."""
        for sim in self._living(question.targets):
            self._anyway.add((sim.pid, sim.start))
            if sim.uid != UID:
                self.violate(f"a question to end {question.title}, which is somebody else's")
            job = self._family(sim)
            if question.id not in self._asked and sim.rss < max(each.rss for each in job) / 4:
                self.violate(f"a question to end {sim.name} {sim.pid}, which is not what grows")

    def watching(self) -> None:
        """It only watches since a while."""
        if any(each.state is ActionState.HELD for each in self._levers.active.values()):
            self.violate("something is held while only watching")

    def _victim(self, sim: Sim, action: Action) -> None:
        who = f"{action.step} on {sim.name} {sim.pid}"
        asked_for = action.reason is ProtectReason.ASKED and action.step is EscalationStep.END
        wanted = asked_for and (sim.pid, sim.start) in self._anyway
        if not wanted and (sim.protected or sim.pid in self.machine.foreground):
            self.violate(f"{who}, which is protected")
        if self._forbids(sim.job, action.step):
            self.violate(f"{who}, which a rule forbids")
        on_disk = action.resource is Resource.DISK and action.reason is not ProtectReason.ASKED
        if on_disk and not any(each.write_bps for each in self._family(sim)):
            self.violate(f"{who}, which writes nothing")
        if sim.leads and action.step is not EscalationStep.SLOW_DOWN and self._has_workers(sim):
            self.violate(f"{who}, the parent of a run")
        asked = action.reason is ProtectReason.ASKED
        ends = action.step is EscalationStep.END and not asked
        if sim.tied and (ends or action.step is EscalationStep.PAUSE):
            self.violate(f"{who}, which has a window")
        is_cpu = action.resource is Resource.CPU and action.step is EscalationStep.SLOW_DOWN
        if sim.light and is_cpu and not asked:
            self.violate(f"{who}, which takes little and must not wait")
        if ends and action.reason is ProtectReason.MEMORY_FLOOR and self._is_innocent(action):
            self.violate(f"{who}, which is not the cause")
        memory_pause = action.step is EscalationStep.PAUSE and action.resource is Resource.MEMORY
        if memory_pause and not asked and self._parent_grows(sim):
            self.violate(f"{who}, which is steady while its parent grows")

    def _family(self, sim: Sim) -> list[Sim]:
        return [each for each in self.machine.processes.values() if each.job == sim.job]

    def _parent_grows(self, sim: Sim) -> bool:
        """Whether the growth of its family is its parent's alone."""
        now_s, parent = self.machine.now_s, self.machine.processes.get(sim.ppid)
        if parent is None or parent.job != sim.job or parent.paused:
            return False
        family = [each for each in self.machine.processes.values() if each.ppid == sim.ppid]
        steady = all(each.rss <= each.first_rss for each in family)
        return steady and parent.rate(now_s) > WORTH_GROWTH and parent.rss > 2 * parent.first_rss

    def _is_innocent(self, action: Action) -> bool:
        """Whether the job has held what it holds all the time while another one grew."""
        grown = self.machine.grown()
        coming = (each.grown for each in self.machine.corpses if not each.is_back)
        largest = max((*grown.values(), *coming), default=0.0)
        tells = largest > INNOCENT_BESIDE * self.machine.total
        return tells and grown.get(action.job_key, 0.0) < INNOCENT_BESIDE * largest

    def _has_workers(self, sim: Sim) -> bool:
        below = [each for each in self.machine.processes.values() if each.ppid == sim.pid]
        return 4.0 * sum(each.rss for each in below) > sim.rss

    def _pause(self, action: Action, policy: ProtectPolicy) -> None:
        active = (each.action for each in self._levers.active.values())
        if not any((e.job_key, e.step) == (action.job_key, EscalationStep.PAUSE) for e in active):
            self._paused_s[action.job_key] = self.awake_s
        starves = action.reason is ProtectReason.CPU_STARVES
        if starves and not policy.limits.cpu_pause_after_s:
            self.violate(f"{action.title} was paused for want of an answer in {policy.mode}")

    def _end(self, action: Action, policy: ProtectPolicy) -> None:
        if action.reason in _UNANSWERED:
            self._unanswered(action, policy)
        else:
            self._floor(action, policy)
        ends = self._levers.ends
        recent = [at_s for at_s, _ in ends if self.awake_since(at_s) < WINDOW_S]
        if len(recent) >= ENDS_ALLOWED:
            self.violate(f"the breaker let a {len(recent) + 1}th end through")
        for _, before in ends:
            if before.resource is Resource.MEMORY:
                self._before(before)
        self._siblings[action.id] = self._alike(action)

    def _unanswered(self, action: Action, policy: ProtectPolicy) -> None:
        limits = policy.limits
        is_cpu = action.reason is ProtectReason.CPU_UNANSWERED
        after_s = limits.cpu_end_after_s if is_cpu else limits.memory_end_after_s
        if not after_s:
            self.violate(f"{action.title} was ended for want of an answer in {policy.mode}")
        undone_s = self._levers.undone.get((action.job_key, EscalationStep.PAUSE))
        if undone_s is not None and self.machine.now_s - undone_s < WINDOW_S:
            self.violate(f"{action.title} was ended unanswered; its pause was undone")
        paused_s = self._paused_s.get(action.job_key)
        if paused_s is None:
            self.violate(f"{action.title} was ended and never paused: {action.reason}")
        elif self.awake_s - paused_s < after_s - _JUST_S:
            self.violate(f"{action.title} was ended after {self.awake_s - paused_s:.1f} s")
        if not is_cpu and self.machine.reading().memory.used_percent < 20.0:
            self.violate(f"{action.title} was ended though there is plenty")

    def _forbids(self, job: str, step: EscalationStep) -> bool:
        return any(step in each.never and job in each.words for each in self.rules)

    def _floor(self, action: Action, policy: ProtectPolicy) -> None:
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
        may_pause = (
            EscalationStep.PAUSE not in self._refuses
            and action.job_key not in self._levers.resumed
            and not any(self._forbids(sim.job, EscalationStep.PAUSE) for sim in running)
        )
        if running and had_s > HAD_TIME_S and may_pause:
            self.violate(f"{action.title} could have been paused for {had_s:.1f} s")

    def _before(self, before: Action) -> None:
        """Every victim of an earlier end is gone, its memory is back, and it was quiet since."""
        for target in before.targets:
            who = (target.pid, target.start_ticks)
            if self.machine.alive(*who):
                self.violate(f"a second end while {before.title} {target.pid} is still there")
            corpse = self.machine.dead.get(who)
            if corpse is not None:
                self._corpse(before, corpse)

    def _corpse(self, before: Action, corpse: Corpse) -> None:
        since_s = self.awake_since(corpse.ended_s)
        if not (corpse.is_back or since_s >= GONE_LONG_S):
            self.violate(f"a second end before the memory of {before.title} was back")
        quiet_from_s = min(corpse.back_after_s, GONE_LONG_S) - _SEEN_EARLIER_S
        if since_s < max(0.0, quiet_from_s) + QUIET_S:
            self.violate(f"a second end {since_s:.1f} s after {before.title} was gone")
        alone = len(before.targets) == 1 and not self.machine.killed_by_kernel
        if alone and corpse.shares and since_s < WINDOW_S:
            self.violate(f"an end after that of {before.title} had freed nothing")
        again = corpse.again
        is_there = again is not None and again.who in self._regrown
        if since_s >= WINDOW_S:
            return  # half-open again
        if alone and is_there and self._alike(before) >= self._siblings.get(before.id, 0):
            self.violate(f"an end after {before.title} was respawned at once")

    def _alike(self, action: Action) -> int:
        """How many of the job's processes there are; the breaker counts those of one parent."""
        return sum(sim.job == action.job_key for sim in self.machine.processes.values())

    def _living(self, targets: tuple[ProcessIdentity, ...]) -> list[Sim]:
        found = (self.machine.alive(each.pid, each.start_ticks) for each in targets)
        return [sim for sim in found if sim is not None]

    def hurried(self, ending: Ending, passed_s: float) -> None:
        """It is killed before its time: memory is nearly used up, or falls too fast to wait.

        That was decided by what was so a step ago.
        """
        left, available = self._was
        waited_s = self.awake_since(ending.began_s) - passed_s
        half_floor = 0.025 * self.machine.total
        if waited_s >= KILL_S or available <= half_floor or not self._ignoring(ending):
            return
        fallen_bps = (ending.left_bytes - left) / max(0.01, waited_s)
        if left - 2.0 * fallen_bps * (KILL_S - waited_s) >= half_floor:
            self.violate(f"{ending.action.title} got {waited_s:.1f} s to end, with enough left")

    def kernel(self) -> None:
        """The kernel ends nothing while what was told to end is given time."""
        new = self.machine.killed_by_kernel[self._kernel_kills :]
        self._kernel_kills = len(self.machine.killed_by_kernel)
        self._named(new)
        for ending in self._levers.endings if new else ():
            waited_s = self.awake_since(max(ending.began_s, self._low_s))
            if waited_s > _HURRIED_S and self._ignoring(ending):
                self.violate(f"{ending.action.title} got {waited_s:.1f} s to end, too long")

    def _named(self, killed: list[Sim]) -> None:
        """A cause that may not be touched was named before memory ran out."""
        alarms = [each for each in self._levers.done if isinstance(each, Alarm)]
        named = {each.cause.job_key for each in alarms if each.cause}
        for sim in killed:
            is_cause = sim.rss - sim.first_rss > 0.2 * self.machine.total
            job = [sim, *(e for e in self.machine.processes.values() if e.job == sim.job)]
            untouchable = all(each.protected or each.tied for each in job)
            if is_cause and untouchable and sim.job not in named:
                self.violate(f"memory ran out, and {sim.job} was not named")

    def _ignoring(self, ending: Ending) -> bool:
        """Whether something that was told to end has not yet been killed."""
        return any(who not in self.machine.hanging for who in ending.left)

    def look(self) -> None:
        """Remember what is left now, and since when that is under half the floor."""
        available = self.machine.reading().memory.available_bytes
        if available > 0.025 * self.machine.total:
            self._low_s = float("inf")
        else:
            self._low_s = min(self._low_s, self.machine.now_s)
        self._was = self.machine.left, available
        for corpse in self.machine.corpses:
            again = corpse.again
            soon = self.machine.now_s - corpse.ended_s < GONE_LONG_S - _SEEN_EARLIER_S
            if soon and again is not None and again.rss >= 0.75 * corpse.size:
                self._regrown.add(again.who)

    def time_rush(self, passed_s: float) -> None:
        """How long a job has grown steadily towards the floor without being paused."""
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

"""Carries decisions out on the machine that is not there."""

from omnitray.base.facts import ProcessIdentity, Resource
from omnitray.base.policy import ProtectPolicy
from omnitray.protector.model import (
    Action,
    ActionState,
    ActiveAction,
    Alarm,
    Decision,
    EndOutcome,
    EscalationStep,
    ProtectReason,
    Question,
    Restore,
    RestoreReason,
    UndoneByUser,
    Withdrawn,
)
from support.sim_judge import KILL_S, Ending, SimJudge
from support.sim_machine import Sim, SimMachine

TERM_S = 0.05


class SimLevers:
    """What is in force, what went wrong."""

    def __init__(
        self, machine: SimMachine, *, refuses: frozenset[EscalationStep] = frozenset()
    ) -> None:
        self.machine = machine
        self.refuses = refuses
        self.active: dict[str, ActiveAction] = {}
        self.endings: list[Ending] = []
        self.ended: list[EndOutcome] = []
        self.judge = SimJudge(machine, self, refuses)
        self.done: list[Decision] = []
        self.ends: list[tuple[float, Action]] = []
        self.questions: dict[str, Question] = {}
        self.resumed: set[str] = set()  # jobs that the person wants to run
        self.undone: dict[tuple[str, EscalationStep], float] = {}  # by the person, when
        self._held: dict[str, list[tuple[int, int]]] = {}

    # Doing

    def carry_out(self, decisions: list[Decision], policy: ProtectPolicy) -> list[Action]:
        """Each in its turn; answers with what was refused."""
        before = set(self.active)
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
        new = [each for key, each in self.active.items() if key not in before]
        return [each.action for each in new if each.state is ActionState.FAILED]

    def shown(self, open_ids: set[str]) -> None:
        """Only these questions reach the person; each is about something that is held."""
        self.questions = {key: each for key, each in self.questions.items() if key in open_ids}
        self.judge.asked(list(self.questions.values()))

    def _act(self, action: Action, policy: ProtectPolicy) -> None:
        if action.step is EscalationStep.TELL:
            return
        self.judge.action(action, policy)
        if action.dry_run or action.step in self.refuses:
            state = ActionState.WATCHED if action.dry_run else ActionState.FAILED
            self.active[action.id] = ActiveAction(
                action=action, state=state, since_s=self.machine.now_s
            )
            return
        sims = self._living(action.targets)
        state = ActionState.HELD
        if action.step is EscalationStep.END:
            state = ActionState.ENDING
            if action.reason is not ProtectReason.ASKED:
                self.ends.append((self.machine.now_s, action))
            left = [sim.who for sim in sims]
            self.endings.append(Ending(action, self.machine.now_s, left, self.machine.left))
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
            self.judge.violate(f"{action_id} was to be restored, but is not held")
            return
        if decision.reason is not RestoreReason.RELIEVED:
            self.resumed.add(active.action.job_key)
        for who in self._held.pop(action_id, []):
            sim = self.machine.alive(*who)
            if sim is not None:
                _hold(sim, active.action, -1)

    def take_back(self) -> tuple[UndoneByUser, ...]:
        """The person undoes the newest thing that is held."""
        held = [each for each in self.active.values() if each.state is ActionState.HELD]
        if not held:
            return ()
        action = held[-1].action
        self._restore(Restore(action_id=action.id, reason=RestoreReason.PERSON))
        self.undone[action.job_key, action.step] = self.machine.now_s
        return (UndoneByUser(job_key=action.job_key, step=action.step),)

    def _ask(self, question: Question) -> None:
        if any(each.job_key == question.job_key for each in self.questions.values()):
            self.judge.violate(f"two questions about {question.job_key}")
        self.questions[question.id] = question

    def _living(self, targets: tuple[ProcessIdentity, ...]) -> list[Sim]:
        found = (self.machine.alive(each.pid, each.start_ticks) for each in targets)
        return [sim for sim in found if sim is not None]

    # Time

    def step(self, passed_s: float, *, hurry: bool) -> None:
        """Ends go on, what has nothing left is dropped, the rush is timed."""
        self.judge.kernel()
        for ending in list(self.endings):
            if hurry and ending.action.reason is not ProtectReason.ASKED:
                self.judge.hurried(ending, passed_s)
            self._step_ending(ending, hurry=hurry)
        self.judge.look()
        for action_id, whos in list(self._held.items()):
            if not any(self.machine.alive(*who) for who in whos):
                del self._held[action_id], self.active[action_id]
        for action_id, active in list(self.active.items()):
            old = self.machine.now_s - active.since_s > 30.0
            if active.state is ActionState.FAILED and old:
                del self.active[action_id]
        self.judge.time_rush(passed_s)

    def _step_ending(self, ending: Ending, *, hurry: bool) -> None:
        waited_s = self.machine.now_s - ending.began_s
        kill = hurry or waited_s >= KILL_S
        for who in ending.left:
            sim = self.machine.alive(*who)
            if sim is not None and (kill or (waited_s >= TERM_S and not sim.ignores_term)):
                self.machine.kill(sim)
        ending.left = [who for who in ending.left if self.machine.alive(*who)]
        if not ending.left:
            self.endings.remove(ending)
            self.active.pop(ending.action.id, None)
            self.ended.append(EndOutcome(action_id=ending.action.id, at_s=self.machine.now_s))


def _hold(sim: Sim, action: Action, by: int) -> None:
    if action.step is EscalationStep.PAUSE:
        sim.paused += by
    elif action.resource is Resource.MEMORY:
        sim.slowed += by
        sim.throttled += by
    elif action.resource is Resource.DISK:
        sim.waits += by
    else:
        sim.slowed += by

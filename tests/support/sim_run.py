"""One run: the guard, the protector and the levers on the machine that is not there."""

import dataclasses
from collections.abc import Callable

from omnitray.core.deciding.identity import Rung
from omnitray.core.deciding.protection import Action, Question, Reply
from omnitray.core.deciding.protector import ResourceProtector
from omnitray.core.facts import Mode, ProtectState
from omnitray.core.policy import ProtectPolicy
from omnitray.core.protection_view import Answer
from omnitray.core.watching.guard import Guard
from support.sim_levers import SimLevers
from support.sim_machine import SimMachine

Answering = Callable[[Question], Answer | None]


@dataclasses.dataclass
class Outcome:
    """What came of a run."""

    machine: SimMachine
    levers: SimLevers
    protector: ResourceProtector
    decided: int = 0

    @property
    def violations(self) -> list[str]:
        return self.levers.violations

    @property
    def actions(self) -> list[Action]:
        return [each for each in self.levers.done if isinstance(each, Action)]

    def rungs(self, job: str | None = None) -> set[Rung]:
        return {each.rung for each in self.actions if job in {None, each.job_key}}


def run(
    machine: SimMachine,
    *,
    mode: Mode = Mode.DEV,
    seconds: float = 120.0,
    answering: Answering = lambda _question: None,
    refuses: frozenset[Rung] = frozenset(),
    state: ProtectState = ProtectState.ON,
    ends: bool = True,
) -> Outcome:
    """Let it run; then switch protection off and see that everything is given back."""
    policy = ProtectPolicy(mode=mode, state=state)
    outcome = Outcome(machine, SimLevers(machine, refuses=refuses), ResourceProtector("sim"))
    guard = Guard()
    until_s = machine.now_s + seconds
    while machine.now_s < until_s:
        delay_s = _turn(outcome, guard, policy, answering)
        if outcome.levers.endings:
            delay_s = min(delay_s, 0.1)
        machine.advance(delay_s)
        outcome.levers.step(delay_s, hurry=outcome.protector.hurries)
    if ends:
        _switch_off(outcome, policy)
    return outcome


def _turn(outcome: Outcome, guard: Guard, policy: ProtectPolicy, answering: Answering) -> float:
    machine, levers = outcome.machine, outcome.levers
    reading = machine.reading()
    step = guard.observe(reading, policy, held=bool(levers.active))
    active = tuple(levers.active.values())
    replies = _replies(levers, answering)
    ended, levers.ended = tuple(levers.ended), []
    facts = machine.facts(
        scanned=step.wants_scan or bool(replies),
        memory_forecast=step.forecast,
        active=active,
        ended=ended,
        replies=replies,
    )
    decisions = outcome.protector.decide(facts, policy, machine.now_s)
    outcome.decided += 1
    levers.carry_out(decisions, policy)
    if any(isinstance(each, Action) and each.rung in {Rung.PAUSE, Rung.END} for each in decisions):
        guard.acted()
    return step.delay_s


def _replies(levers: SimLevers, answering: Answering) -> tuple[Reply, ...]:
    replies = []
    for question in levers.questions.values():
        answer = answering(question)
        if answer is not None:
            reply = Reply(job_key=question.job_key, answer=answer, question_id=question.id)
            replies.append(reply)
    return tuple(replies)


def _switch_off(outcome: Outcome, policy: ProtectPolicy) -> None:
    machine, levers = outcome.machine, outcome.levers
    off = ProtectPolicy(mode=policy.mode, state=ProtectState.OFF)
    active = tuple(levers.active.values())
    facts = machine.facts(active=active)
    levers.carry_out(outcome.protector.decide(facts, off, machine.now_s), off)
    for sim in machine.processes.values():
        if sim.paused or sim.slowed or sim.throttled:
            levers.violate(f"{sim.name} {sim.pid} was left held")
    if levers.questions:
        levers.violate("a question was left open")

"""One run: the guard, the protector and the levers on the machine that is not there."""

import dataclasses
from collections.abc import Callable, Iterable

import msgspec

from omnitray.base.facts import Forecast, LastResort, Mode, ProtectState
from omnitray.base.policy import JobRule, ProtectPolicy
from omnitray.protector.forecast import DiskForecaster
from omnitray.protector.guard import Guard
from omnitray.protector.model import (
    Action,
    EscalationStep,
    ProtectReason,
    Question,
    Reply,
    UndoneByUser,
)
from omnitray.protector.protector import ResourceProtector
from omnitray.protector.view import Answer
from support.sim_levers import SimLevers
from support.sim_machine import SimMachine

Answering = Callable[[Question], Answer | None]
CALM_S, RESUMED_S = 60.0, 10.0  # paused ones are resumed one by one
_AT_ONCE_S = 6.0
_SNAPSHOT_S = 5.0


@dataclasses.dataclass(frozen=True)
class Event:
    """What the person does, or the machine, ``at_s`` into a run."""

    at_s: float
    mode: Mode | None = None
    state: ProtectState | None = None
    undoes: bool = False
    sleeps_s: float = 0.0


@dataclasses.dataclass
class Outcome:
    """What came of a run."""

    machine: SimMachine
    levers: SimLevers
    protector: ResourceProtector
    policy: ProtectPolicy
    decided: int = 0
    guard: Guard = dataclasses.field(default_factory=Guard)
    taken_back: tuple[UndoneByUser, ...] = ()
    switched_s: float = float("-inf")
    disk_forecaster: DiskForecaster = dataclasses.field(default_factory=DiskForecaster)
    disk_forecasts: tuple[Forecast, ...] = ()
    disk_looked_s: float = float("-inf")

    @property
    def violations(self) -> list[str]:
        return self.levers.judge.violations

    @property
    def actions(self) -> list[Action]:
        return [each for each in self.levers.done if isinstance(each, Action)]

    def steps(self, job: str | None = None) -> set[EscalationStep]:
        return {each.step for each in self.actions if job in {None, each.job_key}}


def run(  # noqa: PLR0913 - what a machine may meet
    machine: SimMachine,
    *,
    mode: Mode = Mode.DEV,
    seconds: float = 120.0,
    answering: Answering = lambda _question: None,
    refuses: frozenset[EscalationStep] = frozenset(),
    state: ProtectState = ProtectState.ON,
    events: Iterable[Event] = (),
    ends: bool = True,
    last_resort: LastResort = LastResort.ASK,
    rules: tuple[JobRule, ...] = (),
) -> Outcome:
    """Let it run; then let it be calm, switch off, and see that everything is given back."""
    policy = ProtectPolicy(mode=mode, state=state, last_resort=last_resort, rules=rules)
    levers = SimLevers(machine, refuses=refuses)
    levers.judge.rules = rules
    outcome = Outcome(machine, levers, ResourceProtector("sim"), policy)
    waiting = sorted(events, key=lambda each: each.at_s)
    began_s = machine.now_s
    while machine.now_s - levers.judge.slept_s - began_s < seconds:
        while waiting and machine.now_s - levers.judge.slept_s - began_s >= waiting[0].at_s:
            _happens(outcome, waiting.pop(0))
        _step(outcome, answering)
    if ends:
        _calm(outcome)
        _switch_off(outcome)
    return outcome


def _happens(outcome: Outcome, event: Event) -> None:
    policy = outcome.policy
    outcome.policy = msgspec.structs.replace(
        policy, mode=event.mode or policy.mode, state=event.state or policy.state
    )
    if event.state is not None:
        outcome.switched_s = outcome.machine.now_s
    if event.undoes:
        outcome.taken_back += outcome.levers.take_back()
    if event.sleeps_s:
        outcome.machine.sleep(event.sleeps_s)
        outcome.levers.judge.sleeps.append((outcome.machine.now_s, event.sleeps_s))


def _step(outcome: Outcome, answering: Answering) -> None:
    machine, levers = outcome.machine, outcome.levers
    delay_s = _turn(outcome, answering)
    if levers.endings:
        delay_s = min(delay_s, 0.1)
    machine.advance(delay_s)
    levers.step(delay_s, hurry=outcome.protector.hurries)
    watches = outcome.policy.state is ProtectState.WATCH
    if watches and machine.now_s - outcome.switched_s > _AT_ONCE_S:
        levers.judge.watching()


def _turn(outcome: Outcome, answering: Answering) -> float:
    machine, levers, policy = outcome.machine, outcome.levers, outcome.policy
    reading = machine.reading()
    step = outcome.guard.observe(reading, policy, held=bool(levers.active))
    active = tuple(levers.active.values())
    replies = _replies(levers, answering)
    ended, levers.ended = tuple(levers.ended), []
    taken_back, outcome.taken_back = outcome.taken_back, ()
    facts = machine.facts(
        scanned=step.wants_scan or bool(replies) or outcome.protector.disk_in_danger,
        memory_forecast=step.forecast,
        disk_forecasts=_disk_forecasts(outcome),
        active=active,
        ended=ended,
        replies=replies,
        taken_back=taken_back,
    )
    decisions = outcome.protector.decide(facts, policy, machine.now_s)
    outcome.decided += 1
    for action in levers.carry_out(decisions, policy):
        outcome.protector.refused(action)
    levers.shown({each.id for each in outcome.protector.open_questions})
    if any(
        isinstance(each, Action) and each.step in {EscalationStep.PAUSE, EscalationStep.END}
        for each in decisions
    ):
        outcome.guard.acted()
    danger = outcome.protector.disk_in_danger or outcome.machine.disk is not None
    return min(step.delay_s, 1.0) if danger else step.delay_s


def _disk_forecasts(outcome: Outcome) -> tuple[Forecast, ...]:
    """From a look at the disk every five seconds, as the monitor's snapshots come."""
    disk, now_s = outcome.machine.disk, outcome.machine.now_s
    if disk is None:
        return ()
    if now_s - outcome.disk_looked_s >= _SNAPSHOT_S:
        outcome.disk_looked_s = now_s
        outcome.disk_forecasts = outcome.disk_forecaster.add(now_s, (disk.facts,))
    return outcome.disk_forecasts


def _replies(levers: SimLevers, answering: Answering) -> tuple[Reply, ...]:
    replies = []
    for question in levers.questions.values():
        answer = answering(question)
        if answer is not None and answer in question.answers:
            reply = Reply(job_key=question.job_key, answer=answer, question_id=question.id)
            replies.append(reply)
            if answer is Answer.SLOW_DOWN:
                levers.resumed.add(question.job_key)
    return tuple(replies)


def _calm(outcome: Outcome) -> None:
    """When nothing is short any more, everything is given back that the person did not ask for."""
    machine, levers = outcome.machine, outcome.levers
    if not levers.active:
        return
    machine.calm_down()
    asked = {each.job_key for each in outcome.actions if each.reason is ProtectReason.ASKED}
    asked |= outcome.protector.kept
    until_s = machine.now_s + CALM_S + RESUMED_S * len(levers.active)
    while levers.active and machine.now_s < until_s:
        _step(outcome, lambda _question: None)
    for each in levers.active.values():
        action = each.action
        if action.reason is not ProtectReason.CPU_STARVES and action.job_key not in asked:
            levers.judge.violate(f"{action.step} of {action.title} outlived its reason")


def _switch_off(outcome: Outcome) -> None:
    machine, levers = outcome.machine, outcome.levers
    off = ProtectPolicy(mode=outcome.policy.mode, state=ProtectState.OFF)
    active = tuple(levers.active.values())
    facts = machine.facts(active=active)
    levers.carry_out(outcome.protector.decide(facts, off, machine.now_s), off)
    for sim in machine.processes.values():
        if sim.paused or sim.slowed or sim.throttled:
            levers.judge.violate(f"{sim.name} {sim.pid} was left held")
    if levers.questions:
        levers.judge.violate("a question was left open")

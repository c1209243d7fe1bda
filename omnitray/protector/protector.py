"""The protector: looks at the facts, answers with what is to be done. It touches nothing itself.

    guard reading, jobs, what is in force, replies  →  decide  →  actions, restores, questions

One call asks each policy in its turn (``policies.registry.POLICIES``; lines and times that they
share stand in ``policies.constants``, conditions in ``base.conditions``). Who is chosen is
``victims``, who never is ``exclusions``, how often something may be ended is ``circuit_breaker``.
The same facts in the same order give the same answers.
"""

from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar

from omnitray.base.conditions import is_memory_clear, used_in_memory
from omnitray.base.facts import ProtectState, Resource
from omnitray.base.policy import ProtectPolicy
from omnitray.protector import circuit_breaker
from omnitray.protector.cause import JobHistories
from omnitray.protector.context import DecisionContext
from omnitray.protector.decisions import DecisionBuilder, ProtectorState
from omnitray.protector.exclusions.common import ProgramTables
from omnitray.protector.exclusions.programs import LINUX
from omnitray.protector.exclusions.rules import ExclusionRules
from omnitray.protector.model import (
    Action,
    Decision,
    EscalationStep,
    ExclusionReason,
    Facts,
    Question,
)
from omnitray.protector.policies import constants
from omnitray.protector.policies.registry import POLICIES
from omnitray.protector.policies.restore import switch_off
from omnitray.protector.view import BreakerState

_Key = TypeVar("_Key", bound=Hashable)


class ResourceProtector:
    """Decides. For one thread; ``run`` goes into ids, so that no two runs share one.

    ``programs`` are the platform's protected ones, ``home`` the person's folder, ``resolve`` says
    where a link leads.
    """

    def __init__(
        self,
        run: str,
        *,
        programs: ProgramTables = LINUX,
        home: str = "",
        resolve: Callable[[str], str] = str,
    ) -> None:
        self._protection = ExclusionRules(programs, home, resolve)
        self._histories = JobHistories()
        self._state = ProtectorState(run)
        self._policies = tuple(policy(self._state) for policy in POLICIES)
        self._last_s: float | None = None
        self._hurries = False

    @property
    def breaker(self) -> circuit_breaker.BreakerRecord:
        """The circuit breaker on ends."""
        return self._state.breaker

    @property
    def open_questions(self) -> tuple[Question, ...]:
        """What is being asked."""
        return tuple(self._state.questions.values())

    @property
    def kept(self) -> frozenset[str]:
        """The jobs that stay paused until the person says otherwise."""
        return frozenset(self._state.kept)

    @property
    def run(self) -> str:
        """What stands in ids before their number."""
        return self._state.run

    @property
    def next_number(self) -> int:
        """The number of the next decision."""
        return self._state.next_number

    def start_numbers_at(self, number: int) -> None:
        """Give the next decision this number: a replay names things as the run did."""
        self._state.next_number = number

    @property
    def disk_in_danger(self) -> bool:
        """Whether a disk is nearly full and fills: its writers have to be looked for."""
        return bool(self._state.disks_in_danger)

    @property
    def disks_in_danger(self) -> frozenset[str]:
        """The mounts of those."""
        return frozenset(self._state.disks_in_danger)

    @property
    def hurries(self) -> bool:
        """Whether an end under way has had its time for TERM: memory still falls."""
        return self._hurries

    def excluded_jobs(self, now_s: float) -> dict[str, ExclusionReason]:
        """The jobs that the person has taken out since the start, by key."""
        state = self._state
        excluded = dict.fromkeys(_not_yet(state.left_alone, now_s), ExclusionReason.LEFT_ALONE)
        return excluded | dict.fromkeys(state.never, ExclusionReason.PERSON)

    def refused(self, action: Action) -> None:
        """The system refused this pause: what was to be asked about it is not asked."""
        question = self._state.questions.get(action.job_key)
        if question is not None and _asks_about(question, action):
            del self._state.questions[action.job_key]

    def allow(self, job_key: str | None) -> None:
        """The person protects this job no longer (None: none; their list alone counts)."""
        keys = list(self._state.never) if job_key is None else [job_key]
        for key in keys:
            self._state.never.discard(key)
            self._state.left_alone.pop(key, None)

    def decide(self, facts: Facts, policy: ProtectPolicy, now_s: float) -> list[Decision]:
        """What is to be done now."""
        self._pass_time(facts, policy, now_s)
        for each in facts.taken_back:
            until_s = now_s + constants.TAKEN_BACK_S
            self._state.taken_back[each.job_key, each.step] = until_s
            if each.title:
                self._state.taken_back_like[each.title, each.step] = until_s
        context = self.context(facts, policy, now_s)
        if policy.state is ProtectState.OFF:
            return switch_off(context, self._state)
        decisions = self._step_breaker(context)
        for asked in self._policies:
            decisions += asked.decide(context)
        return decisions

    def context(self, facts: Facts, policy: ProtectPolicy, now_s: float) -> DecisionContext:
        """The moment as it is decided about; for explanations too, as it changes nothing."""
        state = self._state
        steps = dict.fromkeys(_not_yet(state.taken_back, now_s), ExclusionReason.TAKEN_BACK)
        # What is typed again, or runs several times, is another job and the same to a person.
        steps |= {
            (job.key, step): ExclusionReason.TAKEN_BACK
            for title, step in _not_yet(state.taken_back_like, now_s)
            for job in facts.jobs
            if job.title == title
        }
        let_run = _not_yet(state.let_run, now_s)
        steps |= {(key, EscalationStep.PAUSE): ExclusionReason.LEFT_ALONE for key in let_run}
        handed_out = {
            key for key, at_s in state.handed_out.items() if now_s - at_s < constants.HANDED_OUT_S
        }
        context = DecisionContext(
            facts,
            policy,
            now_s,
            self._protection,
            self._histories,
            excluded_jobs=self.excluded_jobs(now_s),
            excluded_steps=steps,
            handed_out=handed_out,
        )
        context.breaker = state.breaker
        return context

    def _pass_time(self, facts: Facts, policy: ProtectPolicy, now_s: float) -> None:
        state = self._state
        if self._last_s is not None and now_s - self._last_s > constants.LOST_SIGHT_S:
            state.put_off(now_s - self._last_s)
        self._last_s = now_s
        # What is reported counts as what it is: an end that is over holds nothing any more.
        reported = {
            (active.action.job_key, active.action.step, active.action.resource)
            for active in facts.active
        }
        state.handed_out = {
            key: at_s
            for key, at_s in state.handed_out.items()
            if now_s - at_s < constants.HANDED_OUT_S and key not in reported
        }
        state.restoring = {
            key: at_s
            for key, at_s in state.restoring.items()
            if now_s - at_s < constants.HANDED_OUT_S
        }
        state.kept &= self._paused(facts)
        if facts.jobs:
            clear = _is_calm(facts, policy)
            now_s, cores = facts.reading.monotonic_s, facts.cores
            used_bytes = used_in_memory(facts.reading)
            self._histories.observe(
                facts.jobs, now_s, clear=clear, cores=cores, used_bytes=used_bytes
            )
            self._forget_gone(facts)

    def _paused(self, facts: Facts) -> set[str]:
        actions = (active.action for active in facts.active)
        held = {action.job_key for action in actions if action.step is EscalationStep.PAUSE}
        return held | {
            key for key, step, _ in self._state.handed_out if step is EscalationStep.PAUSE
        }

    def _forget_gone(self, facts: Facts) -> None:
        """What was said about jobs that are gone, or not held any more."""
        state = self._state
        held = {active.action.job_key for active in facts.active}
        state.answered = {key: at_s for key, at_s in state.answered.items() if key in held}
        there = {job.key for job in facts.jobs}
        state.lapsed = {key: each for key, each in state.lapsed.items() if key in there}

    def _step_breaker(self, context: DecisionContext) -> list[Decision]:
        facts, state = context.facts, self._state
        out = DecisionBuilder(context, state)
        memory, before = facts.reading.memory, state.breaker
        state.breaker = circuit_breaker.stepped(
            before, memory, facts.ended, facts.jobs, context.now_s
        )
        is_open = state.breaker.state is BreakerState.OPEN
        if is_open and before.state is not BreakerState.OPEN and state.breaker.why is not None:
            title = state.breaker.ending.title if state.breaker.ending else ""
            out.alarm(state.breaker.why, title)
        floor = context.limits.memory_floor_percent
        ends = bool(context.ending)
        self._hurries = circuit_breaker.hurry(
            state.breaker, memory, floor, context.now_s, ends=ends
        )
        return out.decisions


def _is_calm(facts: Facts, policy: ProtectPolicy) -> bool:
    """Whether memory is clear, does not fall, and no job is held for it: growth counts from here.

    A hog that is seen to grow before memory is over anything must not be forgotten on its way.
    """
    held = any(each.action.resource is Resource.MEMORY for each in facts.active)
    falls = facts.memory_forecast is not None
    return is_memory_clear(facts.reading.memory, policy.limits) and not (held or falls)


def _not_yet(until: Mapping[_Key, float], now_s: float) -> set[_Key]:
    """What still holds, of what holds until a moment."""
    return {key for key, until_s in until.items() if now_s < until_s}


def _asks_about(question: Question, action: Action) -> bool:
    return (question.evidence, question.targets) == (action.evidence, action.targets)

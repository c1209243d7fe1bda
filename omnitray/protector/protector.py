"""The protector: looks at the facts, answers with what is to be done. It touches nothing itself.

    guard reading, jobs, what is in force, replies  →  decide  →  actions, restores, questions

One call is one turn: replies first, then what can be given back, then memory, processors and
disks (``*_ladder.py``, with their lines and times in ``constants.py``), then the questions. Who is
chosen is ``victims.py``, who never is ``protected.py``, how often something may be ended is
``circuit_breaker.py``. The same facts in the same order give the same answers.
"""

from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar

from omnitray.base.facts import ProtectState
from omnitray.base.policy import ProtectPolicy
from omnitray.processes.growth import Growths
from omnitray.protector import circuit_breaker
from omnitray.protector.context import DecisionContext
from omnitray.protector.decisions import DecisionBuilder, ProtectorState
from omnitray.protector.exclusions.common import ProgramTables
from omnitray.protector.exclusions.programs import LINUX
from omnitray.protector.exclusions.rules import ExclusionRules
from omnitray.protector.model import (
    Action,
    Decision,
    ExclusionReason,
    Facts,
    Question,
    RestoreReason,
)
from omnitray.protector.policies import constants, cpu, questions, restore
from omnitray.protector.policies import disk as disk_ladder
from omnitray.protector.policies import memory as memory_ladder
from omnitray.protector.steps import EscalationStep
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
        self._growths = Growths()
        self._memo = ProtectorState(run)
        self._last_s: float | None = None
        self._hurries = False

    @property
    def breaker(self) -> circuit_breaker.BreakerRecord:
        """The circuit breaker on ends."""
        return self._memo.breaker

    @property
    def open_questions(self) -> tuple[Question, ...]:
        """What is being asked."""
        return tuple(self._memo.questions.values())

    @property
    def kept(self) -> frozenset[str]:
        """The jobs that stay paused until the person says otherwise."""
        return frozenset(self._memo.kept)

    @property
    def disk_in_danger(self) -> bool:
        """Whether a disk is nearly full and fills: its writers have to be looked for."""
        return self._memo.disk_in_danger

    @property
    def hurries(self) -> bool:
        """Whether an end under way has had its time for TERM: memory still falls."""
        return self._hurries

    def spared_jobs(self, now_s: float) -> dict[str, ExclusionReason]:
        """The jobs that the person has taken out since the start, by key."""
        memo = self._memo
        spared = dict.fromkeys(_not_yet(memo.left_alone, now_s), ExclusionReason.LEFT_ALONE)
        return spared | dict.fromkeys(memo.never, ExclusionReason.PERSON)

    def refused(self, action: Action) -> None:
        """The system refused this pause: what was to be asked about it is not asked."""
        question = self._memo.questions.get(action.job_key)
        if question is not None and _asks_about(question, action):
            del self._memo.questions[action.job_key]

    def allow(self, job_key: str | None) -> None:
        """The person protects this job no longer (None: none; their list alone counts)."""
        keys = list(self._memo.never) if job_key is None else [job_key]
        for key in keys:
            self._memo.never.discard(key)
            self._memo.left_alone.pop(key, None)

    def decide(self, facts: Facts, policy: ProtectPolicy, now_s: float) -> list[Decision]:
        """What is to be done now."""
        self._pass_time(facts, now_s)
        for each in facts.taken_back:
            self._memo.taken_back[each.job_key, each.rung] = now_s + constants.TAKEN_BACK_S
        turn = DecisionBuilder(self._scene(facts, policy, now_s), self._memo)
        if policy.state is ProtectState.OFF:
            restore.everything(turn, RestoreReason.SWITCHED_OFF)
            return turn.decisions
        self._step_breaker(turn)
        for each in facts.taken_back:
            questions.undone(turn, each)
        for reply in facts.replies:
            questions.hear(turn, reply)
        restore.other_state(turn)
        restore.step(turn)
        questions.other_mode(turn)
        memory_ladder.step(turn)
        cpu.step(turn)
        disk_ladder.step(turn)
        questions.step(turn)
        return turn.decisions

    def scene(self, facts: Facts, policy: ProtectPolicy, now_s: float) -> DecisionContext:
        """The moment as it would be decided about, for explanations; changes nothing."""
        return self._scene(facts, policy, now_s)

    def _scene(self, facts: Facts, policy: ProtectPolicy, now_s: float) -> DecisionContext:
        memo = self._memo
        rungs = dict.fromkeys(_not_yet(memo.taken_back, now_s), ExclusionReason.TAKEN_BACK)
        let_run = _not_yet(memo.let_run, now_s)
        rungs |= {(key, EscalationStep.PAUSE): ExclusionReason.LEFT_ALONE for key in let_run}
        handed_out = {
            key for key, at_s in memo.handed_out.items() if now_s - at_s < constants.HANDED_OUT_S
        }
        return DecisionContext(
            facts,
            policy,
            now_s,
            self._protection,
            self._growths,
            spared_jobs=self.spared_jobs(now_s),
            spared_rungs=rungs,
            handed_out=handed_out,
        )

    def _pass_time(self, facts: Facts, now_s: float) -> None:
        memo = self._memo
        if self._last_s is not None and now_s - self._last_s > constants.LOST_SIGHT_S:
            memo.forget_holds()
            memo.put_off(now_s - self._last_s)
        self._last_s = now_s
        memo.handed_out = {
            key: at_s
            for key, at_s in memo.handed_out.items()
            if now_s - at_s < constants.HANDED_OUT_S
        }
        memo.restoring = {
            key: at_s
            for key, at_s in memo.restoring.items()
            if now_s - at_s < constants.HANDED_OUT_S
        }
        memo.kept &= self._paused(facts)
        if facts.jobs:
            self._growths.observe(facts.jobs, facts.reading.monotonic_s)
            self._forget_gone(facts)

    def _paused(self, facts: Facts) -> set[str]:
        actions = (active.action for active in facts.active)
        held = {action.job_key for action in actions if action.rung is EscalationStep.PAUSE}
        return held | {
            key for key, rung, _ in self._memo.handed_out if rung is EscalationStep.PAUSE
        }

    def _forget_gone(self, facts: Facts) -> None:
        """What was said about jobs that are gone, or not held any more."""
        memo = self._memo
        held = {active.action.job_key for active in facts.active}
        memo.answered = {key: at_s for key, at_s in memo.answered.items() if key in held}

    def _step_breaker(self, turn: DecisionBuilder) -> None:
        facts, memo = turn.scene.facts, self._memo
        memory = facts.reading.memory
        before = memo.breaker
        memo.breaker = circuit_breaker.stepped(before, memory, facts.ended, facts.jobs, turn.now_s)
        is_open = memo.breaker.state is BreakerState.OPEN
        if is_open and before.state is not BreakerState.OPEN and memo.breaker.why is not None:
            title = memo.breaker.ending.title if memo.breaker.ending else ""
            turn.alarm(memo.breaker.why, title)
        floor = turn.scene.limits.memory_floor_percent
        ends = bool(turn.scene.ending)
        self._hurries = circuit_breaker.hurry(memo.breaker, memory, floor, turn.now_s, ends=ends)


def _not_yet(until: Mapping[_Key, float], now_s: float) -> set[_Key]:
    """What still holds, of what holds until a moment."""
    return {key for key, until_s in until.items() if now_s < until_s}


def _asks_about(question: Question, action: Action) -> bool:
    return (question.evidence, question.targets) == (action.evidence, action.targets)

"""One turn of deciding: the scene, what is remembered from turn to turn, and what was decided."""

import itertools
from collections.abc import Iterator

import msgspec

from omnitray.base.facts import ProtectState, Resource
from omnitray.protector import circuit_breaker
from omnitray.protector.context import DecisionContext, HandedOut
from omnitray.protector.model import (
    Action,
    Alarm,
    AlarmReason,
    Decision,
    Evidence,
    ProtectReason,
    Question,
    Restore,
    RestoreReason,
    Withdrawn,
)
from omnitray.protector.policies import constants
from omnitray.protector.steps import EscalationStep
from omnitray.protector.victims import VictimChoice


class Waits(msgspec.Struct, frozen=True):
    """How long questions wait in one mode; 0 is for ever."""

    memory_end_s: float
    cpu_pause_s: float
    cpu_end_s: float


class ProtectorState:
    """What is remembered. Times are monotonic seconds; ``run`` makes ids differ between runs."""

    def __init__(self, run: str) -> None:
        self.breaker = circuit_breaker.BreakerRecord()
        self.questions: dict[str, Question] = {}  # by job: one at a time
        self.left_alone: dict[str, float] = {}  # by job, until
        self.never: set[str] = set()
        self.let_run: dict[str, float] = {}  # by job, until: slowed down rather than paused
        self.taken_back: dict[tuple[str, EscalationStep], float] = {}  # until
        self.waits: Waits | None = None  # of the turn before
        self.disk_free: dict[str, int] = {}  # by mount, at the last change worth it
        self.left_at_pause: dict[str, int] = {}  # by action: memory when its pause was first seen
        self.disk_in_danger = False
        self.kept: set[str] = set()  # jobs that the person wants held as they are
        self.answered: dict[str, float] = {}  # by job, when: not asked again while it is held
        self.times: dict[str, float] = {}  # when something was last done
        self.handed_out: dict[HandedOut, float] = {}
        self.restoring: dict[str, float] = {}  # by action
        self._since: dict[str, float] = {}
        self._numbers: Iterator[int] = itertools.count(1)
        self._run = run

    def new_id(self) -> str:
        """A name that no other decision has."""
        return f"{self._run}-{next(self._numbers)}"

    def held_s(self, what: str, now_s: float, *, so: bool) -> float:
        """For how long it has been so; -1 when it is not."""
        if not so:
            self._since.pop(what, None)
            return -1.0
        return now_s - self._since.setdefault(what, now_s)

    def forget_holds(self) -> None:
        """Nothing was seen for a while: what was so may have changed."""
        self._since.clear()

    def put_off(self, seconds: float) -> None:
        """The machine slept for so long: questions wait, and the breaker, that much longer."""
        self.breaker = circuit_breaker.put_off(self.breaker, seconds)
        self.questions = {
            key: msgspec.structs.replace(each, deadline_s=each.deadline_s + seconds)
            if each.deadline_s is not None
            else each
            for key, each in self.questions.items()
        }

    def is_due(self, what: str, now_s: float, every_s: float) -> bool:
        """Whether it was last done that long ago, or never."""
        last_s = self.times.get(what)
        return last_s is None or now_s - last_s >= every_s


class DecisionBuilder:
    """Collects the decisions of one moment."""

    def __init__(self, scene: DecisionContext, memo: ProtectorState) -> None:
        self.scene = scene
        self.memo = memo
        self.now_s = scene.now_s
        self.decisions: list[Decision] = []

    @property
    def watches(self) -> bool:
        """Whether nothing may be touched."""
        return self.scene.policy.state is ProtectState.WATCH

    def act(
        self,
        rung: EscalationStep,
        resource: Resource,
        reason: ProtectReason,
        evidence: Evidence,
        choice: VictimChoice,
        *,
        notify: bool,
        restores_below: float | None = None,
        mount: str | None = None,
    ) -> Action:
        """Decide to do this to the chosen ones; with no job it is only told."""
        job = choice.job
        action = Action(
            id=self.memo.new_id(),
            rung=rung,
            resource=resource,
            reason=reason,
            evidence=evidence,
            job_key=job.key if job else "",
            title=job.title if job else "",
            targets=choice.targets,
            considered=choice.considered,
            restores_below=restores_below,
            mount=mount,
            notify=notify,
            dry_run=self.watches,
            expected_bytes=choice.expected_bytes,
        )
        self.decisions.append(action)
        if job:
            self.memo.handed_out[job.key, rung, resource] = self.now_s
        if job and rung is EscalationStep.END and not self.watches:
            self.scene.ending.setdefault(job.key, frozenset())
        return action

    def clean(self, mount: str, evidence: Evidence) -> None:
        """Decide to clean caches."""
        self.decisions.append(
            Action(
                id=self.memo.new_id(),
                rung=EscalationStep.TELL,
                resource=Resource.DISK,
                reason=ProtectReason.DISK_OVER,
                evidence=evidence,
                mount=mount,
                notify=True,
                cleans=True,
                preview=self.scene.limits.clean_asks_first,
                dry_run=self.watches,
            )
        )

    def ask(
        self,
        choice: VictimChoice,
        resource: Resource,
        reason: ProtectReason,
        evidence: Evidence,
        unanswered: EscalationStep,
        wait_s: float,
    ) -> None:
        """Ask about a job, unless it is being asked about or the person has said enough.

        The rung ``unanswered`` is taken after ``wait_s`` without an answer; 0 is for never.
        """
        job, memo = choice.job, self.memo
        if job is None or self.watches or job.key in memo.questions or job.key in memo.kept:
            return
        question = Question(
            id=memo.new_id(),
            job_key=job.key,
            title=job.title,
            resource=resource,
            reason=reason,
            evidence=evidence,
            targets=choice.targets,
            unanswered=unanswered if wait_s else None,
            deadline_s=self.now_s + wait_s if wait_s else None,
        )
        memo.questions[job.key] = question
        self.decisions.append(question)

    def ask_anew(self, question: Question, unanswered: EscalationStep, wait_s: float) -> None:
        """Ask the same again, because what happens without an answer is another now."""
        self.withdraw(question.job_key)
        again = msgspec.structs.replace(
            question,
            id=self.memo.new_id(),
            unanswered=unanswered if wait_s else None,
            deadline_s=self.now_s + wait_s if wait_s else None,
        )
        self.memo.questions[question.job_key] = again
        self.decisions.append(again)

    def withdraw(self, job_key: str) -> Question | None:
        """Take the question about a job back."""
        question = self.memo.questions.pop(job_key, None)
        if question is not None:
            self.decisions.append(Withdrawn(question_id=question.id))
        return question

    def restore(self, action_id: str, reason: RestoreReason) -> None:
        """Decide to take an action back."""
        if self.now_s - self.memo.restoring.get(action_id, -10.0) >= constants.HANDED_OUT_S:
            self.memo.restoring[action_id] = self.now_s
            self.decisions.append(Restore(action_id=action_id, reason=reason))

    def alarm(self, reason: AlarmReason, title: str = "") -> None:
        """Say it aloud, seldom."""
        if self.memo.is_due(f"alarm {reason}", self.now_s, constants.TELL_AGAIN_S):
            self.memo.times[f"alarm {reason}"] = self.now_s
            self.decisions.append(Alarm(reason=reason, title=title))

"""One turn of deciding: the context, what is remembered from turn to turn, and what was decided."""

import msgspec

from omnitray.base.facts import Job, ProtectState, Resource
from omnitray.base.policy import clears_under
from omnitray.protector import circuit_breaker
from omnitray.protector.context import DecisionContext, HandedOut
from omnitray.protector.model import (
    Action,
    ActionState,
    Alarm,
    AlarmReason,
    Decision,
    EscalationStep,
    Evidence,
    NamedCause,
    ProtectReason,
    Question,
    Restore,
    RestoreReason,
    Withdrawn,
    hold_of,
    joined_id,
)
from omnitray.protector.policies import constants
from omnitray.protector.victims import VictimChoice, hands_over
from omnitray.protector.view import Answer

RESTORABLE = {ActionState.HELD, ActionState.WATCHED}


class ProtectorState:
    """What all policies share from call to call; times are monotonic seconds.

    ``run`` makes ids differ between runs. What one policy alone remembers is its own.
    """

    def __init__(self, run: str) -> None:
        self.breaker = circuit_breaker.BreakerRecord()
        self.questions: dict[str, Question] = {}  # by job: one at a time
        self.lapsed: dict[str, tuple[Question, float]] = {}  # by job: unanswered, and when
        self.left_alone: dict[str, float] = {}  # by job, until
        self.never: set[str] = set()
        self.let_run: dict[str, float] = {}  # by job, until: slowed down rather than paused
        self.taken_back: dict[tuple[str, EscalationStep], float] = {}  # until
        self.taken_back_like: dict[tuple[str, EscalationStep], float] = {}  # by title, until
        self.disks_in_danger: set[str] = set()  # mounts
        self.kept: set[str] = set()  # jobs that the person wants held as they are
        self.answered: dict[str, float] = {}  # by job, when: not asked again while it is held
        self.handed_out: dict[HandedOut, float] = {}
        self.restoring: dict[str, float] = {}  # by action
        self.alarmed: dict[AlarmReason, float] = {}  # when
        self.next_number = 1
        self.run = run

    def new_id(self) -> str:
        """A name that no other decision has."""
        self.next_number += 1
        return f"{self.run}-{self.next_number - 1}"

    def put_off(self, seconds: float) -> None:
        """The machine slept for so long: questions wait, and the breaker, that much longer."""
        self.breaker = circuit_breaker.put_off(self.breaker, seconds)
        self.questions = {
            key: msgspec.structs.replace(each, deadline_s=each.deadline_s + seconds)
            if each.deadline_s is not None
            else each
            for key, each in self.questions.items()
        }


class DecisionBuilder:
    """Collects the decisions of one policy at one moment, and keeps the shared state in step."""

    def __init__(self, context: DecisionContext, state: ProtectorState) -> None:
        self.context = context
        self.state = state
        self.now_s = context.now_s
        self.decisions: list[Decision] = []

    @property
    def watches(self) -> bool:
        """Whether nothing may be touched."""
        return self.context.policy.state is ProtectState.WATCH

    def act(
        self,
        step: EscalationStep,
        resource: Resource,
        reason: ProtectReason,
        evidence: Evidence,
        choice: VictimChoice,
        *,
        notify: bool,
        restores_below: float | None = None,
        mount: str | None = None,
    ) -> Action:
        """Decide to do this to the chosen processes; with no job the person is only notified."""
        job = choice.job
        action = Action(
            id=self._id_for(job, step),
            step=step,
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
            part=choice.part,
            hands_over=step is EscalationStep.PAUSE and hands_over(self.context, choice),
        )
        self.decisions.append(action)
        if job:
            self.state.handed_out[job.key, step, resource] = self.now_s
        if job and step is EscalationStep.END and not self.watches:
            self.context.ends(job.key, choice.targets)
        return action

    def _id_for(self, job: Job | None, step: EscalationStep) -> str:
        """One hold of a job is one thing to see and to undo: what comes to it bears its name."""
        number = self.state.new_id()
        if job is None or step not in {EscalationStep.SLOW_DOWN, EscalationStep.PAUSE}:
            return number
        held = (each for each in self.context.active(job.key) if each.state in RESTORABLE)
        first = next(held, None)
        return number if first is None else joined_id(hold_of(first.action.id), number)

    def clean(self, mount: str, evidence: Evidence) -> None:
        """Decide to clean caches."""
        self.decisions.append(
            Action(
                id=self.state.new_id(),
                step=EscalationStep.TELL,
                resource=Resource.DISK,
                reason=ProtectReason.DISK_OVER,
                evidence=evidence,
                mount=mount,
                notify=True,
                cleans=True,
                preview=self.context.limits.clean_asks_first,
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
        *,
        mount: str = "",
    ) -> None:
        """Ask about a job, unless it is being asked about or the person has said enough.

        The step ``unanswered`` is taken after ``wait_s`` without an answer; 0 is for never.
        """
        question = self._question(choice, resource, reason, evidence, mount)
        if question is not None:
            self._put(self._due(question, unanswered, wait_s))

    def ask_first(
        self,
        choice: VictimChoice,
        resource: Resource,
        reason: ProtectReason,
        evidence: Evidence,
        mount: str = "",
    ) -> None:
        """Ask before a pause that would give a terminal's keyboard to its shell; once."""
        if choice.job is not None and choice.job.key in self.state.answered:
            return
        question = self._question(choice, resource, reason, evidence, mount)
        if question is not None:
            self._put(msgspec.structs.replace(question, is_first=True))

    def ask_about_cause(self, cause: NamedCause, choice: VictimChoice, evidence: Evidence) -> None:
        """Ask whether a cause that is left alone is to be ended all the same; else nothing is done.

        Slowing it down or pausing it is what it is left alone for.
        """
        reason = ProtectReason.CAUSE_LEFT_ALONE
        question = self._question(choice, Resource.MEMORY, reason, evidence)
        if question is not None:
            answers = (Answer.END, Answer.LEAVE_ALONE, Answer.NEVER)
            self._put(msgspec.structs.replace(question, cause=cause, answers=answers))

    def _question(
        self,
        choice: VictimChoice,
        resource: Resource,
        reason: ProtectReason,
        evidence: Evidence,
        mount: str = "",
    ) -> Question | None:
        """What would be asked, without a name or a deadline; None where it must not be."""
        job, state = choice.job, self.state
        if job is None or self.watches or job.key in state.questions or job.key in state.kept:
            return None
        return Question(
            id="",
            job_key=job.key,
            title=job.title,
            resource=resource,
            reason=reason,
            evidence=evidence,
            targets=choice.targets,
            part=choice.part,
            mount=mount,
            hands_over=hands_over(self.context, choice),
        )

    def _due(self, question: Question, unanswered: EscalationStep, wait_s: float) -> Question:
        """The same with what is done without an answer, and when."""
        return msgspec.structs.replace(
            question,
            unanswered=unanswered if wait_s else None,
            deadline_s=self.now_s + wait_s if wait_s else None,
        )

    def _put(self, question: Question) -> None:
        """Ask it; what comes again unanswered bears the name under which it was read before."""
        before, over_s = self.state.lapsed.pop(question.job_key, (None, 0.0))
        is_recent = self.now_s - over_s < constants.SAME_QUESTION_S
        is_same = before is not None and is_recent and before.asks_same_as(question)
        name = before.id if before is not None and is_same else self.state.new_id()
        named = msgspec.structs.replace(question, id=name)
        self.state.questions[question.job_key] = named
        self.decisions.append(named)

    def lapse(self, question: Question) -> None:
        """Nothing is left to ask, and no one has answered: it may come again."""
        self.withdraw(question.job_key)
        self.state.lapsed[question.job_key] = question, self.now_s

    def no_time_to_ask(self, job_key: str) -> None:
        """It is done now: a question that was asked before it says what is not so any more."""
        question = self.state.questions.get(job_key)
        if question is not None and (question.is_first or question.cause is not None):
            self.withdraw(job_key)

    def ask_again(self, question: Question, unanswered: EscalationStep, wait_s: float) -> None:
        """Ask the same again, because what happens without an answer is different now."""
        self.withdraw(question.job_key)
        new = msgspec.structs.replace(question, id=self.state.new_id())
        again = self._due(new, unanswered, wait_s)
        self.state.questions[question.job_key] = again
        self.decisions.append(again)

    def withdraw(self, job_key: str) -> Question | None:
        """Take the question about a job back."""
        question = self.state.questions.pop(job_key, None)
        if question is not None:
            self.decisions.append(Withdrawn(question_id=question.id))
        return question

    def end(
        self, choice: VictimChoice, job: Job, reason: ProtectReason, evidence: Evidence
    ) -> None:
        """Decide an end, and let the breaker know."""
        resource = Resource.MEMORY if reason is not ProtectReason.CPU_UNANSWERED else Resource.CPU
        limits = self.context.limits
        below = clears_under(limits.memory_percent)  # where it only would be ended
        action = self.act(
            EscalationStep.END,
            resource,
            reason,
            evidence,
            choice,
            notify=True,
            restores_below=below,
        )
        if not self.watches:
            memory = self.context.facts.reading.memory
            self.state.breaker = circuit_breaker.began(
                self.state.breaker, action, memory, job, self.now_s
            )
            self.withdraw(job.key)

    def restore(self, action_id: str, reason: RestoreReason) -> None:
        """Decide to take an action back."""
        if self.now_s - self.state.restoring.get(action_id, -10.0) >= constants.HANDED_OUT_S:
            self.state.restoring[action_id] = self.now_s
            self.decisions.append(Restore(action_id=action_id, reason=reason))

    def restore_job(
        self, job_key: str, reason: RestoreReason, step: EscalationStep | None = None
    ) -> None:
        """Give a job back, or one step of it."""
        for active in self.context.active(job_key, step):
            if active.state in RESTORABLE:
                self.restore(active.action.id, reason)

    def alarm(self, reason: AlarmReason, title: str = "", cause: NamedCause | None = None) -> None:
        """Raise a critical alert, seldom."""
        last_s = self.state.alarmed.get(reason) if cause is None else None
        if last_s is None or self.now_s - last_s >= constants.TELL_AGAIN_S:
            self.state.alarmed[reason] = self.now_s
            self.decisions.append(Alarm(reason=reason, title=title, cause=cause))

"""Questions, from both ends: what is open is kept true, what is answered is done.

:class:`QuestionPolicy` withdraws a question when nothing is left to ask and takes the announced
step without an answer.

:class:`AnswerPolicy` does what the person answers and undoes, before anything else is decided:

    replies, undone actions  →  steps that were asked for, jobs left alone, questions withdrawn

Protected processes stay untouched even where the person asks, but for a cause that is left alone
where they answer that it is to be ended all the same. The breaker is for ends that no person asked
for.
"""

import msgspec

from omnitray.base.conditions import HoldTimer
from omnitray.base.facts import Job, Resource
from omnitray.protector import circuit_breaker
from omnitray.protector.context import DecisionContext
from omnitray.protector.decisions import DecisionBuilder, ProtectorState
from omnitray.protector.model import (
    Decision,
    EscalationStep,
    Evidence,
    ExclusionReason,
    ProtectReason,
    Question,
    Reply,
    RestoreReason,
    Signal,
    UndoneByUser,
)
from omnitray.protector.policies import constants
from omnitray.protector.policies.memory import urgent
from omnitray.protector.victims import anyway, choose_in, held_or_free
from omnitray.protector.view import Answer

_JUST_S = 1.0  # between a question and the pause that it is about


class Waits(msgspec.Struct, frozen=True):
    """How long questions wait in one mode; 0 is for ever."""

    memory_end_s: float
    cpu_pause_s: float
    cpu_end_s: float


class QuestionPolicy:
    """Looks after the open questions."""

    def __init__(self, state: ProtectorState) -> None:
        self._state = state
        self._calm = HoldTimer()  # by job
        self._waits: Waits | None = None  # of the call before

    def decide(self, context: DecisionContext) -> list[Decision]:
        """Withdraw what is void, ask again in another mode, act where no answer came in time."""
        out = DecisionBuilder(context, self._state)
        self._on_mode_change(out)
        jobs = {job.key: job for job in context.facts.jobs}
        self._calm.keep(self._state.questions)
        for question in list(self._state.questions.values()):
            if self._is_void(out, question, jobs):
                out.lapse(question)
            elif question.deadline_s is not None and out.now_s >= question.deadline_s:
                job = jobs.get(question.job_key)
                if job is not None:
                    self._on_deadline(out, question, job)
        return out.decisions

    def _on_mode_change(self, out: DecisionBuilder) -> None:
        """What would happen without an answer is different in another mode."""
        limits, before = out.context.limits, self._waits
        self._waits = Waits(
            limits.memory_end_after_s, limits.cpu_pause_after_s, limits.cpu_end_after_s
        )
        if before is None or before == self._waits:
            return
        if not limits.cpu_pause_after_s:
            self._resume_unanswered(out)
        for question in list(self._state.questions.values()):
            if _holds_nothing(question):
                continue  # whatever the mode, nothing happens without an answer
            held = out.context.active(question.job_key)
            if held and all(each.action.id in self._state.restoring for each in held):
                out.withdraw(question.job_key)
            else:
                out.ask_again(question, *_without_answer(out.context, question))

    def _resume_unanswered(self, out: DecisionBuilder) -> None:
        """In this mode no silence pauses anything: what was paused for it goes on."""
        for active in out.context.facts.active:
            action = active.action
            if (action.step, action.reason) == (EscalationStep.PAUSE, ProtectReason.CPU_STARVES):
                out.restore_job(action.job_key, RestoreReason.MODE, EscalationStep.PAUSE)

    def _is_void(self, out: DecisionBuilder, question: Question, jobs: dict[str, Job]) -> bool:
        """Whether nothing is left to ask: the job has gone, is free again, or no one waits."""
        key = question.job_key
        if jobs and key not in jobs:
            return True
        if question.cause is not None:
            return self._is_cause_over(out, question, jobs.get(key))
        if question.reason is ProtectReason.LAST_RESORT:
            calm = not out.context.is_near_floor
            return self._calm.true_for(key, out.now_s, condition=calm) >= constants.CLEAR_HOLD_S
        if question.is_first:
            calm = urgent(out.context) is None
            if question.resource is Resource.DISK:
                calm = question.mount not in self._state.disks_in_danger
            return self._calm.true_for(key, out.now_s, condition=calm) >= constants.CLEAR_HOLD_S
        handed_out = any(job_key == key for job_key, *_ in self._state.handed_out)
        if not (out.context.active(key) or handed_out or out.context.has_refused_any(key)):
            return True
        is_starving = question.reason is ProtectReason.CPU_STARVES
        if not is_starving or question.unanswered is EscalationStep.END:
            return False
        calm = not out.context.cpu_contention
        return self._calm.true_for(key, out.now_s, condition=calm) >= constants.CLEAR_HOLD_S

    def _is_cause_over(self, out: DecisionBuilder, question: Question, job: Job | None) -> bool:
        """Whether the cause that is left alone is gone, may be held by now, or is none any more."""
        if job is not None and anyway(out.context, job, question.targets).job is None:
            return True
        context = out.context
        calm = urgent(context) is None and not context.is_at_floor
        clear_s = self._calm.true_for(question.job_key, out.now_s, condition=calm)
        return clear_s >= constants.CLEAR_HOLD_S

    def _on_deadline(self, out: DecisionBuilder, question: Question, job: Job) -> None:
        """No answer came: take the step that was announced."""
        if question.unanswered is EscalationStep.PAUSE:
            out.withdraw(job.key)
            self._pause_starving(out, question, job)
            return
        paused = out.context.active(job.key, EscalationStep.PAUSE, Resource.MEMORY)
        if any(out.context.has_enough(active.action) for active in paused):
            return  # what is paused for memory is being given back
        if question.resource is Resource.MEMORY and not self._had_its_time(out, job):
            return
        if question.unanswered is EscalationStep.END and circuit_breaker.may_end(
            self._state.breaker, out.now_s
        ):
            self._end_paused(out, question, job)

    def _had_its_time(self, out: DecisionBuilder, job: Job) -> bool:
        """Whether its pause has lasted as long as an answer is awaited, or was refused.

        It may have been resumed and paused again since the question was asked.
        """
        paused = out.context.active(job.key, EscalationStep.PAUSE, Resource.MEMORY)
        if not paused and out.context.has_refused_any(job.key):
            return True
        held = (each.since_s for each in paused if each.action.id not in self._state.restoring)
        since_s = min(held, default=out.now_s)
        return out.now_s - since_s >= out.context.limits.memory_end_after_s - _JUST_S

    def _pause_starving(self, out: DecisionBuilder, question: Question, job: Job) -> None:
        choice = choose_in(out.context, job.key, Resource.CPU, EscalationStep.PAUSE)
        if choice.job is None:
            return
        reason, evidence = ProtectReason.CPU_STARVES, question.evidence
        out.act(EscalationStep.PAUSE, Resource.CPU, reason, evidence, choice, notify=True)
        wait_s = out.context.limits.cpu_end_after_s
        out.ask(choice, Resource.CPU, reason, evidence, EscalationStep.END, wait_s)

    def _end_paused(self, out: DecisionBuilder, question: Question, job: Job) -> None:
        """End what is paused: for processors all of it, for memory its victim."""
        reason = question.reason
        if reason is ProtectReason.RULE_MEMORY:
            choice = held_or_free(out.context, job, question.targets, EscalationStep.END)
        elif question.resource is Resource.CPU:
            choice = held_or_free(out.context, job, question.targets, EscalationStep.PAUSE)
            reason = ProtectReason.CPU_UNANSWERED
        else:
            choice = choose_in(out.context, job.key, Resource.MEMORY, EscalationStep.END)
            reason = ProtectReason.MEMORY_UNANSWERED
        if choice.job is None:
            out.withdraw(job.key)
        else:
            out.end(choice, job, reason, question.evidence)


def _holds_nothing(question: Question) -> bool:
    """Whether it is about a job that nothing is done to unless the person says so."""
    is_resort = question.reason is ProtectReason.LAST_RESORT
    return question.is_first or is_resort or question.cause is not None


def _without_answer(context: DecisionContext, question: Question) -> tuple[EscalationStep, float]:
    limits = context.limits
    if question.resource is Resource.MEMORY:
        return EscalationStep.END, limits.memory_end_after_s
    if question.resource is Resource.DISK:
        return EscalationStep.PAUSE, 0.0
    if context.active(question.job_key, EscalationStep.PAUSE) and limits.cpu_pause_after_s:
        return EscalationStep.END, limits.cpu_end_after_s
    return EscalationStep.PAUSE, limits.cpu_pause_after_s


_UNASKED = Evidence(signal=Signal.MEMORY, value=0.0, threshold=0.0)
_STEP_OF = {
    Answer.SLOW_DOWN: EscalationStep.SLOW_DOWN,
    Answer.PAUSE: EscalationStep.PAUSE,
    Answer.END: EscalationStep.END,
}


class AnswerPolicy:
    """Does what the person says; what holds from then on is in the shared state."""

    def __init__(self, state: ProtectorState) -> None:
        self._state = state

    def decide(self, context: DecisionContext) -> list[Decision]:
        """Undone actions first, then replies, in their order."""
        out = DecisionBuilder(context, self._state)
        for undone in context.facts.taken_back:
            self._on_user_undo(out, undone)
        for reply in context.facts.replies:
            self._apply_reply(out, reply)
        return out.decisions

    def _on_user_undo(self, out: DecisionBuilder, undone: UndoneByUser) -> None:
        """The person lets run what was paused: that answers the question about it."""
        if undone.step is EscalationStep.PAUSE:
            out.withdraw(undone.job_key)

    def _apply_reply(self, out: DecisionBuilder, reply: Reply) -> None:
        state, key = self._state, reply.job_key
        question = out.withdraw(key)
        state.kept.discard(key)
        state.answered[key] = out.now_s
        if reply.answer is Answer.SLOW_DOWN:
            state.let_run[key] = out.now_s + constants.NOT_PAUSED_AGAIN_S
            out.restore_job(key, RestoreReason.PERSON, EscalationStep.PAUSE)
        elif reply.answer is Answer.PAUSE:
            state.kept.add(key)
        elif reply.answer is Answer.LEAVE_ALONE:
            state.left_alone[key] = out.now_s + constants.LEAVE_ALONE_S
            out.context.excluded_jobs[key] = ExclusionReason.LEFT_ALONE  # for all that comes after
            out.restore_job(key, RestoreReason.LEFT_ALONE)
        elif reply.answer is Answer.NEVER:
            state.never.add(key)
            out.context.excluded_jobs[key] = ExclusionReason.PERSON
            out.restore_job(key, RestoreReason.PROTECTED_NOW)
        # An answer that comes when its question is over means what that one named, not all the job.
        is_late = reply.question_id is not None and question is None
        if (step := _STEP_OF.get(reply.answer)) is not None and not is_late:
            self._act_as_asked(out, key, step, question)

    def _act_as_asked(
        self, out: DecisionBuilder, job_key: str, step: EscalationStep, question: Question | None
    ) -> None:
        context = out.context
        job = next((job for job in context.facts.jobs if job.key == job_key), None)
        if job is None or context.active(job_key, step) or job_key in context.ending:
            return
        named = question.targets if question else ()
        if question is not None and question.cause is not None and step is EscalationStep.END:
            choice = anyway(context, job, named)
        else:
            choice = held_or_free(context, job, named, step)
        if choice.job is None:
            return
        action = out.act(
            step,
            question.resource if question else Resource.CPU,
            ProtectReason.ASKED,
            question.evidence if question else _UNASKED,
            choice,
            notify=False,
        )
        if step is EscalationStep.END and not out.watches:
            self._state.breaker = circuit_breaker.began(
                self._state.breaker,
                action,
                context.facts.reading.memory,
                job,
                out.now_s,
                counts=False,
            )

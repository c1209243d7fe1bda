"""What the person answers and undoes, before anything else is decided.

    replies, undone actions  →  steps that were asked for, jobs left alone, questions withdrawn

Protected processes stay untouched even where the person asks, but for a cause that is left alone
where they answer that it is to be ended all the same. The breaker is for ends that no person asked
for.
"""

from omnitray.base.facts import Resource
from omnitray.protector import circuit_breaker
from omnitray.protector.context import DecisionContext
from omnitray.protector.decisions import DecisionBuilder, ProtectorState
from omnitray.protector.model import (
    Decision,
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
from omnitray.protector.steps import EscalationStep
from omnitray.protector.victims import anyway, held_or_free
from omnitray.protector.view import Answer

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

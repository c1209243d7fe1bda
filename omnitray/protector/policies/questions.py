"""What the person answers, and what happens when they do not."""

from omnitray.base.facts import Job, Resource
from omnitray.protector import circuit_breaker
from omnitray.protector.decisions import DecisionBuilder, Waits
from omnitray.protector.model import (
    Evidence,
    ProtectReason,
    Question,
    Reply,
    RestoreReason,
    Signal,
    UndoneByUser,
)
from omnitray.protector.policies import constants, cpu, restore
from omnitray.protector.policies import memory as memory_ladder
from omnitray.protector.steps import EscalationStep
from omnitray.protector.victims import VictimChoice, choose_in, workers
from omnitray.protector.view import Answer

_UNASKED = Evidence(signal=Signal.MEMORY, value=0.0, threshold=0.0)


def hear(turn: DecisionBuilder, reply: Reply) -> None:
    """Do what the person says. Protected processes stay untouched even so."""
    question = turn.withdraw(reply.job_key)
    memo = turn.memo
    memo.kept.discard(reply.job_key)
    memo.answered[reply.job_key] = turn.now_s
    if reply.answer is Answer.SLOW_DOWN:
        memo.let_run[reply.job_key] = turn.now_s + constants.NOT_PAUSED_AGAIN_S
        restore.job(turn, reply.job_key, RestoreReason.PERSON, EscalationStep.PAUSE)
        _as_asked(turn, reply.job_key, EscalationStep.SLOW_DOWN, question)
    elif reply.answer is Answer.PAUSE:
        memo.kept.add(reply.job_key)
        _as_asked(turn, reply.job_key, EscalationStep.PAUSE, question)
    elif reply.answer is Answer.END:
        _as_asked(turn, reply.job_key, EscalationStep.END, question)
    elif reply.answer is Answer.LEAVE_ALONE:
        memo.left_alone[reply.job_key] = turn.now_s + constants.LEAVE_ALONE_S
        restore.job(turn, reply.job_key, RestoreReason.LEFT_ALONE)
    else:
        memo.never.add(reply.job_key)
        restore.job(turn, reply.job_key, RestoreReason.PROTECTED_NOW)


def undone(turn: DecisionBuilder, each: UndoneByUser) -> None:
    """The person lets run what was paused: that is their answer to what was asked about it."""
    if each.rung is EscalationStep.PAUSE:
        turn.withdraw(each.job_key)


def other_mode(turn: DecisionBuilder) -> None:
    """The mode is another one: what would happen without an answer is, too."""
    limits, memo = turn.scene.limits, turn.memo
    before = memo.waits
    memo.waits = Waits(limits.memory_end_after_s, limits.cpu_pause_after_s, limits.cpu_end_after_s)
    if before is None or before == memo.waits:
        return
    if not limits.cpu_pause_after_s:
        restore.unanswered(turn)
    for question in list(memo.questions.values()):
        if all(each.action.id in memo.restoring for each in turn.scene.active(question.job_key)):
            turn.withdraw(question.job_key)
        else:
            turn.ask_anew(question, *_without_answer(turn, question))


def _without_answer(turn: DecisionBuilder, question: Question) -> tuple[EscalationStep, float]:
    limits = turn.scene.limits
    if question.resource is Resource.MEMORY:
        return EscalationStep.END, limits.memory_end_after_s
    if question.resource is Resource.DISK:
        return EscalationStep.PAUSE, 0.0
    if turn.scene.active(question.job_key, EscalationStep.PAUSE) and limits.cpu_pause_after_s:
        return EscalationStep.END, limits.cpu_end_after_s
    return EscalationStep.PAUSE, limits.cpu_pause_after_s


def step(turn: DecisionBuilder) -> None:
    """Look after the open questions."""
    jobs = {job.key: job for job in turn.scene.facts.jobs}
    for question in list(turn.memo.questions.values()):
        if _is_void(turn, question, jobs):
            turn.withdraw(question.job_key)
        elif question.deadline_s is not None and turn.now_s >= question.deadline_s:
            job = jobs.get(question.job_key)
            if job is not None:
                _unanswered(turn, question, job)


def _is_void(turn: DecisionBuilder, question: Question, jobs: dict[str, Job]) -> bool:
    """Whether there is nothing left to ask: the job has gone, is free again, or waits for none."""
    if jobs and question.job_key not in jobs:
        return True
    key = question.job_key
    handed_out = any(job_key == key for job_key, *_ in turn.memo.handed_out)
    if not turn.scene.active(key) and not handed_out:
        return True
    if (
        question.reason is not ProtectReason.CPU_STARVES
        or question.unanswered is EscalationStep.END
    ):
        return False
    calm = not cpu.others_wait(turn.scene)
    return turn.memo.held_s(f"calm {key}", turn.now_s, so=calm) >= constants.CLEAR_HOLD_S


def _unanswered(turn: DecisionBuilder, question: Question, job: Job) -> None:
    """Nobody answered: take the rung that was announced."""
    if question.unanswered is EscalationStep.PAUSE:
        turn.withdraw(job.key)
        _pause_starving(turn, question, job)
    elif _is_being_relieved(turn, question):
        return
    elif question.unanswered is EscalationStep.END and circuit_breaker.may_end(
        turn.memo.breaker, turn.now_s
    ):
        _end_paused(turn, question, job)


def _is_being_relieved(turn: DecisionBuilder, question: Question) -> bool:
    """Whether there is enough memory by now: what is paused for it is given back one by one."""
    held = turn.scene.active(question.job_key, EscalationStep.PAUSE, Resource.MEMORY)
    return any(restore.has_enough(turn.scene, active.action) for active in held)


def _pause_starving(turn: DecisionBuilder, question: Question, job: Job) -> None:
    choice = choose_in(turn.scene, job.key, Resource.CPU, EscalationStep.PAUSE)
    if choice.job is None:
        return
    reason, evidence = ProtectReason.CPU_STARVES, question.evidence
    turn.act(EscalationStep.PAUSE, Resource.CPU, reason, evidence, choice, notify=True)
    turn.ask(
        choice,
        Resource.CPU,
        reason,
        evidence,
        EscalationStep.END,
        turn.scene.limits.cpu_end_after_s,
    )


def _end_paused(turn: DecisionBuilder, question: Question, job: Job) -> None:
    """End what is paused: for processors all of it, for memory its victim."""
    if question.resource is Resource.CPU:
        choice = _those(turn, job, question, EscalationStep.PAUSE)
        reason = ProtectReason.CPU_UNANSWERED
    else:
        choice = choose_in(turn.scene, job.key, Resource.MEMORY, EscalationStep.END)
        reason = ProtectReason.MEMORY_UNANSWERED
    if choice.job is None:
        turn.withdraw(job.key)
        return
    memory_ladder.end(turn, choice, job, reason, question.evidence)


def _as_asked(
    turn: DecisionBuilder, job_key: str, rung: EscalationStep, question: Question | None
) -> None:
    """Do what the person asks for, now. The breaker is for ends that nobody asked for."""
    job = next((job for job in turn.scene.facts.jobs if job.key == job_key), None)
    if job is None or turn.scene.active(job_key, rung) or job_key in turn.scene.ending:
        return
    choice = _those(turn, job, question, rung)
    if choice.job is None:
        return
    action = turn.act(
        rung,
        question.resource if question else Resource.CPU,
        ProtectReason.ASKED,
        question.evidence if question else _UNASKED,
        choice,
        notify=False,
    )
    if rung is EscalationStep.END and not turn.watches:
        memory = turn.scene.facts.reading.memory
        turn.memo.breaker = circuit_breaker.began(
            turn.memo.breaker, action, memory, job, turn.now_s, counts=False
        )


def _those(
    turn: DecisionBuilder, job: Job, question: Question | None, rung: EscalationStep
) -> VictimChoice:
    """What the question named, as far as it still lives and may be touched; else all that may."""
    named = {(each.pid, each.start_ticks) for each in question.targets} if question else set()
    weighed = workers(
        turn.scene, job, EscalationStep.SLOW_DOWN if rung is EscalationStep.END else rung
    )
    free = [each.identity for each in weighed if each.spared is None]
    targets = [each for each in free if (each.pid, each.start_ticks) in named]
    if rung is EscalationStep.SLOW_DOWN or not named:
        targets = free
    return VictimChoice(job=job, targets=tuple(targets)) if targets else VictimChoice(job=None)

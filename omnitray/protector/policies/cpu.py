"""Processors over the limit: slow down what takes most; ask when others still have to wait.

A weight costs a job that runs alone nothing, so it is done without a word. Whether *others* wait
is told by the probe, which is felt as a person feels it. Without one, pressure says it, but only
where the job is not its own reason: a build with more processes than processors waits for itself.
"""

from omnitray.base.facts import Job, Resource
from omnitray.protector.context import DecisionContext
from omnitray.protector.decisions import DecisionBuilder
from omnitray.protector.model import ActionState, ActiveAction, Evidence, ProtectReason, Signal
from omnitray.protector.policies import constants
from omnitray.protector.steps import EscalationStep
from omnitray.protector.victims import VictimChoice, choose, choose_in


def step(turn: DecisionBuilder) -> None:
    """Decide about processors."""
    scene, memo, now_s = turn.scene, turn.memo, turn.now_s
    percent = scene.facts.reading.cpu_percent
    if percent is None:
        return
    limit = scene.limits.cpu_percent
    held_s = memo.held_s("cpu", now_s, so=percent >= limit)
    waited_s = memo.held_s("waits", now_s, so=others_wait(scene))
    if held_s < scene.limits.hold_s or not scene.facts.jobs:
        return
    evidence = Evidence(signal=Signal.CPU, value=percent, threshold=limit, held_s=held_s)
    if memo.is_due("slow cpu", now_s, constants.NEXT_SLOW_DOWN_S):
        _slow_down(turn, evidence)
    if waited_s >= constants.WAITING_FOR_S:
        _ask_about_slowed(turn, evidence)
        _tell(turn, evidence)


def others_wait(scene: DecisionContext) -> bool:
    """Whether somebody else has to wait for a processor."""
    probe = scene.facts.probe
    if probe is not None:
        line_ms = max(constants.PROBE_LEAST_MS, constants.PROBE_RATIO * probe.quiet_ms)
        return probe.now_ms >= line_ms
    pressure = scene.facts.reading.pressure
    if pressure is None or pressure.cpu is None:
        return False
    if pressure.cpu.some_avg10 < constants.PRESSURE_CPU:
        return False
    heaviest = max(scene.facts.jobs, key=lambda job: job.cpu_percent or 0.0, default=None)
    return heaviest is not None and _runnable(heaviest) <= scene.facts.cores


def _runnable(job: Job) -> int:
    return sum(process.state == "R" for process in job.processes)


def _slow_down(turn: DecisionBuilder, evidence: Evidence) -> None:
    """Without a word: whoever had to wait until now does so no more."""
    choice = choose(turn.scene, Resource.CPU, EscalationStep.SLOW_DOWN)
    if choice.job is None:
        return
    turn.memo.times["slow cpu"] = turn.now_s
    turn.act(
        EscalationStep.SLOW_DOWN,
        Resource.CPU,
        ProtectReason.CPU_OVER,
        evidence,
        choice,
        notify=False,
        restores_below=constants.clears_under(evidence.threshold),
    )


def _tell(turn: DecisionBuilder, evidence: Evidence) -> None:
    """Others wait, and there is nobody who could be slowed down, paused or asked about."""
    memo = turn.memo
    if not memo.is_due("slow cpu", turn.now_s, constants.SLOWED_FOR_S + constants.WAITING_FOR_S):
        return
    if memo.questions or not memo.is_due("tell cpu", turn.now_s, constants.TELL_AGAIN_S):
        return
    memo.times["tell cpu"] = turn.now_s
    choice = VictimChoice(
        job=None, considered=choose(turn.scene, Resource.CPU, EscalationStep.PAUSE).considered
    )
    turn.act(
        EscalationStep.TELL, Resource.CPU, ProtectReason.CPU_OVER, evidence, choice, notify=True
    )


def _slowed(turn: DecisionBuilder) -> list[ActiveAction]:
    return [
        active
        for active in turn.scene.facts.active
        if active.state is ActionState.HELD
        and (active.action.rung, active.action.resource) == (EscalationStep.SLOW_DOWN, Resource.CPU)
    ]


def _ask_about_slowed(turn: DecisionBuilder, evidence: Evidence) -> None:
    """About each job that was slowed down long enough and still takes a good part."""
    scene = turn.scene
    for active in _slowed(turn):
        choice = choose_in(scene, active.action.job_key, Resource.CPU, EscalationStep.PAUSE)
        if choice.job is None or choice.job.key in turn.memo.answered:
            continue
        if turn.now_s - active.since_s >= constants.SLOWED_FOR_S:
            turn.ask(
                choice,
                Resource.CPU,
                ProtectReason.CPU_STARVES,
                evidence,
                EscalationStep.PAUSE,
                scene.limits.cpu_pause_after_s,
            )

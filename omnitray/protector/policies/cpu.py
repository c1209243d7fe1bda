"""Processors over the limit: slow down what takes most; ask when others still have to wait.

A weight costs a job that runs alone nothing, so it is done without a notification. Whether
*others* wait is ``conditions.cpu_contention``.
"""

from omnitray.base.conditions import HoldTimer, is_cpu_over
from omnitray.base.facts import Resource
from omnitray.base.policy import clears_under
from omnitray.protector.context import DecisionContext
from omnitray.protector.decisions import DecisionBuilder, ProtectorState
from omnitray.protector.model import (
    ActionState,
    ActiveAction,
    Decision,
    Evidence,
    ProtectReason,
    Signal,
)
from omnitray.protector.policies import constants
from omnitray.protector.steps import EscalationStep
from omnitray.protector.victims import VictimChoice, choose, choose_in


class CpuPolicy:
    """Slows down at once, asks about what still makes others wait, tells where neither can be."""

    def __init__(self, state: ProtectorState) -> None:
        self._state = state
        self._held = HoldTimer()
        self._slowed_s = float("-inf")
        self._told_s = float("-inf")

    def decide(self, context: DecisionContext) -> list[Decision]:
        """What is done about processors now."""
        out = DecisionBuilder(context, self._state)
        percent, limits, now_s = context.facts.reading.cpu_percent, context.limits, out.now_s
        if percent is None:
            return []
        over = is_cpu_over(percent, limits)
        held_s = self._held.true_for("over", now_s, condition=over)
        waited_s = self._held.true_for("wait", now_s, condition=context.cpu_contention)
        if held_s < limits.hold_s or not context.facts.jobs:
            return []
        evidence = Evidence(
            signal=Signal.CPU, value=percent, threshold=limits.cpu_percent, held_s=held_s
        )
        if now_s - self._slowed_s >= constants.NEXT_SLOW_DOWN_S:
            self._slow_down(out, evidence)
        if waited_s >= constants.WAITING_FOR_S:
            self._ask_about_slowed(out, evidence)
            self._tell(out, evidence)
        return out.decisions

    def _slow_down(self, out: DecisionBuilder, evidence: Evidence) -> None:
        """Without a notification: what had to wait until now does so no more."""
        choice = choose(out.context, Resource.CPU, EscalationStep.SLOW_DOWN)
        if choice.job is None:
            return
        self._slowed_s = out.now_s
        out.act(
            EscalationStep.SLOW_DOWN,
            Resource.CPU,
            ProtectReason.CPU_OVER,
            evidence,
            choice,
            notify=False,
            restores_below=clears_under(evidence.threshold),
        )

    def _ask_about_slowed(self, out: DecisionBuilder, evidence: Evidence) -> None:
        """About each job that was slowed down long enough and still takes a good part."""
        for active in _slowed(out.context):
            choice = choose_in(
                out.context, active.action.job_key, Resource.CPU, EscalationStep.PAUSE
            )
            if choice.job is None or choice.job.key in self._state.answered:
                continue
            if out.now_s - active.since_s >= constants.SLOWED_FOR_S:
                out.ask(
                    choice,
                    Resource.CPU,
                    ProtectReason.CPU_STARVES,
                    evidence,
                    EscalationStep.PAUSE,
                    out.context.limits.cpu_pause_after_s,
                )

    def _tell(self, out: DecisionBuilder, evidence: Evidence) -> None:
        """Others wait, and no job could be slowed down, paused or asked about."""
        now_s = out.now_s
        if now_s - self._slowed_s < constants.SLOWED_FOR_S + constants.WAITING_FOR_S:
            return
        if self._state.questions or now_s - self._told_s < constants.TELL_AGAIN_S:
            return
        self._told_s = now_s
        considered = choose(out.context, Resource.CPU, EscalationStep.PAUSE).considered
        out.act(
            EscalationStep.TELL,
            Resource.CPU,
            ProtectReason.CPU_OVER,
            evidence,
            VictimChoice(job=None, considered=considered),
            notify=True,
        )


def _slowed(context: DecisionContext) -> list[ActiveAction]:
    return [
        active
        for active in context.facts.active
        if active.state is ActionState.HELD
        and (active.action.rung, active.action.resource) == (EscalationStep.SLOW_DOWN, Resource.CPU)
    ]

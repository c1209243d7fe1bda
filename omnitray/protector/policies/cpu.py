"""Processors over the limit: slow down what takes most; ask when others still have to wait.

A weight costs a job that runs alone nothing, so it is done without a notification. Whether
*others* wait is ``conditions.ContentionJudge``.
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
    EscalationStep,
    Evidence,
    ProtectReason,
    RestoreReason,
    Signal,
)
from omnitray.protector.policies import constants
from omnitray.protector.policies.rules import BY_RULE
from omnitray.protector.victims import HEAVY_BESIDE_HEAVIEST, VictimChoice, choose, choose_in


class CpuPolicy:
    """Slows down at once, asks about what still makes others wait, tells where neither can be."""

    def __init__(self, state: ProtectorState) -> None:
        self._state = state
        self._held = HoldTimer()
        self._slowed_s = float("-inf")
        self._useless: dict[str, float] = {}  # by job: when slowing it down was seen not to help
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
        if context.facts.jobs:
            self._give_back_useless(out, waited_s)
        if held_s < limits.hold_s or not context.facts.jobs:
            return out.decisions
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
        """Without a notification: what had to wait until now does so no more.

        A second job is slowed down only while others still wait.
        """
        ours = [each for each in _slowed(out.context) if each.action.reason not in BY_RULE]
        if (ours and not out.context.cpu_contention) or not out.context.sees_cpu_users:
            return
        choice = choose(out.context, Resource.CPU, EscalationStep.SLOW_DOWN)
        if choice.job is None:
            return
        since_s = out.now_s - self._useless.get(choice.job.key, float("-inf"))
        if since_s < constants.TAKEN_BACK_S:
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

    def _give_back_useless(self, out: DecisionBuilder, waited_s: float) -> None:
        """What was slowed down for ten seconds while others went on waiting for something else.

        The heaviest job stays slowed down: it is asked about.
        """
        if waited_s < constants.WAITING_FOR_S:
            return
        cpus = {job.key: job.cpu_percent or 0.0 for job in out.context.facts.jobs}
        heaviest = max(cpus.values())
        for active in _slowed(out.context):
            key = active.action.job_key
            lasted = out.now_s - active.since_s >= constants.SHOWS_EFFECT_S
            wanted = active.state is ActionState.FAILED or active.action.reason in BY_RULE
            if wanted or not lasted or key not in cpus:
                continue
            if cpus[key] < HEAVY_BESIDE_HEAVIEST * heaviest:
                self._useless[key] = out.now_s
                out.restore(active.action.id, RestoreReason.NO_EFFECT)

    def _ask_about_slowed(self, out: DecisionBuilder, evidence: Evidence) -> None:
        """About each job that was slowed down long enough and still takes a good part.

        So too about one that the system refused to slow down: the next step is asked about.
        """
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
        if active.state in {ActionState.HELD, ActionState.FAILED}
        and (active.action.step, active.action.resource) == (EscalationStep.SLOW_DOWN, Resource.CPU)
    ]

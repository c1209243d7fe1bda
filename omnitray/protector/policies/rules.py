"""Rules of the person's own: slow down always, hold what takes more than it is allowed.

What a rule forbids is not decided here: no policy chooses it (``victims``). A job over its
``memory_max`` is slowed down, five seconds later paused, and the person is asked; one over its
``cpu_max`` is slowed down. All of it is undone when no rule asks for it any more.
"""

from omnitray.base.conditions import HoldTimer
from omnitray.base.facts import Job, Resource
from omnitray.base.policy import JobRule
from omnitray.protector.context import DecisionContext
from omnitray.protector.decisions import RESTORABLE, DecisionBuilder, ProtectorState
from omnitray.protector.model import (
    Decision,
    EscalationStep,
    Evidence,
    ProtectReason,
    RestoreReason,
    Signal,
)
from omnitray.protector.policies import constants
from omnitray.protector.victims import choose_by_rule

BY_RULE = {ProtectReason.RULE_ALWAYS, ProtectReason.RULE_MEMORY, ProtectReason.RULE_CPU}
_CLEAR_SHARE = 0.9  # of what a rule allows: so far under it a job is given back
_NO_FIGURES = Evidence(signal=Signal.CPU, value=0.0, threshold=0.0)
_Wish = tuple[str, ProtectReason]  # of a job


class RulePolicy:
    """Does what ``[[rule]]`` asks for, as far as it may."""

    def __init__(self, state: ProtectorState) -> None:
        self._state = state
        self._held = HoldTimer()  # by wish and whether it is over or clear

    def decide(self, context: DecisionContext) -> list[Decision]:
        """Hold what a rule asks to hold, give back the rest."""
        out = DecisionBuilder(context, self._state)
        if not context.facts.jobs:
            return []
        wishes: set[_Wish] = set()
        for job in context.facts.jobs:
            for rule in context.rules:
                if pids := frozenset(
                    process.pid for process in job.processes if context.is_meant(rule, process, job)
                ):
                    wishes |= self._apply(out, rule, job, pids)
        self._held.keep({(wish, side) for wish in wishes for side in ("over", "clear")})
        self._give_back(out, wishes)
        return out.decisions

    def _apply(
        self, out: DecisionBuilder, rule: JobRule, job: Job, pids: frozenset[int]
    ) -> set[_Wish]:
        """Act on one job for one rule; what is to be held, or to be held on."""
        wishes: set[_Wish] = set()
        if rule.always:
            wishes.add((job.key, ProtectReason.RULE_ALWAYS))
            choice = choose_by_rule(out.context, job, pids, Resource.CPU, EscalationStep.SLOW_DOWN)
            if choice.job is not None:
                reason = ProtectReason.RULE_ALWAYS
                step = EscalationStep.SLOW_DOWN
                out.act(step, Resource.CPU, reason, _NO_FIGURES, choice, notify=False)
        for reason, evidence in _limits(out.context, rule, job, pids):
            wish = (job.key, reason)
            over = evidence.value > evidence.threshold
            clear = evidence.value < _CLEAR_SHARE * evidence.threshold
            held_s = self._held.true_for((wish, "over"), out.now_s, condition=over)
            clear_s = self._held.true_for((wish, "clear"), out.now_s, condition=clear)
            if clear_s < constants.CLEAR_HOLD_S:
                wishes.add(wish)
            if over and held_s >= out.context.limits.hold_s:
                self._hold(out, job, pids, reason, evidence)
        return wishes

    def _hold(
        self,
        out: DecisionBuilder,
        job: Job,
        pids: frozenset[int],
        reason: ProtectReason,
        evidence: Evidence,
    ) -> None:
        """Slow down; what holds too much memory all the same is paused and asked about."""
        context, step = out.context, EscalationStep.SLOW_DOWN
        resource = Resource.MEMORY if reason is ProtectReason.RULE_MEMORY else Resource.CPU
        slowed = context.active(job.key, step)
        choice = choose_by_rule(context, job, pids, resource, step)
        if choice.job is not None:
            out.act(step, resource, reason, evidence, choice, notify=False)
            return
        since_s = max((each.since_s for each in slowed), default=out.now_s)
        waited = out.now_s - since_s >= constants.NEXT_MEMORY_SLOW_DOWN_S
        if resource is Resource.CPU or job.key in self._state.answered:
            return
        if waited or context.has_refused(job.key, step):
            self._pause(out, job, pids, reason, evidence)

    def _pause(
        self,
        out: DecisionBuilder,
        job: Job,
        pids: frozenset[int],
        reason: ProtectReason,
        evidence: Evidence,
    ) -> None:
        choice = choose_by_rule(out.context, job, pids, Resource.MEMORY, EscalationStep.PAUSE)
        if choice.job is None:
            return
        out.act(EscalationStep.PAUSE, Resource.MEMORY, reason, evidence, choice, notify=True)
        wait_s = out.context.limits.memory_end_after_s
        out.ask(choice, Resource.MEMORY, reason, evidence, EscalationStep.END, wait_s)

    def _give_back(self, out: DecisionBuilder, wishes: set[_Wish]) -> None:
        """What no rule asks for any more; a pause that the person wants kept stays."""
        for active in out.context.facts.active:
            action = active.action
            wish = (action.job_key, action.reason)
            if action.reason not in BY_RULE or wish in wishes or active.state not in RESTORABLE:
                continue
            if action.job_key not in self._state.kept:
                out.restore(action.id, RestoreReason.RULE_GONE)


def _limits(
    context: DecisionContext, rule: JobRule, job: Job, pids: frozenset[int]
) -> list[tuple[ProtectReason, Evidence]]:
    """What the rule allows, beside what is taken."""
    meant = [process for process in job.processes if process.pid in pids]
    limits = []
    if rule.memory_max_bytes is not None:
        held = sum(each.rss_bytes for each in meant) * context.unshared_ratio(job)
        evidence = Evidence(
            signal=Signal.RULE_MEMORY, value=held, threshold=float(rule.memory_max_bytes)
        )
        limits.append((ProtectReason.RULE_MEMORY, evidence))
    if rule.cpu_max is not None:
        cpu = sum(each.cpu_percent or 0.0 for each in meant)
        evidence = Evidence(signal=Signal.RULE_CPU, value=cpu, threshold=rule.cpu_max)
        limits.append((ProtectReason.RULE_CPU, evidence))
    return limits

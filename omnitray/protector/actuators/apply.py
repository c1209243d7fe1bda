"""Applies one actuator to one job, with the journal before and after.

An actuator is applied again to what the job has forked since. What does not read back is taken back
at once, so that nothing is said to be held that is not.
"""

import msgspec

from omnitray.base.clock import Clock, timestamp
from omnitray.protector.actuators.actuator import (
    ActuationPlan,
    Actuator,
    Applied,
    Fate,
    ValueChange,
)
from omnitray.protector.actuators.journal import ActionJournal, Began, Record, Result
from omnitray.protector.actuators.results import ActionRequest, ActuationOutcome
from omnitray.protector.actuators.system import AccessRefused, Gone, System
from omnitray.protector.actuators.watchdog import ResumeWatchdog
from omnitray.protector.model import ActuatorKind

_ROUNDS = 16  # a job may fork while it is taken hold of; what is stopped forks no more
_FORKS_ON = "it starts new processes faster than they can be held"


class JournaledActuation:
    """Applies plans. The journal's first line is durable before anything is touched.

    But for an end: nothing of it can be taken back after a crash, and while memory runs out a
    disk may take seconds to say that it has written. Its line is written before, and synced with
    the result.
    """

    def __init__(
        self, journal: ActionJournal, system: System, clock: Clock, guard: ResumeWatchdog
    ) -> None:
        self._journal = journal
        self._system = system
        self._clock = clock
        self._guard = guard

    def would(
        self, order: ActionRequest, plan: ActuationPlan, others: dict[str, str], action_id: str
    ) -> Record:
        """Say what would have been done; nothing is touched."""
        began = self._begin(order, plan, others, action_id)
        return Record(
            began=began, result=self._end(action_id, ActuationOutcome.WOULD_HAVE, Applied())
        )

    def take(
        self,
        order: ActionRequest,
        lever: Actuator,
        plan: ActuationPlan,
        others: dict[str, str],
        action_id: str,
        shared: tuple[ValueChange, ...] = (),
    ) -> Record:
        """Do it, and say what came of it.

        ``shared`` are changes that other actions in force have made and this one wants as well.
        """
        all_of_it = msgspec.structs.replace(plan, changes=plan.changes + shared)
        began = self._begin(order, all_of_it, others, action_id)
        applied = self._apply(lever, plan, action_id) if plan.changes else Applied()
        if applied.changes and lever.kind is not ActuatorKind.END:
            applied = self._follow(order, lever, applied, action_id)
        if applied.changes and not lever.read_back(applied):
            applied = _retracted(lever, applied)
        if shared:
            applied = self._shared(lever, shared, applied, action_id)
        if not applied.changes:
            self._guard.release(action_id)
        return Record(began=began, result=self._end(action_id, _outcome(applied), applied))

    def _shared(
        self,
        lever: Actuator,
        shared: tuple[ValueChange, ...],
        applied: Applied,
        action_id: str,
    ) -> Applied:
        """Together with what stands already; the watchdog knows that two actions hold it."""
        try:
            if lever.pauses:
                self._tell_guard(shared, action_id)
        except (Gone, AccessRefused) as refused:
            return _together(applied, Applied(failures=(str(refused),)))
        return _together(applied, Applied(changes=shared))

    def _apply(self, lever: Actuator, plan: ActuationPlan, action_id: str) -> Applied:
        try:
            lever.prepare(plan)
            if lever.pauses:
                self._tell_guard(plan.changes, action_id)
        except (Gone, AccessRefused) as refused:
            return Applied(changes=(), failures=(str(refused),))
        return lever.apply(plan)

    def _follow(
        self, order: ActionRequest, lever: Actuator, applied: Applied, action_id: str
    ) -> Applied:
        """Take in what the job has forked since, a bounded number of times."""
        for _ in range(_ROUNDS):
            try:
                plan = lever.plan(order.target)
            except (Gone, AccessRefused):
                return applied
            if {each.place for each in plan.changes} <= {each.place for each in applied.changes}:
                return applied  # no new process: it just does not read back
            self._begin(order, plan, {}, action_id)
            more = self._apply(lever, plan, action_id)
            applied = _together(applied, more)
            if not more.changes:
                return applied
        return _together(applied, Applied(failures=(_FORKS_ON,)))

    def _tell_guard(self, changes: tuple[ValueChange, ...], action_id: str) -> None:
        processes = [change.process for change in changes if change.process]
        units = [change.unit for change in changes if change.unit]
        self._guard.hold(
            action_id,
            [(process.pid, process.start_ticks) for process in processes],
            [self._system.units.folder(unit) for unit in units],
        )

    def _begin(
        self, order: ActionRequest, plan: ActuationPlan, others: dict[str, str], action_id: str
    ) -> Began:
        began = Began(
            id=action_id,
            at=timestamp(self._clock.wall()),
            boot=self._system.boot_id(),
            who=order.who,
            job=order.target.job_key,
            title=order.target.title,
            step=order.step,
            lever=plan.lever,
            changes=plan.changes,
            reversible=plan.reversible,
            reason=order.reason,
            evidence=order.evidence,
            others=dict(others),
            notes=plan.notes,
            dry_run=order.dry_run,
        )
        self._journal.append(began, sync=plan.lever is not ActuatorKind.END)
        return began

    def _end(self, action_id: str, outcome: ActuationOutcome, applied: Applied) -> Result:
        result = Result(
            id=action_id,
            at=timestamp(self._clock.wall()),
            outcome=outcome,
            changes=applied.changes,
            notes=applied.failures + self._unwritten(),
        )
        self._journal.append(result)
        return result

    def _unwritten(self) -> tuple[str, ...]:
        """That is said with the action itself: a log is for another day."""
        trouble = self._journal.trouble
        return (f"{trouble}; this is kept in memory until it can",) if trouble else ()


def _together(applied: Applied, more: Applied) -> Applied:
    failures = applied.failures + tuple(
        each for each in more.failures if each not in applied.failures
    )
    known = {change.place for change in applied.changes}
    new = tuple(change for change in more.changes if change.place not in known)
    return Applied(changes=applied.changes + new, failures=failures)


def _retracted(lever: Actuator, applied: Applied) -> Applied:
    """Taken back at once, for it does not read back; what cannot be stays known as changed."""
    fates = lever.restore(applied.changes).fates
    stuck = tuple(
        change
        for change, fate in zip(applied.changes, fates, strict=False)
        if fate in {Fate.FAILED, Fate.ONE_WAY}
    )
    return Applied(changes=stuck, failures=(*applied.failures, "it does not read back"))


def _outcome(applied: Applied) -> ActuationOutcome:
    if not applied.changes:
        return ActuationOutcome.FAILED
    return ActuationOutcome.PARTLY if applied.failures else ActuationOutcome.APPLIED

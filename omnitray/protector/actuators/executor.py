"""Does and undoes: the only module that decides to touch another process.

Each order applies one or two actuators to one job. The journal gets a line before anything is
touched and one after; an actuator that refuses or does not read back gives way to the next one in
the order of preference, and the journal says for each why it was not taken. In a dry run nothing
is touched and the journal says what would have been.

``step`` is to be called while ``active`` is not empty: it turns TERM into KILL by time, drops
what has ended, has a dead watchdog replaced, and gives the delay to the next call.
"""

import os
from collections.abc import Iterable

import msgspec

from omnitray.base.clock import Clock, timestamp
from omnitray.base.facts import Resource
from omnitray.protector import model
from omnitray.protector.actuators.actuator import (
    ActuationPlan,
    Actuator,
    AlreadyThere,
    NotOffered,
    Restored,
    Target,
    ValueChange,
)
from omnitray.protector.actuators.apply import JournaledActuation
from omnitray.protector.actuators.cgroup import FreezeActuator, MemoryActuator, WeightActuator
from omnitray.protector.actuators.journal import ActionJournal, Record, Result, Undone
from omnitray.protector.actuators.priority import AutogroupActuator, IoClassActuator, NiceActuator
from omnitray.protector.actuators.results import (
    ActionRequest,
    ActiveActuation,
    ActuationOutcome,
    ActuationResult,
    EndedProcess,
    FollowUp,
    Initiator,
    UndoResult,
    first_of,
    lever_id,
    order_for,
    taken_back,
)
from omnitray.protector.actuators.signals import STEP_S as ENDING_STEP_S
from omnitray.protector.actuators.signals import (
    EndActuator,
    Endings,
    OriginSnapshot,
    Spares,
    StopActuator,
    TerminationScope,
)
from omnitray.protector.actuators.system import AccessRefused, Gone, System
from omnitray.protector.actuators.watchdog import NullWatchdog, ResumeWatchdog
from omnitray.protector.model import (
    Action,
    ActionState,
    ActiveAction,
    ActuatorKind,
    Decision,
    EndOutcome,
    EscalationStep,
    is_lever_of,
)

_HeldChanges = tuple[tuple[Record, ValueChange], ...]
STEP_S = 1.0
_ENDED = "its processes have ended"


class ActionPerformer:
    """Performs orders and takes them back. To be used from one thread.

    ``levers`` are those of the platform beside the end, which is the same everywhere; ``spares``
    says why a process that a victim has started must not end with it.
    """

    def __init__(
        self,
        journal: ActionJournal,
        levers: Iterable[Actuator],
        system: System,
        clock: Clock,
        guard: ResumeWatchdog | None = None,
        spares: Spares = lambda _who: "",
    ) -> None:
        self._scope = TerminationScope(system, spares)
        self._end = end = EndActuator(system, self._scope)
        self._journal = journal
        self._levers: dict[ActuatorKind, Actuator] = {lever.kind: lever for lever in (*levers, end)}
        self._system = system
        self._clock = clock
        self._guard = guard or NullWatchdog()
        self._actuation = JournaledActuation(journal, system, clock, self._guard)
        self._endings = Endings(clock, system, end, self._scope)
        self._active: dict[str, ActiveActuation] = {}

    def perform(self, order: ActionRequest) -> tuple[ActuationResult, ...]:
        """Apply the first actuator of each group that works on this job."""
        action_id = order.action_id or f"a{os.urandom(6).hex()}"
        return tuple(
            self._pull(order, kinds, lever_id(action_id, place))
            for place, kinds in enumerate(levers_for(order.step, order.resource))
        )

    def active(self) -> tuple[ActiveActuation, ...]:
        """What is in force and can be taken back, or is about to end; oldest first."""
        return tuple(self._active.values())

    def undo(
        self, action_id: str, reason: str, who: Initiator = Initiator.PERSON
    ) -> tuple[UndoResult, ...]:
        """Undo one action with all its actuators; empty for an id that is not in force."""
        ours = [
            active.record for key, active in self._active.items() if is_lever_of(action_id, key)
        ]
        return tuple(self._take_back(each, reason, who, self._in_force()) for each in ours)

    def undo_all(self, reason: str, who: Initiator = Initiator.PROTECTOR) -> tuple[UndoResult, ...]:
        """Take everything back, the newest first."""
        ours = [active.record for active in reversed(self._active.values())]
        return tuple(self._take_back(each, reason, who, self._in_force()) for each in ours)

    def restore_after_crash(self) -> tuple[UndoResult, ...]:
        """Take back what an earlier run left behind; to be called once, before anything else."""
        boot = self._system.boot_id()
        reason = "an earlier run ended without taking it back"
        left = list(self._journal.unfinished(boot))
        done = []
        while left:
            record = left.pop()  # the newest; what an older one has changed as well is left to it
            done.append(self._take_back(record, reason, Initiator.NEXT_START, left))
        self._let_go_of_ends(boot)
        self._journal.compact(boot)
        return tuple(done)

    def step(self, *, hurry: bool = False) -> FollowUp:
        """Look after what is in force. ``hurry``: memory still falls, TERM has had its time."""
        ended = self._endings.step(hurry=hurry)
        for end in ended:
            self._finish(end)
        gone = tuple(key for key, active in self._active.items() if self._is_over(active))
        for key in gone:
            record = self._active[key].record
            self._close(record, ActuationOutcome.GONE, _ENDED, Initiator.PROTECTOR)
        let_run = tuple(key for key, active in self._active.items() if self._is_let_run(active))
        for key in let_run:
            self._let_run(self._active[key].record)
        replaced = self._guard.tend()
        if self._journal.is_long:
            self._journal.compact(self._system.boot_id())
        return FollowUp(
            next_s=self._next_s(),
            ended=ended,
            gone=gone + let_run,
            let_run=let_run,
            guardian_replaced=replaced,
        )

    def _in_force(self) -> list[Record]:
        return [active.record for active in self._active.values()]

    def _let_go_of_ends(self, boot: str) -> None:
        """Victims are stopped for a moment before they hear the end: not one stays so."""
        for record in self._journal.open_ends(boot):
            self._end.let_go(record.changes)
            lives = bool(self._end.living(record.changes))
            outcome = ActuationOutcome.FAILED if lives else ActuationOutcome.ENDED
            at, note = timestamp(self._clock.wall()), "OmniTray ended before it did"
            line = Result(id=record.began.id, at=at, outcome=outcome, notes=(note,))
            self._journal.append(line)

    def _pull(
        self, order: ActionRequest, kinds: Iterable[ActuatorKind], action_id: str
    ) -> ActuationResult:
        started = self._clock.monotonic()
        others: dict[str, str] = {}
        missing: tuple[str, ...] = ()
        for kind in kinds:
            lever = self._levers.get(kind)
            if lever is None:
                others[kind] = "not on this system"
                missing += (kind,)
                continue
            held = () if order.dry_run else self._held_by_others(kind, order.target)
            try:
                plan = lever.plan(order.target)
            except AlreadyThere as already:
                if not held:
                    return ActuationResult(
                        action_id=action_id,
                        outcome=ActuationOutcome.ALREADY,
                        lever=kind,
                        notes=(str(already),),
                    )
                plan = ActuationPlan(lever=kind, changes=())
            except (Gone, AccessRefused) as refused:
                others[kind] = str(refused)
                missing += (kind,) if isinstance(refused, NotOffered) else ()
                continue
            record = self._use(order, lever, plan, others, action_id, held)
            performed = _performed(record, self._clock.monotonic() - started)
            if performed.outcome is not ActuationOutcome.FAILED:
                return performed
            others[kind] = first_of(performed.notes)
        lives = any(self._system.is_there(each) for each in order.target.processes)
        return ActuationResult(
            action_id=action_id,
            outcome=ActuationOutcome.FAILED if lives else ActuationOutcome.GONE,
            others=others,
            missing=missing,
            notes=() if lives else (_ENDED,),
        )

    def _use(
        self,
        order: ActionRequest,
        lever: Actuator,
        plan: ActuationPlan,
        others: dict[str, str],
        action_id: str,
        held: _HeldChanges,
    ) -> Record:
        """What others hold is held by this one too, with the values that were before all of them.

        The first to let go leaves it to the other: else what is said to be held would not be.
        """
        if order.dry_run:
            return self._actuation.would(order, plan, others, action_id)
        ends = lever.kind is ActuatorKind.END
        grounds = self._scope.grounds(order.target.processes) if ends else OriginSnapshot()
        fresh = {change.place for change in plan.changes}
        shared = {change.place: change for _, change in held if change.place not in fresh}
        if shared:
            returns = plan.reversible and all(record.began.reversible for record, _ in held)
            plan = msgspec.structs.replace(plan, reversible=returns)
        both = tuple(shared.values())
        record = self._actuation.take(order, lever, plan, others, action_id, both)
        if record.changes:
            self._active[action_id] = ActiveActuation(
                record=record,
                since=self._clock.wall(),
            )
            if ends:
                told = [change.process for change in record.changes if change.process]
                self._endings.add(action_id, order.target, told, grounds)
        return record

    def _held_by_others(self, kind: ActuatorKind, target: Target) -> _HeldChanges:
        """What others in force have changed of this target by the same means: it stands already.

        Each comes with the action that has made it, the newest action first.
        """
        if kind is ActuatorKind.END:
            return ()
        records = (active.record for active in reversed(self._active.values()))
        ours = [each for each in records if each.began.lever is kind]
        ours = [each for each in ours if each.began.job == target.job_key]
        family = self._system.family(target.processes) if ours else ()
        pids = {(each.pid, each.start_ticks) for each in family}
        return tuple(
            (record, change)
            for record in ours
            for change in record.changes
            if change.unit or change.place[1:] in pids
        )

    def _take_back(
        self, record: Record, reason: str, who: Initiator, among: Iterable[Record]
    ) -> UndoResult:
        """Take it back but for what others ``among`` those in force have changed as well."""
        lever = self._levers.get(record.began.lever)
        ours = record.began
        kept = tuple(
            change
            for each in among
            if each.began.id != ours.id and each.began.lever is ours.lever
            for change in each.changes
        )
        restored = lever.restore(record.changes, kept) if lever else Restored()
        done = taken_back(record, restored)
        self._close(record, done.outcome, reason, who, done.notes)
        return done

    def _close(
        self,
        record: Record,
        outcome: ActuationOutcome,
        why: str,
        who: Initiator,
        notes: tuple[str, ...] = (),
    ) -> None:
        """Say it, and forget it; but what failed stays, to be tried again."""
        action_id = record.began.id
        at = timestamp(self._clock.wall())
        line = Undone(id=action_id, at=at, outcome=outcome, who=who, why=why, notes=notes)
        self._journal.append(line)
        if outcome is not ActuationOutcome.FAILED:
            self._guard.release(action_id)
            self._active.pop(action_id, None)

    def _finish(self, end: EndedProcess) -> None:
        outcome = ActuationOutcome.SURVIVED if end.survived else ActuationOutcome.ENDED
        note = f"{'killed' if end.killed else 'gone'} after {end.after_s:.2f} s"
        if end.born:
            note += f", with {end.born} more that it started meanwhile"
        at = timestamp(self._clock.wall())
        self._journal.append(Result(id=end.action_id, at=at, outcome=outcome, notes=(note,)))
        self._active.pop(end.action_id, None)

    def _is_over(self, active: ActiveActuation) -> bool:
        """Whether nothing is left of what is held; an end has its own way of being over."""
        kind = active.record.began.lever
        return kind is not ActuatorKind.END and self._levers[kind].is_over(active.record.changes)

    def _let_run(self, record: Record) -> None:
        """Continue processes that stand still but are not tracked, should a check have erred."""
        self._levers[record.began.lever].set_back(record.changes)
        self._close(
            record, ActuationOutcome.CHANGED, "somebody else has continued it", Initiator.PROTECTOR
        )

    def _is_let_run(self, active: ActiveActuation) -> bool:
        """Whether it is held as paused and runs: it was continued from outside, which stands."""
        lever = self._levers[active.record.began.lever]
        return lever.pauses and lever.is_let_go(active.record.changes)

    def _next_s(self) -> float | None:
        if self._endings:
            return ENDING_STEP_S
        return STEP_S if self._active else None


def _performed(record: Record, took_s: float) -> ActuationResult:
    began, result = record.began, record.result
    return ActuationResult(
        action_id=began.id,
        outcome=ActuationOutcome(result.outcome) if result else ActuationOutcome.FAILED,
        lever=began.lever,
        reversible=began.reversible,
        others=began.others,
        notes=began.notes + (result.notes if result else ()),
        took_s=took_s,
    )


FAILED_FOR_S = 60.0  # so long a failed action is reported, that it is not decided again at once
_IN_FORCE = (ActionState.HELD, ActionState.ENDING)
_TOUCHING = (EscalationStep.SLOW_DOWN, EscalationStep.PAUSE, EscalationStep.END)


class Executor:
    """Keeps what was handed out in step with what is really in force."""

    def __init__(self, actions: ActionPerformer, clock: Clock) -> None:
        self._actions = actions
        self._clock = clock
        self._active: dict[str, ActiveAction] = {}
        self._ended: list[EndOutcome] = []
        self._let_run: list[model.UndoneByUser] = []

    def carry_out(self, decisions: Iterable[Decision]) -> tuple[ActuationResult, ...]:
        """Do the actions among the decisions that touch something, in their order."""
        return tuple(
            result
            for decision in decisions
            if isinstance(decision, Action) and decision.step in _TOUCHING
            for result in self._do(decision)
        )

    def note_watched(self, action: Action) -> None:
        """Remember what only would be done, without a further line in the journal.

        What touches nothing, a notice, is never in force.
        """
        if action.step not in _TOUCHING:
            return
        self._active[action.id] = ActiveAction(
            action=action, state=ActionState.WATCHED, since_s=self._clock.monotonic()
        )

    def undo(
        self, action_id: str, reason: str, who: Initiator = Initiator.PERSON
    ) -> tuple[UndoResult, ...]:
        """Take one action back."""
        undone = self._actions.undo(action_id, reason, who)
        if all(each.outcome is not ActuationOutcome.FAILED for each in undone):
            self._active.pop(action_id, None)
        return undone

    def undo_all(self, reason: str, who: Initiator = Initiator.PROTECTOR) -> tuple[UndoResult, ...]:
        """Take everything back."""
        undone = self._actions.undo_all(reason, who)
        failed = {each.action_id for each in undone if each.outcome is ActuationOutcome.FAILED}
        self._active = {key: each for key, each in self._active.items() if key in failed}
        return undone

    def look(self, *, hurry: bool = False) -> FollowUp:
        """Look after what is in force; to be called when ``FollowUp.next_s`` has passed."""
        step = self._actions.step(hurry=hurry)
        now = self._clock.monotonic()
        for end in step.ended:
            outcome = EndOutcome(action_id=end.action_id, at_s=now, survived=end.survived)
            self._ended.append(outcome)
            self._active.pop(end.action_id, None)
        for continued in step.let_run:
            paused = (key for key in self._active if is_lever_of(key, continued))
            self._let_run += [_let_run(self._active[key].action) for key in paused]
        held = [active.action_id for active in self._actions.active()]
        self._active = {
            key: each
            for key, each in self._active.items()
            if _is_told(each, now)
            and (each.state not in _IN_FORCE or any(is_lever_of(key, one) for one in held))
        }
        return step

    def active(self) -> tuple[ActiveAction, ...]:
        """For ``Facts.active``."""
        return tuple(self._active.values())

    def take_ended(self) -> tuple[EndOutcome, ...]:
        """For ``Facts.ended``: the ends that were over since the last call."""
        ended, self._ended = tuple(self._ended), []
        return ended

    def take_let_run(self) -> tuple[model.UndoneByUser, ...]:
        """For ``Facts.taken_back``: the pauses that were ended from outside since the last call."""
        let_run, self._let_run = tuple(self._let_run), []
        return let_run

    def _do(self, action: Action) -> tuple[ActuationResult, ...]:
        done = self._actions.perform(order_for(action))
        self._active[action.id] = ActiveAction(
            action=action,
            state=_state(action, done),
            since_s=self._clock.monotonic(),
            note="; ".join(note for each in done for note in each.notes),
        )
        return done


def _state(action: Action, done: tuple[ActuationResult, ...]) -> ActionState:
    if action.dry_run and not (done and all(each.is_void for each in done)):
        return ActionState.WATCHED
    if not any(each.is_in_force for each in done):
        return ActionState.FAILED
    return ActionState.ENDING if action.step is EscalationStep.END else ActionState.HELD


def _let_run(action: Action) -> model.UndoneByUser:
    return model.UndoneByUser(job_key=action.job_key, step=action.step, title=action.title)


def _is_told(active: ActiveAction, now_s: float) -> bool:
    return active.state is not ActionState.FAILED or now_s - active.since_s < FAILED_FOR_S


def linux_actuators(system: System) -> tuple[Actuator, ...]:
    """What a Linux session has, as far as it works there."""
    return (
        WeightActuator(system),
        MemoryActuator(system),
        FreezeActuator(system),
        AutogroupActuator(system),
        NiceActuator(system),
        IoClassActuator(system),
        StopActuator(system),
    )


Group = tuple[ActuatorKind, ...]

_PROCESSOR = (
    ActuatorKind.CPU_WEIGHT,
    ActuatorKind.AUTOGROUP,
    ActuatorKind.BACKGROUND,
    ActuatorKind.NICE,
)
_SLOW_DOWN: dict[Resource, tuple[Group, ...]] = {
    Resource.CPU: (_PROCESSOR,),
    Resource.MEMORY: (_PROCESSOR, (ActuatorKind.MEMORY_HIGH,)),
    Resource.DISK: ((ActuatorKind.IO_CLASS,),),
}


def levers_for(step: EscalationStep, resource: Resource) -> tuple[Group, ...]:
    """The groups to apply; none for a step that only notifies."""
    if step is EscalationStep.SLOW_DOWN:
        return _SLOW_DOWN[resource]
    if step is EscalationStep.PAUSE:
        return ((ActuatorKind.FREEZE, ActuatorKind.STOP),)
    return ((ActuatorKind.END,),) if step is EscalationStep.END else ()

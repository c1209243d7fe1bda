"""An actuator: one means of acting on a job, and the way back.

The steps are separate so that the journal can stand between them: ``plan`` reads the old values
and says the new ones, ``apply`` does exactly that, ``restore`` goes back by compare-and-swap.
A plan is plain data: it is written to the journal and, after a crash, read from there.
"""

import contextlib
import enum
from collections.abc import Callable
from typing import Protocol, TypeVar

import msgspec

from omnitray.base.facts import ProcessIdentity
from omnitray.protector.actuators.system import AccessRefused, Gone, OneWay, System, Unanswered
from omnitray.protector.model import ActuatorKind

Value = int | str | None


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What an actuator acts on: the processes of a job, or some of them.

    They hold no terminal, shell or other parent that must not be touched: descendants count too.
    """

    job_key: str
    title: str
    processes: tuple[ProcessIdentity, ...]


class ValueChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One value of one process or unit. ``old`` None is the system's own default."""

    process: ProcessIdentity | None = None
    unit: str = ""
    old: Value = None
    new: Value = None

    @property
    def subject(self) -> str:
        """``process 4711``, ``session 4711`` or the unit's name."""
        if self.process is None:
            return self.unit
        return f"session {self.unit}" if self.unit else f"process {self.process.pid}"

    @property
    def place(self) -> tuple[str, int, int]:
        """Whose value it is: a process that runs another program by now is the same one."""
        process = self.process
        return (self.unit, process.pid, process.start_ticks) if process else (self.unit, 0, 0)


class ActuationPlan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an actuator will change. ``reversible`` says whether it can be taken back here.

    ``adopts`` are processes that a new unit takes in first; they stay in it afterwards, with
    the default weight: what they came from cannot be entered again without privilege.
    ``notes`` are sentences: which processes are excluded and why, what it cannot do.
    """

    lever: ActuatorKind
    changes: tuple[ValueChange, ...]
    reversible: bool = True
    adopts: tuple[ProcessIdentity, ...] = ()
    notes: tuple[str, ...] = ()


class Applied(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was changed, and a sentence for each thing that could not be."""

    changes: tuple[ValueChange, ...] = ()
    failures: tuple[str, ...] = ()


class Fate(enum.StrEnum):
    """What became of one change when it was to be taken back."""

    RESTORED = "restored"
    HELD = "another action holds it as well"
    GONE = "its process has ended"
    CHANGED = "somebody else has changed it since"
    ONE_WAY = "cannot be taken back without privilege"
    WAITS = "its terminal has stopped it again"
    FAILED = "the system refused"


class Restored(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of each change, in the plan's order; ``notes`` are sentences for people."""

    fates: tuple[Fate, ...] = ()
    notes: tuple[str, ...] = ()


class Actuator(Protocol):
    """One means. Beyond ``plan`` and ``prepare`` nothing raises: the answers say what failed."""

    @property
    def kind(self) -> ActuatorKind:
        """Which one it is."""
        ...

    def why_not(self, target: Target) -> str:
        """Empty where it works on this target, else one sentence."""
        ...

    @property
    def reversible(self) -> bool:
        """Whether what it does can be taken back here."""
        ...

    @property
    def pauses(self) -> bool:
        """Whether the watchdog must know before it is applied."""
        ...

    def plan(self, target: Target) -> ActuationPlan:
        """Old and new values; raises CannotPlan where there is nothing to do, or Gone."""
        ...

    def prepare(self, plan: ActuationPlan) -> None:
        """Make ready what the plan needs, such as a scope; raises AccessRefused or Gone."""
        ...

    def apply(self, plan: ActuationPlan) -> Applied:
        """Do what the plan says."""
        ...

    def read_back(self, applied: Applied) -> bool:
        """Whether the system now shows every new value."""
        ...

    def is_over(self, changes: tuple[ValueChange, ...]) -> bool:
        """Whether everything that was changed has ended."""
        ...

    def is_let_go(self, changes: tuple[ValueChange, ...]) -> bool:
        """Whether all of it that still lives was changed from outside."""
        ...

    def set_back(self, changes: tuple[ValueChange, ...]) -> None:
        """Set the old values whatever stands; for what is seen to have them."""
        ...

    def restore(
        self, changes: tuple[ValueChange, ...], kept: tuple[ValueChange, ...] = ()
    ) -> Restored:
        """Go back to the old values wherever the new one still stands.

        What is in ``kept`` too, the changes of other actions, stays for them to take back.
        """
        ...


class CannotPlan(AccessRefused):
    """The actuator does not work on this target; the text says why."""


class NotOffered(CannotPlan):
    """The actuator works on no target of this machine; the text says what is missing."""


class AlreadyThere(CannotPlan):
    """The target already has what the actuator would set."""


Reading = TypeVar("Reading")


class ValueActuator:
    """Applies, reads back and restores a plan's values; what they are is the subclass's business.

    ``pauses`` says that the watchdog must know before the plan is applied; ``inherited`` that what
    a process starts has its value too, and has to be taken back with it.
    """

    kind: ActuatorKind
    pauses = False
    inherited = False

    def __init__(self, system: System) -> None:
        self._system = system

    @property
    def reversible(self) -> bool:
        """Whether what this actuator does can be undone here."""
        return True

    def why_not(self, target: Target) -> str:
        """Empty where a plan can be made, else the reason."""
        try:
            self.plan(target)
        except (Gone, AccessRefused) as refused:
            return str(refused)
        return ""

    def plan(self, target: Target) -> ActuationPlan:
        """Old and new values for the target; raises CannotPlan."""
        raise NotImplementedError

    def prepare(self, plan: ActuationPlan) -> None:
        """Make ready what the plan needs."""

    def apply(self, plan: ActuationPlan) -> Applied:
        """Set each value; a process that has ended is no failure.

        What was refused and may have come into force all the same counts as changed: it is taken
        back with the rest, also after a crash.
        """
        done, failures = [], []
        for change in plan.changes:
            try:
                self._set(change, change.new)
            except Gone:
                continue
            except AccessRefused as refused:
                failures.append(str(refused))
                if self._may_stand(change, refused):
                    done.append(change)
            else:
                done.append(change)
        return Applied(changes=tuple(done), failures=tuple(failures))

    def read_back(self, applied: Applied) -> bool:
        """Whether everything that still lives shows its new value."""
        return all(self._shows(change) for change in applied.changes)

    def is_over(self, changes: tuple[ValueChange, ...]) -> bool:
        """Whether everything that was changed has ended."""
        return all(self._standing(change) is Fate.GONE for change in changes)

    def is_let_go(self, changes: tuple[ValueChange, ...]) -> bool:
        """Whether all that still lives was changed from outside."""
        seen = set()
        for change in changes:
            seen.add(standing := self._standing(change))
            if standing is None:
                return False
        return Fate.CHANGED in seen

    def set_back(self, changes: tuple[ValueChange, ...]) -> None:
        """The old values once more, whatever stands: who has them does not notice."""
        for change in changes:
            with contextlib.suppress(Gone, AccessRefused):
                self._set(change, change.old)

    def restore(
        self, changes: tuple[ValueChange, ...], kept: tuple[ValueChange, ...] = ()
    ) -> Restored:
        """Go back wherever the new value still stands and no other action wants it."""
        notes: list[str] = []
        held = {(change.place, change.new) for change in kept}
        ours = tuple(change for change in changes if (change.place, change.new) not in held)
        # Parents are asked while they are still there.
        heirs = self._heirs(ours, kept) if self.inherited and ours else ()
        back = {change: self._restore(change, notes) for change in (*ours, *heirs)}
        fates = [back.pop(change, Fate.HELD) for change in changes]
        return Restored(fates=(*fates, *back.values()), notes=tuple(notes))

    def _get(self, change: ValueChange) -> Value:
        raise NotImplementedError

    def _set(self, change: ValueChange, value: Value) -> None:
        raise NotImplementedError

    def _may_stand(self, change: ValueChange, refused: AccessRefused) -> bool:
        """Whether a refused value is there, or may come; what did not answer is taken back."""
        try:
            if isinstance(refused, Unanswered):
                self._set(change, change.old)
                return False
            return self._get(change) == change.new
        except Gone:
            return False
        except AccessRefused:
            return isinstance(refused, Unanswered)

    def _heirs(
        self, changes: tuple[ValueChange, ...], kept: tuple[ValueChange, ...]
    ) -> tuple[ValueChange, ...]:
        """Those that were started with the new value; the old one is that of who started them."""
        families = {}
        for old in {change.old for change in changes}:
            known = [each.process for each in changes if each.process and each.old == old]
            families[old] = set(self._system.family(known)) if known else set()
        elsewhere = [change.process for change in kept if change.process]
        born = set().union(*families.values()) - {change.process for change in changes}
        born -= set(self._system.family(elsewhere)) if elsewhere else set()
        wanted = []
        for process in born:
            olds = [old for old, family in families.items() if process in family]
            nearest = min(olds, key=lambda old: len(families[old]))  # of two, the one further down
            wanted.append(ValueChange(process=process, old=nearest, new=changes[0].new))
        return tuple(change for change in wanted if not self._differs(change))

    def _differs(self, change: ValueChange) -> bool:
        """Whether it does not have the new value, or cannot be asked: then it is left alone."""
        try:
            return self._get(change) != change.new
        except (Gone, AccessRefused):
            return True

    def _family(self, target: Target) -> tuple[ProcessIdentity, ...]:
        family = self._system.family(target.processes)
        if not family:
            raise CannotPlan("its processes have ended")
        return family

    @staticmethod
    def _readings(
        processes: tuple[ProcessIdentity, ...], read: Callable[[ProcessIdentity], Reading]
    ) -> dict[ProcessIdentity, Reading]:
        """What was read of each process that lives; raises CannotPlan where none does."""
        readings = {}
        for process in processes:
            with contextlib.suppress(Gone):
                readings[process] = read(process)
        if not readings:
            raise CannotPlan("its processes have ended")
        return readings

    def _shows(self, change: ValueChange) -> bool:
        try:
            return self._get(change) == change.new
        except Gone:
            return True
        except AccessRefused:
            return False

    def _standing(self, change: ValueChange) -> Fate | None:
        """Gone, or changed from outside; None while it stands, or cannot be read."""
        try:
            return None if self._get(change) == change.new else Fate.CHANGED
        except Gone:
            return Fate.GONE
        except AccessRefused:
            return None

    def _restore(self, change: ValueChange, notes: list[str]) -> Fate:
        try:
            now = self._get(change)
            if now != change.new:
                notes.append(f"{change.subject} has {now} now, not our {change.new}: left alone")
                return Fate.CHANGED
            self._set(change, change.old)
        except Gone:
            return Fate.GONE
        except OneWay as refused:
            notes.append(f"{change.subject} keeps {change.new}: {refused}")
            return Fate.ONE_WAY
        except AccessRefused as refused:
            notes.append(str(refused))
            return Fate.FAILED
        return Fate.RESTORED


def process_of(change: ValueChange) -> ProcessIdentity:
    """The change's process; raises Gone for an edited line of the journal."""
    if change.process is None:
        raise Gone("a change without a process")
    return change.process


def whole(value: Value) -> int:
    """The value as a number; raises AccessRefused for an edited line."""
    if not isinstance(value, int):
        raise AccessRefused(f"{value!r} is no value to set")
    return value

"""Actuators on the job's own unit in the service manager: weight, soft memory limit, freezer.

A job that shares a unit with others (a command in a terminal's scope, a worker in a login
session) is adopted into a scope of its own first. It stays there afterwards, with a fair weight
and no limit: what it came from cannot be entered again without privilege.
"""

import contextlib

from omnitray.base.facts import ProcessIdentity
from omnitray.protector.actuators.actuator import (
    ActuationPlan,
    AlreadyThere,
    CannotPlan,
    Fate,
    NotOffered,
    Target,
    Value,
    ValueActuator,
    ValueChange,
    whole,
)
from omnitray.protector.actuators.system import AccessRefused, Gone, System
from omnitray.protector.model import ActuatorKind

LIGHTEST = 1  # of 1 to 10000, where 100 is the default: what is left over
FAIR = 100  # the default
GROWTH_BYTES = 64 << 20  # what a job may still take once its growth is throttled
FROZEN, RUNNING = "frozen", "running"
_PREFIX = "omnitray-job-"


class UnitActuator(ValueActuator):
    """What the actuators on units share: the job's own unit, adopted where it has none.

    ``controller`` is the kernel's part that acts on the unit's setting; empty: its core.
    """

    controller = ""

    def __init__(self, system: System) -> None:
        super().__init__(system)
        self._units = system.units

    def plan(self, target: Target) -> ActuationPlan:
        """One change of one unit, and who has to be taken in first."""
        blocked = self._units.why_not(self.controller)
        if blocked:
            raise NotOffered(blocked)
        family = self._family(target)
        unit, adopts = self._home(target, family)
        change = self._change(unit, target, is_new=bool(adopts))
        return ActuationPlan(lever=self.kind, changes=(change,), adopts=adopts)

    def prepare(self, plan: ActuationPlan) -> None:
        """Adopt the processes, and the children that they have started since."""
        if not plan.adopts:
            return
        unit = plan.changes[0].unit
        self._units.adopt(unit, plan.adopts, _description(unit))
        family = self._system.family(plan.adopts)
        members = self._units.members(unit)
        late = [process for process in family if process.pid not in members]
        if late:
            self._units.adopt(unit, late, _description(unit))

    def _home(
        self, target: Target, family: tuple[ProcessIdentity, ...]
    ) -> tuple[str, tuple[ProcessIdentity, ...]]:
        """The unit that holds the job and nothing else, or a new name and what to adopt."""
        units = set(self._readings(family, self._units.unit_of).values())
        pids = {process.pid for process in family}
        if len(units) == 1:
            unit = units.pop()
            if unit is not None and self._units.members(unit) <= pids:
                return unit, ()
        self._refuse_to_leave_limits(family)
        return _scope_name(target.job_key, family[0]), family

    def _refuse_to_leave_limits(self, family: tuple[ProcessIdentity, ...]) -> None:
        """Raises CannotPlan where a move would take processes out of a limit that is set.

        They could not be put back: what they came from cannot be entered without privilege.
        """
        groups = set(self._readings(family, self._units.group_of).values()) - {""}
        for group in sorted(groups):
            name = group.rpartition("/")[2]
            if not name.startswith(_PREFIX) and (limits := self._units.limits_of(group)):
                raise CannotPlan(f"{name} has {', '.join(limits)} set, which a move would lose")

    def _change(self, unit: str, target: Target, *, is_new: bool) -> ValueChange:
        raise NotImplementedError


class WeightActuator(UnitActuator):
    """The unit's share of the processors: least while others want them, else all.

    A scope of ours goes back to the default said aloud. Left unsaid, the manager would take the
    cpu controller away with the last weight, and each process of the job would again count as
    much as a whole application: worse for all others than before it was adopted.
    """

    kind = ActuatorKind.CPU_WEIGHT
    controller = "cpu"

    def _change(self, unit: str, target: Target, *, is_new: bool) -> ValueChange:
        del target
        old = FAIR if is_new else self._units.cpu_weight(unit)
        if old == LIGHTEST:
            raise AlreadyThere("it has the lowest weight")
        return ValueChange(unit=unit, old=old, new=LIGHTEST)

    def _get(self, change: ValueChange) -> Value:
        return self._units.cpu_weight(change.unit)

    def _restore(self, change: ValueChange, notes: list[str]) -> Fate:
        """A scope of ours whose making was broken off has no weight yet: it gets the fair one."""
        with contextlib.suppress(Gone, AccessRefused):
            if change.unit.startswith(_PREFIX) and self._get(change) is None:
                self._set(change, FAIR)
                return Fate.RESTORED
        return super()._restore(change, notes)

    def _set(self, change: ValueChange, value: Value) -> None:
        self._units.set_cpu_weight(change.unit, None if value is None else whole(value))


class MemoryActuator(UnitActuator):
    """The unit's soft memory limit: growth beyond it is throttled and reclaimed, nothing ends.

    Memory stays charged to the unit in which it was touched, so a scope that has just been made
    starts at nothing and the limit is the growth allowed from now on.
    """

    kind = ActuatorKind.MEMORY_HIGH
    controller = "memory"

    def _change(self, unit: str, target: Target, *, is_new: bool) -> ValueChange:
        del target
        old = None if is_new else self._units.memory_high(unit)
        held = 0 if is_new else self._units.memory_current(unit) or 0
        new = held + GROWTH_BYTES
        if old is not None and old <= new:
            raise AlreadyThere("it has a lower limit of its own")
        return ValueChange(unit=unit, old=old, new=new)

    def _get(self, change: ValueChange) -> Value:
        return self._units.memory_high(change.unit)

    def _set(self, change: ValueChange, value: Value) -> None:
        self._units.set_memory_high(change.unit, None if value is None else whole(value))


class FreezeActuator(UnitActuator):
    """The unit's freezer: every process stands still and cannot notice; not even its shell."""

    kind = ActuatorKind.FREEZE
    pauses = True

    def plan(self, target: Target) -> ActuationPlan:
        """The whole unit, only where nothing in it is tied to the person."""
        plan = super().plan(target)
        refuse_tied(self._system, self._family(target))
        return plan

    def _change(self, unit: str, target: Target, *, is_new: bool) -> ValueChange:
        del target
        if not is_new and self._units.is_frozen(unit):
            raise AlreadyThere("it is frozen")
        return ValueChange(unit=unit, old=RUNNING, new=FROZEN)

    def _get(self, change: ValueChange) -> Value:
        return FROZEN if self._units.is_frozen(change.unit) else RUNNING

    def _set(self, change: ValueChange, value: Value) -> None:
        if value == FROZEN:
            self._units.freeze(change.unit)
        else:
            self._units.thaw(change.unit)


def refuse_tied(system: System, processes: tuple[ProcessIdentity, ...]) -> None:
    """Raises CannotPlan where a pause would break something at the screen."""
    for pid, ties in system.ties(processes).items():
        if ties:
            raise CannotPlan(f"process {pid} {min(ties)}")


def _scope_name(job_key: str, leader: ProcessIdentity) -> str:
    """A name that two runs of one job do not share."""
    import hashlib  # noqa: PLC0415 - OpenSSL comes with it, 4 MB: not before it is needed

    job = hashlib.sha256(f"{job_key} {leader.pid} {leader.start_ticks}".encode()).hexdigest()
    return f"{_PREFIX}{job[:12]}.scope"


def _description(unit: str) -> str:
    return f"Held by OmniTray ({unit.removeprefix(_PREFIX).removesuffix('.scope')})"

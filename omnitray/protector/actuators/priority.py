"""Actuators on priorities: autogroup nice of whole sessions, nice and I/O class of processes.

Nice has little effect where the kernel schedules by session or cgroup, so it stands last in the
order of preference. What this user could not give back is not changed at all.
"""

from collections.abc import Iterator

from omnitray.base.facts import ProcessIdentity
from omnitray.protector.actuators.actuator import (
    ActuationPlan,
    AlreadyThere,
    CannotPlan,
    NotOffered,
    Target,
    Value,
    ValueActuator,
    ValueChange,
    process_of,
    whole,
)
from omnitray.protector.actuators.system import (
    IO_IDLE,
    IO_REALTIME,
    AccessRefused,
    Gone,
    IoPriority,
)
from omnitray.protector.model import ActuatorKind

NICEST = 19
INSIDE_ITS_SESSION = "acts inside its session only"
_IO_LEVELS = 8


class NiceActuator(ValueActuator):
    """Nice 19, among the processes of one session or cgroup.

    Whether it can be taken back is a matter of each process: its own limit (RLIMIT_NICE) counts.
    """

    kind = ActuatorKind.NICE
    inherited = True

    def plan(self, target: Target) -> ActuationPlan:
        """Every living process of the family that is not there yet, if all could be given back."""
        family = self._family(target)
        by_session = not self._system.autogroup_why_not(family[0])
        olds = self._readings(family, self._system.nice)
        changes = tuple(
            ValueChange(process=process, old=old, new=NICEST)
            for process, old in olds.items()
            if old < NICEST
        )
        if not changes:
            raise AlreadyThere("all its processes have the highest nice value")
        if not all(self._returns(change) for change in changes):
            raise CannotPlan("nice could not be given back by this user")
        notes = (INSIDE_ITS_SESSION,) if by_session else ()
        return ActuationPlan(lever=self.kind, changes=changes, notes=notes)

    def _returns(self, change: ValueChange) -> bool:
        """Whether its old value can be had again; what has ended needs none."""
        try:
            return self._system.may_set_nice(process_of(change), whole(change.old))
        except Gone:
            return True

    def _get(self, change: ValueChange) -> Value:
        return self._system.nice(process_of(change))

    def _set(self, change: ValueChange, value: Value) -> None:
        self._system.set_nice(process_of(change), whole(value))


class IoClassActuator(ValueActuator):
    """The idle class of I/O: served when no other process asks.

    The real-time class is for privileged users alone: who has it keeps it.
    """

    kind = ActuatorKind.IO_CLASS
    inherited = True

    def plan(self, target: Target) -> ActuationPlan:
        """Every living process of the family that is not idle yet."""
        new = _packed(IO_IDLE)
        olds = self._readings(self._family(target), self._system.io_priority)
        changes = tuple(
            ValueChange(process=process, old=_packed(old), new=new)
            for process, old in olds.items()
            if _packed(old) != new and old.io_class != IO_REALTIME
        )
        if not changes:
            if any(old.io_class == IO_REALTIME for old in olds.values()):
                raise CannotPlan("its real-time I/O class could not be given back by this user")
            raise AlreadyThere("all its I/O is idle class")
        return ActuationPlan(lever=self.kind, changes=changes)

    def _get(self, change: ValueChange) -> Value:
        return _packed(self._system.io_priority(process_of(change)))

    def _set(self, change: ValueChange, value: Value) -> None:
        priority = IoPriority(*divmod(whole(value), _IO_LEVELS))
        self._system.set_io_priority(process_of(change), priority)


class AutogroupActuator(ValueActuator):
    """Autogroup nice 19 for sessions that hold nothing but the job.

    A change names the session in ``unit`` and one of its processes; when that one has ended,
    another of the session stands in for it. A job that shares its terminal's session with the
    shell cannot be had this way.
    """

    kind = ActuatorKind.AUTOGROUP

    def plan(self, target: Target) -> ActuationPlan:
        """One change for each session that is the job's alone."""
        family = self._family(target)
        blocked = self._system.autogroup_why_not(family[0])
        if blocked:
            raise NotOffered(blocked)
        spared: list[str] = []
        changes = tuple(self._changes(family, spared))
        if not changes:
            if spared:
                raise CannotPlan(spared[0])
            raise AlreadyThere("its sessions have the highest nice value")
        return ActuationPlan(lever=self.kind, changes=changes, notes=tuple(spared))

    def _changes(
        self, family: tuple[ProcessIdentity, ...], spared: list[str]
    ) -> Iterator[ValueChange]:
        ours = {process.pid for process in family}
        for session, process in self._sessions(family).items():
            others = self._system.session_members(session) - ours
            old = self._system.autogroup_nice(process)
            if others:
                spared.append(f"session {session} holds {len(others)} other processes")
            # Below 0 the kernel asks for the right to set such a nice value (can_nice()).
            elif old < 0 and not self._system.may_set_nice(process, old):
                spared.append(f"session {session} has {old}, which this user could not give back")
            elif old < NICEST:
                yield ValueChange(process=process, unit=str(session), old=old, new=NICEST)

    def _sessions(self, family: tuple[ProcessIdentity, ...]) -> dict[int, ProcessIdentity]:
        sessions: dict[int, ProcessIdentity] = {}
        for process, session in self._readings(family, self._system.session).items():
            sessions.setdefault(session, process)
        return sessions

    def _get(self, change: ValueChange) -> Value:
        return self._system.autogroup_nice(self._member(change))

    def _set(self, change: ValueChange, value: Value) -> None:
        self._system.set_autogroup_nice(self._member(change), whole(value))

    def _member(self, change: ValueChange) -> ProcessIdentity:
        """A living process of the change's session, no older than the one it names.

        While a session has members, no process gets its number as a pid: one that has it and
        is younger than a member leads another session, and the one that was changed is over.
        """
        known = process_of(change)
        if self._system.is_there(known):
            return known
        if not change.unit.isdigit():
            raise AccessRefused(f"{change.unit!r} is no session")
        session = int(change.unit)
        named = self._system.identify([session])
        if not any(each.start_ticks > known.start_ticks for each in named):
            for process in self._system.identify(self._system.session_members(session)):
                if process.start_ticks >= known.start_ticks:
                    return process
        raise Gone(f"session {session} has ended")


def _packed(priority: IoPriority) -> int:
    return priority.io_class * _IO_LEVELS + priority.level

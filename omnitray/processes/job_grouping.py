"""Which job each process belongs to. Pure: the same processes give the same jobs in any order.

From the top of the process tree downwards, a process stays in its parent's job, unless

- its parent is a *host* (init, the session, a panel): then it is a stranger. Its cgroup says which
  application or service it is; else it is a command of its own;
- it has lost its parent: then it stays where it was.
- its parent is a shell that waits for a person, and it was put into a process group of its own:
  then that group is what was typed (job control). Shells that wait belong to their terminal.
- it leads a session on a terminal and is no such shell: then it is what the terminal runs.
- it is a test run, a build or an agent that an application, an agent or a service has started.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

import msgspec

from omnitray.base.facts import JobKind, ProcessFacts
from omnitray.processes.cgroup_units import Unit, UnitKind, readable_name, unit_of
from omnitray.processes.job_looks import (
    KERNEL,
    SYSTEM,
    JobAssignment,
    PreviousScan,
    ProcessDetailCache,
    identity,
)
from omnitray.processes.naming import CommandName, beside_others, may_be_a_run, rank
from omnitray.processes.process_roles import Role, role_of, waits_for_a_person

_APART = frozenset({JobKind.APP, JobKind.AGENT, JobKind.SERVICE, JobKind.SYSTEM})
_OWN_RUN = frozenset({JobKind.TEST_RUN, JobKind.BUILD, JobKind.AGENT})
_STRANGERS = frozenset({Role.HOST, Role.DESKTOP})


def seat_all(
    processes: Sequence[ProcessFacts],
    looks: ProcessDetailCache,
    past: PreviousScan,
    unmoved: AbstractSet[int],
) -> dict[int, JobAssignment]:
    """The seat of each process by pid; ``unmoved`` are those who are where they were."""
    return _Seating(processes, looks, past, unmoved).all()


class _Seating:
    """One pass over one scan."""

    def __init__(
        self,
        processes: Sequence[ProcessFacts],
        looks: ProcessDetailCache,
        past: PreviousScan,
        unmoved: AbstractSet[int],
    ) -> None:
        self._by_pid = {process.pid: process for process in processes}
        self._looks = looks
        self._remembered = past.seats
        self._unmoved = unmoved
        self._orphans = past.orphaned(processes, unmoved)
        self._seats: dict[int, JobAssignment] = {}
        self._groups: dict[int, list[ProcessFacts]] | None = None
        self._names: dict[int, CommandName] = {}

    def all(self) -> dict[int, JobAssignment]:
        seats = self._seats
        for pid, process in self._by_pid.items():
            if pid not in seats:
                above = seats.get(process.ppid)
                if above is not None and self._still_belongs(process, above):
                    seats[pid] = above
                else:
                    self._seat_line(process)
        return seats

    def _still_belongs(self, process: ProcessFacts, above: JobAssignment) -> bool:
        """Whether it was in its parent's job before, and nothing has changed for either."""
        if process.pid not in self._unmoved or process.ppid not in self._unmoved:
            return False
        return self._remembered.get(identity(process)) is above

    def _seat_line(self, process: ProcessFacts) -> None:
        """Seat a process after all those above it."""
        line = [process]
        seen = {process.pid}
        while (parent := self._parent(line[-1])) is not None:
            if parent.pid in self._seats or parent.pid in seen:
                break
            line.append(parent)
            seen.add(parent.pid)
        for each in reversed(line):
            self._seats[each.pid] = self._kept(each, self._seat(each))

    def _kept(self, process: ProcessFacts, seat: JobAssignment) -> JobAssignment:
        """The seat it had, when that says the same: who sits below then needs no look."""
        before = self._remembered.get(identity(process))
        same = before is not None and before.key == seat.key and before.name == seat.name
        return before if same and before is not None and before.kind == seat.kind else seat

    def _parent(self, process: ProcessFacts) -> ProcessFacts | None:
        parent = self._by_pid.get(process.ppid)
        # A parent that is younger than its child has only inherited a pid.
        if parent is None or parent.start_ticks > process.start_ticks:
            return None
        return parent

    def _seat(self, process: ProcessFacts) -> JobAssignment:
        role = role_of(process)
        if role is Role.KERNEL:
            return KERNEL
        if (before := self._job_of_an_orphan(process)) is not None:
            return before
        parent = self._parent(process)
        above = self._seats.get(parent.pid) if parent else None
        if parent is None or above is None or role_of(parent) in _STRANGERS:
            return self._stranger(process, role, parent)
        if role is Role.SHELL and self._waits(process) and not self._is_copy(process, parent):
            return above
        if self._was_typed(process, parent, above) or (
            _leads_a_terminal(process) and parent.session != process.session
        ):
            return self._command(process)
        if above.kind in _APART and may_be_a_run(process.name):
            return self._run(process) or above
        return above

    def _job_of_an_orphan(self, process: ProcessFacts) -> JobAssignment | None:
        """The job that one without its parent stays in: what began it may have gone with that."""
        before = self._remembered.get(identity(process))
        if before is None or identity(process) not in self._orphans:
            return None
        if before.key.startswith("command:") and before.root == identity(process):
            return self._command(process)
        return before if before.key.startswith(("command:", "run:")) else None

    def _was_typed(self, process: ProcessFacts, parent: ProcessFacts, above: JobAssignment) -> bool:
        """Whether a shell has put it into a group of its own, as a person's command or another's.

        A script that a person runs may do that too; its commands are parts of that job.
        """
        if process.group == parent.group or role_of(parent) is not Role.SHELL:
            return False
        return above.kind in _APART or self._waits(parent)

    def _waits(self, shell: ProcessFacts) -> bool:
        return waits_for_a_person(self._looks.arguments(shell))

    def _is_copy(self, process: ProcessFacts, parent: ProcessFacts) -> bool:
        """Whether a shell has made a copy of itself for a part of a line: ``(cd shop; make)``."""
        if process.name != parent.name or process.tty != parent.tty:
            return False
        own, its = self._looks.arguments(process), self._looks.arguments(parent)
        return own == its and process.session == parent.session

    def _run(self, process: ProcessFacts) -> JobAssignment | None:
        """The seat of a test run, build or agent; None for anything else."""
        found = self._looks.command(process)
        if found.kind not in _OWN_RUN:
            return None
        return JobAssignment(
            key=f"run:{process.pid}:{process.start_ticks}",
            name=found.name,
            kind=found.kind,
            root=identity(process),
        )

    def _stranger(
        self, process: ProcessFacts, role: Role, parent: ProcessFacts | None
    ) -> JobAssignment:
        cgroup = self._looks.cgroup(process)
        unit = unit_of(cgroup)
        if not _speaks_for(unit, role) or self._shares_with(parent, cgroup):
            unit = Unit(kind=UnitKind.MIXED)
        if unit.kind is not UnitKind.MIXED:
            return self._of_unit(process, role, unit, cgroup)
        if role in _STRANGERS:
            return SYSTEM
        return self._command(process, launched_by=role_of(parent) if parent else Role.HOST)

    def _shares_with(self, parent: ProcessFacts | None, cgroup: str | None) -> bool:
        """Whether a session's process started it without giving it a unit of its own."""
        desktop = parent is not None and role_of(parent) is Role.DESKTOP
        return desktop and parent is not None and self._looks.cgroup(parent) == cgroup

    def _of_unit(
        self, process: ProcessFacts, role: Role, unit: Unit, cgroup: str | None
    ) -> JobAssignment:
        kinds = {UnitKind.APP: JobKind.APP, UnitKind.TERMINAL: JobKind.APP}
        kind = kinds.get(unit.kind, JobKind.SERVICE)
        if role in _STRANGERS:
            kind = JobKind.SYSTEM
        name = readable_name(unit.name) if kind is JobKind.APP else unit.name
        found = self._looks.command(process)
        return JobAssignment(
            key=f"unit:{cgroup}",
            name=name or found.name,
            kind=kind,
            root=identity(process),
            cgroup=cgroup,
        )

    def _command(self, process: ProcessFacts, launched_by: Role | None = None) -> JobAssignment:
        """The seat of a process group: what was typed, or what was started by a stranger."""
        members = self._group(process)
        # A panel may leave what it starts in its own group: that says nothing, then.
        alone = not process.group or self._shares_a_group(process, members[0])
        members, number = ([process], process.pid) if alone else (members, process.group)
        found = self._named(members)
        for member in members:
            seat = self._remembered.get(identity(member))
            if seat is not None and seat.key.startswith(f"command:{number}:"):
                return self._renamed(seat, found)
        leader = members[0]
        kind = found.kind
        if kind is JobKind.COMMAND and launched_by is not None and not leader.tty:
            kind = JobKind.APP if launched_by is Role.DESKTOP else JobKind.SERVICE
        return JobAssignment(
            key=f"command:{number}:{leader.start_ticks}",
            name=found.name,
            kind=kind,
            root=identity(leader),
        )

    def _shares_a_group(self, process: ProcessFacts, first: ProcessFacts) -> bool:
        """Whether the group is that of a host."""
        parent = self._parent(process)
        beside = parent if parent is not None and parent.group == process.group else first
        return role_of(first) in _STRANGERS or role_of(beside) in _STRANGERS

    def _named(self, members: list[ProcessFacts]) -> CommandName:
        """The name of the member that says most; a pipeline is called by what it is for."""
        known = self._names.get(members[0].pid) if len(members) > 1 else None
        if known is not None:
            return known
        first = self._looks.command(members[0])
        others = [
            beside_others(self._looks.command(each))
            for each in members[1:]
            if self._stands_beside(each)
        ]
        found = max((first, *others), key=lambda each: rank(each.name, each.kind))
        if len(members) > 1:
            self._names[members[0].pid] = found
        return found

    def _stands_beside(self, member: ProcessFacts) -> bool:
        """Whether a shell put it there for a line, and it is no part of another member."""
        parent = self._parent(member)
        if parent is None or role_of(parent) is not Role.SHELL:
            return False
        return parent.group != member.group or self._waits(parent)

    def _renamed(self, seat: JobAssignment, found: CommandName) -> JobAssignment:
        """The seat under a name that says more, while the one who began it lives."""
        root = self._by_pid.get(seat.root[0])
        if root is None or identity(root) != seat.root:
            return seat
        if rank(found.name, found.kind) <= rank(seat.name, seat.kind):
            return seat
        kind = seat.kind if found.kind is JobKind.COMMAND else found.kind
        return msgspec.structs.replace(seat, name=found.name, kind=kind)

    def _group(self, process: ProcessFacts) -> list[ProcessFacts]:
        """Its process group, the leader first where it lives, else the oldest."""
        if self._groups is None:
            self._groups = {}
            for each in self._by_pid.values():
                self._groups.setdefault(each.group, []).append(each)
            for group, members in self._groups.items():
                members.sort(key=lambda each: (each.pid != group, each.start_ticks, each.pid))
        return self._groups[process.group]


def _leads_a_terminal(process: ProcessFacts) -> bool:
    return bool(process.tty) and process.session == process.pid


def _speaks_for(unit: Unit, role: Role) -> bool:
    """Whether the unit says what the process is; a terminal's says so of the terminal alone."""
    return unit.kind is not UnitKind.TERMINAL or role is Role.TERMINAL

"""Which job each process belongs to, kept from scan to scan.

:class:`AssignmentRules` says it for one process, :class:`JobGrouping` asks again for those alone
whose answer may be another one: they came, moved, or hang on a process or a process group that
did. The same processes give the same jobs in any order.

From the top of the process tree downwards, a process stays in its parent's job, unless

- its parent is a *host* (init, the session, a panel): then it starts a job of its own. Its cgroup
  says which application or service it is; else it is a command of its own;
- it has lost its parent: then it stays where it was.
- its parent is a shell that waits for a person, and it was put into a process group of its own:
  then that group is what was typed (job control). Shells that wait belong to their terminal.
- it leads a session on a terminal and is no such shell: then it is what the terminal runs.
- it is a test run, a build or an agent that an application, an agent or a service has started.
- it is OmniTray itself, or a command of it that would be a part of another's job: a job of its
  own, and so is what it starts in a session of its own (a watched server).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from omnitray.base.facts import JobKind, ProcessFacts
from omnitray.processes.naming import (
    CommandName,
    Unit,
    UnitKind,
    beside_others,
    may_be_a_run,
    rank,
    readable_name,
    says_little,
    unit_of,
)
from omnitray.processes.process_roles import (
    HELPERS,
    OURSELVES,
    Role,
    role_of,
    waits_for_a_person,
    wrapped_run,
)
from omnitray.processes.process_table import (
    BY_AGE,
    Identity,
    ProcessDetailCache,
    ProcessTree,
    TreeChanges,
    identity,
)

BY_AGENT = "agent · "
_APART = frozenset({JobKind.APP, JobKind.AGENT, JobKind.SERVICE, JobKind.SYSTEM})
_OWN_RUN = frozenset({JobKind.TEST_RUN, JobKind.BUILD, JobKind.AGENT})
_STRANGERS = frozenset({Role.HOST, Role.DESKTOP})


class JobAssignment(msgspec.Struct, frozen=True, kw_only=True):
    """The job's key, what was known of it when it began, and who began it."""

    key: str
    name: str
    kind: JobKind
    root: Identity
    cgroup: str | None = None

    @property
    def is_detached_command(self) -> bool:
        """Whether a command was started without a terminal: by cron, ``setsid``, a container."""
        return self.kind is JobKind.SERVICE and self.key.startswith("command:")


KERNEL = JobAssignment(key="kernel", name="Kernel", kind=JobKind.SYSTEM, root=(2, 0))
SYSTEM = JobAssignment(key="system", name="System", kind=JobKind.SYSTEM, root=(1, 0))


class JobGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A job before it is measured; the members (pids) by age."""

    assignment: JobAssignment
    leader: int
    members: tuple[int, ...]


class GroupAsked(msgspec.Struct, frozen=True):
    """What an answer rests on: a process group, or no more of it than what comes first in it."""

    number: int
    first: Role
    whole: bool


class JobGrouping:
    """The jobs of the newest scan; from one thread."""

    def __init__(self, details: ProcessDetailCache, own_pid: int | None = None) -> None:
        self.tree = ProcessTree()
        self.groups: dict[str, JobGroup] = {}  # by key
        self.regrouped: frozenset[str] | set[str] = frozenset()  # keys that the newest scan touched
        self._details = details
        self._assignments: dict[int, JobAssignment] = {}
        # What those had before this scan who were given another one in it; None: they came.
        self._replaced: dict[int, JobAssignment | None] = {}
        self._members: dict[str, set[int]] = {}
        self._asked: dict[int, GroupAsked] = {}
        self._askers: dict[int, set[int]] = {}  # by process group
        self._rules = AssignmentRules(self.tree, details, self._assignments, self._before, own_pid)

    def update(self, processes: Sequence[ProcessFacts], *, whole: bool = False) -> TreeChanges:
        """Take a scan. ``whole``: ask for every process, whatever has changed."""
        reassigned, self._replaced = self._replaced, {}
        changes = self.tree.update(processes)
        moved_units = self._details.settle(
            lambda each: (
                self.tree.by_pid.get(each.pid) is not None
                and identity(self.tree.by_pid[each.pid]) == identity(each)
            )
        )
        touched: set[str] = set()
        for process in changes.gone:
            self._drop(process, touched)
        for before, now in changes.moved:
            if before.name != now.name:
                self._details.forget(before)
        if whole:
            self._rules.names.clear()
            pending = set(self.tree.by_pid)
        else:
            pending = self._concerned(changes, moved_units, reassigned)
        self._assign(pending)
        for pid, replaced in self._replaced.items():
            self._move(pid, replaced, touched)
        # The members' figures may be others, but who they are and who leads them is not.
        for key in touched:
            self._regroup(key)
        self.regrouped = touched
        return changes

    def job_key(self, pid: int) -> str:
        """The key of the job of a process."""
        return self._assignments[pid].key

    def _before(self, process: ProcessFacts) -> JobAssignment | None:
        """What it was assigned at the scan before; None where it was not there."""
        if process.pid in self._replaced:
            return self._replaced[process.pid]
        return self._assignments.get(process.pid)

    # Who is asked for again

    def _concerned(
        self, changes: TreeChanges, moved_units: Iterable[int], reassigned: Mapping[int, object]
    ) -> set[int]:
        tree = self.tree
        moved = changes.pids()
        # A process is judged by its parent and its parent's unit; a group by its members' parents.
        changed = {*moved, *moved_units}
        below = {child for pid in changed for child in tree.children(pid)}
        groups = {process.group for process in (*changes.gone, *changes.came)}
        groups |= {each.group for pair in changes.moved for each in pair}
        groups |= {tree.by_pid[pid].group for pid in below}
        for group in groups:
            self._rules.names.pop(group, None)
        # Whether a command goes on follows from what its members were assigned at the scan before:
        # a new answer may give yet another one. All other answers would come out the same.
        known = [pid for pid in reassigned if pid in tree.by_pid]
        again = {pid for pid in known if pid in self._asked}
        resumed = {tree.by_pid[pid].group for pid in known}
        asking = {
            pid
            for group in groups | resumed
            for pid in self._askers.get(group, ())
            if self._is_concerned(self._asked[pid])
        }
        return {pid for pid in (*changed, *below, *again, *asking) if pid in tree.by_pid}

    def _is_concerned(self, asked: GroupAsked) -> bool:
        members = self.tree.group(asked.number)
        return asked.whole or not members or role_of(members[0]) is not asked.first

    def _assign(self, pending: set[int]) -> None:
        """Assign these, each after its parent, and those below that a new answer concerns."""
        tree = self.tree
        asked: set[int] = set()  # from the top down once is enough
        while pending:
            line = [tree.by_pid[next(iter(pending))]]
            while (parent := tree.parent(line[-1])) is not None:
                line.append(parent)
            for process in reversed(line):
                if process.pid in pending:
                    pending.discard(process.pid)
                    asked.add(process.pid)
                    if self._ask(process):
                        pending |= tree.children(process.pid) - asked

    def _ask(self, process: ProcessFacts) -> bool:
        """Assign one; whether that is another answer than the newest one."""
        pid = process.pid
        newest = self._assignments.get(pid)
        found = self._rules.assign(process)
        self._note_group(pid, self._rules.group_asked)
        before = self._before(process)
        if before is not None and _is_same(before, found):
            found = before  # who sits below needs no look then
        if found is newest:
            return False
        if found is before:
            self._replaced.pop(pid, None)
        else:
            self._replaced.setdefault(pid, before)
        self._assignments[pid] = found
        return True

    def _note_group(self, pid: int, asked: GroupAsked | None) -> None:
        before = self._asked.pop(pid, None)
        if before is not None:
            self._askers[before.number].discard(pid)
            if not self._askers[before.number]:
                del self._askers[before.number]
        if asked is not None:
            self._asked[pid] = asked
            self._askers.setdefault(asked.number, set()).add(pid)

    # Which processes belong together

    def _drop(self, process: ProcessFacts, touched: set[str]) -> None:
        self._details.forget(process)
        self._note_group(process.pid, None)
        key = self._assignments.pop(process.pid).key
        self._members[key].discard(process.pid)
        touched.add(key)

    def _move(self, pid: int, before: JobAssignment | None, touched: set[str]) -> None:
        now = self._assignments[pid]
        if before is not None:
            self._members[before.key].discard(pid)
            touched.add(before.key)
        self._members.setdefault(now.key, set()).add(pid)
        touched.add(now.key)

    def _regroup(self, key: str) -> None:
        pids = self._members[key]
        if not pids:
            del self._members[key]
            self.groups.pop(key, None)
            return
        members = sorted((self.tree.by_pid[pid] for pid in pids), key=BY_AGE)
        # Several processes of other jobs may have begun one unit: the oldest of them counts.
        assignment = self._assignments[members[0].pid]
        leader = next((each for each in members if identity(each) == assignment.root), members[0])
        self.groups[key] = JobGroup(
            assignment=assignment,
            leader=leader.pid,
            members=tuple([each.pid for each in members]),
        )


class AssignmentRules:
    """The job of one process, from its place in the tree and the answers for those above it."""

    def __init__(
        self,
        tree: ProcessTree,
        details: ProcessDetailCache,
        assignments: Mapping[int, JobAssignment],
        before: Callable[[ProcessFacts], JobAssignment | None],
        own_pid: int | None = None,
    ) -> None:
        self.names: dict[int, CommandName] = {}  # of process groups
        self.group_asked: GroupAsked | None = None  # by the newest answer
        self._tree = tree
        self._details = details
        self._assignments = assignments
        self._before = before
        self._own_pid = own_pid

    def assign(self, process: ProcessFacts) -> JobAssignment:
        """The job of a process; its parent's has to be known."""
        self.group_asked = None
        role = role_of(process)
        if role is Role.KERNEL or process.pid == self._own_pid:
            return KERNEL if role is Role.KERNEL else _own(process)
        if (before := self._job_of_an_orphan(process)) is not None:
            return before
        parent = self._tree.parent(process)
        above = self._assignments.get(parent.pid) if parent else None
        if parent is None or above is None or role_of(parent) in _STRANGERS:
            return self._stranger(process, role, parent)
        if role is Role.SHELL and self._waits(process) and not self._is_copy(process, parent):
            return above
        if self._was_typed(process, parent, above) or self._leads(process, parent):
            return _by(above, self._command(process))
        if not may_be_a_run(process.name):
            return above
        found = self._details.command(process)
        if found.name != above.name and found.name.partition(" ")[0].lower() == OURSELVES.lower():
            return _own(process, found)  # a script that asks OmniTray is not OmniTray
        return (self._run(process, above) if above.kind in _APART else None) or above

    def _leads(self, process: ProcessFacts, parent: ProcessFacts) -> bool:
        """Whether it leads a session that is a job: what a terminal runs, a server of ours."""
        if process.session != process.pid or parent.session == process.session:
            return False
        if parent.pid == self._own_pid:
            return self._details.command(process).name != OURSELVES  # the watchdog is
        return bool(process.tty)

    def _job_of_an_orphan(self, process: ProcessFacts) -> JobAssignment | None:
        """The job that one without its parent stays in: what began it may have gone with that."""
        before = self._before(process)
        if before is None or identity(process) not in self._tree.orphans:
            return None
        begun_by_it = before.root == identity(process)
        if before.key.startswith("command:") and (begun_by_it or _says_little(before)):
            return self._command(process)
        return before if before.key.startswith(("command:", "run:")) else None

    def _was_typed(self, process: ProcessFacts, parent: ProcessFacts, above: JobAssignment) -> bool:
        """Whether a shell has put it into a group of its own, as a person's command or another's.

        A script that a person runs may do that too; its commands are parts of that job.
        """
        if process.group == parent.group or role_of(parent) is not Role.SHELL:
            return False
        if self._waits(parent):
            return True
        # What ``timeout`` or ``setsid`` starts in the line of a cron job is a part of it.
        return above.kind in _APART and not above.is_detached_command

    def _waits(self, shell: ProcessFacts) -> bool:
        return waits_for_a_person(self._details.arguments(shell))

    def _is_copy(self, process: ProcessFacts, parent: ProcessFacts) -> bool:
        """Whether a shell has made a copy of itself for a part of a line: ``(cd shop; make)``."""
        if process.name != parent.name or process.tty != parent.tty:
            return False
        own, its = self._details.arguments(process), self._details.arguments(parent)
        return own == its and process.session == parent.session

    def _run(self, process: ProcessFacts, above: JobAssignment) -> JobAssignment | None:
        """The job of a test run, build, agent or ``omnitray run``; None for anything else.

        What an agent has started says so in its name.
        """
        found = self._details.command(process)
        if found.kind not in _OWN_RUN and not wrapped_run(self._details.arguments(process) or ()):
            return None
        run = JobAssignment(
            key=f"run:{process.pid}:{process.start_ticks}",
            name=found.name,
            kind=found.kind,
            root=identity(process),
        )
        return _by(above, run)

    def _stranger(
        self, process: ProcessFacts, role: Role, parent: ProcessFacts | None
    ) -> JobAssignment:
        cgroup = self._details.cgroup(process)
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
        return desktop and parent is not None and self._details.cgroup(parent) == cgroup

    def _of_unit(
        self, process: ProcessFacts, role: Role, unit: Unit, cgroup: str | None
    ) -> JobAssignment:
        kinds = {UnitKind.APP: JobKind.APP, UnitKind.TERMINAL: JobKind.APP}
        kind = kinds.get(unit.kind, JobKind.SERVICE)
        if role in _STRANGERS:
            kind = JobKind.SYSTEM
        name = readable_name(unit.name) if kind is JobKind.APP else unit.name
        found = self._details.command(process)
        return JobAssignment(
            key=f"unit:{cgroup}",
            name=name or found.name,
            kind=kind,
            root=identity(process),
            cgroup=cgroup,
        )

    def _command(self, process: ProcessFacts, launched_by: Role | None = None) -> JobAssignment:
        """The job of a process group: a typed command, or what a host started."""
        members = self._tree.group(process.group)
        # A panel may leave what it starts in its own group: that says nothing, then.
        alone = not process.group or self._shares_a_group(process, members[0])
        self.group_asked = GroupAsked(process.group, role_of(members[0]), whole=not alone)
        members, number = ([process], process.pid) if alone else (members, process.group)
        found = self._named(members)
        for member in members:
            before = self._before(member)
            if before is not None and before.key.startswith(f"command:{number}:"):
                return self._renamed(before, found)
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
        parent = self._tree.parent(process)
        beside = parent if parent is not None and parent.group == process.group else first
        return role_of(first) in _STRANGERS or role_of(beside) in _STRANGERS

    def _named(self, members: list[ProcessFacts]) -> CommandName:
        """The name of the member that says most; a pipeline is called by what it is for."""
        if len(members) > 1 and (known := self.names.get(members[0].group)) is not None:
            return known
        first = self._details.command(members[0])
        others = [
            beside_others(self._details.command(each))
            for each in members[1:]
            if self._stands_beside(each)
        ]
        found = max((first, *others), key=lambda each: rank(each.name, each.kind))
        if len(members) > 1:
            self.names[members[0].group] = found
        return found

    def _stands_beside(self, member: ProcessFacts) -> bool:
        """Whether a shell put it there for a line, and it is no part of another member."""
        parent = self._tree.parent(member)
        if parent is None:
            return False
        if role_of(parent) is not Role.SHELL:
            # ``sh -c 'serve & sleep 9'`` has become its last command, which starts nothing itself.
            return self._details.command(parent).name in HELPERS
        return parent.group != member.group or self._waits(parent)

    def _renamed(self, before: JobAssignment, found: CommandName) -> JobAssignment:
        """The job under a name that says more; after its end, in place of one that says little."""
        root = self._tree.by_pid.get(before.root[0])
        over = root is None or identity(root) != before.root
        if over and not _says_little(before):
            return before
        if rank(found.name, found.kind) <= rank(before.name, before.kind):
            return before
        kind = before.kind if found.kind is JobKind.COMMAND else found.kind
        return msgspec.structs.replace(before, name=found.name, kind=kind)


def _own(process: ProcessFacts, found: CommandName | None = None) -> JobAssignment:
    """OmniTray, or a command of it."""
    return JobAssignment(
        key=f"own:{process.pid}:{process.start_ticks}",
        name=found.name if found else OURSELVES,
        kind=found.kind if found else JobKind.APP,
        root=identity(process),
    )


def _says_little(job: JobAssignment) -> bool:
    """Whether it is called after what only helps others, or after the shell."""
    return says_little(job.name, job.kind)


def _by(above: JobAssignment, job: JobAssignment) -> JobAssignment:
    """The job, named as an agent's where one has started it."""
    started = above.kind is JobKind.AGENT and job.kind is not JobKind.AGENT
    if not started or job.name.startswith(BY_AGENT):
        return job
    return msgspec.structs.replace(job, name=f"{BY_AGENT}{job.name}")


def _is_same(one: JobAssignment, other: JobAssignment) -> bool:
    return one.key == other.key and one.name == other.name and one.kind == other.kind


def _speaks_for(unit: Unit, role: Role) -> bool:
    """Whether the unit says what the process is; a terminal's says so of the terminal alone."""
    return unit.kind is not UnitKind.TERMINAL or role is Role.TERMINAL

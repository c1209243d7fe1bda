"""The seam to the processes: one scan of all, and details on demand for a few.

``ProcessTable.scan()`` is what runs at every look, so it gives only what is nearly free.
``ProcessDetails`` costs tens of microseconds a call and is asked for leaders and new processes.
Every detail is of that very process: the identity ``(pid, start_ticks)`` is checked after the
reading, and ``None`` is the answer for one that is gone, was replaced, or may not be read.

The processes of the newest scan are indexed in :class:`ProcessTree`: parents, children, process
groups, orphans. An update says what is different from the scan before, so that code that keeps
something for each process updates only those that changed.

:class:`ProcessDetailCache` keeps what grouping asks about single processes. Answers are kept for a
process under one name: one that starts another program gets another name, and is read again.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from operator import attrgetter
from typing import Protocol

import msgspec

from omnitray.base.clock import Clock
from omnitray.base.facts import ProcessFacts
from omnitray.processes.naming import CommandName, name_command
from omnitray.processes.process_roles import role_of


class ProcessTable(Protocol):
    """Scans all processes."""

    def scan(self) -> tuple[ProcessFacts, ...]:
        """All processes now, by pid; CPU since the previous scan."""
        ...


class ProcessDetails(Protocol):
    """What is read for few processes; every function takes the process as the scan showed it."""

    def exe(self, process: ProcessFacts, /) -> str | None:
        """Path of the executable (with `` (deleted)`` where it was replaced by an upgrade)."""
        ...

    def cmdline(self, process: ProcessFacts, /) -> tuple[str, ...] | None:
        """Arguments, made printable; empty for kernel threads."""
        ...

    def cwd(self, process: ProcessFacts, /) -> str | None:
        """Working folder."""
        ...

    def cgroup(self, process: ProcessFacts, /) -> str | None:
        """Path of its cgroup (of the unified hierarchy, else of systemd's)."""
        ...

    def pss_bytes(self, process: ProcessFacts, /) -> int | None:
        """Proportional set size: shared pages are divided among those who share them. Slow."""
        ...

    def written_bytes(self, process: ProcessFacts, /) -> int | None:
        """What it has caused to be written to disks since it began."""
        ...

    def io_bytes(self, process: ProcessFacts, /) -> int | None:
        """What it has caused to be read from and written to disks since it began, together."""
        ...

    def writes_to(self, process: ProcessFacts, mounts: tuple[str, ...], /) -> frozenset[str] | None:
        """On which of these file systems it has files open for writing.

        None where that cannot be seen, and where it has no file open for writing just now: it may
        write to any of them.
        """
        ...

    def writes_in(self, process: ProcessFacts, /) -> str | None:
        """The folder of the file that it has written most of, of those it has open for writing."""
        ...

    def is_remote(self, folder: str, /) -> bool:
        """Whether looking into this folder may have to wait for another machine."""
        ...


Identity = tuple[int, int]

BY_AGE = attrgetter("start_ticks", "pid")
_NOTHING: frozenset[int] = frozenset()


def identity(process: ProcessFacts) -> Identity:
    """Who it is: a pid alone is given to others later."""
    return process.pid, process.start_ticks


class TreeChanges(msgspec.Struct, frozen=True):
    """What is different from the scan before; a pid that was given away is in both first lists."""

    gone: list[ProcessFacts]
    came: list[ProcessFacts]
    moved: list[tuple[ProcessFacts, ProcessFacts]]  # before and now: parent, group, session, name
    refreshed: list[ProcessFacts]  # where they were, with other figures

    def pids(self) -> set[int]:
        """All but the refreshed ones."""
        return {
            *(process.pid for process in self.gone),
            *(process.pid for process in self.came),
            *(process.pid for _, process in self.moved),
        }


class ProcessTree:
    """Holds one scan; from one thread."""

    def __init__(self) -> None:
        self.by_pid: dict[int, ProcessFacts] = {}
        self.orphans: set[Identity] = set()  # whose parent ended between two scans
        self._children: dict[int, set[int]] = {}
        self._groups: dict[int, set[int]] = {}
        self._ordered: dict[int, list[int]] = {}

    def update(self, processes: Sequence[ProcessFacts]) -> TreeChanges:
        """Take a scan."""
        changes = self._compared(processes)
        for process in changes.gone:
            self._remove(process)
            self.orphans.discard(identity(process))
        for before, now in changes.moved:
            self._remove(before)
            self._add(now)
            # Nothing but the end of its parent gives a process another one.
            if before.ppid != now.ppid:
                self.orphans.add(identity(now))
        for process in changes.came:
            self._add(process)
        return changes

    def parent(self, process: ProcessFacts) -> ProcessFacts | None:
        """Its parent; one that is younger than its child has only inherited a pid."""
        parent = self.by_pid.get(process.ppid)
        if parent is None or parent.start_ticks > process.start_ticks:
            return None
        # A scan is not taken at one moment, so that two may seem to be each other's parent.
        if parent.start_ticks == process.start_ticks and self._is_below(parent, process):
            return None
        return parent

    def _is_below(self, process: ProcessFacts, above: ProcessFacts) -> bool:
        """Whether this one stands below another of the same age, or is it."""
        seen: set[int] = set()
        while process.start_ticks == above.start_ticks and process.pid not in seen:
            if process.pid == above.pid:
                return True
            seen.add(process.pid)
            parent = self.by_pid.get(process.ppid)
            if parent is None:
                return False
            process = parent
        return False

    def children(self, pid: int) -> AbstractSet[int]:
        """The pids of those that have this one as their parent."""
        return self._children.get(pid, _NOTHING)

    def group(self, number: int) -> list[ProcessFacts]:
        """A process group, the leader first where it lives, then by age."""
        by_pid = self.by_pid
        ordered = self._ordered.get(number)
        if ordered is None:
            members = [by_pid[pid] for pid in self._groups.get(number, ())]
            members.sort(key=lambda each: (each.pid != number, *BY_AGE(each)))
            self._ordered[number] = ordered = [each.pid for each in members]
        return [by_pid[pid] for pid in ordered]

    def _compared(self, processes: Sequence[ProcessFacts]) -> TreeChanges:
        by_pid = self.by_pid
        changes = TreeChanges([], [], [], [])
        # A process that slept is the very same object: that is most of them, most of the time.
        for process in [each for each in processes if by_pid.get(each.pid) is not each]:
            old = by_pid.get(process.pid)
            if old is None:
                changes.came.append(process)
            elif old.start_ticks != process.start_ticks:
                changes.gone.append(old)
                changes.came.append(process)
            elif _is_where_it_was(old, process):
                changes.refreshed.append(process)
            else:
                changes.moved.append((old, process))
            by_pid[process.pid] = process
        if len(by_pid) != len(processes):
            there = {process.pid for process in processes}
            changes.gone.extend(by_pid.pop(pid) for pid in by_pid.keys() - there)
        return changes

    def _add(self, process: ProcessFacts) -> None:
        self._children.setdefault(process.ppid, set()).add(process.pid)
        self._groups.setdefault(process.group, set()).add(process.pid)
        self._ordered.pop(process.group, None)

    def _remove(self, process: ProcessFacts) -> None:
        self._ordered.pop(process.group, None)
        for index, key in ((self._children, process.ppid), (self._groups, process.group)):
            index[key].discard(process.pid)
            if not index[key]:
                del index[key]


def _is_where_it_was(old: ProcessFacts, new: ProcessFacts) -> bool:
    return (
        old.ppid == new.ppid
        and old.name == new.name
        and old.group == new.group
        and old.session == new.session
        and old.tty == new.tty
        and role_of(old) is role_of(new)
    )


# A new process is moved into the unit of its application some moments after it was started: the
# desktop asks systemd for the scope over D-Bus only when the process is there.
SETTLES_S = 5.0
# What starts a program is seen before it becomes it (a shim of pyenv, ``python -c`` that executes
# another script): where both have one name, only the arguments tell. Python starts within 0.1 s.
BECOMES_S = 1.0

_Key = tuple[int, int, str]


class ProcessDetailCache:
    """Asks ``details`` once for each process, and once more when it has settled.

    Its arguments twice more: of a program that had not been executed yet.
    """

    def __init__(self, details: ProcessDetails, clock: Clock) -> None:
        self._details = details
        self._clock = clock
        self._arguments: dict[_Key, tuple[str, ...] | None] = {}
        self._commands: dict[_Key, CommandName] = {}
        self._cwd: dict[_Key, str | None] = {}
        self._cgroup: dict[_Key, str | None] = {}
        self._unsettled: deque[tuple[float, ProcessFacts]] = deque()  # the earliest first
        self._young: deque[tuple[float, ProcessFacts]] = deque()  # likewise

    def arguments(self, process: ProcessFacts, /) -> tuple[str, ...] | None:
        """The command line."""
        key = _key(process)
        if key not in self._arguments:
            self._follow(key, process)
            self._arguments[key] = self._details.cmdline(process)
        return self._arguments[key]

    def command(self, process: ProcessFacts, /) -> CommandName:
        """What a person would call it."""
        key = _key(process)
        if key not in self._commands:
            self._commands[key] = name_command(self.arguments(process), process.name)
        return self._commands[key]

    def cwd(self, process: ProcessFacts, /) -> str | None:
        """The working folder."""
        key = _key(process)
        if key not in self._cwd:
            self._cwd[key] = self._details.cwd(process)
        return self._cwd[key]

    def cgroup(self, process: ProcessFacts, /) -> str | None:
        """The path of the cgroup, as it was last read."""
        key = _key(process)
        if key not in self._cgroup:
            self._follow(key, process)
            self._cgroup[key] = self._details.cgroup(process)
        return self._cgroup[key]

    def settle(self, is_there: Callable[[ProcessFacts], bool]) -> Iterable[int]:
        """Read again what those are that had time to settle; the pids of who is another now."""
        young = self._due(self._young)
        moved = [each.pid for each in young if is_there(each) and self._is_another(each)]
        for process in self._due(self._unsettled):
            if not is_there(process):
                continue
            key = _key(process)
            before = self._cgroup.get(key)
            if key in self._cgroup:
                self._cgroup[key] = self._details.cgroup(process)
            if self._is_another(process) or before != self._cgroup.get(key):
                moved.append(process.pid)
        return moved

    def _follow(self, key: _Key, process: ProcessFacts) -> None:
        if key not in self._arguments and key not in self._cgroup:
            now_mono_s = self._clock.monotonic()
            self._young.append((now_mono_s + BECOMES_S, process))
            self._unsettled.append((now_mono_s + SETTLES_S, process))

    def _due(self, waiting: deque[tuple[float, ProcessFacts]]) -> Iterable[ProcessFacts]:
        now_mono_s = self._clock.monotonic()
        while waiting and waiting[0][0] <= now_mono_s:
            yield waiting.popleft()[1]

    def _is_another(self, process: ProcessFacts) -> bool:
        """Whether it has executed another program under the same name."""
        key = _key(process)
        if key not in self._arguments:
            return False
        before, self._arguments[key] = self._arguments[key], self._details.cmdline(process)
        if before == self._arguments[key]:
            return False
        self._commands.pop(key, None)
        self._cwd.pop(key, None)
        return True

    def forget(self, process: ProcessFacts) -> None:
        """Drop the answers about a process that has ended, or started another program."""
        key = _key(process)
        for answers in (self._arguments, self._commands, self._cwd, self._cgroup):
            answers.pop(key, None)


def _key(process: ProcessFacts) -> _Key:
    return process.pid, process.start_ticks, process.name

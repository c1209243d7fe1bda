"""What grouping asks about single processes, remembered: each answer costs tens of microseconds.

Answers are kept for a process under one name: who starts another program gets another name, and is
looked at anew.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Protocol

import msgspec

from omnitray.base.clock import Clock
from omnitray.base.facts import JobKind, ProcessFacts
from omnitray.processes.naming import CommandName, name_command
from omnitray.processes.process_table import ProcessDetails

# A new process is moved into the unit of its application some moments after it was started.
SETTLES_S = 5.0
_FINAL = float("inf")

_Key = tuple[int, int, str]


class ProcessDetailCache(Protocol):
    """What grouping asks."""

    def arguments(self, process: ProcessFacts, /) -> tuple[str, ...] | None:
        """The command line."""
        ...

    def cgroup(self, process: ProcessFacts, /) -> str | None:
        """The path of the cgroup."""
        ...

    def cwd(self, process: ProcessFacts, /) -> str | None:
        """The working folder."""
        ...

    def command(self, process: ProcessFacts, /) -> CommandName:
        """What a person would call it."""
        ...


class RememberedLooks:
    """Asks ``details`` once for each process."""

    def __init__(self, details: ProcessDetails, clock: Clock) -> None:
        self._details = details
        self._clock = clock
        self._arguments: dict[_Key, tuple[str, ...] | None] = {}
        self._commands: dict[_Key, CommandName] = {}
        self._cwd: dict[_Key, str | None] = {}
        self._cgroup: dict[_Key, tuple[str | None, float]] = {}

    def arguments(self, process: ProcessFacts, /) -> tuple[str, ...] | None:
        """The command line."""
        key = _key(process)
        if key not in self._arguments:
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
        """The path of the cgroup, asked for once more when the process has settled."""
        key = _key(process)
        path, final_s = self._cgroup.get(key, (None, 0.0))
        now = self._clock.monotonic()
        if key not in self._cgroup:
            path = self._details.cgroup(process)
            self._cgroup[key] = (path, now + SETTLES_S)
        elif now >= final_s:
            path = self._details.cgroup(process)
            self._cgroup[key] = (path, _FINAL)
        return path

    @property
    def settled(self) -> bool:
        """Whether no process is so new that it may yet be moved into a unit."""
        return all(final_s == _FINAL for _, final_s in self._cgroup.values())

    def forget_all_but(self, processes: Sequence[ProcessFacts]) -> None:
        """Drop the answers about those who have gone."""
        if len(self._arguments) + len(self._cgroup) + len(self._cwd) < 2 * len(processes):
            return
        living = {_key(process) for process in processes}
        self._arguments = {k: v for k, v in self._arguments.items() if k in living}
        self._commands = {k: v for k, v in self._commands.items() if k in living}
        self._cwd = {k: v for k, v in self._cwd.items() if k in living}
        self._cgroup = {k: v for k, v in self._cgroup.items() if k in living}


def _key(process: ProcessFacts) -> _Key:
    return process.pid, process.start_ticks, process.name


Identity = tuple[int, int]


class JobAssignment(msgspec.Struct, frozen=True, kw_only=True):
    """The job's key, what was known of it when it began, and who began it."""

    key: str
    name: str
    kind: JobKind
    root: Identity
    cgroup: str | None = None


KERNEL = JobAssignment(key="kernel", name="Kernel", kind=JobKind.SYSTEM, root=(2, 0))
SYSTEM = JobAssignment(key="system", name="System", kind=JobKind.SYSTEM, root=(1, 0))


class PreviousScan(msgspec.Struct, frozen=True):
    """Who sat where, and how each process was then (by pid)."""

    seats: Mapping[Identity, JobAssignment] = {}
    processes: Mapping[int, ProcessFacts] = {}
    orphans: frozenset[Identity] = frozenset()

    def unmoved(self, processes: Iterable[ProcessFacts]) -> set[int]:
        """Pids of those who are where they were in the tree of processes, under the same name."""
        before = self.processes.get
        return {
            each.pid
            for each in processes
            # A process that slept is the very same object: that is most of them, most of the time.
            if (old := before(each.pid)) is each
            or (old is not None and _is_where_it_was(old, each))
        }

    def orphaned(
        self, processes: Iterable[ProcessFacts], unmoved: AbstractSet[int]
    ) -> frozenset[Identity]:
        """Those whose parent ended while we looked on: nothing else gives one another parent."""
        found = set()
        for process in processes:
            own = identity(process)
            if own in self.orphans:
                found.add(own)
            elif process.pid not in unmoved:
                old = self.processes.get(process.pid)
                if old is not None and identity(old) == own and old.ppid != process.ppid:
                    found.add(own)
        return frozenset(found)


def _is_where_it_was(old: ProcessFacts, new: ProcessFacts) -> bool:
    return (
        old.start_ticks == new.start_ticks
        and old.ppid == new.ppid
        and old.name == new.name
        and old.group == new.group
        and old.session == new.session
        and old.tty == new.tty
    )


def identity(process: ProcessFacts) -> Identity:
    """Who it is: a pid alone is given to others later."""
    return process.pid, process.start_ticks

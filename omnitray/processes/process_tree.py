"""The processes of the newest scan, indexed: parents, children, process groups, orphans.

An update says what is different from the scan before, so that code that keeps something for
each process updates only those that changed.
"""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from operator import attrgetter

import msgspec

from omnitray.base.facts import ProcessFacts
from omnitray.processes.process_roles import role_of

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

    def _compared(self, processes: Iterable[ProcessFacts]) -> TreeChanges:
        before, now = self.by_pid, {}
        changes = TreeChanges([], [], [], [])
        for process in processes:
            now[process.pid] = process
            old = before.get(process.pid)
            # A process that slept is the very same object: that is most of them, most of the time.
            if old is process:
                continue
            if old is None:
                changes.came.append(process)
            elif old.start_ticks != process.start_ticks:
                changes.gone.append(old)
                changes.came.append(process)
            elif _is_where_it_was(old, process):
                changes.refreshed.append(process)
            else:
                changes.moved.append((old, process))
        changes.gone.extend(before[pid] for pid in before.keys() - now.keys())
        self.by_pid = now
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

"""A seat is the place of a process in a job; the past is where everybody sat at the last scan."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

import msgspec

from omnitray.base.facts import JobKind, ProcessFacts

Identity = tuple[int, int]


class Seat(msgspec.Struct, frozen=True, kw_only=True):
    """The job's key, what was known of it when it began, and who began it."""

    key: str
    name: str
    kind: JobKind
    root: Identity
    cgroup: str | None = None


KERNEL = Seat(key="kernel", name="Kernel", kind=JobKind.SYSTEM, root=(2, 0))
SYSTEM = Seat(key="system", name="System", kind=JobKind.SYSTEM, root=(1, 0))


class Past(msgspec.Struct, frozen=True):
    """Who sat where, and how each process was then (by pid)."""

    seats: Mapping[Identity, Seat] = {}
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

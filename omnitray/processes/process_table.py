"""The seam to the processes: one scan of all, and details on demand for a few.

``ProcessTable.scan()`` is what runs at every look, so it gives only what is nearly free.
``ProcessDetails`` costs tens of microseconds a call and is asked for leaders and new processes.
Every detail is of that very process: the identity ``(pid, start_ticks)`` is checked after the
reading, and ``None`` is the answer for one that is gone, was replaced, or may not be read.
"""

from typing import Protocol

from omnitray.base.facts import ProcessFacts


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

    def is_remote(self, folder: str, /) -> bool:
        """Whether looking into this folder may have to wait for another machine."""
        ...

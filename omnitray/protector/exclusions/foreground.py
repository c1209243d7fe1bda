"""What a person is working with now: the process of the active window, and what belongs to it.

A browser is many processes of one program, and the page in front is drawn by another one than
owns the window: all of them that the window's process has started count. What it starts of other
programs does not, nor do scripts of one interpreter: a terminal's commands, an IDE's builds and
the workers of a test run with a window are work, not what a person looks at.
"""

from collections.abc import Iterable, Mapping
from typing import Protocol

from omnitray.base.facts import Job, ProcessDetail
from omnitray.processes.process_roles import INTERPRETERS


def foreground_pids(
    windows: frozenset[int], jobs: Iterable[Job], details: Mapping[int, ProcessDetail]
) -> frozenset[int]:
    """The owners of the active window with their own helpers."""
    if not windows:
        return windows
    parents = {process.pid: process.ppid for job in jobs for process in job.processes}
    programs = {pid: detail.exe for pid, detail in details.items()}
    known = [pid for pid in windows if _is_own_program(programs.get(pid))]
    helpers = {
        pid for pid in parents for window in known if _is_helper(pid, window, parents, programs)
    }
    return windows | helpers


def _is_own_program(exe: str | None) -> bool:
    """Whether the path tells programs apart; that of an interpreter does not."""
    name = (exe or "").replace("\\", "/").rpartition("/")[2].removesuffix(".exe")
    return bool(name) and name.rstrip("0123456789.") not in INTERPRETERS


def _is_helper(
    pid: int, window: int, parents: Mapping[int, int], programs: Mapping[int, str | None]
) -> bool:
    """Whether it descends from the window's process through processes of the same program."""
    seen: set[int] = set()
    while pid != window:
        if pid in seen or programs.get(pid) != programs[window]:
            return False
        seen.add(pid)
        pid = parents.get(pid, 0)
    return True


class Foreground(Protocol):
    """Where a platform tells whose window is active; never waits longer than a moment."""

    def pids(self) -> frozenset[int]:
        """The process of the active window; empty where it is not known."""
        ...

    def close(self) -> None:
        """Give everything back."""
        ...


class NoForeground:
    """For platforms that do not show the active window."""

    def pids(self) -> frozenset[int]:
        """Always empty."""
        return frozenset()

    def close(self) -> None:
        """Nothing."""

"""How ``pytest -n`` spreads the tests over its workers: a file stays together, waiting goes first.

Each worker imports all test files; where none is compiled, each compiles a share for the others.

Fixtures of module scope are made once that way. Tests of the whole program mostly wait, so they
begin first, and the short tests keep the processors busy beside them.
"""

import contextlib
import os
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

_FIRST = ("e2e", "platforms", "api", "ui")  # folders by the time that their files take, descending

_LOADS = {
    *("foreground", "foreign_ends", "protection", "question_flow"),
    *("real_disks", "real_jobs", "real_memory"),
}
_SLOW_FOLDERS = {"e2e", "simulation"}


def rank(folder: str) -> int:
    """Where a folder's tests stand in the order of the run: small numbers first."""
    return _FIRST.index(folder) if folder in _FIRST else len(_FIRST)


def is_slow(file: Path) -> bool:
    """Whether a file's tests need a display or a real load, or search at random for long."""
    return file.parts[0] in _SLOW_FOLDERS or file.stem.startswith("test_real_")


def scope_of(nodeid: str) -> str:
    """What runs together on one worker: a file, or all files that load the machine for real.

    Real loads one after the other: each would be the other's neighbour on the same processors.
    """
    file = nodeid.split("::", 1)[0]
    parts = Path(file).parts
    loads = "e2e" in parts and Path(file).stem.removeprefix("test_") in _LOADS
    return "real loads" if loads else file


def read_ahead(session: pytest.Session, files: list[Path]) -> None:
    """Import ``files``, each worker from another one on.

    To compile all of them takes 27 s of processor time: in the same order each worker would do that
    itself. What cannot be imported is reported where it is collected.
    """
    worker = int(os.environ["PYTEST_XDIST_WORKER"].removeprefix("gw"))
    count = int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    first = len(files) * (worker % count) // count
    for file in (*files[first:], *files[:first]):
        with contextlib.suppress(Exception, pytest.skip.Exception):
            _ = pytest.Module.from_parent(session, path=file).obj


class FileByFile(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no marker of its types
    """xdist's scheduler by file, in the order of collection."""

    def __init__(self, config: pytest.Config, log: Any) -> None:
        config.option.loadscopereorder = False  # by number of tests: those that wait would be last
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid)

    def _reschedule(self, node: Any) -> None:
        if node in self.registered_collections:  # else it still collects: its turn comes
            super()._reschedule(node)

    def schedule(self) -> None:
        """A worker that takes the place of another begins with two tests at least.

        With one it would wait for a second, and where the others are done none comes.
        """
        super().schedule()
        for node in self.nodes:
            self._reschedule(node)

    def remove_node(self, node: Any) -> str | None:
        """Give what a worker that died had not run to the others; the test that it died in, if any.

        xdist's own queues what is done with it: a worker that is handed no test waits for ever, and
        the run with it. It runs the test again as well, which ends the next worker.
        """
        left = {
            scope: tests
            for scope, tests in self.assigned_work.pop(node).items()
            if not all(tests.values())
        }
        if not left:
            return None
        tests = next(iter(left.values()))
        crashed: str = next(nodeid for nodeid, done in tests.items() if not done)
        tests[crashed] = True
        self.workqueue.update({name: each for name, each in left.items() if not all(each.values())})
        for other in self.assigned_work:
            self._reschedule(other)
        return crashed


def sendable(value: Any) -> Any:
    """A report for the way between processes: what is no UTF-8 (a lone surrogate) is escaped."""
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    if isinstance(value, dict):
        return {sendable(key): sendable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(sendable(each) for each in value)
    return value

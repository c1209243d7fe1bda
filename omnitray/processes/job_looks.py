"""What grouping asks about single processes, remembered: each answer costs tens of microseconds.

Answers are kept for a process under one name: who starts another program gets another name, and is
looked at anew.
"""

from collections.abc import Sequence
from typing import Protocol

from omnitray.base.clock import Clock
from omnitray.base.facts import ProcessFacts
from omnitray.processes.naming import CommandName, name_command
from omnitray.processes.process_table import ProcessDetails

# A new process is moved into the unit of its application some moments after it was started.
SETTLES_S = 5.0
_FINAL = float("inf")

_Key = tuple[int, int, str]


class Looks(Protocol):
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

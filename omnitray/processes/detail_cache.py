"""What grouping asks about single processes, remembered: each answer costs tens of microseconds.

Answers are kept for a process under one name: one that starts another program gets another name,
and is read again.
"""

from collections import deque
from collections.abc import Callable, Iterable

from omnitray.base.clock import Clock
from omnitray.base.facts import ProcessFacts
from omnitray.processes.naming import CommandName, name_command
from omnitray.processes.process_table import ProcessDetails

# A new process is moved into the unit of its application some moments after it was started: the
# desktop asks systemd for the scope over D-Bus only when the process is there.
SETTLES_S = 5.0

_Key = tuple[int, int, str]


class ProcessDetailCache:
    """Asks ``details`` once for each process; for its cgroup once more when it has settled."""

    def __init__(self, details: ProcessDetails, clock: Clock) -> None:
        self._details = details
        self._clock = clock
        self._arguments: dict[_Key, tuple[str, ...] | None] = {}
        self._commands: dict[_Key, CommandName] = {}
        self._cwd: dict[_Key, str | None] = {}
        self._cgroup: dict[_Key, str | None] = {}
        self._unsettled: deque[tuple[float, ProcessFacts]] = deque()  # the earliest first

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
        """The path of the cgroup, as it was last read."""
        key = _key(process)
        if key not in self._cgroup:
            self._cgroup[key] = self._details.cgroup(process)
            self._unsettled.append((self._clock.monotonic() + SETTLES_S, process))
        return self._cgroup[key]

    def settle(self, is_there: Callable[[ProcessFacts], bool]) -> Iterable[int]:
        """Read again the cgroups of those that had time to settle; the pids of who was moved."""
        now_mono_s = self._clock.monotonic()
        moved = []
        while self._unsettled and self._unsettled[0][0] <= now_mono_s:
            process = self._unsettled.popleft()[1]
            key = _key(process)
            if key in self._cgroup and is_there(process):
                before, self._cgroup[key] = self._cgroup[key], self._details.cgroup(process)
                if before != self._cgroup[key]:
                    moved.append(process.pid)
        return moved

    def forget(self, process: ProcessFacts) -> None:
        """Drop the answers about a process that has ended, or started another program."""
        key = _key(process)
        for answers in (self._arguments, self._commands, self._cwd, self._cgroup):
            answers.pop(key, None)


def _key(process: ProcessFacts) -> _Key:
    return process.pid, process.start_ticks, process.name

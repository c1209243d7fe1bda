"""A process table and its details, told by the test."""

from collections.abc import Sequence
from typing import Any

from omnitray.base.facts import ProcessFacts


class FakeProcesses:
    """Processes that a test starts and ends: a scan and ``core.process_table.ProcessDetails``.

    ``start`` takes the command line; the rest as the kernel would have it: a child is in the
    session, the process group and on the terminal of its parent.
    """

    def __init__(self) -> None:
        self._facts: dict[int, ProcessFacts] = {}
        self._commands: dict[int, tuple[str, ...]] = {}
        self._cwd: dict[int, str | None] = {}
        self._cgroups: dict[int, str | None] = {}
        self._next = 100
        self.asked = 0
        self.pss: dict[int, int] = {}
        self.written: dict[int, int] = {}
        self.moved: dict[int, int] = {}
        self.writes: dict[int, frozenset[str]] = {}
        self.init = self.start("systemd", pid=1, parent=0)

    def start(
        self,
        command: str | Sequence[str],
        parent: int = 1,
        *,
        pid: int | None = None,
        name: str | None = None,
        cwd: str | None = None,
        cgroup: str | None = None,
        **fields: Any,
    ) -> int:
        """A new process; its pid."""
        if pid is None:
            pid, self._next = self._next, self._next + 1
        words = tuple(command.split()) if isinstance(command, str) else tuple(command)
        above = self._facts.get(parent)
        values: dict[str, Any] = {
            "start_ticks": pid,
            "session": above.session if above and above.pid != 1 else pid,
            "group": above.group if above and above.pid != 1 else pid,
            "tty": above.tty if above else 0,
            "state": "S",
            "cpu_percent": 0.0,
            "rss_bytes": 1 << 20,
            "uid": 1000,
        }
        own_name = name or words[0].rpartition("/")[2].removeprefix("-")[:15]
        self._facts[pid] = ProcessFacts(pid=pid, ppid=parent, name=own_name, **(values | fields))
        self._commands[pid] = words
        self._cwd[pid] = cwd or self._cwd.get(parent)
        self._cgroups[pid] = cgroup or self._cgroups.get(parent)
        return pid

    def shell(self, parent: int, tty: int = 34816, command: str = "bash", **rest: Any) -> int:
        """An interactive shell on a terminal of its own."""
        pid = self._next
        return self.start(command, parent, session=pid, group=pid, tty=tty, **rest)

    def typed(self, command: str | Sequence[str], shell: int, **rest: Any) -> int:
        """A command typed into a shell: a process group of its own."""
        return self.start(command, shell, **{"group": self._next, **rest})

    @property
    def next_pid(self) -> int:
        """What the next process will be given."""
        return self._next

    def group_of(self, pid: int) -> int:
        """The process group of one."""
        return self._facts[pid].group

    def change(self, pid: int, **fields: Any) -> None:
        """Something about a process changes."""
        facts = self._facts[pid]
        values = {name: getattr(facts, name) for name in facts.__struct_fields__}
        self._facts[pid] = ProcessFacts(**(values | fields))

    def execute(self, pid: int, command: str, cwd: str | None = None) -> None:
        """A process starts another program in its own place, in another folder perhaps."""
        if cwd is not None:
            self._cwd[pid] = cwd
        self._commands[pid] = tuple(command.split())
        self.change(pid, name=command.split(maxsplit=1)[0].rpartition("/")[2][:15])

    def move(self, pid: int, cgroup: str) -> None:
        """A process is put into another cgroup."""
        self._cgroups[pid] = cgroup

    def end(self, pid: int, reaper: int = 1) -> None:
        """A process ends; its children are given to ``reaper``."""
        del self._facts[pid]
        for child in [each for each in self._facts.values() if each.ppid == pid]:
            self.change(child.pid, ppid=reaper)

    def scan(self) -> tuple[ProcessFacts, ...]:
        return tuple(self._facts.values())

    def exe(self, process: ProcessFacts, /) -> str | None:
        return self._commands.get(process.pid, ("",))[0] or None

    def cmdline(self, process: ProcessFacts, /) -> tuple[str, ...] | None:
        self.asked += 1
        return self._commands.get(process.pid)

    def cwd(self, process: ProcessFacts, /) -> str | None:
        self.asked += 1
        return self._cwd.get(process.pid)

    def cgroup(self, process: ProcessFacts, /) -> str | None:
        self.asked += 1
        return self._cgroups.get(process.pid)

    def pss_bytes(self, process: ProcessFacts, /) -> int | None:
        return self.pss.get(process.pid)

    def written_bytes(self, process: ProcessFacts, /) -> int | None:
        return self.written.get(process.pid)

    def io_bytes(self, process: ProcessFacts, /) -> int | None:
        return self.moved.get(process.pid)

    def writes_to(self, process: ProcessFacts, mounts: tuple[str, ...], /) -> frozenset[str] | None:
        places = self.writes.get(process.pid)
        return None if places is None else places & frozenset(mounts)

    def writes_in(self, process: ProcessFacts, /) -> str | None:
        return "/mnt/data" if process.pid in self.writes else None

    def is_remote(self, folder: str, /) -> bool:
        return folder.startswith("/net/")

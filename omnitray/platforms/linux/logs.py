"""Where Linux tells of ends: the kernel's count, its log, and the systemd journal.

``/dev/kmsg`` gives one record a read. Many systems keep it for root (``kernel.dmesg_restrict``,
which Debian sets); the journal then has the same lines for some groups. The count is for all.

What the kernel and the OOM daemons say is for root and some groups; what a person's own service
manager says about that person's units may be read by that person. The journal's command runs in a
thread that lives as long as the search, so that the caller never waits: with memory short, a disk
may take its time. Its output and its time are bounded.
"""

import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from omnitray.platforms.linux.files import KeptFile
from omnitray.protector.oom_events.watch import LogFindings, LogScope, Source

FOLDERS = (Path("/var/log/journal"), Path("/run/log/journal"))
_NAME = "journal"
_NONE = Source(
    name=_NAME,
    why_not="there is no systemd journal here",
    remedy="without one, ends by other OOM daemons are told as probable only",
)
_CLOSED = Source(
    name=_NAME,
    why_not="the journal is closed to who is not in the group systemd-journal or adm",
    remedy="to be told: sudo usermod -aG systemd-journal $USER, then log in again",
)
_PATIENCE_S = 10.0
_MOST_LINES = 4000  # one end by the kernel comes with a table of all processes
# sd-messages.h: SD_MESSAGE_UNIT_OUT_OF_MEMORY, said by a manager of its own unit
_UNIT_OUT_OF_MEMORY = "MESSAGE_ID=fe6faa94e7774663a0da52717891d8ef"
_DAEMONS = ("earlyoom", "nohang", "nohang-desktop", "systemd-oomd")
_RECORD_BYTES = 8192
_MOST_RECORDS = 1000
_KILLS = re.compile(rb"^oom_kill (\d+)$", re.MULTILINE)
_OPEN = "where no journal is kept, an administrator can open it: sysctl kernel.dmesg_restrict=0"


def matches() -> list[str]:
    """Who is listened to: by fields that the journal sets itself, which a writer cannot choose."""
    units = [f"_SYSTEMD_UNIT={name}.service" for name in _DAEMONS]
    programs = [f"_COMM={name}" for name in _DAEMONS]
    every = ["_TRANSPORT=kernel", _UNIT_OUT_OF_MEMORY, *units, *programs]
    return [word for each in every for word in (each, "+")][:-1]


class SystemdJournal:
    """One search at a time. ``folders`` are where the journal is kept, the most lasting first."""

    def __init__(
        self,
        folders: Sequence[Path] = FOLDERS,
        command: Sequence[str] = ("journalctl",),
        wall: Callable[[], float] = time.time,
        may: Callable[[Path, int], bool] = os.access,
    ) -> None:
        self._folders = folders
        self._command = tuple(command)
        self._wall = wall
        self._may = may
        self._thread: threading.Thread | None = None
        self._child: subprocess.Popen[str] | None = None
        self._found: tuple[str, ...] = ()
        self._closed = False

    def source(self) -> Source:
        """Whether the whole journal can be read; else why not and what helps."""
        if shutil.which(self._command[0]) is None:
            return _NONE
        kept = [file for folder in self._folders for file in folder.glob("*/system.journal")]
        if any(self._may(file, os.R_OK) for file in kept):
            return Source(name=_NAME)
        if not kept and not any(self._is_closed(folder) for folder in self._folders):
            return _NONE
        return _CLOSED

    @property
    def why_not(self) -> str:
        """Why it cannot be read and what helps, in one sentence; empty where it can."""
        source = self.source()
        return f"{source.why_not}; {source.remedy}" if source.why_not else ""

    def ask(self, ago_s: float) -> None:
        """Begin to search from so long ago on; nothing while a search goes on."""
        if self._thread is not None:
            return
        since_at = self._wall() - ago_s
        self._thread = threading.Thread(target=self._search, args=(since_at,), name="journal")
        self._thread.start()

    def answer(self) -> LogFindings | None:
        """What was found, once."""
        if self._thread is None or self._thread.is_alive():
            return None
        self._thread.join()
        self._thread = None
        found, self._found = self._found, ()
        return LogFindings(lines=found, why_not=self.why_not)

    def close(self) -> None:
        """End a running search."""
        self._closed = True
        if self._child is not None:
            self._child.kill()
        if self._thread is not None:
            self._thread.join(_PATIENCE_S)

    def _search(self, since_at: float) -> None:
        command = [*self._command, "--quiet", "--no-pager", "--output=cat", "--all"]
        command += [f"--lines={_MOST_LINES}", f"--since=@{since_at:.0f}", *matches()]
        environment = {**os.environ, "LC_ALL": "C", "SYSTEMD_COLORS": "0"}
        try:
            self._child = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                encoding="utf-8",
                errors="replace",
            )
        except OSError:
            return
        with self._child as child:
            if self._closed:
                child.kill()
            try:
                output, _ = child.communicate(timeout=_PATIENCE_S)
            except subprocess.TimeoutExpired:
                child.kill()
                return
            self._found = tuple(output.splitlines()[-_MOST_LINES:])

    def _is_closed(self, folder: Path) -> bool:
        """Whether there is something in the folder that we may not look into."""
        try:
            return any(not self._may(each, os.R_OK | os.X_OK) for each in folder.iterdir())
        except FileNotFoundError:
            return False
        except OSError:
            return True


class KernelLog:
    """Reads on from where it was opened; what was there before is left out."""

    def __init__(self, path: Path = Path("/dev/kmsg")) -> None:
        self._descriptor: int | None = None
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            os.lseek(self._descriptor, 0, os.SEEK_END)
        except OSError:
            self.close()

    @property
    def why_not(self) -> str:
        """Empty where it can be read."""
        return "" if self._descriptor is not None else "the kernel's log is not for us to read"

    def lines(self) -> tuple[str, ...]:
        """The messages since the last call."""
        found: list[str] = []
        while self._descriptor is not None and len(found) < _MOST_RECORDS:
            try:
                record = os.read(self._descriptor, _RECORD_BYTES)
            except BrokenPipeError:
                continue  # some were overwritten before we came
            except OSError:
                break
            if not record:
                break
            found.append(record.decode("utf-8", "replace").partition(";")[2].rstrip("\n"))
        return tuple(found)

    def close(self) -> None:
        """Give the descriptor back."""
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = None


class KillCount:
    """How many processes the kernel has ended because memory ran out; from one small file.

    In a container the count of its own group is taken: that of the machine counts all groups.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        own = root / "sys/fs/cgroup/memory.events"  # a container's; the machine's root has none
        self._file = KeptFile(own if own.exists() else root / "proc/vmstat")

    def read(self) -> int | None:
        """The count since the machine's start; None where the kernel does not count."""
        found = _KILLS.search(self._file.read() or b"")
        return int(found[1]) if found else None

    def close(self) -> None:
        """Give the descriptor back."""
        self._file.close()


# include/linux/proc_ns.h: PROC_PID_INIT_INO, the PID namespace of the machine itself
_MACHINE_S_PIDS = "pid:[4026531836]"
# One line a hierarchy; of version 1 that of memory, of version 2 the only one.
_OWN_GROUP = re.compile(
    rb"^(?:\d+:(?:[\w,]*,)?memory(?:,[\w,]*)?|0:):(?P<group>/.+)$", re.MULTILINE
)
_USER_SLICE = re.compile(r"^.*?/user-\d+\.slice(?=/)")  # all that one person runs


def log_scope(root: Path = Path("/")) -> LogScope:
    """What of the machine's log can concern this process, and this person."""
    try:
        pids = f"{(root / 'proc/self/ns/pid').readlink()}"
        groups = (root / "proc/self/cgroup").read_bytes()
    except OSError:
        return LogScope()
    found = _OWN_GROUP.search(groups)
    group = found["group"].decode("utf-8", "replace") if found else ""
    of_person = _USER_SLICE.match(group)
    return LogScope(sees_all=pids == _MACHINE_S_PIDS, group=of_person[0] if of_person else group)


class LinuxLogs:
    """A ``protector.oom_events.watch.Logs`` over all three; from one thread."""

    def __init__(
        self,
        count: KillCount | None = None,
        kernel: KernelLog | None = None,
        journal: SystemdJournal | None = None,
    ) -> None:
        self._count = count or KillCount()
        self._kernel = kernel or KernelLog()
        self._journal = journal or SystemdJournal()

    def kills(self) -> int | None:
        """The kernel's count of what it has ended."""
        return self._count.read()

    def lines(self) -> tuple[str, ...]:
        """The kernel's new messages."""
        return self._kernel.lines()

    def scope(self) -> LogScope:
        """What of it can concern us."""
        return log_scope()

    def ask(self, ago_s: float) -> None:
        """Begin to search the journal."""
        self._journal.ask(ago_s)

    def answer(self) -> LogFindings | None:
        """What was found there."""
        return self._journal.answer()

    def sources(self) -> tuple[Source, ...]:
        """What can be read and what cannot; the journal has the kernel's messages, too."""
        kernel, journal = self._kernel.why_not, self._journal.source()
        if kernel and not journal.why_not:
            kernel = ""
        return (Source(name="kernel log", why_not=kernel, remedy=_OPEN), journal)

    def close(self) -> None:
        """Close all three sources."""
        self._journal.close()
        self._kernel.close()
        self._count.close()


def log_sources() -> tuple[Source, ...]:
    """What can be read now, and what cannot."""
    logs = LinuxLogs()
    try:
        return logs.sources()
    finally:
        logs.close()

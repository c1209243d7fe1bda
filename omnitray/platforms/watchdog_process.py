"""Continues what OmniTray has paused if OmniTray dies: a process that exists only then.

Run by path with ``python -I -S``: the standard library alone, nothing of ours, a few megabytes.
Its standard input carries one line a change, fields separated by spaces:

    hold ACTION PID START_TICKS     a process is (about to be) stopped
    frozen ACTION INODE FOLDER      a cgroup is (about to be) frozen
    release ACTION                  it runs again, or is gone
    quit                            nothing is paused any more

The end of the input without ``quit``, or the end of the parent, means that OmniTray is dead:
everything held is continued, identity checked, and a result line goes to the undo journal.
Arguments: the parent's pid and the journal's path; a third one is the folder that psutil is in,
for the platforms where it resumes processes (then the end of the input is the only sign).

It has a session of its own and ignores the signals of a terminal that closes. Lines written
before it runs wait in the pipe, so the parent may write and stop a process at once.
"""

import os
import select
import signal
import sys
import time
from typing import Any, NamedTuple

NAME = b"omnitray-guard"  # the kernel keeps 15 letters
POLL_MS = 1000  # only where the parent has no pidfd: how soon a new parent is noticed


class StoppedProcess(NamedTuple):
    """A stopped process: a pidfd where the system has them, else -1, and its start time."""

    action: str
    pid: int
    start_ticks: int
    pidfd: int


class Frozen(NamedTuple):
    """A frozen cgroup: its folder and the inode that says it is still the same one."""

    action: str
    inode: int
    folder: str


class Watchdog:
    """What is held, and how to let it go."""

    def __init__(self, journal: str, proc: str = "/proc") -> None:
        self._journal = journal
        self._proc = proc
        self._knows_starts = os.path.isdir(proc)  # noqa: PTH112 - pathlib would double the memory
        self._held: list[StoppedProcess | Frozen] = []

    @property
    def holds(self) -> int:
        """How many processes and cgroups are held."""
        return len(self._held)

    def hear(self, line: str) -> bool:
        """Take one line; False when it was ``quit``. A damaged line is passed over."""
        word, _, rest = line.partition(" ")
        if word == "hold":
            self._hold(rest.split(" "))
        elif word == "frozen":
            self._freeze(rest.split(" ", 2))
        elif word == "release":
            self._release(rest)
        return word != "quit"

    def release_all(self) -> None:
        """Continue everything, then say so in the journal."""
        outcomes: dict[str, list[str]] = {}
        for held in self._held:
            outcome = self._thaw(held) if isinstance(held, Frozen) else self._continue(held)
            outcomes.setdefault(held.action, []).append(outcome)
        self._held.clear()
        for action, results in outcomes.items():
            self._write(action, results)

    def _hold(self, fields: list[str]) -> None:
        if len(fields) != 3 or not (fields[1].isdigit() and fields[2].isdigit()):  # noqa: PLR2004 - the line's three fields
            return
        pid, start_ticks = int(fields[1]), int(fields[2])
        self._held.append(StoppedProcess(fields[0], pid, start_ticks, self._open(pid, start_ticks)))

    def _open(self, pid: int, start_ticks: int) -> int:
        """A pidfd of exactly this process, or -1 where there are none or it is gone."""
        if not hasattr(os, "pidfd_open"):
            return -1
        try:
            pidfd = os.pidfd_open(pid)
        except OSError:
            return -1
        if self._started(pid) == start_ticks:
            return pidfd
        os.close(pidfd)
        return -1

    def _started(self, pid: int) -> int | None:
        try:
            with open(f"{self._proc}/{pid}/stat", "rb") as stat:  # noqa: PTH123 - pathlib would double the memory
                return int(stat.read().rpartition(b")")[2].split()[19])
        except (OSError, IndexError, ValueError):
            return None

    def _freeze(self, fields: list[str]) -> None:
        if len(fields) == 3 and fields[1].isdigit():  # noqa: PLR2004 - the line's three fields
            self._held.append(Frozen(fields[0], int(fields[1]), fields[2]))

    def _release(self, action: str) -> None:
        for held in self._held:
            if held.action == action and isinstance(held, StoppedProcess) and held.pidfd >= 0:
                os.close(held.pidfd)
        self._held = [held for held in self._held if held.action != action]

    def _continue(self, held: StoppedProcess) -> str:
        # Without /proc the start cannot be read; SIGCONT does nothing to a process that runs.
        if self._knows_starts and self._started(held.pid) != held.start_ticks:
            return "gone"
        try:
            if held.pidfd >= 0:
                signal.pidfd_send_signal(held.pidfd, signal.SIGCONT)
            else:
                os.kill(held.pid, signal.SIGCONT)
        except ProcessLookupError:
            return "gone"
        except OSError as error:
            return f"failed: {error.strerror}"
        return "restored"

    def _thaw(self, frozen: Frozen) -> str:
        """Write the freezer's file: the session's manager sees it and agrees."""
        try:
            if os.stat(frozen.folder).st_ino != frozen.inode:  # noqa: PTH116 - pathlib would double the memory
                return "gone"
            with open(f"{frozen.folder}/cgroup.freeze", "wb", buffering=0) as switch:  # noqa: PTH123 - pathlib would double the memory
                switch.write(b"0")
        except FileNotFoundError:
            return "gone"
        except OSError as error:
            return f"failed: {error.strerror}"
        return "restored"

    def _write(self, action: str, results: list[str]) -> None:
        failed = [result for result in results if result.startswith("failed")]
        outcome = "failed" if failed else "restored" if "restored" in results else "gone"
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
        safe = "".join(letter for letter in action if letter.isalnum() or letter in "-_.")
        line = (
            f'{{"v":1,"event":"undone","id":"{safe}","at":"{at}.000Z","who":"guardian",'
            f'"outcome":"{outcome}","why":"omnitray_died"}}\n'
        )
        try:
            journal = os.open(self._journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        except OSError:
            return  # the processes run again; the next start finds that out by itself
        try:
            os.write(journal, line.encode())
            os.fsync(journal)
        except OSError:
            return  # a full disk: the next start finds that out, too
        finally:
            os.close(journal)


class PsutilWatchdog(Watchdog):
    """Resumes through ``system``: psutil. ``START_TICKS`` counts hundredths of the calendar."""

    def __init__(self, journal: str, system: Any) -> None:
        super().__init__(journal)
        self._system = system
        self._processes: dict[tuple[int, int], Any] = {}

    def _open(self, pid: int, start_ticks: int) -> int:
        """Remember the process now: psutil knows a later one by the same pid from it."""
        try:
            process = self._system.Process(pid)
            if round(process.create_time() * 100) == start_ticks:
                self._processes[pid, start_ticks] = process
        except self._system.Error:
            pass
        return -1

    def _continue(self, held: StoppedProcess) -> str:
        process = self._processes.get((held.pid, held.start_ticks))
        try:
            if process is None or not process.is_running():
                return "gone"
            process.resume()
        except self._system.NoSuchProcess:
            return "gone"
        except (self._system.Error, OSError) as error:
            return f"failed: {error}"
        return "restored"


class Parent:
    """Whether OmniTray still lives, by a pidfd where there are any."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.pidfd = -1
        if hasattr(os, "pidfd_open") and os.getppid() == pid:
            try:
                self.pidfd = os.pidfd_open(pid)
            except OSError:
                self._pid = -1
        if os.getppid() != pid:
            self._pid = -1

    def is_dead(self) -> bool:
        """True when the process that started us is no longer our parent."""
        return os.getppid() != self._pid


def listen(watchdog: Watchdog, source: int) -> None:
    """Take lines until ``quit`` or the end of the input, then let everything go."""
    pending = b""
    while chunk := os.read(source, 65536):
        *lines, pending = (pending + chunk).split(b"\n")
        text = [line.decode("utf-8", "surrogateescape").rstrip("\r") for line in lines]
        if not all(watchdog.hear(line) for line in text):
            return
    watchdog.release_all()


def watch(watchdog: Watchdog, parent: Parent, source: int) -> None:
    """Take lines until ``quit`` or until the parent is dead, then let everything go."""
    poller = select.poll()
    poller.register(source, select.POLLIN)
    if parent.pidfd >= 0:
        poller.register(parent.pidfd, select.POLLIN)
    pending = b""
    while True:
        poller.poll(None if parent.pidfd >= 0 else POLL_MS)
        died = parent.is_dead()
        chunk = _drain(source) if died else _read(source)
        *lines, pending = (pending + (chunk or b"")).split(b"\n")
        if not all(watchdog.hear(line.decode("utf-8", "surrogateescape")) for line in lines):
            return
        if died or chunk == b"":
            watchdog.release_all()
            return


def _read(source: int) -> bytes | None:
    """What is there: None for nothing yet, empty bytes for the end."""
    try:
        return os.read(source, 65536)
    except BlockingIOError:
        return None


def _drain(source: int) -> bytes:
    """Everything that the dead parent still had written."""
    chunks = []
    while chunk := _read(source):
        chunks.append(chunk)
    return b"".join(chunks)


def outlive_the_terminal() -> None:
    """Ignore what a closing terminal or session sends: our end is the parent's end."""
    for name in ("SIGINT", "SIGHUP", "SIGTERM", "SIGTSTP", "SIGPIPE"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)


def take_name() -> None:
    """Set the name that lists of processes show."""
    try:
        with open("/proc/self/comm", "wb", buffering=0) as name:  # noqa: PTH123 - pathlib would double the memory
            name.write(NAME)
    except OSError:
        return  # elsewhere the path of this file says it


def main(arguments: list[str]) -> int:
    """Run until nothing is held any more."""
    outlive_the_terminal()
    take_name()
    os.chdir("/")
    parent_pid, journal, *folder = arguments
    if folder:
        sys.path.append(folder[0])
        import psutil  # noqa: PLC0415 - on the platforms alone that need it

        listen(PsutilWatchdog(journal, psutil), sys.stdin.fileno())
        return 0
    os.set_blocking(sys.stdin.fileno(), False)
    watch(Watchdog(journal), Parent(int(parent_pid)), sys.stdin.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

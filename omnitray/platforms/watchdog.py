"""Starts the watchdog when something is paused, writes changes to it, replaces it when it dies.

The file of the watchdog itself says what travels over the pipe. Everything held is remembered
here, so that a new watchdog gets all of it. Without a way to start one nothing fails: the caller
sees ``is_guarding`` false, and the journal brings everything back at the next start.
"""

import contextlib
import importlib.util
import logging
import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import omnitray.platforms.watchdog_process

_log = logging.getLogger(__name__)
_PATIENCE_MS = 2000
_CAN_POLL = hasattr(select, "poll")  # pipes block on Windows
_GRACE_S = 1.0  # after ``quit`` it ends in milliseconds


def watchdog_command(journal: Path, parent_pid: int) -> list[str]:
    """The watchdog by path, isolated: no site packages, no environment, nothing of ours."""
    script = omnitray.platforms.watchdog_process.__file__
    return [sys.executable, "-I", "-S", script, str(parent_pid), str(journal)]


def psutil_watchdog_command(journal: Path, parent_pid: int) -> list[str]:
    """The watchdog that resumes through psutil, which is all that it gets of site packages."""
    found = importlib.util.find_spec("psutil")
    folder = Path(found.origin).parents[1] if found and found.origin else Path()
    return [*watchdog_command(journal, parent_pid), str(folder)]


class WatchdogKeeper:
    """Keeps one watchdog while something is paused.

    ``placed`` is called with the pid of each new one, to give it a place of its own outside the
    cgroup that might be ended together with us.
    """

    def __init__(
        self,
        journal: Path,
        *,
        command: Callable[[Path, int], list[str]] = watchdog_command,
        placed: Callable[[int], None] = lambda _pid: None,
    ) -> None:
        self._journal = journal
        self._command = command
        self._placed = placed
        self._held: dict[str, tuple[str, ...]] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._is_placed = True

    @property
    def pid(self) -> int | None:
        """The watchdog's pid while there is one."""
        return self._process.pid if self._process else None

    @property
    def is_guarding(self) -> bool:
        """Whether a watchdog lives now."""
        return self._process is not None and self._process.poll() is None

    def hold(
        self,
        action_id: str,
        processes: Iterable[tuple[int, int]] = (),
        cgroups: Iterable[tuple[int, str]] = (),
    ) -> None:
        """Watch processes, as (pid, start ticks), and cgroups, as (inode, folder)."""
        lines = [f"hold {action_id} {pid} {start}" for pid, start in processes]
        lines += [f"frozen {action_id} {inode} {folder}" for inode, folder in cgroups]
        known = self._held.get(action_id, ())
        self._held[action_id] = (*known, *lines)
        if self.is_guarding:
            self._send(lines)
        else:
            self._start()

    def release(self, action_id: str) -> None:
        """An action is over; with the last one the watchdog ends."""
        if self._held.pop(action_id, None) is None:
            return
        if self._held:
            self._send([f"release {action_id}"])
        else:
            self.close()

    def tend(self) -> bool:
        """Start another watchdog if the last one died; true when that was so."""
        if not self._held:
            return False
        if self.is_guarding:
            self._place()
            return False
        _log.warning("the watchdog was gone; starting another")
        self._start()
        return True

    def close(self) -> None:
        """End the watchdog; what it still held is not continued."""
        self._held.clear()
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(OSError):
            os.write(pipe_of(process), b"quit\n")
        _put_away(process)

    def _start(self) -> None:
        if self._process is not None:
            self._process.kill()  # before its input ends: that would make it let go
            _put_away(self._process)
        try:
            self._process = self._spawn(self._command(self._journal, os.getpid()))
        except OSError:
            self._process = None
            _log.exception("no watchdog could be started: what is paused stays so if we die")
            return
        self._write([line for lines in self._held.values() for line in lines])
        self._is_placed = False

    def _spawn(self, command: list[str]) -> "subprocess.Popen[bytes]":
        """In a session of its own: what ends ours by its name or group does not end it."""
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=os.sep,
            # Without it Python does not start on Windows.
            env={name: value for name, value in os.environ.items() if name == "SYSTEMROOT"},
            start_new_session=True,
            creationflags=getattr(subprocess, "DETACHED_PROCESS", 0),  # no console that closes
        )
        if _CAN_POLL:
            os.set_blocking(pipe_of(process), False)
        return process

    def _has_room(self, pipe: int) -> bool:
        """Whether the pipe takes more: thousands of lines wait until a new watchdog reads."""
        if not _CAN_POLL:
            return True  # it does nothing but read
        poller = select.poll()
        poller.register(pipe, select.POLLOUT)
        return bool(poller.poll(_PATIENCE_MS))

    def _place(self) -> None:
        """Once, and later: finding a place may take longer than a pause can wait."""
        if not self._is_placed and self._process is not None:
            self._is_placed = True
            self._placed(self._process.pid)

    def _send(self, lines: list[str]) -> None:
        if not self._write(lines):
            self._start()

    def _write(self, lines: list[str]) -> bool:
        """All of it; False when no process reads, or a full pipe is not emptied in time."""
        if self._process is None:
            return False
        pipe = pipe_of(self._process)
        text = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")
        try:
            while text:
                if not self._has_room(pipe):
                    return False
                text = text[os.write(pipe, text) :]
        except OSError:
            return False
        return True


def pipe_of(process: subprocess.Popen[bytes]) -> int:
    """The descriptor of the pipe into a process that was started with one."""
    assert process.stdin is not None  # noqa: S101 - it was started with a pipe
    return process.stdin.fileno()


def _put_away(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError):
        process.stdin.close() if process.stdin else None
    try:
        process.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

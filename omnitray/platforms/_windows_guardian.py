"""Starts the guardian on Windows; the keeper is that of the other systems. Never run there yet."""

import subprocess
import sys
from pathlib import Path

from omnitray.platforms.watchdog import GuardianKeeper

# DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP | CREATE_BREAKAWAY_FROM_JOB: no console that closes,
# no Ctrl+C, and not ended together with a job object that we may be in.
FLAGS = 0x0000_0008 | 0x0000_0200 | 0x0100_0000
_WITHOUT_BREAKAWAY = 0x0000_0008 | 0x0000_0200  # where the job object does not allow that


def guardian_command(journal: Path, parent_pid: int) -> list[str]:
    """The guardian by path, isolated: no site packages, nothing of ours but its own two files."""
    script = Path(__file__).with_name("watchdog_process_nt.py")
    return [sys.executable, "-I", "-S", str(script), str(parent_pid), str(journal)]


class WindowsKeeper(GuardianKeeper):
    """Pipes block there: the guardian does nothing but read."""

    def __init__(self, journal: Path) -> None:
        super().__init__(journal, command=guardian_command)

    def _spawn(self, command: list[str]) -> "subprocess.Popen[bytes]":
        try:
            return _spawned(command, FLAGS)
        except PermissionError:
            return _spawned(command, _WITHOUT_BREAKAWAY)

    def _has_room(self, pipe: int) -> bool:
        del pipe
        return True


def _spawned(command: list[str], flags: int) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        creationflags=flags,
    )

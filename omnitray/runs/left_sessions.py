"""Sessions that ended without their end: aborted, killed, or ended by the kernel for memory.

The leader of a session leaves a note in its folder of marks and takes it away at its end. The next
session that finds the note of a process that is gone raises one alert about it: who takes the note
away first does.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from omnitray.base.bounded import oom_kills, rose
from omnitray.base.durable import write_atomic

_NOTE = "session.json"
_FAULTS = (OSError, msgspec.MsgspecError)
_MEMORY = ": the kernel ran out of memory and killed a process since it began"


class LeftSession(msgspec.Struct, frozen=True, kw_only=True):
    """A session as its own process has noted it, when it began."""

    run: str
    project: str
    pid: int
    place: str  # the boot and the namespace of which the process id is
    oom_kills: int | None = None

    @property
    def why(self) -> str:
        """What may have ended it, where something is known."""
        return _MEMORY if rose(self.oom_kills, oom_kills()) else ""


def note_session(marks: Path, run: str, project: str) -> None:
    """Leave the note of this process. Raises OSError, StorageError."""
    note = LeftSession(
        run=run, project=project, pid=os.getpid(), place=_place(), oom_kills=oom_kills()
    )
    write_atomic(marks / _NOTE, msgspec.json.encode(note))


def take_left(above: Path) -> Iterator[LeftSession]:
    """The sessions that have died, each to one caller alone.

    A test that reached its limit may end the whole process (pytest-timeout's thread method): its
    alert says so already. After a restart of the machine nothing is said.
    """
    for path in above.glob(f"*/{_NOTE}"):
        try:
            note = msgspec.json.decode(path.read_bytes(), type=LeftSession)
            if note.place not in {_place()} - {""} or Path(f"/proc/{note.pid}").exists():
                continue
            path.unlink()
        except _FAULTS:  # another session has taken it, or it is half a file
            continue
        if not any(path.parent.glob("*.due")):
            yield note


def _place() -> str:
    """Empty where the system does not tell: then nothing is known of a process that is gone."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""

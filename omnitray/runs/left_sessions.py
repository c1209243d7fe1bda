"""Test sessions that ended without their end: aborted, killed, or ended by the kernel for memory.

The leader of a session leaves a note in its folder of marks and takes it away at its end. The note
of a process that is gone is taken away by the one that raises the alert about it: OmniTray where it
runs, else the next session. ``omnitray run`` knows how a session that it has started ended, and
reports that itself: the others leave it some time for that.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from omnitray.base.bounded import oom_kills, read_bounded, rose
from omnitray.base.durable import write_atomic
from omnitray.runs.tree import start_of

FOLDER = "pytest"  # of the state
_NOTE = "session.json"
_MOST_BYTES = 1 << 16  # a note has some 500, most of them the path of its project
_FAULTS = (OSError, msgspec.MsgspecError)
_MEMORY = ": the kernel ran out of memory and killed a process since it began"


class LeftSession(msgspec.Struct, frozen=True, kw_only=True):
    """A session as its own process has noted it, when it began. ``name`` is for a person."""

    run: str
    project: str
    pid: int
    place: str  # the boot and the namespace of which the process id is
    oom_kills: int | None = None
    start: int | None = None  # which process had the id
    name: str = ""
    command_run: str = ""  # of omnitray run

    @property
    def key(self) -> str:
        """The incident of this session."""
        return f"died:{self.project}:{self.run}"

    @property
    def why(self) -> str:
        """What may have ended it, where something is known."""
        return _MEMORY if rose(self.oom_kills, oom_kills()) else ""

    @property
    def is_gone(self) -> bool:
        """Whether its process has ended, waited for or not."""
        found = start_of(self.pid)
        return not found or self.start not in {None, found}

    def words(self, why: str) -> tuple[str, str]:
        """Title and message of the alert."""
        message = f"{self.name} (process {self.pid}) ended without its end: aborted or killed{why}."
        return f"Test session died: {self.name}", message

    def context(self, why: str) -> dict[str, str | None]:
        """And its context."""
        error = f"the session ended without its end{why}"
        facts = {"run": self.run, "project": self.project, "worker": "main", "error": error}
        return {"nodeid": None, "phase": None, **facts}


def note_session(marks: Path, run: str, project: str, name: str) -> None:
    """Leave the note of this process. Raises OSError, StorageError."""
    note = LeftSession(
        run=run,
        project=project,
        pid=os.getpid(),
        place=_place(),
        oom_kills=oom_kills(),
        start=start_of(os.getpid()),
        name=name,
        command_run=os.environ.get("OMNITRAY_RUN", ""),
    )
    write_atomic(marks / _NOTE, msgspec.json.encode(note))


def take_left(state: Path, *, runs_too: bool = True) -> Iterator[LeftSession]:
    """The sessions that have died, each to one caller alone; ``runs_too``: of runs as well.

    A test that reached its limit may end the whole process (pytest-timeout's thread method): its
    alert says so already. After a restart of the machine nothing is said.
    """
    for path, note in _notes(state):
        is_asked_for = runs_too or not note.command_run
        if not is_asked_for or note.place not in {_place()} - {""} or not note.is_gone:
            continue
        if _took(path) and not any(path.parent.glob("*.due")):
            yield note


def take_of_run(state: Path, command_run: str) -> None:
    """``omnitray run`` reports the end of its own session itself."""
    for path, note in _notes(state):
        if note.command_run == command_run and note.is_gone:
            _took(path)


def _notes(state: Path) -> Iterator[tuple[Path, LeftSession]]:
    for path in (state / FOLDER).glob(f"*/{_NOTE}"):
        try:
            note = msgspec.json.decode(read_bounded(path, _MOST_BYTES), type=LeftSession)
        except _FAULTS:  # another has taken it, or it is half a file
            continue
        if not note.name:
            note = msgspec.structs.replace(note, name=f"pytest · {note.project} · run {note.run}")
        yield path, note


def _took(path: Path) -> bool:
    try:
        path.unlink()
    except OSError:  # another was first
        return False
    return True


def _place() -> str:
    """Empty where the system does not tell: then nothing is known of a process that is gone."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""

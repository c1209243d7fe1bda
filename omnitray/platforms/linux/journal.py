"""The systemd journal, asked by its own command when something calls for it.

What the kernel and the OOM daemons say is for root and some groups; what a person's own service
manager says about that person's units may be read by that person. The command runs in a thread
that lives as long as the search, so that whoever asks never waits: with memory short, a disk may
take its time. Its output and its time are bounded.
"""

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from omnitray.protector.oom_events.watch import LogFindings, Source

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
        """End a search."""
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

"""The log of a server: its output and our own lines in one file that is rotated.

The server holds the file itself, so it goes on writing when OmniTray is gone. It is therefore not
renamed but copied and cut: what is written between the last copied byte and the cut is lost (both
happen within a millisecond). Every writer appends (``O_APPEND``), so a cut leaves no hole.
"""

import os
import re
import time
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

from omnitray.base.bounded import open_reader, open_regular
from omnitray.base.durable import PRIVATE_FILE, make_folder

MAX_BYTES = 5_000_000
KEPT_FILES = 3
MOST_KEPT_BYTES = 2 * MAX_BYTES
TAIL_BYTES = 256 * 1024
OWN = "[omnitray]"
_LONGEST_CAUSE = 200
_LOOKED_AT = 4096  # letters of a line: what is longer is data, and a search may take their square
# A request that was answered (the common log format, and how development servers shorten it), and
# what its writer calls unimportant. Neither says why a server ends.
_REQUEST = re.compile(r"\b(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) \S.*?[\s\"]\d{3}\b")
_QUIET = re.compile(
    r"\b(TRACE|DEBUG|INFO|NOTICE)\b|\[(trace|debug|info|notice)\]"
    r"|\blevel[\"']?\s*[=:]\s*[\"']?(trace|debug|info|notice)\b"
)
_FAULT = re.compile(
    r"(error|exception)\b|\b(fatal|panic|critical|abort|segmentation)"
    r"|\b(cannot|could not|failed|denied|refused|not found)\b",
    re.IGNORECASE,
)


class ServerLog:
    """One server's log in ``folder``."""

    def __init__(self, folder: Path, name: str, max_bytes: int = MAX_BYTES) -> None:
        self.path = folder / f"{name}.log"
        self._max_bytes = max_bytes

    def open(self) -> int:
        """A descriptor for the server to write to; raises OSError, StorageError."""
        make_folder(self.path.parent)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        descriptor = open_regular(self.path, flags, PRIVATE_FILE, follow=False)
        os.set_blocking(descriptor, True)
        return descriptor

    def say(self, text: str) -> None:
        """Write a line of ours; raises OSError, StorageError."""
        descriptor = self.open()
        try:
            clock = time.strftime("%H:%M:%S")
            os.write(descriptor, f"{OWN} {clock} {text}\n".encode(errors="replace"))
        finally:
            os.close(descriptor)

    def rotate(self) -> bool:
        """Copy and cut a log that is too long; whether it was. Raises OSError.

        Of one that has grown beyond all measure since the last look the end is kept: a server
        that writes 100 MB a second fills no disk with what is never read.
        """
        if self.size() <= self._max_bytes:
            return False
        for number in range(KEPT_FILES - 1, 0, -1):
            older = self._kept(number)
            if older.exists():
                older.replace(self._kept(number + 1))
        descriptor = os.open(self._kept(1), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE)
        with open_reader(self.path) as source, os.fdopen(descriptor, "wb") as copy:
            source.seek(max(0, self.size() - MOST_KEPT_BYTES))
            while part := source.read(1 << 20):
                copy.write(part)
            os.truncate(self.path, 0)
        return True

    def size(self) -> int:
        """Its bytes."""
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    def tail(self, lines: int, *, since: int = 0, own: bool = True) -> tuple[str, ...]:
        """The last lines, printable; ``since`` is where to begin, ``own`` whether with ours."""
        try:
            with open_reader(self.path) as file:
                end = file.seek(0, os.SEEK_END)
                start = max(0, end - TAIL_BYTES, since if since <= end else 0)
                file.seek(start)
                text = file.read(TAIL_BYTES).decode("utf-8", "replace")
        except OSError:
            return ()
        kept = deque(_printable(text, own=own), maxlen=lines)
        return tuple(kept)

    def _kept(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")


def cause_in(lines: Sequence[str]) -> str:
    """What a server that ended by itself said of the cause; empty where no line is about it.

    The last line, unless it is an ordinary one; then the last one before that names a fault.
    """
    said = [line.strip()[:_LOOKED_AT] for line in lines if line.strip()]
    telling = [line for line in said if not _REQUEST.search(line) and not _QUIET.search(line)]
    if said and telling and telling[-1] != said[-1]:
        telling = [line for line in telling if _FAULT.search(line)]
    return telling[-1][:_LONGEST_CAUSE] if telling else ""


def _printable(text: str, *, own: bool) -> Iterator[str]:
    for line in text.splitlines():
        if own or not line.startswith(OWN):
            yield "".join(mark if mark.isprintable() or mark == "\t" else "" for mark in line)

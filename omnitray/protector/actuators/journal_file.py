"""The file under the undo journal: lines that are appended durably and read once each.

A disk that refuses costs no line. What could not be written waits in memory, and in ``spare``, a
file in the folder for running programs, which is in memory too and outlives us, though not a
reboot; nothing of another boot could be taken back anyway. Both are emptied with the first write
that succeeds, in this run or the next one.
"""

import contextlib
import errno
import logging
import os
from pathlib import Path

from omnitray.base.durable import PRIVATE_FILE, StorageError, make_folder, write_atomic

_log = logging.getLogger(__name__)


class JournalFile:
    """Appends and reads lines; the guardian may append to the same file."""

    def __init__(self, path: Path, spare: Path | None = None) -> None:
        self.path = path
        self.trouble = ""  # a sentence while the disk refuses
        self._spare = spare
        self._descriptor: int | None = None
        self._waiting = _ended_lines(_bytes_of(spare)) if spare else []
        self._seen: tuple[int, int] = (0, 0)  # inode, and up to where its lines were read

    def append(self, text: bytes, *, sync: bool) -> bool:
        """Write a line; durable on return where ``sync``. False where the disk refused."""
        self._waiting.append(text + b"\n")
        try:
            self._write(sync=sync)
        except (OSError, StorageError) as error:
            self._refused(error, text)
            return False
        self.trouble = ""
        return True

    def news(self) -> tuple[list[bytes], bool]:
        """Lines written since the last call, and whether the file is another: then all of it."""
        try:
            found = self.path.stat()
        except OSError:
            is_new, self._seen = self._seen != (0, 0), (0, 0)
            return [], is_new
        inode, at = self._seen
        is_new = inode != found.st_ino or found.st_size < at
        start = 0 if is_new else at
        written = _bytes_of(self.path, start) if found.st_size > start else b""
        whole = written[: written.rfind(b"\n") + 1]
        self._seen = (found.st_ino, start + len(whole))
        return whole.splitlines(), is_new

    def unended(self) -> list[bytes]:
        """What stands after the last line's end, and what waits to be written."""
        rest = _bytes_of(self.path, self._seen[1])
        return [text for text in (rest + b"\n" + b"".join(self._waiting)).split(b"\n") if text]

    def size(self) -> int:
        """In bytes; 0 where it is not there."""
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    def rewrite(self, data: bytes) -> bool:
        """Put this in its place; False where the disk refused and the old one stands."""
        try:
            write_atomic(self.path, data)
        except StorageError as error:
            _log.warning("the journal of actions stays long: %s", error)
            return False
        self._waiting.clear()
        self._forget_spare()
        self.close()
        return True

    def close(self) -> None:
        """Close the file; the next line opens it again."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _write(self, *, sync: bool) -> None:
        if self._descriptor is None:
            self._descriptor = self._open()
        had_waited = len(self._waiting) > 1
        while self._waiting:
            if os.write(self._descriptor, self._waiting[0]) < len(self._waiting[0]):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self._waiting.pop(0)
        if sync:
            os.fsync(self._descriptor)
        if had_waited:
            self._forget_spare()

    def _refused(self, error: OSError | StorageError, text: bytes) -> None:
        reason = error.fault.value if isinstance(error, StorageError) else error.strerror
        if not self.trouble:
            _log.warning("the journal of actions cannot be written: %s", error)
        self.trouble = f"the journal cannot be written ({reason})"
        self.close()  # opening it again mends a line that was broken off
        if self._spare is not None:
            with contextlib.suppress(OSError):  # then it waits in memory alone
                _append(self._spare, text + b"\n")

    def _forget_spare(self) -> None:
        if self._spare is not None:
            with contextlib.suppress(OSError):
                self._spare.unlink()

    def _open(self) -> int:
        make_folder(self.path.parent)
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, PRIVATE_FILE)
        if _is_torn(descriptor):
            os.write(descriptor, b"\n")
        return descriptor


def _bytes_of(path: Path, start: int = 0) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(start)
            return file.read()
    except OSError:
        return b""


def _ended_lines(data: bytes) -> list[bytes]:
    return [text + b"\n" for text in data.split(b"\n") if text]


def _append(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, PRIVATE_FILE)
    try:
        os.write(descriptor, data)
    finally:
        os.close(descriptor)


def _is_torn(descriptor: int) -> bool:
    """Whether the last line has no end: a write that a power cut broke off."""
    size = os.fstat(descriptor).st_size
    if size == 0:
        return False
    os.lseek(descriptor, size - 1, os.SEEK_SET)
    return os.read(descriptor, 1) != b"\n"

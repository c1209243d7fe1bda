"""Reading files of /proc and /sys again and again through kept descriptors."""

import os
from pathlib import Path

_CHUNK = 16 * 1024


class KeptFile:
    """One file, opened at the first reading and kept open; opened again when that fails.

    ``records`` says that the kernel hands the file out in pieces (mounts, devices), so that only
    an empty reading is its end; the others come whole.
    """

    def __init__(self, path: Path, *, records: bool = False) -> None:
        self.path = path
        self._records = records
        self._fd: int | None = None

    def read(self) -> bytes | None:
        """The content now, or None where it cannot be read."""
        kept = self._fd is not None
        try:
            return self._read()
        except OSError:
            self.close()
        if not kept:
            return None
        try:  # the kept one may be of a group or device that was replaced
            return self._read()
        except OSError:
            self.close()
            return None

    def descriptor(self) -> int | None:
        """The open descriptor, or None where it cannot be opened."""
        try:
            return self._open()
        except OSError:
            return None

    def close(self) -> None:
        """Give the descriptor back; the next reading opens it again."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _open(self) -> int:
        if self._fd is None:
            self._fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        return self._fd

    def _read(self) -> bytes:
        fd = self._open()
        content = os.pread(fd, _CHUNK, 0)
        if not self._records and len(content) < _CHUNK:
            return content
        pieces = [content]
        offset = len(content)
        while piece := os.pread(fd, _CHUNK, offset):
            pieces.append(piece)
            offset += len(piece)
        return b"".join(pieces)


def read_once(path: Path) -> bytes | None:
    """The content of a file that is read seldom, or None."""
    try:
        return path.read_bytes()
    except OSError:
        return None


def read_text(path: Path) -> str | None:
    """The stripped first 4 kB as printable text, or None."""
    content = read_once(path)
    return None if content is None else printable(content[:4096].strip())


def read_number(path: Path) -> int | None:
    """A file that holds one number, or None."""
    content = read_once(path)
    try:
        return None if content is None else int(content)
    except ValueError:
        return None


def printable(raw: bytes) -> str:
    r"""Text that can be shown anywhere: no control characters, no invalid UTF-8.

    What is not printable becomes its escape (``\n``, ``\udc80`` as ``\x80``), so that different
    names stay different.
    """
    text = raw.decode("utf-8", "backslashreplace")
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)

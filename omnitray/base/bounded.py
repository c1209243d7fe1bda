"""Reads files of any origin: without waiting, regular ones only, up to a limit.

A path of ours may be a FIFO (opening it waits for a writer), a device (reading it has effects), a
folder, a loop of links, or hundreds of megabytes. Every file of the program is opened here, also by
a run's wrapper, so that nothing is imported that takes milliseconds (pathlib, typing). The kernel's
count of processes that it ended for want of memory is read here too: a run needs it.
"""

import io
import os
import stat
from errno import EFBIG, EINVAL, EISDIR

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _typeshed import StrPath, WriteableBuffer

_NO_WAIT = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
_PLAIN = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
_CHUNK_BYTES = 1 << 20
_KINDS = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
    stat.S_IFLNK: "a link",
    stat.S_IFDIR: "a folder",
}


class NotRegularError(OSError):
    """The path is a FIFO, a device, a socket or a link; ``strerror`` says which."""


class TooLargeError(OSError):
    """The file is larger than its reader takes."""


def kind_of(mode: int) -> str:
    """``a FIFO``, ``a device``, ``a folder``; empty for a regular file."""
    return "" if stat.S_ISREG(mode) else _KINDS.get(stat.S_IFMT(mode), "no regular file")


def refuse_irregular(path: "StrPath", mode: int) -> None:
    """Raise IsADirectoryError or NotRegularError for what is no regular file."""
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(EISDIR, os.strerror(EISDIR), str(path))
    if kind := kind_of(mode):
        raise NotRegularError(EINVAL, f"it is {kind}", str(path))


def open_regular(
    path: "StrPath", flags: int = os.O_RDONLY, mode: int = 0o600, *, follow: bool = True
) -> int:
    """A descriptor of a regular file; raises OSError, NotRegularError.

    The path is looked at before, because opening a device may have effects, and the descriptor
    after, because the path may have changed in between.
    """
    if not (flags & os.O_CREAT and not os.path.lexists(path)):
        refuse_irregular(path, os.stat(path, follow_symlinks=follow).st_mode)  # noqa: PTH116 - without pathlib
    more = _NO_WAIT | _PLAIN | (0 if follow else _NO_FOLLOW)
    descriptor = os.open(path, flags | more, mode)
    try:
        refuse_irregular(path, os.fstat(descriptor).st_mode)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def read_bounded(path: "StrPath", most_bytes: int, *, start: int = 0, follow: bool = True) -> bytes:
    """The bytes of a file from ``start``; raises OSError, TooLargeError beyond ``most_bytes``."""
    descriptor = open_regular(path, follow=follow)
    try:
        if os.fstat(descriptor).st_size - start > most_bytes:
            raise _too_large(path, most_bytes)
        if start:
            os.lseek(descriptor, start, os.SEEK_SET)
        return _read(path, descriptor, most_bytes)
    finally:
        os.close(descriptor)


def open_reader(path: "StrPath", *, follow: bool = True) -> io.BufferedReader:
    """A regular file to read in portions; raises OSError, NotRegularError."""
    return io.BufferedReader(_Reader(open_regular(path, follow=follow)), _CHUNK_BYTES)


class _Reader(io.RawIOBase):
    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        view = memoryview(buffer)
        data = os.read(self._descriptor, len(view))
        view[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        return os.lseek(self._descriptor, offset, whence)

    def close(self) -> None:
        if not self.closed:
            super().close()
            os.close(self._descriptor)


def _read(path: "StrPath", descriptor: int, most_bytes: int) -> bytes:
    """A file may grow while it is read, and those of /proc have no size."""
    chunks = []
    left = most_bytes + 1
    while left and (chunk := os.read(descriptor, min(left, _CHUNK_BYTES))):
        chunks.append(chunk)
        left -= len(chunk)
    if not left:
        raise _too_large(path, most_bytes)
    return b"".join(chunks)


def _too_large(path: "StrPath", most_bytes: int) -> TooLargeError:
    from omnitray.base.amounts import size  # noqa: PLC0415 - only for the sentence

    return TooLargeError(EFBIG, f"it is larger than {size(most_bytes)}", str(path))


VMSTAT = "/proc/vmstat"


def oom_kills(vmstat: str = VMSTAT) -> "int | None":
    """Since boot: ``oom_kill`` of /proc/vmstat (Linux 4.13); None where that is not said."""
    try:
        with open(vmstat, encoding="utf-8") as file:  # noqa: PTH123 - pathlib takes 5 ms to import
            for line in file:
                if line.startswith("oom_kill "):
                    return int(line.split()[1])
    except (OSError, ValueError):
        return None
    return None


def rose(before: "int | None", now: "int | None") -> bool:
    """Whether a process was ended between two counts."""
    return before is not None and now is not None and now > before


class CheckedFiles:
    """Files that hold what they should, and one call a file to see that none was touched since.

    A file that is written again within the granularity of its file system's times (2 s on FAT)
    could look untouched: what was written a moment ago is not taken for checked.
    """

    _SETTLED_NS = 2_000_000_000

    def __init__(self, *paths: "StrPath") -> None:
        self._paths = paths
        self._marks: tuple[tuple[int, ...], ...] | None = None

    def untouched(self) -> bool:
        """Whether each is still the file that :meth:`checked` saw."""
        return self._marks is not None and self._look() == self._marks

    def checked(self, now_ns: int) -> None:
        """They are right as they stand; ``now_ns`` is the time of day."""
        marks = self._look()
        is_settled = marks is not None and all(
            now_ns - mark[-1] > self._SETTLED_NS for mark in marks
        )
        self._marks = marks if is_settled else None

    def _look(self) -> tuple[tuple[int, ...], ...] | None:
        try:
            found = [os.lstat(path) for path in self._paths]
        except OSError:
            return None
        return tuple(
            (each.st_dev, each.st_ino, each.st_mode, each.st_uid, each.st_size, each.st_ctime_ns)
            for each in found
        )

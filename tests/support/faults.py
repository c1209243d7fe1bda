"""Makes one system call after the other fail, with each errno that it can give.

:func:`calls_of` counts what a scenario asks of the operating system (through ``os`` and ``fcntl``);
:class:`Fault` makes one of these calls fail, or all from one on. Only calls that concern the
scenario's folder count: by path, or by a descriptor that was opened there.
"""

import contextlib
import fcntl
import os
from collections import Counter
from collections.abc import Callable, Iterator
from errno import (
    EACCES,
    EBADF,
    EBUSY,
    EDQUOT,
    EFBIG,
    EINVAL,
    EIO,
    ELOOP,
    EMFILE,
    EMLINK,
    ENFILE,
    ENOLCK,
    ENOMEM,
    ENOSPC,
    ENOSYS,
    ENOTSUP,
    EPERM,
    EROFS,
    ESTALE,
    EXDEV,
)
from pathlib import Path
from typing import Any, NamedTuple

import pytest

_LACKING = (EPERM, ENOSYS, EINVAL, EXDEV, ENOTSUP, ENOLCK, EACCES, EBADF, EMLINK)
# From the manual pages (section ERRORS) and what FUSE and NFS hand on; not those of wrong use.
ERRNOS: dict[str, tuple[int, ...]] = {
    "open": (EACCES, EDQUOT, EIO, ELOOP, EMFILE, ENFILE, ENOMEM, ENOSPC, EPERM, EROFS, ESTALE),
    "read": (EIO, ENOMEM, ESTALE),
    "write": (EDQUOT, EFBIG, EIO, ENOSPC, EPERM, ESTALE),
    "close": (EDQUOT, EIO, ENOSPC),
    "fsync": (EDQUOT, EIO, ENOSPC, EROFS, EINVAL, ENOSYS, ENOTSUP),
    "lseek": (EIO, ESTALE),
    "fstat": (EIO, ENOMEM, ESTALE),
    "stat": (EACCES, EIO, ELOOP, ENOMEM, ESTALE),
    "lstat": (EACCES, EIO, ENOMEM, ESTALE),
    "replace": (EACCES, EBUSY, EDQUOT, EIO, EMLINK, ENOMEM, ENOSPC, EPERM, EROFS, EXDEV),
    "link": (*_LACKING, EDQUOT, EIO, ENOMEM, ENOSPC, EROFS),
    "unlink": (EACCES, EBUSY, EIO, ENOMEM, EPERM, EROFS),
    "mkdir": (EACCES, EDQUOT, EIO, EMLINK, ENOMEM, ENOSPC, EPERM, EROFS),
    "scandir": (EACCES, EIO, EMFILE, ENFILE, ENOMEM, ESTALE),
    "listdir": (EACCES, EIO, EMFILE, ENFILE, ENOMEM, ESTALE),
    "chmod": (*_LACKING, EIO, EROFS),
    "fchmod": (*_LACKING, EIO, EROFS),
    "fchown": (*_LACKING, EDQUOT, EIO, EROFS),
    "ftruncate": (EIO, EINVAL, EPERM),
    "posix_fallocate": (*_LACKING, EDQUOT, EFBIG, EIO, ENOSPC),
    "flock": (*_LACKING, EIO, ENOMEM),
}


class Fault(NamedTuple):
    """Call ``name`` number ``at`` (from 0) fails with ``number``; ``lasting``: all later ones."""

    name: str
    at: int
    number: int
    lasting: bool

    def __str__(self) -> str:
        kind = "from" if self.lasting else "at"
        return f"{self.name} {kind} {self.at}: {os.strerror(self.number)}"


class _Calls:
    def __init__(self, folder: Path, fault: Fault | None) -> None:
        self.counts: Counter[str] = Counter()
        self._folder = os.fspath(folder)
        self._fault = fault
        self._descriptors: set[int] = set()

    def wrap(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            if not (args and self._concerns(args[0])):
                return real(*args, **options)
            fails = self._fails(name)
            if name == "close":  # Linux closes it whatever it answers: close(2)
                self._descriptors.discard(args[0])
                real(*args, **options)
            if fails is not None:
                raise OSError(fails, os.strerror(fails))
            if name == "close":
                return None
            answer = real(*args, **options)
            if name == "open":
                self._descriptors.add(answer)
            return answer

        return call

    def _concerns(self, what: object) -> bool:
        if isinstance(what, int):
            return what in self._descriptors
        return isinstance(what, str | os.PathLike) and os.fspath(what).startswith(self._folder)

    def _fails(self, name: str) -> int | None:
        at = self.counts[name]
        self.counts[name] += 1
        fault = self._fault
        if fault is None or fault.name != name:
            return None
        return fault.number if at == fault.at or (fault.lasting and at > fault.at) else None


@contextlib.contextmanager
def failing(folder: Path, fault: Fault | None) -> Iterator[Counter[str]]:
    """Within the block this call under ``folder`` fails; what comes is the count of all calls."""
    calls = _Calls(folder, fault)
    with pytest.MonkeyPatch.context() as patch:
        for name in ERRNOS:
            module: Any = fcntl if name == "flock" else os
            patch.setattr(module, name, calls.wrap(name, getattr(module, name)))
        yield calls.counts


def faults_of(counts: Counter[str]) -> Iterator[Fault]:
    """Every call with every errno, once and for good."""
    for name, count in sorted(counts.items()):
        for number in ERRNOS[name]:
            for at in range(count):
                yield Fault(name, at, number, lasting=False)
            yield Fault(name, 0, number, lasting=True)

"""Details of single processes from /proc: ``processes.process_table.ProcessDetails``.

A pid can be given to another process between the scan and the reading, so that the start time is
read again after every reading: only then is the answer of the process that was asked for.
"""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from omnitray.base.facts import ProcessFacts
from omnitray.platforms.linux.files import printable, read_once
from omnitray.platforms.linux.mounts import remote_points, written_mounts
from omnitray.platforms.linux.proc import start_ticks

_ARGUMENTS = 32 * 1024  # a command line may have megabytes, no person reads them
_PSS = re.compile(rb"^Pss:\s+(\d{1,15}) kB", re.MULTILINE)
_WRITTEN = re.compile(rb"^write_bytes: (\d{1,19})$", re.MULTILINE)
_MOVED = re.compile(rb"^(?:read|write)_bytes: (\d{1,19})$", re.MULTILINE)
_PTS_MAJORS = range(136, 144)  # Documentation/admin-guide/devices.txt
_VC_MAJOR, _SERIAL_FROM = 4, 64

Answer = TypeVar("Answer")


class LinuxProcessDetails:
    """Reads below ``proc``; keeps nothing but the list of mounts."""

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc

    def exe(self, process: ProcessFacts, /) -> str | None:
        """Path of the executable."""
        return self._of(process, lambda folder: _link(folder / "exe"))

    def cmdline(self, process: ProcessFacts, /) -> tuple[str, ...] | None:
        """Arguments, made printable, cut at 32 kB."""
        return self._of(process, lambda folder: _arguments(folder / "cmdline"))

    def cwd(self, process: ProcessFacts, /) -> str | None:
        """Working folder, as it was called where it has been deleted."""
        place = self._of(process, lambda folder: _link(folder / "cwd"))
        return place.removesuffix(" (deleted)") if place else None

    def cgroup(self, process: ProcessFacts, /) -> str | None:
        """Path in the unified hierarchy; in systemd's own where that one is not used."""
        return self._of(process, lambda folder: _cgroup(read_once(folder / "cgroup")))

    def pss_bytes(self, process: ProcessFacts, /) -> int | None:
        """Proportional set size from smaps_rollup: 30 µs to some ms, by the size of the process."""
        return self._of(process, lambda folder: _pss(read_once(folder / "smaps_rollup")))

    def written_bytes(self, process: ProcessFacts, /) -> int | None:
        """``write_bytes`` of /proc/PID/io; of our own processes alone, without privilege."""
        return self._of(process, lambda folder: _written(read_once(folder / "io")))

    def io_bytes(self, process: ProcessFacts, /) -> int | None:
        """``read_bytes`` and ``write_bytes`` of /proc/PID/io; unprivileged, of our own alone."""
        return self._of(process, lambda folder: _moved(read_once(folder / "io")))

    def writes_to(self, process: ProcessFacts, mounts: tuple[str, ...], /) -> frozenset[str] | None:
        """By what fdinfo says of its descriptors; the files themselves are not touched."""
        here = read_once(self._proc / "self/mountinfo") or b""
        return self._of(process, lambda folder: written_mounts(folder, here, mounts))

    def tty_name(self, process: ProcessFacts, /) -> str | None:
        """``pts/3``."""
        return _tty_name(process.tty)

    def is_remote(self, folder: str, /) -> bool:
        """Whether looking into this folder may have to wait for a server."""
        points = remote_points(read_once(self._proc / "self/mountinfo") or b"")
        place = os.fsencode(folder).rstrip(b"/") + b"/"
        return any(place.startswith(point) for point in points)

    def _of(self, process: ProcessFacts, read: Callable[[Path], Answer | None]) -> Answer | None:
        folder = self._proc / str(process.pid)
        answer = read(folder)
        if answer is None:
            return None
        line = read_once(folder / "stat")
        same = line is not None and start_ticks(line) == process.start_ticks
        return answer if same else None


def _link(path: Path) -> str | None:
    try:
        return printable(os.readlink(os.fsencode(path)))  # noqa: PTH115 - bytes: names may be none
    except OSError:
        return None


def _arguments(path: Path) -> tuple[str, ...] | None:
    try:
        with path.open("rb", buffering=0) as file:
            raw = file.read(_ARGUMENTS)
    except OSError:
        return None
    if raw is None:
        return None
    return tuple(printable(each) for each in raw.rstrip(b"\0").split(b"\0")) if raw else ()


def _cgroup(content: bytes | None) -> str | None:
    paths = {}
    for line in (content or b"").split(b"\n"):
        _, _, rest = line.partition(b":")
        controllers, colon, path = rest.partition(b":")
        if colon:
            paths[controllers] = printable(path)
    unified, systemd = paths.get(b""), paths.get(b"name=systemd")
    return systemd if unified in {None, "/"} and systemd else unified


def _pss(content: bytes | None) -> int | None:
    found = _PSS.search(content or b"")
    return int(found[1]) * 1024 if found else None


def _written(content: bytes | None) -> int | None:
    found = _WRITTEN.search(content or b"")
    return int(found[1]) if found else None


def _moved(content: bytes | None) -> int | None:
    found = _MOVED.findall(content or b"")
    return sum(map(int, found)) if found else None


def _tty_name(number: int) -> str | None:
    if not number:
        return None
    major, minor = os.major(number), os.minor(number)
    if major in _PTS_MAJORS:
        return f"pts/{(major - _PTS_MAJORS.start) * 256 + minor}"
    if major == _VC_MAJOR:
        return f"tty{minor}" if minor < _SERIAL_FROM else f"ttyS{minor - _SERIAL_FROM}"
    return f"tty {major}:{minor}"

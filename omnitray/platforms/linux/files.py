"""Reads files of /proc and /sys through kept descriptors, and parses what stands in them.

Parsing is pure; anything unexpected gives None. Formats: proc_pid_stat(5), proc_stat(5),
proc_meminfo(5), Documentation/accounting/psi.rst and Documentation/admin-guide/iostats.rst of the
kernel.
"""

import os
import re
from collections.abc import Container, Iterable
from pathlib import Path

from omnitray.base.facts import MemoryFacts, PressurePair
from omnitray.monitor.machine import BusyTime, CpuTimes, Traffic

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
    """The content of a file that is read seldom, or None.

    Without the calls of ``open`` that ask what kind of a file it is, which take as long again.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        pieces = []
        while piece := os.read(descriptor, _CHUNK):
            pieces.append(piece)
        return b"".join(pieces)
    except OSError:
        return None
    finally:
        os.close(descriptor)


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


_KB = 1024
_MOST_PROCESSORS = 8192  # CONFIG_NR_CPUS goes no higher
_SECTOR = 512  # /proc/diskstats counts these whatever the device's own are
# Fields of a cpu line. Guest time is in user time already; stolen time is another machine's use.
_IDLE, _IOWAIT, _STEAL, _GUEST = 3, 4, 7, 8
_PROCESSOR = re.compile(rb"^cpu(\d{1,6})$")
_ALLOWED = re.compile(rb"^Cpus_allowed_list:\s*([\d,-]+)$", re.MULTILINE)
_MEMORY = re.compile(
    rb"^(MemTotal|MemAvailable|SwapTotal|SwapFree|Hugetlb|HugePages_Total|Hugepagesize):"
    rb"[ \t]+(\d{1,18})",
    re.MULTILINE,
)
_ARC = re.compile(rb"^(size|c_min)[ \t]+\d+[ \t]+(\d{1,18})$", re.MULTILINE)
_AVG10 = re.compile(rb"^(some|full) avg10=(\d{1,3}(?:\.\d{1,4})?) ", re.MULTILINE)
_IN_USE = re.compile(rb"^(TCP|UDP|TCP6|UDP6): inuse (\d{1,9})\b", re.MULTILINE)


def cpu_times(content: bytes, allowed: frozenset[int] | None = None) -> CpuTimes | None:
    """/proc/stat in clock ticks; of the ``allowed`` processors alone where not all are."""
    lines = []
    for line in content.split(b"\n"):
        if not line.startswith(b"cpu"):
            break
        lines.append(line.split())
    try:
        whole, *cores = map(_busy_time, lines)
    except ValueError:
        return None
    ours = [
        core
        for (name, *_), core in zip(lines[1:], cores, strict=True)
        if allowed is None or _number_of(name) in allowed
    ]
    if ours and len(ours) < len(cores):
        cores = ours
        whole = BusyTime(sum(each.busy for each in ours), sum(each.total for each in ours))
    return CpuTimes(whole=whole, cores=tuple(cores))


def _number_of(name: bytes) -> int:
    found = _PROCESSOR.match(name)
    return int(found[1]) if found else -1


def _busy_time(fields: list[bytes]) -> BusyTime:
    ticks = [int(each) for each in fields[1 : 1 + _GUEST]]
    if len(ticks) <= _IOWAIT:
        raise ValueError(fields)
    total = sum(ticks)
    return BusyTime(total - ticks[_IDLE] - ticks[_IOWAIT] - sum(ticks[_STEAL:]), total)


def allowed_processors(content: bytes) -> frozenset[int] | None:
    """The processors of /proc/PID/status: a cpuset's (a container's), or an affinity's."""
    found = _ALLOWED.search(content)
    if found is None:
        return None
    allowed: set[int] = set()
    try:
        for part in found[1].split(b","):
            first, _, last = part.partition(b"-")
            allowed.update(range(int(first), min(int(last or first), _MOST_PROCESSORS) + 1))
    except ValueError:
        return None
    return frozenset(allowed)


def memory(content: bytes, arc: bytes = b"") -> MemoryFacts | None:
    """/proc/meminfo, and ``arc``: /proc/spl/kstat/zfs/arcstats.

    Reserved huge pages are left out of the total: nothing but what asks for them gets them. The
    cache of ZFS is given back when memory is short, down to its minimum, and the kernel does not
    count it as available (``c_min``, as htop's linux/ZfsArcMeter reads it).
    """
    found = {name: int(amount) * _KB for name, amount in _MEMORY.findall(content)}
    total, available = found.get(b"MemTotal", 0) - _huge_pages(found), found.get(b"MemAvailable")
    if total <= 0 or available is None:
        return None
    cache = {name: int(amount) for name, amount in _ARC.findall(arc)}
    available += max(0, cache.get(b"size", 0) - cache.get(b"c_min", 0))
    swap = found.get(b"SwapTotal", 0)
    return MemoryFacts(
        total_bytes=total,
        available_bytes=min(total, available),
        swap_total_bytes=swap,
        swap_free_bytes=min(swap, found.get(b"SwapFree", 0)),
    )


def _huge_pages(found: dict[bytes, int]) -> int:
    """Bytes of all sizes; before Linux 4.20 there is no ``Hugetlb`` line, only the default size."""
    pages = found.get(b"HugePages_Total", 0) // _KB  # a number, not kilobytes
    return found.get(b"Hugetlb", pages * found.get(b"Hugepagesize", 0))


def load(content: bytes) -> tuple[float, float, float] | None:
    """/proc/loadavg."""
    try:
        one, five, fifteen = (float(each) for each in content.split()[:3])
    except ValueError:
        return None
    return one, five, fifteen


def pressure(content: bytes) -> PressurePair | None:
    """One file of /proc/pressure."""
    found = {kind: float(share) for kind, share in _AVG10.findall(content)}
    if b"some" not in found:
        return None
    return PressurePair(some_avg10=found[b"some"], full_avg10=found.get(b"full"))


def sockets_in_use(content: bytes) -> int | None:
    """/proc/net/sockstat and sockstat6, one after the other."""
    counts = [int(count) for _, count in _IN_USE.findall(content)]
    return sum(counts) if counts else None


def disk_traffic(content: bytes, skip: Container[str] = ()) -> dict[str, Traffic]:
    """/proc/diskstats: every device, partitions and doubles too, but those to skip."""
    rows = (line.split() for line in content.split(b"\n"))
    return _traffic(rows, skip, 2, (5, 9), _SECTOR)


def network_traffic(content: bytes, skip: Container[str] = ()) -> dict[str, Traffic]:
    """/proc/net/dev: every interface, but those to skip."""
    # A name may hold a colon (old aliases do) and may touch the first figure.
    parted = (line.rpartition(b":") for line in content.split(b"\n"))
    rows = ([name.strip(), *figures.split()] for name, colon, figures in parted if colon)
    return _traffic(rows, skip, 0, (1, 9), 1)


def _traffic(
    rows: Iterable[list[bytes]],
    skip: Container[str],
    place: int,
    columns: tuple[int, int],
    unit: int,
) -> dict[str, Traffic]:
    inward, outward = columns
    found = {}
    for row in rows:
        try:
            name = row[place].decode()
            if name not in skip:
                found[name] = Traffic(int(row[inward]) * unit, int(row[outward]) * unit)
        except (ValueError, IndexError):
            continue
    return found

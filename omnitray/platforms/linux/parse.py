"""What stands in the files of /proc, as facts. Pure; anything unexpected gives None.

Formats: proc_pid_stat(5), proc_stat(5), proc_meminfo(5), Documentation/accounting/psi.rst and
Documentation/admin-guide/iostats.rst of the kernel.
"""

import re
from collections.abc import Container, Iterable

from omnitray.base.facts import MemoryFacts, PressurePair
from omnitray.monitor.machine import BusyTime, CpuTimes, Traffic

_KB = 1024
_SECTOR = 512  # /proc/diskstats counts these whatever the device's own are
_IDLE, _IOWAIT, _GUEST = 3, 4, 8  # fields of a cpu line; guest time is in user time already
_MEMORY = re.compile(
    rb"^(MemTotal|MemAvailable|SwapTotal|SwapFree):[ \t]+(\d{1,18}) kB", re.MULTILINE
)
_AVG10 = re.compile(rb"^(some|full) avg10=(\d{1,3}(?:\.\d{1,4})?) ", re.MULTILINE)
_IN_USE = re.compile(rb"^(TCP|UDP|TCP6|UDP6): inuse (\d{1,9})\b", re.MULTILINE)


def cpu_times(content: bytes) -> CpuTimes | None:
    """/proc/stat in clock ticks."""
    lines = []
    for line in content.split(b"\n"):
        if not line.startswith(b"cpu"):
            break
        lines.append(line)
    try:
        whole, *cores = map(_busy_time, lines)
    except ValueError:
        return None
    return CpuTimes(whole=whole, cores=tuple(cores))


def _busy_time(line: bytes) -> BusyTime:
    ticks = [int(each) for each in line.split()[1 : 1 + _GUEST]]
    if len(ticks) <= _IOWAIT:
        raise ValueError(line)
    total = sum(ticks)
    return BusyTime(total - ticks[_IDLE] - ticks[_IOWAIT], total)


def memory(content: bytes) -> MemoryFacts | None:
    """/proc/meminfo."""
    found = {name: int(amount) * _KB for name, amount in _MEMORY.findall(content)}
    total, available = found.get(b"MemTotal", 0), found.get(b"MemAvailable")
    if not total or available is None:
        return None
    swap = found.get(b"SwapTotal", 0)
    return MemoryFacts(
        total_bytes=total,
        available_bytes=min(total, available),
        swap_total_bytes=swap,
        swap_free_bytes=min(swap, found.get(b"SwapFree", 0)),
    )


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

"""One line of /proc/PID/stat as facts (proc_pid_stat(5))."""

import os

from omnitray.base.facts import ProcessFacts
from omnitray.platforms.linux.files import printable

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_NS_PER_TICK = 1_000_000_000 // TICKS_PER_S
_LAST = 22  # the fields after the name that are of use

# Fields after the name, counted from 0.
_STATE, _PPID, _GROUP, _SESSION, _TTY = 0, 1, 2, 3, 4
_UTIME, _STIME, _NICE, _THREADS, _START, _RSS = 11, 12, 16, 17, 19, 21


def parse_stat(raw: bytes) -> ProcessFacts | None:
    """The process in this line (user and CPU unknown), or None where the line makes no sense.

    The name stands in brackets and may hold anything, ``foo) Z 1`` included; what follows it is
    numbers only, so that the last bracket is the one that counts.
    """
    opening, closing = raw.find(b"("), raw.rfind(b")")
    fields = raw[closing + 2 :].split(b" ", _LAST)
    try:
        return ProcessFacts(
            pid=int(raw[: opening - 1]),
            ppid=int(fields[_PPID]),
            start_ticks=int(fields[_START]),
            name=printable(raw[opening + 1 : closing]),
            state=fields[_STATE].decode("ascii"),
            session=int(fields[_SESSION]),
            group=int(fields[_GROUP]),
            tty=int(fields[_TTY]),
            threads=int(fields[_THREADS]),
            nice=int(fields[_NICE]),
            rss_bytes=max(0, int(fields[_RSS])) * PAGE_BYTES,
        )
    except (ValueError, IndexError):
        return None


def start_ticks(raw: bytes) -> int | None:
    """When it started, which together with the pid says who it is."""
    try:
        return int(raw[raw.rfind(b")") + 2 :].split(b" ", _START + 1)[_START])
    except (ValueError, IndexError):
        return None


def used_ns(raw: bytes) -> int:
    """Processor time so far, to the tick (10 ms); of a line that was parsed before."""
    fields = raw[raw.rfind(b")") + 2 :].split(b" ", _STIME + 1)
    return (int(fields[_UTIME]) + int(fields[_STIME])) * _NS_PER_TICK

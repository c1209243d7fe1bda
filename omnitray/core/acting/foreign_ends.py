"""What others have ended: the kernel, earlyoom, nohang, systemd-oomd, read from their log lines.

Applications that "just disappear" are what people complain of most; an alert can say who it was.
"""

import re

import msgspec


class ForeignEnd(msgspec.Struct, frozen=True, kw_only=True):
    """A process, or a whole unit (then ``pid`` is None), that somebody else has ended."""

    by: str  # "the kernel", "earlyoom", "nohang", "systemd-oomd"
    name: str
    pid: int | None = None
    rss_bytes: int | None = None

    @property
    def sentence(self) -> str:
        """In words."""
        size = f", which held {self.rss_bytes / 2**20:,.0f} MB" if self.rss_bytes else ""
        return f"{self.by} ended {self.name}{size}, because memory ran out"


# mm/oom_kill.c: __oom_kill_process; the prefix names a memory cgroup that was full.
_KERNEL = re.compile(
    r"(?:Out of memory|Memory cgroup out of memory): Killed process (?P<pid>\d+) \((?P<name>.*)\) "
    r"total-vm:\d+kB, anon-rss:(?P<rss>\d+)kB"
)
# earlyoom 1.6 to 1.8, main.c and kill.c
_EARLYOOM = re.compile(
    r"sending SIG(?:TERM|KILL) to process (?P<pid>\d+) (?:uid \d+ )?\"(?P<name>.*?)\".*?"
    r"VmRSS (?P<rss>\d+) MiB"
)
_NOHANG = re.compile(
    r"Sending SIG(?:TERM|KILL) to (?:the victim|the process).*?PID: (?P<pid>\d+), "
    r"[Nn]ame: (?P<name>\S+)"
)
_OOMD = re.compile(r"Killed (?P<name>/\S+) due to (?:memory|swap)")
_SAID = (
    ("the kernel", _KERNEL, 1 << 10),
    ("earlyoom", _EARLYOOM, 1 << 20),
    ("nohang", _NOHANG, 0),
    ("systemd-oomd", _OOMD, 0),
)


def foreign_end(line: str) -> ForeignEnd | None:
    """What a line of a log says about an end, or None."""
    for by, pattern, unit in _SAID:
        if found := pattern.search(line):
            said = found.groupdict()
            return ForeignEnd(
                by=by,
                name=printable(said["name"].rpartition("/")[2]),
                pid=int(said["pid"]) if "pid" in said else None,
                rss_bytes=int(said["rss"]) * unit if "rss" in said else None,
            )
    return None


def printable(name: str) -> str:
    """A name that somebody else chose, without what could steer a terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)

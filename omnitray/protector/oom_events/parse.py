"""What others have ended: the kernel, earlyoom, nohang, systemd-oomd, read from their log lines.

Applications that "just disappear" are what people complain of most; an alert can say who it was.
nohang tells of one end in several lines, so lines are read in their order, not one by one.
"""

import re
from collections.abc import Iterable

import msgspec

from omnitray.base.amounts import size
from omnitray.base.facts import ReasonEnum

KERNEL = "the kernel"
_MIB = 1 << 20


class Because(ReasonEnum):
    """Why another program ended something."""

    MEMORY_OUT = "memory_out", "memory ran out"
    LIMIT = "limit", "its group reached its memory limit"
    PRESSURE = "pressure", "too much time went into waiting for memory"


class ForeignEnd(msgspec.Struct, frozen=True, kw_only=True):
    """A process, or a whole unit (then ``pid`` is None), that another program has ended.

    ``unread``: why no log could be read; then it is only probable, from all else that is known.
    """

    by: str  # "the kernel", "earlyoom", "nohang", "systemd-oomd"
    name: str
    pid: int | None = None
    rss_bytes: int | None = None
    because: Because = Because.MEMORY_OUT
    unread: str = ""
    group: str = ""  # the memory group whose limit was reached, where the kernel names it

    @property
    def headline(self) -> str:
        """In a few words."""
        return f"{self.by}{' probably' if self.unread else ''} ended {self.name}"

    @property
    def sentence(self) -> str:
        """In words."""
        held = f", which held {size(self.rss_bytes)}" if self.rss_bytes else ""
        comma = "," if held else ""
        unread = f". Its log could not be read: {self.unread}" if self.unread else ""
        return f"{self.headline}{held}{comma} because {self.because.sentence}{unread}"


class UnnamedEnd(msgspec.Struct, frozen=True, kw_only=True):
    """The kernel has counted an end, and no log that may be read names the process.

    ``gone`` names what was large and has ended since, ``why_not`` says what keeps us from
    knowing and what would help. The kernel counts what reaches the limit of its own group, a
    container for instance, like all else: then there was memory left.
    """

    gone: tuple[str, ...] = ()
    why_not: str = ""
    because: Because = Because.MEMORY_OUT
    by: str = KERNEL
    name: str = "a process"
    pid: None = None

    @property
    def headline(self) -> str:
        """In a few words."""
        return f"{self.by} ended {self.name}"

    @property
    def sentence(self) -> str:
        """In words."""
        gone = f" Gone meanwhile: {', '.join(self.gone)}." if self.gone else ""
        why = f": {self.why_not}" if self.why_not else ""
        return (
            f"{self.headline} because {self.because.sentence}.{gone}"
            f" Which one could not be read{why}"
        )


# mm/oom_kill.c: __oom_kill_process; the prefix names a memory cgroup that was full.
_KERNEL = re.compile(
    r"(?P<group>Memory cgroup o|O)ut of memory: Killed process (?P<pid>\d+) \((?P<name>.*)\) "
    r"total-vm:\d+kB, anon-rss:(?P<rss>\d+)kB"
)
# mm/oom_kill.c: dump_oom_summary, since Linux 4.19, before the line above
_KERNEL_GROUP = re.compile(r"^oom-kill:.*,oom_memcg=(?P<group>.*?),task_memcg=.*,pid=(?P<pid>\d+),")
# earlyoom 1.6 to 1.8, kill.c
_EARLYOOM = re.compile(
    r"sending SIG(?:TERM|KILL) to process (?P<pid>\d+) (?:uid \d+ )?\"(?P<name>.*?)\".*?"
    r"VmRSS (?P<rss>\d+) MiB"
)
# nohang 0.2: who it is, what it holds, and only then that it is ended
_NOHANG_WHO = re.compile(r"^\s*PID: +(?P<pid>\d+), name: (?P<name>.*), state: ")
_NOHANG_SIZE = re.compile(r"^\s*Vm, MiB: +Size: \d+, RSS: (?P<rss>\d+)")
_NOHANG_DOES = re.compile(r"^\s*Sending SIG(?:TERM|KILL) to the victim")
# What either says after that, when nothing came of it
_IN_VAIN = re.compile(r"^\s*(?:kill failed: |dryrun, not actually|Cannot send a signal: )")
# systemd-oomd: "Killed" since 248, "Marked … for killing" since 259
_OOMD = re.compile(
    r"(?:Killed|Marked) (?P<name>/.+?) (?:for killing )?due to (?P<why>memory pressure|memory|swap)"
)
# What the service manager says of its own units; a person's own may be read by that person.
_UNIT_OOMD = re.compile(r"^(?P<name>\S+): systemd-oomd killed \d+ process\(es\) in this unit")
_UNIT = re.compile(
    r"^(?P<name>\S+\.(?:scope|service)): A process of this unit has been killed by the OOM killer"
)
_MANAGER = "user@"  # the unit that holds all others of a person


def foreign_ends(lines: Iterable[str]) -> tuple[ForeignEnd, ...]:
    """What these lines of logs say about ends, each once; the order is kept.

    That a process of some unit was ended says less than who it was, so it counts only alone.
    """
    found = tuple(dict.fromkeys(_read(lines)))
    if any(end.by == KERNEL and end.pid is not None for end in found):
        found = tuple(end for end in found if end.by != KERNEL or end.pid is not None)
    return found


def _read(lines: Iterable[str]) -> list[ForeignEnd]:
    victim: ForeignEnd | None = None
    ends: list[ForeignEnd] = []
    groups: dict[int, str] = {}
    for line in lines:
        if group := _KERNEL_GROUP.search(line):
            groups[int(group["pid"])] = group["group"]
        elif who := _NOHANG_WHO.search(line):
            victim = ForeignEnd(by="nohang", name=printable(who["name"]), pid=int(who["pid"]))
        elif victim is not None and (held := _NOHANG_SIZE.search(line)):
            victim = msgspec.structs.replace(victim, rss_bytes=int(held["rss"]) * _MIB)
        elif victim is not None and _NOHANG_DOES.search(line):
            ends.append(victim)
            victim = None
        elif ends and _IN_VAIN.search(line):
            ends.pop()
        elif (end := _of_one_line(line)) is not None:
            group_of = groups.get(end.pid or 0, "") if end.by == KERNEL else ""
            ends.append(msgspec.structs.replace(end, group=group_of))
    return ends


def _of_one_line(line: str) -> ForeignEnd | None:
    if said := _KERNEL.search(line):
        limit = said["group"] != "O"
        because = Because.LIMIT if limit else Because.MEMORY_OUT
        return _process(KERNEL, said, 1 << 10, because)
    if said := _EARLYOOM.search(line):
        return _process("earlyoom", said, _MIB, Because.MEMORY_OUT)
    if said := _OOMD.search(line):
        pressed = said["why"] == "memory pressure"
        return _unit("systemd-oomd", said, Because.PRESSURE if pressed else Because.MEMORY_OUT)
    if said := _UNIT_OOMD.search(line):
        return _unit("systemd-oomd", said, Because.MEMORY_OUT)
    if (said := _UNIT.search(line)) and not said["name"].startswith(_MANAGER):
        return ForeignEnd(by=KERNEL, name=f"a process of {printable(said['name'])}")
    return None


def _process(by: str, said: re.Match[str], unit_bytes: int, because: Because) -> ForeignEnd:
    return ForeignEnd(
        by=by,
        name=printable(said["name"]),
        pid=int(said["pid"]),
        rss_bytes=int(said["rss"]) * unit_bytes,
        because=because,
    )


def _unit(by: str, said: re.Match[str], because: Because) -> ForeignEnd:
    return ForeignEnd(by=by, name=printable(said["name"].rpartition("/")[2]), because=because)


def printable(name: str) -> str:
    """A foreign name, without what could steer a terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)

"""Other OOM daemons that run here: which they are and at which line they act, for people.

They are known by the name of their program; their lines stand in the command line (earlyoom) or in
a configuration that the platform reads (nohang, systemd-oomd). What they do not say is their
default, from their manuals.
"""

import getopt
import re
from collections.abc import Callable, Iterable

import msgspec

from omnitray.base.facts import ProcessFacts

Arguments = Callable[[ProcessFacts], tuple[str, ...] | None]
ReadText = Callable[[str], str]


class OomDaemon(msgspec.Struct, frozen=True, kw_only=True):
    """One of them. ``memory_percent`` is what has to be available for it to stay quiet.

    None where it does not act on that, or where it is not known. ``swap_percent`` of swap has to
    be free beside that for it to stay quiet: it acts when both are short. ``ends``: it ends
    processes.
    """

    name: str
    pid: int
    does: str
    memory_percent: float | None = None
    swap_percent: float = 100.0  # 100: it does not look at swap
    ends: bool = False

    def sentence(self, floor_percent: float) -> str:
        """How it stands beside our own floor."""
        if self.memory_percent is None:
            return f"{self.name} runs here: it {self.does}"
        acts = f"{self.name} runs here and acts at {self.memory_percent:g} % of memory available"
        if self.memory_percent < floor_percent:
            return f"{acts}; our {floor_percent:g} % comes before it"
        return f"{acts}, before our {floor_percent:g} %"


# What earlyoom hands to getopt_long (its main.c, 1.3 to 1.8), so that a regex is not an option.
_EARLYOOM_SHORT = "m:s:M:S:kingN:P:dvr:ph"
_EARLYOOM_LONG = (
    *("prefer=", "avoid=", "ignore=", "dryrun", "ignore-root-user", "sort-by-rss", "syslog"),
    *("help", "version"),
)
_NOHANG = re.compile(r"^\s*soft_threshold_min_mem\s*=\s*([\d.]+)\s*([%M])", re.MULTILINE)
_NOHANG_SWAP = re.compile(r"^\s*soft_threshold_min_swap\s*=\s*([\d.]+)\s*%", re.MULTILINE)
_TOTAL_KIB = re.compile(r"^MemTotal:\s+(\d+) kB", re.MULTILINE)
_OOMD = re.compile(r"^\s*SwapUsedLimit\s*=\s*([\d.]+)\s*%", re.MULTILINE)
_EARLYOOM_DEFAULT, _NOHANG_DEFAULT, _OOMD_DEFAULT = 10.0, 5.0, 90.0
_SWAP_DEFAULT = 10.0  # of earlyoom (its manual) and nohang (nohang.conf)
# One number for each PID namespace from ours to its own: one alone shares ours.
_NAMESPACES = re.compile(r"^NSpid:((?:\s+\d+)+)$", re.MULTILINE)
_RENICING = {
    "ananicy": "sets priorities by name and does not take them back",
    "ananicy-cpp": "sets priorities by name and does not take them back",
    "uresourced": "reserves memory and weight for the session in front",
    "gamemoded": "raises games while they ask for it",
    "low-memory-monitor": "asks applications to shrink",
    "psi-notify": "tells of pressure",
}
_ENDING = {
    "bustd": "ends the largest process when memory is short",
    "oomd": "ends whole control groups when memory is short",
}
_SCRIPTED = {"nohang", "ananicy"}  # run by an interpreter: their name may be that one's


def other_oom_daemons(
    processes: Iterable[ProcessFacts], arguments: Arguments, read: ReadText
) -> tuple[OomDaemon, ...]:
    """Those among the processes that guard what we do, by pid.

    ``read`` gives a file's text, empty where it cannot. One in a PID namespace below ours (a
    container, a test) sees and ends nothing of ours.
    """
    found = (_neighbour(process, arguments, read) for process in processes)
    return tuple(each for each in found if each is not None and not _is_contained(each.pid, read))


def _is_contained(pid: int, read: ReadText) -> bool:
    found = _NAMESPACES.search(read(f"/proc/{pid}/status"))
    return found is not None and len(found[1].split()) > 1


def _neighbour(process: ProcessFacts, arguments: Arguments, read: ReadText) -> OomDaemon | None:
    name = process.name
    if name.startswith("python"):
        name = _script(arguments(process) or ())
    if name == "earlyoom":
        return _earlyoom(process, arguments(process) or (), read)
    if name == "nohang":
        said = arguments(process) or ()
        percent, swap = _nohang_lines(said, read)
        return _memory(process, name, "ends the worst process", percent, swap)
    if name == "systemd-oomd":
        return OomDaemon(name=name, pid=process.pid, does=_oomd_does(read), ends=True)
    if name in _ENDING:
        return OomDaemon(name=name, pid=process.pid, does=_ENDING[name], ends=True)
    if name in _RENICING:
        return OomDaemon(name=name, pid=process.pid, does=_RENICING[name])
    return None


def _memory(
    process: ProcessFacts, name: str, does: str, percent: float | None, swap_percent: float
) -> OomDaemon:
    return OomDaemon(
        name=name,
        pid=process.pid,
        does=does,
        memory_percent=percent,
        swap_percent=swap_percent,
        ends=True,
    )


def _script(arguments: tuple[str, ...]) -> str:
    """The name of what an interpreter runs, where it is one of those that interest us."""
    names = (argument.rpartition("/")[2] for argument in arguments[1:3])
    return next((name for name in names if name in _SCRIPTED), "")


def _earlyoom(process: ProcessFacts, arguments: tuple[str, ...], read: ReadText) -> OomDaemon:
    """``-m 10,5``: the first figure is where it begins; of ``-m`` and ``-M`` the lower.

    ``-s`` the same for swap; ``-S`` in KiB is left at the highest, so that more is suspected.
    """
    try:
        options, _ = getopt.gnu_getopt(list(arguments[1:]), _EARLYOOM_SHORT, list(_EARLYOOM_LONG))
    except getopt.GetoptError:  # a version that knows more
        options = []
    given = {name: value.partition(",")[0] for name, value in options}  # the last one counts
    if "--dryrun" in given:
        does = "says whom it would end, and ends nobody (--dryrun)"
        return OomDaemon(name=process.name, pid=process.pid, does=does)
    lines = []
    if "-m" in given:
        lines.append(_number(given["-m"], _EARLYOOM_DEFAULT))
    if "-M" in given and (percent := _percent_of_kib(given["-M"], read)) is not None:
        lines.append(percent)
    percent = min(lines, default=_EARLYOOM_DEFAULT)
    swap = 100.0 if "-S" in given else _SWAP_DEFAULT
    if "-s" in given:
        swap = _number(given["-s"], _SWAP_DEFAULT)
    return _memory(process, "earlyoom", "ends the largest process", percent, swap)


def _nohang_lines(arguments: tuple[str, ...], read: ReadText) -> tuple[float | None, float]:
    """Memory and swap. ``--monitor --config FILE`` in any order; no ``-cFILE``."""
    own = arguments[next((n for n, each in enumerate(arguments) if _is_nohang(each)), -1) + 1 :]
    for flag in ("--config", "-c"):
        if flag in own[:-1]:
            text = read(own[own.index(flag) + 1])
            swap = _NOHANG_SWAP.search(text)
            return _nohang_memory(text, read), float(swap[1]) if swap else _SWAP_DEFAULT
    return _NOHANG_DEFAULT, _SWAP_DEFAULT


def _nohang_memory(text: str, read: ReadText) -> float | None:
    found = _NOHANG.search(text)
    if found is None:
        return None
    if found[2] != "M":
        return float(found[1])
    return _percent_of_kib(str(int(float(found[1]) * 1024)), read)


def _is_nohang(argument: str) -> bool:
    return argument.rpartition("/")[2] == "nohang"


def _percent_of_kib(text: str, read: ReadText) -> float | None:
    """So many KiB in per cent of the machine's memory; None where either is not known."""
    total = _TOTAL_KIB.search(read("/proc/meminfo"))
    if total is None or not text.isdecimal() or not int(total[1]):
        return None
    return round(100.0 * int(text) / int(total[1]), 1)


def _oomd_does(read: ReadText) -> str:
    found = _OOMD.search(read("/etc/systemd/oomd.conf"))
    percent = float(found[1]) if found else _OOMD_DEFAULT
    return (
        f"ends whole units under lasting pressure, or when memory and swap are {percent:g} % used"
    )


def _number(text: str, default: float) -> float:
    try:
        return float(text)
    except ValueError:
        return default

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

    None where it does not act on that, or where it cannot be told. ``ends``: it ends processes.
    """

    name: str
    pid: int
    does: str
    memory_percent: float | None = None
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
_TOTAL_KIB = re.compile(r"^MemTotal:\s+(\d+) kB", re.MULTILINE)
_OOMD = re.compile(r"^\s*SwapUsedLimit\s*=\s*([\d.]+)\s*%", re.MULTILINE)
_EARLYOOM_DEFAULT, _NOHANG_DEFAULT, _OOMD_DEFAULT = 10.0, 5.0, 90.0
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
    """Those among the processes, by pid. ``read`` gives a file's text, empty where it cannot."""
    found = (_neighbour(process, arguments, read) for process in processes)
    return tuple(each for each in found if each is not None)


def _neighbour(process: ProcessFacts, arguments: Arguments, read: ReadText) -> OomDaemon | None:
    name = process.name
    if name.startswith("python"):
        name = _script(arguments(process) or ())
    if name == "earlyoom":
        return _earlyoom(process, arguments(process) or (), read)
    if name == "nohang":
        said = arguments(process) or ()
        return _memory(process, name, "ends the worst process", _nohang_percent(said, read))
    if name == "systemd-oomd":
        return OomDaemon(name=name, pid=process.pid, does=_oomd_does(read), ends=True)
    if name in _ENDING:
        return OomDaemon(name=name, pid=process.pid, does=_ENDING[name], ends=True)
    if name in _RENICING:
        return OomDaemon(name=name, pid=process.pid, does=_RENICING[name])
    return None


def _memory(process: ProcessFacts, name: str, does: str, percent: float | None) -> OomDaemon:
    return OomDaemon(name=name, pid=process.pid, does=does, memory_percent=percent, ends=True)


def _script(arguments: tuple[str, ...]) -> str:
    """The name of what an interpreter runs, where it is one of those that interest us."""
    names = (argument.rpartition("/")[2] for argument in arguments[1:3])
    return next((name for name in names if name in _SCRIPTED), "")


def _earlyoom(process: ProcessFacts, arguments: tuple[str, ...], read: ReadText) -> OomDaemon:
    """``-m 10,5``: the first figure is where it begins; of ``-m`` and ``-M`` the lower."""
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
    return _memory(process, "earlyoom", "ends the largest process", percent)


def _nohang_percent(arguments: tuple[str, ...], read: ReadText) -> float | None:
    """``--monitor --config FILE`` in any order; no ``-cFILE``, no ``--config=FILE``."""
    own = arguments[next((n for n, each in enumerate(arguments) if _is_nohang(each)), -1) + 1 :]
    for flag in ("--config", "-c"):
        if flag in own[:-1]:
            found = _NOHANG.search(read(own[own.index(flag) + 1]))
            if found is None:
                return None
            mebibytes = found[2] == "M"
            kib = str(int(float(found[1]) * 1024)) if mebibytes else ""
            return _percent_of_kib(kib, read) if mebibytes else float(found[1])
    return _NOHANG_DEFAULT


def _is_nohang(argument: str) -> bool:
    return argument.rpartition("/")[2] == "nohang"


def _percent_of_kib(text: str, read: ReadText) -> float | None:
    """So many KiB in per cent of the machine's memory; None where either cannot be told."""
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

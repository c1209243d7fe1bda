"""Other guardians that run here: who they are and at which line they act, for people.

They are told by the name of their program; their lines stand in the command line (earlyoom) or in
a configuration that the platform reads (nohang, systemd-oomd). What they do not say is their
default, from their manuals.
"""

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


_EARLYOOM = re.compile(r"^-m$|^-m(?P<glued>\d.*)$")
_NOHANG = re.compile(r"^soft_threshold_min_mem\s*=\s*([\d.]+)\s*%", re.MULTILINE)
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
        said = arguments(process) or ()
        return _memory(process, name, "ends the largest process", _earlyoom_percent(said))
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


def _earlyoom_percent(arguments: tuple[str, ...]) -> float:
    """``-m 10,5``: the first figure is where it begins."""
    for place, argument in enumerate(arguments):
        if found := _EARLYOOM.match(argument):
            value = found["glued"] or "".join(arguments[place + 1 : place + 2])
            return _number(value.partition(",")[0], _EARLYOOM_DEFAULT)
    return _EARLYOOM_DEFAULT


def _nohang_percent(arguments: tuple[str, ...], read: ReadText) -> float | None:
    for flag in ("--config", "-c"):
        if flag in arguments[:-1]:
            found = _NOHANG.search(read(arguments[arguments.index(flag) + 1]))
            return float(found[1]) if found else None
    return _NOHANG_DEFAULT


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

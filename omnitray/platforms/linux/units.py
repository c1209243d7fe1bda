"""Units of the systemd user session over D-Bus: adopt, weigh, limit, freeze, and the way back.

Everything here works without privilege: the user's own manager does it. The watchdog and watched
servers get transient scopes of their own, so that they do not end together with our unit.
"""

import contextlib
import logging
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from omnitray.base.dbus import PATIENCE_S, BlockingSessionBus, BusError, BusObject
from omnitray.base.facts import ProcessIdentity
from omnitray.platforms.linux.proc import Proc
from omnitray.protector.actuators.system import AccessRefused, Gone, Unanswered

_log = logging.getLogger(__name__)
NOT_SET = 2**64 - 1  # systemd's "[not set]" for a weight and "infinity" for a limit
SLICE = "app.slice"  # where the desktop's own application scopes stand: equals among equals
_LOOK_AGAIN_S = 0.002
_MANAGERS = ("user@", "user-", "user.slice")  # what holds a whole session stays where it is
# cgroup-v2.rst: the values of a group for which nothing was set.
_DEFAULTS = {
    "memory.max": {"max"},
    "memory.high": {"max"},
    "memory.swap.max": {"max"},
    "memory.min": {"0"},
    "memory.low": {"0"},
    "cpu.max": {"max 100000"},
    "cpu.weight": {"100"},
    "cpuset.cpus": {""},
    "io.max": {""},
}
_NAME = "org.freedesktop.systemd1"
_MANAGER = BusObject(_NAME, "/org/freedesktop/systemd1", f"{_NAME}.Manager")


class UserUnits:
    """The user manager's units. ``proc`` and ``cgroups`` are where the kernel shows things.

    Every method but the plain look-ups raises Gone for a unit that has ended, and AccessRefused
    where the manager refuses or is not there.
    """

    def __init__(
        self,
        bus: BlockingSessionBus,
        proc: Path = Path("/proc"),
        cgroups: Path = Path("/sys/fs/cgroup"),
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._bus = bus
        self._proc = proc
        self._cgroups = cgroups
        self._patience_s = patience_s

    def why_not(self, controller: str = "") -> str:
        """Empty where the manager answers and has the controller, else one sentence."""
        if not (self._cgroups / "cgroup.controllers").exists():
            return self._which_cgroups()
        try:
            self._bus.call(_MANAGER, "GetUnit", "s", SLICE)
        except BusError as error:
            if error.name == "ServiceUnknown":
                return "this session is not run by systemd"
            if error.name != "NoSuchUnit":
                return f"no systemd user session: {error}"
        return self._controller_why_not(controller) if controller else ""

    def _which_cgroups(self) -> str:
        if (self._cgroups / "unified/cgroup.controllers").exists():
            return "cgroups are of both versions here (hybrid); units need version 2 alone"
        if any(self._cgroups.glob("*/cgroup.procs")):
            return "cgroups are of version 1 here; units need version 2"
        return "no cgroups are mounted here"

    def _controller_why_not(self, controller: str) -> str:
        """The manager takes a weight or a limit without it too, but then nothing acts on it."""
        uid = os.getuid()
        manager = self._cgroups / f"user.slice/user-{uid}.slice/user@{uid}.service"
        try:
            given = (manager / "cgroup.controllers").read_text().split()
        except OSError:
            return ""  # a manager elsewhere: reading back will tell
        if controller in given:
            return ""
        return f"the session's manager is not given the {controller} controller"

    def unit_of(self, process: ProcessIdentity) -> str | None:
        """The user unit (scope or service) that a process is in, or None."""
        return unit_in(self.cgroup_of(process.pid) or "")

    def cgroup_of(self, pid: int) -> str | None:
        """The process's path in the unified hierarchy."""
        try:
            text = (self._proc / str(pid) / "cgroup").read_text()
        except OSError:
            return None
        paths = [line[3:] for line in text.splitlines() if line.startswith("0::")]
        return paths[0] if paths else None

    def folder(self, unit: str) -> tuple[int, str]:
        """The inode and path of the unit's cgroup."""
        folder = self._folder(unit)
        try:
            return folder.stat().st_ino, str(folder)
        except OSError as error:
            raise Gone(f"{unit} has ended") from error

    def members(self, unit: str) -> frozenset[int]:
        """The pids in the unit, those in cgroups under it included."""
        try:
            folder = self._folder(unit)
        except Gone:
            return frozenset()
        return self.group_members(str(folder))

    def group_of(self, process: ProcessIdentity) -> str:
        """The folder of the unit's cgroup."""
        path = self.cgroup_of(process.pid) or ""
        unit = unit_in(path)
        if unit is None:
            return ""
        above, _, _ = path.partition(f"/{unit}")
        return f"{self._cgroups}{above}/{unit}"

    def limits_of(self, group: str) -> tuple[str, ...]:
        """The kernel's files that hold no default, in it and above it up to our own slice.

        ``pids.max`` is none of them: the manager gives one to every unit.
        """
        found: list[str] = []
        folder = Path(group)
        while group and folder.name != SLICE and self._cgroups in folder.parents:
            if folder.name.startswith(_MANAGERS):
                break
            for name, default in _DEFAULTS.items():
                with contextlib.suppress(OSError):
                    if (folder / name).read_text().strip() not in default:
                        found.append(name)
            folder = folder.parent
        return tuple(dict.fromkeys(found))

    def group_members(self, group: str) -> frozenset[int]:
        """Pids in it and below it."""
        folder = Path(group)
        pids: set[int] = set()
        for listing in (folder / "cgroup.procs", *folder.glob("*/**/cgroup.procs")):
            with contextlib.suppress(OSError):
                pids.update(int(line) for line in listing.read_text().split())
        return frozenset(pids)

    def end_group(self, group: str) -> None:
        """By ``cgroup.kill`` (Linux 5.14), which no fork outruns."""
        try:
            with Path(group, "cgroup.kill").open("r+b", buffering=0) as switch:
                switch.write(b"1")
        except OSError as error:
            raise AccessRefused(f"{group}: {error.strerror}") from error

    def is_held(self, process: ProcessIdentity) -> bool:
        """Whether its cgroup, or one above it, is frozen."""
        path = self.cgroup_of(process.pid)
        if not path:
            return False
        try:
            events = Path(f"{self._cgroups}{path}", "cgroup.events").read_text()
        except OSError:
            return False
        return "frozen 1" in events.splitlines()

    def adopt(
        self,
        unit: str,
        processes: Iterable[ProcessIdentity],
        description: str,
        limits: Mapping[str, int] | None = None,
    ) -> None:
        """Move running processes into a transient scope of that name, made if it is not there.

        ``limits`` are properties that it has from its first moment on, such as ``MemoryMax``.
        Returns when the kernel shows them there; raises AccessRefused where it does not in time.
        Children started since stay behind: the caller looks again.
        """
        wanted = [process.pid for process in processes]
        properties = [
            ("PIDs", ("au", wanted)),
            ("Description", ("s", description)),
            ("Slice", ("s", SLICE)),
            ("CollectMode", ("s", "inactive-or-failed")),
            *((name, ("t", value)) for name, value in (limits or {}).items()),
        ]
        try:
            self._bus.call(
                _MANAGER, "StartTransientUnit", "ssa(sv)a(sa(sv))", unit, "fail", properties, []
            )
        except BusError as error:
            if error.name != "UnitExists":
                raise AccessRefused(f"{unit}: {error}") from error
            self._call("AttachProcessesToUnit", "ssau", unit, "", wanted)
        self._await(unit, wanted)

    def cpu_weight(self, unit: str) -> int | None:
        """The weight set, None for the default."""
        return _optional(self._get(unit, "CPUWeight", int))

    def set_cpu_weight(self, unit: str, weight: int | None) -> None:
        """Set the weight (1 to 10000) until the unit ends, None for the default."""
        self._set(unit, "CPUWeight", weight)

    def memory_high(self, unit: str) -> int | None:
        """The bytes over which growth is throttled, None for no limit."""
        return _optional(self._get(unit, "MemoryHigh", int))

    def set_memory_high(self, unit: str, limit_bytes: int | None) -> None:
        """Throttle growth over so many bytes, None to stop that."""
        self._set(unit, "MemoryHigh", limit_bytes)

    def memory_current(self, unit: str) -> int | None:
        """What the unit's cgroup holds now, in bytes."""
        return _optional(self._get(unit, "MemoryCurrent", int))

    def is_frozen(self, unit: str) -> bool:
        """Whether the kernel holds every process in it still.

        Not what the manager says: it believes a unit to be frozen that the watchdog has thawed.
        """
        try:
            events = (self._folder(unit) / "cgroup.events").read_text()
        except OSError as error:
            raise Gone(f"{unit} has ended") from error
        return "frozen 1" in events.splitlines()

    def freeze(self, unit: str) -> None:
        """Stop every process in the unit where it stands; they cannot notice."""
        if self._get(unit, "FreezerState", str, interface="Unit") == "frozen":
            self.thaw(unit)  # it believes so wrongly, or we would not have been asked
        self._call("FreezeUnit", "s", unit)

    def thaw(self, unit: str) -> None:
        """Let it go on."""
        self._call("ThawUnit", "s", unit)

    def _await(self, unit: str, pids: list[int]) -> None:
        deadline = time.monotonic() + self._patience_s
        while True:
            paths = [self.cgroup_of(pid) for pid in pids]
            if all(path is None or unit_in(path) == unit for path in paths):
                return
            if time.monotonic() > deadline:
                raise AccessRefused(
                    f"{unit} did not get its processes within {self._patience_s:g} s"
                )
            time.sleep(_LOOK_AGAIN_S)

    def _folder(self, unit: str) -> Path:
        path = str(self._get(unit, "ControlGroup", str))
        if not path:
            raise Gone(f"{unit} has ended")
        return self._cgroups / path.lstrip("/")

    def _get(self, unit: str, name: str, kind_of: type, interface: str | None = None) -> Any:
        (path,) = self._call("GetUnit", "s", unit, answer=(str,))
        kind = interface or unit.rpartition(".")[2].capitalize()
        address = BusObject(_NAME, path, f"{_NAME}.{kind}")
        try:
            return self._bus.property(address, name, kind_of)
        except BusError as error:
            raise _fact(unit, error) from error

    def _set(self, unit: str, name: str, value: int | None) -> None:
        setting = (name, ("t", NOT_SET if value is None else value))
        self._call("SetUnitProperties", "sba(sv)", unit, True, [setting])

    def _call(
        self, method: str, signature: str, unit: str, *more: Any, answer: tuple[type, ...] = ()
    ) -> tuple[Any, ...]:
        try:
            return self._bus.call(_MANAGER, method, signature, unit, *more, answer=answer)
        except BusError as error:
            raise _fact(unit, error) from error


def _fact(unit: str, error: BusError) -> Gone | AccessRefused:
    if error.name in {"NoSuchUnit", "UnknownObject"}:
        return Gone(f"{unit} has ended")
    kind = AccessRefused if error.name else Unanswered  # an answer that is an error has its name
    return kind(f"{unit}: {error}")


def unit_in(cgroup: str, uid: int | None = None) -> str | None:
    """The user unit in a cgroup path: ``foo.scope`` of ``…/user@1000.service/app.slice/foo.scope``.

    None for what the user's own manager does not hold, such as a login session's scope.
    """
    owner = os.getuid() if uid is None else uid
    _, found, inside = cgroup.partition(f"/user@{owner}.service/")
    if not found:
        return None
    for part in inside.split("/"):
        if part.endswith((".scope", ".service")):
            return part
    return None


def _optional(value: Any) -> int | None:
    return None if value == NOT_SET else int(value)


def own_scope(pid: int) -> None:
    """Move the watchdog into a scope of its own; where there are none it stays in our unit.

    What ends us may be the out-of-memory killer of the session, and that ends whole units.
    """
    bus = BlockingSessionBus()
    units = UserUnits(bus)
    if units.why_not():
        return
    try:
        unit = f"omnitray-guardian-{pid}.scope"
        units.adopt(unit, Proc().identify([pid]), "Continues what OmniTray has paused")
    except (Gone, AccessRefused) as refused:
        _log.info("the watchdog shares our unit: %s", refused)
    finally:
        bus.close()


class ServerScopes:
    """``servers.processes.Scopes`` by the user's manager. One thread only.

    In a scope of its own a server does not end with OmniTray's service, and what it starts stays
    in the scope whatever session it makes for itself.
    """

    def __init__(self, root: Path = Path("/proc"), patience_s: float = PATIENCE_S) -> None:
        self._proc = Proc(root)
        self._units = UserUnits(BlockingSessionBus(), root, patience_s=patience_s)
        self._why_not: str | None = None

    def adopt(self, name: str, pid: int) -> str:
        """Move a fresh process into ``omnitray-server-NAME-PID.scope``; its cgroup's folder."""
        if self._why_not is None:
            self._why_not = self._units.why_not()
            if self._why_not:
                _log.info("watched servers have no scopes: %s", self._why_not)
        if self._why_not:
            return ""
        found = self._proc.identify((pid,))
        unit = f"omnitray-server-{name}-{pid}.scope"
        with contextlib.suppress(Gone, AccessRefused):
            self._units.adopt(unit, found, f"Server {name}, watched by OmniTray")
            return self._units.folder(unit)[1]
        return ""

    def members(self, group: str) -> frozenset[int]:
        """The pids in a cgroup and below it."""
        return self._units.group_members(group)

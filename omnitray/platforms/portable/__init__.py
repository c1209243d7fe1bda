"""The platform by psutil alone: on any system, and on Linux with ``OMNITRAY_PLATFORM=portable``.

It has no units, no freezer, no pressure, no log of ended processes, and does not know whose window
is active. ``macos`` and ``windows`` override what differs there. The contract tests run it on
Linux beside ``linux``.

:class:`PsutilMachine` implements ``monitor.machine.Machine``. There is no pressure information, no
count of connections at a fair price, and no limits of groups.
"""

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import psutil

from omnitray.base.clock import SystemClock
from omnitray.base.facts import (
    BatteryFacts,
    DiskFacts,
    MemoryFacts,
    OwnFacts,
    PressureFacts,
    ProcessFacts,
    TemperatureFacts,
)
from omnitray.cleanup.facts import FileId
from omnitray.cleanup.search import Tools
from omnitray.cleanup.walk import device_of, path_identity
from omnitray.monitor.machine import BusyTime, CpuQuota, CpuTimes, Machine, Traffic
from omnitray.platforms.autostart import (
    Autostart,
    MenuEntry,
    NoAutostart,
    NoMenuEntry,
    NoService,
    Service,
)
from omnitray.platforms.portable.processes import PsutilProcessDetails, PsutilProcessTable
from omnitray.platforms.portable.system import PsutilSystem, ties_without_display
from omnitray.platforms.programs import PathPrograms, check_actuators, keep_own_priority, small_text
from omnitray.platforms.watchdog import WatchdogKeeper, psutil_watchdog_command
from omnitray.processes.process_roles import Tie
from omnitray.processes.process_table import ProcessDetails, ProcessTable
from omnitray.protector.actuators.actuator import Actuator
from omnitray.protector.actuators.priority import NiceActuator
from omnitray.protector.actuators.self_test import ActuatorRow
from omnitray.protector.actuators.signals import StopActuator
from omnitray.protector.actuators.system import System
from omnitray.protector.actuators.watchdog import ResumeWatchdog
from omnitray.protector.exclusions.common import ProgramTables
from omnitray.protector.exclusions.foreground import Foreground, NoForeground
from omnitray.protector.exclusions.programs import LINUX
from omnitray.protector.guard import GuardSource, NoWakeupTriggers
from omnitray.protector.oom_events.watch import Logs, NoLogs, Source
from omnitray.servers.processes import Scopes

_NOT_USED = ("idle", "iowait", "steal")  # stolen time is another machine's use
_COUNTED_TWICE = ("guest", "guest_nice")  # in user and nice already
_UNKNOWN_LEFT = (-1, -2)  # psutil.POWER_TIME_UNKNOWN, POWER_TIME_UNLIMITED
# What waits for another machine, and what is read only and full by design.
_NO_DISKS = frozenset(
    (
        *("smbfs", "nfs", "nfs4", "cifs", "afpfs", "webdav", "ftp", "autofs", "devfs"),
        *("squashfs", "iso9660", "udf", "erofs"),
    )
)
_NO_DISK_OPTIONS = frozenset({"ro", "cdrom", "remote"})  # psutil gives drive types on Windows
_APFS_CONTAINER = re.compile(r"^/dev/disk\d+")  # its volumes share one free space
_DOUBLE = re.compile(
    r"(lo\d*$|loopback|utun|awdl|llw|bridge|gif|stf|anpi|ap\d|vmnet|feth|veth|docker|br-|virbr|"
    r"tun|tap|vethernet|isatap|teredo|local area connection\*)",
    re.IGNORECASE,
)

Answer = TypeVar("Answer")


class PsutilMachine:
    """Reads through ``system``: psutil, or a test's stand-in.

    ``has_load`` is False where psutil would have to make up load averages.
    """

    def __init__(self, *, has_load: bool = not psutil.WINDOWS, system: Any = psutil) -> None:
        self._has_load = has_load
        self._system = system

    def cpu_times(self) -> CpuTimes | None:
        """Seconds since boot."""
        cores = self._ask(lambda: self._system.cpu_times(percpu=True))
        if not cores:
            return None
        times = tuple(_busy_time(core) for core in cores)
        whole = BusyTime(sum(each.busy for each in times), sum(each.total for each in times))
        return CpuTimes(whole=whole, cores=times)

    def cpu_quota(self) -> CpuQuota | None:
        """None: not looked up here."""
        return None

    def load(self) -> tuple[float, float, float] | None:
        """Load averages."""
        if not self._has_load:
            return None
        averages = self._ask(self._system.getloadavg)
        return None if averages is None else (averages[0], averages[1], averages[2])

    def memory(self) -> MemoryFacts | None:
        """Memory and swap (the page file on Windows)."""
        memory, swap = self._ask(self._system.virtual_memory), self._ask(self._system.swap_memory)
        if memory is None or not memory.total:
            return None
        return MemoryFacts(
            total_bytes=memory.total,
            available_bytes=min(memory.total, memory.available),
            swap_total_bytes=swap.total if swap else 0,
            swap_free_bytes=min(swap.total, swap.free) if swap else 0,
        )

    def pressure(self) -> PressureFacts | None:
        """Only Linux has it."""
        return None

    def disks(self) -> tuple[DiskFacts, ...]:
        """Local, writable partitions, the fullest first."""
        partitions = self._ask(lambda: self._system.disk_partitions(all=False)) or []
        found = [self._disk(each.mountpoint, each.fstype) for each in choose_partitions(partitions)]
        known = [each for each in found if each is not None]
        if not known and (root := self._disk(os.path.abspath(os.sep), "")):  # noqa: PTH100 - the root of this drive
            known = [root]  # a container's root is on no device of its own
        return tuple(sorted(known, key=lambda each: (-each.used_percent, each.mount)))

    def disk_traffic(self) -> Mapping[str, Traffic] | None:
        """Traffic of each drive."""
        counters = self._ask(lambda: self._system.disk_io_counters(perdisk=True))
        if not counters:
            return None
        return {name: Traffic(each.read_bytes, each.write_bytes) for name, each in counters.items()}

    def network_traffic(self) -> Mapping[str, Traffic] | None:
        """Interfaces to the outside."""
        counters = self._ask(lambda: self._system.net_io_counters(pernic=True))
        if not counters:
            return None
        return {
            name: Traffic(each.bytes_recv, each.bytes_sent)
            for name, each in counters.items()
            if is_real(name)
        }

    def connections(self) -> int | None:
        """Not counted: a list of them costs more than all other readings together."""
        return None

    def temperatures(self) -> tuple[TemperatureFacts, ...]:
        """Empty: not read here."""
        return ()

    def battery(self) -> BatteryFacts | None:
        """The battery, where there is one."""
        found = self._ask(self._system.sensors_battery)
        if found is None:
            return None
        discharging = found.power_plugged is False
        known = discharging and found.secsleft not in _UNKNOWN_LEFT
        return BatteryFacts(
            percent=float(found.percent),
            discharging=discharging,
            left_s=float(found.secsleft) if known else None,
        )

    def gpu_percent(self) -> float | None:
        """Not known: psutil does not read it."""
        return None

    def _disk(self, mount: str, filesystem: str) -> DiskFacts | None:
        use = self._ask(lambda: self._system.disk_usage(mount))
        if use is None or not use.total:
            return None
        return DiskFacts(
            mount=mount,
            filesystem=filesystem,
            total_bytes=use.total,
            free_bytes=use.free,
            used_percent=float(use.percent),
        )

    def _ask(self, question: Callable[[], Answer]) -> Answer | None:
        try:
            return question()
        except (OSError, RuntimeError, AttributeError, psutil.Error):
            return None  # an attribute: this platform's psutil does not have the question


def choose_partitions(partitions: Iterable[Any]) -> list[Any]:
    """One of each device, by the shortest path; of each APFS container, the root first."""
    chosen: dict[str, Any] = {}
    for each in sorted(partitions, key=lambda each: len(each.mountpoint)):
        options = set(each.opts.split(","))
        if each.fstype == "apfs" and each.mountpoint == "/":
            options.discard("ro")  # the sealed system volume stands for its container
        if not each.fstype or each.fstype in _NO_DISKS or options & _NO_DISK_OPTIONS:
            continue
        if Path(each.mountpoint).is_file():  # a bind mount of a single file
            continue
        container = _APFS_CONTAINER.match(each.device) if each.fstype == "apfs" else None
        chosen.setdefault(container[0] if container else each.device, each)
    return list(chosen.values())


def is_real(interface: str) -> bool:
    """Whether its traffic is not counted at another interface, and leaves the machine."""
    return not _DOUBLE.match(interface)


def _busy_time(core: Any) -> BusyTime:
    fields = core._asdict()
    total = sum(value for name, value in fields.items() if name not in _COUNTED_TWICE)
    return BusyTime(total - sum(fields.get(name, 0.0) for name in _NOT_USED), total)


_DISPLAYS = ("WAYLAND_DISPLAY", "DISPLAY")


class PortablePlatform:
    """A :class:`~omnitray.platforms.Platform`; the protocol says what each function is for."""

    def machine(self) -> Machine:
        """The machine through psutil."""
        return PsutilMachine()

    def process_table(self) -> ProcessTable:
        """Through ``psutil.process_iter``."""
        return PsutilProcessTable()

    def process_details(self) -> ProcessDetails:
        """Through ``psutil.Process``."""
        return PsutilProcessDetails()

    def open_files(self) -> frozenset[FileId]:
        """Through ``psutil.Process.open_files``: some tenths of a second."""
        paths: set[str] = set()
        for process in psutil.process_iter(["cwd", "exe", "open_files"]):
            known = process.info
            paths.update(path for path in (known["cwd"], known["exe"]) if path)
            paths.update(each.path for each in known["open_files"] or ())
        identities = (path_identity(path) for path in paths)
        return frozenset(each for each in identities if each is not None)

    def mount_id(self, descriptor: int) -> int:
        """The device: bind mounts of one file system count as one."""
        return device_of(descriptor)

    def programs(self) -> Tools:
        """Those on the search path."""
        return PathPrograms()

    def has_display(self, environment: Mapping[str, str] = os.environ) -> bool:
        """Whether the environment names a display."""
        return any(environment.get(name) for name in _DISPLAYS)

    def autostart(self, command: Sequence[str], /) -> Autostart:
        """None."""
        del command
        return NoAutostart()

    def menu_entry(self, command: Sequence[str], resources: Path, /) -> MenuEntry:
        """None: an installer makes it."""
        del command, resources
        return NoMenuEntry()

    def service(self, command: Sequence[str], template: str, /) -> Service:
        """None."""
        del command, template
        return NoService()

    def keep_own_priority(self) -> str | None:
        """Return to nice 0 by ``setpriority``."""
        return keep_own_priority()

    def own_rss_bytes(self) -> int | None:
        """Resident set of this process."""
        return int(psutil.Process().memory_info().rss)

    def own_facts(self) -> OwnFacts:
        """Through psutil; no user where users have no numbers."""
        own = psutil.Process()
        return OwnFacts(
            pids=frozenset({own.pid, *(child.pid for child in own.children())}),
            ancestors=frozenset(parent.pid for parent in own.parents()),
            uid=own.uids().real if hasattr(own, "uids") else None,
        )

    def protected_programs(self) -> ProgramTables:
        """Those of Linux: the others override it."""
        return LINUX

    def small_text(self, path: str, /) -> str:
        """A small file's text; empty where it cannot be read."""
        return small_text(path)

    def foreign_logs(self) -> Logs:
        """None."""
        return NoLogs()

    def log_sources(self) -> tuple[Source, ...]:
        """None."""
        return ()

    def foreground(self) -> Foreground:
        """No window is known."""
        return NoForeground()

    def foreground_known(self) -> tuple[str, str]:
        """Not known."""
        return "", "this platform does not tell whose window is active"

    def guard_source(self) -> GuardSource:
        """The machine alone; no trigger wakes the guard."""
        return GuardSource(self.machine(), NoWakeupTriggers(), SystemClock())

    def system(self) -> System:
        """Processes through psutil."""
        return PsutilSystem(self._ties)

    def actuators(self, system: System, /) -> tuple[Actuator, ...]:
        """Nice, and a pause by suspending each process."""
        return (NiceActuator(system), StopActuator(system))

    def check_actuators(
        self, actuators: tuple[Actuator, ...], system: System, /
    ) -> tuple[ActuatorRow, ...]:
        """Each tried on a child of our own."""
        return check_actuators(actuators, system)

    def ties_of(self) -> Callable[[tuple[int, ...]], dict[int, frozenset[Tie]]]:
        """What psutil can tell; UNKNOWN where it cannot."""
        return PsutilSystem(self._ties).ties_of

    def written_bytes(self, process: ProcessFacts, /) -> int | None:
        """What the process has written; None where psutil cannot tell."""
        return PsutilProcessDetails().written_bytes(process)

    def server_scopes(self) -> Scopes | None:
        """A session is all there is."""
        return None

    def watchdog(self, journal: Path, /) -> ResumeWatchdog:
        """A process that resumes through psutil."""
        return WatchdogKeeper(journal, command=psutil_watchdog_command)

    def _ties(self, process: psutil.Process) -> frozenset[Tie]:
        """What ties a process to the person."""
        return ties_without_display(process)

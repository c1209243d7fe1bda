"""Levers of Windows: idle priority class with EcoQoS, I/O priority, a job object's weight.

Written from the documentation of SetProcessInformation, SetInformationJobObject and
SetPriorityClass, tested with stand-ins on Linux, never run there yet. Nothing is paused: a
process that is suspended when we die would stay so, and no guardian is written for Windows.
"""

import ctypes
import struct
from collections.abc import Callable, Iterable
from typing import Any

from omnitray.core.acting.background_lever import BackgroundLever
from omnitray.core.acting.lever import Lever
from omnitray.core.acting.no_units import NoUnits
from omnitray.core.acting.priority_levers import IoLever
from omnitray.core.acting.system import Gone, Refused
from omnitray.core.acting.unit_levers import FAIR, WeightLever
from omnitray.core.deciding.identity import Identity
from omnitray.core.processes.ties import Tie
from omnitray.platforms._psutil_system import PsutilSystem

_IDLE_CLASS = 0x40
_VERY_LOW = 0  # IoPriorityVeryLow, as psutil numbers it
_SET_AND_QUERY = 0x0200 | 0x1000  # PROCESS_SET_INFORMATION, PROCESS_QUERY_LIMITED_INFORMATION
_SET_QUOTA_AND_TERMINATE = 0x0100 | 0x0001
_POWER_THROTTLING = 4  # ProcessPowerThrottling
_THROTTLING = struct.Struct("<III")  # version, control mask, state mask
_EXECUTION_SPEED = 1
_RATE_CONTROL = 15  # JobObjectCpuRateControlInformation
_RATE = struct.Struct("<II")  # control flags, weight
_OWN_FAIR = 5  # the default weight of a job object
_ENABLED_BY_WEIGHT = 0x1 | 0x2


class Kernel:
    """The few calls that are needed, each true or false; ``dll`` is kernel32 or a stand-in."""

    def __init__(self, dll: Any) -> None:
        self._dll = dll

    def set_eco(self, pid: int, *, on: bool) -> bool:
        """EcoQoS: efficient cores and clocks; off means that the system decides again."""
        state = _THROTTLING.pack(1, _EXECUTION_SPEED if on else 0, _EXECUTION_SPEED if on else 0)
        return self._with_process(
            pid,
            _SET_AND_QUERY,
            lambda handle: self._dll.SetProcessInformation(
                handle, _POWER_THROTTLING, state, len(state)
            ),
        )

    def open_job(self, name: str) -> int:
        """A named job object, made where it is not there; 0 where that fails."""
        return int(self._dll.CreateJobObjectW(None, name) or 0)

    def take_in(self, job: int, pid: int) -> bool:
        """Put a process into a job object; it never leaves again."""
        return self._with_process(
            pid,
            _SET_QUOTA_AND_TERMINATE,
            lambda handle: self._dll.AssignProcessToJobObject(job, handle),
        )

    def set_weight(self, job: int, weight: int | None) -> bool:
        """1 to 9, where 5 is the default; None switches the control off."""
        flags = _ENABLED_BY_WEIGHT if weight is not None else 0
        rate = _RATE.pack(flags, weight or 0)
        return bool(self._dll.SetInformationJobObject(job, _RATE_CONTROL, rate, len(rate)))

    def _with_process(self, pid: int, access: int, do: Callable[[Any], Any]) -> bool:
        handle = self._dll.OpenProcess(access, False, pid)
        if not handle:
            return False
        try:
            return bool(do(handle))
        finally:
            self._dll.CloseHandle(handle)


class EcoBackground:
    """Idle priority class together with EcoQoS: what the task manager calls efficiency mode."""

    value = _IDLE_CLASS

    def __init__(self, system: PsutilSystem, kernel: Kernel) -> None:
        self._system = system
        self._kernel = kernel

    def get(self, process: Identity) -> int:
        """The priority class."""
        return self._system.nice(process)

    def set(self, process: Identity, value: int) -> None:
        """The class, and EcoQoS with it; one without the other is no failure (Windows 10)."""
        self._system.set_nice(process, value)
        self._kernel.set_eco(process.pid, on=value == _IDLE_CLASS)


class JobObjects(NoUnits):
    """Named job objects as units: members and weight. Limits and freezing are not theirs."""

    def __init__(self, kernel: Kernel, is_there: Callable[[int], bool]) -> None:
        super().__init__("a job object cannot do that")
        self._kernel = kernel
        self._is_there = is_there
        self._jobs: dict[str, int] = {}
        self._members: dict[int, str] = {}
        self._weights: dict[str, int | None] = {}

    def why_not(self, controller: str = "") -> str:
        """They are always there."""
        del controller
        return ""

    def unit_of(self, process: Identity) -> str | None:
        """The job object that we have put it into."""
        return self._members.get(process.pid)

    def members(self, unit: str) -> frozenset[int]:
        """Those that we have put in and that live."""
        ours = (pid for pid, job in self._members.items() if job == unit)
        return frozenset(pid for pid in ours if self._is_there(pid))

    def adopt(self, unit: str, processes: Iterable[Identity], description: str) -> None:  # type: ignore[override]  # unlike where there are none, it returns
        """Put processes into a named job object; their children follow by themselves."""
        del description
        job = self._job(unit)
        for process in processes:
            if self._kernel.take_in(job, process.pid):
                self._members[process.pid] = unit
            elif self._is_there(process.pid):
                raise Refused(f"process {process.pid} is in a job object that allows no other")

    def cpu_weight(self, unit: str) -> int | None:  # type: ignore[override]  # likewise
        """What we have set."""
        if not self.members(unit):
            raise Gone(f"{unit} has ended")
        return self._weights.get(unit)

    def set_cpu_weight(self, unit: str, weight: int | None) -> None:  # type: ignore[override]  # likewise
        """On the scale of 1 to 9 that job objects have; a fair weight switches the control off."""
        own = None if weight is None or weight >= FAIR else max(1, weight * _OWN_FAIR // FAIR)
        if not self._kernel.set_weight(self._job(unit), own):
            raise Refused(f"{unit}: the weight cannot be set")
        self._weights[unit] = weight

    def _job(self, unit: str) -> int:
        job = self._jobs.get(unit) or self._kernel.open_job(unit)
        if not job:
            raise Refused(f"{unit}: no job object")
        self._jobs[unit] = job
        return job


def windows_kernel() -> Kernel:
    """Over the real kernel32."""
    return Kernel(ctypes.WinDLL("kernel32", use_last_error=True))  # type: ignore[attr-defined,unused-ignore]  # there on Windows alone


def windows_system(kernel: Kernel, **seams: Any) -> PsutilSystem:
    """Processes through psutil, job objects as units; every priority can be taken back."""
    system: PsutilSystem
    units = JobObjects(kernel, lambda pid: bool(system.identify([pid])))
    system = PsutilSystem(ties_of, units, nice_returns=True, io_idle=_VERY_LOW, **seams)
    return system


def windows_levers(system: PsutilSystem, kernel: Kernel) -> tuple[Lever, ...]:
    """In no order: which is preferred stands elsewhere."""
    background = BackgroundLever(system, EcoBackground(system, kernel))
    return (WeightLever(system), background, IoLever(system))


def ties_of(process: Any) -> frozenset[Tie]:
    """Nothing is paused here, so nobody looks."""
    del process
    return frozenset({Tie.UNKNOWN})

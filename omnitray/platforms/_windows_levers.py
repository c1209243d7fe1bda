"""Levers of Windows: idle priority class with EcoQoS, I/O priority, a job's weight, suspension.

Written from the documentation of SetProcessInformation, SetInformationJobObject, SetPriorityClass
and NtSuspendProcess, tested with stand-ins on Linux, never run there yet.

A job object's memory limit is no lever: it does not slow growth down, it makes allocations fail,
and few programs survive that.
"""

import contextlib
from collections.abc import Iterable
from typing import Any

from omnitray.base.readings import ProcessIdentity
from omnitray.platforms._psutil_system import PsutilSystem
from omnitray.platforms._windows_kernel import Kernel
from omnitray.platforms._windows_ties import WindowOwners, readable
from omnitray.processes.process_roles import Tie
from omnitray.protector.actuators.actuator import Actuator
from omnitray.protector.actuators.cgroup import FAIR, LIGHTEST, WeightActuator
from omnitray.protector.actuators.priority import BackgroundActuator, IoClassActuator
from omnitray.protector.actuators.signals import StopActuator
from omnitray.protector.actuators.system import AccessRefused, Gone, NoUnits, Sign

_IDLE_CLASS = 0x40
_VERY_LOW = 0  # IoPriorityVeryLow, as psutil numbers it
_OWN_FAIR = 5  # the default weight of a job object, of 1 to 9
_NO_LIMIT = "a job object's memory limit makes allocations fail, which ends programs"


class WindowsSystem(PsutilSystem):
    """Processes through psutil, job objects as units; every priority can be taken back.

    Signals are what Windows has for them, each through a handle of that very process.
    """

    def __init__(self, kernel: Kernel, owners: WindowOwners, **seams: Any) -> None:
        super().__init__(
            readable, JobObjects(kernel), nice_returns=True, io_idle=_VERY_LOW, **seams
        )
        self._kernel = kernel
        self._owners = owners

    def ties_of(self, pids: tuple[int, ...]) -> dict[int, frozenset[Tie]]:
        """Who has a window is looked up once for all."""
        owners = self._owners.pids()
        window = frozenset({Tie.DISPLAY})
        return {pid: window if pid in owners else self._tie(pid) for pid in pids}

    def send(self, identity: ProcessIdentity, sign: Sign) -> None:
        """Suspend or resume it, or end it; TERM is no question here."""
        if sign is Sign.STOP:
            if not self.is_stopped(identity):
                self._kernel.suspend(identity)
        elif sign is Sign.CONT:
            if self.is_stopped(identity):
                self._kernel.resume(identity)
        else:
            self._kernel.terminate(identity)


class EcoBackground:
    """Idle priority class together with EcoQoS: what the task manager calls efficiency mode."""

    value = _IDLE_CLASS

    def __init__(self, system: PsutilSystem, kernel: Kernel) -> None:
        self._system = system
        self._kernel = kernel

    def get(self, process: ProcessIdentity) -> int:
        """The priority class."""
        return self._system.nice(process)

    def set(self, process: ProcessIdentity, value: int) -> None:
        """The class, and EcoQoS with it; one without the other is no failure (Windows 10)."""
        self._system.set_nice(process, value)
        with contextlib.suppress(AccessRefused):
            self._kernel.set_eco(process, on=value == _IDLE_CLASS)


class JobObjects(NoUnits):
    """Named job objects as units: members and weight. Limits and freezing are not theirs."""

    def __init__(self, kernel: Kernel) -> None:
        super().__init__("a job object cannot do that")
        self._kernel = kernel
        self._homes: dict[ProcessIdentity, str] = {}

    def why_not(self, controller: str = "") -> str:
        """They are always there."""
        return _NO_LIMIT if controller == "memory" else ""

    def unit_of(self, process: ProcessIdentity) -> str | None:
        """The job object that we have put it into."""
        return self._homes.get(process)

    def members(self, unit: str) -> frozenset[int]:
        """All in it that live."""
        try:
            with self._kernel.job(unit) as job:
                return self._kernel.members(job)
        except Gone:
            return frozenset()

    def adopt(self, unit: str, processes: Iterable[ProcessIdentity], description: str) -> None:  # type: ignore[override]  # unlike where there are none, it returns
        """Put processes into a named job object; their children follow by themselves."""
        del description
        job = self._kernel.make_job(unit)
        try:
            for process in processes:
                with contextlib.suppress(Gone):
                    self._kernel.take_in(job, process)
                    self._homes[process] = unit
        finally:
            self._kernel.close(job)

    def cpu_weight(self, unit: str) -> int | None:  # type: ignore[override]  # likewise
        """On our scale: 1 for the lightest, 100 for a fair share; None where the control is off."""
        with self._kernel.job(unit) as job:
            own = self._kernel.weight(job)
        if own is None:
            return None
        return LIGHTEST if own == 1 else own * FAIR // _OWN_FAIR

    def set_cpu_weight(self, unit: str, weight: int | None) -> None:  # type: ignore[override]  # likewise
        """On the scale of 1 to 9 that job objects have; a fair weight switches the control off."""
        own = None if weight is None or weight >= FAIR else max(1, weight * _OWN_FAIR // FAIR)
        with self._kernel.job(unit) as job:
            if not self._kernel.set_weight(job, own):
                raise AccessRefused(f"{unit}: the weight cannot be set")


def windows_levers(system: PsutilSystem, kernel: Kernel) -> tuple[Actuator, ...]:
    """In no order: which is preferred stands elsewhere."""
    background = BackgroundActuator(system, EcoBackground(system, kernel))
    return (WeightActuator(system), background, IoClassActuator(system), StopActuator(system))

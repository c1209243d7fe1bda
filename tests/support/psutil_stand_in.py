"""A stand-in for psutil that is told what the machine is.

For what a system answers that this one does not.
"""

from collections import namedtuple
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import psutil

CpuTimes = namedtuple("CpuTimes", "user nice system idle")  # noqa: PYI024 - psutil's own shape


class StandIn:
    """What is not set raises, as psutil does where it is forbidden."""

    Error = psutil.Error
    NoSuchProcess = psutil.NoSuchProcess
    BELOW_NORMAL_PRIORITY_CLASS = 0x4000
    IDLE_PRIORITY_CLASS = 0x40
    NORMAL_PRIORITY_CLASS = 0x20

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.processes: dict[int, Any] = {}

    def _answer(self, name: str) -> Any:
        if name not in self.answers:
            raise psutil.AccessDenied
        return self.answers[name]

    def cpu_times(self, *, percpu: bool) -> Any:
        assert percpu
        return self._answer("cpu_times")

    def getloadavg(self) -> Any:
        return self._answer("getloadavg")

    def virtual_memory(self) -> Any:
        return self._answer("virtual_memory")

    def swap_memory(self) -> Any:
        return self._answer("swap_memory")

    def disk_partitions(self, *, all: bool) -> Any:  # noqa: A002 - psutil's own name
        return self._answer("all_partitions" if all else "disk_partitions")

    def disk_usage(self, path: str) -> Any:
        usage = self._answer("disk_usage")[path]
        if isinstance(usage, Exception):
            raise usage
        return usage

    def disk_io_counters(self, *, perdisk: bool) -> Any:
        assert perdisk
        return self._answer("disk_io_counters")

    def net_io_counters(self, *, pernic: bool) -> Any:
        assert pernic
        return self._answer("net_io_counters")

    def sensors_battery(self) -> Any:
        return self._answer("sensors_battery")

    def Process(self, pid: int | None = None) -> Any:  # noqa: N802 - psutil's own name
        if pid is None:
            return self._answer("own")
        if pid not in self.processes:
            raise psutil.NoSuchProcess(pid)
        return self.processes[pid]

    def process_iter(self) -> Iterable[Any]:
        return iter(list(self.processes.values()))


def thing(**fields: Any) -> Any:
    """Anything with these attributes."""
    return SimpleNamespace(**fields)


def partition(device: str, mountpoint: str, fstype: str, opts: str = "rw") -> Any:
    """One of ``disk_partitions()``."""
    return thing(device=device, mountpoint=mountpoint, fstype=fstype, opts=opts)

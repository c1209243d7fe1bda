"""Which block devices and interfaces are real ones, so that no byte is counted twice."""

import re
from collections.abc import Mapping
from pathlib import Path

from omnitray.monitor.machine import Traffic

_DOUBLE_DISK = re.compile(r"(loop|ram|zram|dm-|md|sr|fd|nbd|drbd)\d")
_DOUBLE_NET = re.compile(
    r"(lo$|veth|docker|br-|br\d|virbr|vnet|cni|flannel|cali|tun|tap|wg|bond|team|dummy|ifb|"
    r"vxlan|vlan|lxc|lxdbr|podman)"
)


class RealDevices:
    """Keeps the physical ones of ``class_folder`` (/sys/class/block or /sys/class/net).

    A device is virtual when sysfs says so: partitions, device mapper, RAID, loop; bridges, pairs,
    tunnels. Where sysfs says nothing or knows only virtual ones (in a container the one interface
    is half of a pair), names decide.
    """

    def __init__(self, class_folder: Path, *, disks: bool) -> None:
        self._folder = class_folder
        self._disks = disks
        self._real: dict[str, bool] = {}
        self._doubles: frozenset[str] = frozenset()

    @property
    def doubles(self) -> frozenset[str]:
        """Those known to be virtual, once a real one is known: their figures need no reading."""
        return self._doubles

    def keep(self, traffic: Mapping[str, Traffic]) -> dict[str, Traffic]:
        """Only the real ones. A new name makes us look at all again: names are reused."""
        if not self._real.keys() >= traffic.keys():
            self._real, self._doubles = {}, frozenset()
        kept = {name: each for name, each in traffic.items() if self._is_real(name)}
        if kept and len(kept) < len(traffic):
            self._doubles = frozenset(name for name, real in self._real.items() if not real)
        if kept or not traffic:
            return kept
        doubles = _DOUBLE_DISK if self._disks else _DOUBLE_NET
        return {name: each for name, each in traffic.items() if not doubles.match(name)}

    def _is_real(self, name: str) -> bool:
        known = self._real.get(name)
        if known is None:
            known = self._real[name] = self._look(name)
        return known

    def _look(self, name: str) -> bool:
        node = self._folder / name.replace("/", "!")
        try:
            place = str(node.readlink())
        except OSError:
            return False
        # Not all of /devices/virtual/: a multipath NVMe drive lives there, in nvme-subsystem.
        if "/virtual/block/" in place or "/virtual/net/" in place:
            return False
        return not (self._disks and (node / "partition").exists())

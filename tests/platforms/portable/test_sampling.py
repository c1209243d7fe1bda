"""The machine as psutil tells it, with a stand-in that is told what to say."""

from collections import namedtuple
from pathlib import Path

import psutil
import pytest

from omnitray.base.facts import BatteryFacts, MonitorLevel
from omnitray.monitor.machine import Traffic
from omnitray.monitor.sampler import Sampler
from omnitray.platforms.portable import PsutilMachine, is_real
from support.clock import FakeClock
from support.psutil_stand_in import CpuTimes, StandIn, partition, thing

GIB = 1 << 30


@pytest.fixture
def system() -> StandIn:
    return StandIn()


def test_a_machine_that_answers_nothing_is_none_everywhere(system: StandIn) -> None:
    shot = Sampler(PsutilMachine(system=system), FakeClock()).sample(MonitorLevel.NORMAL)
    assert (shot.cpu_percent, shot.memory, shot.load, shot.connections) == (None,) * 4
    assert (shot.disks, shot.temperatures, shot.battery, shot.pressure) == ((), (), None, None)


def test_cpu_time_is_busy_but_for_idle(system: StandIn) -> None:
    system.answers["cpu_times"] = [CpuTimes(1, 2, 3, 4), CpuTimes(0, 0, 0, 10)]
    times = PsutilMachine(system=system).cpu_times()
    assert times is not None
    assert (times.whole.busy, times.whole.total) == (6, 20)
    assert len(times.cores) == 2


def test_memory_is_total_and_available_with_swap_where_there_is_any(system: StandIn) -> None:
    machine = PsutilMachine(system=system)
    system.answers["virtual_memory"] = thing(total=8 * GIB, available=2 * GIB)
    memory = machine.memory()
    assert memory is not None
    assert (memory.used_percent, memory.swap_total_bytes) == (75.0, 0)
    system.answers["swap_memory"] = thing(total=4 * GIB, free=GIB)
    memory = machine.memory()
    assert memory is not None
    assert memory.swap_free_bytes == GIB


def test_load_is_told_on_macos_and_not_made_up_on_windows(system: StandIn) -> None:
    system.answers["getloadavg"] = (1.0, 2.0, 3.0)
    assert PsutilMachine(system=system).load() == (1.0, 2.0, 3.0)
    assert PsutilMachine(has_load=False, system=system).load() is None


def test_on_macos_each_container_counts_once_and_images_do_not(system: StandIn) -> None:
    system.answers["disk_partitions"] = [
        partition("/dev/disk3s5", "/System/Volumes/Data", "apfs"),
        partition("/dev/disk3s1s1", "/", "apfs", "ro,local"),
        partition("/dev/disk7s1", "/Volumes/Installer", "hfs", "ro"),
        partition("/dev/disk9s1", "/Volumes/stick", "exfat"),
        partition("//me@nas/x", "/Volumes/x", "smbfs"),
    ]
    use = thing(total=100, free=10, percent=90.0)
    system.answers["disk_usage"] = {"/": use, "/Volumes/stick": OSError("gone")}
    assert [disk.mount for disk in PsutilMachine(system=system).disks()] == ["/"]


def test_on_windows_empty_and_network_drives_are_not_asked(system: StandIn) -> None:
    system.answers["disk_partitions"] = [
        partition("C:", "C:", "NTFS", "rw,fixed"),
        partition("D:", "D:", "", "cdrom"),
        partition("E:", "E:", "", "rw,removable"),
        partition("Z:", "Z:", "NTFS", "rw,remote"),
    ]
    system.answers["disk_usage"] = {"C:": thing(total=100, free=40, percent=60.0)}
    disks = PsutilMachine(system=system).disks()
    assert [(disk.mount, disk.used_percent) for disk in disks] == [("C:", 60.0)]


def test_traffic_is_by_device_without_doubles(system: StandIn) -> None:
    system.answers["disk_io_counters"] = {"disk0": thing(read_bytes=5, write_bytes=6)}
    counters = thing(bytes_recv=1, bytes_sent=2)
    system.answers["net_io_counters"] = dict.fromkeys(("lo0", "utun3", "en0"), counters)
    machine = PsutilMachine(system=system)
    assert machine.disk_traffic() == {"disk0": Traffic(5, 6)}
    assert machine.network_traffic() == {"en0": Traffic(1, 2)}


@pytest.mark.parametrize("name", ["en5", "Wi-Fi", "eth0", "wlan0", "enp3s0", "Ethernet 2"])
def test_an_interface_to_the_outside_counts(name: str) -> None:
    assert is_real(name)


@pytest.mark.parametrize(
    "name", ["lo", "lo0", "awdl0", "utun3", "vEthernet (WSL)", "veth12", "docker0", "br-1a", "tun0"]
)
def test_an_interface_that_doubles_another_does_not(name: str) -> None:
    assert not is_real(name)


@pytest.mark.parametrize(
    ("plugged", "left", "expected"),
    [(False, 600, 600.0), (False, -1, None), (True, -2, None), (None, 600, None)],
)
def test_the_battery_says_how_long_only_while_it_empties(
    system: StandIn, *, plugged: bool | None, left: int, expected: float | None
) -> None:
    system.answers["sensors_battery"] = thing(percent=55, power_plugged=plugged, secsleft=left)
    assert PsutilMachine(system=system).battery() == BatteryFacts(
        percent=55.0, discharging=plugged is False, left_s=expected
    )


def test_the_real_psutil_answers_in_these_shapes() -> None:
    machine = PsutilMachine(system=psutil)
    memory, times = machine.memory(), machine.cpu_times()
    assert memory is not None
    assert times is not None
    assert memory.total_bytes == psutil.virtual_memory().total
    assert times.whole.busy < times.whole.total


def test_a_bind_mounted_file_and_images_are_no_disks_and_the_root_stands_in(
    system: StandIn, tmp_path: Path
) -> None:
    file = tmp_path / "hosts"
    file.touch()
    system.answers["disk_partitions"] = [
        partition("/dev/vda1", str(file), "ext4"),
        partition("/dev/loop1", "/snap/core/1", "squashfs", "ro"),
    ]
    system.answers["disk_usage"] = {"/": thing(total=100, free=40, percent=60.0)}
    assert [disk.mount for disk in PsutilMachine(system=system).disks()] == ["/"]


def test_stolen_time_is_no_use(system: StandIn) -> None:
    stolen = namedtuple("stolen", "user system idle steal guest")  # noqa: PYI024 - psutil's shape
    system.answers["cpu_times"] = [stolen(10, 5, 25, 60, 10)]
    times = PsutilMachine(system=system).cpu_times()
    assert times is not None
    assert (times.whole.busy, times.whole.total) == (15, 100)

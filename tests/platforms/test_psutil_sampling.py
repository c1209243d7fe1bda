import psutil
import pytest

from omnitray.base.facts import BatteryFacts, MonitorLevel
from omnitray.monitor.machine import Traffic
from omnitray.monitor.sampler import Sampler
from omnitray.platforms._macos_sampling import is_real as is_real_on_mac
from omnitray.platforms._macos_sampling import mac_machine
from omnitray.platforms._windows_sampling import is_real as is_real_on_windows
from omnitray.platforms._windows_sampling import windows_machine
from support.clock import FakeClock
from support.psutil_stand_in import CpuTimes, StandIn, partition, thing

GIB = 1 << 30


@pytest.fixture
def system() -> StandIn:
    return StandIn()


def test_a_machine_that_answers_nothing_is_none_everywhere(system: StandIn) -> None:
    shot = Sampler(mac_machine(system=system), FakeClock()).sample(MonitorLevel.NORMAL)
    assert (shot.cpu_percent, shot.memory, shot.load, shot.connections) == (None,) * 4
    assert (shot.disks, shot.temperatures, shot.battery, shot.pressure) == ((), (), None, None)


def test_cpu_time_is_busy_but_for_idle(system: StandIn) -> None:
    system.answers["cpu_times"] = [CpuTimes(1, 2, 3, 4), CpuTimes(0, 0, 0, 10)]
    times = mac_machine(system=system).cpu_times()
    assert times is not None
    assert (times.whole.busy, times.whole.total) == (6, 20)
    assert len(times.cores) == 2


def test_memory_is_total_and_available_with_swap_where_there_is_any(system: StandIn) -> None:
    machine = windows_machine(system=system)
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
    assert mac_machine(system=system).load() == (1.0, 2.0, 3.0)
    assert windows_machine(system=system).load() is None


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
    assert [disk.mount for disk in mac_machine(system=system).disks()] == ["/"]


def test_on_windows_empty_and_network_drives_are_not_asked(system: StandIn) -> None:
    system.answers["disk_partitions"] = [
        partition("C:", "C:", "NTFS", "rw,fixed"),
        partition("D:", "D:", "", "cdrom"),
        partition("E:", "E:", "", "rw,removable"),
        partition("Z:", "Z:", "NTFS", "rw,remote"),
    ]
    system.answers["disk_usage"] = {"C:": thing(total=100, free=40, percent=60.0)}
    disks = windows_machine(system=system).disks()
    assert [(disk.mount, disk.used_percent) for disk in disks] == [("C:", 60.0)]


def test_traffic_is_by_device_without_doubles(system: StandIn) -> None:
    system.answers["disk_io_counters"] = {"disk0": thing(read_bytes=5, write_bytes=6)}
    counters = thing(bytes_recv=1, bytes_sent=2)
    system.answers["net_io_counters"] = dict.fromkeys(("lo0", "utun3", "en0"), counters)
    machine = mac_machine(system=system)
    assert machine.disk_traffic() == {"disk0": Traffic(5, 6)}
    assert machine.network_traffic() == {"en0": Traffic(1, 2)}
    assert is_real_on_mac("en5")
    assert not is_real_on_mac("awdl0")
    assert is_real_on_windows("Wi-Fi")
    assert not is_real_on_windows("vEthernet (WSL)")


@pytest.mark.parametrize(
    ("plugged", "left", "expected"),
    [(False, 600, 600.0), (False, -1, None), (True, -2, None), (None, 600, None)],
)
def test_the_battery_says_how_long_only_while_it_empties(
    system: StandIn, *, plugged: bool | None, left: int, expected: float | None
) -> None:
    system.answers["sensors_battery"] = thing(percent=55, power_plugged=plugged, secsleft=left)
    assert mac_machine(system=system).battery() == BatteryFacts(
        percent=55.0, discharging=plugged is False, left_s=expected
    )


def test_the_real_psutil_answers_in_these_shapes() -> None:
    machine = mac_machine(system=psutil)
    memory, times = machine.memory(), machine.cpu_times()
    assert memory is not None
    assert times is not None
    assert memory.total_bytes == psutil.virtual_memory().total
    assert times.whole.busy < times.whole.total

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnitray.base.facts import PressureFacts, PressurePair
from omnitray.monitor.machine import Traffic
from omnitray.platforms.linux import files
from omnitray.platforms.linux.files import KeptFile, printable
from omnitray.platforms.linux.sampling import LinuxMachine
from support.clock import FakeClock
from support.fake_proc import FakeRoot

STAT = (
    "cpu  100 10 50 800 40 5 5 10 7 0\ncpu0 60 0 20 400 20 0 0 0 0 0\n"
    "cpu1 40 10 30 400 20 5 5 10 7 0\nintr 12345\nctxt 1\n"
)
MEMINFO = (
    "MemTotal:       16000000 kB\nMemFree:         1000000 kB\nMemAvailable:    4000000 kB\n"
    "SwapCached:            5 kB\nSwapTotal:       2000000 kB\nSwapFree:        1500000 kB\n"
)
DISKSTATS = (
    " 259 0 nvme0n1 10 0 2000 5 20 0 400 6 0 7 8\n 259 1 nvme0n1p1 10 0 2000 5 20 0 400 6 0 7 8\n"
    " 253 0 dm-0 10 0 2000 5 20 0 400 6 0 7 8\n 7 0 loop0 9 0 999 0 0 0 0 0 0 0 0\n garbage\n"
)
NET = (
    "Inter-|   Receive  |  Transmit\n face |bytes packets\n"
    "    lo: 99 1 0 0 0 0 0 0 99 1 0 0 0 0 0 0\n"
    "  eth0:1000 1 0 0 0 0 0 0 200 1 0 0 0 0 0 0\n"
    "docker0: 1000 1 0 0 0 0 0 0 200 1 0 0 0 0 0 0\n"
)


@pytest.fixture
def root(tmp_path: Path) -> FakeRoot:
    root = FakeRoot(tmp_path)
    root.write("proc/stat", STAT)
    root.write("proc/meminfo", MEMINFO)
    root.write("proc/loadavg", "0.50 1.25 2.00 3/400 12345\n")
    root.write("proc/diskstats", DISKSTATS)
    root.write("proc/net/dev", NET)
    root.write("proc/net/sockstat", "sockets: used 90\nTCP: inuse 5 orphan 0\nUDP: inuse 2 mem 1\n")
    root.write("proc/net/sockstat6", "TCP6: inuse 3\nUDP6: inuse 1\nUDPLITE6: inuse 0\n")
    return root


@pytest.fixture
def machine(root: FakeRoot) -> Iterator[LinuxMachine]:
    machine = LinuxMachine(root.path)
    yield machine
    machine.close()


def link(root: FakeRoot, name: str, target: str) -> None:
    device = root.path / "sys/devices" / target
    device.mkdir(parents=True)
    node = root.path / "sys/class" / name
    node.parent.mkdir(parents=True, exist_ok=True)
    node.symlink_to(device)


def test_cpu_time_is_busy_but_for_idle_waiting_and_stolen_and_guests_count_once(
    machine: LinuxMachine,
) -> None:
    times = machine.cpu_times()
    assert times is not None
    assert (times.whole.busy, times.whole.total) == (170, 1020)
    assert [(core.busy, core.total) for core in times.cores] == [(80, 500), (90, 520)]


def test_memory_is_total_and_available_with_swap(machine: LinuxMachine) -> None:
    memory = machine.memory()
    assert memory is not None
    assert memory.used_percent == 75.0
    assert memory.swap_used_bytes == 500_000 * 1024
    assert not memory.limited


def test_load_and_connections(machine: LinuxMachine) -> None:
    assert machine.load() == (0.5, 1.25, 2.0)
    assert machine.connections() == 11


def test_drives_count_and_what_lies_on_them_does_not(root: FakeRoot, machine: LinuxMachine) -> None:
    link(root, "block/nvme0n1", "virtual/nvme-subsystem/nvme-subsys0/nvme0n1")
    link(root, "block/nvme0n1p1", "pci/nvme0n1/nvme0n1p1")
    root.write("sys/devices/pci/nvme0n1/nvme0n1p1/partition", "1\n")
    link(root, "block/dm-0", "virtual/block/dm-0")
    link(root, "block/loop0", "virtual/block/loop0")
    assert machine.disk_traffic() == {"nvme0n1": Traffic(2000 * 512, 400 * 512)}


def test_a_drive_that_is_plugged_in_later_counts_from_then_on(
    root: FakeRoot, machine: LinuxMachine
) -> None:
    link(root, "block/nvme0n1", "pci/nvme0n1")
    link(root, "block/loop0", "virtual/block/loop0")
    for _ in range(3):
        assert set(machine.disk_traffic() or ()) == {"nvme0n1"}
    link(root, "block/sda", "usb/sda")
    root.write("proc/diskstats", DISKSTATS + " 8 0 sda 1 0 2 3 4 0 6 7 0 9 9\n")
    for _ in range(3):
        assert set(machine.disk_traffic() or ()) == {"nvme0n1", "sda"}


def test_interfaces_to_the_outside_count(root: FakeRoot, machine: LinuxMachine) -> None:
    link(root, "net/lo", "virtual/net/lo")
    link(root, "net/docker0", "virtual/net/docker0")
    link(root, "net/eth0", "pci/net/eth0")
    assert machine.network_traffic() == {"eth0": Traffic(1000, 200)}


def test_in_a_container_the_half_of_a_pair_is_the_interface(
    root: FakeRoot, machine: LinuxMachine
) -> None:
    for name in ("lo", "docker0", "eth0"):
        link(root, f"net/{name}", f"virtual/net/{name}")
    assert machine.network_traffic() == {"eth0": Traffic(1000, 200)}


def test_without_sysfs_names_decide(machine: LinuxMachine) -> None:
    assert machine.network_traffic() == {"eth0": Traffic(1000, 200)}
    assert set(machine.disk_traffic() or ()) == {"nvme0n1", "nvme0n1p1"}


def test_pressure_has_what_the_kernel_has(root: FakeRoot, machine: LinuxMachine) -> None:
    assert machine.pressure() is None
    root.write("proc/pressure/cpu", "some avg10=1.50 avg60=0.10 avg300=0.00 total=5\n")
    root.write(
        "proc/pressure/memory",
        "some avg10=12.00 avg60=0.00 avg300=0.00 total=5\n"
        "full avg10=100.00 avg60=0.00 avg300=0.00 total=5\n",
    )
    assert machine.pressure() == PressureFacts(
        cpu=PressurePair(some_avg10=1.5),
        memory=PressurePair(some_avg10=12.0, full_avg10=100.0),
    )


def test_a_machine_without_anything_is_none_everywhere(tmp_path: Path) -> None:
    machine = LinuxMachine(tmp_path)
    assert machine.cpu_times() is None
    assert machine.cpu_quota() is None
    assert machine.memory() is None
    assert machine.load() is None
    assert machine.pressure() is None
    assert machine.disk_traffic() is None
    assert machine.network_traffic() is None
    assert machine.connections() is None
    assert machine.disks() == ()
    assert machine.temperatures() == ()
    assert machine.battery() is None
    assert machine.gpu_percent() is None


@given(st.data())
def test_garbage_in_any_file_is_survived(data: st.DataObject) -> None:
    content = data.draw(
        st.one_of(
            st.binary(max_size=300),
            st.sampled_from([STAT, MEMINFO, DISKSTATS, NET]).flatmap(
                lambda text: st.integers(0, len(text)).map(lambda end: text[:end].encode())
            ),
        )
    )
    files.cpu_times(content)
    files.memory(content)
    files.load(content)
    files.pressure(content)
    files.sockets_in_use(content)
    files.disk_traffic(content)
    files.network_traffic(content)


def test_memory_without_its_available_part_is_not_guessed() -> None:
    assert files.memory(b"MemTotal: 100 kB\n") is None
    assert files.memory(b"MemTotal: 0 kB\nMemAvailable: 0 kB\n") is None


def test_a_file_that_was_replaced_is_read_through_a_new_descriptor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = KeptFile(tmp_path / "x")
    assert file.read() is None
    (tmp_path / "x").write_bytes(b"one")
    assert file.read() == b"one"
    real, failures = os.pread, iter([True])

    def pread(descriptor: int, size: int, offset: int) -> bytes:
        if next(failures, False):
            raise OSError("the device has gone")
        return real(descriptor, size, offset)

    monkeypatch.setattr(os, "pread", pread)
    (tmp_path / "x").unlink()
    (tmp_path / "x").write_bytes(b"two")
    assert file.read() == b"two"
    file.close()


def test_a_long_file_is_read_to_its_end(tmp_path: Path) -> None:
    content = b"0123456789" * 10_000
    (tmp_path / "x").write_bytes(content)
    for records in (False, True):
        file = KeptFile(tmp_path / "x", records=records)
        assert file.read() == content
        file.close()


def test_text_from_outside_is_printable_and_tells_apart() -> None:
    assert printable(b"caf\xc3\xa9 \xe2\x80\xae") == "café \\u202e"
    assert printable(b"\xff\n") == "\\xff\\n"


def test_this_machine_is_read_as_psutil_reads_it() -> None:
    machine = LinuxMachine()
    memory, theirs = machine.memory(), psutil.virtual_memory()
    assert memory is not None
    if not memory.limited:
        assert memory.total_bytes == theirs.total
        assert memory.available_bytes == pytest.approx(theirs.available, rel=0.1)
    times = machine.cpu_times()
    assert times is not None
    assert len(times.cores) == psutil.cpu_count()
    root = shutil.disk_usage("/")
    ours = [disk for disk in machine.disks() if disk.mount == "/"]
    assert [disk.total_bytes for disk in ours] == [root.total]
    assert machine.load() is not None
    machine.close()


def test_reading_this_machine_leaks_no_descriptors() -> None:
    def read_all(machine: LinuxMachine) -> None:
        machine.cpu_times(), machine.memory(), machine.load(), machine.pressure()
        machine.disks(), machine.disk_traffic(), machine.network_traffic()
        machine.connections(), machine.temperatures(), machine.battery()

    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    machine = LinuxMachine()
    read_all(machine)
    kept = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    read_all(machine)
    assert len(os.listdir("/proc/self/fd")) == kept  # noqa: PTH208
    machine.close()
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def allow(root: FakeRoot, processors: str) -> None:
    root.write(
        "proc/self/status", f"Name:\tx\nCpus_allowed:\tff\nCpus_allowed_list:\t{processors}\n"
    )


@pytest.mark.parametrize(
    ("processors", "whole", "cores"),
    [
        ("1", (90, 520), 1),
        ("0-1", (170, 1020), 2),
        ("0-7", (170, 1020), 2),
        ("0,1", (170, 1020), 2),
        ("5", (170, 1020), 2),  # what cannot be is not believed
        ("0-x", (170, 1020), 2),
    ],
)
def test_only_the_processors_count_that_this_container_may_use(
    root: FakeRoot, processors: str, whole: tuple[float, float], cores: int
) -> None:
    allow(root, processors)
    machine = LinuxMachine(root.path)
    times = machine.cpu_times()
    assert times is not None
    assert (times.whole.busy, times.whole.total) == whole
    assert len(times.cores) == cores
    machine.close()


def test_a_cpuset_that_changes_is_seen_within_a_minute(root: FakeRoot) -> None:
    now = [0.0]
    allow(root, "0-1")
    machine = LinuxMachine(root.path, lambda: now[0])
    found = []
    for moment_s, processors in ((0.0, "1"), (59.0, "1"), (61.0, "1")):
        now[0] = moment_s
        times = machine.cpu_times()
        assert times is not None
        found.append(len(times.cores))
        allow(root, processors)
    assert found == [2, 2, 1]
    machine.close()


def test_an_affinity_of_this_very_process_counts() -> None:
    own = os.sched_getaffinity(0)
    one = min(own)
    os.sched_setaffinity(0, {one})
    try:
        machine = LinuxMachine()
        cores = [len(times.cores) for times in (machine.cpu_times(),) if times]
        machine.close()
    finally:
        os.sched_setaffinity(0, own)
    assert cores == [1]


ARC = (
    "9 1 0x01 147 39984 3500000000 12345\nname                            type data\n"
    "hits                            4    7\nc_min                           4    {minimum}\n"
    "size                            4    {size}\nmeta_size                       4    9\n"
)


@pytest.mark.parametrize(
    ("more", "arc", "used_percent", "total_gb"),
    [
        ("", "", 75.0, 16),
        # Half of the machine is kept for virtual machines; of the other half, half is used.
        ("HugePages_Total:    4000\nHugepagesize:   2000 kB\nHugetlb:   8000000 kB\n", "", 50.0, 8),
        ("HugePages_Total:    4000\nHugepagesize:   2000 kB\n", "", 50.0, 8),
        ("HugePages_Total:       0\nHugepagesize:   2048 kB\nHugetlb:   0 kB\n", "", 75.0, 16),
        # The cache gives back all but its minimum.
        ("", ARC.format(minimum=1024_000_000, size=9 * 1024_000_000), 25.0, 16),
        ("", ARC.format(minimum=9 * 1024_000_000, size=1024_000_000), 75.0, 16),
        ("", "garbage\n\0", 75.0, 16),
    ],
)
def test_the_memory_that_programs_can_have_is_the_whole(
    root: FakeRoot, more: str, arc: str, used_percent: float, total_gb: int
) -> None:
    root.write("proc/meminfo", MEMINFO + more)
    if arc:
        root.write("proc/spl/kstat/zfs/arcstats", arc)
    machine = LinuxMachine(root.path)
    memory = machine.memory()
    assert memory is not None
    assert memory.used_percent == pytest.approx(used_percent)
    assert memory.total_bytes == total_gb * 1_000_000 * 1024
    machine.close()


def test_a_cache_of_zfs_that_is_not_there_is_looked_for_once_a_minute(
    root: FakeRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = FakeClock()
    opened: list[str] = []
    open_ = os.open

    def noted(path: Path, flags: int) -> int:
        opened.append(str(path))
        return open_(path, flags)

    monkeypatch.setattr(os, "open", noted)
    root.write("proc/meminfo", MEMINFO)
    machine = LinuxMachine(root.path, clock.monotonic)
    for _ in range(5):
        clock.advance(1.0)
        machine.memory()
    assert len([path for path in opened if path.endswith("arcstats")]) == 1
    root.write("proc/spl/kstat/zfs/arcstats", ARC.format(minimum=0, size=4_096_000_000))
    clock.advance(60.0)
    memory = machine.memory()
    assert memory is not None
    assert memory.used_percent == pytest.approx(50.0)
    machine.close()

"""The contract that every platform keeps, run over those that run on this machine."""

import inspect
import os
import sys
import time
from pathlib import Path

import psutil
import pytest

from omnitray import platforms
from omnitray.base.clock import SystemClock
from omnitray.base.facts import MonitorLevel
from omnitray.monitor.sampler import Sampler
from omnitray.platforms import Platform
from omnitray.platforms.autostart import AutostartError
from omnitray.platforms.linux.platform import LinuxPlatform
from omnitray.platforms.macos import MacosPlatform
from omnitray.platforms.portable import PortablePlatform
from omnitray.platforms.windows import WindowsPlatform
from omnitray.processes.process_table import ProcessTable
from support.children import child, eventually

CLASSES = (LinuxPlatform, PortablePlatform, MacosPlatform, WindowsPlatform)
EVERYTHING = [name for name in vars(Platform) if not name.startswith("_")]


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("name", EVERYTHING)
def test_every_platform_has_everything(kind: type, name: str) -> None:
    """Each function takes what the protocol says, and no more without a default."""
    wanted = list(inspect.signature(getattr(Platform, name)).parameters.values())
    given = list(inspect.signature(getattr(kind, name)).parameters.values())
    assert len(given) >= len(wanted)
    assert all(each.default is not each.empty for each in given[len(wanted) :])


@pytest.mark.parametrize(
    ("system", "named", "kind"),
    [
        ("linux", "", LinuxPlatform),
        ("darwin", "", MacosPlatform),
        ("win32", "", WindowsPlatform),
        ("linux", "portable", PortablePlatform),
        ("plan9", "portable", PortablePlatform),
    ],
)
def test_the_platform_is_chosen_by_the_system_and_the_environment(
    monkeypatch: pytest.MonkeyPatch, system: str, named: str, kind: type
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setenv(platforms.VARIABLE, named)
    assert type(platforms.current()) is kind


@pytest.mark.parametrize(("system", "named"), [("plan9", ""), ("linux", "beos")])
def test_what_there_is_no_platform_for_is_said_by_name(
    monkeypatch: pytest.MonkeyPatch, system: str, named: str
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setenv(platforms.VARIABLE, named)
    with pytest.raises(SystemExit, match=named or system):
        platforms.current()


def meminfo() -> dict[str, int]:
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    return {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines}


def test_memory_is_what_the_kernel_says(platform: Platform) -> None:
    memory, kernel = platform.machine().memory(), meminfo()
    assert memory is not None
    assert memory.total_bytes <= kernel["MemTotal"]
    if not memory.limited:
        assert memory.total_bytes == kernel["MemTotal"]
        assert memory.available_bytes == pytest.approx(kernel["MemAvailable"], rel=0.2)
    assert memory.swap_total_bytes == kernel["SwapTotal"]


def test_processor_time_is_what_the_kernel_says(platform: Platform) -> None:
    times = platform.machine().cpu_times()
    fields = [int(each) for each in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    assert times is not None
    assert len(times.cores) == os.cpu_count()
    idle = (fields[3] + fields[4]) / sum(fields)
    stolen = fields[7] / sum(fields)
    assert times.whole.busy / times.whole.total == pytest.approx(1 - idle - stolen, abs=0.1)


def test_a_busy_child_shows_in_the_next_sample(platform: Platform) -> None:
    sampler = Sampler(platform.machine(), SystemClock())
    sampler.sample(MonitorLevel.NORMAL)
    with child("print(flush=True)\nwhile True: pass"):
        eventually(lambda: (sampler.sample(MonitorLevel.NORMAL).cpu_percent or 0) > 10)


def test_the_disk_that_this_runs_on_is_among_the_disks_or_the_root_is(platform: Platform) -> None:
    disks = platform.machine().disks()
    assert disks
    for disk in disks:
        use = os.statvfs(disk.mount)
        assert disk.total_bytes == use.f_blocks * use.f_frsize
        assert 0 <= disk.used_percent <= 100
        assert Path(disk.mount).is_dir()


def test_traffic_only_grows_and_has_no_loopback(platform: Platform) -> None:
    machine = platform.machine()
    before, now = machine.network_traffic() or {}, machine.network_traffic() or {}
    assert "lo" not in now
    assert all(now[name].inward >= before[name].inward for name in before)
    disks = machine.disk_traffic() or {}
    assert all(each.inward >= 0 for each in disks.values())


def test_load_is_the_kernel_s(platform: Platform) -> None:
    load = platform.machine().load()
    kernel = [float(each) for each in Path("/proc/loadavg").read_text().split()[:3]]
    assert load is not None
    assert load == pytest.approx(kernel, abs=1.0)


def test_the_guard_reads_memory_and_gives_its_triggers_back(platform: Platform) -> None:
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    source = platform.guard_source()
    reading = source.read()
    assert reading is not None
    assert reading.memory.total_bytes > 0
    source.triggers()
    source.close()
    assert len(list(Path("/proc/self/fd").iterdir())) <= descriptors + 8  # kept files of /proc


def test_a_scan_has_us_with_the_right_parent_and_user(table: ProcessTable) -> None:
    (own,) = [each for each in table.scan() if each.pid == os.getpid()]
    assert (own.ppid, own.uid, own.session) == (os.getppid(), os.geteuid(), os.getsid(0))
    assert own.rss_bytes == pytest.approx(psutil.Process().memory_info().rss, rel=0.2)


def test_the_table_and_the_system_mean_one_process_by_one_identity(platform: Platform) -> None:
    with child() as process:
        (facts,) = [each for each in platform.process_table().scan() if each.pid == process.pid]
        (identity,) = platform.system().identify([process.pid])
        assert facts.start_ticks == identity.start_ticks
        assert identity.exe == os.path.realpath(sys.executable)
        details = platform.process_details()
        assert details.exe(facts) == identity.exe
        assert details.cmdline(facts) == tuple(psutil.Process(process.pid).cmdline())


def test_own_facts_are_us_our_children_and_our_parents(platform: Platform) -> None:
    with child() as process:
        own = platform.own_facts()
    assert {os.getpid(), process.pid} <= own.pids
    assert os.getppid() in own.ancestors
    assert own.uid == os.getuid()
    assert platform.own_rss_bytes() == pytest.approx(psutil.Process().memory_info().rss, rel=0.2)


def test_an_open_file_is_seen(platform: Platform, tmp_path: Path) -> None:
    with (tmp_path / "a").open("w"):
        seen = platform.open_files()
    status = (tmp_path / "a").stat()
    assert (status.st_dev, status.st_ino) in seen


def test_what_a_child_has_written_is_counted(platform: Platform, tmp_path: Path) -> None:
    code = (
        "import os, sys\n"
        f"file = open({str(tmp_path / 'big')!r}, 'wb'); file.write(bytes(4 << 20))\n"
        "file.flush(); os.fsync(file.fileno()); print(flush=True); input()"
    )
    with child(code) as process:
        (facts,) = [each for each in platform.process_table().scan() if each.pid == process.pid]
        written = platform.written_bytes(facts)
        assert written == platform.process_details().written_bytes(facts)
        assert written is not None


def test_a_mount_has_one_number(platform: Platform, tmp_path: Path) -> None:
    one, two = (os.open(each, os.O_RDONLY) for each in (tmp_path, tmp_path))
    assert platform.mount_id(one) == platform.mount_id(two)
    os.close(one)
    os.close(two)


def test_a_display_is_in_the_environment(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", "")
    assert not platform.has_display()
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    assert platform.has_display()


def test_whose_window_is_active_is_known_or_the_reason_is_said(platform: Platform) -> None:
    known, why_not = platform.foreground_known()
    assert bool(known) is not bool(why_not)
    foreground = platform.foreground()
    assert isinstance(foreground.pids(), frozenset)
    foreground.close()


def test_logs_of_others_ends_answer_at_once(platform: Platform) -> None:
    logs = platform.foreign_logs()
    began = time.monotonic()
    logs.lines(), logs.kills(), logs.answer()
    assert time.monotonic() - began < 2
    logs.close()
    assert all(each.name for each in platform.log_sources())


def test_small_texts_and_programs(platform: Platform, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("text")
    assert platform.small_text(str(tmp_path / "a")) == "text"
    assert platform.small_text(str(tmp_path / "b")) == ""
    assert platform.programs().run(["echo", "yes"]).output.strip() == "yes"


def test_there_are_programs_that_are_never_touched(platform: Platform) -> None:
    assert platform.protected_programs().names


def test_a_platform_without_autostart_and_service_says_so() -> None:
    portable = PortablePlatform()
    autostart, service = portable.autostart(["omnitray"]), portable.service(["omnitray"], "")
    assert not autostart.is_enabled()
    assert not autostart.heal()
    autostart.disable()
    with pytest.raises(AutostartError, match="no start at login"):
        autostart.enable()
    for report in (service.install(), service.remove(), service.status()):
        assert (report.works, len(report.done)) == (False, 1)


def test_a_priority_of_our_own_that_is_normal_is_left_alone(platform: Platform) -> None:
    before = os.getpriority(os.PRIO_PROCESS, 0)
    said = platform.keep_own_priority()
    after = os.getpriority(os.PRIO_PROCESS, 0)
    assert after <= before
    assert (said is None) is (after <= 0)
    os.setpriority(os.PRIO_PROCESS, 0, before)

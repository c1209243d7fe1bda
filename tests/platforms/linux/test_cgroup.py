from pathlib import Path

import pytest

from omnitray.base.facts import MemoryFacts
from omnitray.monitor.machine import CpuQuota
from omnitray.platforms.linux.cgroup import CgroupLimits
from support.clock import FakeClock
from support.fake_proc import FakeRoot

GIB = 1 << 30
MACHINE = MemoryFacts(
    total_bytes=16 * GIB, available_bytes=12 * GIB, swap_total_bytes=4 * GIB, swap_free_bytes=GIB
)
V2_MOUNT = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"


class Bench:
    """A machine with cgroups that the test writes."""

    def __init__(self, path: Path) -> None:
        self.root = FakeRoot(path)
        self.clock = FakeClock()
        self.limits = CgroupLimits(path, self.clock.monotonic)

    def version_2(self, own: str = "/user.slice/app.scope") -> None:
        self.root.write("proc/self/cgroup", f"0::{own}\n")
        self.root.write("proc/self/mountinfo", V2_MOUNT)
        (self.root.path / f"sys/fs/cgroup{own}").mkdir(parents=True, exist_ok=True)

    def version_1(self, own: str, fs_root: str = "/") -> None:
        self.root.write(
            "proc/self/cgroup",
            f"4:memory:{own}\n3:cpuacct:{own}\n2:cpu:{own}\n1:name=systemd:/\n0::/\n",
        )
        self.root.write(
            "proc/self/mountinfo",
            "".join(
                f"3 1 0:{n} {fs_root} /sys/fs/cgroup/{name} rw - cgroup cgroup rw,{name}\n"
                for n, name in enumerate(("memory", "cpuacct", "cpu"))
            ),
        )

    def group(self, name: str, **files: object) -> None:
        for file, content in files.items():
            self.root.write(f"sys/fs/cgroup/{name}/{file.replace('__', '.')}", f"{content}\n")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_without_limits_the_machine_is_the_limit(bench: Bench) -> None:
    assert bench.limits.memory(MACHINE) is MACHINE
    assert bench.limits.cpu(8) is None
    bench.version_2()
    bench.group("user.slice", memory__max="max", memory__high="max", cpu__max="max 100000")
    bench.clock.advance(61)
    assert bench.limits.memory(MACHINE) is MACHINE
    assert bench.limits.cpu(8) is None


def test_a_limit_above_us_counts_with_its_file_cache_as_available(bench: Bench) -> None:
    bench.version_2()
    bench.group(
        "user.slice",
        memory__max=8 * GIB,
        memory__high="max",
        memory__current=6 * GIB,
        memory__stat=f"anon 1\ninactive_file {GIB}\nactive_file {GIB}\ninactive_anon 77",
    )
    found = bench.limits.memory(MACHINE)
    assert found.limited
    assert (found.total_bytes, found.available_bytes) == (8 * GIB, 4 * GIB)
    assert found.swap_total_bytes == 4 * GIB


def test_the_soft_limit_counts_where_it_is_smaller(bench: Bench) -> None:
    bench.version_2()
    bench.group(
        "user.slice/app.scope", memory__max=8 * GIB, memory__high=2 * GIB, memory__current=GIB
    )
    assert bench.limits.memory(MACHINE).total_bytes == 2 * GIB


def test_of_several_limits_the_one_with_least_left_counts(bench: Bench) -> None:
    bench.version_2()
    bench.group("user.slice", memory__max=8 * GIB, memory__current=7 * GIB)
    bench.group("user.slice/app.scope", memory__max=4 * GIB, memory__current=GIB)
    found = bench.limits.memory(MACHINE)
    assert (found.total_bytes, found.available_bytes) == (8 * GIB, GIB)


def test_no_more_is_available_than_the_machine_has(bench: Bench) -> None:
    bench.version_2()
    bench.group("user.slice", memory__max=15 * GIB, memory__current=0)
    assert bench.limits.memory(MACHINE).available_bytes == 12 * GIB


def test_a_limit_beyond_the_machine_is_none(bench: Bench) -> None:
    bench.version_2()
    bench.group("user.slice", memory__max=64 * GIB, memory__current=0)
    assert bench.limits.memory(MACHINE) is MACHINE


def test_a_group_without_swap_has_none(bench: Bench) -> None:
    bench.version_2()
    bench.group("user.slice", memory__max=8 * GIB, memory__current=GIB, memory__swap__max=0)
    found = bench.limits.memory(MACHINE)
    assert (found.swap_total_bytes, found.swap_free_bytes) == (0, 0)


def test_the_limit_of_our_own_unit_says_nothing_about_others(bench: Bench) -> None:
    bench.version_2("/user.slice/app-omnitray-77.scope")
    bench.group("user.slice/app-omnitray-77.scope", memory__max=GIB, memory__current=0)
    assert bench.limits.memory(MACHINE) is MACHINE


def test_inside_a_container_the_mount_is_our_group(bench: Bench) -> None:
    bench.root.write("proc/self/cgroup", "0::/\n")
    bench.root.write("proc/self/mountinfo", V2_MOUNT)
    bench.group("", memory__max=GIB, memory__current=GIB // 4)
    assert bench.limits.memory(MACHINE).available_bytes == GIB * 3 // 4


def test_version_1_counts_what_lies_below_too(bench: Bench) -> None:
    bench.version_1("/docker/abc", fs_root="/docker/abc")
    bench.group(
        "memory",
        memory__limit_in_bytes=4 * GIB,
        memory__usage_in_bytes=3 * GIB,
        memory__stat=(
            f"inactive_file 5\nactive_file 5\ntotal_inactive_file {GIB}\ntotal_active_file 0"
        ),
    )
    found = bench.limits.memory(MACHINE)
    assert (found.total_bytes, found.available_bytes) == (4 * GIB, 2 * GIB)


def test_version_1_unlimited_is_no_limit(bench: Bench) -> None:
    bench.version_1("/x")
    bench.group("memory/x", memory__limit_in_bytes=9223372036854771712, memory__usage_in_bytes=5)
    assert bench.limits.memory(MACHINE) is MACHINE


def test_a_quota_is_in_cores_and_counts_its_own_use(bench: Bench) -> None:
    bench.version_2()
    bench.group("user.slice", cpu__max="150000 100000", cpu__stat="usage_usec 2500000\nx 1")
    assert bench.limits.cpu(8) == CpuQuota(cores=1.5, used_s=2.5)
    assert bench.limits.cpu(1) is None


def test_version_1_quota_and_use_stand_in_two_hierarchies(bench: Bench) -> None:
    bench.version_1("/x")
    bench.group("cpu/x", cpu__cfs_quota_us=50000, cpu__cfs_period_us=100000)
    bench.group("cpuacct/x", cpuacct__usage=3_000_000_000)
    assert bench.limits.cpu(8) == CpuQuota(cores=0.5, used_s=3.0)


def test_a_new_limit_is_noticed_after_a_while(bench: Bench) -> None:
    bench.version_2()
    assert bench.limits.memory(MACHINE) is MACHINE
    bench.group("user.slice", memory__max=GIB, memory__current=0)
    bench.clock.advance(10)
    assert bench.limits.memory(MACHINE) is MACHINE
    bench.clock.advance(51)
    assert bench.limits.memory(MACHINE).total_bytes == GIB


@pytest.mark.parametrize("damage", ["", "x", "-5", "99 99", "\xff", "max max"])
def test_garbage_is_no_limit(bench: Bench, damage: str) -> None:
    bench.version_2()
    bench.group(
        "user.slice",
        memory__max=damage,
        memory__current=damage,
        memory__stat=damage,
        cpu__max=damage,
        cpu__stat=damage,
    )
    found = bench.limits.memory(MACHINE)
    assert 0 <= found.available_bytes <= found.total_bytes
    assert found.total_bytes == MACHINE.total_bytes
    bench.limits.cpu(8)
    bench.root.write("proc/self/cgroup", damage)
    bench.root.write("proc/self/mountinfo", damage)
    bench.clock.advance(61)
    assert bench.limits.memory(MACHINE) is MACHINE


def test_version_1_counts_swap_together_with_memory(bench: Bench) -> None:
    bench.version_1("/docker/abc", fs_root="/docker/abc")
    bench.group(
        "memory",
        memory__limit_in_bytes=4 * GIB,
        memory__usage_in_bytes=3 * GIB,
        memory__memsw__limit_in_bytes=5 * GIB,
        memory__memsw__usage_in_bytes=3 * GIB + GIB // 2,
    )
    found = bench.limits.memory(MACHINE)
    assert (found.swap_total_bytes, found.swap_free_bytes) == (GIB, GIB // 2)

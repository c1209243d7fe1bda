"""The process table by psutil, held to that from /proc and to a stand-in."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import msgspec
import psutil
import pytest

from omnitray.base.facts import ProcessFacts
from omnitray.platforms.linux.processes import LinuxProcessDetails, LinuxProcessTable
from omnitray.platforms.portable.processes import (
    PsutilProcessDetails,
    PsutilProcessTable,
    nice_value,
    own_priority,
)
from support.psutil_stand_in import StandIn, thing


@pytest.fixture
def children() -> Iterator[dict[str, int]]:
    """Real children of different kinds, by what they are."""
    codes = {
        "asleep": "print(flush=True); input()",
        "busy": "print(flush=True)\nwhile True: pass",
        "nice": "import os; os.nice(5); print(flush=True); input()",
        "apart": "import os; os.setsid(); print(flush=True); input()",
        "threads": (
            "import threading, time\n"
            "[threading.Thread(target=input).start() for _ in range(3)]; print(flush=True)"
        ),
        "large": "kept = bytearray(50 << 20); print(flush=True); input()",
    }
    running = {}
    for kind, code in codes.items():
        running[kind] = subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
    for process in running.values():
        assert process.stdout is not None
        process.stdout.readline()
    pids = {kind: process.pid for kind, process in running.items()}
    wait_for_sleep([pid for kind, pid in pids.items() if kind != "busy"])
    yield pids
    for process in running.values():
        process.kill()
        process.communicate()


def wait_for_sleep(pids: list[int]) -> None:
    """Until all have come to rest: they have said a word and wait for an answer."""
    table = LinuxProcessTable()
    deadline = time.monotonic() + 20
    while any(by_pid(table.scan())[pid].state != "S" for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    table.close()


def by_pid(scan: tuple[ProcessFacts, ...]) -> dict[int, ProcessFacts]:
    return {facts.pid: facts for facts in scan}


def test_both_tables_give_the_same_answers_on_this_machine(children: dict[str, int]) -> None:
    proc, other = LinuxProcessTable(), PsutilProcessTable()
    ours, theirs = by_pid(proc.scan()), by_pid(other.scan())
    started = psutil.Process(children["asleep"]).create_time()
    assert set(children.values()) | {os.getpid(), os.getppid()} <= set(ours) & set(theirs)
    for kind, pid in children.items():
        one, two = ours[pid], theirs[pid]
        assert (one.ppid, one.name, one.uid) == (two.ppid, two.name, two.uid), kind
        assert (one.session, one.group, one.tty) == (two.session, two.group, two.tty), kind
        assert (one.threads, one.nice) == (two.threads, two.nice), kind
        assert one.state == two.state, kind
        assert one.rss_bytes == pytest.approx(two.rss_bytes, rel=0.2), kind
        assert two.start_ticks == pytest.approx(
            started * 100 + one.start_ticks - ours[children["asleep"]].start_ticks, abs=2
        )
    proc.close()


def test_both_tables_measure_the_same_cpu(children: dict[str, int]) -> None:
    proc, other = LinuxProcessTable(), PsutilProcessTable()
    deadline = time.monotonic() + 20
    ours = theirs = 0.0
    proc.scan(), other.scan()
    while min(ours, theirs) < 5 or abs(ours - theirs) > 0.5 * max(ours, theirs):
        assert time.monotonic() < deadline, (ours, theirs)
        time.sleep(0.3)
        busy = children["busy"]
        ours = by_pid(proc.scan())[busy].cpu_percent or 0.0
        theirs = by_pid(other.scan())[busy].cpu_percent or 0.0
    assert by_pid(other.scan())[children["asleep"]].cpu_percent == 0.0
    proc.close()


def test_both_give_the_same_details(children: dict[str, int]) -> None:
    proc, other = LinuxProcessTable(), PsutilProcessTable()
    ours, theirs = by_pid(proc.scan()), by_pid(other.scan())
    here, there = LinuxProcessDetails(), PsutilProcessDetails()
    pid = children["large"]
    assert here.exe(ours[pid]) == there.exe(theirs[pid])
    assert here.cmdline(ours[pid]) == there.cmdline(theirs[pid])
    assert here.cwd(ours[pid]) == there.cwd(theirs[pid])
    assert there.pss_bytes(theirs[pid]) == pytest.approx(here.pss_bytes(ours[pid]), rel=0.5)
    assert there.cgroup(theirs[pid]) is None
    other_one = msgspec.structs.replace(theirs[pid], start_ticks=1)
    assert there.exe(other_one) is None
    assert there.exe(msgspec.structs.replace(other_one, pid=2**22 + 1)) is None
    proc.close()


class Gone:
    """A process that ends while it is being looked at."""

    def as_dict(self, _: object) -> object:
        raise psutil.NoSuchProcess(7)


def closed(pid: int) -> object:
    """A process of another user, of which next to nothing may be known."""
    seen = dict.fromkeys(("cpu_times", "memory_info", "nice", "num_threads", "ppid", "name"))
    return thing(as_dict=lambda _: {**seen, "pid": pid, "create_time": 5.0, "status": "running"})


def test_who_has_gone_is_left_out_and_who_may_not_be_read_is_listed() -> None:
    system = StandIn()
    system.processes = {7: Gone(), 2**22 + 5: closed(2**22 + 5)}
    (found,) = PsutilProcessTable(system).scan()
    assert (found.pid, found.start_ticks, found.name) == (2**22 + 5, 500, "")
    assert (found.cpu_percent, found.uid, found.session, found.tty) == (None, None, 0, 0)


def test_the_footprint_is_preferred_where_the_system_tells_it() -> None:
    system = StandIn()
    facts = ProcessFacts(pid=7, ppid=1, start_ticks=500, name="x", state="R")
    known = {"create_time": lambda: 5.0, "is_running": lambda: True}
    system.processes[7] = thing(memory_info_ex=lambda: thing(phys_footprint=900), **known)
    assert PsutilProcessDetails(system).pss_bytes(facts) == 900
    system.processes[7] = thing(memory_full_info=lambda: thing(uss=300), **known)
    assert PsutilProcessDetails(system).pss_bytes(facts) == 300


def test_an_answer_about_a_process_that_ended_meanwhile_is_none() -> None:
    system = StandIn()
    facts = ProcessFacts(pid=7, ppid=1, start_ticks=500, name="x", state="R")
    system.processes[7] = thing(
        create_time=lambda: 5.0, is_running=lambda: False, exe=lambda: "/bin/other"
    )
    assert PsutilProcessDetails(system).exe(facts) is None


def test_places_on_other_machines_are_known() -> None:
    system = StandIn()
    system.answers["all_partitions"] = [thing(mountpoint="/Volumes/nas", fstype="smbfs")]
    details = PsutilProcessDetails(system)
    assert details.is_remote("/Volumes/nas/x")
    assert details.is_remote("\\\\server\\share")
    assert not details.is_remote("/Users/me")


def test_reading_and_writing_count_together_where_the_system_tells_them() -> None:
    system = StandIn()
    facts = ProcessFacts(pid=7, ppid=1, start_ticks=500, name="x", state="R")
    known = {"create_time": lambda: 5.0, "is_running": lambda: True}
    counters = thing(read_bytes=3, write_bytes=4)
    system.processes[7] = thing(io_counters=lambda: counters, **known)
    assert PsutilProcessDetails(system).io_bytes(facts) == 7
    system.processes[7] = thing(**known)  # macOS
    assert PsutilProcessDetails(system).io_bytes(facts) is None


@pytest.mark.parametrize(("nice", "kept"), [(19, 19), (10, 10), (5, 10), (0, 0), (-20, -20)])
def test_on_windows_a_nice_value_is_the_priority_class_next_to_it(nice: int, kept: int) -> None:
    priority = own_priority(nice, by_class=True)
    assert nice_value(priority, by_class=True) == kept
    assert own_priority(nice, by_class=False) == nice_value(nice, by_class=False) == nice

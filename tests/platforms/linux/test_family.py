"""A family by the kernel's own lists of children, and by a look at everybody: the same."""

import os
from pathlib import Path

import pytest

from omnitray.platforms.linux.proc import Proc
from support.children import child, living_in

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")

# A grandchild, and a child that another thread than the first has started.
BRANCHES = """
import os, threading, time
def started(then):
    if os.fork() == 0:
        then()
        print(flush=True)
        time.sleep(60)
        os._exit(0)
started(lambda: started(lambda: None))
def in_a_thread():
    started(lambda: None)
    time.sleep(60)
threading.Thread(target=in_a_thread).start()
print(flush=True)
time.sleep(60)
"""


def test_both_ways_find_the_same_parents_first() -> None:
    proc = Proc()
    with child(BRANCHES, lines=4) as process:
        roots = proc.identify([process.pid])
        family, searched = proc.family(roots), proc._searched(roots)
        assert {each.pid for each in family} == living_in(process.pid)
        assert len(family) == 4
        assert set(family) == set(searched)
        places = {each.pid: place for place, each in enumerate(family)}
        parents = [proc.stat(each.pid) for each in family[1:]]
        assert all(stat and places[stat.parent] < places[stat.pid] for stat in parents)


def test_a_root_below_another_comes_after_it_and_once() -> None:
    proc = Proc()
    with child(BRANCHES, lines=4) as process:
        family = proc.family(proc.identify([process.pid]))
        assert proc.family(tuple(reversed(family)))[0] == family[0]
        assert sorted(proc.family(family * 2), key=lambda each: each.pid) == sorted(
            family, key=lambda each: each.pid
        )


def test_a_session_by_system_calls_and_by_files_is_the_same(tmp_path: Path) -> None:
    elsewhere = tmp_path / "proc"
    elsewhere.symlink_to("/proc")
    with child(BRANCHES, lines=4) as process:
        wanted = living_in(process.pid)
        assert Proc().session_members(process.pid) == wanted
        assert Proc(elsewhere).session_members(process.pid) == wanted
    assert Proc().session_members(os.getpid() + 10_000_000) == frozenset()

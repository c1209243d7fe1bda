import os
from pathlib import Path

import pytest

from omnitray.platforms.linux.logs import KernelLog, log_scope
from omnitray.protector.oom_events.watch import LogScope


def test_what_was_there_before_is_not_told(tmp_path: Path) -> None:
    path = tmp_path / "kmsg"
    path.write_text("6,1,2,-;before\n")
    log = KernelLog(path)
    assert log.lines() == ()
    with path.open("a") as file:
        file.write("3,2,3,-;Out of memory\n")
    assert log.lines() == ("Out of memory",)
    log.close()


def test_a_log_that_is_not_ours_says_so(tmp_path: Path) -> None:
    log = KernelLog(tmp_path / "not there")
    assert log.why_not
    assert log.lines() == ()


def test_the_real_one_can_be_asked() -> None:
    log = KernelLog()
    assert bool(log.why_not) is not os.access("/dev/kmsg", os.R_OK)
    log.lines()
    log.close()


@pytest.mark.parametrize(
    ("groups", "group"),
    [
        ("0::/user.slice/user-1000.slice/session-2.scope\n", "/user.slice/user-1000.slice"),
        ("5:cpu,cpuacct:/a\n4:memory:/process/12\n0::/b\n", "/process/12"),
        ("4:memory:/\n0::/\n", ""),
    ],
)
@pytest.mark.parametrize("pids", ["pid:[4026531836]", "pid:[4026532999]"])
def test_whose_ends_concern_us_is_read_from_namespace_and_group(
    tmp_path: Path, pids: str, groups: str, group: str
) -> None:
    own = tmp_path / "proc/self"
    (own / "ns").mkdir(parents=True)
    (own / "ns/pid").symlink_to(pids)
    (own / "cgroup").write_text(groups)
    assert log_scope(tmp_path) == LogScope(sees_all="6531836" in pids, group=group)

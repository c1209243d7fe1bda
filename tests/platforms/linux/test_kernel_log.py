import os
from pathlib import Path

from omnitray.platforms.linux.logs import KernelLog


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

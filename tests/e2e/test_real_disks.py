"""Disks, for real: a writer that fills a small one, and a tree of caches full of traps.

The disks are file systems of a few megabytes, mounted where only the program under test and its
load see them.
"""

import os
import re
import sys

import psutil
import pytest

from support.cache_traps import Traps
from support.desktop import Desktop, wait_until
from support.loads import SWAP, WRITE
from support.notification_server import NotificationServer
from support.running import OmniTray
from support.world import Inmate, World

MB = 1_000_000
IDLE, BEST_EFFORT = 3, 2  # classes of I/O
WRITER = """
level = "critical"
[protect]
state = "on"
[protect.dev]
cpu_percent = 100
memory_percent = 100
memory_floor_percent = 0
hold_s = 1
"""
CLEANER = """
mode = "test"
level = "critical"
[protect]
state = "on"
[protect.test]
cpu_percent = 100
memory_percent = 100
memory_floor_percent = 0
hold_s = 1
"""


def io_class(process: Inmate) -> int:
    """As the kernel has it."""
    return int(psutil.Process(process.pid).ionice().ioclass)


def test_a_writer_that_fills_its_disk_waits_for_others_then_stands_still_and_goes_on(
    desktop: Desktop, world: World, notification_server: NotificationServer
) -> None:
    disk = desktop.folder / "small"
    world.mount_disk(disk, 150)
    program = OmniTray(desktop, prefix=world.prefix)
    program.configure(WRITER)
    program.start("--headless")
    file = disk / "data"
    written = world.seen(file)
    with Inmate(world, (sys.executable, "-c", WRITE, str(file), str(2 * MB))) as writer:
        wait_until(lambda: io_class(writer) == IDLE, "its writing waits for others", timeout_s=40)
        assert not writer.is_paused()
        wait_until(writer.is_paused, "it is paused", timeout_s=40)
        assert [line["rung"] for line in program.journal("begin")] == ["slow_down", "pause"]
        wait_until(lambda: asked(notification_server), "it asks")

        psutil.Process(writer.pid).ionice(BEST_EFFORT, 6)  # somebody else wants it so
        os.truncate(written, 0)
        wait_until(lambda: not writer.is_paused(), "it is given back", timeout_s=40)
        wait_until(lambda: written.stat().st_size, "it goes on writing")
        wait_until(lambda: len(program.undone()) == 2, "all is given back")
        slowed, paused = (line["id"] for line in program.journal("begin"))
        assert program.undone() == {slowed: "changed", paused: "restored"}
        assert io_class(writer) == BEST_EFFORT
    assert program.end() == 0


FORETOLD = WRITER.replace('level = "critical"', 'level = "normal"')
POUR = """
import sys, time
with open(sys.argv[1], "ab", buffering=0) as file:
    began, written, bps = time.monotonic(), 0, float(sys.argv[2])
    while True:
        written += file.write(bytes(1 << 20))
        time.sleep(max(0.0, written / bps - (time.monotonic() - began)))
"""


@pytest.mark.parametrize(
    ("bps", "steps"), [(30 * MB, ["slow_down", "pause"]), (300 * MB, ["pause"])]
)
def test_a_disk_that_will_be_full_is_foretold_and_its_writer_held_before_it_is(
    desktop: Desktop,
    world: World,
    notification_server: NotificationServer,
    bps: int,
    steps: list[str],
) -> None:
    disk = desktop.folder / "small"
    world.mount_disk(disk, 2400)
    program = OmniTray(desktop, prefix=world.prefix)
    program.configure(FORETOLD)
    program.start("--headless")
    inside, beside = world.seen(disk), disk / "beside"
    with (
        Inmate(world, (sys.executable, "-c", POUR, str(beside), str(MB // 2))) as light,
        Inmate(world, (sys.executable, "-c", POUR, str(disk / "data"), str(bps))) as writer,
    ):
        wait_until(writer.is_paused, "it is paused", timeout_s=60)
        left = os.statvfs(inside)
        assert left.f_bavail / left.f_blocks > 0.05, "it was paused before the disk was full"
        begun = program.journal("begin")
        assert [line["rung"] for line in begun] == steps
        assert {line["reason"] for line in begun} == {"disk_runs_out"}
        assert not light.is_paused()
        assert io_class(light) != IDLE
        wait_until(lambda: asked(notification_server), "it asks")
        told_of = [each.title for each in notification_server.on_screen]
        assert any("python" in title for title in told_of), told_of
    assert program.end() == 0


def test_of_a_full_disk_only_old_caches_are_cleaned_until_it_is_under_its_target(
    desktop: Desktop, world: World
) -> None:
    world.mount_disk(desktop.home, 100)
    traps = Traps(world, desktop.home, desktop.folder)
    traps.lay()
    assert traps.used_percent > 80
    before = traps.used_bytes
    # Whoever runs this test has caches of tools as well, and they stay as they are.
    desktop.environment["PATH"] = str(desktop.folder / "no-tools")
    program = OmniTray(desktop, prefix=world.prefix)
    program.configure(CLEANER)
    with (
        Inmate(world, (sys.executable, "-c", SWAP, str(traps.swapped), str(traps.outside))),
        Inmate(world, (sys.executable, "-c", traps.HOLDS_OPEN, str(traps.open_file))),
    ):
        program.start("--headless")
        cleaned = wait_until(lambda: told(program, "Cleaned"), "caches are cleaned", timeout_s=20)
        assert 72 < traps.used_percent < 75
        assert 0 < traps.wheels_left < 27
        assert traps.harmed() == []
        freed = re.search(r"Cleaned ([\d.]+) MB of caches on ", cleaned)
        assert freed, cleaned
        assert float(freed[1]) == pytest.approx((before - traps.used_bytes) / MB, abs=1.5)
    assert program.end() == 0


def asked(server: NotificationServer) -> bool:
    """Whether a question is on the screen."""
    return any(each.title.endswith("what shall be done?") for each in server.on_screen)


def told(program: OmniTray, word: str) -> str | None:
    """What was done that begins so, of any alert: it is a part of the disk's incident."""
    done = [each for alert in program.stored() for each in alert["context"].get("actions", ())]
    return next((each["what"] for each in done if each["what"].startswith(word)), None)

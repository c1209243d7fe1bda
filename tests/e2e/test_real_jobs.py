"""Jobs that take the processors, for real: a build, a crash of OmniTray, and watching only."""

import os
import sys

import psutil

from support.desktop import Desktop, wait_until
from support.loads import BUILD, BUSY, LEAK, WRITE
from support.notification_server import NotificationServer
from support.running import OmniTray
from support.world import Inmate, World, inside

MB = 1_000_000
CORES = os.cpu_count() or 1
BUSY_LOOPS = (sys.executable, "-c", BUSY, str(2 * CORES))
SETTINGS = """
level = "intensive"
[protect]
state = "{state}"
[protect.dev]
cpu_percent = 60
hold_s = 1
{more}
"""


def slowed(program: OmniTray, job: Inmate) -> str | None:
    """The id of the action by which this job was slowed down."""
    for line in program.journal("begin", rung="slow_down"):
        if job.pid_inside in {change["process"]["pid"] for change in line["changes"]}:
            return str(line["id"])
    return None


def wait_until_slowed(program: OmniTray, job: Inmate) -> str:
    """The same, in a while."""
    job.push()
    return wait_until(lambda: slowed(program, job), "it is slowed down", timeout_s=60)


def slow_down_by_hand(program: OmniTray, job: Inmate) -> str:
    """The id of the action when the person asks for it: a second job is not slowed by itself."""

    def known() -> bool:
        leaders = {each["leader_pid"] for each in program.get("jobs")["jobs"]}
        return job.pid_inside in leaders

    wait_until(known, "it is a job", timeout_s=40)
    program.post("jobs/action", job=str(job.pid_inside), action="slow_down")
    return wait_until(lambda: slowed(program, job), "it is slowed down by hand", timeout_s=20)


def looks(program: OmniTray) -> int:
    """How many readings the monitor has kept of the last minute."""
    return len(program.get("snapshots/recent?minutes=1")["snapshots"])


def test_a_build_of_many_short_commands_is_slowed_down_at_most_and_nobody_is_told(
    desktop: Desktop, world: World, notification_server: NotificationServer
) -> None:
    world.hold_cpu_pressure(desktop.folder)  # other tests that wait are none whom a build disturbs
    program = OmniTray(desktop, prefix=world.prefix)
    program.configure(SETTINGS.format(state="on", more=""))
    program.start("--headless")
    program.push()  # and its probe waits for none of them
    make = desktop.folder / "bin/make"
    make.parent.mkdir()
    make.write_text(BUILD)
    with Inmate(world, (sys.executable, str(make), "64")) as build:
        wait_until_slowed(program, build)
        before = looks(program)
        wait_until(lambda: looks(program) >= before + 8, "it has had time", timeout_s=40)
        assert program.alert_of("RESOURCE_CRITICAL") is not None
        assert build.lives()
        # A child that has just begun may be left out: then the title says of how many it speaks.
        titles = {line["title"].split(",")[0] for line in program.journal("begin")}
        assert titles == {"make"}
        assert {line["rung"] for line in program.journal("begin")} == {"slow_down"}
        assert not [each for each in notification_server.received if "make" in each.title]
    assert program.end() == 0


def test_after_a_kill_the_next_start_gives_back_what_is_as_it_was_left_and_that_alone(
    desktop: Desktop, world: World
) -> None:
    program = OmniTray(desktop, prefix=world.prefix)
    program.configure(SETTINGS.format(state="on", more=""))
    running = program.start("--headless")
    with Inmate(world, BUSY_LOOPS) as left, Inmate(world, BUSY_LOOPS) as changed:
        ids = [wait_until_slowed(program, left), slow_down_by_hand(program, changed)]
        began = program.journal("begin")[0]
        lever, before = began["lever"], began["changes"][0]["old"]
        inside(running.pid).kill()
        running.wait(10)
        assert left.weight(lever) == 19
        changed.set_weight(lever, 7)
        program.configure(SETTINGS.format(state="off", more=""))
        program.start("--headless")
        wait_until(lambda: len(program.undone()) == 2, "the next start has looked at both")
        assert [program.undone()[each] for each in ids] == ["restored", "changed"]
        assert {line["who"] for line in program.journal("undone")} == {"next_start"}
        assert (left.weight(lever), changed.weight(lever)) == (before, 7)
        wait_until(lambda: is_told(program, "Given back after OmniTray had ended"), "it is told")
    assert program.end() == 0


def is_told(program: OmniTray, title: str) -> bool:
    """Whether an alert begins so."""
    return any(each["title"].startswith(title) for each in program.stored())


def test_watching_touches_nobody_and_says_of_every_step_what_it_would_have_done(
    desktop: Desktop, room: World
) -> None:
    disk = desktop.folder / "small"
    room.mount_disk(disk, 150)
    program = OmniTray(desktop, prefix=room.prefix)
    program.configure(SETTINGS.format(state="watch", more="memory_floor_percent = 15"))
    program.start("--headless")
    with (
        Inmate(room, BUSY_LOOPS) as busy,
        Inmate(
            room, (sys.executable, "-c", LEAK, str(600 * MB), str(260 * MB), str(60 * MB))
        ) as leak,
        Inmate(room, (sys.executable, "-c", WRITE, str(disk / "data"), str(2 * MB))) as writer,
    ):
        jobs = (busy, leak, writer)
        busy.push()
        before = [touched(each) for each in jobs]
        wanted = {"slow_down cpu", "pause memory", "end memory", "slow_down disk"}
        wait_until(lambda: wanted <= would_have(program), "it would have", timeout_s=90)
        assert {line["outcome"] for line in program.journal("result")} == {"would_have"}
        assert all(each.lives() and not each.is_paused() for each in jobs)
        assert [touched(each) for each in jobs] == before
    assert program.end() == 0


def would_have(program: OmniTray) -> set[str]:
    """The steps and what they are for, as the journal has them."""
    return {
        f"{line['rung']} {line['reason'].partition('_')[0]}" for line in program.journal("begin")
    }


def touched(job: Inmate) -> tuple[int, int, int]:
    """What the levers would change."""
    process = psutil.Process(job.pid)
    return job.weight("autogroup"), int(process.nice()), int(process.ionice().ioclass)

"""Memory, for real: leaks, a test run with a runaway worker, workers that come back.

All of it in a small machine of its own (the fixture ``room``), so that a load of half a
gigabyte crosses the real lines, and what others use meanwhile makes no difference.
"""

import re
import sys
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from omnitray.protector.model import action_of
from support.desktop import Desktop, wait_until
from support.loads import GROW, LEAK, RESPAWN, RUN
from support.notification_server import NotificationServer
from support.running import OmniTray
from support.world import Inmate, World, inside

MB = 1_000_000
NASTY = '"; rm -rf ~ <b>'
SETTINGS = """
mode = "{mode}"
level = "intensive"
[protect]
state = "on"
[protect.{mode}]
cpu_percent = 100
{more}
"""
# Others may use the processors as they like: here nobody is slowed down for that.
QUIET = "hold_s = 600\n"
LEAKING = "hold_s = 0.5\nmemory_runs_out_s = 2\nmemory_floor_percent = 12"
HIGH_FLOOR = SETTINGS.format(mode="dev", more=QUIET + "memory_floor_percent = 30")


@pytest.fixture
def program(desktop: Desktop, room: World) -> Iterator[OmniTray]:
    """OmniTray in it, not yet started."""
    program = OmniTray(desktop, prefix=room.prefix)
    yield program
    assert program.end() == 0


def begun(program: OmniTray) -> list[str]:
    """The steps that were taken for memory's sake, in order."""
    lines = program.journal("begin")
    found = {action_of(line["id"]): line for line in lines}
    return [line["rung"] for line in found.values() if line["reason"].startswith("memory")]


def script(desktop: Desktop, name: str, code: str) -> tuple[str, str]:
    """A command that a person would know by this name."""
    file = desktop.folder / "bin" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(code)
    return sys.executable, str(file)


def test_a_slow_leak_is_told_then_slowed_down_then_paused_and_never_ended(
    program: OmniTray, room: World
) -> None:
    program.configure(SETTINGS.format(mode="dev", more=LEAKING))
    program.start("--headless")
    leak = (sys.executable, "-c", LEAK, str(520 * MB), str(460 * MB), str(20 * MB))
    with Inmate(room, leak) as job:
        wait_until(lambda: program.journal("result"), "it is slowed down", timeout_s=60)
        told = wait_until(lambda: program.alert_of("RESOURCE_CRITICAL", "firing"), "it is told")
        assert told["severity"] == "critical"
        job.push()  # somebody else gives it weight, and later lets it run on
        wait_until(job.is_paused, "it is paused", timeout_s=60)
        assert begun(program) == ["slow_down", "pause"]
        job.go_on()
        program.post("actions/undo-all")  # the pause may have been given up for it already
        assert set(program.undone().values()) == {"changed"}
        assert not job.is_paused()
        assert "end" not in begun(program)


def test_of_a_test_run_one_worker_is_ended_by_force_in_the_end_and_the_run_goes_on(
    program: OmniTray, desktop: Desktop, room: World
) -> None:
    gate = desktop.folder / "gate"
    program.configure(HIGH_FLOOR)
    program.start("--headless")
    run = (*script(desktop, "pytest", RUN), "8", str(700 * MB), str(gate))
    with Inmate(room, run) as job:
        wait_until(lambda: len(job.workers) == 8, "eight workers are there")
        gate.touch()
        ended = wait_until(
            lambda: program.journal("result", outcome="ended"), "one is ended", timeout_s=40
        )
        killed = re.fullmatch(r"killed after ([\d.]+) s", ended[0]["notes"][0])
        assert killed
        assert float(killed[1]) >= 0.5
        assert len(job.workers) == 7
        assert job.lives()
        assert begun(program).count("end") == 1
        (told,) = wait_until(lambda: ends_told(program), "it is told")
        assert told["severity"] == "critical"


def test_workers_that_come_back_at_once_open_the_breaker_with_one_critical_alert(
    program: OmniTray, desktop: Desktop, room: World
) -> None:
    gate = desktop.folder / "gate"
    program.configure(HIGH_FLOOR)
    program.start("--headless")
    load = (sys.executable, "-c", RESPAWN, "3", str(235 * MB), str(gate))
    with Inmate(room, load) as job:
        wait_until(lambda: len(job.workers) == 3, "the workers are there")
        gate.touch()
        breaker = wait_until(lambda: opened(program), "the breaker opens", timeout_s=40)
        assert breaker["ends_left"] == 0
        wait_until(lambda: len(job.workers) == 3, "all are back")
        assert job.lives()
        alarm = wait_until(lambda: program.alert_of("CRITICAL"), "it is told")
        assert sum(each["type"] == "CRITICAL" for each in program.stored()) == 1
        assert alarm["severity"] == "critical"
        assert begun(program).count("end") == 1


def ends_told(program: OmniTray) -> list[dict[str, Any]]:
    """The alerts that say that something of the run was ended."""
    return [each for each in program.stored() if each["title"].startswith("Ended pytest")]


def opened(program: OmniTray) -> dict[str, Any] | None:
    """The breaker, if it is open."""
    breaker: dict[str, Any] = program.get("actions")["breaker"]
    return breaker if breaker["state"] == "open" else None


def test_in_prod_mode_it_pauses_asks_and_ends_and_a_name_is_text_wherever_it_shows(
    program: OmniTray, room: World, notification_server: NotificationServer
) -> None:
    program.configure(SETTINGS.format(mode="prod", more=QUIET + "memory_end_after_s = 3"))
    program.start("--headless")
    load = (NASTY, "-c", GROW, str(900 * MB), str(100 * MB))
    with Inmate(room, load, program=sys.executable) as job:
        wait_until(lambda: program.get("jobs")["jobs"], "it has looked")
        wait_until(job.is_paused, "it is paused", timeout_s=40)
        asked = wait_until(lambda: question(notification_server), "it asks")
        assert NASTY in asked.title
        assert "&quot;; rm -rf ~ &lt;b&gt;" in asked.body or '"; rm -rf ~ &lt;b&gt;' in asked.body
        assert "it is ended" in asked.body
        assert list(asked.actions) == ["default", "pause", "slow_down", "details"]  # none is final
        (offered,) = program.get("questions")["questions"]
        assert offered["title"] == NASTY
        assert set(offered["answers"]) == {
            "slow_down",
            "pause",
            "end",
            "leave_alone",
            "never_touch",
        }
        assert offered["unanswered"] == "it is ended"
        assert NASTY in str(program.get("explain"))
        wait_until(lambda: not job.lives(), "nobody answers: it is ended", timeout_s=30)
        assert begun(program)[-2:] == ["pause", "end"]
        assert all(NASTY in line["title"] for line in program.journal("begin"))
        shown = program.get("actions")["actions"]
        assert all(NASTY in each["what"] for each in shown)
        assert any(NASTY in each["title"] for each in program.stored())


def question(server: NotificationServer) -> Any:
    """The question that is on the screen."""
    fitting = (each for each in server.on_screen if each.title.endswith("shall be done?"))
    return next(fitting, None)


def test_what_nobody_could_continue_the_next_start_does_and_no_stranger_with_its_pid(
    program: OmniTray, room: World
) -> None:
    program.configure(SETTINGS.format(mode="dev", more=QUIET))
    running = program.start("--headless")
    hog = (sys.executable, "-c", GROW, str(450 * MB), str(125 * MB))
    with Inmate(room, hog) as left, Inmate(room, hog) as gone:
        wait_until(lambda: left.is_paused() and gone.is_paused(), "both are paused", timeout_s=60)
        ours = inside(running.pid)
        (guardian,) = ours.children()
        ours.suspend()  # else it would start another guardian
        guardian.kill()
        ours.kill()
        psutil.Process(running.pid).resume()  # what entered the namespace stops with its child
        running.wait(10)
        pid = gone.pid_inside
        gone.end()
        room.use_next(pid)
        with Inmate(room, (sys.executable, "-c", "import time; time.sleep(600)")) as stranger:
            assert stranger.pid_inside == pid
            stranger.stop()
            assert left.is_paused()
            program.start("--headless")
            wait_until(lambda: not left.is_paused(), "what was left runs again")
            wait_until(lambda: len(program.undone()) == 2, "both are looked at")
            assert sorted(program.undone().values()) == ["gone", "restored"]
            assert {line["who"] for line in program.journal("undone")} == {"next_start"}
            assert stranger.is_paused()

"""The whole program on a real desktop: what a person does, and what comes of it."""

import json
import os
import random
import signal
import stat
import subprocess
import sys
import time
import urllib.error
from pathlib import Path

import pytest

from support.dbus_service import Caller
from support.desktop import Desktop, wait_until
from support.loads import BUSY, GROW
from support.notification_server import NotificationServer, Received
from support.running import OmniTray
from support.tray_host import TrayItem, TrayWatcher
from support.world import Inmate, World

QUICK = """
level = "intensive"
[thresholds.cpu]
hold_s = 2
"""
WAITS_NICE = 5  # of a session: a thirtieth of the weight of one that is pushed


@pytest.fixture
def program(desktop: Desktop) -> OmniTray:
    return OmniTray(desktop)


def icon(watcher: TrayWatcher, caller: Caller) -> TrayItem:
    wait_until(lambda: watcher.registered, "the icon is registered")
    return TrayItem(caller, watcher.registered[-1])


def window(desktop: Desktop) -> list[str]:
    return desktop.windows("omnitray")


def test_the_icon_comes_with_figures_and_the_mode_chosen_there_is_the_mode_everywhere(
    program: OmniTray, tray_watcher: TrayWatcher, caller: Caller
) -> None:
    program.start()
    item = icon(tray_watcher, caller)
    wait_until(lambda: "CPU" in item.tooltip and "dev mode" in item.tooltip, "figures come")
    item.choose("Mode", "test")
    wait_until(lambda: program.get("status")["mode"] == "test", "the mode is test")
    assert 'mode = "test"' in program.settings_text
    wait_until(lambda: "test mode" in item.tooltip, "the tooltip says so")
    program.configure('mode = "prod"\n')
    wait_until(lambda: program.get("status")["mode"] == "prod", "the file is taken up")
    assert program.end(timeout_s=3.0) == 0


def test_the_icon_comes_when_the_tray_comes_late_and_again_when_it_restarts(
    program: OmniTray, desktop: Desktop, caller: Caller
) -> None:
    program.start()
    time.sleep(1)  # the point is that nothing is there for a while
    watcher = TrayWatcher(desktop.bus_address)
    watcher.start()
    icon(watcher, caller)
    watcher.die()
    second = TrayWatcher(desktop.bus_address)
    second.start()
    icon(second, caller)
    second.die()


def test_without_a_tray_the_window_opens_and_says_how_to_get_one(
    program: OmniTray, desktop: Desktop
) -> None:
    program.start()
    wait_until(lambda: window(desktop), "the window opens", timeout_s=15)
    assert "no tray here" in program.log


def test_a_second_start_shows_the_window_of_the_first_also_after_a_crash(
    program: OmniTray, desktop: Desktop, tray_watcher: TrayWatcher, caller: Caller
) -> None:
    first = program.start()
    icon(tray_watcher, caller)
    first.kill()
    program.start()
    icon(tray_watcher, caller)
    assert window(desktop) == []
    second = program.launch()
    assert second.wait(10) == 0
    assert "its window is shown" in second.output
    wait_until(lambda: window(desktop), "the window is shown")


def shown(server: NotificationServer) -> Received:
    wait_until(lambda: server.on_screen, "it is notified", timeout_s=40)
    return server.on_screen[-1]


def test_a_real_cpu_load_is_told_once_with_its_culprit_and_taken_back_when_it_is_over(
    desktop: Desktop,
    world: World,
    notification_server: NotificationServer,
    tray_watcher: TrayWatcher,
) -> None:
    assert tray_watcher
    processors = world.hold_processors(desktop.folder)
    # Whether others wait is read there, until the probe has measured it.
    world.hold_cpu_pressure(desktop.folder, some_percent=80.0)
    program = OmniTray(desktop, prefix=world.prefix)
    program.configure(f'{QUICK}[protect]\nstate = "off"\n')
    program.start()
    with processors, Inmate(world, (sys.executable, "-c", BUSY, "2")) as load:
        load.push()
        processors.busy = True
        alert = wait_until(
            lambda: program.alert_of("RESOURCE_CRITICAL", "firing"), "it is stored", timeout_s=60
        )
        # Its probe decides whether others wait. It may be served at once beside two loops.
        program.push(WAITS_NICE)
        told = shown(notification_server)
        program.push(0)
        assert told.title.startswith("CPU")
        wait_until(lambda: program.get("status")["level"] == "critical", "it looks closely")
        culprit = alert["context"]["culprits"][0]
        assert culprit["pid"] == load.pid_inside
        # Beside busy neighbours it takes a good part of the processors a moment later only.
        wait_until(
            lambda: culprit["job"] in shown(notification_server).title, "it is named", timeout_s=40
        )
        assert len({each.number for each in notification_server.received}) == 1
        processors.busy = False
        load.end()
        wait_until(
            lambda: program.alert_of("RESOURCE_CRITICAL", "resolved"),
            "it is resolved",
            timeout_s=60,
        )
        wait_until(lambda: not notification_server.on_screen, "the notification is closed")
    assert program.end() == 0


def test_a_real_memory_load_is_told_with_its_culprit(
    desktop: Desktop,
    room: World,
    notification_server: NotificationServer,
    tray_watcher: TrayWatcher,
) -> None:
    assert tray_watcher
    room.hold_processors(desktop.folder)
    program = OmniTray(desktop, prefix=room.prefix)
    program.configure(
        'level = "intensive"\n[thresholds.memory]\n'
        "warning = 55\ncritical = 60\nclear_below = 1\nhold_s = 1\n"
    )
    program.start()
    load = (sys.executable, "-c", GROW, "700000000", "700000000")
    with Inmate(room, load) as hog:
        told = shown(notification_server)
        assert told.title.startswith("Memory")
        alert = wait_until(  # the notification does not wait for the disk
            lambda: program.alert_of("RESOURCE_CRITICAL", "firing"), "it is stored"
        )
        assert alert["context"]["culprits"][0]["pid"] == hog.pid_inside
    wait_until(
        lambda: program.alert_of("RESOURCE_CRITICAL", "resolved"), "it is resolved", timeout_s=60
    )
    assert program.end() == 0


def test_a_click_on_the_notification_opens_the_window_on_the_alert(
    program: OmniTray,
    desktop: Desktop,
    notification_server: NotificationServer,
    tray_watcher: TrayWatcher,
) -> None:
    assert tray_watcher
    program.start()
    raised = program.post("alerts", type="SERVER_DOWN", title="api is down", source="server:api")
    told = shown(notification_server)
    notification_server.act(told.number)
    wait_until(lambda: window(desktop), "the window opens")
    wait_until(lambda: f"shows alert {raised['id']}" in program.log, "it shows the alert")


def test_a_hostile_title_is_text_everywhere(
    program: OmniTray, notification_server: NotificationServer, tray_watcher: TrayWatcher
) -> None:
    assert tray_watcher
    program.start()
    hostile = '"; rm -rf ~ <b>&\u202eevil \u05e9\u05dc\u05d5\u05dd ' + "x" * 10_000
    raised = program.post("alerts", type="CRITICAL", title=hostile)
    told = shown(notification_server)
    assert len(told.title) < 500
    assert "<b>" in told.title
    (stored,) = program.stored()
    assert stored["id"] == raised["id"]
    assert stored["title"].startswith('"; rm -rf ~ <b>&')


def test_nothing_that_was_reported_as_stored_is_lost_when_it_is_killed(program: OmniTray) -> None:
    rounds = int(os.environ.get("OMNITRAY_KILL_ROUNDS", "12"))
    seed = int(os.environ.get("OMNITRAY_SEED", str(time.time_ns() % 10**6)))
    print(f"seed {seed}")  # noqa: T201 - repeats the run
    moments = random.Random(seed)  # noqa: S311 - moments, not secrets
    reported: dict[str, int] = {}
    for round_ in range(rounds):
        running = program.start("--headless")
        until = time.monotonic() + moments.uniform(0.05, 0.6)
        number = 0
        while time.monotonic() < until:
            number += 1
            answer = program.post(
                "alerts", type="TEST_FAILED", title="x", source=f"server:s{round_}-{number}"
            )
            reported[answer["id"]] = answer["count"]
        running.process.send_signal(signal.SIGKILL)
        running.wait(5)
    program.start("--headless")
    assert program.end() == 0
    assert set(reported) <= program.ids_on_disk()
    assert len(reported) > rounds


def fill(file: Path) -> None:
    """Write until there is no room."""
    with file.open("wb", buffering=0) as rest:
        while True:
            try:
                rest.write(b"x" * 512)
            except OSError:
                return


def test_a_full_disk_costs_no_alert(desktop: Desktop, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    folder = tmp_path / "small"
    (folder / "data").mkdir(parents=True)
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", folder / "data"], check=True
    )
    try:
        program = OmniTray(desktop, folder)
        program.start("--headless")
        program.post("alerts", type="CRITICAL", title="before")
        (folder / "data" / "filler").write_bytes(b"x" * 200_000)
        fill(folder / "data" / "rest")
        with pytest.raises(urllib.error.HTTPError, match="409"):
            program.post("alerts", type="CRITICAL", title="during", source="server:b")
        kept = [each["title"] for each in program.get("alerts?limit=10")["alerts"]]
        assert "during" in kept

        def said() -> list[str]:
            problems: list[str] = program.get("status")["problems"]
            return [each for each in problems if "in memory until there is room" in each]

        wait_until(said, "status says that it waits in memory")
        (folder / "data" / "filler").unlink()
        wait_until(
            lambda: [each for each in program.stored() if each["title"] == "during"],
            "it is written once there is room",
            timeout_s=20,
        )
        wait_until(lambda: not said(), "what is over is no problem")
        assert program.end() == 0
    finally:
        subprocess.run(["umount", "--lazy", folder / "data"], check=True)


def test_a_settings_file_with_ten_mistakes_starts_and_names_them(program: OmniTray) -> None:
    lines = ['mode = "fast"', "level = 7"] + [f"wrong_{n} = {n}" for n in range(8)]
    program.configure("\n".join(lines))
    program.start("--headless")
    assert program.get("status")["mode"] == "dev"
    for number in range(1, 11):
        assert f"line {number}:" in program.log


def test_headless_loads_no_gui_and_keeps_its_files_private(program: OmniTray) -> None:
    running = program.start("--headless")
    maps = Path(f"/proc/{running.pid}/maps").read_text()
    assert "QtCore" in maps
    assert "QtGui" not in maps
    assert "QtWidgets" not in maps
    program.post("alerts", type="CRITICAL", title="private")
    for file in program.home.rglob("*"):
        if file.name == "config.toml":
            continue  # written by the test
        mode = stat.S_IMODE(file.lstat().st_mode)
        assert mode & 0o077 == 0, f"{file} has mode {mode:o}"
    assert json.loads((program.home / "run" / "api.json").read_text())["pid"] == running.pid
    assert program.end(timeout_s=3.0) == 0
    assert not (program.home / "run" / "api.json").exists()


def test_a_second_headless_start_says_where_the_first_runs(program: OmniTray) -> None:
    running = program.start("--headless")
    second = program.launch("--headless")
    assert second.wait(10) == 0
    assert f"pid {running.pid}" in second.output

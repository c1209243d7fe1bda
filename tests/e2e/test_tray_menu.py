"""The tray's menu as a panel sees it: over com.canonical.dbusmenu."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.dbus_service import Caller
from support.desktop import REPOSITORY, Desktop, Program, wait_until
from support.tray_host import TrayItem, TrayWatcher

DRIVER = Path(__file__).parent / "drivers" / "tray_driver.py"


@pytest.fixture
def program(desktop: Desktop, tray_watcher: TrayWatcher) -> Iterator[Program]:
    running = desktop.launch(sys.executable, str(DRIVER), PYTHONPATH=str(REPOSITORY))
    wait_until(lambda: tray_watcher.registered, "the icon is registered")
    yield running
    if running.running():
        assert "Traceback" not in running.output


@pytest.fixture
def item(program: Program, tray_watcher: TrayWatcher, caller: Caller) -> TrayItem:
    assert program.running()
    return TrayItem(caller, tray_watcher.registered[-1])


def test_the_menu_has_state_figures_and_everything_that_can_be_chosen(item: TrayItem) -> None:
    wait_until(lambda: "RAM 61" in item.open_menu().children[1].label, "the figures are there")
    entries = item.open_menu().children
    assert [each.label for each in entries if each.visible and not each.separator] == [
        "All good",
        entries[1].label,
        "Show window",
        "Mode",
        "Level",
        "Protection",
        "Undo all",
        "Pause notifications",
        "Dashboard in the browser",
        "Alerts…",
        "Settings…",
        "Start at login",
        "Documentation",
        "About OmniTray",
        "Quit",
    ]
    assert [each.enabled for each in entries[:2]] == [False, False]
    assert "RAM 61 % · Disk – · dev mode" in entries[1].label
    assert [(each.label, each.checked) for each in item.entry("Mode").children] == [
        ("dev", True),
        ("test", False),
        ("prod", False),
    ]
    assert item.entry("Start at login").checked is False


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (("Mode", "test"), "mode_requested test"),
        (("Level", "Intensive: every second"), "level_requested intensive"),
        (("Pause notifications", "For 15 min"), "pause_requested 900.0"),
        (("Protection", "Watch only: says what it would do"), "protect_state_requested watch"),
        (("Alerts…",), "window_requested alerts"),
    ],
)
def test_what_is_chosen_is_asked_for(
    item: TrayItem, program: Program, labels: tuple[str, ...], said: str
) -> None:
    item.choose(*labels)
    wait_until(lambda: said in program.output, f"the program hears {said!r}")


def test_quit_ends_the_program(item: TrayItem, program: Program) -> None:
    item.choose("Quit")
    assert program.wait(5) == 0


def test_a_left_click_opens_the_window(item: TrayItem, program: Program) -> None:
    item.activate()
    wait_until(lambda: "window_requested overview" in program.output, "the window is asked for")


def test_the_menu_works_after_the_host_has_restarted_many_times(
    program: Program, tray_watcher: TrayWatcher, caller: Caller
) -> None:
    for restarts in range(1, 6):
        tray_watcher.die()
        wait_until(
            lambda restarts=restarts: program.output.count("changed False") == restarts,  # type: ignore[misc]
            "it misses the host",
        )
        tray_watcher.start()
        wait_until(lambda: tray_watcher.registered, "the icon is registered again")
    TrayItem(caller, tray_watcher.registered[-1]).choose("Mode", "prod")
    wait_until(lambda: "mode_requested prod" in program.output, "the program hears it")


def test_a_watcher_without_a_host_does_not_count_as_a_tray(
    desktop: Desktop, caller: Caller
) -> None:
    watcher = TrayWatcher(desktop.bus_address, hosted=False)
    with watcher:
        program = desktop.launch(sys.executable, str(DRIVER), PYTHONPATH=str(REPOSITORY))
        wait_until(lambda: "tray_available_changed False" in program.output, "nobody shows it")
        watcher.show_host()
        wait_until(
            lambda: program.output.splitlines()[-1] == "tray_available_changed True",
            "the host is seen",
        )
        wait_until(
            lambda: TrayItem(caller, watcher.registered[-1]).alive(), "the icon is registered"
        )

"""The icon on real tray hosts: there from the start, late, restarted, and of the older kind."""

import sys
import time
from pathlib import Path

from support.dbus_service import Caller
from support.desktop import (
    REPOSITORY,
    Desktop,
    Program,
    wait_until,
)
from support.panels import embedded_windows, start_trayer, start_xfce_panel
from support.tray_host import WATCHER, WATCHER_PATH, TrayItem, TrayWatcher

DRIVER = Path(__file__).parent / "drivers" / "tray_driver.py"


def start_tray(desktop: Desktop, *titles: str) -> Program:
    return desktop.launch(sys.executable, str(DRIVER), *titles, PYTHONPATH=str(REPOSITORY))


def the_item(watcher: TrayWatcher, caller: Caller) -> TrayItem:
    def registered() -> TrayItem | None:
        items = [TrayItem(caller, each) for each in watcher.registered]
        return next((each for each in items if each.alive()), None)

    return wait_until(registered, "the icon is registered")


def test_the_icon_registers_with_a_host_that_is_there(
    desktop: Desktop, tray_watcher: TrayWatcher, caller: Caller
) -> None:
    start_tray(desktop)
    item = the_item(tray_watcher, caller)
    assert wait_until(lambda: "RAM 61 %" in item.tooltip, "the tooltip has the figures")
    assert {22, 24, 32, 48, 64} <= set(item.pixmaps())


def test_the_icon_registers_with_a_host_that_comes_later(desktop: Desktop, caller: Caller) -> None:
    program = start_tray(desktop)
    wait_until(lambda: "tray_available_changed False" in program.output, "it says there is no tray")
    watcher = TrayWatcher(desktop.bus_address)
    time.sleep(5)  # what is tested: the delay of a slow login
    with watcher:
        the_item(watcher, caller)
        wait_until(lambda: "tray_available_changed True" in program.output, "it says there is one")


def test_the_icon_comes_back_when_the_host_restarts(
    desktop: Desktop, tray_watcher: TrayWatcher, caller: Caller
) -> None:
    program = start_tray(desktop)
    the_item(tray_watcher, caller)
    tray_watcher.die()
    wait_until(lambda: "tray_available_changed False" in program.output, "it misses the host")
    tray_watcher.start()
    the_item(tray_watcher, caller)
    assert program.output.count("tray_available_changed True") == 2


def test_the_icon_is_shown_by_the_xfce_panel(desktop: Desktop, caller: Caller) -> None:
    start_xfce_panel(desktop)
    wait_until(lambda: caller.owner(WATCHER), "the panel takes icons", timeout_s=60)
    start_tray(desktop)
    wait_until(
        lambda: caller.get(WATCHER, WATCHER_PATH, WATCHER, "RegisteredStatusNotifierItems"),
        "the panel has the icon",
    )


def test_the_icon_is_embedded_by_a_tray_of_the_older_kind(desktop: Desktop) -> None:
    start_trayer(desktop)
    program = start_tray(desktop)
    wait_until(lambda: embedded(desktop), "the icon is in the tray", timeout_s=60)
    assert program.running()


def test_the_icon_returns_to_a_tray_of_the_older_kind_that_restarts(desktop: Desktop) -> None:
    program = start_tray(desktop)
    wait_until(lambda: "tray_available_changed False" in program.output, "it says there is no tray")
    trayer = start_trayer(desktop)
    wait_until(lambda: embedded(desktop), "the icon is in the tray", timeout_s=60)
    trayer.kill()
    wait_until(lambda: not embedded(desktop), "the tray is gone")
    start_trayer(desktop)
    wait_until(
        lambda: embedded(desktop),
        "the icon is in the new tray",
        timeout_s=20,
    )


def test_without_a_notification_service_an_icon_of_the_older_kind_says_it_itself(
    desktop: Desktop,
) -> None:
    start_trayer(desktop)
    program = start_tray(desktop, "Memory 93 %")
    balloon = wait_until(lambda: wide_windows(desktop), "the balloon is shown", timeout_s=60)
    desktop.click(balloon[0], 20, 20)
    wait_until(lambda: "clicked a1" in program.output, "the click is for that alert")


def wide_windows(desktop: Desktop) -> list[str]:
    """Visible windows of ours that are more than an icon."""
    return [each for each in desktop.windows("tray_driver") if desktop.width(each) > 100]


def embedded(desktop: Desktop) -> list[str]:
    return embedded_windows(desktop, "tray_driver")

"""Pictures of every view, light and dark, at 100 and 200 %, with sample facts; the icon's sheet.

    python packaging/shots.py [FOLDER] [--only PAGE]

Needs Xvfb where there is no display; the facts come from ``tests/support/samples.py`` and were
never measured. Each scale is a process of its own, since Qt reads the scale once.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PySide6.QtCore import Qt
    from PySide6.QtWidgets import QApplication

    from omnitray.ui.window import MainWindow

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("overview", "processes", "protection", "alerts", "servers", "settings")
EXTRAS = ("question", "empty", "empty-alerts", "empty-servers", "crosshair")
ICONS = "tray-icons"
_FONT = ("Inter", 10.0)


def main(arguments: list[str] | None = None) -> int:
    """Make the pictures; 0 when all were made."""
    parser = argparse.ArgumentParser(description="Pictures of every view, with sample facts.")
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / ".shots")
    parser.add_argument("--only", help="one view")
    parser.add_argument("--scale", type=int, choices=(1, 2), help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    asked.folder.mkdir(parents=True, exist_ok=True)
    if asked.scale:
        return _paint(asked.folder, asked.scale, asked.only)
    return _each_scale(asked.folder, asked.only)


def _each_scale(folder: Path, only: str | None) -> int:
    server, display = _display()
    try:
        for scale in (1, 2):
            command = [sys.executable, __file__, str(folder), "--scale", str(scale)]
            environment = {
                **os.environ,
                "DISPLAY": display,
                "QT_QPA_PLATFORM": "xcb" if display else "offscreen",
                "QT_SCALE_FACTOR": str(scale),
                "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "tests"))),
                "TZ": "UTC",
            }
            extra = ["--only", only] if only else []
            done = subprocess.run([*command, *extra], env=environment, check=False)
            if done.returncode:
                return 1
    finally:
        if server is not None:
            server.terminate()
            server.wait()
    return 0


def _display() -> tuple["subprocess.Popen[bytes] | None", str]:
    """A display of our own; without Xvfb the offscreen platform has to do."""
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "2400x1700x24"]
    try:
        server = subprocess.Popen(
            command, pass_fds=(writing,), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    except FileNotFoundError:
        print("Xvfb is not installed: the pictures are drawn offscreen.")
        return None, ""
    finally:
        os.close(writing)
    with os.fdopen(reading) as pipe:
        return server, f":{pipe.readline().strip()}"


def _paint(folder: Path, scale: int, only: str | None) -> int:
    from PySide6.QtCore import Qt  # noqa: PLC0415 - the scale has to be set before Qt is loaded
    from PySide6.QtGui import QFont  # noqa: PLC0415 - likewise
    from PySide6.QtWidgets import QApplication  # noqa: PLC0415 - likewise

    app = QApplication([])
    app.setStyle("Fusion")
    font = QFont(_FONT[0])
    font.setPointSizeF(_FONT[1])
    app.setFont(font)
    if scale == 1 and only in (None, ICONS):
        _paint_icons(folder / f"{ICONS}.png")
    for scheme, name in ((Qt.ColorScheme.Light, "light"), (Qt.ColorScheme.Dark, "dark")):
        for view in (*PAGES, *EXTRAS):
            if only in (None, view):
                target = folder / f"{view}-{name}{'' if scale == 1 else '@2x'}.png"
                _shoot(app, scheme, view, target)
                print(target)
    return 0


def _paint_icons(target: Path) -> None:
    from icon_sheet import sheet  # noqa: PLC0415 - Qt comes first

    sheet().save(str(target))
    print(target)


def _shoot(app: "QApplication", scheme: "Qt.ColorScheme", view: str, target: Path) -> None:
    window = _window(scheme, empty=view.startswith("empty"))
    window.show_page({"empty-alerts": "alerts", "empty-servers": "servers"}.get(view, view))
    _arrange(window, view)
    window.show()
    for _ in range(5):
        app.processEvents()
    window.grab().save(str(target))
    window.close()
    window.deleteLater()
    app.processEvents()


def _window(scheme: "Qt.ColorScheme", *, empty: bool) -> "MainWindow":
    from omnitray.api.status import Status  # noqa: PLC0415 - Qt comes first
    from omnitray.settings import Settings  # noqa: PLC0415 - likewise
    from omnitray.ui.theme import Theme  # noqa: PLC0415 - likewise
    from omnitray.ui.window import MainWindow  # noqa: PLC0415 - likewise
    from support import samples, server_samples  # noqa: PLC0415 - only a child has tests/ on its path
    from support.clock import FakeClock  # noqa: PLC0415 - likewise

    clock = FakeClock()
    clock.jump_wall(samples.NOW - clock.wall())
    source = samples.ListedAlerts([] if empty else samples.alerts())
    window = MainWindow(
        source, clock=clock, theme=Theme(scheme), server_log=server_samples.server_log
    )
    window.show_settings(Settings())
    window.show_status(Status() if empty else samples.status())
    if not empty:
        window.set_history(samples.snapshots())
        window.set_alert_history(samples.alerts())
        window.show_jobs(samples.jobs())
        window.show_actions(samples.protection())
        window.show_servers(server_samples.servers())
        window.pages.show_inspection(samples.look())
    return window


def _arrange(window: "MainWindow", view: str) -> None:
    from omnitray.ui.pages.overview import OverviewPage  # noqa: PLC0415 - Qt comes first
    from omnitray.ui.pages.processes.page import ProcessesPage  # noqa: PLC0415 - likewise
    from support import samples  # noqa: PLC0415 - only a child has tests/ on its path

    if view == "question":
        window.show_question(samples.question())
    if view == "alerts":
        window.show_alert_details("a00002")
    if view == "processes" and (page := window.pages.get(ProcessesPage)):
        page.select("pytest:41207")
        page.view.expand(page.model.index_of("pytest:41207"))
    if view == "crosshair" and (overview := window.pages.get(OverviewPage)):
        overview.cards["CPU"].chart.point_at(150.0)


if __name__ == "__main__":
    sys.exit(main())

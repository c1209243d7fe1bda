"""Pictures of every view, light and dark, at 100 and 200 %, with sample facts; the icon's sheet.

    python packaging/shots.py [FOLDER] [--only VIEW] [--points 18] [--size 560x400] [--names long]

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
    from PySide6.QtWidgets import QApplication, QWidget

    from omnitray.ui.theme import Theme
    from omnitray.ui.window import MainWindow

ROOT = Path(__file__).resolve().parent.parent
EMPTY = "empty-"
EXTRAS = ("question", "crosshair", "welcome", "menu", "add-webhook")
ICONS = "tray-icons"
_FONT = "Inter"
NAMES = ("plain", "long", "path", "right to left")


def main(arguments: list[str] | None = None) -> int:
    """Make the pictures; 0 when all were made."""
    parser = argparse.ArgumentParser(description="Pictures of every view, with sample facts.")
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / ".shots")
    parser.add_argument("--only", help="one view: a page, empty-PAGE, question, welcome, …")
    parser.add_argument("--points", type=float, default=10.0, help="size of the font")
    parser.add_argument("--size", default="960x640", help="size of the window")
    parser.add_argument("--names", choices=NAMES, default="plain", help="what others have named")
    parser.add_argument("--scale", type=int, choices=(1, 2), help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    asked.folder.mkdir(parents=True, exist_ok=True)
    if asked.scale:
        return _paint(asked)
    return _each_scale(sys.argv[1:] if arguments is None else arguments)


def _each_scale(arguments: list[str]) -> int:
    server, display = _display()
    try:
        for scale in (1, 2):
            command = [sys.executable, __file__, *arguments, "--scale", str(scale)]
            environment = {
                **os.environ,
                "DISPLAY": display,
                "QT_QPA_PLATFORM": "xcb" if display else "offscreen",
                "QT_SCALE_FACTOR": str(scale),
                "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "tests"))),
                "TZ": "UTC",
            }
            done = subprocess.run(command, env=environment, check=False)
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


def _paint(asked: argparse.Namespace) -> int:
    from PySide6.QtCore import Qt  # noqa: PLC0415 - the scale has to be set before Qt is loaded
    from PySide6.QtGui import QFont  # noqa: PLC0415 - likewise
    from PySide6.QtWidgets import QApplication  # noqa: PLC0415 - likewise

    app = QApplication([])
    app.setStyle("Fusion")
    font = QFont(_FONT)
    font.setPointSizeF(asked.points)
    app.setFont(font)
    if asked.scale == 1 and asked.only in (None, ICONS):
        _paint_icons(asked.folder / f"{ICONS}.png")
    for scheme, name in ((Qt.ColorScheme.Light, "light"), (Qt.ColorScheme.Dark, "dark")):
        for view in _views():
            if asked.only in (None, view):
                double = "" if asked.scale == 1 else "@2x"
                target = asked.folder / f"{view}-{name}{double}.png"
                _shoot(app, scheme, view, target, asked)
                print(target)
    return 0


def _views() -> list[str]:
    from omnitray.ui.pages.registry import PAGES  # noqa: PLC0415 - Qt comes first

    pages = [entry.name for entry in PAGES]
    return [*pages, *(f"{EMPTY}{page}" for page in pages), *EXTRAS]


def _paint_icons(target: Path) -> None:
    from icon_sheet import sheet  # noqa: PLC0415 - Qt comes first

    sheet().save(str(target))
    print(target)


def _shoot(
    app: "QApplication",
    scheme: "Qt.ColorScheme",
    view: str,
    target: Path,
    asked: argparse.Namespace,
) -> None:
    from omnitray.ui.theme import Theme  # noqa: PLC0415 - Qt comes first
    from support.sample_window import (  # noqa: PLC0415 - only a child has tests/ on its path
        NAMES,
        empty_window,
        sample_window,
    )

    theme = Theme(scheme)
    empty = view.startswith(EMPTY)
    window = empty_window(theme) if empty else sample_window(NAMES[asked.names], theme)
    window.resize(*map(int, asked.size.split("x")))
    window.show_page(view.removeprefix(EMPTY))
    window.show()
    app.processEvents()
    seen = _arrange(window, view, theme) or window
    for _ in range(5):
        app.processEvents()
    seen.grab().save(str(target))
    for each in {seen, window}:
        each.close()
        each.deleteLater()
    app.processEvents()


def _arrange(window: "MainWindow", view: str, theme: "Theme") -> "QWidget | None":
    """Bring into sight what the view is of; a widget other than the window where it is that."""
    from omnitray.base.facts import ProtectState  # noqa: PLC0415 - Qt comes first
    from omnitray.ui.pages.channels.page import AddWebhook  # noqa: PLC0415 - likewise
    from omnitray.ui.pages.overview import OverviewPage  # noqa: PLC0415 - likewise
    from omnitray.ui.pages.processes.page import ProcessesPage  # noqa: PLC0415 - likewise
    from omnitray.ui.welcome import Welcome  # noqa: PLC0415 - likewise
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
    seen: QWidget | None = None
    if view == "welcome":
        seen = Welcome(theme, ProtectState.ON, has_tray=True)
    if view == "menu":
        window.header.menu.click()
        seen = window.menu.menu
    if view == "add-webhook":
        seen = AddWebhook(window)
    if seen is not None:
        seen.show()
    return seen


if __name__ == "__main__":
    sys.exit(main())

"""OmniTray on real desktops: python3 packaging/dev.py test --desktops [NAME …].

Each desktop is started without a screen (:mod:`desktops.recipes`), OmniTray on it as a person
would, and then looked at: icon registered and drawn, menu, notification and a real click on it,
window in front, colour scheme, quit. What was found and the screenshots go into
``docs/desktops.md`` and ``docs/images/desktops``. Outside of the normal run: it needs the packages
of the desktops, and minutes.
"""

import argparse
import datetime as dt
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from desktops.recipes import DESKTOPS, DesktopUnderTest  # noqa: E402 - the path comes first
from desktops.report import PICTURED, Finding, Found, write_page  # noqa: E402 - likewise
from desktops.seeing import FoundIcon, changed, find_icon, what_appeared, window_look  # noqa: E402 - likewise
from desktops.session import missing  # noqa: E402 - likewise
from support.running import command  # noqa: E402 - likewise

PICTURES = ROOT / "docs" / "images" / "desktops"
_NAMESPACE = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")
_ALONE = "OMNITRAY_DESKTOPS_ALONE"  # set for the run within the namespace
# Who runs this does other things as well: nothing is acted on, and no notification is about that.
_SETTINGS = '[protect]\nstate = "watch"\n[thresholds.cpu]\nhold_s = 3600\n'
_PATIENCE_S = 40.0  # for what a desktop without a graphics card draws on a busy machine
_MENU_OPENS = "the tray's menu opens"  # the program says it
_ON_ITS_WORDS = (0.33, 0.4)
_OPENED = 40  # of every 64th pixel: a menu or a window is larger


class Visit:
    """One desktop with OmniTray on it."""

    def __init__(self, desktop: DesktopUnderTest, pictures: Path) -> None:
        self.desktop = desktop
        self.session = desktop.session
        self.pictures = pictures
        self.found: list[Finding] = []
        self.session.write("omnitray/config.toml", _SETTINGS)

    def go(self) -> Found:
        """Everything in turn; what fails says so and the rest is looked at all the same."""
        self.desktop.start()
        time.sleep(3)
        self.bare = self.session.folder / "bare.png"
        self.desktop.shoot(self.bare)
        self.program = self.session.start(command(), "--verbose")
        for name, look in (
            ("icon registered", self._registered),
            ("icon drawn", self._drawn),
            ("menu by a click", self._menu),
            ("notification, and a click on it", self._notification),
            ("window in front", self._in_front),
            ("light and dark", self._schemes),
            ("foreground known", self._foreground),
            ("quit", self._quit),
        ):
            self._look(name, look)
        today = dt.datetime.now().astimezone().date().isoformat()
        return Found(self.desktop.name, self.desktop.title, tuple(self.found), day=today)

    def _look(self, name: str, look: Callable[[], tuple[bool, str]]) -> None:
        try:
            works, words = look()
        except Exception as fault:  # noqa: BLE001 - whatever a desktop does wrong is a finding
            works, words = False, f"{fault}"
        self.found.append(Finding(name, works, words))
        print(f"  {'yes' if works else 'no ':3} {name}: {words}", flush=True)

    def _shot(self, what: str) -> Path:
        folder = self.pictures if what in PICTURED else self.session.folder
        target = folder / f"{self.desktop.name}-{what}.png"
        target.unlink(missing_ok=True)
        self.desktop.shoot(target)
        return target

    def _ask(self, *words: str) -> str:
        return self.session.run(command(), *words).stdout

    def _log(self) -> str:
        state = Path(self.session.environment["XDG_STATE_HOME"])
        return (state / "omnitray" / "log" / "omnitray.log").read_text()

    def _registered(self) -> tuple[bool, str]:
        self.session.wait(lambda: self._ask("status"), "OmniTray answers", 40)
        watcher, path = "org.kde.StatusNotifierWatcher", "/StatusNotifierWatcher"
        method = "org.freedesktop.DBus.Properties.Get"

        def items() -> str:
            return self.session.dbus(
                watcher, path, method, watcher, "RegisteredStatusNotifierItems"
            )

        self.session.wait(lambda: "/StatusNotifierItem" in items(), "an item", 15)
        return True, "by StatusNotifierItem"

    def _icon(self) -> FoundIcon | None:
        return find_icon(self._shot("icon"), self.bare)

    def _drawn(self) -> tuple[bool, str]:
        found: list[FoundIcon] = []

        def look() -> bool:
            if icon := self._icon():
                found.append(icon)
            return bool(found)

        if not _within(_PATIENCE_S, look):
            return False, "its colours are not on the panel"
        return True, f"at {found[0].x}, {found[0].y}, in the ink of a {found[0].panel.value} panel"

    def _menu(self) -> tuple[bool, str]:
        icon = self._icon()
        if icon is None:
            return False, "no icon to click on"
        before = self._shot("icon")
        self.desktop.click(icon.x, icon.y, right=True)
        told = _within(_PATIENCE_S, lambda: _MENU_OPENS in self._log())
        time.sleep(2)
        drawn = changed(before, self._shot("menu")) > _OPENED
        self.desktop.click(640, 500)
        time.sleep(1)
        if not told:
            return False, "a right click opened nothing of ours"
        return drawn, "right click" if drawn else "it was asked for by a right click and not drawn"

    def _notification(self) -> tuple[bool, str]:
        time.sleep(1)
        before = self._shot("icon")
        title = "Nightly run: 3 failed"
        self._ask("alert", "TEST_FAILED", title, "--severity", "critical", "--message", "build 214")
        alerts = json.loads(self._ask("alerts", "--json"))["alerts"]
        alert_id = next(each["id"] for each in alerts if each["title"] == title)
        seen = _within(_PATIENCE_S, lambda: changed(before, self._shot("notification")) > _OPENED)
        if not seen:
            absent = "No notification can be shown" in self._log()
            why = "the notification service of this session does not start"
            return False, why if absent else "none is seen"
        time.sleep(1)  # it slides in
        shown = what_appeared(before, self._shot("notification"))
        if shown is None:
            return False, "it went before it could be clicked on"
        across, down = self.desktop.details_button or _ON_ITS_WORDS
        x, y = shown[0] + round(shown[2] * across), shown[1] + round(shown[3] * down)
        self.desktop.click(x, y)
        where = "its button" if self.desktop.details_button else "it"
        opened = f"the window shows alert {alert_id}"
        done = _within(_PATIENCE_S, lambda: opened in self._log())
        what = "opened the alert" if done else "opened nothing"
        return done, f"shown; a real click on {where}, at {x}, {y}, {what}"

    def _in_front(self) -> tuple[bool, str]:
        self.session.run(command())  # a second start shows the window of the first
        time.sleep(3)
        picture = self._shot("window")
        title = self.desktop.active_title()
        if title:
            return title.startswith("OmniTray"), f"the active window is “{title}”"
        return bool(window_look(picture)), "seen on the screen; nothing says which is active"

    def _schemes(self) -> tuple[bool, str]:
        seen = []
        for dark in (False, True):
            if not self.desktop.set_dark(dark):
                return False, "this desktop has no such wish"
            time.sleep(3)
            seen.append(window_look(self._shot("dark" if dark else "window")))
        return seen == ["light", "dark"], f"asked for light, then dark; seen: {seen}"

    def _foreground(self) -> tuple[bool, str]:
        findings = json.loads(self._ask("doctor", "--json"))["findings"]
        said = next((each for each in findings if each["topic"] == "foreground"), None)
        if said is None:
            return False, "doctor does not say"
        return said["verdict"] == "ok", said["found"]

    def _quit(self) -> tuple[bool, str]:
        self._ask("quit")
        code = self.program.wait(10)
        return code == 0, f"exit status {code}"


def _within(limit_s: float, condition: Callable[[], bool]) -> bool:
    """Whether it becomes so in this time."""
    deadline = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.5)
    return True


def main(arguments: list[str] | None = None) -> int:
    """Visit the desktops; 0 when all that was found is as it should be."""
    parser = argparse.ArgumentParser(description="OmniTray on real desktops.")
    names = [each.name for each in DESKTOPS]
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(names))
    asked = parser.parse_args(arguments)
    if wrong := set(asked.names) - set(names):
        parser.error(f"there is no {', '.join(sorted(wrong))}; there are {', '.join(names)}")
    if _ALONE not in os.environ and _may_be_alone():
        words = [*_NAMESPACE, sys.executable, __file__, *asked.names]
        return subprocess.call(words, env={**os.environ, _ALONE: "1"})
    PICTURES.mkdir(parents=True, exist_ok=True)
    found = [_visited(each) for each in DESKTOPS if not asked.names or each.name in asked.names]
    write_page(ROOT / "docs" / "desktops.md", found)
    return int(any(not each.came_up for each in found))


def _may_be_alone() -> bool:
    """Whether a PID namespace can be had, in which no picture shows what else runs here."""
    if shutil.which(_NAMESPACE[0]) is None:
        return False
    return subprocess.run([*_NAMESPACE, "true"], capture_output=True, check=False).returncode == 0


def _visited(kind: type[DesktopUnderTest]) -> Found:
    print(kind.title, flush=True)
    if lacking := missing(kind.programs):
        install = (
            f"not tried: {', '.join(lacking)} missing (apt-get install {' '.join(kind.packages)})"
        )
        print(f"  {install}", flush=True)
        return Found(kind.name, kind.title, (), install)
    with tempfile.TemporaryDirectory(prefix="omnitray-desktop-") as folder:
        desktop = kind(Path(folder))
        Path(folder).chmod(0o755)
        try:
            return Visit(desktop, PICTURES).go()
        except (TimeoutError, OSError) as fault:
            print(f"  it did not start: {fault}", flush=True)
            return Found(kind.name, kind.title, (), f"it did not start: {fault}")
        finally:
            desktop.session.stop()


if __name__ == "__main__":
    sys.exit(main())

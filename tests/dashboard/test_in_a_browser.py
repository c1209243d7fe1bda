"""The dashboard of the real program in a real Chromium: ``packaging/dev.py test --dashboard``.

The screenshots stand in ``OMNITRAY_SHOTS``, if it names a folder.
"""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.browser import Page, chromium
from support.receivers import free_port

HOSTILE = "<img src=x onerror=alert(1)> is down"


class Desk:
    """The program, headless, at the level that looks each second; and a browser."""

    def __init__(self, home: Path, page: Page) -> None:
        self.home = home
        self.page = page

    @property
    def api(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.home / "run" / "api.json").read_text())
        return found

    def ask(self, method: str, path: str, body: object = None) -> Any:
        api = self.api
        headers = {"Authorization": f"Bearer {api['token']}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        url = f"{api['url']}/api/monitoring{path}"
        request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310 - our own
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - likewise
            return json.loads(answer.read())

    def address(self) -> str:
        """One that opens the dashboard once."""
        path: str = self.ask("POST", "/dashboard")["path"]
        return f"{self.api['url']}{path}"

    def open(self) -> None:
        self.page.open(self.address())
        self.page.until(lambda: "%" in self.page.text("#gauges"), "the figures are there")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    folder = tmp_path
    home = folder / "omnitray"
    config = home / "config" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(
        f'level = "intensive"\n[api]\nport = {free_port()}\n[protect]\nstate = "off"\n'
    )
    config.chmod(0o600)
    with (folder / "omnitray.log").open("wb") as output:
        program = subprocess.Popen(
            [sys.executable, "-m", "omnitray", "--headless"],
            stdout=output,
            stderr=output,
            env={**os.environ, "OMNITRAY_HOME": str(home)},
        )
    try:
        with chromium(folder) as page:
            page.until((home / "run" / "api.json").exists, "the program answers")
            yield Desk(home, page)
    finally:
        program.terminate()
        program.wait(30)


def test_the_address_opens_once_and_becomes_a_cookie_that_no_script_reads(desk: Desk) -> None:
    address = desk.address()
    desk.page.open(address)
    desk.page.until(lambda: "%" in desk.page.text("#gauges"), "the figures are there")
    assert desk.page.js("location.pathname + location.search") == "/dashboard"
    (cookie,) = desk.page.do("Network.getCookies")["cookies"]
    assert (cookie["name"], cookie["path"]) == ("omnitray_dashboard", "/dashboard")
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["session"]) == (True, "Strict", True)
    assert desk.api["token"] not in cookie["value"]
    assert desk.page.js("document.cookie") == ""
    desk.page.do("Network.clearBrowserCookies")
    desk.page.open(address)
    assert "opens once" in desk.page.text("body")
    desk.page.said.clear()  # the 401 is in the console, as it should be


def test_it_shows_jobs_alerts_and_figures_that_move_and_the_console_stays_empty(desk: Desk) -> None:
    desk.open()
    page = desk.page
    assert "No alert is open." in page.text("#alerts")
    page.until(lambda: "MB" in page.text("#jobs"), "jobs are shown")
    raised = desk.ask("POST", "/alerts", {"type": "SERVER_DOWN", "title": HOSTILE})
    page.until(lambda: HOSTILE in page.text("#alerts"), "the alert comes without a reload")
    assert page.js("document.images.length") == 0
    points = "[...document.querySelectorAll('#chart polyline')].map(e => e.points.length).join()"
    drawn = "[...document.querySelectorAll('#chart polyline')].map(e => e.outerHTML).join()"
    page.until(lambda: all(page.js(points).split(",")), "both lines are drawn")
    before = page.js(drawn)
    page.until(lambda: page.js(drawn) != before, "the chart moves")
    desk.ask("POST", f"/alerts/{raised['id']}/resolve", {})
    page.until(lambda: HOSTILE not in page.text("#alerts"), "the alert goes")
    assert page.said == []


def test_nothing_of_others_can_be_loaded_or_run(desk: Desk) -> None:
    desk.open()
    page = desk.page
    tries = {
        "an inline script": "const s = document.createElement('script');"
        " s.textContent = 'window.ran = 1'; document.body.append(s); String(window.ran)",
        "a style": "document.body.setAttribute('style', 'color: red');"
        " String(document.body.style.length === 0 ? undefined : 1)",
        "a request elsewhere": "fetch('http://127.0.0.1:9/').then(() => 'went', () => 'undefined')",
    }
    assert {what: page.js(code) for what, code in tries.items()} == dict.fromkeys(
        tries, "undefined"
    )
    assert len([each for each in page.said if "Content Security Policy" in each]) >= 2
    page.said.clear()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1100, 360], ids=["wide", "narrow"])
def test_it_fits_and_can_be_read(desk: Desk, *, dark: bool, width: int) -> None:
    raised = desk.ask("POST", "/alerts", {"type": "SERVER_DOWN", "title": "Server “api” is down"})
    page = desk.page
    page.looks(dark=dark, width=width)
    desk.open()
    page.until(lambda: "api" in page.text("#alerts"), "the alert is there")
    page.until(lambda: "MB" in page.text("#jobs"), "the jobs are there")
    assert page.js("document.documentElement.scrollWidth") <= width
    ground = page.js("getComputedStyle(document.body).backgroundColor")
    ink = page.js("getComputedStyle(document.body).color")
    light, ink_light = _luminance(ground), _luminance(ink)
    assert (light < 0.1) == dark
    high, low = max(light, ink_light), min(light, ink_light)
    assert (high + 0.05) / (low + 0.05) >= 7  # WCAG 2.2, 1.4.6
    if folder := os.environ.get("OMNITRAY_SHOTS"):
        page.shot(Path(folder) / f"dashboard-{'dark' if dark else 'light'}-{width}.png")
    desk.ask("POST", f"/alerts/{raised['id']}/resolve", {})
    assert page.said == []


def test_a_new_token_ends_it(desk: Desk) -> None:
    desk.open()
    desk.ask("POST", "/token/rotate", {})
    desk.page.until(lambda: "session is over" in desk.page.text("#headline"), "it is let out")
    desk.page.said.clear()


def _luminance(colour: str) -> float:
    """WCAG 2.2: relative luminance of ``rgb(r, g, b)``."""
    shares = [int(each) / 255 for each in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
    red, green, blue = linear
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue

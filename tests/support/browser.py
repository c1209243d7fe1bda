"""A real Chromium without a screen, over its DevTools protocol.

https://chromedevtools.github.io/devtools-protocol/; only what a test of a page needs.
"""

import base64
import json
import os
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

LONG_S = 60.0
SWITCHES = (
    "--headless=new",
    "--no-sandbox",  # as root, in a container
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
)


class Page:
    """One tab; ``said`` is what it wrote to its console, errors and refusals of its policy too."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._number = 0
        self.said: list[str] = []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.do(f"{domain}.enable")

    def do(self, method: str, **parameters: Any) -> Any:
        self._number += 1
        sent = {"id": self._number, "method": method, "params": parameters}
        self._connection.send(json.dumps(sent))
        while True:
            got = json.loads(self._connection.recv(LONG_S))
            if got.get("id") == self._number:
                assert "error" not in got, (method, got)
                return got["result"]
            self._note(got)

    def _note(self, got: dict[str, Any]) -> None:
        if got["method"] == "Log.entryAdded":
            entry = got["params"]["entry"]
            self.said.append(f"{entry['level']}: {entry['text']} {entry.get('url', '')}")
        elif got["method"] == "Runtime.exceptionThrown":
            self.said.append(f"exception: {got['params']['exceptionDetails']['text']}")
        elif got["method"] == "Runtime.consoleAPICalled":
            self.said.append(f"console.{got['params']['type']}")

    def js(self, expression: str) -> Any:
        found = self.do("Runtime.evaluate", expression=expression, awaitPromise=True)
        return found["result"].get("value")

    def text(self, selector: str) -> str:
        found = self.js(f"(document.querySelector({selector!r}) || {{}}).innerText || ''")
        return str(found)

    def open(self, address: str) -> None:
        self.do("Page.navigate", url=address)
        self.until(lambda: self.js("document.readyState") == "complete", "the page is there")

    def until(self, true: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + LONG_S
        while not true():
            assert time.monotonic() < deadline, f"not in time: {what}; {self.said}"
            time.sleep(0.1)

    def looks(self, *, dark: bool, width: int, height: int = 900) -> None:
        """Another colour scheme and size."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.do("Emulation.setEmulatedMedia", features=[scheme])
        self.do(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def shot(self, file: Path) -> None:
        found = self.do("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(found["data"]))


@contextmanager
def chromium(folder: Path) -> Iterator[Page]:
    """A tab of a browser with a profile of its own in ``folder``."""
    command = shutil.which("chromium")
    assert command is not None, "chromium is not installed"
    profile = folder / "profile"
    with (folder / "chromium.log").open("wb") as output:
        browser = subprocess.Popen(
            [command, *SWITCHES, f"--user-data-dir={profile}", "about:blank"],
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        port = _port(profile / "DevToolsActivePort")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json", timeout=20) as answer:
            tabs = json.loads(answer.read())
        address = next(each["webSocketDebuggerUrl"] for each in tabs if each["type"] == "page")
        with connect(address, max_size=None, compression=None) as connection:
            yield Page(connection)
    finally:
        os.killpg(browser.pid, signal.SIGKILL)  # its helpers, too
        browser.wait(LONG_S)


def _port(file: Path) -> int:
    deadline = time.monotonic() + LONG_S
    while True:
        lines = file.read_text().split() if file.exists() else []
        if len(lines) > 1:
            return int(lines[0])
        assert time.monotonic() < deadline, "chromium does not start"
        time.sleep(0.1)

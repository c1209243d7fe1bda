"""The whole program under test: started as a person starts it, asked through its own API."""

import gzip
import json
import os
import shutil
import signal
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import psutil
import pytest

from support.desktop import Desktop, Program, wait_until
from support.world import PUSHED_NICE

START_S = 20.0


def command() -> str:
    """The ``omnitray`` to test: from the wheel where one is named, else the checkout's."""
    named = os.environ.get("OMNITRAY_UNDER_TEST")
    beside = Path(sys.executable).with_name("omnitray")
    found = named or (str(beside) if beside.exists() else shutil.which("omnitray"))
    if not found:
        pytest.fail("there is no omnitray command to test; run packaging/dev.py test")
    return found


class OmniTray:
    """A running OmniTray with folders of its own."""

    def __init__(
        self, desktop: Desktop, home: Path | None = None, prefix: tuple[str, ...] = ()
    ) -> None:
        self.desktop = desktop
        self.prefix = prefix
        self.home = home or desktop.folder / "omnitray"
        self.program: Program | None = None

    def configure(self, text: str) -> None:
        """Write the settings file; without a word on protection it is off: see :meth:`launch`."""
        if "[protect]" not in text:
            text = f'{text}\n[protect]\nstate = "off"\n'
        file = self.home / "config" / "config.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    @property
    def settings_text(self) -> str:
        """The settings file as it is now."""
        return (self.home / "config" / "config.toml").read_text()

    def start(self, *arguments: str, answering: bool = True) -> Program:
        """Start it; returns when its API answers."""
        self.program = self.launch(*arguments)
        if answering:
            self.wait_until_it_answers()
        return self.program

    def push(self, nice: int = PUSHED_NICE) -> None:
        """Give its session weight: what it measures of waiting is not that of its neighbours.

        With a ``nice`` above 0 it gets less than they do: it waits for those that are pushed.
        """
        file = Path(f"/proc/{self.program.pid}/autogroup") if self.program else None
        if file is not None and file.exists():
            file.write_text(str(nice))

    def launch(self, *arguments: str) -> Program:
        """Start the command and do not wait.

        Whoever runs the tests does other things as well: nothing of theirs may be acted on.
        """
        if not (self.home / "config" / "config.toml").exists():
            self.configure("")
        return self.desktop.launch(
            *self.prefix, command(), *arguments, OMNITRAY_HOME=str(self.home)
        )

    def wait_until_it_answers(self) -> None:
        """Until the API of this very process answers."""
        assert self.program is not None
        program = self.program

        def answers() -> bool:
            if not program.running():
                pytest.fail(f"OmniTray ended with {program.process.returncode}:\n{program.output}")
            announced = self.address().get("pid")
            ours = announced == program.pid or (self.prefix and announced is not None)
            return bool(ours and self._serves())

        wait_until(answers, "OmniTray answers", timeout_s=START_S)

    def _serves(self) -> bool:
        """Whether somebody is at the address; a run that was killed leaves its own."""
        try:
            return bool(self.get("status"))
        except urllib.error.URLError:
            return False

    def address(self) -> dict[str, Any]:
        """What ``api.json`` says; empty where there is none (yet)."""
        try:
            found = json.loads((self.home / "run" / "api.json").read_text())
        except (OSError, ValueError):
            return {}
        assert isinstance(found, dict)
        return found

    def get(self, what: str) -> Any:
        """Ask the API."""
        return self._ask(what, None)

    def post(self, what: str, **body: Any) -> Any:
        """Tell the API."""
        return self._ask(what, body)

    def _ask(self, what: str, body: dict[str, Any] | None) -> Any:
        address = self.address()
        request = urllib.request.Request(  # noqa: S310 - our own address, http
            f"{address['url']}/api/monitoring/{what}",
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {address['token']}",
                "Content-Type": "application/json",
            },
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - as above
            return json.load(answer)

    def stored(self) -> list[dict[str, Any]]:
        """The alert files, whole ones only: a broken one fails the test."""
        files = sorted((self.home / "data" / "alerts").glob("alert_*.json"))
        return [json.loads(file.read_text()) for file in files]

    def ids_on_disk(self) -> set[str]:
        """Every alert's id, of the live files and of the archive."""
        archive = (self.home / "data" / "alerts" / "archive").glob("*.jsonl.gz")
        lines = [
            line for file in archive for line in gzip.decompress(file.read_bytes()).split(b"\n")
        ]
        archived = {json.loads(line)["id"] for line in lines if line}
        return archived | {alert["id"] for alert in self.stored()}

    def alert_of(self, kind: str, state: str | None = None) -> dict[str, Any] | None:
        """The first stored alert of a type (in a state)."""
        fitting = (
            each
            for each in self.stored()
            if each["type"] == kind and (state is None or each["state"] == state)
        )
        return next(fitting, None)

    def journal(self, event: str | None = None, **wanted: Any) -> list[dict[str, Any]]:
        """The lines of the undo journal: all, of one kind, and with these values."""
        file = self.home / "data" / "actions.jsonl"
        lines = file.read_text().splitlines(keepends=True) if file.exists() else []
        found = [json.loads(line) for line in lines if line.endswith("\n")]
        return [
            each
            for each in found
            if event in {None, each["event"]}
            and all(each[name] == value for name, value in wanted.items())
        ]

    def undone(self) -> dict[str, str]:
        """What became of each action that was taken back, by its id."""
        return {line["id"]: line["outcome"] for line in self.journal("undone")}

    @property
    def log(self) -> str:
        """Its log file."""
        return (self.home / "state" / "log" / "omnitray.log").read_text()

    def end(self, timeout_s: float = 10.0) -> int:
        """SIGTERM; the exit status."""
        assert self.program is not None
        pid = self.program.pid
        if self.prefix:  # what entered a namespace is the child of what was started
            pid = psutil.Process(pid).children()[0].pid
        os.kill(pid, signal.SIGTERM)
        return self.program.wait(timeout_s)

"""Every example of README and docs runs as it stands, against a running OmniTray.

It takes longer than other tests, since it starts some eighty programs; a command that stands on
several pages is typed once.
"""

import gzip
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from support import samples
from support.desktop import Desktop, wait_until
from support.running import OmniTray

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("README.md", "docs/guide.md", "docs/cli.md", "docs/api.md", "docs/examples.md",
         "docs/protection.md", "docs/wrong.md")  # fmt: skip
BLOCK = re.compile(r"^```(sh|console|python)\n(.*?)^```", re.DOTALL | re.MULTILINE)
# Tested elsewhere, each for what it does: these change this checkout, or end what all others ask.
ELSEWHERE = ("python3 packaging/dev.py", "omnitray quit", "omnitray uninstall", "omnitray serve ",
             "omnitray doctor", "omnitray completion", "omnitray record --for 60s")  # fmt: skip
STARTS = re.compile(r"^omnitray\s*(#|$)")  # the program itself: it runs
# These name an alert, a question, a job or a server that this OmniTray does not have.
NAMES_A_THING = re.compile(r"omnitray (ack|resolve|answer|pause|resume|slow|end|server|undo)\b")
ALIKE = 25  # letters of a refusal: behind them may stand what is different on each machine
ENDLESS = ("--follow", "--watch", "omnitray top", ".events()", "websockets.connect", "sleep(3600)")


class Example(NamedTuple):
    page: str
    line: int
    kind: str
    text: str
    refused: str = ""  # with these words, as the page shows it


def commands(kind: str, text: str) -> Iterator[tuple[int, str]]:
    """The commands of a block, each with its line in it; of a console what is typed."""
    pending, start = "", 0
    for number, line in enumerate(text.splitlines()):
        if kind == "console" and not line.startswith("$ "):
            continue
        start = start if pending else number
        pending += line.removeprefix("$ ") + "\n"
        opened = pending.count("; do") > len(re.findall(r"^\s*done\b", pending, re.MULTILINE))
        if not line.rstrip().endswith("\\") and not opened:
            if pending.strip():
                yield start, pending
            pending = ""


def examples(page: str) -> list[Example]:
    text, found = (ROOT / page).read_text(), []
    for block in BLOCK.finditer(text):
        kind, code = block[1], block[2]
        first = text[: block.start()].count("\n") + 2
        if kind == "python":
            found.append(Example(page, first, kind, code))
        else:
            lines = [*code.splitlines(), ""]
            for at, each in commands(kind, code):
                answer = lines[at + each.count("\n")]
                ends_it = answer.startswith("omnitray: ") and " run " not in each
                refused = answer if kind == "console" and ends_it else ""
                found.append(Example(page, first + at, "sh", each, refused))
    return found


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OmniTray]:
    """One for all pages: whoever reads them has one, too."""
    desktop = Desktop(tmp_path_factory.mktemp("examples"), None)
    ours = OmniTray(desktop)
    ours.configure("")
    archive = ours.home / "data" / "alerts" / "archive"
    archive.mkdir(parents=True)
    old = msgspec.structs.replace(samples.alerts()[0], state="resolved")
    with gzip.open(archive / "alerts-2026-10.jsonl.gz", "wb") as file:
        file.write(msgspec.json.encode(old) + b"\n")
    (ours.home / ".venv").symlink_to(Path(sys.executable).parents[1])  # as in a checkout
    ours.start("--headless")
    yield ours
    assert ours.end() == 0
    desktop.stop()


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """What the examples call that is no part of OmniTray: a backup that fails, a voice."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name, does in (("restic", "exit 1"), ("say", 'echo "$@"'), ("make", "exit 0")):
        (folder / name).write_text(f"#!/bin/sh\n{does}\n")
        (folder / name).chmod(0o755)
    return folder


class Reader:
    """Somebody who reads a page from its top and types what it shows."""

    def __init__(self, program: OmniTray, tools: Path) -> None:
        self._program = program
        home = program.home
        path = (tools, Path(sys.executable).parent, os.environ["PATH"])
        self._environment = {
            **program.desktop.environment,
            "PATH": os.pathsep.join(map(str, path)),
            "OMNITRAY_HOME": str(home),
            "HOME": str(home),
            "API": str(home / "run" / "api.json"),
        }
        self._posted = 0
        self._kept = home / "variables"  # what was set, for the commands that follow

    def run(self, example: Example) -> str:
        """Run it; what was wrong, empty where nothing was."""
        words = self._words(example)
        if any(each in example.text for each in ENDLESS):
            return self._follow(words)
        done = subprocess.run(
            words,
            cwd=self._program.home,
            env=self._environment | self._nobody(example),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        refused = done.returncode == 1 and "omnitray: " in done.stderr
        if example.refused:
            alike = done.stderr.startswith(example.refused[:ALIKE])
            return "" if refused and alike else f"exit {done.returncode}: {done.stderr}"
        if done.returncode == 0 or (refused and NAMES_A_THING.search(example.text)):
            return ""
        return f"exit {done.returncode}: {done.stderr.strip()[-300:]}"

    def _nobody(self, example: Example) -> dict[str, str]:
        """Folders where no OmniTray runs, for what the page shows of that."""
        nobody = "is not running" in example.refused
        return {"OMNITRAY_HOME": str(self._program.home / "nobody")} if nobody else {}

    def _words(self, example: Example) -> list[str]:
        if example.kind == "python":
            return [sys.executable, "-c", example.text]
        kept = self._kept
        script = f"[ -f {kept} ] && . {kept}\n{example.text}\nrc=$?; declare -p URL TOKEN AUTH API "
        return ["bash", "-c", f"{script} url token > {kept} 2>/dev/null; exit $rc"]

    def _follow(self, words: list[str]) -> str:
        """One that goes on for ever: it has to say something when an alert comes."""
        said = self._program.home / "said"
        with said.open("wb") as file:
            running = subprocess.Popen(
                words, cwd=self._program.home, env=self._environment, stdout=file, stderr=file,
                stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
            try:
                wait_until(lambda: self._answered(said), f"{words[-1]!r} says it", timeout_s=30)
            except AssertionError as error:
                return f"{error}: {said.read_text()[-300:]}"
            finally:
                os.killpg(running.pid, 15)
                running.wait(20)
        return "" if "Traceback" not in said.read_text() else said.read_text()[-300:]

    def _answered(self, said: Path) -> bool:
        self._posted += 1
        title, source = f"another one {self._posted}", f"server:{self._posted}"
        self._program.post(
            "alerts", type="SERVER_DOWN", title=title, severity="critical", source=source
        )
        return bool(said.read_text().strip())


@pytest.fixture(scope="module")
def typed() -> set[str]:
    """What was typed already: some commands stand on several pages."""
    return set()


@pytest.mark.parametrize("page", PAGES)
def test_every_example_runs_as_it_stands(
    program: OmniTray, tools: Path, typed: set[str], page: str
) -> None:
    reader = Reader(program, tools)
    shown = examples(page)
    assert shown
    faults = {}
    for each in shown:
        words = each.text.split("  #")[0].strip()
        if words in typed or each.text.startswith(ELSEWHERE) or STARTS.match(each.text):
            continue
        typed.add(words)
        if fault := reader.run(each):
            faults[f"{page}:{each.line}: {each.text.strip()}"] = fault
    assert faults == {}

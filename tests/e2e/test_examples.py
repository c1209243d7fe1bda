"""Every example of every page runs as it stands, against a running OmniTray.

It takes longer than other tests, since it starts some hundred programs; a command that stands on
several pages is typed once. Ports and ids of the pages are replaced by those of this machine.
"""

import gzip
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from support import samples
from support.desktop import Desktop, wait_until
from support.inner_runs import few_plugins
from support.receivers import StandIn, free_port
from support.running import OmniTray

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^ *```(sh|console|python)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
PAGES = (
    *("README.md", ".github/CONTRIBUTING.md"),
    *sorted(f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")),
)
# Python that is no program but a part of one; each has a test that follows the page to the letter.
RECIPES = ("docs/policies.md", ".github/CONTRIBUTING.md")
ELSEWHERE = {
    "python3 packaging/dev.py": "tests/test_dev.py: they change this checkout",
    "mkdir /sys/fs/cgroup": "a demonstration: it takes root's control groups, and memory away",
    "mkdir -p /sys/fs/cgroup": "likewise",
    "(echo $BASHPID": "likewise",
    "cat /sys/fs/cgroup": "likewise",
}
STARTS = re.compile(r"^omnitray\s*(#|$)")  # the program itself: it runs
ENDS = "omnitray quit"  # after all others, which ask it
# Protection touches nothing here, and asks nothing: nothing is done to a job that these name.
ACTS = re.compile(r"omnitray (answer|pause|resume|slow|end)\b")
BUSY = ("try again", "under way already")  # what this says on a busy machine is done, too
ALIKE = 25  # letters of a refusal: behind them may stand what is different on each machine
ENDLESS = ("--follow", "--watch", "omnitray top", ".events()", "websockets.connect", "sleep(3600)")
PORTS = re.compile(r"(?<![\d.])(8000|8001|8137)\b")
TOOLS = {"restic": "exit 1", "say": 'echo "$@"', "make": "exit 0", "code": "exit 0"}
UVICORN = """#!{python}
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *words):
        pass

HTTPServer(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])), Handler).serve_forever()
"""
# The tests run beside other work, and one example switches protection on.
PROTECTS_NOTHING = '[protect]\nstate = "off"\nprotected = ["*", "/*"]\n'


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


def block_of(page: str, language: str) -> str:
    found = re.search(
        rf"^```{language}\n(.*?)^```", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE
    )
    assert found is not None
    return found[1]


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the examples call that is no part of OmniTray: a backup that fails, a web server."""
    folder = tmp_path_factory.mktemp("tools")
    for name, does in TOOLS.items():
        (folder / name).write_text(f"#!/bin/sh\n{does}\n")
        (folder / name).chmod(0o755)
    (folder / "uvicorn").write_text(UVICORN.format(python=sys.executable))
    (folder / "uvicorn").chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory, tools: Path) -> Iterator[OmniTray]:
    """One for all pages, as who reads them has one, too; with their servers and webhooks."""
    desktop = Desktop(tmp_path_factory.mktemp("examples"), None)
    ours, receiver = OmniTray(desktop), StandIn()
    path = (tools, Path(sys.executable).parent, os.environ["PATH"])
    ports = {"8000": str(free_port()), "8001": str(free_port())}
    home = ours.home
    desktop.environment |= {
        "PATH": os.pathsep.join(map(str, path)),
        "HOME": str(home),
        "BROWSER": "true",
        **{f"PORT_{name}": port for name, port in ports.items()},
    }
    (home / "shop").mkdir(parents=True)
    (home / "test_shop.py").write_text("def test_shop() -> None:\n    pass\n")
    (home / ".venv").symlink_to(Path(sys.executable).parents[1])  # as in a checkout
    address = home / ".config" / "omnitray" / "webhooks" / "team.url"
    address.parent.mkdir(parents=True)
    address.touch(0o600)
    address.write_text(f"{receiver.url}\n")
    servers, webhooks = block_of("docs/servers.md", "toml"), block_of("docs/webhooks.md", "toml")
    declared = PORTS.sub(lambda port: ports.get(port[1], port[1]), servers)
    ours.configure(f"{PROTECTS_NOTHING}{declared}{webhooks}")
    archive = home / "data" / "alerts" / "archive"
    archive.mkdir(parents=True)
    old = msgspec.structs.replace(samples.alerts()[0], state="resolved")
    with gzip.open(archive / "alerts-2026-10.jsonl.gz", "wb") as file:
        file.write(msgspec.json.encode(old) + b"\n")
    ours.start("--headless")
    yield ours
    if ours.program is not None and ours.program.running():
        assert ours.end() == 0
    assert ours.journal("begin") == []
    desktop.stop()
    receiver.stop()


def end_servers(ours: OmniTray) -> None:
    """They would outlive it."""
    for each in ours.get("servers")["servers"]:
        ours.post(f"servers/{each['name']}/stop")


class Reader:
    """Somebody who reads a page from its top and types what it shows."""

    def __init__(self, program: OmniTray) -> None:
        self._program = program
        home = program.home
        run = home / "session"
        run.mkdir(exist_ok=True)
        if not (run / "omnitray").exists():
            (run / "omnitray").symlink_to(home / "run")
        known = program.desktop.environment
        self._environment = {
            **{name: value for name, value in known.items() if not name.startswith("PYTEST_")},
            "OMNITRAY_HOME": str(home),
            "XDG_RUNTIME_DIR": str(run),
            "API": str(home / "run" / "api.json"),
            "PYTEST_ADDOPTS": few_plugins(),
        }
        self._posted = 0
        self._kept = home / "variables"  # what was set, for the commands that follow

    def run(self, example: Example) -> str:
        """Run it; what was wrong, empty where nothing was."""
        words = self._words(example)
        if any(each in example.text for each in ENDLESS):
            return self._follow(words)
        deadline = time.monotonic() + 60
        while True:
            fault = self._once(words, example)
            if not any(each in fault for each in BUSY) or time.monotonic() > deadline:
                return fault
            time.sleep(1)

    def _once(self, words: list[str], example: Example) -> str:
        done = subprocess.run(
            words,
            cwd=self._program.home,
            env=self._environment | self._elsewhere(example),
            input="y\nn\n",  # to what an uninstall asks: yes, and the data stays
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        refused = done.returncode == 1 and "omnitray: " in done.stderr
        if example.refused:
            alike = done.stderr.startswith(example.refused[:ALIKE])
            return "" if refused and alike else f"exit {done.returncode}: {done.stderr}"
        if done.returncode == 0 or (refused and ACTS.search(example.text)):
            return ""
        return f"exit {done.returncode}: {done.stderr.strip()[-300:]}"

    def _elsewhere(self, example: Example) -> dict[str, str]:
        """Folders where no OmniTray runs: for what is shown of that, and to uninstall it."""
        if "is not running" not in example.refused and "omnitray uninstall" not in example.text:
            return {}
        nobody = self._program.home / "nobody"
        nobody.mkdir(exist_ok=True)
        return {"OMNITRAY_HOME": str(nobody / "omnitray"), "HOME": str(nobody)}

    def _words(self, example: Example) -> list[str]:
        text = self._as_here(example)
        if "def test_" in text:
            folder = self._program.home / "tests"
            folder.mkdir(exist_ok=True)
            settings = block_of(example.page, "ini")
            (folder / "pytest.ini").write_text(self._as_here(example._replace(text=settings)))
            (folder / "test_page.py").write_text(text)
            return [sys.executable, "-m", "pytest", "-q", "--rootdir", str(folder), str(folder)]
        if example.kind == "python":
            return [sys.executable, "-c", text]
        if re.match(r"omnitray uninstall\s*#", text):  # it asks, at a terminal
            return ["script", "-qec", text.partition("#")[0], "/dev/null"]
        kept = self._kept
        script = f"[ -f {kept} ] && . {kept}\n{text}\nrc=$?; declare -p URL TOKEN AUTH API "
        return ["bash", "-c", f"{script} url token > {kept} 2>/dev/null; exit $rc"]

    def _as_here(self, example: Example) -> str:
        """With a port that is free here, that of this OmniTray, and an alert that it has."""
        ports = {"8137": self._program.address()["url"].rpartition(":")[2]}
        if example.kind == "sh":
            ports |= {each: self._environment[f"PORT_{each}"] for each in ("8000", "8001")}
        else:
            ports["8000"] = str(free_port())
        text = PORTS.sub(lambda port: ports[port[1]], example.text)
        if example.refused or not (named := re.search(r"omnitray (?:ack|resolve) (\w+)", text)):
            return text
        newest = self._program.get("alerts?active=true&limit=1")["alerts"][0]["id"]
        return text.replace(named[1], newest)

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


def runnable(page: str) -> list[Example]:
    """The examples of a page that are programs of their own and may be run here."""
    return [
        each
        for each in examples(page)
        if not each.text.startswith(tuple(ELSEWHERE)) and not STARTS.match(each.text)
        if each.kind == "sh" or page not in RECIPES
    ]


SHOWING = [page for page in PAGES if runnable(page)]


def test_no_page_loses_its_examples() -> None:
    """Of a page on which none is recognized nothing would be typed, and no test would fail."""
    assert {"README.md", "docs/guide.md", "docs/cli.md", "docs/api.md"} <= set(SHOWING)
    for page in PAGES:
        text = (ROOT / page).read_text()
        begun = re.findall(r"^ *```(?:sh|bash|console|python)\b", text, re.MULTILINE)
        assert len(BLOCK.findall(text)) == len(begun), page


@pytest.mark.parametrize("page", SHOWING)
def test_every_example_runs_as_it_stands(program: OmniTray, typed: set[str], page: str) -> None:
    reader = Reader(program)
    faults = {}
    for each in runnable(page):
        words = each.text.split("  #")[0].strip()
        if words in typed or each.text.startswith(ENDS):
            continue
        typed.add(words)
        if fault := reader.run(each):
            faults[f"{page}:{each.line}: {each.text.strip()}"] = fault
    end_servers(program)
    assert faults == {}


def test_what_ends_the_program_runs_after_all_others(program: OmniTray) -> None:
    shown = [each for page in PAGES for each in runnable(page) if each.text.startswith(ENDS)]
    assert Reader(program).run(shown[0]) == ""
    assert program.program is not None
    assert program.program.wait(20) == 0

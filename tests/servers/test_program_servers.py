"""Watched servers in the running program: command line, API, alerts, level, and after its crash."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from support.real_servers import PROGRAM, free_port, left_in, until


class Running:
    """OmniTray without a window in a home of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.project = folder / "project"
        self.project.mkdir()
        (self.project / "server.py").write_text(PROGRAM)
        self.port = free_port()
        self.environment = {**os.environ, "OMNITRAY_HOME": str(folder / "home")}
        self.environment.pop("DISPLAY", None)
        config = folder / "home" / "config"
        config.mkdir(parents=True)
        (config / "config.toml").write_text(
            f"[protect]\nstate = 'off'\n[api]\nport = {free_port()}\n"
            f"[[server]]\nname = 'api'\ncwd = '{self.project}'\n"
            f"command = [{sys.executable!r}, 'server.py', '{self.port}']\n"
            f"health = 'http://127.0.0.1:{self.port}/health'\n"
            f"[[server]]\nname = 'broken'\ncommand = 'no-such-program'\n"
        )
        self.program = self.started()

    def started(self) -> "subprocess.Popen[bytes]":
        (self.folder / "home" / "run" / "api.json").unlink(missing_ok=True)
        program = subprocess.Popen(
            [sys.executable, "-m", "omnitray", "--headless"],
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(lambda: self.asked("status")[0] == 0, "the program", 60.0)
        return program

    def asked(self, *words: str) -> tuple[int, Any]:
        """Exit status and the JSON of a sub-command."""
        command, rest = words[0], words[1:]
        done = subprocess.run(
            [sys.executable, "-m", "omnitray", command, "--json", *rest],
            env=self.environment,
            cwd=self.project,
            capture_output=True,
            text=True,
            check=False,
        )
        try:
            return done.returncode, json.loads(done.stdout)
        except ValueError:
            return done.returncode, done.stdout + done.stderr

    def server(self, name: str = "api") -> dict[str, Any]:
        found: dict[str, Any] = next(
            each for each in self.asked("servers")[1]["servers"] if each["name"] == name
        )
        return found

    def stands(self, state: str, name: str = "api") -> dict[str, Any]:
        until(lambda: self.server(name)["state"] == state, f"{name} is {state}", 60.0)
        return self.server(name)

    def active(self) -> list[dict[str, Any]]:
        """The open alerts about servers: the machine may have others."""
        found: list[dict[str, Any]] = self.asked("alerts", "--active")[1]["alerts"]
        return [each for each in found if each["source"].startswith("server:")]

    def level_reason(self) -> str:
        """Why the level in force is that one; it also follows the machine's load."""
        return str(self.asked("status")[1]["monitor"]["level_reason"])


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    program = Running(tmp_path)
    try:
        yield program
    finally:
        if program.program.poll() is None and program.server()["pid"]:
            program.asked("server", "stop", "api")
            until(lambda: not program.server()["pid"], "the end of the server")
        program.program.terminate()
        program.program.wait(20)
        left = left_in(tmp_path)
        for each in left:
            each.kill()
        assert left == []


def test_a_server_from_start_to_crash_and_back(running: Running) -> None:
    assert running.server()["state"] == "stopped"
    code, body = running.asked("server", "start", "api")
    assert (code, body["state"]) == (0, "starting")
    up = running.stands("up")
    assert list(up) == [
        *("name", "state", "pid", "health", "url", "up_since", "started_in_s", "start_limit_s"),
        *("restarts", "last_exit", "log_file", "command", "cwd", "owner", "detail", "given_up"),
    ]
    assert (up["owner"], up["url"]) == ("settings", f"http://127.0.0.1:{running.port}")
    # Its health breaks: down, the level is critical; then it is back, and so is the level.
    os.kill(up["pid"], signal.SIGSTOP)
    until(lambda: any(each["type"] == "SERVER_DOWN" for each in running.active()), "alert", 60.0)
    alert = running.active()[0]
    assert (alert["source"], alert["context"]["server"]) == ("server:api", "api")
    held = "asked for by server api, which is down"
    until(lambda: running.level_reason() == held, "the level")
    os.kill(up["pid"], signal.SIGCONT)
    running.stands("up")
    until(lambda: running.active() == [], "the end of the alert")
    until(lambda: running.level_reason() != held, "the level")
    # A crash: another process, and one restart more.
    os.kill(up["pid"], signal.SIGKILL)
    until(lambda: running.server()["pid"] not in (None, up["pid"]), "a new process")
    again = running.stands("up")
    assert (again["restarts"], again["last_exit"]["signal"]) == (1, "SIGKILL")
    lines = running.asked("server", "log", "api", "--lines", "50")[1]["lines"]
    assert any("[omnitray]" in line and "up after" in line for line in lines)
    code, body = running.asked("server", "stop", "api")
    assert (code, body["state"]) == (0, "stopped")


def test_a_server_survives_a_kill_of_omnitray_and_is_adopted(running: Running) -> None:
    running.asked("server", "start", "api")
    up = running.stands("up")
    running.asked("server", "start", "broken")
    broken = running.stands("down", "broken")
    running.program.kill()
    running.program.wait()
    assert psutil.pid_exists(up["pid"])
    running.program = running.started()
    again = running.stands("up")
    # One that was given up stands as before, as its alert says; it no longer hurries the monitor.
    assert running.stands("down", "broken") == broken
    assert broken["given_up"]
    assert [each["title"] for each in running.active()] == ["Server “broken” cannot be started"]
    assert "server broken" not in running.level_reason()
    running.asked("server", "stop", "broken")
    until(lambda: running.active() == [], "the end of the alert")
    assert (again["pid"], again["up_since"]) == (up["pid"], up["up_since"])
    assert running.asked("server", "stop", "api")[1]["state"] == "stopped"
    until(lambda: not psutil.pid_exists(up["pid"]), "its end")


def test_serve_watches_what_no_settings_declare(running: Running) -> None:
    port = str(free_port())
    health = f"http://127.0.0.1:{port}/"
    code, body = running.asked(
        "serve", "web", "--health", health, "--", sys.executable, "server.py", port
    )
    assert (code, body["owner"], body["state"]) == (0, "serve", "starting")
    up = running.stands("up", "web")
    assert up["cwd"] == str(running.project)
    assert running.asked("serve", "web", "--", "sleep", "1")[0] == 1
    assert running.asked("serve", "api", "--", "sleep", "1")[0] == 1
    assert running.asked("server", "stop", "web")[0] == 0
    until(lambda: not psutil.pid_exists(up["pid"]), "its end")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("server", "start", "shop"), 1),
        (("serve", "Not A Name", "--", "true"), 2),
        (("serve", "x", "--health", "tcp://127.0.0.1", "--", "true"), 2),
        (("server", "log", "api", "--lines", "0"), 2),
        (("server", "begin", "api"), 2),
        (("serve", "x"), 2),
    ],
)
def test_exit_codes(
    words: tuple[str, ...], code: int, asked_once: Callable[..., tuple[int, Any]]
) -> None:
    assert asked_once(*words)[0] == code


@pytest.fixture
def asked_once(tmp_path: Path) -> Callable[..., tuple[int, Any]]:
    """Of a machine where nothing runs."""

    def ask(*words: str) -> tuple[int, Any]:
        environment = {**os.environ, "OMNITRAY_HOME": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, "-m", "omnitray", *words],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    return ask


def test_without_a_running_program_one_line_says_what_to_do(
    asked_once: Callable[..., tuple[int, Any]],
) -> None:
    for words in (("servers",), ("server", "stop", "api"), ("serve", "api", "--", "true")):
        began = time.monotonic()
        code, text = asked_once(*words)
        assert (code, len(text.splitlines())) == (1, 1)
        assert "OmniTray is not running; start it with" in text
        assert time.monotonic() - began < 20.0

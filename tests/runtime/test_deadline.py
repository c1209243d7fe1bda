"""Told to end, the program ends within its time, whatever it is doing."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from omnitray.runtime.shutdown import LIMIT_S
from support import stuck_driver
from support.children import eventually

PLACES = {
    "main thread": "omnitray.runtime.hub:Hub.on_stepped",
    "monitor": "omnitray.monitor.monitor:ProgressiveMonitor.step",
    "protector": "omnitray.protector.engine:Protecting.step",
    "history": "omnitray.alerts.storage.history:History.store_many",
    "API": "omnitray.api.server:ApiServer._wait_and_serve",
    "servers": "omnitray.servers.supervisor:Supervisor._round",
    "a stage of the end": "omnitray.runtime.notifications:Notifications.stop",
    "a thread that Python waits for": "exit",
}
SETTINGS = """
[protect]
state = "watch"
[[server]]
name = "one"
command = ["sleep", "60"]
autostart = false
"""
CASES = [(name, "") for name in PLACES] + [("main thread", "busy")]


@pytest.mark.parametrize(("name", "how"), CASES)
def test_told_to_end_it_ends_whatever_is_stuck(name: str, how: str, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/config.toml").write_text(SETTINGS)
    root = Path(__file__).parents[2]
    words = [sys.executable, stuck_driver.__file__, PLACES[name], "2.0", *how.split()]
    environment = os.environ | {
        "OMNITRAY_HOME": str(tmp_path),
        "PYTHONPATH": f"{root}:{root / 'tests'}",
    }
    with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True) as program:
        try:
            assert program.stdout is not None
            if name != "a stage of the end":
                assert "stuck\n" in program.stdout  # after the line that says that it runs
            else:
                eventually(lambda: "starts" in log_of(tmp_path))
            program.send_signal(signal.SIGTERM)
            program.wait(LIMIT_S + 5)
        finally:
            program.kill()
    assert "stopping: SIGTERM" in log_of(tmp_path) or name == "main thread"


def log_of(home: Path) -> str:
    return "".join(each.read_text() for each in home.glob("state/**/omnitray.log"))


def test_the_limit_is_the_one_that_was_promised() -> None:
    assert LIMIT_S <= 5

"""The protector on real processes: slowed down, paused, given back, and what survives a kill.

OmniTray and the loads run in a world of their own (``support/world.py``): nobody else on this
machine can become a victim, however short CPU or memory get meanwhile. More of this kind stands
in ``test_real_*.py``.
"""

import json
import os
import signal
import sys
import time
from typing import Any

from websockets.sync.client import connect

from support.desktop import Desktop, wait_until
from support.loads import BUSY, GROW
from support.running import OmniTray
from support.world import Inmate, World, inside

MB = 1_000_000
CPU = """
level = "intensive"
[thresholds.cpu]
hold_s = 3600
[protect]
state = "on"
[protect.dev]
cpu_percent = 60
hold_s = 1
"""
MEMORY = """
level = "intensive"
[protect]
state = "on"
[protect.dev]
cpu_percent = 100
hold_s = 600
"""
BUSY_LOOPS = (sys.executable, "-c", BUSY, str(4 * (os.cpu_count() or 1)))
HOG = (sys.executable, "-c", GROW, str(900 * MB), str(250 * MB))


def test_busy_loops_are_slowed_down_without_a_word_and_given_back_on_request(
    desktop: Desktop, world: World
) -> None:
    program = OmniTray(desktop, prefix=world.prefix)
    program.configure(CPU)
    program.start("--headless")
    address = program.address()
    url = address["url"].replace("http", "ws", 1)
    with (
        connect(f"{url}/ws?auth_token={address['token']}") as ws,
        Inmate(world, BUSY_LOOPS) as hog,
    ):
        ws.send('{"command": "subscribe", "events": ["action"]}')
        hog.push()
        held = wait_until(
            lambda: program.get("status")["protector"]["holding"], "it is held", timeout_s=40
        )
        assert any("slowed down" in phrase for phrase in held)
        began = program.journal("begin")[0]
        assert began["rung"] == "slow_down"
        assert began["reversible"] is True
        assert hog.weight(began["lever"]) == 19
        assert not [each for each in program.stored() if each["severity"] == "critical"]
        done = program.post("actions/undo-all")
        assert done["done"]
        assert hog.weight(began["lever"]) == began["changes"][0]["old"]
        actions: list[dict[str, Any]] = []
        while not actions or actions[-1]["outcome"] != "undone":
            message = json.loads(ws.recv(timeout=10))
            actions += [message] if message["event"] == "action" else []
        assert (actions[0]["id"], actions[0]["outcome"]) == (began["id"], "reversible")
    assert program.end() == 0


def test_a_job_that_would_use_up_memory_is_paused_and_runs_on_within_2_s_of_a_kill(
    desktop: Desktop, room: World
) -> None:
    program = OmniTray(desktop, prefix=room.prefix)
    program.configure(MEMORY)
    running = program.start("--headless")
    with Inmate(room, HOG) as hog:
        wait_until(hog.is_paused, "it is paused", timeout_s=40)
        assert hog.rss_bytes < 900 * MB
        wait_until(
            lambda: program.alert_of("RESOURCE_CRITICAL") is not None, "it is told", timeout_s=10
        )
        inside(running.pid).send_signal(signal.SIGKILL)
        killed = time.monotonic()
        wait_until(lambda: not hog.is_paused(), "it runs again", timeout_s=2.0)
        assert time.monotonic() - killed < 2.0
        wait_until(program.undone, "the guardian has written it down")
        (paused,) = program.journal("undone")
        assert (paused["who"], paused["outcome"]) == ("guardian", "restored")


def test_a_paused_job_runs_on_when_omnitray_is_told_to_end(desktop: Desktop, room: World) -> None:
    program = OmniTray(desktop, prefix=room.prefix)
    program.configure(MEMORY)
    program.start("--headless")
    with Inmate(room, HOG) as hog:
        wait_until(hog.is_paused, "it is paused", timeout_s=40)
        program.end()
        assert not hog.is_paused()

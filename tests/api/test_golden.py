"""The wire format, byte for byte: what stands in ``golden/`` is a contract.

A change here is a change for everybody who reads the API. To accept one, delete the file and run
the test once: it writes what it found and fails.
"""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from omnitray.api import facade as d
from omnitray.api.messages import message_of
from omnitray.base.facts import Mode, MonitorLevel
from support import fake_door
from support.api_server import Running

GOLDEN = Path(__file__).parent / "golden"
PREFIX = "/api/monitoring"
CHANGING = {"pid": 1, "started": "2026-11-22T13:00:00.000Z"}
ANSWERS = {
    "health": "/health",
    "status": "/status",
    "alerts_active": "/alerts/active",
    "alerts": "/alerts",
    "snapshots_recent": "/snapshots/recent?minutes=1440",
    "actions": "/actions",
    "jobs": "/jobs",
    "explain": "/explain",
    "questions": "/questions",
    "protect": "/protect",
    "servers": "/servers",
    "runs": "/runs?limit=5",
    "channels": "/channels",
    "webhooks": "/webhooks",
    "settings": "/settings",
    "deliveries": "/alerts/a1/deliveries",
    "server_log": "/servers/api/log?lines=2",
    "recording": "/record/asked_t-1.jsonl.xz",
}
EVENTS: dict[str, d.Event] = {
    "event_alert": d.AlertChanged(fake_door.alert()),
    "event_snapshot": d.SnapshotTaken(fake_door.snapshot()),
    "event_action": d.Acted(fake_door.journal_line()),
    "event_question": d.QuestionChanged(fake_door.question(), open=True),
    "event_server": d.ServerChanged(fake_door.server()),
    "event_mode": d.ModeChanged(Mode.TEST),
    "event_level": d.LevelChanged(MonitorLevel.CRITICAL, None, 0.5),
}
WRITES: dict[str, tuple[str, Any]] = {
    "post_alert": ("/alerts", {"type": "SERVER_DOWN", "title": "shop is down"}),
    "post_mode": ("/mode", {"mode": "test"}),
    "post_level": ("/level", {"level": "intensive"}),
    "post_ack": ("/alerts/a1/ack", None),
    "post_answer": ("/questions/q1", {"answer": "never_touch"}),
    "post_undo": ("/actions/x1/undo", None),
    "post_record": ("/record", {"for_s": 30}),
    "post_clean": ("/clean", {"dry_run": True}),
    "post_server_stop": ("/servers/api/stop", None),
    "post_server": ("/servers", {"name": "web", "command": ["npm", "run", "dev"]}),
    "post_webhook_test": ("/webhooks/test", {"name": "team"}),
    "post_webhook": ("/webhooks/action", {"name": "team", "action": "pause"}),
    "error": ("/mode", {"mode": "production"}),
}


def _hold(name: str, value: Any) -> None:
    file = GOLDEN / f"{name}.json"
    text = json.dumps(_steady(value), indent=2, ensure_ascii=False) + "\n"
    if not file.exists():
        file.write_text(text, encoding="utf-8")
        pytest.fail(f"{file} was missing; it now holds what was found")
    assert text == file.read_text(encoding="utf-8")


def _steady(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: CHANGING.get(key, _steady(each)) for key, each in value.items()}
    return [_steady(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", ANSWERS)
def test_answers(api: Running, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: fake_door.MOMENT + 60)
    _hold(name, api.ask("GET", PREFIX + ANSWERS[name]).json)


@pytest.mark.parametrize("name", WRITES)
def test_answers_to_writes(api: Running, name: str) -> None:
    path, body = WRITES[name]
    _hold(name, api.ask("POST", PREFIX + path, body).json)


@pytest.mark.parametrize("name", EVENTS)
def test_messages(name: str) -> None:
    _, message = message_of(EVENTS[name])
    _hold(name, json.loads(msgspec.json.encode(message)))


def test_an_alert_is_the_same_on_disk_and_on_the_wire(api: Running) -> None:
    answer = api.ask("GET", f"{PREFIX}/alerts").body
    stored = msgspec.json.encode(fake_door.alert())
    assert stored in answer


def test_times_are_utc_with_milliseconds() -> None:
    for file in GOLDEN.glob("*.json"):
        for found in re.findall(r'"(\d{4}-\d\d-\d\dT[^"]*)"', file.read_text(encoding="utf-8")):
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", found)

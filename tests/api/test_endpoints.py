"""Every endpoint with good and with bad input, against the real server on a real port.

The document that is generated from the types, held against the server that uses them.
"""

import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from omnitray import __version__
from omnitray.api import facade as d
from omnitray.api.endpoints import ENDPOINTS, document
from omnitray.base.facts import AlertType, Mode, MonitorLevel, Severity
from support import fake_door
from support.api_server import Running

PREFIX = "/api/monitoring"


def test_health_says_cpu_memory_and_disk_with_their_limits(shared: Running) -> None:
    body = shared.ask("GET", f"{PREFIX}/health").json
    assert body["cpu"] == {
        "percent": 34.2,
        "warning": 70.0,
        "critical": 85.0,
        "limit": 75.0,
        "state": "ok",
    }
    assert body["memory"]["percent"] == 62.5
    assert body["memory"]["limit"] == 80.0
    assert (body["disk"]["mount"], body["disk"]["limit"]) == ("/", 80.0)
    assert body["status"] == "ok"


def test_without_a_token_health_only_says_that_it_runs(shared: Running) -> None:
    assert shared.ask("GET", f"{PREFIX}/health", token=None).json == {"status": "ok"}


def test_a_figure_that_cannot_be_read_is_null(api: Running) -> None:
    api.door.shots = [fake_door.snapshot(cpu_percent=None)]
    body = api.ask("GET", f"{PREFIX}/health").json
    assert (body["cpu"]["percent"], body["cpu"]["state"], body["status"]) == (
        None,
        "unknown",
        "unknown",
    )


def test_before_the_first_reading_everything_answers(api: Running) -> None:
    api.door.shots = []
    assert api.ask("GET", f"{PREFIX}/health").json["taken_at"] is None
    assert api.ask("GET", f"{PREFIX}/status").json["monitor"]["snapshot"] is None
    assert api.ask("GET", f"{PREFIX}/snapshots/recent").json["count"] == 0


def test_status_has_monitor_protector_and_alerts_together(shared: Running) -> None:
    body = shared.ask("GET", f"{PREFIX}/status").json
    assert body["monitor"]["chosen_level"] == "auto"
    assert body["monitor"]["snapshot"]["cpu_percent"] == 34.2
    assert body["protector"]["limits"]["cpu_percent"] == 75.0
    assert body["protector"]["breaker"]["state"] == "closed"
    assert body["alerts"]["critical"] == 1
    assert body["figures"].startswith("CPU 34 %")
    assert body["headline"] == "Memory is nearly full"


def test_active_alerts_are_the_critical_ones_and_the_twenty_latest(api: Running) -> None:
    api.door.stored += [fake_door.alert(n, Severity.WARNING) for n in range(2, 40)]
    body = api.ask("GET", f"{PREFIX}/alerts/active").json
    assert [each["id"] for each in body["critical"]] == ["a1"]
    assert [each["id"] for each in body["latest"]] == [f"a{n}" for n in range(39, 19, -1)]
    assert body["count"] == 39


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", 3),
        ("?type=SERVER_DOWN", 1),
        ("?severity=info", 1),
        ("?state=resolved", 1),
        ("?active=true", 2),
        ("?text=SHOP", 1),
        ("?limit=2", 2),
        ("?since=2026-11-22T13:21:29Z", 2),
        ("?until=2026-11-22T13:21:29Z", 1),
    ],
)
def test_alerts_can_be_asked_for(api: Running, query: str, found: int) -> None:
    api.door.stored += [
        fake_door.alert(2, Severity.INFO, state="resolved"),
        fake_door.alert(3, type=AlertType.SERVER_DOWN, title="shop is down"),
    ]
    assert api.ask("GET", f"{PREFIX}/alerts{query}").json["count"] == found


def test_recent_snapshots_are_those_of_the_last_minutes(api: Running) -> None:
    now = time.time()
    api.door.shots = [fake_door.snapshot(now - age) for age in (4000, 500, 30)]
    assert api.ask("GET", f"{PREFIX}/snapshots/recent").json["count"] == 2
    body = api.ask("GET", f"{PREFIX}/snapshots/recent?minutes=1").json
    assert (body["count"], body["minutes"]) == (1, 1)
    assert body["snapshots"][0]["memory"]["used_percent"] == 62.5


def test_actions_jobs_and_explain_show_what_the_protector_knows(shared: Running) -> None:
    actions = shared.ask("GET", f"{PREFIX}/actions").json
    assert actions["held"][0]["grip"] == "slowed down"
    assert actions["actions"][0]["outcome"] == "reversible"
    jobs = shared.ask("GET", f"{PREFIX}/jobs").json
    assert jobs["jobs"][0]["title"] == "pytest · ~/shop"
    explain = shared.ask("GET", f"{PREFIX}/explain").json
    assert [each["verdict"] for each in explain["considered"]] == ["first", "has windows"]


def test_an_alert_is_raised_and_comes_back_as_stored(api: Running) -> None:
    new = {"type": "TEST_FAILED", "title": "3 failed", "severity": "warning", "context": {"a": [1]}}
    answer = api.ask("POST", f"{PREFIX}/alerts", new)
    assert answer.status == 201
    assert (answer.json["type"], answer.json["state"]) == ("TEST_FAILED", "firing")
    assert answer.json["context"] == {"a": [1]}
    assert answer.json["source"] == "api"
    assert api.ask("GET", f"{PREFIX}/alerts?type=TEST_FAILED").json["count"] == 1


def test_mode_and_level_answer_with_the_new_state(api: Running) -> None:
    mode = api.ask("POST", f"{PREFIX}/mode", {"mode": "test"}).json
    assert (mode["mode"], mode["limits"]["cpu_percent"]) == ("test", 85.0)
    level = api.ask("POST", f"{PREFIX}/level", {"level": "intensive"}).json
    assert level == {
        "level": "intensive",
        "chosen_level": "intensive",
        "interval_s": 1.0,
        "level_reason": "chosen by you",
    }
    assert api.ask("POST", f"{PREFIX}/level", {"level": "auto"}).json["chosen_level"] == "auto"
    assert api.door.commands == [
        d.SetMode(mode=Mode.TEST),
        d.SetLevel(level=MonitorLevel.INTENSIVE),
        d.SetLevel(level=None),
    ]


def test_alerts_are_acknowledged_and_resolved(api: Running) -> None:
    assert api.ask("POST", f"{PREFIX}/alerts/a1/ack").json["state"] == "acknowledged"
    assert api.ask("POST", f"{PREFIX}/alerts/a1/resolve", {}).json["state"] == "resolved"
    assert api.ask("POST", f"{PREFIX}/alerts/a9/ack").status == 404


def test_notifications_are_snoozed_and_woken(api: Running) -> None:
    until = api.ask("POST", f"{PREFIX}/snooze", {"duration_s": 3600}).json["until"]
    assert until.endswith("Z")
    assert api.ask("POST", f"{PREFIX}/snooze", {"duration_s": 0}).json["until"] is None


def test_actions_are_undone_or_say_why_not(api: Running) -> None:
    assert "full speed" in api.ask("POST", f"{PREFIX}/actions/x1/undo").json["done"][0]
    assert api.ask("POST", f"{PREFIX}/actions/undo-all").json["done"]
    assert api.ask("POST", f"{PREFIX}/actions/x9/undo").status == 404
    gone = api.ask("POST", f"{PREFIX}/actions/gone/undo")
    assert (gone.status, gone.json["error"]) == (409, "not_now")


def test_cleaning_can_be_a_rehearsal(api: Running) -> None:
    assert api.ask("POST", f"{PREFIX}/clean", {"dry_run": True}).json["dry_run"]
    assert not api.ask("POST", f"{PREFIX}/clean").json["dry_run"]


BAD: list[tuple[str, str, object, int]] = [
    ("POST", "/alerts", {"type": "NOPE", "title": "x"}, 422),
    ("GET", "/alerts?since=0001-01-01T00:00:00Z", None, 422),
    ("GET", "/alerts?since=0001-01-01T00:00:00%2B14:00", None, 422),
    ("GET", "/alerts?until=9999-12-31T23:59:59.999999Z", None, 422),
    ("GET", "/alerts?until=9999-12-31T23:59:59-14:00", None, 422),
    ("GET", "/alerts?since=10000-01-01T00:00:00Z", None, 422),
    ("POST", "/alerts", {"type": "CRITICAL"}, 422),
    ("POST", "/alerts", {"type": "CRITICAL", "title": ""}, 422),
    ("POST", "/alerts", {"type": "CRITICAL", "title": " \n"}, 422),
    ("POST", "/alerts", {"type": "CRITICAL", "title": "x", "extra": 1}, 422),
    ("POST", "/alerts", {"type": "CRITICAL", "title": "x", "context": []}, 422),
    ("POST", "/alerts", b"{", 400),
    ("POST", "/alerts", b"\xff\xfe", 400),
    ("POST", "/alerts", b'{"context":{"a":' + b"[" * 60_000, 400),
    ("POST", "/alerts", b'{"type":"CRITICAL","title":"\\ud800"}', 400),
    ("POST", "/alerts", None, 400),
    ("POST", "/mode", {"mode": "production"}, 422),
    ("POST", "/mode", [], 422),
    ("POST", "/level", {"level": "fast"}, 422),
    ("POST", "/snooze", {"duration_s": -1}, 422),
    ("POST", "/snooze", b'{"duration_s": NaN}', 400),
    ("POST", "/alerts/a1/ack", {"x": 1}, 422),
    ("GET", "/snapshots/recent?minutes=0", None, 422),
    ("GET", "/snapshots/recent?minutes=1441", None, 422),
    ("GET", "/snapshots/recent?minutes=ten", None, 422),
    ("GET", "/snapshots/recent?minutes=1&minutes=2", None, 422),
    ("GET", "/alerts?since=yesterday", None, 422),
    ("GET", "/alerts?limit=0", None, 422),
    ("GET", "/alerts?colour=red", None, 422),
    ("GET", "/nothing", None, 404),
    ("GET", "/../../etc/passwd", None, 404),
    ("POST", "/alerts/..%2F..%2Fetc/ack", None, 404),
    ("POST", "/alerts/%00/ack", None, 404),
    ("POST", "/status", None, 405),
    ("DELETE", "/alerts", None, 405),
    ("OPTIONS", "/status", None, 405),
]


@pytest.mark.parametrize(("method", "path", "body", "status"), BAD)
def test_bad_input_is_named_and_harmless(
    shared: Running, method: str, path: str, body: object, status: int
) -> None:
    answer = shared.ask(method, PREFIX + path, body)
    assert answer.status == status
    assert set(answer.json) == {"error", "detail"}
    assert answer.json["detail"].endswith(".")


def test_a_fault_of_the_program_is_an_answer_and_a_log_record(
    api: Running, expect_log: Callable[..., None]
) -> None:
    expect_log("A request failed")
    api.door.fault = RuntimeError("boom")
    answer = api.ask("POST", f"{PREFIX}/mode", {"mode": "test"})
    assert (answer.status, answer.json["error"]) == (500, "fault")
    assert "boom" not in answer.body.decode()


def test_wrong_methods_name_the_right_ones(shared: Running) -> None:
    assert shared.ask("PUT", f"{PREFIX}/alerts").headers["allow"] == "GET, POST"


DOCUMENT = document(ENDPOINTS, __version__)
schema = schemathesis.openapi.from_dict(DOCUMENT)
CHECKS = [
    schemathesis.checks.not_a_server_error,
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
    ignored_auth,
]


@pytest.fixture(scope="module", autouse=True)
def _quiet() -> Iterator[None]:
    """It logs at DEBUG whatever it tries."""
    logging.getLogger("schemathesis").setLevel(logging.ERROR)
    yield
    logging.getLogger("schemathesis").setLevel(logging.NOTSET)


@schema.parametrize()
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)
def test_no_input_gets_an_answer_that_is_not_documented(
    case: "schemathesis.Case[Any]", shared: Running
) -> None:
    headers = {"Authorization": f"Bearer {shared.address.token}"}
    case.call_and_validate(base_url=shared.server.url, headers=headers, checks=CHECKS)


def test_the_document_is_served_and_says_its_version(shared: Running) -> None:
    served = shared.ask("GET", "/api/openapi.json").json
    assert served["openapi"] == "3.1.0"
    assert served["info"]["version"] == __version__
    assert served == _as_json(DOCUMENT)


def test_every_endpoint_is_in_it_with_its_types() -> None:
    for endpoint in ENDPOINTS:
        operation = DOCUMENT["paths"][endpoint.path][endpoint.method.lower()]
        assert operation["summary"].endswith(".")
        answer = operation["responses"][str(endpoint.status)]
        assert answer["content"]["application/json"]["schema"]
        assert {"400", "401", "403", "413", "422", "429"} <= set(operation["responses"])


def test_every_reference_leads_somewhere() -> None:
    def references(part: Any) -> Iterator[str]:
        if isinstance(part, dict):
            if "$ref" in part:
                yield part["$ref"]
            for value in part.values():
                yield from references(value)
        elif isinstance(part, list):
            for value in part:
                yield from references(value)

    known = {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]}
    assert set(references(DOCUMENT)) <= known


def test_operations_have_names_of_their_own() -> None:
    names = [
        operation["operationId"]
        for path in DOCUMENT["paths"].values()
        for operation in path.values()
    ]
    assert len(names) == len(set(names)) == len(ENDPOINTS)


def _as_json(value: Any) -> Any:
    import json  # noqa: PLC0415 - a detour that only comparing needs

    return json.loads(json.dumps(value))


def test_a_server_is_watched_by_its_command_in_one_text_too(api: Running) -> None:
    new = {"name": "web", "command": "npm run 'dev it'", "health": {"command": "pg_isready -q"}}
    answer = api.ask("POST", "/api/monitoring/servers", new)
    assert (answer.status, answer.json["command"]) == (201, ["npm", "run", "dev it"])
    assert api.ask("POST", "/api/monitoring/servers", {**new, "command": "npm 'x"}).status == 422
    wrong = api.ask("POST", "/api/monitoring/servers", {**new, "restart": "sometimes"})
    assert wrong.status == 422
    assert wrong.json["detail"] == "restart: one of always, on-failure, never."

"""The table of endpoints: method, path, handler, and the types of query, body and answer.

The router is made from these rows, and with the types of the wire the OpenAPI 3.1 document.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import Any, get_args

import msgspec

from omnitray.alerts.model import Alert
from omnitray.api import channel_calls, handlers, metric_calls, requests, wire
from omnitray.api.handlers import Call
from omnitray.api.requests import AlertsQuery, NoQuery, SnapshotsQuery
from omnitray.api.wire import Done, Error, ProtectionSettings, RecordingState, SettingsBody

PREFIX = "/api/monitoring"


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One row; ``answer`` is a type or a union of types."""

    method: str
    path: str
    handler: Callable[[Call], Awaitable[Any]]
    answer: Any
    query: type[msgspec.Struct] = NoQuery
    body: type[msgspec.Struct] | None = None
    status: int = 200
    names_one: bool = False  # the body names something that may not be there

    @property
    def has_id(self) -> bool:
        """Whether the path names one thing."""
        return "{id}" in self.path

    @property
    def writes(self) -> bool:
        """Whether it changes anything."""
        return self.method == "POST"


def _get(path: str, handler: Callable[[Call], Awaitable[Any]], shape: Any, **more: Any) -> Endpoint:
    return Endpoint(method="GET", path=PREFIX + path, handler=handler, answer=shape, **more)


def _post(
    path: str, handler: Callable[[Call], Awaitable[Any]], shape: Any, **more: Any
) -> Endpoint:
    body = more.pop("body", requests.Nothing)
    path = PREFIX + path
    return Endpoint(method="POST", path=path, handler=handler, answer=shape, body=body, **more)


ENDPOINTS: tuple[Endpoint, ...] = (
    _get("/health", handlers.health, wire.Health | wire.Liveness),
    _get("/status", handlers.status, wire.StatusBody),
    _get("/alerts/active", handlers.active_alerts, wire.ActiveAlerts),
    _get("/alerts", handlers.alerts, wire.Alerts, query=AlertsQuery),
    _get("/snapshots/recent", handlers.recent_snapshots, wire.Snapshots, query=SnapshotsQuery),
    _get("/actions", handlers.actions, wire.Actions),
    _get("/jobs", handlers.jobs, wire.Jobs),
    _get("/explain", handlers.explain, wire.ExplanationBody),
    _get("/channels", channel_calls.channels, channel_calls.ChannelsBody),
    _get(
        "/metrics",
        metric_calls.metrics,
        metric_calls.MetricsBody,
        query=metric_calls.MetricsQuery,
    ),
    _get(
        "/metrics/jobs",
        metric_calls.costly_jobs,
        metric_calls.JobCostsBody,
        query=metric_calls.MetricsQuery,
    ),
    _get("/webhooks", channel_calls.webhooks, channel_calls.WebhooksBody),
    _post(
        "/webhooks/test",
        channel_calls.test_webhook,
        channel_calls.WebhookTestBody,
        body=channel_calls.WebhookName,
        names_one=True,
    ),
    _post(
        "/webhooks/action",
        channel_calls.change_webhook,
        Done,
        body=channel_calls.NewWebhookState,
        names_one=True,
    ),
    _get("/alerts/{id}/deliveries", channel_calls.deliveries, channel_calls.DeliveriesBody),
    _get("/runs", handlers.runs, wire.Runs, query=requests.RunsQuery),
    _get("/servers", handlers.servers, wire.Servers),
    _get(
        "/servers/{id}/log",
        handlers.server_log,
        wire.ServerLogBody,
        query=requests.LogQuery,
    ),
    _post("/alerts", handlers.raise_alert, Alert, body=requests.NewAlert, status=201),
    _post("/mode", handlers.set_mode, wire.ModeState, body=requests.NewMode),
    _post("/level", handlers.set_level, wire.LevelState, body=requests.NewLevel),
    _post("/alerts/{id}/ack", handlers.acknowledge, Alert),
    _post("/alerts/{id}/resolve", handlers.resolve, Alert),
    _post("/snooze", handlers.snooze, wire.SnoozeState, body=requests.NewSnooze),
    _post("/actions/{id}/undo", handlers.undo, Done),
    _post("/actions/undo-all", handlers.undo_all, Done),
    _get("/questions", handlers.questions, wire.Questions),
    _post("/questions/{id}", handlers.answer_question, Done, body=requests.NewAnswer),
    _post(
        "/jobs/action",
        handlers.act_on_job,
        Done,
        body=requests.NewJobAction,
        names_one=True,
    ),
    _get("/settings", handlers.settings_in_force, SettingsBody),
    _get("/protect", handlers.protection, ProtectionSettings),
    _post(
        "/protect",
        handlers.set_protection,
        ProtectionSettings,
        body=requests.NewProtection,
        names_one=True,
    ),
    _post("/record", handlers.record, Done, body=requests.NewRecording),
    _get("/record/{id}", handlers.recording, RecordingState),
    _post("/dashboard", metric_calls.open_dashboard, metric_calls.DashboardAddress),
    _post("/quit", handlers.quit_program, Done),
    _post("/clean", handlers.clean, Done, body=requests.NewClean),
    _post(
        "/servers",
        handlers.watch_server,
        wire.ServerBody,
        body=requests.NewServer,
        status=201,
    ),
    _post("/servers/{id}/start", handlers.start_server, wire.ServerBody),
    _post("/servers/{id}/stop", handlers.stop_server, wire.ServerBody),
    _post("/servers/{id}/restart", handlers.restart_server, wire.ServerBody),
    _post("/servers/{id}/remove", handlers.remove_server, wire.ServerBody),
    _post("/token/rotate", handlers.rotate_token, wire.TokenBody),
)


REF = "#/components/schemas/{name}"
ERRORS = {
    400: "malformed request",
    401: "no token, or a wrong one",
    403: "foreign Host, Origin or site",
    404: "nothing under that id or name",
    405: "another method is needed",
    409: "not possible now",
    413: "body over 64 KiB",
    422: "a value that is not allowed",
    429: "too many requests",
    503: "too busy to do it now",
}
ALWAYS = (400, 401, 403, 405, 413, 422, 429)
ON_WRITE = (409, 503)


def document(endpoints: Sequence[Endpoint], version: str) -> dict[str, Any]:
    """The whole document as JSON values."""
    shapes = list(_shapes(endpoints))
    schemas, components = msgspec.json.schema_components(shapes, ref_template=REF)
    known = {repr(shape): schema for shape, schema in zip(shapes, schemas, strict=True)}
    paths: dict[str, Any] = {}
    for endpoint in endpoints:
        operation = _operation(endpoint, known, components)
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "OmniTray",
            "version": version,
            "summary": "The local API of a running OmniTray. Address and token: api.json.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _shapes(endpoints: Iterable[Endpoint]) -> Iterator[Any]:
    seen = set()
    for endpoint in endpoints:
        for shape in (*_parts(endpoint.answer), endpoint.query, endpoint.body, Error):
            if shape is not None and repr(shape) not in seen:
                seen.add(repr(shape))
                yield shape


def _parts(answer: Any) -> tuple[Any, ...]:
    """A union of structs has no tag to tell them apart by: each is a schema of its own."""
    return get_args(answer) or (answer,)


def _operation(
    endpoint: Endpoint, known: dict[str, Any], components: dict[str, Any]
) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": endpoint.handler.__name__,
        "summary": (inspect.getdoc(endpoint.handler) or "").partition("\n")[0],
        "parameters": [*_path_parameters(endpoint), *_query_parameters(endpoint, components)],
        "responses": _responses(endpoint, known),
    }
    if endpoint.body is not None:
        operation["requestBody"] = {
            "required": any(field.required for field in msgspec.structs.fields(endpoint.body)),
            "content": {"application/json": {"schema": known[repr(endpoint.body)]}},
        }
    if len(_parts(endpoint.answer)) > 1:
        operation["security"] = [{"token": []}, {}]
    return operation


def _path_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    if not endpoint.has_id:
        return []
    schema = {"type": "string", "minLength": 1, "maxLength": 128}
    return [{"name": "id", "in": "path", "required": True, "schema": schema}]


def _query_parameters(endpoint: Endpoint, components: dict[str, Any]) -> list[dict[str, Any]]:
    shape = components[endpoint.query.__name__]
    return [
        {"name": name, "in": "query", "required": False, "schema": _without_null(schema)}
        for name, schema in shape["properties"].items()
    ]


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """What is left out stands for null: a query string cannot say it."""
    kept = {key: value for key, value in schema.items() if value is not None}
    choices = [each for each in kept.pop("anyOf", []) if each != {"type": "null"}]
    if "enum" in kept:
        kept["enum"] = [each for each in kept["enum"] if each is not None]
    return {**kept, **choices[0]} if choices else kept


def _responses(endpoint: Endpoint, known: dict[str, Any]) -> dict[str, Any]:
    schemas = [known[repr(part)] for part in _parts(endpoint.answer)]
    shape = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
    codes = [
        *ALWAYS,
        *([404] if endpoint.has_id or endpoint.names_one else []),
        *(ON_WRITE if endpoint.writes else ()),
    ]
    responses = {str(endpoint.status): _response("done", shape)}
    for code in sorted(codes):
        responses[str(code)] = _response(ERRORS[code], known[repr(Error)])
    return responses


def _response(text: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": schema}}}

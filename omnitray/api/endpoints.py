"""The table of endpoints: method, path, handler, and the types of query, body and answer.

Router and OpenAPI document are made from these rows.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from omnitray.alerts.model import Alert
from omnitray.api import channel_calls, handlers, metric_calls, requests, wire
from omnitray.api.handlers import Call
from omnitray.api.requests import AlertsQuery, NoQuery, SnapshotsQuery
from omnitray.api.wire import Done, ProtectionSettings, RecordingState, SettingsBody

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
    _post("/token/rotate", handlers.rotate_token, wire.TokenBody),
)

"""What the pages ask for by themselves, as sample facts: channels, webhooks, trends.

Like :mod:`support.samples` nothing here was measured.
"""

import math

from omnitray.alerts.channels.deliveries import ChannelView, Delivery, DeliveryState
from omnitray.alerts.channels.webhooks.standing import WebhookView
from omnitray.base.facts import Severity
from omnitray.metrics.aggregate import JobCost, MetricPoint, Period
from omnitray.ui.pages.page import PageSources
from support.samples import GB, NOW

_KNOWN_S = 45 * 86400.0  # since when minutes were kept
_MEANS = {"cpu": 34.0, "memory": 56.0}


def channels(name: str = "") -> tuple[ChannelView, ...]:
    """One of each way to stand."""
    shown = Delivery(
        channel="desktop", alert_id="a00002", state=DeliveryState.DELIVERED, at=NOW - 9
    )
    return (
        ChannelView(name="desktop", open=True, latest=shown),
        ChannelView(name="file", open=True),
        ChannelView(name="syslog", open=False),
        ChannelView(name="websocket", open=True, clients=2),
        ChannelView(name="vscode", open=False, clients=0, fault=name),
    )


def webhooks(name: str = "") -> tuple[WebhookView, ...]:
    """One delivered, one that waits, one refused, one paused."""
    rows: tuple[tuple[str, str, str, dict[str, object]], ...] = (
        ("team", "slack", "delivered", {"delivered_at": NOW - 300}),
        ("on-call", "pagerduty", "waiting", {"waiting": 3, "next_at": NOW + 40, "why": "timeout"}),
        ("lab", "ntfy", "failed", {"waiting": 1, "why": name or "answered 401: key refused"}),
        ("mail", "email", "paused", {"paused": True}),
    )
    return tuple(
        WebhookView(
            name=name if name and number == 0 else label, kind=kind, state=state,
            severity=Severity.CRITICAL, resolved=True,
            **{"paused": False, "waiting": 0, **more},  # type: ignore[arg-type]
        )
        for number, (label, kind, state, more) in enumerate(rows)
    )  # fmt: skip


def points(series: str, by: Period, since: float, until: float) -> list[MetricPoint]:
    """Busy by day, idle by night; a disk that fills; nothing before OmniTray was there."""
    found, at = [], by.begin(max(since, NOW - _KNOWN_S))
    while at < min(until, NOW):
        if not 0.41 < (at % 604_800) / 604_800 < 0.45:  # switched off
            found.append(_point(series, at, by.after(at) - at))
        at = by.after(at)
    return found


def _point(series: str, at: int, covered_s: float) -> MetricPoint:
    hour = at / 3600
    busy = max(0.0, math.sin(hour / 24 * 2 * math.pi - 2.0)) * (0.7 + 0.3 * math.sin(hour * 2.3))
    if series in _MEANS:
        mean = _MEANS[series] * (0.35 + busy)
        spread = 4.0 + 0.5 * mean * (0.6 + 0.4 * math.sin(hour * 5.1))
    else:
        mean = 88.0 - (NOW - at) / 86400 * 0.9 + 0.4 * math.sin(hour / 3)
        spread = 0.4
    low, high = max(0.0, mean - spread), min(100.0, mean + spread)
    return MetricPoint(at=at, covered_s=covered_s, low=low, mean=mean, high=high, p95=high - 1.0)


def costly_jobs(name: str = "") -> list[JobCost]:
    """What cost most."""
    rows = (
        (name or "pytest", "~/shop", 51_000.0, 14.2, 38),
        ("cargo build", "~/engine", 19_400.0, 6.1, 21),
        ("agent", "~/engine", 9_100.0, 2.2, 12),
        ("Firefox", "", 7_300.0, 3.1, 5),
        ("OmniTray", "", 44.0, 0.1, 1),
    )
    return [
        JobCost(name=job, project=project, cpu_s=cpu, peak_bytes=round(peak * GB), runs=runs)
        for job, project, cpu, peak, runs in rows
    ]


def sources(name: str = "") -> PageSources:
    """All of it; ``name`` stands wherever others give one."""
    return PageSources(
        channels=lambda: channels(name),
        webhooks=lambda: webhooks(name),
        metric_points=points,
        costly_jobs=lambda _since, _until: costly_jobs(name),
    )

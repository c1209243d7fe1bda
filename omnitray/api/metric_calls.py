"""``GET /api/monitoring/metrics``, ``/api/monitoring/metrics/jobs`` and ``/metrics``.

The families of ``/metrics`` are made from the program's facts by :func:`families`, which is pure.
"""

import asyncio
import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, ParamSpec, TypeVar

import msgspec
from msgspec import Meta

from omnitray import __version__
from omnitray.api import bodies
from omnitray.api.facade import AppFacade, CommandRefused, Refusal
from omnitray.api.gate import Receive, Scope, Send
from omnitray.api.handlers import Call
from omnitray.api.requests import refuse_odd_times
from omnitray.api.status import Status
from omnitray.base.clock import timestamp
from omnitray.base.facts import AlertType, Mode, MonitorLevel, PressureFacts, Severity
from omnitray.metrics.aggregate import BY_NAME, SERIES, Period
from omnitray.metrics.exposition import (
    MOST_NAMED,
    OPENMETRICS,
    PLAIN,
    MetricFamily,
    MetricTotals,
    accepts_openmetrics,
    write,
)
from omnitray.servers.model import ServerState

MOST_DISKS = 10
STEPS = ("slow_down", "pause", "end", "other")


def families(door: AppFacade) -> list[MetricFamily]:
    """Everything; at most 300 series (``docs/fleet.md``)."""
    status = door.status()
    totals = door.totals()
    return [
        *_machine(status, totals),
        *_state(door, status),
        *_counted(totals),
        *_named(door),
        *_own(status),
    ]


def _machine(status: Status, totals: MetricTotals) -> Iterator[MetricFamily]:
    shot = status.snapshot
    memory = shot.memory if shot else None
    cpu = totals.cpu_at(shot.monotonic_s) if shot and shot.cpu_percent is None else None
    yield _gauge(
        "cpu_usage_ratio",
        "Share of all processors in use.",
        _ratio(shot.cpu_percent if shot and shot.cpu_percent is not None else cpu),
    )
    yield _gauge(
        "memory_usage_ratio", "Share of memory in use.", _ratio(shot and shot.memory_percent)
    )
    yield _gauge("memory_total_bytes", "Memory of the machine.", memory and memory.total_bytes)
    yield _gauge("memory_available_bytes", "Memory available.", memory and memory.available_bytes)
    yield _gauge("swap_total_bytes", "Swap of the machine.", memory and memory.swap_total_bytes)
    yield _gauge("swap_free_bytes", "Free swap.", memory and memory.swap_free_bytes)
    disks = shot.disks[:MOST_DISKS] if shot else ()
    yield MetricFamily(
        "omnitray_disk_usage_ratio",
        "gauge",
        "Share of a file system in use, the fullest ones.",
        [({"mount": disk.mount}, disk.used_percent / 100) for disk in disks],
    )
    yield MetricFamily(
        "omnitray_disk_free_bytes",
        "gauge",
        "Free bytes of a file system.",
        [({"mount": disk.mount}, disk.free_bytes) for disk in disks],
    )
    yield MetricFamily(
        "omnitray_pressure_ratio",
        "gauge",
        "Share of time in which tasks waited (PSI, average over 10 s).",
        _pressure(shot.pressure if shot else None),
    )
    warmest = max((each.celsius for each in shot.temperatures), default=None) if shot else None
    yield _gauge("temperature_celsius", "The warmest sensor.", warmest)
    yield _gauge(
        "gpu_usage_ratio", "How busy the busiest GPU is.", _ratio(shot and shot.gpu_percent)
    )
    yield _gauge("processes", "Processes on the machine.", shot and shot.processes)


def _pressure(pressure: PressureFacts | None) -> list[tuple[dict[str, str], float | None]]:
    found: list[tuple[dict[str, str], float | None]] = []
    for resource in ("cpu", "memory", "io"):
        pair = getattr(pressure, resource, None)
        if pair is not None:
            found.append(({"resource": resource, "tasks": "some"}, _ratio(pair.some_avg10)))
            found.append(({"resource": resource, "tasks": "full"}, _ratio(pair.full_avg10)))
    return found


def _state(door: AppFacade, status: Status) -> Iterator[MetricFamily]:
    yield MetricFamily(
        "omnitray_build_info", "gauge", "The version that runs.", [({"version": __version__}, 1)]
    )
    yield MetricFamily(
        "omnitray_mode",
        "gauge",
        "1 for the mode in force.",
        [_one(mode, status.mode, "mode") for mode in Mode],
    )
    yield MetricFamily(
        "omnitray_level",
        "gauge",
        "1 for the level in force.",
        [_one(level, status.level, "level") for level in MonitorLevel],
    )
    counts = dict.fromkeys(Severity, 0)
    for alert in status.open_alerts:
        counts[alert.severity] += alert.state == "firing"
    yield MetricFamily(
        "omnitray_alerts_firing",
        "gauge",
        "Alerts that hold now and are not acknowledged.",
        [({"severity": each.value}, counts[each]) for each in Severity],
    )
    yield _gauge(
        "jobs_held", "Jobs that the protector slows down or pauses.", len(door.protection().held)
    )


def _counted(totals: MetricTotals) -> Iterator[MetricFamily]:
    yield MetricFamily(
        "omnitray_alerts",
        "counter",
        "Incidents since the start.",
        [
            (
                {"type": kind.value, "severity": severity.value},
                totals.alerts.get((kind, severity), 0),
            )
            for kind in AlertType
            for severity in Severity
        ],
    )
    yield MetricFamily(
        "omnitray_actions",
        "counter",
        "What the protector did since the start.",
        [({"step": step}, totals.actions.get(step, 0)) for step in STEPS],
    )
    for name, text, value in (
        ("disk_read_bytes", "Bytes read since the start.", totals.disk_read_bytes),
        (
            "disk_written_bytes",
            "Bytes written since the start.",
            totals.disk_written_bytes,
        ),
        ("network_received_bytes", "Bytes received since the start.", totals.net_received_bytes),
        ("network_sent_bytes", "Bytes sent since the start.", totals.net_sent_bytes),
        ("snapshots", "Readings since the start.", totals.snapshots),
    ):
        yield MetricFamily(f"omnitray_{name}", "counter", text, [({}, value)])


def _named(door: AppFacade) -> Iterator[MetricFamily]:
    servers = door.servers()[:MOST_NAMED]
    yield MetricFamily(
        "omnitray_server_up",
        "gauge",
        "1 while a watched server is up.",
        [({"server": each.name}, float(each.state is ServerState.UP)) for each in servers],
    )
    yield MetricFamily(
        "omnitray_server_restarts",
        "counter",
        "Restarts of a watched server.",
        [({"server": each.name}, each.restarts) for each in servers],
    )
    yield MetricFamily(
        "omnitray_webhook_waiting_alerts",
        "gauge",
        "Deliveries that wait for a receiver.",
        [({"webhook": each.name}, each.waiting) for each in door.webhooks()[:MOST_NAMED]],
    )


def _own(status: Status) -> Iterator[MetricFamily]:
    own = status.own
    yield _gauge("own_cpu_ratio", "OmniTray's share of one core.", _ratio(own and own.cpu_percent))
    yield _gauge("own_memory_bytes", "OmniTray's resident memory.", own and own.rss_bytes)


def _gauge(name: str, text: str, value: object) -> MetricFamily:
    known = float(value) if isinstance(value, int | float) else None
    return MetricFamily(f"omnitray_{name}", "gauge", text, [({}, known)])


def _ratio(percent: object) -> float | None:
    return round(percent / 100, 6) if isinstance(percent, int | float) else None


def _one(each: str, now: str, label: str) -> tuple[dict[str, str], float]:
    return {label: str(each)}, float(each == now)


P = ParamSpec("P")
T = TypeVar("T")
Moment = Annotated[dt.datetime, Meta(tz=True)]
# Without a beginning: as many stretches as a chart shows well.
DEFAULT_SPAN = {
    Period.MINUTE: dt.timedelta(hours=1),
    Period.HOUR: dt.timedelta(days=1),
    Period.DAY: dt.timedelta(days=31),
    Period.MONTH: dt.timedelta(days=366),
}


class MetricsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which series (separated by commas; without: all), by what, from when to when."""

    series: Annotated[str, Meta(max_length=500)] = ""
    by: Period = Period.HOUR
    since: Moment | None = None
    until: Moment | None = None

    def __post_init__(self) -> None:
        """Raises ValueError."""
        refuse_odd_times(self.since, self.until)

    def names(self) -> tuple[str, ...]:
        """The series; raises :class:`msgspec.ValidationError` for one that there is not."""
        named = tuple(dict.fromkeys(part.strip() for part in self.series.split(",")))
        named = tuple(part for part in named if part)
        for name in named:
            if name not in BY_NAME:
                known = ", ".join(BY_NAME)
                raise msgspec.ValidationError(f"'{name}' is not allowed; allowed: {known}")
        return named or tuple(each.name for each in SERIES)


class PointBody(msgspec.Struct, frozen=True, kw_only=True):
    """One stretch of time."""

    at: str
    min: float
    mean: float
    max: float
    p95: float
    covered_s: float


class SeriesBody(msgspec.Struct, frozen=True, kw_only=True):
    """One series, the oldest stretch first."""

    series: str
    unit: str
    points: list[PointBody]


class CountsBody(msgspec.Struct, frozen=True, kw_only=True):
    """Alerts by type and actions by step within one stretch."""

    at: str
    counts: dict[str, int]


class MetricsBody(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for."""

    by: Period
    since: str
    until: str
    series: list[SeriesBody]
    counts: list[CountsBody]


class JobCostBody(msgspec.Struct, frozen=True, kw_only=True):
    """What a job cost."""

    name: str
    project: str
    cpu_s: float
    peak_bytes: int
    runs: int


class JobCostsBody(msgspec.Struct, frozen=True, kw_only=True):
    """The jobs that took most CPU time, the most costly first."""

    since: str
    until: str
    jobs: list[JobCostBody]


async def metrics(call: Call) -> MetricsBody:
    """Long-term figures; read in a thread of its own."""
    wanted: MetricsQuery = call.query
    wanted.names()
    span(wanted, call.wall())
    return await _read(read_metrics, call.door.metrics_file, wanted, call.wall())


async def costly_jobs(call: Call) -> JobCostsBody:
    """The jobs that cost most."""
    wanted: MetricsQuery = call.query
    wanted.names()
    since, until = span(wanted, call.wall())
    return await _read(_read_jobs, call.door, since, until)


async def _read(read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """In a thread of its own; a file that cannot be read is a sentence."""
    try:
        return await asyncio.to_thread(read, *args, **kwargs)
    except OSError as error:
        detail = f"{error}" if error.errno is None else "the metrics cannot be read now"
        raise CommandRefused(Refusal.NOT_NOW, detail) from error


def span(wanted: MetricsQuery, now: float) -> tuple[float, float]:
    """From when to when, in wall seconds; raises :class:`msgspec.ValidationError`."""
    until = wanted.until.timestamp() if wanted.until else now + 1
    since = wanted.since.timestamp() if wanted.since else None
    since = until - DEFAULT_SPAN[wanted.by].total_seconds() if since is None else since
    if since >= until:
        raise msgspec.ValidationError("'since' must lie before 'until', and before now without one")
    return since, until


def read_metrics(file: Path, wanted: MetricsQuery, now: float) -> MetricsBody:
    """From the database to the body."""
    from omnitray.metrics.store import read_counts, read_points  # noqa: PLC0415 - SQLite, seldom

    since, until = span(wanted, now)
    found = [
        SeriesBody(
            series=name,
            unit=BY_NAME[name].unit,
            points=[
                PointBody(
                    at=timestamp(point.at),
                    min=round(point.low, 3),
                    mean=round(point.mean, 3),
                    max=round(point.high, 3),
                    p95=round(point.p95, 3),
                    covered_s=round(point.covered_s, 1),
                )
                for point in read_points(file, name, wanted.by, since, until)
            ],
        )
        for name in wanted.names()
    ]
    counts = read_counts(file, wanted.by, since, until)
    return MetricsBody(
        by=wanted.by,
        since=timestamp(since),
        until=timestamp(until),
        series=found,
        counts=[CountsBody(at=timestamp(at), counts=each) for at, each in sorted(counts.items())],
    )


def _read_jobs(door: AppFacade, since: float, until: float) -> JobCostsBody:
    from omnitray.metrics.store import read_jobs  # noqa: PLC0415 - SQLite, seldom

    found = read_jobs(door.metrics_file, since, until)
    jobs = [bodies.body_of(JobCostBody, each) for each in found]
    return JobCostsBody(since=timestamp(since), until=timestamp(until), jobs=jobs)


class MetricsText:
    """``/metrics`` as an ASGI application."""

    def __init__(self, door: AppFacade) -> None:
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the text that the scraper can read."""
        del receive
        headers = {name.lower(): value for name, value in scope["headers"]}
        modern = accepts_openmetrics(headers.get(b"accept", b"").decode("latin-1"))
        text = write(families(self._door), openmetrics=modern).encode()
        kind = (OPENMETRICS if modern else PLAIN).encode()
        length = str(len(text)).encode()
        given = [
            (b"content-type", kind),
            (b"content-length", length),
            (b"cache-control", b"no-store"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": given})
        await send({"type": "http.response.body", "body": text})


class DashboardAddress(msgspec.Struct, frozen=True, kw_only=True):
    """Where a browser is let in, once and for half a minute."""

    path: str


async def open_dashboard(call: Call) -> DashboardAddress:
    """A code that opens the dashboard once."""
    return DashboardAddress(path=f"/dashboard?code={call.new_code()}")

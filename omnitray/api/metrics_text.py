"""``GET /metrics``: from the program's facts to the families of the text. Pure."""

from collections.abc import Iterator

from omnitray import __version__
from omnitray.api.facade import AppFacade
from omnitray.api.status import Status
from omnitray.base.facts import AlertType, Mode, MonitorLevel, PressureFacts, Severity
from omnitray.metrics.exposition import MOST_NAMED, MetricFamily
from omnitray.servers.model import ServerState

MOST_DISKS = 10
STEPS = ("slow_down", "pause", "end", "other")


def families(door: AppFacade) -> list[MetricFamily]:
    """Everything; at most 300 series (``docs/fleet.md``)."""
    status = door.status()
    return [*_machine(status), *_state(door, status), *_counted(door), *_named(door), *_own(status)]


def _machine(status: Status) -> Iterator[MetricFamily]:
    shot = status.snapshot
    memory = shot.memory if shot else None
    yield _gauge(
        "cpu_usage_ratio", "Share of all processors in use.", _ratio(shot and shot.cpu_percent)
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


def _counted(door: AppFacade) -> Iterator[MetricFamily]:
    totals = door.totals()
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

"""The text of ``/metrics``: OpenMetrics 1.0, or the older format of Prometheus. Pure.

Base units, counters end in ``_total``. Labels are of fixed sets or bounded lists (servers and
webhooks by the names that the settings give them); names of processes are never labels.

:class:`RunningTotals` counts for them from the start of the program.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from omnitray.base.facts import Snapshot

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
PLAIN = "text/plain; version=0.0.4; charset=utf-8"
MOST_NAMED = 50  # of servers and of webhooks each
# After a change of level the first reading has no rate. The next follows within 30 s, the rarest
# rhythm: until then a scrape gets the last one, so that a series has no gap.
CPU_HOLDS_S = 60.0
Labels = Mapping[str, str]


class MetricFamily(NamedTuple):
    """``kind`` is gauge or counter; a sample is its labels and its value."""

    name: str
    kind: str
    text: str
    samples: Sequence[tuple[Labels, float | None]]
    unit: str = ""


def write(families: Iterable[MetricFamily], *, openmetrics: bool) -> str:
    """The whole text; families without a value are left out.

    A scraper refuses all of a text that has a series twice, so that the first of equal names stays.
    """
    lines: list[str] = []
    for family in families:
        known: dict[str, float] = {}
        for labels, value in family.samples:
            if value is not None and math.isfinite(value):
                known.setdefault(_labels(labels), value)
        if not known:
            continue
        counter = family.kind == "counter"
        sample = f"{family.name}_total" if counter else family.name
        head = family.name if openmetrics else sample
        lines.append(f"# TYPE {head} {family.kind}")
        if openmetrics and family.unit:
            lines.append(f"# UNIT {head} {family.unit}")
        lines.append(f"# HELP {head} {family.text}")
        lines += [f"{sample}{labels} {_number(value)}" for labels, value in known.items()]
    if openmetrics:
        lines.append("# EOF")
    return "\n".join(lines) + "\n"


def accepts_openmetrics(accept: str) -> bool:
    """Whether a scraper asks for the newer format."""
    return "application/openmetrics-text" in accept


def _labels(labels: Labels) -> str:
    if not labels:
        return ""
    told = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{told}}}"


def _escaped(text: str) -> str:
    text = text.encode(errors="replace").decode()  # a mount point may be named by any bytes
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)  # noqa: PLR2004


class MetricTotals(msgspec.Struct, frozen=True, kw_only=True):
    """Copies, to be read from any thread. ``alerts`` by (type, severity), ``actions`` by step."""

    alerts: dict[tuple[str, str], int] = {}
    actions: dict[str, int] = {}
    disk_read_bytes: float = 0.0
    disk_written_bytes: float = 0.0
    net_received_bytes: float = 0.0
    net_sent_bytes: float = 0.0
    snapshots: int = 0
    cpu_percent: float | None = None
    cpu_mono_s: float = 0.0

    def cpu_at(self, mono_s: float) -> float | None:
        """The newest use of the processors that is known, where it is not too old."""
        return self.cpu_percent if mono_s - self.cpu_mono_s <= CPU_HOLDS_S else None


class RunningTotals:
    """Used by one thread; ``now`` may be read by others."""

    def __init__(self) -> None:
        self._alerts: Counter[tuple[str, str]] = Counter()
        self._actions: Counter[str] = Counter()
        self._read = self._written = self._received = self._sent = 0.0
        self._snapshots = 0
        self._cpu: tuple[float | None, float] = (None, 0.0)
        self.now = MetricTotals()

    def add(self, shot: Snapshot) -> None:
        """One reading: rates become bytes."""
        seconds = shot.interval_s or 0.0
        self._read += (shot.disk_read_bps or 0.0) * seconds
        self._written += (shot.disk_write_bps or 0.0) * seconds
        self._received += (shot.net_recv_bps or 0.0) * seconds
        self._sent += (shot.net_sent_bps or 0.0) * seconds
        self._snapshots += 1
        if shot.cpu_percent is not None:
            self._cpu = (shot.cpu_percent, shot.monotonic_s)
        self._publish()

    def alert(self, type_: str, severity: str) -> None:
        """An incident began."""
        self._alerts[type_, severity] += 1
        self._publish()

    def action(self, step: str) -> None:
        """The protector did something."""
        self._actions[step] += 1
        self._publish()

    def _publish(self) -> None:
        self.now = MetricTotals(
            alerts=dict(self._alerts),
            actions=dict(self._actions),
            disk_read_bytes=self._read,
            disk_written_bytes=self._written,
            net_received_bytes=self._received,
            net_sent_bytes=self._sent,
            snapshots=self._snapshots,
            cpu_percent=self._cpu[0],
            cpu_mono_s=self._cpu[1],
        )

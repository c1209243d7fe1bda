"""The text of ``/metrics``: OpenMetrics 1.0, or the older format of Prometheus. Pure.

Base units, counters end in ``_total``. Labels are of fixed sets or bounded lists (servers and
webhooks by the names that the settings give them); names of processes are never labels.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
PLAIN = "text/plain; version=0.0.4; charset=utf-8"
MOST_NAMED = 50  # of servers and of webhooks each
Labels = Mapping[str, str]


class MetricFamily(NamedTuple):
    """``kind`` is gauge or counter; a sample is its labels and its value."""

    name: str
    kind: str
    text: str
    samples: Sequence[tuple[Labels, float | None]]
    unit: str = ""


def write(families: Iterable[MetricFamily], *, openmetrics: bool) -> str:
    """The whole text; families without a value are left out."""
    lines: list[str] = []
    for family in families:
        known = [(labels, value) for labels, value in family.samples if value is not None]
        if not known:
            continue
        counter = family.kind == "counter"
        sample = f"{family.name}_total" if counter else family.name
        head = family.name if openmetrics else sample
        lines.append(f"# TYPE {head} {family.kind}")
        if openmetrics and family.unit:
            lines.append(f"# UNIT {head} {family.unit}")
        lines.append(f"# HELP {head} {family.text}")
        lines += [f"{sample}{_labels(labels)} {_number(value)}" for labels, value in known]
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
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)  # noqa: PLR2004

"""What the runs' page says: verdicts, times, figures against the last time."""

import enum

from omnitray.base.amounts import size
from omnitray.runs.model import RunRecord, RunVerdict
from omnitray.runs.words import cpu, peak, took
from omnitray.ui import formats
from omnitray.ui.widgets.pills import Pill

DASH = "–"
_SHAPES = {
    RunVerdict.RUNNING: ("neutral", "half"),
    RunVerdict.LOST: ("neutral", "ring"),
    RunVerdict.PASSED: ("good", "check"),
    RunVerdict.FAILED: ("critical", "cross"),
    RunVerdict.INTERRUPTED: ("neutral", "ring"),
    RunVerdict.TIMED_OUT: ("warning", "warning"),
    RunVerdict.OUT_OF_MEMORY: ("critical", "critical"),
}
_HELD_S = 1.0  # slowed down or paused for less is no news


class RunColumn(enum.IntEnum):
    """The columns, in order."""

    WHEN = 0
    COMMAND = 1
    PROJECT = 2
    TOOK = 3
    PEAK = 4
    CPU = 5
    VERDICT = 6


TITLES = {
    RunColumn.WHEN: "When",
    RunColumn.COMMAND: "Command",
    RunColumn.PROJECT: "Project",
    RunColumn.TOOK: "Took",
    RunColumn.PEAK: "Peak memory",
    RunColumn.CPU: "CPU",
    RunColumn.VERDICT: "Verdict",
}


def pill(record: RunRecord) -> Pill:
    """The verdict as a word with a shape."""
    kind = record.kind
    tone, shape = _SHAPES[kind]
    word = record.verdict or kind.value
    failed = record.tests.get("failed")
    if kind is RunVerdict.FAILED and isinstance(failed, int) and failed:
        word = f"{failed} failed"
    elif record.verdict.startswith("failed"):
        word = f"exit {record.exit_code}"
    elif kind is RunVerdict.OUT_OF_MEMORY and record.verdict.startswith("ended"):
        word = "over its budget"
    elif kind is RunVerdict.PASSED and record.slowed_s + record.paused_s >= _HELD_S:
        return Pill("passed, slowed", "warning", "holding")
    elif kind is RunVerdict.LOST:
        word = "cut off"
    return Pill(word, tone, shape)  # type: ignore[arg-type]  # the table's values are tones


def last(record: RunRecord) -> str:
    """``last 10.1 GB``."""
    return f"last {size(record.last_peak_bytes)}" if record.last_peak_bytes else "first run"


def subtitle(record: RunRecord) -> str:
    """Where, and from when to when."""
    start = formats.clock_time(record.started_at)
    if record.state != "ended":
        return f"{record.project} · since {start}"
    return f"{record.project} · {start} to {formats.clock_time(record.started_at + record.took_s)}"


def figures(record: RunRecord) -> list[tuple[str, str, str]]:
    """Name, figure and what stands under it, for the column beside the charts."""
    rows = [
        ("Peak memory", peak(record.peak_bytes), last(record)),
        ("CPU", cpu(record.cpu_percent, record.took_s), f"{took(record.cpu_s)} of processor time"),
    ]
    budget = [
        size(record.memory_budget_bytes) if record.memory_budget_bytes else "",
        f"{record.cpu_budget_percent:.0f} % CPU" if record.cpu_budget_percent else "",
        f"{took(record.timeout_s)}" if record.timeout_s else "",
    ]
    if any(budget):
        by = "kept by the kernel" if record.held_by == "scope" else "kept by OmniTray"
        rows.append(("Budget", ", ".join(each for each in budget if each), by))
    if record.slowed_s >= 0.1:  # noqa: PLR2004 - what would be shown as nothing
        rows.append(("Slowed down", took(record.slowed_s), ""))
    if record.paused_s >= 0.1:  # noqa: PLR2004 - too short to show
        rows.append(("Paused", took(record.paused_s), ""))
    if record.worker_bytes:
        rows.append(("Largest worker", size(record.worker_bytes), ""))
    failed, total = record.tests.get("failed"), record.tests.get("total")
    if isinstance(failed, int) and isinstance(total, int):
        named = record.tests.get("names")
        names = ", ".join(f"{name}" for name in named[:3]) if isinstance(named, list) else ""
        rows.append(("Failed", f"{failed} of {total}", names))
    elif record.exit_code:
        rows.append(("Exit status", str(record.exit_code), record.signal or ""))
    return rows

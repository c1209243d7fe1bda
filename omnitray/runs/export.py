"""Runs as CSV and JSON, for the command line and the page of runs alike."""

from collections.abc import Sequence

import msgspec

from omnitray.base.clock import timestamp
from omnitray.base.csv_text import rows_as_csv
from omnitray.runs.model import RunRecord

FIELDS = (  # of a record, without its samples and events
    *("id", "started_at", "took_s", "verdict", "exit_code", "signal", "name", "command", "project"),
    *("peak_bytes", "last_peak_bytes", "worker_bytes", "cpu_s", "cpu_percent"),
    *("memory_budget_bytes", "cpu_budget_percent", "timeout_s", "slowed_s", "paused_s"),
)


def as_csv(runs: Sequence[RunRecord]) -> str:
    """A row a run, in bytes and seconds."""
    rows: list[tuple[object, ...]] = [FIELDS]
    for each in runs:
        record = msgspec.to_builtins(each)
        record["started_at"] = timestamp(each.started_at)
        rows.append(tuple(record[name] for name in FIELDS))
    return rows_as_csv(rows)


def as_json(runs: Sequence[RunRecord]) -> bytes:
    """The records without their samples and events, on one line."""
    short = [msgspec.structs.replace(each, samples=(), events=()) for each in runs]
    return msgspec.json.encode({"count": len(short), "runs": short})

"""The remembered runs, read from their files: the newest first; and as CSV and JSON."""

import logging
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from omnitray.base.bounded import read_bounded
from omnitray.base.clock import timestamp
from omnitray.base.csv_text import rows_as_csv
from omnitray.runs.admission import lives
from omnitray.runs.model import RunRecord

log = logging.getLogger(__name__)

MOST_BYTES = 1_000_000  # a record is some 5 kB
FIELDS = (  # of a record, without its samples and events
    *("id", "started_at", "took_s", "verdict", "exit_code", "signal", "name", "command", "project"),
    *("peak_bytes", "last_peak_bytes", "worker_bytes", "cpu_s", "cpu_percent"),
    *("memory_budget_bytes", "cpu_budget_percent", "timeout_s", "slowed_s", "paused_s"),
)


class RunHistory:
    """Reads a file again only when it has changed. Any thread may ask."""

    def __init__(self, data: Path) -> None:
        self._folder = data / "runs"
        self._known: dict[str, tuple[int, RunRecord | None]] = {}
        self._lock = threading.Lock()

    def runs(self) -> tuple[RunRecord, ...]:
        """All of them; what cannot be read is left out."""
        try:
            entries = [each for each in os.scandir(self._folder) if each.name.endswith(".json")]
        except OSError:
            return ()
        with self._lock:
            self._known = dict(filter(None, map(self._looked_at, entries)))
            records = [_as_it_stands(record) for _, record in self._known.values() if record]
        return tuple(sorted(records, key=lambda each: each.started_at, reverse=True))

    def _looked_at(
        self, entry: "os.DirEntry[str]"
    ) -> tuple[str, tuple[int, RunRecord | None]] | None:
        """A file's name, its time and its record; None where it is gone."""
        try:
            stamp = entry.stat().st_mtime_ns
        except OSError:
            return None
        before = self._known.get(entry.name)
        known = before if before and before[0] == stamp else (stamp, _read(Path(entry.path)))
        return entry.name, known


def before(record: RunRecord, runs: tuple[RunRecord, ...]) -> RunRecord | None:
    """The last whole run of the same command in the same project before this one."""
    return next(
        (
            each
            for each in runs
            if each.started_at < record.started_at
            and (each.project, each.title) == (record.project, record.title)
            and each.state == "ended"
        ),
        None,
    )


def _read(file: Path) -> RunRecord | None:
    try:
        return msgspec.json.decode(read_bounded(file, MOST_BYTES), type=RunRecord)
    except (OSError, msgspec.MsgspecError, ValueError, RecursionError) as error:
        log.info("%s is no record of a run: %s", file, error)
        return None


def _as_it_stands(record: RunRecord) -> RunRecord:
    """One that is said to run, and whose wrapper is gone, was cut off."""
    if record.state != "running":
        return record
    fields: dict[str, object] = {
        "wrapper_pid": record.wrapper_pid,
        "wrapper_start": record.wrapper_start,
    }
    return record if lives(fields) else msgspec.structs.replace(record, lost=True)


RunSource = Callable[[], tuple[RunRecord, ...]]


def no_runs() -> tuple[RunRecord, ...]:
    """Where nothing is remembered."""
    return ()


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

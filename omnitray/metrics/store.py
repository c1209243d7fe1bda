"""``data/metrics.db``: minutes for 48 h, hours for 90 days, days for 5 years, months for good.

SQLite in WAL mode, one transaction a minute. A stretch is summed up from the finer ones once it is
over; what was missed while the program did not run is made up at the next minute. The one that
goes on is summed up when it is asked for.

The wall clock may jump. A minute that comes twice, or after its hour was summed up, is added to
what is there; old values go only once the clock has held for an hour, so that a wrong year for a
while costs nothing. A database that is damaged is set aside, and a new one begins; one of a newer
version is left as it is.
"""

import contextlib
import itertools
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from omnitray.base.bounded import refuse_irregular
from omnitray.base.durable import StorageError, set_aside
from omnitray.metrics.aggregate import (
    BY_NAME,
    HOUR_S,
    JOBS_KEPT,
    SERIES,
    JobCost,
    MetricPoint,
    Period,
    Stretch,
    of_stretches,
)

try:
    import sqlite3
except ImportError as error:  # a Python that was built without it; all who read know OSError
    raise OSError(f"this Python has no SQLite, which keeps the trends: {error}") from error

log = logging.getLogger(__name__)
VERSION = 1
SQLITE_CORRUPT, SQLITE_NOTADB = 11, 26  # https://www.sqlite.org/rescode.html
STEADY_S = HOUR_S  # of a clock: a wrong time after a start is put right by NTP within minutes
CACHE_KIB = 256
BUSY_S = 2.0  # a copy or a checkpoint of others takes less; a minute that waits is not lost
TABLES = {
    Period.MINUTE: "minutes",
    Period.HOUR: "hours",
    Period.DAY: "days",
    Period.MONTH: "months",
}
SCHEMA = "".join(
    f"CREATE TABLE {name} (series INTEGER, at INTEGER, covered REAL, low REAL, mean REAL,"
    " high REAL, p95 REAL, PRIMARY KEY (series, at)) WITHOUT ROWID;"
    for name in TABLES.values()
) + (
    "CREATE TABLE counts (period TEXT, at INTEGER, name TEXT, number INTEGER,"
    " PRIMARY KEY (period, at, name)) WITHOUT ROWID;"
    "CREATE TABLE jobs (at INTEGER, name TEXT, project TEXT, cpu_s REAL, peak_bytes INTEGER,"
    " runs INTEGER, PRIMARY KEY (at, name, project)) WITHOUT ROWID;"
)


class NewerMetricsError(Exception):
    """A newer version of the program has written the file."""

    def __init__(self, path: Path, version: int) -> None:
        super().__init__(f"{path} is of a newer version ({version}) and is left as it is")


class UnreadableMetricsError(OSError):
    """The file cannot be read now; says why in a sentence."""


class MetricsStore:
    """Used by one thread, but for :func:`reading`, which opens the file on its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._rolled: dict[Period, int] = {}

    def write(
        self,
        minute: int,
        values: Mapping[int, Stretch],
        counts: Mapping[str, int],
        jobs: Sequence[JobCost] = (),
    ) -> None:
        """One minute, in one transaction; sums up what is over.

        Raises OSError, sqlite3.Error and NewerMetricsError; nothing of the minute is kept then.
        """
        try:
            self._write(minute, values, counts, jobs)
        except sqlite3.DatabaseError as error:
            self.close()
            if not _is_damage(error):
                raise
            log.warning("the metrics are damaged and are set aside: %s", error)
            _set_aside(self._path)
            self._write(minute, values, counts, jobs)

    def close(self) -> None:
        """Let go of the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _write(
        self,
        minute: int,
        values: Mapping[int, Stretch],
        counts: Mapping[str, int],
        jobs: Sequence[JobCost],
    ) -> None:
        if self._connection is None:
            self._rolled = {}
            self._connection = _connected(self._path)
        connection = self._connection
        with connection:
            _merge(connection, Period.MINUTE, minute, values, counts)
            for period in tuple(Period)[1:]:
                if _is_summed(connection, period, period.begin(minute)):
                    _merge(connection, period, period.begin(minute), values, counts)
            _add_jobs(connection, Period.HOUR.begin(minute), jobs)
            for finer, period in itertools.pairwise(Period):
                self._roll(connection, finer, period, minute)

    def _roll(
        self, connection: sqlite3.Connection, finer: Period, period: Period, now: int
    ) -> None:
        """Sum up every stretch that is over and was not; forget what is too old."""
        current = period.begin(now)
        if self._rolled.get(period) == current:
            return
        begins = {period.begin(at) for at in _known(connection, finer, current)}
        for begin in sorted(begins - _known(connection, period, current)):
            end = period.after(begin)
            _put(connection, TABLES[period], begin, _summed(connection, finer, begin, end))
            _count(connection, period, begin, _counted(connection, finer, begin, end))
        self._rolled[period] = current
        if _is_steady(connection, now):
            _forget(connection, finer, now)


def read_first(path: Path) -> float | None:
    """Since when something is known; None where nothing is."""
    with reading(path) as connection:
        if connection is None:
            return None
        found = [
            connection.execute(f"SELECT min(at) FROM {table}").fetchone()[0]  # noqa: S608 - fixed
            for table in TABLES.values()
        ]
        return min((float(at) for at in found if at is not None), default=None)


def read_points(
    path: Path, series: str, period: Period, since: float, until: float
) -> list[MetricPoint]:
    """One series by a resolution, oldest first, the stretch that goes on included."""
    number = BY_NAME[series].number
    with reading(path) as connection:
        if connection is None:
            return []
        rows = connection.execute(
            f"SELECT at, covered, low, mean, high, p95 FROM {TABLES[period]}"  # noqa: S608 - fixed
            " WHERE series = ? AND at >= ? AND at < ? ORDER BY at",
            (number, period.begin(since), until),
        ).fetchall()
        points = [_point(*row) for row in rows]
        return points + _going_on(connection, number, period, points, since, until)


def read_counts(
    path: Path, period: Period, since: float, until: float
) -> dict[int, dict[str, int]]:
    """Alerts and actions by the beginning of each stretch."""
    found: dict[int, dict[str, int]] = {}
    with reading(path) as connection:
        if connection is None:
            return {}
        begin = period.begin(since)
        for at, name, number in _count_rows(connection, period, begin, until):
            found.setdefault(at, {})[name] = number
    return found


def read_jobs(path: Path, since: float, until: float, limit: int = 20) -> list[JobCost]:
    """The jobs that took most CPU time in the hours of a stretch, the most costly first."""
    with reading(path) as connection:
        if connection is None:
            return []
        rows = connection.execute(
            "SELECT name, project, SUM(cpu_s), MAX(peak_bytes), SUM(runs) FROM jobs"
            " WHERE at >= ? AND at < ? GROUP BY name, project ORDER BY SUM(cpu_s) DESC LIMIT ?",
            (Period.HOUR.begin(since), until, limit),
        ).fetchall()
    return [
        JobCost(name=name, project=project, cpu_s=cpu_s, peak_bytes=peak, runs=runs)
        for name, project, cpu_s, peak, runs in rows
    ]


@contextlib.contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection | None]:
    """The file for reading alone; None where there is none yet.

    Raises:
        UnreadableMetricsError: it is damaged, locked, or what has its name is no file.
    """
    if not path.exists():
        yield None
        return
    refuse_irregular(path, path.stat().st_mode)
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=1.0)
    try:
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        yield connection
    except sqlite3.Error as error:
        raise UnreadableMetricsError(f"the metrics cannot be read now: {error}") from error
    finally:
        connection.close()


def _connected(path: Path) -> sqlite3.Connection:
    new = not path.exists()
    if not new:
        refuse_irregular(path, path.stat().st_mode)
    connection = sqlite3.connect(path, timeout=BUSY_S)
    try:
        if new:
            path.chmod(0o600)
        version = _version(connection, path)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        if version < VERSION:
            connection.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT")
        connection.execute("SELECT COUNT(*) FROM jobs WHERE at = 0")
    except BaseException:
        connection.close()
        raise
    return connection


def _version(connection: sqlite3.Connection, path: Path) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION:
        raise NewerMetricsError(path, version)
    return version


def _is_damage(error: sqlite3.Error) -> bool:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # without its extension
    return code in (SQLITE_CORRUPT, SQLITE_NOTADB) or "no such" in str(error)


def _set_aside(path: Path) -> None:
    for each in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        if each.exists():
            try:
                set_aside(each, path.parent / "metrics-damaged")
            except StorageError:
                each.unlink(missing_ok=True)


def _known(connection: sqlite3.Connection, period: Period, before: int) -> set[int]:
    """The beginnings of what is kept."""
    rows = connection.execute(
        f"SELECT DISTINCT at FROM {TABLES[period]} WHERE at < ?"  # noqa: S608 - fixed names
        " UNION SELECT DISTINCT at FROM counts WHERE period = ? AND at < ?",
        (before, period.value, before),
    )
    return {at for (at,) in rows}


def _is_summed(connection: sqlite3.Connection, period: Period, at: int) -> bool:
    return any(
        connection.execute(
            f"SELECT 1 FROM {TABLES[period]} WHERE series = ? AND at = ?",  # noqa: S608 - as above
            (each.number, at),
        ).fetchone()
        for each in SERIES
    )


def _is_steady(connection: sqlite3.Connection, now: int) -> bool:
    """Whether the clock has shown such times for long enough to throw away by it."""
    kept_s = Period.MINUTE.kept_s or 0.0
    found = connection.execute(
        "SELECT 1 FROM minutes WHERE at BETWEEN ? AND ? LIMIT 1", (now - kept_s, now - STEADY_S)
    )
    return found.fetchone() is not None


def _merge(
    connection: sqlite3.Connection,
    period: Period,
    at: int,
    values: Mapping[int, Stretch],
    counts: Mapping[str, int],
) -> None:
    """Add to what is there."""
    table = TABLES[period]
    whole = dict(values)
    for number, each in values.items():
        row = connection.execute(
            f"SELECT covered, low, mean, high, p95 FROM {table}"  # noqa: S608 - fixed names
            " WHERE series = ? AND at = ?",
            (number, at),
        ).fetchone()
        whole[number] = (of_stretches([Stretch(*row), each]) if row else None) or each
    _put(connection, table, at, whole)
    connection.executemany(
        "INSERT INTO counts VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
        " number = number + excluded.number",
        [(period.value, at, name, number) for name, number in counts.items() if number],
    )


def _put(
    connection: sqlite3.Connection, table: str, at: int, values: Mapping[int, Stretch]
) -> None:
    connection.executemany(
        f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - fixed names
        [
            (number, at, each.covered_s, each.low, each.mean, each.high, each.p95)
            for number, each in values.items()
        ],
    )


def _count(
    connection: sqlite3.Connection, period: Period, at: int, counts: Mapping[str, int]
) -> None:
    connection.executemany(
        "INSERT INTO counts VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET number = excluded.number",
        [(period.value, at, name, number) for name, number in counts.items() if number],
    )


def _add_jobs(connection: sqlite3.Connection, hour: int, jobs: Iterable[JobCost]) -> None:
    """Add to the hour, then keep the most costly ones of it."""
    connection.executemany(
        "INSERT INTO jobs VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
        " cpu_s = cpu_s + excluded.cpu_s, peak_bytes = MAX(peak_bytes, excluded.peak_bytes),"
        " runs = runs + excluded.runs",
        [
            (hour, each.name[:80], each.project[:120], each.cpu_s, each.peak_bytes, each.runs)
            for each in jobs
        ],
    )
    connection.execute(
        "DELETE FROM jobs WHERE at = ? AND (name, project) NOT IN"
        " (SELECT name, project FROM jobs WHERE at = ? ORDER BY cpu_s DESC LIMIT ?)",
        (hour, hour, 4 * JOBS_KEPT),
    )
    connection.execute(
        "DELETE FROM jobs WHERE at = ? AND (name, project) NOT IN"
        " (SELECT name, project FROM jobs WHERE at = ? ORDER BY cpu_s DESC LIMIT ?)",
        (hour - 3600, hour - 3600, JOBS_KEPT),
    )


def _summed(
    connection: sqlite3.Connection, finer: Period, begin: int, end: int
) -> dict[int, Stretch]:
    parts: dict[int, list[Stretch]] = {}
    for number, *values in connection.execute(
        f"SELECT series, covered, low, mean, high, p95 FROM {TABLES[finer]}"  # noqa: S608 - fixed
        " WHERE at >= ? AND at < ?",
        (begin, end),
    ):
        parts.setdefault(number, []).append(Stretch(*values))
    summed = {number: of_stretches(each) for number, each in parts.items()}
    return {number: each for number, each in summed.items() if each is not None}


def _counted(connection: sqlite3.Connection, finer: Period, begin: int, end: int) -> dict[str, int]:
    rows = connection.execute(
        "SELECT name, SUM(number) FROM counts WHERE period = ? AND at >= ? AND at < ?"
        " GROUP BY name",
        (finer.value, begin, end),
    )
    return dict(rows.fetchall())


def _count_rows(
    connection: sqlite3.Connection, period: Period, begin: int, until: float
) -> list[tuple[int, str, int]]:
    rows = connection.execute(
        "SELECT at, name, number FROM counts WHERE period = ? AND at >= ? AND at < ?",
        (period.value, begin, until),
    ).fetchall()
    finer = period.finer
    if finer is None:
        return rows
    # What is not summed up yet: everything after the last stretch that is.
    last = f"SELECT MAX(at) FROM {TABLES[period]} WHERE at < ?"  # noqa: S608 - fixed names
    done = connection.execute(last, (until,)).fetchone()[0]
    fresh = max(begin, period.after(done)) if done is not None else begin
    open_stretches: dict[tuple[int, str], int] = {}
    for at, name, number in _count_rows(connection, finer, fresh, until):
        key = (period.begin(at), name)
        open_stretches[key] = open_stretches.get(key, 0) + number
    return rows + [(at, name, number) for (at, name), number in open_stretches.items()]


def _going_on(
    connection: sqlite3.Connection,
    number: int,
    period: Period,
    known: Sequence[MetricPoint],
    since: float,
    until: float,
) -> list[MetricPoint]:
    """The stretches that are not summed up yet, from the finer ones."""
    finer = period.finer
    if finer is None:
        return []
    begin = period.after(known[-1].at) if known else period.begin(since)
    rows = connection.execute(
        f"SELECT at, covered, low, mean, high, p95 FROM {TABLES[finer]}"  # noqa: S608 - fixed
        " WHERE series = ? AND at >= ? AND at < ? ORDER BY at",
        (number, begin, until),
    ).fetchall()
    fine = [_point(*row) for row in rows]
    fine += _going_on(connection, number, finer, fine, max(since, begin), until)
    parts: dict[int, list[Stretch]] = {}
    for each in fine:
        stretch = Stretch(each.covered_s, each.low, each.mean, each.high, each.p95)
        parts.setdefault(period.begin(each.at), []).append(stretch)
    summed = [(at, of_stretches(each)) for at, each in sorted(parts.items())]
    return [
        _point(at, each.covered_s, each.low, each.mean, each.high, each.p95)
        for at, each in summed
        if each is not None
    ]


def _point(
    at: int, covered: float, low: float, mean: float, high: float, p95: float
) -> MetricPoint:
    return MetricPoint(at=at, covered_s=covered, low=low, mean=mean, high=high, p95=p95)


def _forget(connection: sqlite3.Connection, period: Period, now: int) -> None:
    kept_s = period.kept_s
    if kept_s is None:
        return
    connection.execute(f"DELETE FROM {TABLES[period]} WHERE at < ?", (now - kept_s,))  # noqa: S608
    connection.execute(
        "DELETE FROM counts WHERE period = ? AND at < ?", (period.value, now - kept_s)
    )
    if period is Period.HOUR:
        connection.execute("DELETE FROM jobs WHERE at < ?", (now - kept_s,))

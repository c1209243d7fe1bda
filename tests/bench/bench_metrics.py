"""The database of the long-term metrics after a year: its size, its cost, how fast it is read."""

import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from omnitray.api.metric_calls import MetricsQuery, read_metrics
from omnitray.metrics.aggregate import DAY_S, MINUTE_S, SERIES, JobCost, Period, Stretch
from omnitray.metrics.store import MetricsStore, read_points
from support.bench import Row, repeated, table, within
from support.ram import ram_folder
from support.side_by_side import tell

START = 1_767_225_600  # 2026-01-01 00:00 UTC
YEAR = 365
COARSE_S = 30 * MINUTE_S  # until the last two days: the hours are the same, their minutes are gone
NAMES = 60
MEASURED = 600  # minutes, of which the CPU time is taken
MEMORY = """
import resource, sys
from pathlib import Path
from omnitray.metrics.aggregate import Stretch
def resident():
    words = Path("/proc/self/statm").read_text().split()
    return int(words[1]) * resource.getpagesize()
before = resident()
from omnitray.metrics.store import MetricsStore
store = MetricsStore(Path(sys.argv[1]))
at = int(sys.argv[2])
for minute in range(120):
    values = {n: Stretch(60.0, 1.0, 2.0, 3.0, 2.5) for n in range(1, 16)}
    store.write(at + 60 * minute, values, {"alert.CRITICAL": 1})
print(resident() - before)
"""


def main() -> None:
    """Print the section."""
    with ram_folder() as folder:
        file = folder / "metrics.db"
        chance = random.Random(7)  # noqa: S311 - figures, no secret
        store = MetricsStore(file)
        end = START + YEAR * DAY_S
        for day in range(YEAR):
            step = MINUTE_S if day >= YEAR - 2 else COARSE_S
            first = START + day * DAY_S
            for at in range(first, first + DAY_S, step):
                _write(store, at, chance)
            if day % 73 == 72:
                tell(f"{day + 1} days")
        cpu_s = _cpu_of(store, end, chance)
        store.close()
        bytes_ = sum(each.stat().st_size for each in folder.iterdir())
        grown = _memory(file, end + 2 * DAY_S)
        now = float(end)
        whole = MetricsQuery(by=Period.HOUR)
        rows = [
            within("`metrics.db` after a year", bytes_ / 1e6, 20.0, "MB"),
            Row("writes", "1 a minute", "≤ 1 a minute", met=True),
            within(
                "CPU of the writer",
                100 * cpu_s / MINUTE_S,
                0.02,
                "%",
                told=f"{100 * cpu_s / MINUTE_S:.4f} % of a core ({1000 * cpu_s:.1f} ms a minute)",
            ),
            Row("memory that SQLite and its cache take", f"{grown / 1e6:.1f} MB"),
            _read("a year by hour, one series", lambda: _points(file, Period.HOUR, now), 100.0),
            _read("a year by day, one series", lambda: _points(file, Period.DAY, now), 100.0),
            _read(
                "the last day by hour, all series and counts, as the API does",
                lambda: read_metrics(file, whole, now),
            ),
            _read("48 hours by minute, one series", lambda: _points(file, Period.MINUTE, now)),
        ]
    print("## Long-term metrics\n")
    print(
        f"A simulated year of {len(SERIES)} series with alerts, actions and ten jobs a minute. "
        "Hours are kept for 90 days, days for five years: a year by hour has 2,160 points. "
        f"The CPU time is that of {MEASURED} minutes, with what falls due each hour.\n"
    )
    print(table(rows))


def _write(store: MetricsStore, at: int, chance: random.Random) -> None:
    values = {}
    for each in SERIES:
        mean = chance.random() * 100
        values[each.number] = Stretch(60.0, mean / 2, mean, mean * 2, mean * 1.5)
    counts = {f"alert.{chance.choice(('CRITICAL', 'SERVER_DOWN', 'TEST_FAILED'))}": 1}
    if chance.random() < 0.1:
        counts["action.slow_down"] = 1
    jobs = [
        JobCost(name=f"job {chance.randrange(NAMES)}", project="~/work/shop", cpu_s=chance.random())
        for _ in range(10)
    ]
    store.write(at, values, counts, list({each.name: each for each in jobs}.values()))


def _cpu_of(store: MetricsStore, first: int, chance: random.Random) -> float:
    before = resource.getrusage(resource.RUSAGE_SELF)
    for number in range(MEASURED):
        _write(store, first + number * MINUTE_S, chance)
    after = resource.getrusage(resource.RUSAGE_SELF)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return spent / MEASURED


def _memory(file: Path, at: int) -> int:
    words = [sys.executable, "-c", MEMORY, str(file), str(at)]
    found = subprocess.run(words, check=True, capture_output=True, text=True, timeout=120)
    return int(found.stdout)


def _points(file: Path, by: Period, now: float) -> object:
    return read_points(file, "cpu", by, now - YEAR * DAY_S, now)


def _read(what: str, read: Callable[[], object], budget_ms: float | None = None) -> Row:
    def once() -> float:
        start = time.perf_counter()
        read()
        return 1000 * (time.perf_counter() - start)

    found = repeated(20, once)
    met = None if budget_ms is None else found.p95 <= budget_ms
    budget = "" if budget_ms is None else f"≤ {budget_ms:.0f} ms"
    return Row(f"read: {what}", found.told("ms"), budget, met)

"""What looking at the machine costs, beside psutil asked for the same in the same run.

Each figure is the median over some rounds; in each round both are asked one after the other, so
that whatever else the machine does hits both. Figures are processor time: what a look takes from
others. ``ratio`` is psutil's over ours.

- *processes at rest*: the extra processes sleep, as nearly all processes do nearly all the time.
- *every line read*: the same without the shortcut that leaves sleeping processes unread.
- *scanned and grouped into jobs*: what the monitor does at every look.
- *snapshot*: everything but processes; connections are left out for psutil, which would have to
  list them all.
"""

import os
import signal
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from omnitray.base.clock import SystemClock
from omnitray.base.facts import MonitorLevel
from omnitray.monitor.sampler import Sampler
from omnitray.platforms.linux.processes import LinuxProcessDetails, LinuxProcessTable
from omnitray.platforms.linux.sampling import LinuxMachine
from omnitray.processes.jobs import JobTracker

EXTRA = (100, 1000, 5000)
ROUNDS = 9
BUDGET_US = 6.0  # a process, at a thousand of them
LIVES_S = "900"  # should this program be killed, its sleepers end by themselves
SAME_FIELDS = [
    *("pid", "ppid", "name", "status", "create_time", "num_threads", "nice", "uids"),
    *("cpu_times", "memory_info"),
]

Row = dict[str, Any]


def measure(extra: Sequence[int] = EXTRA, rounds: int = ROUNDS) -> list[Row]:
    """A row for each thing measured: what, processes, ours_ms, psutil_ms, ratio, us_per_process."""
    rows = [snapshot_row(rounds)]
    for count in extra:
        with sleeping_children(count):
            rows += process_rows(rounds)
    return rows


def snapshot_row(rounds: int) -> Row:
    """One snapshot."""
    machine = LinuxMachine()
    sampler = Sampler(machine, SystemClock())
    ours, theirs = in_turn(
        rounds * 20, lambda: sampler.sample(MonitorLevel.CRITICAL), snapshot_by_psutil
    )
    machine.close()
    return row("snapshot", len(psutil.pids()), ours, theirs)


def process_rows(rounds: int) -> list[Row]:
    """Scans of all there are now."""
    table, reading = LinuxProcessTable(), LinuxProcessTable(cpu_clock=None)
    tracker = JobTracker(LinuxProcessDetails(), SystemClock(), Path.home())
    count = len(table.scan())
    rest, theirs = in_turn(rounds, table.scan, processes_by_psutil)
    every, theirs_again = in_turn(rounds, reading.scan, processes_by_psutil)
    tracker.update(table.scan())
    grouping, _ = in_turn(rounds, lambda: tracker.update(table.scan()), table.scan)
    table.close()
    reading.close()
    return [
        row("processes at rest", count, rest, theirs),
        row("every line read", count, every, theirs_again),
        row("scanned and grouped into jobs", count, grouping, None),
    ]


def snapshot_by_psutil() -> None:
    """The same figures as a snapshot's, from psutil."""
    psutil.cpu_times(percpu=True)
    psutil.virtual_memory()
    psutil.swap_memory()
    psutil.getloadavg()
    for partition in psutil.disk_partitions():
        psutil.disk_usage(partition.mountpoint)
    psutil.disk_io_counters(perdisk=True)
    psutil.net_io_counters(pernic=True)


def processes_by_psutil() -> None:
    """The same fields as a scan's, from psutil."""
    for process in psutil.process_iter(SAME_FIELDS):
        assert process.info["pid"]


def in_turn(
    rounds: int, one: Callable[[], object], other: Callable[[], object]
) -> tuple[float, float]:
    """Median processor time of both, in ms, after a first time that does not count."""
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds + 1):
        for question, taken in zip((one, other), times, strict=True):
            started = time.thread_time()
            question()
            if number:
                taken.append(1000 * (time.thread_time() - started))
    return statistics.median(times[0]), statistics.median(times[1])


def row(what: str, processes: int, ours_ms: float, psutil_ms: float | None) -> Row:
    """A row of the table."""
    return {
        "what": what,
        "processes": processes,
        "ours_ms": ours_ms,
        "psutil_ms": psutil_ms,
        "ratio": psutil_ms / ours_ms if psutil_ms else None,
        "us_per_process": None if what == "snapshot" else 1000 * ours_ms / processes,
    }


@contextmanager
def sleeping_children(count: int) -> Iterator[None]:
    """So many processes that sleep; all are ended and reaped, whatever happens."""
    pids: list[int] = []
    try:
        for _ in range(count):
            pid = os.posix_spawnp("sleep", ["sleep", LIVES_S], os.environ)
            pids.append(pid)  # at once: should the next one fail, this one is ended all the same
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        for pid in pids:
            os.waitpid(pid, 0)


def as_table(rows: Sequence[Row]) -> str:
    """The rows as Markdown."""
    lines = [
        "| what | processes | OmniTray | psutil | ratio | a process | budget | met |",
        "|---|---:|---:|---:|---:|---:|---|---|",
    ]
    return "\n".join([*lines, *(as_line(each) for each in rows)])


def as_line(each: Row) -> str:
    """One row as Markdown; the budget is for a scan of a thousand processes or more at rest."""
    theirs = f"{each['psutil_ms']:.2f} ms" if each["psutil_ms"] else ""
    ratio = f"{each['ratio']:.1f} ×" if each["ratio"] else ""
    share = f"{each['us_per_process']:.1f} µs" if each["us_per_process"] else ""
    counts = each["what"] == "processes at rest" and each["processes"] >= min(EXTRA[1:])
    budget = f"≤ {BUDGET_US:.0f} µs a process" if counts else ""
    met = ("yes" if each["us_per_process"] <= BUDGET_US else "**no**") if counts else ""
    return (
        f"| {each['what']} | {each['processes']:,} | {each['ours_ms']:.2f} ms | {theirs} "
        f"| {ratio} | {share} | {budget} | {met} |"
    )


def main() -> None:
    """Measure and print the section."""
    print(f"## Looking at the machine\n\n{as_table(measure())}")


if __name__ == "__main__":
    main()

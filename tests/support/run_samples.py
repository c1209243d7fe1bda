"""Runs as the page shows them."""

import math

from omnitray.runs.model import RunRecord
from support import samples


def run(number: int, command: str, project: str = "~/shop", **changed: object) -> RunRecord:
    """One that passed, ``number`` hours before the samples' moment."""
    fields: dict[str, object] = {
        "schema": 1, "id": str(number), "state": "ended", "name": "", "command": command,
        "project": project, "folder": "/home/me/shop", "wrapper_pid": 1, "wrapper_start": 0,
        "pid": 1, "started_at": samples.NOW - number * 3600.0, "took_s": 252.0,
        "verdict": "passed", "exit_code": 0, "signal": None, "rss_bytes": 0,
        "peak_bytes": 3_100_000_000, "last_peak_bytes": 3_000_000_000, "expected_bytes": 0,
        "worker_bytes": 0, "cpu_s": 900.0, "cpu_percent": 357.0, "memory_budget_bytes": None,
        "cpu_budget_percent": None, "timeout_s": None, "slowed_s": 0.0, "paused_s": 0.0,
        "held_by": "samples", "samples": (), "events": (),
    }  # fmt: skip
    return RunRecord(**{**fields, **changed})  # type: ignore[arg-type]  # a table of fields


def curve(peak: float, seconds: float = 252.0) -> tuple[tuple[float, float, float], ...]:
    """Memory that grows, stays and falls; CPU that wavers."""
    return tuple(
        (at, peak * min(1.0, at / 80.0, (seconds - at) / 20.0), 600.0 + 90.0 * math.sin(at / 7.0))
        for at in (step * seconds / 100.0 for step in range(101))
    )


def runs(name: str = "") -> tuple[RunRecord, ...]:
    """One of each verdict, the newest first; ``name`` stands wherever others give one."""
    gb = 1_000_000_000
    tests = {"failed": 3, "total": 412, "names": [name or "test_cart", "test_tax", "test_total"]}
    return (
        run(1, "pytest -n 8", state="running", verdict="", exit_code=None, lost=False,
            peak_bytes=int(14.2 * gb), last_peak_bytes=int(10.3 * gb), samples=curve(14.2e9)[:70],
            took_s=176.0),
        run(2, "pytest -n 8", slowed_s=80.0, peak_bytes=int(9.2 * gb),
            last_peak_bytes=int(10.3 * gb)),
        run(3, name or "pytest -n 8", f"~/{name or 'shop'}", verdict="failed with exit 1",
            exit_code=1, tests=tests, peak_bytes=int(10.3 * gb), last_peak_bytes=int(10.1 * gb),
            samples=curve(10.3e9), memory_budget_bytes=12 * gb, slowed_s=80.0, paused_s=20.0,
            events=((70.0, "slowed down"), (90.0, "paused"), (110.0, "free"))),
        run(4, "cargo build --release", "~/engine", took_s=185.0),
        run(5, "python train.py", "~/vision", verdict="killed for memory", exit_code=137,
            signal="SIGKILL", peak_bytes=11 * gb, last_peak_bytes=11 * gb, took_s=1920.0),
        run(20, "pytest -n 8", verdict="timed out", exit_code=124, took_s=600.0,
            peak_bytes=int(9.8 * gb), last_peak_bytes=int(10.1 * gb), samples=curve(10.1e9)),
        run(21, "make -j8", "~/fw", verdict="interrupted", exit_code=130, last_peak_bytes=0,
            peak_bytes=int(1.4 * gb), took_s=69.0),
        run(30, "npm run build", "~/web", lost=True, state="running", verdict=""),
    )  # fmt: skip

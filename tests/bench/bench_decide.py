"""How long a decision takes, with a thousand and ten thousand processes, in each kind of moment."""

import time
from collections.abc import Callable

from omnitray.base.facts import Forecast, GuardReading, Job, JobKind, Resource
from omnitray.base.policy import ProtectPolicy
from omnitray.protector.model import Facts
from omnitray.protector.protector import ResourceProtector
from support.bench import Row, repeated, table
from support.scenes import GB, MB, facts, job, process, reading

TIMES = 40
A_JOB = 25  # processes
SOON = Forecast(
    resource=Resource.MEMORY, low_s=5.0, high_s=10.0, slope_bps=300.0 * MB, left_bytes=3 * GB
)
MOMENTS: dict[str, tuple[Callable[[float], GuardReading], Forecast | None]] = {
    "nothing is short": (reading, None),
    "processors over the limit": (lambda now_s: reading(now_s, cpu=99.0), None),
    "memory runs out: who is paused": (lambda now_s: reading(now_s, used=85.0), SOON),
    "memory is used up: who is ended": (lambda now_s: reading(now_s, used=97.0), None),
}


def main() -> None:
    """Print the section."""
    rows = [
        _row(count, what, at, forecast)
        for count in (1_000, 10_000)
        for what, (at, forecast) in MOMENTS.items()
    ]
    print("## Decisions\n")
    print(
        f"One call of `ResourceProtector.decide` after a scan, jobs of {A_JOB} processes each, "
        f"their programs looked up; the median of {TIMES} with its spread. It leaves out the scan "
        "itself. At rest there is no scan, and a decision takes microseconds.\n"
    )
    print(table([_unscanned(), *rows]))


def _row(
    count: int, what: str, at: Callable[[float], GuardReading], forecast: Forecast | None
) -> Row:
    jobs = _jobs(count)
    known = facts(*jobs).details
    taken = repeated(TIMES, lambda: _decision_s(jobs, at, memory_forecast=forecast, details=known))
    return Row(f"{count:,} processes, {what}", taken.scaled(1000.0).told("ms"))


def _decision_s(
    jobs: tuple[Job, ...], at: Callable[[float], GuardReading], **more: object
) -> float:
    """The fourth look, when everything has been so for long enough."""
    protector, policy = ResourceProtector("bench"), ProtectPolicy()
    for second in range(4):
        now_s = 100.0 + second
        quiet = second < 3
        seen = facts(*jobs, at=reading(now_s, cpu=99.0) if quiet else at(now_s), **more)
        if quiet:
            protector.decide(_without_forecast(seen), policy, now_s)
    began = time.perf_counter()
    protector.decide(seen, policy, now_s)
    return time.perf_counter() - began


def _without_forecast(seen: Facts) -> Facts:
    return Facts(reading=seen.reading, jobs=seen.jobs, details=seen.details, own=seen.own)


def _unscanned() -> Row:
    protector, policy = ResourceProtector("bench"), ProtectPolicy()
    seen = Facts(reading=reading(100.0))

    def once() -> float:
        began = time.perf_counter()
        protector.decide(seen, policy, 100.0)
        return time.perf_counter() - began

    return Row("no process looked at", repeated(1000, once).scaled(1e6).told("µs", 0))


def _jobs(count: int) -> tuple[Job, ...]:
    kinds = tuple(JobKind)
    return tuple(
        job(
            f"job {first}",
            process(first, rss_bytes=120 * MB),
            *(
                process(first + i, ppid=first, rss_bytes=(20 + i) * MB, state="R")
                for i in range(1, A_JOB)
            ),
            kind=kinds[first // A_JOB % len(kinds)],
            cpu=float(first % 97),
            growth=float(first % 31) * MB,
        )
        for first in range(1000, 1000 + count, A_JOB)
    )


if __name__ == "__main__":
    main()

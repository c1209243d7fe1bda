"""When a run is slowed down, paused and ended: decisions without processes."""

import itertools
import os
from pathlib import Path

import pytest

from omnitray.runs import admission
from omnitray.runs.budget import PAUSE_S, BudgetStep, CpuBudget, MemoryBudget, RunScope
from omnitray.runs.records import MOST_SAMPLES, RunFiles, thinned
from omnitray.runs.tree import RunTree
from omnitray.runs.watch import CommandRun, RunPlan
from omnitray.runs.words import closing, last_time, took, waiting

FREE, SLOWED = BudgetStep.FREE, BudgetStep.SLOWED
PAUSED, ENDED = BudgetStep.PAUSED, BudgetStep.ENDED


def steps(budget: MemoryBudget, *shares: float, every_s: float = 0.1) -> list[str]:
    return [budget.decide(place * every_s, int(share * 1000)) for place, share in enumerate(shares)]


def test_the_rungs_are_climbed_in_order_and_left_with_hysteresis() -> None:
    budget = MemoryBudget(1000, may_end=True)
    assert steps(budget, 0.5, 0.84, 0.86, 0.99, 1.0, 1.05, 0.95, 0.89, 0.8, 0.74) == [
        *(FREE, FREE, SLOWED, SLOWED, PAUSED, PAUSED, PAUSED, SLOWED, SLOWED, FREE),
    ]


def test_it_is_ended_beyond_the_budget_and_stays_so() -> None:
    assert steps(MemoryBudget(1000, may_end=True), 0.5, 1.1, 0.2) == [FREE, ENDED, ENDED]


def test_it_is_never_ended_where_that_is_refused() -> None:
    budget = MemoryBudget(1000, may_end=False)
    seen = {budget.decide(now * 1.0, 5000) for now in range(1000)}
    assert seen == {PAUSED, SLOWED}


def test_a_pause_that_brings_nothing_is_tried_three_times() -> None:
    budget = MemoryBudget(1000, may_end=True)
    seen = [budget.decide(now * 1.0, 1050) for now in range(100)]
    pauses = sum(1 for one, two in itertools.pairwise(seen) if (one, two) == (SLOWED, PAUSED))
    assert seen[0] is PAUSED
    assert pauses == 2
    assert seen.index(ENDED) == 5 * PAUSE_S


def test_a_cpu_budget_holds_over_any_time() -> None:
    budget, now, used = CpuBudget(50.0), 0.0, 0.0
    for _ in range(2000):  # a tree that takes a core whenever it may run
        hold = budget.hold_s(now, used)
        now += hold
        if hold == 0.0:
            now, used = now + 0.1, used + 0.1
    assert used / now == pytest.approx(0.5, abs=0.02)


def test_an_idle_time_is_no_credit() -> None:
    budget = CpuBudget(50.0)
    assert budget.hold_s(0.0, 0.0) == 0.0
    assert budget.hold_s(1000.0, 0.0) == 0.0
    assert budget.hold_s(1001.0, 1.0) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("room", "worker", "cores", "count"),
    [(8e9, 1e9, 8, 6), (8e9, 0, 8, 6), (8e9, 4e9, 8, 1), (1e6, 1e9, 8, 1), (1e12, 1e9, 8, 8)],
)
def test_as_many_workers_as_fit(room: float, worker: float, cores: int, count: int) -> None:
    assert admission.how_many(int(room), int(worker), cores) == count


def test_every_program_is_told_in_its_own_words() -> None:
    environ: dict[str, str] = {"CARGO_BUILD_JOBS": "7"}
    assert admission.told(3, ["pytest", "-n", "auto"], environ) == ["pytest", "-n", "auto"]
    assert environ["PYTEST_XDIST_AUTO_NUM_WORKERS"] == "3"
    assert environ["CARGO_BUILD_JOBS"] == "7"  # a person's own
    assert environ["MAKEFLAGS"] == "-j3"


@pytest.mark.parametrize("flags", ["-j8", "j8", "-k -j 8", "--jobserver-auth=3,4 -j", "kj"])
def test_make_keeps_what_it_was_told(flags: str) -> None:
    environ = {"MAKEFLAGS": flags}
    admission.told(3, ["make"], environ)
    assert environ["MAKEFLAGS"] == flags


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("ninja -C out", "ninja -j3 -C out"),
        ("ninja -j8", "ninja -j8"),
        ("npx jest --ci", "npx jest --maxWorkers=3 --ci"),
        ("node node_modules/.bin/jest", "node node_modules/.bin/jest --maxWorkers=3"),
        ("pnpm exec jest -w 2", "pnpm exec jest -w 2"),
        ("echo ninja", "echo ninja"),
    ],
)
def test_what_reads_no_variable_is_given_an_option(words: str, told: str) -> None:
    assert admission.told(3, words.split(), {}) == told.split()


@pytest.mark.parametrize(
    ("verdict", "advice"),
    [
        ("passed", ""),
        ("failed with exit 3", ""),
        ("timed out", " · its limit is 5.0 s: give it longer with --timeout"),
        (
            "ended at its memory budget",
            " · its budget is 200 MB: give it more with --memory",
        ),
        (
            "killed for memory",
            " · the machine ran out of memory: start it with --wait, or with a --memory budget",
        ),
    ],
)
def test_the_closing_line_says_what_to_do(verdict: str, advice: str) -> None:
    line = closing({
        "name": "", "command": "make", "project": "~/shop", "verdict": verdict, "took_s": 0.01,
        "peak_bytes": 0, "last_peak_bytes": 0, "cpu_percent": 0.0, "slowed_s": 0.0,
        "paused_s": 0.0, "timeout_s": 5.0, "memory_budget_bytes": 200_000_000,
    })  # fmt: skip
    assert line == f"make · ~/shop: {verdict} in 0.0 s · peak – · CPU –{advice}"


def test_a_long_run_keeps_its_peak_when_its_samples_are_thinned() -> None:
    samples = [[float(number), float(number == 777), 0.0] for number in range(5000)]
    kept = thinned(samples)
    assert MOST_SAMPLES // 2 <= len(kept) <= MOST_SAMPLES
    assert [777.0, 1.0, 0.0] in kept


def test_what_is_said_is_a_sentence_with_figures() -> None:
    facts: dict[str, object] = {
        "name": "", "command": "pytest -n 8", "project": "~/shop", "verdict": "passed",
        "took_s": 252.0, "peak_bytes": 10_300_000_000, "last_peak_bytes": 10_100_000_000,
        "cpu_percent": 612.0, "slowed_s": 80.0, "paused_s": 0.0,
    }  # fmt: skip
    assert closing(facts) == (
        "pytest -n 8 · ~/shop: passed in 4 min 12 s · peak 10.3 GB (last time 10.1 GB)"
        " · CPU 612 % · slowed down for 1 min 20 s"
    )
    why = last_time(14e9, 9e9, is_budget=False)
    assert why == "last time this took 14.0 GB, 9.0 GB are free"
    assert (
        waiting(why, 2) == f"waiting: 2 runs are ahead; {why}; it starts by itself, Ctrl-C gives up"
    )
    assert [took(each) for each in (0.44, 48, 60, 3900)] == ["0.4 s", "48 s", "1 min", "1 h 5 min"]


def test_no_run_is_slowed_down_for_longer_than_it_took(tmp_path: Path) -> None:
    """A scope's throttled time is that of all processors together."""
    one = CommandRun(RunPlan(["make"], {}), RunFiles(str(tmp_path)), lambda *_: None, RunScope())
    one._tree = RunTree(os.getpid())
    one.slowed_s, one._took_s = 12.0, 5.0
    assert one.finish()["slowed_s"] == 5.0

"""Simulates the protector on machines drawn at random and counts what it did wrong.

    python tests/bench/simulate.py --runs 10000 --seed 1
    python tests/bench/simulate.py --only 1:4711     # one run again, with what was decided

Prints the seed and the violations; the exit status is 1 when there is one.
"""

import argparse
import collections
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from omnitray.protector.model import Action, Decision
from support.sim_plans import random_run
from support.sim_run import Outcome

_SHOWN = 10


def main() -> int:
    """Simulate and tell."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="the number of the first run")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", metavar="SEED:RUN", help="one run, in detail")
    given = parser.parse_args()
    if given.only:
        return _one(given.only)
    started = time.perf_counter()
    tally: collections.Counter[str] = collections.Counter()
    broken: list[tuple[int, str]] = []
    for number in range(given.first, given.first + given.runs):
        outcome = simulated(given.seed, number)
        _count(tally, outcome)
        broken += [(number, sentence) for sentence in outcome.violations]
    for number, sentence in broken[:_SHOWN]:
        print(f"run {given.seed}:{number} {sentence}")
    took_s = time.perf_counter() - started
    print(f"seed {given.seed}: {given.runs} runs, {len(broken)} violations, {took_s:.0f} s")
    print(", ".join(f"{count} {what}" for what, count in sorted(tally.items())))
    return int(bool(broken))


def simulated(seed: int, number: int) -> Outcome:
    """One run; the same figures give the same run."""
    return random_run(random.Random(f"{seed}:{number}").randint)  # noqa: S311 - no secret


def _count(tally: collections.Counter[str], outcome: Outcome) -> None:
    tally["decisions asked for"] += outcome.decided
    tally["ends by the kernel"] += len(outcome.machine.killed_by_kernel)
    for decision in outcome.levers.done:
        tally[_name(decision)] += 1


def _name(decision: Decision) -> str:
    kind = decision.step if isinstance(decision, Action) else type(decision).__name__.lower()
    return f"× {kind}"


def _one(which: str) -> int:
    seed, _, number = which.partition(":")
    outcome = simulated(int(seed), int(number))
    for decision in outcome.levers.done:
        print(_line(decision))
    print("\n".join(outcome.violations) or "no violations")
    return int(bool(outcome.violations))


def _line(decision: Decision) -> str:
    if not isinstance(decision, Action):
        return repr(decision)
    evidence = f"{decision.evidence.signal} {decision.evidence.value:.1f}"
    who = f"{decision.title} {[each.pid for each in decision.targets]}"
    return f"{decision.id} {decision.step} {who}: {decision.reason}, {evidence}"


if __name__ == "__main__":
    sys.exit(main())

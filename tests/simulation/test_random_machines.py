"""A few hundred machines drawn at random; ``tests/bench/simulate.py`` draws ten thousand."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.sim_plans import random_run


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_machine_makes_the_protector_break_a_rule(data: st.DataObject) -> None:
    outcome = random_run(lambda low, high: data.draw(st.integers(low, high)))

    assert outcome.violations == []


@pytest.mark.parametrize("seed", range(8))
def test_no_seed_does_either(seed: int) -> None:
    for number in range(20):
        outcome = random_run(random.Random(f"{seed}:{number}").randint)  # noqa: S311 - no secret

        assert outcome.violations == [], f"run {seed}:{number}"

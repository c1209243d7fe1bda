"""The simulation finds a protector that breaks a rule: each is broken here in one place."""

import random
from typing import Any

import msgspec
import pytest

from omnitray.base.facts import Resource
from omnitray.protector import cause, circuit_breaker, job_workers, victims
from omnitray.protector.context import DecisionContext
from omnitray.protector.model import EscalationStep, ExclusionReason
from omnitray.protector.policies import memory
from support.sim_machine import GB, MB, SimMachine
from support.sim_plans import random_run
from support.sim_run import Event, Outcome, run

LEAKS, IGNORES_TERM, HANGS, UNTOUCHABLE = 0, 3, 4, 5  # the kinds of ``random_run``
PARENT_COLLECTS, SHARES, PLAYS, KERNEL_ENDS, RULED, FILLS = 7, 8, 9, 10, 11, 12
_settled, _stepped = circuit_breaker._settled, circuit_breaker.stepped


def drawn(kind: int, number: int) -> Outcome:
    """A run of this kind; the same figures give the same run."""
    draws = random.Random(f"{kind}:{number}")  # noqa: S311 - no secret
    kinds = [kind]  # drawn first of all
    return random_run(lambda low, high: kinds.pop() if kinds else draws.randint(low, high))


def complaints(kind: int, numbers: range) -> str:
    return "\n".join(each for number in numbers for each in drawn(kind, number).violations)


def does_not_wait_for_memory(
    state: circuit_breaker.BreakerRecord, ending: Any, now_s: float
) -> circuit_breaker.BreakerRecord:
    all_back = ending.before_bytes + ending.expected_bytes
    return _settled(state, msgspec.structs.replace(ending, peak_bytes=all_back), now_s)


def does_not_wait_until_gone(
    state: circuit_breaker.BreakerRecord, memory: Any, ended: Any, jobs: Any, now_s: float
) -> circuit_breaker.BreakerRecord:
    if state.ending is not None and state.ending.settled_s is None:
        settled = msgspec.structs.replace(state.ending, gone_s=now_s, settled_s=now_s)
        state = msgspec.structs.replace(state, ending=settled)
    return _stepped(state, memory, ended, jobs, now_s)


def test_an_end_before_the_memory_of_the_last_one_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(circuit_breaker, "_settled", does_not_wait_for_memory)
    assert "a second end" in complaints(LEAKS, range(8))


def test_an_end_before_the_last_victim_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(circuit_breaker, "stepped", does_not_wait_until_gone)
    assert "after leak" in complaints(HANGS, range(3))


def test_ends_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(circuit_breaker, "may_end", lambda state, _now_s: state.ends_left > 0)
    assert "is still there" in complaints(HANGS, range(2))


def test_term_by_time_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(circuit_breaker, "hurry", lambda *_facts, **_more: False)
    assert "to end, too long" in complaints(IGNORES_TERM, range(8))


def test_kill_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(circuit_breaker, "hurry", lambda *_facts, **_more: True)
    assert "with enough left" in complaints(HANGS, range(6))


def test_an_innocent_is_ended_beside_the_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DecisionContext, "is_memory_cause", lambda _context, _job: True)
    assert "which is not the cause" in complaints(UNTOUCHABLE, range(6))


def test_what_has_a_window_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_workers, "LOST_BY_AN_END", frozenset())
    assert "end on hog" in complaints(UNTOUCHABLE, range(6))


def test_a_cause_that_is_left_alone_is_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_left_alone", lambda _context: iter(()))
    assert "was not named" in complaints(UNTOUCHABLE, range(6))


def test_an_end_of_what_is_somebody_elses_is_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(victims, "ENDED_IF_ASKED", frozenset(ExclusionReason))
    assert "which is somebody else's" in complaints(UNTOUCHABLE, range(6))


def test_a_parent_is_always_spared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_workers, "_is_parent", lambda *_facts: True)
    monkeypatch.setattr(
        job_workers, "_to_pause", lambda _context, _job, free, _resource: tuple(free)
    )
    assert "steady while its parent grows" in complaints(PARENT_COLLECTS, range(6))


def test_shared_memory_counts_for_every_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DecisionContext, "is_memory_cause", lambda _context, _job: True)
    monkeypatch.setattr(DecisionContext, "unshared_bytes", lambda _context, job: job.rss_bytes)
    assert "on chromium" in complaints(SHARES, range(10))


def test_the_light_one_is_slowed_down_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(victims, "_is_light", lambda *_facts: False)
    monkeypatch.setattr(
        victims, "LEAST_SHARE", {**victims.LEAST_SHARE, (Resource.CPU, EscalationStep.SLOW_DOWN): 0}
    )
    assert "must not wait" in complaints(PLAYS, range(10))


def test_who_is_seen_is_slowed_down_for_what_cannot_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DecisionContext, "unseen_cpu_percent", 0.0)
    monkeypatch.setattr(DecisionContext, "sees_cpu_users", True)
    assert "must not wait" in complaints(PLAYS, range(75, 79))


@pytest.mark.parametrize("kind", [5, 7, 8, 9])
def test_these_shapes_find_nothing_wrong_with_the_real_one(kind: int) -> None:
    assert complaints(kind, range(12)) == ""


def test_these_machines_find_nothing_wrong_with_the_real_one() -> None:
    assert complaints(HANGS, range(3)) == ""
    assert complaints(IGNORES_TERM, range(3)) == ""


def test_two_things_undone_in_one_moment_are_both_heard() -> None:
    machine = SimMachine(total=8 * GB, cores=2)
    machine.add("one", "one", cpu=2.0, rss=100 * MB)
    outcome = run(machine, seconds=30.0, events=[Event(8.0, undoes=True), Event(8.0, undoes=True)])

    assert outcome.levers.undone
    assert outcome.violations == []


def test_who_stands_beside_what_the_kernel_has_just_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cause.MemoryHistory, "gone_bytes", 0.0)
    assert "which is not the cause" in complaints(KERNEL_ENDS, range(12))


def test_what_a_rule_forbids(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DecisionContext, "forbidden", lambda *_who: frozenset())
    assert "which a rule forbids" in complaints(RULED, range(6))


def test_what_writes_nothing_is_held_for_a_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(victims, "WORTH_WRITING_BPS", 0)
    monkeypatch.setattr(victims, "_share", lambda *_what: 1.0)
    assert "which writes nothing" in complaints(FILLS, range(12))


@pytest.mark.parametrize("kind", [KERNEL_ENDS, RULED, FILLS])
def test_the_same_machines_with_the_protector_as_it_is(kind: int) -> None:
    assert complaints(kind, range(12)) == ""

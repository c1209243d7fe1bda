from hypothesis import given
from hypothesis import strategies as st

from omnitray.alerts.grouping import Budget, Due, Groups
from omnitray.alerts.rules import AlertTiming
from omnitray.base.clock import DeadlineQueue

STEPS = st.lists(
    st.tuples(
        st.sampled_from(("put", "drop", "take")), st.sampled_from("abcd"), st.integers(0, 50)
    ),
    max_size=300,
)


@given(steps=STEPS)
def test_the_latest_appointment_of_a_key_counts(steps: list[tuple[str, str, int]]) -> None:
    agenda = DeadlineQueue()
    expected: dict[str, float] = {}
    for step, key, number in steps:
        if step == "put":
            agenda.put(key, number)
            expected[key] = number
        elif step == "drop":
            agenda.drop(key)
            expected.pop(key, None)
        else:
            due = {each for each, due_m in expected.items() if due_m <= number}
            assert set(agenda.take(number)) == due
            expected = {each: at for each, at in expected.items() if each not in due}
        assert agenda.next_m == min(expected.values(), default=None)
        assert len(agenda._heap) <= 64 + 4 * max(1, len(expected)) + 1


def test_a_full_group_counts_the_rest() -> None:
    groups = Groups(AlertTiming(group_most=2))
    groups.told("g", "slot", 0.0)
    assert [groups.join("g", name, 1.0) for name in "abcd"] == [True, True, False, False]
    assert groups.next_m == 6.0
    assert groups.take_due(5.9) == []
    assert groups.take_due(6.0) == [Due("slot", ("a", "b"), 2)]
    assert not groups.quiet("g", 20.0)
    groups.prune(40.0)
    assert groups.quiet("g", 40.0)


def test_the_budget_frees_itself_after_its_window() -> None:
    budget = Budget(AlertTiming(budget=2, budget_window_s=300.0))
    for at_m in (0.0, 10.0):
        assert budget.left(at_m)
        budget.spend(at_m)
    assert not budget.left(299.0)
    assert budget.left(300.0)
    budget.defer("a", 299.0)
    budget.defer("b", 299.0)
    budget.leave("b")
    assert budget.take_digest(358.0) == ()
    assert budget.take_digest(359.0) == ("a",)
    assert budget.next_m is None

import pytest

from omnitray.alerts.storage.query import AlertQuery, fits
from omnitray.base.clock import epoch
from omnitray.base.facts import AlertType, Severity
from support import samples

MEMORY = samples.alerts()[1]  # RESOURCE_CRITICAL, critical, firing; pytest gw3 is a culprit
SEEN = epoch(MEMORY.last_seen)


def test_an_empty_query_lets_everything_through() -> None:
    assert all(fits(alert, AlertQuery()) for alert in samples.alerts())


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (AlertQuery(types=frozenset({AlertType.RESOURCE_CRITICAL})), True),
        (AlertQuery(types=frozenset({AlertType.SERVER_DOWN})), False),
        (AlertQuery(severities=frozenset({Severity.CRITICAL, Severity.INFO})), True),
        (AlertQuery(severities=frozenset({Severity.INFO})), False),
        (AlertQuery(states=frozenset({"firing"})), True),
        (AlertQuery(states=frozenset({"resolved"})), False),
        (AlertQuery(since=SEEN), True),
        (AlertQuery(since=SEEN + 1), False),
        (AlertQuery(until=SEEN), True),
        (AlertQuery(until=SEEN - 1), False),
        (AlertQuery(text="MEMORY shop"), True),
        (AlertQuery(text="memory elsewhere"), False),
        (AlertQuery(text="gw1"), True),
        (AlertQuery(text="monitor"), True),
    ],
)
def test_each_part_of_a_query_filters(query: AlertQuery, expected: bool) -> None:  # noqa: FBT001 - a table
    assert fits(MEMORY, query) is expected


def test_a_context_of_another_shape_is_searched_without_fault() -> None:
    odd = samples.alert(
        1,
        0,
        AlertType.CRITICAL,
        Severity.INFO,
        "Odd",
        "",
        context={"culprits": "nobody"},
    )
    assert not fits(odd, AlertQuery(text="nobody"))

"""What a person reads of one event and of many."""

from typing import Any

import pytest

from omnitray.alerts.channels.webhooks.brief import brief_of, digest_of
from omnitray.alerts.channels.webhooks.model import EventAction, WebhookEvent
from omnitray.base.facts import Severity
from support.alerting import START, an_alert

TRIGGER, ACKNOWLEDGE, RESOLVE = EventAction


def event(action: EventAction, number: int = 1, **alert: Any) -> WebhookEvent:
    over = {"state": "resolved", "resolved_at": "2027-01-01T00:00:00.000Z"}
    fields = {"severity": Severity.CRITICAL, "title": f"t{number}"} | alert
    fields |= over if action is RESOLVE else {}
    found = an_alert(number, **fields)
    return WebhookEvent(
        id=f"m{number}", number=number, webhook="x", action=action, at=START, alert=found
    )


def test_each_step_of_an_incident_has_its_title_and_only_the_end_how_long_it_lasted() -> None:
    found = [brief_of(event(action), "desk") for action in EventAction]
    assert [each.title for each in found] == ["t1", "Acknowledged: t1", "Over: t1"]
    assert [each.tone for each in found] == ["critical", "critical", "over"]
    assert ["Lasted" in dict(each.facts) for each in found] == [False, False, True]


@pytest.mark.parametrize(
    ("context", "culprit"),
    [
        ({"culprits": [{"job": "pytest · ~/shop", "cpu": 480.0}]}, "pytest · ~/shop · 480 %"),
        ({"culprits": []}, None),
        ({"culprits": "pytest"}, None),
        ({"culprits": [], "server": "api"}, "api"),
        ({"nodeid": "tests/test_a.py::test_b"}, "tests/test_a.py::test_b"),
    ],
)
def test_the_culprit_is_named_with_its_figures(
    context: dict[str, Any], culprit: str | None
) -> None:
    facts = dict(brief_of(event(TRIGGER, context=context), "desk").facts)
    assert facts.get("Culprit") == culprit


def test_a_digest_says_how_many_are_new_and_how_many_over() -> None:
    def title(*actions: EventAction) -> str:
        return digest_of([event(each, n) for n, each in enumerate(actions, 1)], "desk").title

    assert title(TRIGGER, TRIGGER, RESOLVE) == "3 alerts: 2 new, 1 over"
    assert title(RESOLVE, RESOLVE) == "2 alerts: 2 over"
    assert title(ACKNOWLEDGE, ACKNOWLEDGE) == "2 alerts: changed"

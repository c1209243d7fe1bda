"""One shortage, one incident: what heads it, when it is over, who has to see it first."""

from typing import Any

from omnitray.alerts.model import NAMED
from omnitray.alerts.resource_incidents import (
    MONITOR_PART,
    IncidentOver,
    IncidentPart,
    IncidentUpdate,
    ResourceIncidents,
)
from omnitray.base.facts import Resource, Severity
from omnitray.monitor.thresholds import Watched

CPU, MEMORY = Watched(Resource.CPU), Watched(Resource.MEMORY)


def part(key: str, title: str, **fields: Any) -> IncidentPart:
    values = {"message": f"{title}.", "severity": Severity.WARNING, "context": {}, "weight": 20}
    return IncidentPart(key=key, title=title, **{**values, **fields})


SHORT = part(
    MONITOR_PART,
    "Memory 91 %: pytest",
    weight=10,
    severity=Severity.CRITICAL,
    context={"culprits": [{"job": "pytest"}], "memory": 91.0},
)
PAUSED = part("p", "Paused pytest", weight=30, context={"rung": "pause"}, done="paused pytest")
ENDED = part("e", "Ended pytest", weight=40, stays=True, done="ended pytest")


def updated(change: object) -> IncidentUpdate:
    assert isinstance(change, IncidentUpdate)
    return change


def test_what_was_done_heads_and_the_figures_of_the_machine_stay() -> None:
    incidents = ResourceIncidents()
    incidents.say(MEMORY, SHORT)
    said = incidents.say(MEMORY, PAUSED)
    assert said.title == "Paused pytest"
    assert said.message == "Paused pytest. Memory 91 %: pytest."
    assert said.severity is Severity.CRITICAL
    assert said.context["culprits"] == [{"job": "pytest"}]
    assert [each["what"] for each in said.context["actions"]] == ["paused pytest"]
    assert not said.escalates


def test_the_job_that_the_monitor_names_is_in_no_title_that_another_part_heads() -> None:
    incidents = ResourceIncidents()
    named = part(MONITOR_PART, "Memory 91 %: pytest", weight=10, context={NAMED: "pytest"})
    assert incidents.say(MEMORY, named).context[NAMED] == "pytest"
    assert NAMED not in incidents.say(MEMORY, PAUSED).context
    assert updated(incidents.over(MEMORY, "p")).context[NAMED] == "pytest"


def test_what_stands_beside_the_head_is_one_sentence_that_names_what_it_speaks_of() -> None:
    incidents = ResourceIncidents()
    incidents.say(MEMORY, SHORT)
    for name in ("make", "jest"):
        watched = part(
            name,
            f"Would have paused {name}",
            message="Memory 91 %. It grows. Protection only watches: nothing is touched.",
            weight=0,
            beside=f"Would have paused {name}: memory 91 %.",
        )
        said = incidents.say(MEMORY, watched)
    assert said.message == (
        "Memory 91 %: pytest."
        " Would have paused jest: memory 91 %. Would have paused make: memory 91 %."
    )


def test_it_goes_on_while_anything_stands_and_is_over_with_the_last() -> None:
    incidents = ResourceIncidents()
    incidents.say(MEMORY, SHORT)
    incidents.say(MEMORY, PAUSED)
    assert updated(incidents.over(MEMORY, MONITOR_PART)).title == "Paused pytest"
    assert incidents.over(MEMORY, "p") == IncidentOver(watched=MEMORY)
    assert incidents.over(MEMORY, "p") is None


def test_when_what_was_done_is_taken_back_the_shortage_heads_again() -> None:
    incidents = ResourceIncidents()
    incidents.say(MEMORY, PAUSED)
    incidents.say(MEMORY, SHORT)
    said = updated(incidents.over(MEMORY, "p"))
    assert said.title == "Memory 91 %: pytest"
    # It was done, all the same.
    assert [each["what"] for each in said.context["actions"]] == ["paused pytest"]


def test_an_end_is_news_once_and_stays_until_somebody_has_seen_it() -> None:
    incidents = ResourceIncidents()
    incidents.say(MEMORY, SHORT)
    assert incidents.say(MEMORY, ENDED).escalates
    assert not incidents.say(MEMORY, ENDED).escalates
    assert incidents.seen(MEMORY) is None  # the shortage stands
    incidents.say(MEMORY, ENDED)
    assert updated(incidents.over(MEMORY, MONITOR_PART)).context["stays"]
    assert incidents.seen(MEMORY) == IncidentOver(watched=MEMORY)


def test_what_lasts_as_long_as_the_shortage_is_over_with_it() -> None:
    incidents = ResourceIncidents()
    incidents.say(MEMORY, SHORT)
    incidents.say(MEMORY, part("w", "Would have paused pytest", weight=0, with_monitor=True))
    assert updated(incidents.say(MEMORY, SHORT)).title == "Memory 91 %: pytest"
    assert incidents.over(MEMORY, MONITOR_PART) == IncidentOver(watched=MEMORY)


def test_when_nothing_is_held_any_more_ends_and_the_shortage_stay() -> None:
    incidents = ResourceIncidents()
    incidents.say(MEMORY, PAUSED)
    assert incidents.release() == (IncidentOver(watched=MEMORY),)
    incidents.say(MEMORY, SHORT)
    incidents.say(MEMORY, ENDED)
    incidents.say(MEMORY, PAUSED)
    (change,) = incidents.release()
    assert updated(change).title == "Ended pytest"
    assert incidents.release() == ()


def test_each_resource_has_its_own() -> None:
    incidents = ResourceIncidents()
    incidents.say(MEMORY, SHORT)
    incidents.say(CPU, part(MONITOR_PART, "CPU 97 %"))
    assert incidents.over(CPU, MONITOR_PART) == IncidentOver(watched=CPU)
    assert incidents.stands(MEMORY, MONITOR_PART)

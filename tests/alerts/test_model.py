"""The words of lists and of several alerts together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnitray.alerts.model import (
    fingerprint,
    kind,
    many_title,
    server_of,
    stable_labels,
    without_numbers,
)
from omnitray.base.facts import AlertType, Severity
from support.alerting import an_alert

LABELS = st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=4)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Memory at 91 %", "Memory at 97 %"),
        ("worker 3 (pid 4711) lost", "worker 12 (pid 99) lost"),
        ("job 3fa9c2d1e8 failed", "job 77b0aa1234 failed"),
        ("expected '12', got '13'", "expected '1', got '2'"),
        ("at 0x7f3a2c10", "at 0x55e01b22"),
        ("took 1.5 s", "took 92.25 s"),
    ],
)
def test_what_changes_from_report_to_report_does_not_count(one: str, other: str) -> None:
    assert without_numbers(one) == without_numbers(other)


def test_words_count() -> None:
    assert without_numbers("test_added failed") == "test_added failed"
    assert without_numbers("deadbeef") == "deadbeef"


def test_only_stable_keys_of_the_context_are_labels() -> None:
    context = {"server": "shop", "cpu": 91.2, "nodeid": "a::b", "job": None}
    labels = stable_labels("down 3", context)
    assert labels == {"server": "shop", "nodeid": "a::b", "title": "down #"}


@given(labels=LABELS)
def test_the_order_of_labels_does_not_matter(labels: dict[str, str]) -> None:
    backwards = dict(reversed(labels.items()))
    assert fingerprint(AlertType.CRITICAL, "api", labels) == fingerprint(
        AlertType.CRITICAL, "api", backwards
    )


@given(one=LABELS, other=LABELS)
def test_different_labels_are_different_alerts(one: dict[str, str], other: dict[str, str]) -> None:
    same = fingerprint(AlertType.CRITICAL, "api", one) == fingerprint(
        AlertType.CRITICAL, "api", other
    )
    assert same == (one == other)


def test_type_and_source_count() -> None:
    prints = {
        fingerprint(type_, source, {}) for type_ in AlertType for source in ("api", "server:a")
    }
    assert len(prints) == 14
    assert all(len(each) == 16 for each in prints)


@pytest.mark.parametrize(
    ("source", "context", "server"),
    [
        ("server:shop", {"server": "bank"}, "shop"),
        ("pytest", {"server": "bank"}, "bank"),
        ("pytest", {}, None),
        ("server:", {}, None),
        ("pytest", {"server": 5}, None),
    ],
)
def test_the_server_is_named_by_source_or_context(
    source: str, context: dict[str, object], server: str | None
) -> None:
    assert server_of(source, context) == server


@pytest.mark.parametrize(
    ("severity", "source", "context", "word"),
    [
        (Severity.CRITICAL, "cli", {"run": "1"}, "CRITICAL"),
        (Severity.WARNING, "cli", {"run": "1"}, "RUN"),
        (Severity.WARNING, "api", {}, "OTHER"),
    ],
)
def test_a_type_that_reads_as_a_severity_contradicts_none(
    severity: Severity, source: str, context: dict[str, str], word: str
) -> None:
    one = an_alert(type=AlertType.CRITICAL, severity=severity, source=source, context=context)
    assert kind(one) == word
    several = "2 critical alerts" if severity is Severity.CRITICAL else "2 alerts"
    assert many_title([one, one], 2) == several


def test_every_other_kind_is_its_type() -> None:
    for type_ in AlertType:
        if type_ is not AlertType.CRITICAL:
            assert kind(an_alert(type=type_, severity=Severity.WARNING)) == type_.value

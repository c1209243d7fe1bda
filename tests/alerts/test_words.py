"""The words of lists and of several alerts together."""

import pytest

from omnitray.alerts.text import kind, many_title
from omnitray.base.facts import AlertType, Severity
from support.alerting import an_alert


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

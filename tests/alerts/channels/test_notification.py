import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnitray.alerts.channels.fdo_service import notify_arguments
from omnitray.alerts.channels.notification import (
    BODY_LIMIT,
    TITLE_LIMIT,
    CloseReason,
    Notification,
    Response,
    Urgency,
    isolated,
    notification_for,
    printable,
)
from omnitray.alerts.decision import Decision, Reason
from omnitray.alerts.model import Alert
from omnitray.base.facts import AlertType, Severity

any_text = st.text(st.characters(exclude_categories=()), max_size=300)


def alert(
    severity: Severity = Severity.CRITICAL, context: dict[str, object] | None = None
) -> Alert:
    return Alert(
        id="a1",
        type=AlertType.RESOURCE_CRITICAL,
        severity=severity,
        state="firing",
        title="Memory 93 %",
        message="",
        source="monitor",
        fingerprint="f",
        first_seen="2026-11-22T13:21:27.123Z",
        last_seen="2026-11-22T13:21:27.123Z",
        context=context or {},
    )


def decision(
    title: str = "Memory 93 %", body: str = "Low.", members: tuple[str, ...] = ("a1",)
) -> Decision:
    return Decision(
        reason=next(iter(Reason)),
        alert_id="a1",
        fingerprint="f",
        at=0.0,
        notify=True,
        slot="s1",
        title=title,
        body=body,
        members=members,
    )


CULPRITS: dict[str, object] = {
    "culprits": [
        {"job": "pytest · ~/shop", "cpu": 480.4, "rss_bytes": 5_200_000_000},
        {"job": "רץ", "cpu": None, "rss_bytes": 3_000_000},
        {"job": ""},
        "nonsense",
    ]
}


def test_a_notification_names_the_culprits_with_their_figures() -> None:
    shown = notification_for(alert(context=CULPRITS), decision())
    assert shown.title == "Memory 93 %"
    assert shown.body == "Low.\npytest · ~/shop, 480 % CPU, 5.2 GB\n\u2068רץ\u2069, 3 MB"
    assert (shown.alert_id, shown.place) == ("a1", "s1")


def test_a_group_does_not_list_the_culprits_of_one() -> None:
    shown = notification_for(alert(context=CULPRITS), decision(members=("a1", "a2")))
    assert shown.body == "Low."


@pytest.mark.parametrize("culprits", [None, "text", 7, [None], [{"job": None}], [{"cpu": "x"}]])
def test_a_context_that_is_not_what_it_should_be_does_no_harm(culprits: object) -> None:
    assert notification_for(alert(context={"culprits": culprits}), decision()).body == "Low."


@pytest.mark.parametrize(
    ("severity", "urgency"),
    [
        (Severity.INFO, Urgency.LOW),
        (Severity.WARNING, Urgency.NORMAL),
        (Severity.CRITICAL, Urgency.CRITICAL),
    ],
)
def test_the_urgency_follows_the_severity(severity: Severity, urgency: Urgency) -> None:
    assert notification_for(alert(severity), decision()).urgency is urgency


@given(any_text)
def test_any_text_becomes_printable_and_bounded(text: str) -> None:
    for limit in (1, 10, TITLE_LIMIT):
        made = printable(text, limit)
        assert len(made) <= limit
        assert not any(unicodedata.category(each) in ("Cc", "Cs", "Zl", "Zp") for each in made)
        made.encode()


@given(any_text)
def test_lines_survive_only_where_they_are_wanted(text: str) -> None:
    assert "\n" not in printable(text, 100)
    kept = printable(text, 100, keep_lines=True)
    assert not any(unicodedata.category(each) == "Cc" for each in kept if each != "\n")


def test_bidirectional_overrides_are_taken_out() -> None:
    assert printable("a\u202egpj.exe\u2066b", 100) == "agpj.exeb"


def test_a_title_of_ten_megabytes_is_cut_with_an_ellipsis() -> None:
    made = printable("x" * 10_000_000, TITLE_LIMIT)
    assert made == "x" * (TITLE_LIMIT - 1) + "…"


def test_the_isolates_arrive_at_the_service() -> None:
    shown = notification_for(alert(context=CULPRITS), decision())
    assert notify_arguments(shown, replaces_id=0, capabilities=())[4] == shown.body


def test_only_right_to_left_names_are_isolated() -> None:
    assert isolated("pytest") == "pytest"
    assert isolated("שלם") == "\u2068שלם\u2069"


def test_a_click_on_the_notification_or_its_details_asks_for_the_alert() -> None:
    assert Response(alert_id="a", action="default").is_click
    assert Response(alert_id="a", action="details").is_click
    assert not Response(alert_id="a", action="snooze").is_click


def test_every_close_reason_has_its_number_and_a_sentence() -> None:
    assert [CloseReason.of(number).name for number in (1, 2, 3, 4, 99)] == [
        "EXPIRED",
        "DISMISSED",
        "WITHDRAWN",
        "UNDEFINED",
        "UNDEFINED",
    ]
    assert all(each.sentence for each in CloseReason)


def test_critical_notifications_stay_and_others_leave_when_the_service_says() -> None:
    def timeout(urgency: Urgency) -> object:
        shown = Notification(alert_id="a", title="t", urgency=urgency)
        return notify_arguments(shown, replaces_id=0, capabilities=())[-1]

    assert timeout(Urgency.CRITICAL) == 0
    assert timeout(Urgency.NORMAL) == -1


def test_a_service_without_actions_gets_none() -> None:
    shown = Notification(alert_id="a", title="t")
    assert notify_arguments(shown, replaces_id=0, capabilities=("body",))[5] == []


@pytest.mark.parametrize("product", ["Xfce Notify Daemon", "xfce4-notifyd"])
def test_a_service_without_a_default_action_gets_buttons_only(product: str) -> None:
    shown = Notification(alert_id="a", title="t")
    arguments = notify_arguments(shown, replaces_id=0, capabilities=("actions",), product=product)
    assert arguments[5] == ["details", "Show details", "snooze", "Snooze 1 h"]


def sent(product: str = "", *capabilities: str, **fields: object) -> tuple[Any, ...]:
    shown = Notification(alert_id="a", title="t", body="b", **fields)  # type: ignore[arg-type]
    return notify_arguments(shown, replaces_id=0, capabilities=capabilities, product=product)


@pytest.mark.parametrize(
    ("product", "capabilities", "where"),
    [
        ("gnome-shell", ("actions",), ""),
        ("Plasma", ("actions",), ""),
        ("mako", ("actions",), "Answer in the window of OmniTray."),
        ("minimal", ("body",), "Answer in the window of OmniTray."),
        (
            "dunst",
            ("actions",),
            "The answers are behind a click, and in the window of OmniTray.",
        ),
    ],
)
def test_a_question_says_where_to_answer_where_it_has_no_buttons(
    product: str, capabilities: tuple[str, ...], where: str
) -> None:
    assert sent(product, *capabilities, asks=True)[4] == "\n".join(filter(None, ("b", where)))
    assert sent(product, *capabilities)[4] == "b"


def test_where_to_answer_is_said_below_the_longest_text() -> None:
    shown = Notification(alert_id="a", title="t", body="x" * 2000, asks=True)
    body = notify_arguments(shown, replaces_id=0, capabilities=())[4]
    assert len(body) == BODY_LIMIT
    assert body.endswith("…\nAnswer in the window of OmniTray.")


@pytest.mark.parametrize("product", ["gnome-shell", "cinnamon", "Xfce Notify Daemon"])
def test_what_is_critical_obeys_do_not_disturb_unless_it_may_pass(product: str) -> None:
    critical = Urgency.CRITICAL
    assert sent(product, urgency=critical)[6]["urgency"] == ("y", 1)
    assert sent(product, urgency=critical, passes_dnd=True)[6]["urgency"] == ("y", 2)
    assert sent("Plasma", urgency=critical)[6]["urgency"] == ("y", 2)
    assert sent(product, urgency=Urgency.LOW, passes_dnd=True)[6]["urgency"] == ("y", 0)


def test_there_is_no_sound_unless_it_is_wanted() -> None:
    assert sent()[6]["suppress-sound"] == ("b", True)
    hints = sent(sound=True, urgency=Urgency.CRITICAL)[6]
    assert "suppress-sound" not in hints
    assert hints["sound-name"] == ("s", "dialog-warning")


def test_a_question_and_an_alert_are_told_apart_by_their_category() -> None:
    assert sent(asks=True)[6]["category"] == ("s", "x-omnitray.question")
    assert sent()[6]["category"] == ("s", "x-omnitray.alert")


@given(any_text)
def test_markup_that_is_sent_is_well_formed(body: str) -> None:
    shown = Notification(alert_id="a", title="t", body=body)
    sent = notify_arguments(shown, replaces_id=0, capabilities=("body-markup",))[4]
    assert "<" not in sent
    assert len(printable(body, BODY_LIMIT, keep_lines=True)) <= BODY_LIMIT

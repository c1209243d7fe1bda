"""Where an alert went, in the words of the window."""

from omnitray.alerts.channels.deliveries import Delivery, DeliveryState
from omnitray.ui.pages.alerts.channels import lines
from support.alerting import START, an_alert


def delivery(channel: str, state: DeliveryState, **more: object) -> Delivery:
    fields: dict[str, object] = {"alert_id": "a", "channel": channel, "state": state, "at": START}
    return Delivery(**(fields | more))  # type: ignore[arg-type]  # fields of mixed types by name


def test_each_channel_has_its_line_in_the_order_of_the_record() -> None:
    found = (
        delivery(
            "webhook",
            DeliveryState.WAITING,
            target="team",
            next_at=START + 40,
            why="answered 503",
        ),
        delivery("syslog", DeliveryState.FAILED, why="OSError: no log here"),
        delivery("desktop", DeliveryState.DELIVERED),
    )
    shown = lines(an_alert(), found, START + 1)
    assert [each.name for each in shown][:2] == ["Desktop", "Syslog"]
    assert shown[0].pill.word.startswith("delivered ")
    assert shown[1].pill.word == "failed"
    assert shown[1].quiet == "OSError: no log here"
    team = next(each for each in shown if each.name == "Webhook team")
    assert team.pill.word == "waiting, next try in 39 s"
    assert team.quiet == "answered 503"


def test_what_is_on_its_way_has_no_time_and_what_is_old_no_details() -> None:
    on_its_way = (delivery("webhook", DeliveryState.WAITING, target="team"),)
    assert lines(an_alert(), on_its_way, START)[0].pill.word == "on its way"
    old = lines(an_alert(channels=("desktop", "file")), (), START)
    assert [(each.name, each.pill.word) for each in old] == [
        ("Desktop", "delivered"),
        ("File", "delivered"),
    ]


def test_the_record_says_what_the_targets_that_wait_do_not() -> None:
    waits = delivery("webhook", DeliveryState.WAITING, target="dead")
    record = an_alert(channels=("file", "webhook"))
    assert [each.name for each in lines(record, (waits,), START)] == [
        "Webhook dead",
        "File",
        "Webhook",
    ]
    took = delivery("webhook", DeliveryState.DELIVERED, target="team")
    names = [each.name for each in lines(record, (waits, took), START)]
    assert names == ["Webhook dead", "Webhook team", "File"]


def test_what_was_not_sent_says_why() -> None:
    found = (delivery("desktop", DeliveryState.NOT_SENT, why="Not told: it is paused."),)
    (line,) = lines(an_alert(), found, START)
    assert (line.pill.word, line.quiet) == ("not sent", "Not told: it is paused.")


def test_a_foreign_reason_is_text() -> None:
    found = (delivery("syslog", DeliveryState.FAILED, why="<b>\u202e\nx"),)
    assert lines(an_alert(), found, START)[0].quiet == "<b> x"

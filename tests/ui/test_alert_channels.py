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


def test_a_foreign_reason_is_text() -> None:
    found = (delivery("syslog", DeliveryState.FAILED, why="<b>\u202e\nx"),)
    assert lines(an_alert(), found, START)[0].quiet == "<b> x"

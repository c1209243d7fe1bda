"""What each kind of receiver is sent: its own form, escaped, with the life of the incident."""

import base64
import hashlib
import hmac
import json
from email import policy
from typing import Any

import pytest

from omnitray.alerts.channels.webhooks.kinds import (
    KIND_FORMS,
    FormContext,
    markdown_escaped,
    signature,
    without_secrets,
)
from omnitray.alerts.channels.webhooks.model import EventAction, HttpCall, WebhookEvent
from omnitray.alerts.channels.webhooks.post import mail_of
from omnitray.alerts.model import Alert
from omnitray.base.facts import AlertType, Severity
from omnitray.settings.webhooks import KINDS
from support.alerting import START, an_alert
from support.published import BODIES, conforms

HOSTILE = "<!channel> *x* `y` [a](http://evil) & <b>@everyone</b> \u202e_z_\n# head"
CULPRITS = [{"job": "pytest · ~/shop", "cpu": 480.0, "rss_bytes": 9_800_000_000}]


def down(number: int = 1, **more: Any) -> Alert:
    fields: dict[str, Any] = {
        "type": AlertType.SERVER_DOWN,
        "severity": Severity.CRITICAL,
        "title": f"Server {number} is down",
        "message": "exit 1",
        "context": {"cpu": 91.2, "memory": 74.0, "disk": 61.5, "culprits": CULPRITS},
    }
    return an_alert(number, **(fields | more))


def event(alert: Alert, action: EventAction = EventAction.TRIGGER, number: int = 1) -> WebhookEvent:
    return WebhookEvent(
        id=f"msg_{number:024x}", number=number, webhook="x", action=action, at=START, alert=alert
    )


def over(number: int = 1) -> WebhookEvent:
    alert = down(number, state="resolved", resolved_at="2026-11-22T14:21:27.000Z")
    return event(alert, EventAction.RESOLVE, 100 + number)


def calls(kind: str, *events: WebhookEvent, url: str = "", key: str = "") -> list[HttpCall]:
    to = FormContext(url or f"https://{kind}.example/key", key, "desk-3", "", START)
    return KIND_FORMS[kind].write(events, to)


def body(kind: str, *events: WebhookEvent, **more: str) -> Any:
    (call,) = calls(kind, *events, **more)
    return json.loads(call.body)


def test_every_kind_of_the_settings_has_a_form() -> None:
    assert set(KIND_FORMS) == set(KINDS)


@pytest.mark.parametrize("kind", sorted(KIND_FORMS))
def test_title_machine_culprit_and_figures_are_told_in_every_form(kind: str) -> None:
    url = {"email": "smtp://mail.example/?to=me@example.org"}.get(kind, "")
    (call,) = calls(kind, event(down()), url=url, key="k")
    text = call.body + call.title + json.dumps(call.headers)
    text = text.encode().decode("unicode_escape", "ignore") if kind == "json" else text
    for wanted in ("Server 1 is down", "desk-3"):
        assert wanted.replace(" ", "") in text.replace(" ", "").replace("\\", "")
    for wanted in ("pytest", "91"):
        assert wanted in text


@pytest.mark.parametrize("kind", ["slack", "discord", "teams", "telegram", "ntfy", "email"])
def test_a_burst_is_one_message_with_a_line_for_each(kind: str) -> None:
    url = {"email": "smtp://mail.example/?to=me@example.org"}.get(kind, "")
    events = [event(down(number), number=number) for number in range(1, 31)]
    (call,) = calls(kind, *events, over(1), url=url)
    assert len(call.events) == 31
    plain = call.body.replace("\\", "")
    assert "Server 1 is down" in plain
    assert "Server 20 is down" in plain
    assert "Server 21 is down" not in plain
    assert "and 11 more" in plain
    assert "31 alerts" in plain + json.dumps(call.headers)


def test_slack_gets_no_markup() -> None:
    found = body("slack", event(down(title=HOSTILE, message=HOSTILE)))
    assert {block["text"]["type"] for block in found["blocks"]} == {"plain_text"}
    assert found["mrkdwn"] is False
    assert "<" not in found["text"]
    assert "&lt;!channel&gt;" in found["text"]


def test_discord_mentions_nobody_and_escapes_markdown() -> None:
    found = body("discord", event(down(title=HOSTILE)))
    assert found["allowed_mentions"] == {"parse": []}
    assert "\\*x\\*" in found["embeds"][0]["title"]
    assert "@everyone" not in found["embeds"][0]["title"].replace("\\@", "")
    assert len(found["embeds"][0]["title"]) <= 256


def test_teams_text_is_in_runs_without_markup() -> None:
    found = body("teams", event(down(title=HOSTILE)))
    card = found["attachments"][0]["content"]
    assert {block["type"] for block in card["body"]} == {"RichTextBlock"}


def test_telegram_is_escaped_html_for_the_chat_of_the_address() -> None:
    url = "https://api.telegram.org/bot1:KEY/sendMessage?chat_id=-42"
    (call,) = calls("telegram", event(down(title=HOSTILE)), url=url)
    found = json.loads(call.body)
    assert call.url == "https://api.telegram.org/bot1:KEY/sendMessage"
    assert (found["chat_id"], found["parse_mode"]) == ("-42", "HTML")
    inner = found["text"].removeprefix("<b>").replace("</b>\n", "\n", 1)
    assert "<" not in inner


def test_ntfy_has_the_topic_of_the_address_and_a_priority() -> None:
    (call,) = calls("ntfy", event(down()), url="https://ntfy.example/base/alerts", key="tk_1")
    found = json.loads(call.body)
    assert call.url == "https://ntfy.example/base"
    assert (found["topic"], found["priority"]) == ("alerts", 5)
    assert call.headers["Authorization"] == "Bearer tk_1"
    assert body("ntfy", over(), url="https://ntfy.example/alerts")["priority"] == 3


def test_mail_has_one_line_headers_and_what_the_address_says() -> None:
    url = "smtps://me%40x.org:pass%2Fword@mail.example/?to=you@example.org"
    (call,) = calls("email", event(down(title="a\r\nBcc: evil@x.org")), url=url)
    assert (call.host, call.port, call.tls) == ("mail.example", 465, "implicit")
    assert (call.user, call.password) == ("me@x.org", "pass/word")
    assert call.headers["To"] == "you@example.org"
    assert call.headers["From"] == "me@x.org"
    assert "\n" not in call.headers["Subject"]
    assert "\r" not in call.headers["Subject"]


def test_pagerduty_has_the_life_of_the_incident_by_one_key() -> None:
    acked = event(down(state="acknowledged"), EventAction.ACKNOWLEDGE, 2)
    found = [
        json.loads(each.body) for each in calls("pagerduty", event(down()), acked, over(), key="rk")
    ]
    assert [each["event_action"] for each in found] == ["trigger", "acknowledge", "resolve"]
    assert {each["dedup_key"] for each in found} == {f"omnitray:desk-3:{down().fingerprint}"}
    assert {each["routing_key"] for each in found} == {"rk"}
    assert found[0]["payload"]["severity"] == "critical"
    assert found[0]["payload"]["source"] == "desk-3"
    assert "payload" not in found[1]


def test_alertmanager_gets_the_newest_state_of_each_incident() -> None:
    (call,) = calls("alertmanager", event(down()), event(down(2)), over(), url="http://am:9093/")
    assert call.url == "http://am:9093/api/v2/alerts"
    found = {each["labels"]["fingerprint"]: each for each in json.loads(call.body)}
    assert len(found) == 2
    assert found[down().fingerprint]["endsAt"] == "2026-11-22T14:21:27.000Z"
    assert found[down(2).fingerprint]["labels"]["alertname"] == "SERVER_DOWN"
    assert found[down(2).fingerprint]["endsAt"] > down(2).first_seen


def test_json_is_signed_as_the_standard_says() -> None:
    key = base64.b64encode(b"0123456789abcdef01234567").decode()
    (call,) = calls("json", event(down()), key=f"whsec_{key}")
    headers = call.headers
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{call.body}".encode()
    expected = base64.b64encode(hmac.new(base64.b64decode(key), signed, hashlib.sha256).digest())
    assert headers["webhook-signature"] == f"v1,{expected.decode()}"
    found = json.loads(call.body)
    assert found["type"] == "alert.firing"
    assert found["data"]["dedup_key"] == down().fingerprint
    assert found["data"]["alert"]["title"] == "Server 1 is down"


def test_the_signature_is_that_of_the_published_example() -> None:
    """https://github.com/standard-webhooks/standard-webhooks: the test vector of its libraries."""
    headers = signature(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        '{"test": 2432232314}',
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_without_a_secret_nothing_is_signed() -> None:
    assert "webhook-signature" not in signature("id", 1, "{}", "")


@pytest.mark.parametrize(
    "answer",
    [
        "no such hook /services/T000/B000/SECRETPART",
        "https://hooks.example/services/T000/B000/SECRETPART is gone",
    ],
)
def test_an_answer_that_repeats_the_address_shows_dots(answer: str) -> None:
    url = "https://hooks.example/services/T000/B000/SECRETPART"
    assert "SECRETPART" not in without_secrets(answer, url)


def test_markdown_is_escaped_without_loss() -> None:
    escaped = markdown_escaped(HOSTILE)
    assert escaped.replace("\\", "") == HOSTILE.replace("\\", "")


LONG = "😀 <&> *ä* `x` " * 2000
SITUATIONS = {
    "one": [event(down())],
    "over": [over()],
    "hostile": [event(down(title=HOSTILE, message=HOSTILE))],
    "long": [event(down(title=LONG, message=LONG, source="server:" + "s" * 300))],
    "nothing said": [event(down(title="", message="", context={}))],
    "a burst": [event(down(number, title=LONG), number=number) for number in range(1, 51)],
    "ended before it began": [
        event(down(state="resolved", resolved_at="2001-01-01T00:00:00.000Z"), EventAction.RESOLVE)
    ],
}
ADDRESSES = {
    "telegram": "https://api.telegram.org/bot1:KEY/sendMessage?chat_id=-42",
    "ntfy": "https://ntfy.example/alerts",
}


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("kind", sorted(BODIES))
def test_each_body_is_as_its_receiver_publishes(kind: str, situation: str) -> None:
    events = SITUATIONS[situation]
    to = FormContext(
        ADDRESSES.get(kind, f"https://{kind}.example/key"),
        "key",
        "desk-3",
        "http://127.0.0.1:8137/dashboard",
        START,
    )
    found = KIND_FORMS[kind].write(events, to)
    for each in found:
        conforms(kind, each.body)
        assert each.method == "POST"
        assert each.headers["Content-Type"].startswith("application/json")
    assert {id_ for each in found for id_ in each.events} == {each.id for each in events}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_each_mail_has_headers_of_ascii_lines_that_are_short_enough(situation: str) -> None:
    """RFC 5322, 2.1.1: 998 letters a line; the text stands in the body alone."""
    to = FormContext("smtp://mail.example/?to=me@example.org", "", "desk-3", "", START)
    (call,) = KIND_FORMS["email"].write(SITUATIONS[situation], to)
    lines = mail_of(call.headers, call.body).as_bytes(policy=policy.SMTP).split(b"\r\n")
    assert max(len(line) for line in lines) <= 998
    assert all(line.isascii() for line in lines)

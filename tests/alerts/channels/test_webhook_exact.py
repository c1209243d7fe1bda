"""What a receiver is sent, held to the exact value: words, limits, waits and sample."""

import datetime as dt
import re
from typing import Any

import msgspec
import pytest

from omnitray.alerts.channels.webhooks.brief import brief_of
from omnitray.alerts.channels.webhooks.kinds import (
    KIND_FORMS,
    REFRESH_S,
    FormContext,
    signature,
    without_secrets,
)
from omnitray.alerts.channels.webhooks.model import (
    EventAction,
    HttpCall,
    ReceiverAnswer,
    WebhookEvent,
    sample_event,
)
from omnitray.alerts.channels.webhooks.plan import KnownIncident, action_for, why_not
from omnitray.alerts.channels.webhooks.queue import REFRESH, TRIED_S, ReceiverQueue
from omnitray.alerts.channels.webhooks.receiver import Receiver
from omnitray.alerts.channels.webhooks.retry import retry_after_s, verdict
from omnitray.alerts.decision import Reason
from omnitray.base.clock import timestamp
from omnitray.base.facts import Severity
from omnitray.settings.webhooks import WebhookSettings
from support.alerting import START, an_alert
from support.clock import FakeClock

NOW = dt.datetime(2026, 11, 22, 13, 0, tzinfo=dt.UTC)
DAY_S = 86400.0


def hook(kind: str = "json") -> WebhookSettings:
    return WebhookSettings(name="x", kind=kind, url="http://x/")  # type: ignore[arg-type]  # a word of the list


def event(number: int = 1, at: float = START, **changes: Any) -> WebhookEvent:
    return WebhookEvent(
        id=f"m{number}",
        number=number,
        webhook="x",
        action=EventAction.TRIGGER,
        at=at,
        alert=an_alert(number, severity=Severity.CRITICAL, **changes),
    )


def test_a_test_is_an_alert_that_says_that_it_is_none() -> None:
    found = sample_event("team", "msg_1", START)
    assert (found.webhook, found.id, found.number, found.begun) == ("team", "msg_1", 0, False)
    assert (found.action, found.at) == (EventAction.TRIGGER, START)
    alert = found.alert
    assert re.fullmatch(f"{int(START * 1000):012x}[0-9a-f]{{10}}", alert.id)
    assert (alert.severity, alert.state, alert.count) == (Severity.INFO, "firing", 1)
    assert (alert.title, alert.fingerprint) == ("This is a test of OmniTray", "omnitray-test")
    assert alert.first_seen == alert.last_seen == timestamp(START)
    assert sample_event("team", "msg_2", START).alert.id != alert.id


def test_a_call_is_printed_without_what_may_be_secret() -> None:
    call = HttpCall(url="https://x/canary", user="canary", headers={"a": "canary"}, events=("m",))
    assert repr(call) == "HttpCall(via='http', events=('m',))"


def test_a_message_keeps_its_lines() -> None:
    found = brief_of(event(message="first\nsecond\x1b[31m"), "desk")
    assert found.text.splitlines()[0] == "first"
    assert found.text.splitlines()[1].startswith("second")
    assert "\x1b" not in found.text
    assert brief_of(msgspec.structs.replace(event(), action=EventAction.RESOLVE), "desk").text == ""


def test_ntfy_says_more_than_the_machine_where_there_is_more() -> None:
    to = FormContext("https://ntfy.example/topic", "", "desk", "", START)
    (call,) = KIND_FORMS["ntfy"].write([event(message="the disk is full")], to)
    assert "the disk is full" in msgspec.json.decode(call.body)["message"]
    over = msgspec.structs.replace(event(), action=EventAction.RESOLVE)
    (call,) = KIND_FORMS["ntfy"].write([over], to)
    assert msgspec.json.decode(call.body)["message"], "ntfy shows an empty one as triggered"


def test_a_secret_that_is_no_base64_signs_as_its_bytes() -> None:
    odd, plain = (signature("m", 1, "{}", each) for each in ("whsec_no base64!", "no base64!"))
    assert odd["webhook-signature"].startswith("v1,")
    assert odd != plain


@pytest.mark.parametrize("text", ["to whsec_ab", "whsec_ab?", "(whsec_ab)"])
def test_a_whole_key_is_hidden_and_so_is_its_written_form(text: str) -> None:
    assert without_secrets("I got ab:cd:ef.", "ab:cd:ef") == "I got …."
    assert "whsec_ab" not in without_secrets(text, "whsec_ab")
    assert "a%20b%2Fc%20d" not in without_secrets("key=a+b%2Fc+d", "a b/c d").replace("+", "%20")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1.5", 1.5),
        ("1.2.3", None),
        ("0", 0.0),
        ("120", 120.0),
        ("999999", DAY_S),
        ("Sun, 22 Nov 2026 13:01:00 GMT", 60.0),
        ("Sun, 22 Nov 2026 13:01:00 -0000", 60.0),  # without a zone: UTC
        ("Sun, 22 Nov 2026 14:01:00 +0100", 60.0),
        ("Sun, 22 Nov 2026 12:00:00 GMT", 0.0),
        ("Sun, 22 Nov 20269999999999 13:01:00 GMT", None),
        ("Sun, 22 Nov 2026 13:01:99999999999999999999 GMT", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, seconds: float | None) -> None:
    assert retry_after_s(ReceiverAnswer(status=503, retry_after=text), NOW) == seconds


def test_a_secret_that_cannot_be_read_says_why() -> None:
    found = verdict(ReceiverAnswer(error="secret", body="the keyring is locked"), NOW)
    assert found.words == "its address or key cannot be read: the keyring is locked"
    receivers = verdict(ReceiverAnswer(error="refused", body="canary"), NOW)
    assert receivers.words == "it refused the message"


def test_an_acknowledgement_is_sent_once_and_only_where_the_alert_was() -> None:
    seen = an_alert(state="acknowledged", severity=Severity.CRITICAL)

    def asked(known: KnownIncident | None, *, acknowledges: bool = True) -> EventAction | None:
        return action_for(hook(), seen, known, held=None, acknowledges=acknowledges)

    firing = KnownIncident("firing", Severity.CRITICAL.rank)
    assert asked(firing) is EventAction.ACKNOWLEDGE
    assert asked(firing, acknowledges=False) is None
    assert asked(KnownIncident("acknowledged", Severity.CRITICAL.rank)) is None
    assert asked(None) is None


def test_what_makes_no_one_wait_keeps_the_weightier_reason() -> None:
    calm = an_alert(severity=Severity.CRITICAL, context={"others_wait": False})
    assert why_not(hook(), calm, None) is Reason.NOBODY_WAITS
    assert why_not(hook(), calm, Reason.FLAPPING) is Reason.FLAPPING
    assert why_not(hook(), an_alert(severity=Severity.CRITICAL), None) is None


def test_only_what_is_older_than_three_days_is_given_up_and_never_a_refresh() -> None:
    clock = FakeClock()
    queue = ReceiverQueue(hook(), clock, lambda: 0.5)
    new = event(9, at=clock.wall())
    queue.add([new])
    queue.settle([(new,)], [ReceiverAnswer(status=503)])
    clock.advance(TRIED_S)
    now = clock.wall()
    old, edge = event(1, at=now - 3 * DAY_S - 1), event(2, at=now - 3 * DAY_S)
    queue.add([old, edge])
    settled = queue.settle([(old,)], [ReceiverAnswer(status=503)])
    assert [each.number for each in settled.given_up] == [1]
    refresh = msgspec.structs.replace(old, id=REFRESH, number=0)
    refused = queue.settle([(refresh,)], [ReceiverAnswer(status=400)])
    assert refused.given_up == ()


def test_the_next_try_is_when_the_pause_is_over_and_not_a_moment_later() -> None:
    clock = FakeClock()
    queue = ReceiverQueue(hook("alertmanager"), clock, lambda: 0.5)
    queue.watch(an_alert())
    assert queue.next_delay_s() == REFRESH_S
    clock.advance(REFRESH_S + 5)
    assert queue.next_delay_s() == 0.0
    queue.add([event(1)])
    clock.advance(10)
    assert queue.next_delay_s() == 0.0  # never in the past


def test_the_weight_of_what_is_gone_is_forgotten() -> None:
    queue = ReceiverQueue(hook(), FakeClock(), lambda: 0.5)
    queue.add([event(1), event(2)])
    queue.settle([(event(1),)], [ReceiverAnswer(status=200)])
    assert queue._weights.keys() == {"m2"}


def test_the_given_sender_sends() -> None:
    class Sender:
        stopped = False

        def send(self, calls: object) -> object:
            raise AssertionError(calls)

        def stop(self) -> None:
            self.stopped = True

    sender = Sender()
    receiver = Receiver(hook(), FakeClock(), lambda _, __: None, sender=sender)  # type: ignore[arg-type]  # sends nothing
    receiver.stop()
    assert sender.stopped
    assert receiver.join(1.0)

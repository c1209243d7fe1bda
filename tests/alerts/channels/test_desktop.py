import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnitray.alerts.channels.desktop import DesktopChannel, NotifierChain, PlyerNotifier, inert
from omnitray.alerts.channels.notification import Notification
from omnitray.alerts.decision import Decision, Reason
from omnitray.alerts.model import Alert
from omnitray.base.facts import AlertType, Severity

HELLO = Notification(alert_id="a", title="hello")


class FakeNotifier:
    answers_later = False

    def __init__(self, name: str, *, can: bool = True) -> None:
        self.name = name
        self.can = can
        self.trouble = "" if can else "out of order"
        self.shown: list[str] = []
        self.closed: list[str] = []

    def show(self, notification: Notification) -> bool:
        if self.can:
            self.shown.append(notification.title)
        return self.can

    def why_not(self) -> str:
        return self.trouble

    def close(self, slot: str) -> None:
        self.closed.append(slot)


@pytest.mark.expect_log("No notification can be shown.*1: out of order")
def test_what_became_of_a_notification_is_told() -> None:
    told: list[tuple[str, str]] = []
    broken, good = FakeNotifier("1", can=False), FakeNotifier("2")
    chain = NotifierChain((broken, good), lambda shown, why: told.append((shown.title, why)))
    chain.show(HELLO)
    good.can = False
    chain.show(HELLO)
    assert told == [("hello", ""), ("hello", "1: out of order")]


def test_a_notifier_that_answers_later_is_not_told_of_at_once() -> None:
    told: list[str] = []
    later = FakeNotifier("service")
    later.answers_later = True
    chain = NotifierChain((later,), lambda _, why: told.append(why))
    assert chain.show(HELLO)
    assert told == []


def test_the_first_notifier_that_can_shows_it() -> None:
    broken, good, spare = FakeNotifier("1", can=False), FakeNotifier("2"), FakeNotifier("3")
    assert NotifierChain((broken, good, spare)).show(HELLO)
    assert (good.shown, spare.shown) == (["hello"], [])


def test_one_that_finds_out_later_passes_it_on_to_those_after_it() -> None:
    first, second = FakeNotifier("1"), FakeNotifier("2")
    chain = NotifierChain((first, second))
    assert chain.show(HELLO)
    assert chain.pass_on(first, HELLO)
    assert (first.shown, second.shown) == (["hello"], ["hello"])


def test_taking_away_reaches_whoever_may_show_it() -> None:
    first, second = FakeNotifier("1"), FakeNotifier("2")
    NotifierChain((first, second)).close("s")
    assert first.closed == second.closed == ["s"]


@pytest.mark.expect_log("No notification can be shown.*1: out of order")
def test_when_nobody_can_it_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    chain = NotifierChain((FakeNotifier("1", can=False),))
    for _again in range(100):
        assert not chain.show(HELLO)
    assert len(caplog.records) == 1


def channel_calls(**fields: object) -> tuple[list[Notification], list[str]]:
    shown: list[Notification] = []
    closed: list[str] = []
    alert = Alert(
        id="a1",
        type=AlertType.CRITICAL,
        severity=Severity.CRITICAL,
        state="firing",
        title="t",
        message="m",
        source="cli",
        fingerprint="f",
        first_seen="2026-11-22T13:21:27.123Z",
        last_seen="2026-11-22T13:21:27.123Z",
    )
    decision = Decision(
        reason=next(iter(Reason)),
        alert_id="a1",
        fingerprint="f",
        at=0.0,
        **fields,  # type: ignore[arg-type]
    )
    DesktopChannel(shown.append, closed.append).send(alert, decision)
    return shown, closed


def test_the_channel_shows_what_is_to_be_told() -> None:
    shown, closed = channel_calls(notify=True, slot="s", title="told", body="b")
    assert [(each.title, each.body, each.place) for each in shown] == [("told", "b", "s")]
    assert closed == []


def test_the_channel_takes_back_what_is_over() -> None:
    assert channel_calls(withdraw=True, slot="s") == ([], ["s"])
    assert channel_calls(withdraw=True) == ([], ["a1"])


def test_the_channel_leaves_alone_what_is_not_for_the_desktop() -> None:
    assert channel_calls() == ([], [])


@given(st.text(st.characters(exclude_categories=())))
def test_plyer_gets_no_markup_no_option_and_no_end_of_a_string(text: str) -> None:
    made = inert(text, 100)
    assert not set("'\"\\<>&\n\0") & set(made)
    assert not made.startswith("-")
    assert len(made) <= 100


def test_plyer_is_called_with_inert_texts_and_a_title() -> None:
    calls: list[tuple[str, str]] = []
    plyer = PlyerNotifier(lambda title, body: calls.append((title, body)), lambda call: call())
    assert plyer.show(Notification(alert_id="a", title="--help", body="<b>'x'</b>"))
    assert plyer.show(Notification(alert_id="a", title="\x00"))
    plyer.close("a")
    assert calls == [
        ("\u2013-help", "\u2039b\u203a\u2019x\u2019\u2039\u2215b\u203a".replace("\u2215", "/")),
        ("OmniTray", ""),
    ]


@pytest.mark.expect_log("plyer cannot show.*no way")
def test_a_plyer_that_fails_says_so_once_and_is_not_asked_again() -> None:
    calls: list[str] = []

    def broken(title: str, _body: str) -> None:
        calls.append(title)
        raise NotImplementedError("no way")

    plyer = PlyerNotifier(broken, lambda call: call())
    assert not plyer.show(HELLO)
    assert not plyer.show(HELLO)
    assert calls == ["hello"]
    assert plyer.trouble == "no way"


def test_plyer_shows_one_at_a_time() -> None:
    waiting: list[object] = []
    plyer = PlyerNotifier(lambda _title, _body: None, waiting.append)
    assert plyer.show(HELLO)
    assert not plyer.show(HELLO)

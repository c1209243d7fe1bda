"""The page of the channels: states in words and shapes, tests with their answers, no secrets."""

from typing import Any

import pytest
from PySide6.QtWidgets import QLabel, QLineEdit
from pytestqt.qtbot import QtBot

from omnitray.alerts.channels.deliveries import ChannelView
from omnitray.alerts.channels.webhooks.standing import WebhookTest, WebhookView
from omnitray.base.facts import Severity
from omnitray.settings.webhooks import WebhookFault
from omnitray.ui.pages.channels.page import AddWebhook, ChannelsPage
from omnitray.ui.pages.page import PageSources
from omnitray.ui.window import MainWindow
from support import samples
from support.alerting import START

HOOK: dict[str, Any] = {
    "name": "team",
    "kind": "slack",
    "severity": Severity.CRITICAL,
    "resolved": True,
    "paused": False,
    "waiting": 0,
    "state": "ready",
}


class Shown:
    """The window on that page, with receivers that can be told how to stand."""

    def __init__(self, qtbot: QtBot) -> None:
        self.hooks: list[WebhookView] = [WebhookView(**HOOK)]
        channels = (
            ChannelView(name="desktop", open=True),
            ChannelView(name="vscode", open=False, clients=0),
        )
        sources = PageSources(channels=lambda: channels, webhooks=lambda: tuple(self.hooks))
        self.window = MainWindow(samples.ListedAlerts(), sources=sources)
        qtbot.addWidget(self.window)
        self.window.show_page("channels")
        page = self.window.pages.get(ChannelsPage)
        assert page is not None
        self.page = page
        self.asked: list[tuple[str, str]] = []
        self.window.intents.webhook_requested.connect(lambda *given: self.asked.append(given))

    def stand(self, **more: Any) -> str:
        self.hooks = [WebhookView(**(HOOK | more))]
        self.page.reload()
        return self.page.hooks["team"].pill.accessibleName()


@pytest.fixture
def shown(qtbot: QtBot) -> Shown:
    return Shown(qtbot)


def test_each_channel_says_how_it_stands(shown: Shown) -> None:
    names = {name: row.pill.accessibleName() for name, row in shown.page.rows.items()}
    assert names == {"desktop": "ready", "vscode": "no listener"}


def test_a_webhook_says_what_waits_and_why(shown: Shown) -> None:
    assert shown.stand(state="paused", paused=True) == "paused"
    assert shown.page.hooks["team"].pause.text() == "Resume"
    assert (
        shown.stand(state="failed", waiting=3, why="answered 401: the key is refused") == "failed"
    )
    row = shown.page.hooks["team"]
    assert row.quiet.text() == "3 waiting · answered 401: the key is refused"
    assert shown.stand(state="delivered", delivered_at=START).startswith("delivered")
    shown.hooks = []
    shown.page.reload()
    assert shown.page.hooks == {}


def test_buttons_ask_and_removing_asks_twice(shown: Shown) -> None:
    row = shown.page.hooks["team"]
    row.test.click()
    row.pause.click()
    row.remove.click()
    assert row.remove.text() == "Remove it"
    assert shown.asked == [("team", "test"), ("team", "pause")]
    row.remove.click()
    assert shown.asked[-1] == ("team", "remove")


def test_the_answer_to_a_test_stands_under_its_row(shown: Shown) -> None:
    row = shown.page.hooks["team"]
    row.test.click()
    assert not row.test.isEnabled()
    test = WebhookTest(
        name="team", arrived=True, words="answered 200", body="<b>ok", took_s=0.31, at=START
    )
    shown.window.pages.show_webhook_test(test)
    assert row.test.isEnabled()
    assert row.answer.text().startswith("✓ Test sent")
    assert "answered 200 “<b>ok”" in row.answer.text()


def test_a_form_that_is_not_whole_is_not_taken_and_hides_its_secrets(qtbot: QtBot) -> None:
    dialog = AddWebhook()
    qtbot.addWidget(dialog)
    dialog.name.setText("team")
    with pytest.raises(WebhookFault):
        dialog.fields()
    dialog.url.setText("https://hooks.example/verysecret")
    assert dialog.fields() == {
        "name": "team",
        "kind": "slack",
        "url": "https://hooks.example/verysecret",
        "from": "critical",
    }
    assert dialog.secret.echoMode() is QLineEdit.EchoMode.Password
    assert not any("verysecret" in each.text() for each in dialog.findChildren(QLabel))

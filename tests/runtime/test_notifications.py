"""What the person chooses on notifications, on its way to the program."""

import os
import socket
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from omnitray.alerts.channels.notification import Notification, Response
from omnitray.base.policy import AlertPolicy
from omnitray.runtime.notifications import (
    BUS_VARIABLE,
    Notifications,
    open_bus,
    set_hung_bus_aside,
    take_bus_back,
)


class Screen:
    """A notifier that keeps what it is shown."""

    name, trouble, answers_later = "screen", "", False

    def __init__(self) -> None:
        self.shown: list[Notification] = []

    def show(self, notification: Notification) -> bool:
        self.shown.append(notification)
        return True

    def why_not(self) -> str:
        return self.trouble

    def close(self, slot: str) -> None:
        """Nothing stays."""


class Heard:
    def __init__(self, notifications: Notifications) -> None:
        self.said: list[tuple[str, ...]] = []
        notifications.clicked.connect(lambda *words: self.said.append(("click", *words)))
        notifications.action.connect(lambda *words: self.said.append(words))


@pytest.fixture
def notifications(qtbot: QtBot) -> Notifications:
    assert qtbot
    return Notifications(last_resort=(), bus=lambda **_: None)


def pressed(alert_id: str, action: str = "default", token: str = "") -> Response:
    return Response(alert_id=alert_id, action=action, activation_token=token)


def test_a_press_counts_at_once(notifications: Notifications) -> None:
    heard = Heard(notifications)
    notifications.respond(pressed("a1", "default", "t"))
    assert heard.said == [("click", "a1", "t")]
    notifications.stop()


def test_a_flood_of_clicks_opens_the_window_once_a_moment(
    notifications: Notifications, qtbot: QtBot
) -> None:
    heard = Heard(notifications)
    for number in range(25_000):
        notifications.respond(pressed(f"a{number % 200}"))
    assert heard.said == [("click", "a0", "")]
    qtbot.waitUntil(lambda: len(heard.said) > 1)
    assert heard.said == [("click", "a0", ""), ("click", "a199", "")]
    notifications.stop()


def test_each_button_that_was_pressed_counts_once(
    notifications: Notifications, qtbot: QtBot
) -> None:
    heard = Heard(notifications)
    for _ in range(50):
        for alert_id in ("a1", "a2"):
            notifications.respond(pressed(alert_id, "snooze"))
    qtbot.waitUntil(lambda: len(heard.said) == 3)
    assert sorted(set(heard.said)) == [("a1", "snooze"), ("a2", "snooze")]
    notifications.stop()


def test_what_the_settings_allow_goes_with_each_notification(qtbot: QtBot) -> None:
    assert qtbot
    policy = AlertPolicy()
    screen = Screen()
    notifications = Notifications(
        last_resort=(screen,), bus=lambda **_: None, policy=lambda: policy
    )
    notifications.show(Notification(alert_id="a", title="t"))
    policy = AlertPolicy(sound=True, critical_passes_dnd=True)
    notifications.show(Notification(alert_id="a", title="t"))
    assert [(each.sound, each.passes_dnd) for each in screen.shown] == [
        (False, False),
        (True, True),
    ]


def test_a_bus_that_hangs_is_none_for_qt_until_qt_has_looked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: dict[str, str] = {}
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "bus"))
        listening.listen(10)
        address = f"unix:path={tmp_path / 'bus'}"
        monkeypatch.setenv(BUS_VARIABLE, address)
        monkeypatch.setattr(os, "putenv", told.__setitem__)
        assert set_hung_bus_aside(patience_s=0.05)
        assert told == {BUS_VARIABLE: "disabled:"}
        assert os.environ[BUS_VARIABLE] == address, "what is started has the session's own"
        assert open_bus() is None, "and no time is lost with it"
        take_bus_back()
        assert told == {BUS_VARIABLE: address}
        monkeypatch.undo()


def test_a_bus_that_is_not_there_is_nothing_to_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(BUS_VARIABLE, f"unix:path={tmp_path / 'bus'}")
    assert not set_hung_bus_aside(patience_s=5.0)

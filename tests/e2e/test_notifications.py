"""Notifications on real services: the recorder, dunst, and Xfce's without a default action."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from PySide6.QtCore import QCoreApplication
from pytestqt.qtbot import QtBot

from omnitray.alerts.channels.notification import Button, CloseReason, Notification, Urgency
from omnitray.runtime import notifications as module
from omnitray.runtime.notifications import Notifications, open_bus
from support.dbus_service import Caller
from support.desktop import Desktop
from support.notification_daemons import (
    dunst_count,
    dunst_history,
    start_dunst,
    start_xfce_notifyd,
)
from support.notification_server import NAME, PATH, NotificationServer, Received

WAIT_MS = 10_000


@pytest.fixture
def notifications(desktop: Desktop, qapp: QCoreApplication) -> Iterator[Notifications]:
    """Ours, on the desktop's bus, started."""
    assert qapp is not None
    ours = Notifications(bus=partial(open_bus, desktop.bus_address))
    ours.start()
    yield ours
    ours.stop()


@pytest.fixture
def shown(qtbot: QtBot, notification_server: NotificationServer) -> Callable[[int], Received]:
    """Waits until so many calls have been received; the last one."""

    def wait(count: int) -> Received:
        qtbot.waitUntil(lambda: len(notification_server.received) >= count, timeout=WAIT_MS)
        assert len(notification_server.received) == count
        return notification_server.received[-1]

    return wait


def alarm(alert_id: str = "a1", **fields: Any) -> Notification:
    given: dict[str, Any] = {
        "title": "Memory 93 %",
        "body": "pytest · ~/shop",
        "urgency": Urgency.CRITICAL,
    }
    return Notification(alert_id=alert_id, **(given | fields))


def told(server: NotificationServer) -> Callable[[], bool]:
    return lambda: bool(server.received)


Shown = Callable[[int], Received]


@pytest.mark.usefixtures("notification_server")  # before we ask for it
def test_a_notification_has_urgency_buttons_and_the_program_s_name(
    notifications: Notifications, shown: Shown
) -> None:
    notifications.show(alarm())
    received = shown(1)
    assert received.hints == {
        "urgency": 2,
        "desktop-entry": "omnitray",
        "category": "x-omnitray.alert",
        "suppress-sound": True,
    }
    assert received.actions == {
        "default": "Show details",
        "details": "Show details",
        "snooze": "Snooze 1 h",
    }
    assert (received.title, received.body) == ("Memory 93 %", "pytest · ~/shop")


def test_what_is_new_about_an_incident_replaces_its_notification(
    notification_server: NotificationServer, notifications: Notifications, shown: Shown
) -> None:
    notifications.show(alarm())
    first = shown(1)
    notifications.show(alarm(title="Memory 97 %"))
    second = shown(2)
    assert second.replaces == first.number
    assert [each.title for each in notification_server.on_screen] == ["Memory 97 %"]


def test_three_updates_before_the_first_answer_end_in_one_notification(
    qtbot: QtBot, notification_server: NotificationServer, notifications: Notifications
) -> None:
    for percent in (91, 92, 93):
        notifications.show(alarm(title=f"Memory {percent} %"))
    qtbot.waitUntil(
        lambda: [each.title for each in notification_server.on_screen] == ["Memory 93 %"],
        timeout=WAIT_MS,
    )


def test_a_resolved_incident_is_taken_from_the_screen(
    qtbot: QtBot, notification_server: NotificationServer, notifications: Notifications
) -> None:
    qtbot.waitUntil(lambda: notifications.ready, timeout=WAIT_MS)
    notifications.show(alarm())
    notifications.close("a1")  # before the service has said its number
    qtbot.waitUntil(lambda: notification_server.withdrawn == [1], timeout=WAIT_MS)
    assert notification_server.on_screen == []


def test_a_click_names_its_alert_and_hands_the_activation_token_over(
    qtbot: QtBot,
    notification_server: NotificationServer,
    notifications: Notifications,
    shown: Shown,
) -> None:
    notifications.show(alarm("a1"))
    notifications.show(alarm("a2"))
    shown(2)
    with qtbot.waitSignal(notifications.clicked, timeout=WAIT_MS) as clicked:
        notification_server.act(2, "default", "wayland-7")
    assert clicked.args == ["a2", "wayland-7"]


@pytest.mark.parametrize("unicast", [True, False], ids=["unicast", "broadcast"])
def test_a_button_names_itself_and_its_alert(
    qtbot: QtBot,
    notification_server: NotificationServer,
    notifications: Notifications,
    shown: Shown,
    unicast: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    notification_server.unicast = unicast
    keep = Button(key="keep", label="Leave it alone")
    notifications.show(alarm("a1", buttons=(keep,)))
    assert shown(1).actions["keep"] == "Leave it alone"
    with qtbot.waitSignal(notifications.action, timeout=WAIT_MS) as pressed:
        notification_server.act(1, "keep")
    assert pressed.args == ["a1", "keep"]


def test_clicks_of_others_are_not_ours(
    qtbot: QtBot,
    notification_server: NotificationServer,
    notifications: Notifications,
    shown: Shown,
    caller: Caller,
) -> None:
    heard: list[str] = []
    notifications.clicked.connect(lambda alert_id, _token: heard.append(alert_id))
    notifications.show(alarm())
    us = shown(1).sender
    caller.signal(PATH, NAME, "ActionInvoked", "us", 1, "default", to=us)  # not the service
    notification_server.emit(PATH, NAME, "ActionInvoked", "us", 77, "default")  # not our number
    notification_server.act(1)
    qtbot.waitUntil(lambda: bool(heard), timeout=WAIT_MS)
    assert heard == ["a1"]


def test_what_the_person_closed_is_said_and_not_shown_again(
    qtbot: QtBot,
    notification_server: NotificationServer,
    notifications: Notifications,
    shown: Shown,
) -> None:
    notifications.show(alarm("a1"))
    notifications.show(alarm("a2"))
    shown(2)
    with qtbot.waitSignal(notifications.closed, timeout=WAIT_MS) as closed:
        notification_server.dismiss(1, reason=2)
    assert closed.args == ["a1", CloseReason.DISMISSED]
    notification_server.die()
    notification_server.start()
    shown(3)
    assert [each.title for each in notification_server.on_screen] == ["Memory 93 %"]


def test_markup_is_escaped_only_where_the_service_reads_markup(
    desktop: Desktop, qtbot: QtBot, notifications: Notifications
) -> None:
    bodies: list[str] = []
    for capabilities in (("body", "body-markup", "actions"), ("body",)):
        server = NotificationServer(desktop.bus_address, capabilities)
        with server:
            qtbot.waitUntil(lambda: notifications.ready, timeout=WAIT_MS)
            notifications.show(alarm(body=f"<b>x</b> & {len(bodies)}"))
            # A new service is first shown what still fires, as it was.
            number = str(len(bodies))
            newest = lambda: bool(server.received) and server.received[-1].body.endswith(number)  # noqa: B023, E731
            qtbot.waitUntil(newest, timeout=WAIT_MS)
        qtbot.waitUntil(lambda: not notifications.ready, timeout=WAIT_MS)
        bodies.append(server.received[-1].body)
        assert server.violations == []
        assert bool(server.received[-1].actions) is ("actions" in capabilities)
    assert bodies == ["&lt;b&gt;x&lt;/b&gt; &amp; 0", "<b>x</b> & 1"]


@pytest.mark.expect_log("No notification can be shown.*not provided")
def test_a_service_that_comes_late_gets_what_still_fires_once(
    desktop: Desktop, qtbot: QtBot, notifications: Notifications
) -> None:
    notifications.show(alarm("a1"))
    notifications.show(alarm("a2"))
    notifications.close("a2")
    qtbot.wait(300)
    server = NotificationServer(desktop.bus_address)
    with server:
        qtbot.waitUntil(lambda: bool(server.received), timeout=WAIT_MS)
        qtbot.wait(300)
        assert len(server.received) == 1


def test_a_service_that_hangs_stops_nobody(
    qtbot: QtBot, notification_server: NotificationServer, notifications: Notifications
) -> None:
    notifications.show(alarm("first"))
    qtbot.waitUntil(lambda: bool(notification_server.received), timeout=WAIT_MS)
    notification_server.hang()
    for number in range(1000):
        notifications.show(alarm(f"a{number}"))
    qtbot.wait(50)
    notification_server.wake()
    qtbot.waitUntil(
        lambda: any(each.title for each in notification_server.on_screen), timeout=WAIT_MS
    )


@pytest.mark.expect_log("session bus is gone")
def test_a_bus_that_comes_back_gets_what_still_fires(
    desktop: Desktop,
    qtbot: QtBot,
    notifications: Notifications,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "RECONNECT_MS", 50)
    with NotificationServer(desktop.bus_address) as server:
        qtbot.waitUntil(lambda: notifications.ready, timeout=WAIT_MS)
        notifications.show(alarm())
        qtbot.waitUntil(told(server), timeout=WAIT_MS)
        desktop.bus.kill()
    qtbot.wait(200)
    desktop.restart_bus()
    with NotificationServer(desktop.bus_address) as server:
        qtbot.waitUntil(told(server), timeout=WAIT_MS)
        assert [each.title for each in server.on_screen] == ["Memory 93 %"]


@pytest.mark.usefixtures("notification_server")  # before we ask for it
def test_hostile_texts_arrive_harmless(notifications: Notifications, shown: Shown) -> None:
    title = "\u202eevil\u0000\u0007 " + "שלום " * 2000
    notifications.show(alarm(title=title, body="a\x1b[31m\ud800b\n" * 5000))
    received = shown(1)
    assert len(received.title) <= 120
    assert len(received.body) <= 600
    assert received.title.startswith("evil שלום")
    assert not {"\u202e", "\x00", "\x1b", "\ud800"} & set(received.title + received.body)


def test_dunst_shows_it_and_closes_it_with_the_incident(
    desktop: Desktop, qtbot: QtBot, notifications: Notifications
) -> None:
    start_dunst(desktop)
    qtbot.waitUntil(lambda: notifications.ready, timeout=WAIT_MS)
    notifications.show(alarm(body="<b>not bold</b> & co"))
    qtbot.waitUntil(lambda: dunst_count(desktop) == 1, timeout=WAIT_MS)
    notifications.show(alarm(title="Memory 97 %", body="<b>not bold</b> & co"))
    qtbot.wait(200)
    assert dunst_count(desktop) == 1
    notifications.close("a1")
    qtbot.waitUntil(lambda: dunst_count(desktop) == 0, timeout=WAIT_MS)
    (entry,) = dunst_history(desktop)
    assert entry["summary"] == "Memory 97 %"
    assert entry["body"] == "&lt;b&gt;not bold&lt;/b&gt; &amp; co"


def test_dunst_that_is_killed_and_started_again_shows_what_still_fires(
    desktop: Desktop, qtbot: QtBot, notifications: Notifications
) -> None:
    dunst = start_dunst(desktop)
    qtbot.waitUntil(lambda: notifications.ready, timeout=WAIT_MS)
    notifications.show(alarm())
    qtbot.waitUntil(lambda: dunst_count(desktop) == 1, timeout=WAIT_MS)
    dunst.kill()
    start_dunst(desktop)
    qtbot.waitUntil(lambda: dunst_count(desktop) == 1, timeout=WAIT_MS)
    (entry,) = dunst_history(desktop)
    assert entry["summary"] == "Memory 93 %"


def test_a_click_on_dunst_reaches_us(
    desktop: Desktop, qtbot: QtBot, notifications: Notifications
) -> None:
    start_dunst(desktop)
    qtbot.waitUntil(lambda: notifications.ready, timeout=WAIT_MS)
    notifications.show(alarm("a9"))
    qtbot.waitUntil(lambda: dunst_count(desktop) == 1, timeout=WAIT_MS)
    with qtbot.waitSignal(notifications.clicked, timeout=WAIT_MS) as clicked:
        desktop.click(desktop.windows("Dunst")[0], 60, 20)
    assert clicked.args == ["a9", ""]


def test_xfce_s_service_has_no_default_action_and_gets_buttons_only(
    desktop: Desktop, qtbot: QtBot, notifications: Notifications
) -> None:
    start_xfce_notifyd(desktop)
    qtbot.waitUntil(lambda: notifications.ready, timeout=WAIT_MS)
    notifications.show(alarm("a5"))
    qtbot.waitUntil(lambda: bool(desktop.windows("Xfce4-notifyd")), timeout=WAIT_MS)
    with qtbot.waitSignal(notifications.action, timeout=WAIT_MS) as pressed:
        desktop.click(desktop.windows("Xfce4-notifyd")[0], -60, -30)
    assert pressed.args == ["a5", "snooze"]

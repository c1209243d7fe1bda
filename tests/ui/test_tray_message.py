from PySide6.QtCore import QObject, QRect, Signal
from PySide6.QtWidgets import QSystemTrayIcon
from pytestqt.qtbot import QtBot

from omnitray.alerts.channels.notification import Notification, Response, Urgency
from omnitray.ui.tray.message import TrayMessages


class FakeIcon(QObject):
    """An icon with a place on the screen, which is what can show messages."""

    messageClicked = Signal()  # noqa: N815 - Qt's name

    def __init__(self, width: int = 22) -> None:
        super().__init__()
        self.width = width
        self.shown: list[tuple[object, ...]] = []

    def geometry(self) -> QRect:
        return QRect(0, 0, self.width, self.width)

    def showMessage(self, *arguments: object) -> None:  # noqa: N802 - Qt's name
        self.shown.append(arguments)


class Desk:
    def __init__(self, icon: FakeIcon | None) -> None:
        self.icon = icon
        self.heard: list[Response] = []
        self.messages = TrayMessages(lambda: self.icon, self.heard.append)  # type: ignore[arg-type,return-value]


def hello(alert_id: str = "a", title: str = "hello") -> Notification:
    return Notification(alert_id=alert_id, title=title, body="b\nc", urgency=Urgency.CRITICAL)


def test_without_an_icon_or_without_its_place_it_cannot(qtbot: QtBot) -> None:
    assert qtbot is not None
    for icon in (None, FakeIcon(width=0)):
        desk = Desk(icon)
        assert not desk.messages.show(hello())
        assert desk.messages.trouble


def test_a_message_is_short_enough_for_a_balloon(qtbot: QtBot) -> None:
    assert qtbot is not None
    desk = Desk(icon := FakeIcon())
    assert desk.messages.show(hello(title="x" * 1000))
    ((title, body, picture, _ms),) = icon.shown
    assert len(str(title)) == 63
    assert body == "b\nc"
    assert picture is QSystemTrayIcon.MessageIcon.Critical


def test_a_click_is_taken_for_the_last_one_and_for_none_that_is_over(qtbot: QtBot) -> None:
    assert qtbot is not None
    desk = Desk(icon := FakeIcon())
    desk.messages.show(hello("a"))
    desk.messages.show(hello("b"))
    desk.messages.close("a")
    icon.messageClicked.emit()
    assert desk.heard == [Response(alert_id="b", action="default")]
    desk.messages.close("b")
    icon.messageClicked.emit()
    assert len(desk.heard) == 1


def test_a_new_icon_is_heard_as_well(qtbot: QtBot) -> None:
    assert qtbot is not None
    desk = Desk(FakeIcon())
    desk.messages.show(hello("a"))
    desk.icon = FakeIcon()
    desk.messages.show(hello("b"))
    desk.icon.messageClicked.emit()
    assert [each.alert_id for each in desk.heard] == ["b"]

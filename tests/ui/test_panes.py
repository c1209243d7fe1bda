"""A list and its details one at a time, and the buttons that have no room."""

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu, QPushButton
from pytestqt.qtbot import QtBot

from omnitray.ui.pages.alerts.page import AlertsPage
from omnitray.ui.widgets.frames import ButtonRow, button
from support.keys import CTRL, click, press
from support.pages import page_context
from support.samples import ListedAlerts, alerts

LOW, HIGH = (400, 300), (400, 700)


def page_of(qtbot: QtBot, size: tuple[int, int]) -> AlertsPage:
    page = AlertsPage(page_context(ListedAlerts(alerts())))
    qtbot.addWidget(page)
    page.resize(*size)
    page.show()
    page.reload()
    qtbot.waitUntil(lambda: page.panes.alone is (size == LOW))
    return page


def click_row(page: AlertsPage, row: int, key: Qt.KeyboardModifier) -> None:
    spot = page.view.visualRect(page.model.index(row, 1)).center()
    QTest.mouseClick(page.view.viewport(), Qt.MouseButton.LeftButton, key, spot)


def seen(page: AlertsPage) -> tuple[bool, bool]:
    return page.view.isVisible(), page.detail.isVisible()


def test_a_high_page_shows_both_and_a_low_one_the_list(qtbot: QtBot) -> None:
    page = page_of(qtbot, HIGH)
    assert seen(page) == (True, True)
    assert not page.panes.back.isVisible()
    page.resize(*LOW)
    qtbot.waitUntil(lambda: seen(page) == (True, False))
    page.resize(1200, 300)  # beside each other both have room
    qtbot.waitUntil(lambda: seen(page) == (True, True))


def test_a_click_opens_the_details_and_back_returns_to_the_list(qtbot: QtBot) -> None:
    page = page_of(qtbot, LOW)
    click_row(page, 1, Qt.KeyboardModifier.NoModifier)
    assert seen(page) == (False, True)
    assert page.detail.alert is page.model.alert_at(1)
    assert not page.filter.row.isVisible()
    click(page.panes.back)
    assert seen(page) == (True, False)
    assert page.focusWidget() is page.view


def test_a_click_that_chooses_one_more_row_opens_nothing(qtbot: QtBot) -> None:
    page = page_of(qtbot, LOW)
    click_row(page, 1, CTRL)
    assert seen(page) == (True, False)


def test_enter_opens_and_escape_closes_without_hiding_the_window(qtbot: QtBot) -> None:
    page = page_of(qtbot, LOW)
    page.view.setFocus()
    press(page.view, Qt.Key.Key_Return)
    assert seen(page) == (False, True)
    press(page.panes.back, Qt.Key.Key_Escape)
    assert seen(page) == (True, False)
    assert page.isVisible()


def test_an_alert_that_is_asked_for_is_opened(qtbot: QtBot) -> None:
    page = page_of(qtbot, LOW)
    page.select("a00002")
    assert seen(page) == (False, True)
    page.resize(*HIGH)
    qtbot.waitUntil(lambda: seen(page) == (True, True))
    page.resize(*LOW)
    qtbot.waitUntil(lambda: seen(page) == (True, False))


def test_the_menu_of_a_row_opens_its_details_too(qtbot: QtBot) -> None:
    page = page_of(qtbot, LOW)
    menu = QMenu()
    page.view.menu_wanted.emit(menu)
    first = menu.actions()[0]
    assert first.text() == "Details"
    first.trigger()
    assert seen(page) == (False, True)


def row_of(qtbot: QtBot, width: int) -> tuple[ButtonRow, list[str]]:
    made = [button(word) for word in ("Pause it", "Resume it", "Protect it from all", "End it")]
    pressed: list[str] = []
    for each in made:
        each.clicked.connect(lambda _=False, it=each: pressed.append(it.text()))
    row = ButtonRow(made, goes=(made[2], made[0], made[1]))
    qtbot.addWidget(row)
    row.resize(width, 40)
    row.show()
    return row, pressed


def words(row: ButtonRow) -> list[str]:
    shown = [each for each in row.findChildren(QPushButton) if each.isVisible()]
    return [each.text() for each in sorted(shown, key=lambda each: (each.y(), each.x()))]


def button_of(row: ButtonRow, word: str) -> QPushButton:
    return next(each for each in row.findChildren(QPushButton) if each.text() == word)


def test_buttons_without_room_are_in_the_menu_and_the_last_stays(qtbot: QtBot) -> None:
    row, pressed = row_of(qtbot, 1000)
    assert words(row) == ["Pause it", "Resume it", "Protect it from all", "End it"]
    row.resize(row.sizeHint().width() - 10, 40)
    assert words(row) == ["Pause it", "Resume it", "End it", "More ▾"]
    narrow = row.minimumSizeHint().width() * 2
    row.resize(narrow, 40)
    assert words(row)[-2:] == ["End it", "More ▾"]
    press(row.more, Qt.Key.Key_Space)
    entries = {each.text(): each for each in row.menu.actions()}
    assert "Protect it from all" in entries
    entries["Protect it from all"].trigger()
    assert pressed == ["Protect it from all"]
    row.menu.hide()


def test_what_cannot_be_pressed_cannot_be_chosen_in_the_menu_either(qtbot: QtBot) -> None:
    row, pressed = row_of(qtbot, 200)
    hidden = button_of(row, "Protect it from all")
    hidden.setEnabled(False)
    press(row.more, Qt.Key.Key_Space)
    entry = next(each for each in row.menu.actions() if each.text() == "Protect it from all")
    assert not entry.isEnabled()
    row.menu.hide()
    row.offer(hidden, offered=False)
    press(row.more, Qt.Key.Key_Space)
    assert "Protect it from all" not in [each.text() for each in row.menu.actions()]
    assert pressed == []
    row.menu.hide()


def test_two_lines_hold_more_than_one(qtbot: QtBot) -> None:
    row, _ = row_of(qtbot, 1000)
    row.resize(row.sizeHint().width() - 10, 40)
    row.set_lines(2)
    assert words(row) == ["Pause it", "Resume it", "Protect it from all", "End it"]
    assert not row.more.isVisible()


def test_where_it_is_read_from_the_right_the_buttons_begin_there(qtbot: QtBot) -> None:
    row, _ = row_of(qtbot, 1000)
    row.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    row.rearrange()
    assert words(row) == ["End it", "Protect it from all", "Resume it", "Pause it"]
    assert button_of(row, "Pause it").geometry().right() == row.rect().right()

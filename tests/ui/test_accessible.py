"""Every page by keyboard alone, as a screen reader has it: nothing without a name or a role."""

from collections.abc import Iterator

import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QAccessibleInterface
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from omnitray.ui.pages.overview import OverviewPage
from omnitray.ui.pages.registry import PAGES
from omnitray.ui.pages.settings.page import SettingsPage
from omnitray.ui.window import MainWindow
from support import samples
from support.keys import press
from support.pages import built
from support.sample_window import sample_window

ROLES = QAccessible.Role
FILLERS = {ROLES.NoRole, ROLES.Client, ROLES.Pane, ROLES.LayeredPane, ROLES.Whitespace}
MOST_STEPS = 400


@pytest.fixture
def window(qtbot: QtBot) -> Iterator[MainWindow]:
    before = QAccessible.isActive()
    QAccessible.setActive(True)
    made = sample_window()
    qtbot.addWidget(made)
    made.resize(960, 640)
    with qtbot.waitActive(made):
        made.show()
        made.activateWindow()
    yield made
    QAccessible.setActive(before)


def interface(widget: QWidget) -> QAccessibleInterface:
    found = QAccessible.queryAccessibleInterface(widget)
    assert found is not None, widget
    return found


def name_of(widget: QWidget) -> str:
    return interface(widget).text(QAccessible.Text.Name)


def description_of(widget: QWidget) -> str:
    return interface(widget).text(QAccessible.Text.Description)


def stops(window: MainWindow) -> list[QWidget]:
    """What the Tab key leads to, in its order, once around."""
    found: list[QWidget] = []
    window.setFocus()
    for _ in range(MOST_STEPS):
        press(QApplication.focusWidget() or window, Qt.Key.Key_Tab)
        QApplication.processEvents()
        here = QApplication.focusWidget()
        if here is None or here in found:
            return found
        found.append(here)
    msg = "the Tab key never comes around"
    raise AssertionError(msg)


@pytest.mark.parametrize("page", [entry.name for entry in PAGES])
def test_the_keyboard_leads_to_named_controls_only(window: MainWindow, page: str) -> None:
    window.show_page(page)
    walked = stops(window)
    faults = [
        f"{type(each).__name__} {each.objectName()!r}: {interface(each).role()}, {name_of(each)!r}"
        for each in walked
        if not name_of(each).strip() or interface(each).role() in FILLERS
    ]
    assert not faults
    assert len(walked) > 3
    lost = [
        f"{type(each).__name__} {name_of(each)!r}"
        for each in window.findChildren(QWidget)
        if each.isVisible()
        and each.isEnabled()
        and each.focusPolicy() & Qt.FocusPolicy.TabFocus
        and each not in walked
        and not _is_led_to_by_arrows(each, walked)
        and not any(each.isAncestorOf(stop) for stop in walked)
    ]
    assert not lost


def _is_led_to_by_arrows(widget: QWidget, walked: list[QWidget]) -> bool:
    """A radio button beside the chosen one."""
    return any(widget.parent() is stop.parent() for stop in walked) and interface(
        widget
    ).role() in (ROLES.RadioButton, ROLES.PageTab)


@pytest.mark.parametrize("page", [entry.name for entry in PAGES])
def test_no_description_has_markup_and_no_image_is_nameless(window: MainWindow, page: str) -> None:
    window.show_page(page)
    window.grab()
    for each in window.findChildren(QWidget):
        if not each.isVisible():
            continue
        spoken = f"{name_of(each)} {description_of(each)}"
        assert "<" not in spoken, spoken
        assert "\u200b" not in spoken, spoken
        if interface(each).role() == ROLES.Graphic:
            assert name_of(each)


def test_charts_are_images_with_a_live_sentence(window: MainWindow) -> None:
    window.show_page("overview")
    for title, card in built(window, OverviewPage).cards.items():
        card.chart.repaint()
        assert interface(card.chart).role() == ROLES.Graphic
        assert name_of(card.chart) == f"{title} chart"
        assert "now" in description_of(card.chart)
        assert "highest" in description_of(card.chart)


def test_pages_are_tabs_and_segments_are_radio_buttons(window: MainWindow) -> None:
    tabs = interface(window.sidebar)
    assert tabs.role() == ROLES.PageTabList
    roles = [tabs.child(number).role() for number in range(tabs.childCount())]
    assert roles == [ROLES.PageTab] * len(PAGES)
    chosen = [tabs.child(n).state().selected for n in range(tabs.childCount())]
    assert sum(chosen) == 1
    modes = interface(window.header.mode)
    assert modes.role() == ROLES.Grouping
    assert modes.text(QAccessible.Text.Name) == "Mode"
    children = [modes.child(number) for number in range(modes.childCount())]
    parts = [each for each in children if not each.state().invisible]
    assert [each.role() for each in parts] == [ROLES.RadioButton] * 3
    assert [each.text(QAccessible.Text.Name) for each in parts] == ["dev", "test", "prod"]


def test_every_setting_carries_its_label(window: MainWindow) -> None:
    window.show_page("settings")
    page = built(window, SettingsPage)
    for row in page.rows.values():
        assert name_of(row.editor).startswith(row.field.title)
        label = next(each for each in row.findChildren(QLabel) if each.text() == row.field.title)
        assert label.buddy() is row.editor


def test_an_alert_and_a_question_are_announced(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(
        QAccessible, "updateAccessibility", lambda event: said.append(_message(event))
    )
    window.show_question(None)
    window.show_question(samples.question())
    begun = samples.many_alerts(3)
    window.show_alerts([msgspec.structs.replace(each, state="firing") for each in begun])
    window.show_banner("Something is to be said")
    assert any(samples.question().text[:20] in each for each in said)
    assert any("Alert number 0" in each and "2 more" in each for each in said)
    assert "Something is to be said" in said


def _message(event: object) -> str:
    return getattr(event, "message", str)()


SPOKEN = {
    ROLES.Button,
    ROLES.ButtonMenu,
    ROLES.CheckBox,
    ROLES.RadioButton,
    ROLES.PageTab,
    ROLES.PageTabList,
    ROLES.ComboBox,
    ROLES.SpinBox,
    ROLES.Slider,
    ROLES.EditableText,
    ROLES.Link,
    ROLES.Graphic,
    ROLES.Grouping,
    ROLES.Table,
    ROLES.Tree,
    ROLES.List,
    ROLES.ListItem,
    ROLES.TreeItem,
    ROLES.ColumnHeader,
    ROLES.MenuItem,
}


def tree(found: QAccessibleInterface) -> Iterator[QAccessibleInterface]:
    """Everything that a screen reader comes to from here, out of sight left out."""
    for number in range(found.childCount()):
        child = found.child(number)
        if child is not None and child.isValid() and not child.state().invisible:
            yield child
            yield from tree(child)


@pytest.mark.parametrize("page", [entry.name for entry in PAGES])
def test_all_that_a_screen_reader_comes_to_has_a_name_and_says_no_markup(
    window: MainWindow, page: str
) -> None:
    window.show_page(page)
    window.grab()
    faults, seen = [], 0
    for each in tree(interface(window)):
        name = each.text(QAccessible.Text.Name)
        spoken = f"{name} {each.text(QAccessible.Text.Description)}"
        seen += each.role() in SPOKEN
        if each.role() in SPOKEN and not name.strip():
            faults.append(f"{each.role()} of {each.object()} has no name")
        if each.state().focusable and each.role() in FILLERS:
            faults.append(f"{each.object()} {name!r} takes the focus and is {each.role()}")
        if "<" in spoken or "\u200b" in spoken:
            faults.append(f"{each.role()} says {spoken!r}")
    assert not faults
    assert seen > len(PAGES)

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QLineEdit
from pytestqt.qtbot import QtBot

from omnitray.settings.check import set_value
from omnitray.settings.faults import Fault, Problem
from omnitray.settings.model import FIELDS, Settings
from omnitray.ui.pages.settings.page import SettingsPage
from omnitray.ui.pages.settings.row import ListEdit
from omnitray.ui.widgets.choice import ChoiceButton, Switch
from support.keys import click, press, type_text
from support.pages import page_context
from support.shown import plain


class Opened:
    """The page with the defaults, and the changes it asked for."""

    def __init__(self, qtbot: QtBot) -> None:
        self.page = SettingsPage(page_context())
        qtbot.addWidget(self.page)
        self.page.resize(800, 600)
        self.page.show_settings()
        with qtbot.waitExposed(self.page):
            self.page.show()
        self.asked: list[tuple[str, object]] = []
        self.page.context.intents.setting_requested.connect(lambda *each: self.asked.append(each))

    def line(self, key: str) -> QLineEdit:
        editor = self.page.rows[key].editor
        assert isinstance(editor, QLineEdit)
        return editor

    def enter(self, key: str, text: str) -> None:
        self.line(key).clear()
        type_text(self.line(key), text)
        press(self.line(key), Qt.Key.Key_Return)

    def fault(self, key: str) -> str:
        return plain(self.page.rows[key].fault.text())


@pytest.fixture
def opened(qtbot: QtBot) -> Opened:
    return Opened(qtbot)


def test_every_field_of_the_table_has_a_row_with_its_range(opened: Opened) -> None:
    assert list(opened.page.rows) == [field.key for field in FIELDS]
    said = [
        label.text() for label in opened.page.rows["thresholds.cpu.warning"].findChildren(QLabel)
    ]
    assert "1 to 100 %" in said
    for row in opened.page.rows.values():
        assert row.editor.accessibleName()
        assert row.editor.accessibleDescription()


def test_a_number_that_is_allowed_is_asked_for(opened: Opened) -> None:
    opened.enter("thresholds.cpu.warning", "65")
    assert opened.asked == [("thresholds.cpu.warning", 65)]
    assert opened.fault("thresholds.cpu.warning") == ""


@pytest.mark.parametrize("text", ["lots", "", "0", "101", "nan"])
def test_a_wrong_value_is_explained_beside_the_field_and_not_asked_for(
    opened: Opened, text: str
) -> None:
    opened.enter("thresholds.cpu.warning", text)
    assert opened.asked == []
    assert "a number from 1 to 100 %" in opened.fault("thresholds.cpu.warning")
    assert opened.page.rows["thresholds.cpu.warning"].fault.isVisible()


def test_values_that_do_not_go_together_are_explained(opened: Opened) -> None:
    opened.enter("thresholds.cpu.warning", "90")
    assert opened.asked == []
    assert "warning lower than critical" in opened.fault("thresholds.cpu.warning")


def test_a_right_value_takes_the_explanation_away(opened: Opened) -> None:
    opened.enter("thresholds.cpu.warning", "lots")
    opened.enter("thresholds.cpu.warning", "60")
    assert opened.fault("thresholds.cpu.warning") == ""


def test_leaving_a_field_as_it_was_asks_for_nothing(opened: Opened) -> None:
    press(opened.line("thresholds.cpu.warning"), Qt.Key.Key_Return)
    assert opened.asked == []


def test_switch_choice_and_list_ask_in_the_shape_of_the_file(opened: Opened) -> None:
    switch = opened.page.rows["notifications.enabled"].editor
    assert isinstance(switch, Switch)
    click(switch)
    mode = opened.page.rows["mode"].editor
    assert isinstance(mode, ChoiceButton)
    mode.chosen.emit("prod")
    names = opened.page.rows["protect.protected"].editor
    assert isinstance(names, ListEdit)
    names.setPlainText("firefox\n\n  ~/shop  \n")
    names.finished.emit()
    assert opened.asked == [
        ("notifications.enabled", False),
        ("mode", "prod"),
        ("protect.protected", ["firefox", "~/shop"]),
    ]


def test_values_in_force_are_shown_but_not_under_the_fingers(opened: Opened, qtbot: QtBot) -> None:
    typed = opened.line("thresholds.cpu.warning")
    opened.page.activateWindow()
    typed.setFocus()
    qtbot.waitUntil(typed.hasFocus)
    typed.setText("6")
    changed = set_value(Settings(), "thresholds.cpu.critical", 88)
    assert isinstance(changed, Settings)
    opened.page.context.facts.settings = changed
    opened.page.show_settings()
    assert typed.text() == "6"
    assert opened.line("thresholds.cpu.critical").text() == "88"


def test_problems_of_the_file_stand_beside_their_field_or_on_top(opened: Opened) -> None:
    opened.page.context.facts.problems = (
        Problem(fault=Fault.NOT_ALLOWED, key="api.port", line=7, found="99999"),
        Problem(fault=Fault.UNKNOWN, key="colour", line=3, found='"blue"'),
    )
    opened.page.show_settings()
    assert opened.fault("api.port").startswith("config.toml, line 7: api.port = 99999")
    assert opened.page.problems.isVisible()
    assert opened.page.problems.text().startswith("config.toml, line 3: colour")


def test_the_search_leaves_only_what_fits_and_says_when_nothing_does(opened: Opened) -> None:
    type_text(opened.page.filter, "cpu warning")
    shown = [key for key, row in opened.page.rows.items() if row.isVisible()]
    assert shown == ["thresholds.cpu.warning"]
    type_text(opened.page.filter, " zzz")
    assert opened.page.empty.isVisible()


def test_every_setting_stands_in_a_section_and_a_button_jumps_there(opened: Opened) -> None:
    page = opened.page
    assert list(page.jumps) == ["General", "Monitoring", "Protection", "Notifications", "Local API"]
    sections = {
        "General": ("mode", "tray.panel"),
        "Monitoring": ("monitor.calm_s", "thresholds.disk.hold_s"),
        "Protection": ("protect.state", "rule", "protect.prod.hold_s"),
        "Notifications": ("notifications.sound",),
        "Local API": ("api.port",),
    }
    tops = [page.heads[title].y() for title in sections]
    assert tops == sorted(tops)
    for (title, keys), end in zip(sections.items(), [*tops[1:], 1_000_000], strict=True):
        for key in keys:
            card = page.rows[key].parentWidget()
            assert card is not None
            assert page.heads[title].y() < card.y() < end
    click(page.jumps["Notifications"])
    head = page.heads["Notifications"]
    assert 0 <= head.mapTo(page, head.rect().topLeft()).y() < page.height() // 2
    assert page.focusWidget() is page.rows["notifications.enabled"].editor


def test_enter_in_the_search_goes_to_the_first_setting_that_was_found(opened: Opened) -> None:
    page = opened.page
    type_text(page.filter, "port")
    assert page.heads["Local API"].isVisible()
    assert not page.heads["Notifications"].isVisible()
    assert not page.jumps["Notifications"].isEnabled()
    press(page.filter, Qt.Key.Key_Return)
    assert page.focusWidget() is page.rows["api.port"].editor
    page.filter.clear()
    assert page.heads["Notifications"].isVisible()
    assert page.jumps["Notifications"].isEnabled()

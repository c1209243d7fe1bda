from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QFont
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from omnitray.base.facts import ProtectState
from omnitray.ui.theme import Theme
from omnitray.ui.welcome import NO_BARS, NO_TRAY, Welcome
from omnitray.ui.window_place import FirstStart
from support.keys import click


@pytest.fixture
def welcome(qtbot: QtBot) -> Welcome:
    made = Welcome(Theme(Qt.ColorScheme.Light), ProtectState.ON, has_tray=True)
    qtbot.addWidget(made)
    made.show()
    return made


def test_what_is_in_force_is_chosen_and_a_choice_counts_at_once(
    welcome: Welcome, qtbot: QtBot
) -> None:
    assert welcome.protect.radio.isChecked()
    with qtbot.waitSignal(welcome.state_chosen) as said:
        welcome.watch.radio.click()
    assert said.args == [ProtectState.WATCH]
    with qtbot.waitSignal(welcome.state_chosen) as said:
        QTest.mouseClick(welcome.protect, Qt.MouseButton.LeftButton)  # the card, not the circle
    assert said.args == [ProtectState.ON]
    with qtbot.assertNotEmitted(welcome.state_chosen):
        click(welcome.done_button)
    assert not welcome.isVisible()


def test_the_window_is_one_click_away(welcome: Welcome, qtbot: QtBot) -> None:
    with qtbot.waitSignal(welcome.window_wanted):
        click(welcome.show_window)
    assert not welcome.isVisible()


@pytest.mark.parametrize("state", [ProtectState.WATCH, ProtectState.OFF])
def test_who_protects_nothing_is_not_said_to_protect(qtbot: QtBot, state: ProtectState) -> None:
    made = Welcome(Theme(Qt.ColorScheme.Dark), state, has_tray=False)
    qtbot.addWidget(made)
    assert made.watch.radio.isChecked()
    assert made.where.text() == NO_TRAY


def test_it_belongs_to_the_window_that_is_open_and_so_stands_above_it(qtbot: QtBot) -> None:
    window, made = QWidget(), Welcome(Theme(), ProtectState.ON, has_tray=False)
    for each in (window, made):
        qtbot.addWidget(each)
    window.show()
    made.stay_above(window)
    made.show()
    handle = made.windowHandle()
    assert handle is not None
    assert handle.transientParent() is window.windowHandle()


def test_without_a_tray_nothing_is_said_of_an_icon(qtbot: QtBot) -> None:
    made = Welcome(Theme(Qt.ColorScheme.Light), ProtectState.ON, has_tray=False)
    qtbot.addWidget(made)
    made.show()
    assert made.what.text() == NO_BARS
    assert not made.show_window.isVisible()  # the window is open
    said = [each.text() for each in made.findChildren(QLabel) if "icon" in each.text()]
    assert said == [NO_TRAY]


@pytest.fixture(params=[9, 13, 18, 24])
def _points(request: pytest.FixtureRequest, qapp: QApplication) -> Iterator[None]:
    before = qapp.font()
    font = QFont(before)
    font.setPointSize(request.param)
    qapp.setFont(font)
    yield
    qapp.setFont(before)


@pytest.mark.usefixtures("_points")
def test_every_sentence_has_its_room_at_every_size(qtbot: QtBot) -> None:
    made = Welcome(Theme(Qt.ColorScheme.Light), ProtectState.ON, has_tray=True)
    qtbot.addWidget(made)
    made.show()
    for each in made.findChildren(QLabel):
        assert each.height() >= each.heightForWidth(each.width())
    free = made.screen().availableGeometry().size()
    assert made.size().boundedTo(free) == made.size()


def test_it_is_shown_once_and_never_to_who_has_settings(tmp_path: Path) -> None:
    kept, settings = tmp_path / "welcomed", tmp_path / "config.toml"
    first = FirstStart(kept, settings)
    assert first.is_due()
    first.note()
    assert not first.is_due()
    kept.unlink()
    settings.touch()
    assert not first.is_due()


@pytest.mark.expect_log("That the welcome was shown could not be kept")
def test_a_disk_that_refuses_costs_no_start(tmp_path: Path) -> None:
    first = FirstStart(tmp_path / "nowhere" / "welcomed", tmp_path / "config.toml")
    first.note()
    assert first.is_due()

"""What a person does who has no mouse: into a list, along its rows, and away from a grey button."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from omnitray.protector.view import ProtectionView
from omnitray.ui.pages.processes.page import ProcessesPage
from omnitray.ui.theme import LIGHT
from omnitray.ui.window import MainWindow
from support import samples
from support.keys import CTRL, press
from support.pages import show_jobs
from support.sample_window import sample_window


def opened(qtbot: QtBot) -> tuple[MainWindow, ProcessesPage]:
    window = sample_window()
    qtbot.addWidget(window)
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    press(window, Qt.Key.Key_2, CTRL)
    page = window.pages.get(ProcessesPage)
    assert page is not None
    return window, page


def test_a_page_that_is_turned_to_has_the_focus_in_its_list(qtbot: QtBot) -> None:
    _, page = opened(qtbot)
    assert QApplication.focusWidget() is page.view
    assert not page.view.selectionModel().hasSelection()
    corner = page.view.viewport().grab().toImage().pixelColor(0, 5)
    assert corner == QColor(LIGHT.accent)  # a ring while no row shows where the focus is


def test_the_first_key_that_moves_chooses_the_only_row(qtbot: QtBot) -> None:
    _, page = opened(qtbot)
    page.filter.setText("cargo")
    assert page.model.rowCount() == 1
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Home):
        page.view.clearSelection()
        press(page.view, key)
        assert len(page.view.selected_jobs()) == 1


def test_the_focus_goes_to_the_list_when_its_button_turns_grey(qtbot: QtBot) -> None:
    _, page = opened(qtbot)
    show_jobs(page, samples.jobs(), ProtectionView())
    press(page.view, Qt.Key.Key_Down)
    assert page.pause.isEnabled()
    page.pause.setFocus()
    QTest.keyClick(page.pause, Qt.Key.Key_Space)
    page.view.clearSelection()  # as where the job is paused now: nothing is offered
    assert not page.pause.isEnabled()
    assert QApplication.focusWidget() is page.view

"""Nothing is cut, whatever the font: sizes follow from it, and captions give way before figures."""

from collections.abc import Iterator

import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QScrollArea, QTreeView, QWidget
from pytestqt.qtbot import QtBot

from omnitray.settings import Settings
from omnitray.ui.pages.registry import PAGES
from omnitray.ui.theme import Theme
from omnitray.ui.widgets.cells import CELL, CellDelegate
from omnitray.ui.widgets.labels import ElidedLabel
from omnitray.ui.window import MainWindow
from support import samples
from support.clock import FakeClock
from support.samples import NOW, ListedAlerts

LONG_WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
RIGHT_TO_LEFT = "خادم الويب متوقف عن العمل"
NAMES = {"plain": "", "long": LONG_WORD, "right to left": RIGHT_TO_LEFT}


@pytest.fixture(params=[9, 11, 13, 18, 24])
def points(request: pytest.FixtureRequest, qapp: QApplication) -> Iterator[int]:
    before = qapp.font()
    font = QFont(before)
    font.setPointSize(request.param)
    qapp.setFont(font)
    yield request.param
    qapp.setFont(before)


def a_window(qtbot: QtBot, name: str) -> MainWindow:
    window = MainWindow(
        ListedAlerts(samples.alerts()), clock=FakeClock(wall=NOW), theme=Theme(Qt.ColorScheme.Light)
    )
    qtbot.addWidget(window)
    jobs = samples.jobs()
    if name:
        named = (msgspec.structs.replace(jobs[0], name=name, project=f"~/{name}"), *jobs[1:])
        jobs = tuple(named)
    window.show_settings(Settings())
    window.set_history(samples.snapshots(200))
    window.set_alert_history(samples.alerts())
    window.show_jobs(jobs)
    window.show_actions(samples.protection())
    window.show_status(samples.status())
    return window


def cut_off(window: QWidget) -> list[str]:
    """Words that have less room than they need, and figures in lists likewise."""
    found = []
    for widget in window.findChildren(QWidget):
        if not widget.isVisible() or isinstance(widget, ElidedLabel):
            continue
        if isinstance(widget, QLabel) and widget.text() and not widget.wordWrap():
            if widget.width() < widget.sizeHint().width():
                found.append(f"{widget.text()!r} has {widget.width()}")
        elif isinstance(widget, QAbstractButton) and widget.width() < widget.sizeHint().width():
            found.append(f"button {widget.text()!r} has {widget.width()}")
        elif isinstance(widget, QTreeView):
            found += cut_cells(widget)
        if isinstance(widget, QScrollArea) and widget.horizontalScrollBar().maximum():
            over = widget.horizontalScrollBar().maximum()
            found.append(f"{over} pixels at the right of {widget.accessibleName()!r} out of sight")
        if isinstance(widget, QLabel | QAbstractButton) and widget.text():
            line = widget.fontMetrics().height()
            if widget.height() < line - 1:  # the metrics are rounded up to whole pixels
                found.append(f"{widget.text()!r} is {widget.height()} high of {line}")
    return found


def cut_cells(view: QTreeView) -> list[str]:
    model, delegate = view.model(), view.itemDelegate()
    assert isinstance(delegate, CellDelegate)
    found = []
    for row in range(model.rowCount()):
        for column in range(model.columnCount()):
            cell = model.index(row, column).data(CELL)
            if view.isColumnHidden(column) or cell is None or not (cell.right or cell.pill):
                continue
            needs = delegate.width_of(cell, view.font())
            if needs > view.columnWidth(column):
                found.append(f"cell {cell.words!r} has {view.columnWidth(column)} of {needs}")
    return found


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_no_words_and_no_figure_are_cut(qtbot: QtBot, points: int, name: str) -> None:
    window = a_window(qtbot, name)
    scale = max(1.0, points / 13)  # who reads at 24 pt has a larger window
    window.resize(round(960 * scale), round(640 * scale))
    window.show()
    for page in PAGES:
        window.show_page(page.name)
        qtbot.wait(10)
        assert cut_off(window) == [], page.name


def test_the_smallest_window_shows_every_figure(qtbot: QtBot) -> None:
    window = a_window(qtbot, "")
    window.resize(560, 400)
    window.show()
    for page in PAGES:
        window.show_page(page.name)
        qtbot.wait(10)
        assert (window.width(), window.height()) == (560, 400), page.name
        assert cut_off(window) == [], page.name


def test_a_narrow_window_has_drawings_for_pages_and_a_menu_for_the_mode(qtbot: QtBot) -> None:
    window = a_window(qtbot, "")
    window.resize(560, 400)
    window.show()
    qtbot.wait(10)
    narrow = window.sidebar.width()
    assert not window.header.mode.isVisible()
    assert window.header.mode_menu.isVisible()
    window.resize(1100, 700)
    qtbot.wait(10)
    assert window.sidebar.width() > 2 * narrow
    assert window.header.mode.isVisible()
    assert not window.header.mode_menu.isVisible()


def test_the_window_is_never_larger_than_the_screen(qtbot: QtBot) -> None:
    window = a_window(qtbot, "")
    window.resize(5000, 4000)
    window.show_now()
    free = window.screen().availableGeometry()
    assert window.width() <= free.width()
    assert window.height() <= free.height()

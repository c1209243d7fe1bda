"""Whether all words and figures of the window have the room they need, at any font and scale.

    QT_SCALE_FACTOR=1.25 python -m support.fitting 9 long

draws every page at this scale and prints what is cut.
"""

import json
import os
import sys
from itertools import combinations

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QApplication,
    QLabel,
    QPlainTextEdit,
    QScrollArea,
    QTreeView,
    QWidget,
)

from omnitray.ui.pages.registry import PAGES
from omnitray.ui.widgets.cells import CELL, CellDelegate
from omnitray.ui.widgets.labels import ElidedLabel
from omnitray.ui.widgets.panes import ListAndDetail
from omnitray.ui.widgets.table import CellView
from omnitray.ui.window import MainWindow
from support import samples
from support.sample_window import NAMES, sample_window

POINTS = (9, 11, 13, 18, 24)
SCALES = ((1.25, 9, "path"), (1.5, 13, "plain"), (1.75, 18, "long"), (2.0, 24, "right to left"))
_GERMAN = 1.35  # German interface words are a third longer than English ones (IBM, W3C: 30 to 40 %)


def enlarged(window: MainWindow, points: int) -> None:
    """Who reads at 24 pt has a larger window."""
    scale = max(1.0, points / 13)
    window.resize(round(960 * scale), round(640 * scale))


def with_longer_words(window: QWidget) -> None:
    """Give the words of the window the length that they have in German."""
    for widget in window.findChildren(QWidget):
        if isinstance(widget, ElidedLabel) or not isinstance(widget, QLabel | QAbstractButton):
            continue
        text = widget.text()
        if text and not text.endswith("%") and not any(letter.isdigit() for letter in text):
            widget.setText(text + "n" * round(len(text) * (_GERMAN - 1)))


def cut_off(window: QWidget) -> list[str]:
    """Words that have less room than they need, and figures in lists likewise."""
    widgets = window.findChildren(QWidget)
    seen = (each for each in widgets if each.isVisible() and not isinstance(each, ElidedLabel))
    cut = [fault for each in seen for fault in (*_narrow(each), *_low(each))]
    return [*cut, *_covered(widgets)]


def _covered(widgets: list[QWidget]) -> list[str]:
    """Buttons and words that stand on another of the same parent."""
    families: dict[QWidget | None, list[QLabel | QAbstractButton]] = {}
    for each in widgets:
        if isinstance(each, QLabel | QAbstractButton) and each.isVisible():
            families.setdefault(each.parentWidget(), []).append(each)
    return [
        f"{one.text()!r} covers {other.text()!r}"
        for family in families.values()
        for one, other in combinations(family, 2)
        if one.geometry().intersects(other.geometry())
    ]


def _narrow(widget: QWidget) -> list[str]:
    """What the widget lacks in width."""
    wanted, width = widget.sizeHint().width(), widget.width()
    if isinstance(widget, QLabel) and widget.wordWrap():
        return _cut_lines(widget)
    if isinstance(widget, QTreeView):
        return _cut_cells(widget)
    if isinstance(widget, QLabel | QAbstractButton):
        return [f"{widget.text()!r} has {width} of {wanted}"] if width < wanted else []
    if isinstance(widget, QScrollArea) and (over := widget.horizontalScrollBar().maximum()):
        return [f"{over} pixels at the right of {widget.accessibleName()!r} out of sight"]
    return []


def _low(widget: QWidget) -> list[str]:
    """What a line of words lacks in height."""
    if not isinstance(widget, QLabel | QAbstractButton) or not widget.text():
        return []
    line, high = widget.fontMetrics().height(), widget.height()
    # The metrics are rounded up to whole pixels.
    return [f"{widget.text()!r} is {high} high of {line}"] if high < line - 1 else []


def _cut_lines(words: QLabel) -> list[str]:
    """Lines that are wider than the label, or that have no room below."""
    metrics, flags = words.fontMetrics(), Qt.TextFlag.TextWordWrap
    if words.textFormat() == Qt.TextFormat.RichText:
        return []
    needed = metrics.boundingRect(0, 0, words.width(), 100_000, int(flags), words.text())
    over = max(needed.width() - words.width(), needed.height() - words.height() - 1)
    return [f"{words.text()[:60]!r} lacks {over} pixels"] if over > 1 else []


def _cut_cells(view: QTreeView) -> list[str]:
    model, delegate = view.model(), view.itemDelegate()
    assert isinstance(delegate, CellDelegate)
    assert isinstance(view, CellView)
    gone = all(view.isColumnHidden(column) for column in view.plan.giving)
    over = view.header().length() - view.viewport().width()
    found = [f"columns reach {over} pixels out of {view.accessibleName()!r}"] if over > 0 else []
    for row in range(model.rowCount()):
        for column in range(model.columnCount()):
            cell = model.index(row, column).data(CELL)
            if view.isColumnHidden(column) or cell is None or not (cell.right or cell.pill):
                continue
            if cell.pill and column in view.plan.signs and gone:
                cell = cell._replace(pill=cell.pill._replace(word=""))
            needs = delegate.width_of(cell._replace(quiet="") if cell.pill else cell, view.font())
            if needs > view.columnWidth(column):
                found.append(f"cell {cell.words!r} has {view.columnWidth(column)} of {needs}")
    return found


_NAME_EM = 11  # about twenty letters: enough to tell one job, command or path from another
# Rows in sight, by how many lines of words the window has room for: of 17 lines on (13 pt in the
# smallest one) three; 18 pt have 14 lines there, 24 pt have 10 and what the program keeps at least.
_ROWS = ((17, 3.0), (12, 2.0), (0, 1.7))
_LOG_LINES = 6


def faults_on_pages(window: MainWindow) -> list[str]:
    """What is cut, unreadable or scrolls within something that scrolls, on any page.

    Where a page shows a list or the details of a row, both are looked at.
    """
    found = []
    for page in PAGES:
        window.show_page(page.name)
        _settle()
        found += [f"{page.name}: {each}" for each in _faults(window)]
        for panes in window.findChildren(ListAndDetail):
            if panes.isVisible() and panes.alone:
                panes.open_detail()
                _settle()
                found += [f"{page.name}, opened: {each}" for each in _faults(window)]
                panes.close_detail()
    return found


def _faults(window: MainWindow) -> list[str]:
    lists = [each for each in window.findChildren(CellView) if each.isVisible()]
    unreadable = [fault for each in lists for fault in _unreadable(each)]
    logs = [each for each in window.findChildren(QPlainTextEdit) if each.isVisible()]
    few = [
        f"a log of {lines:.1f} lines"
        for each in logs
        if (lines := each.viewport().height() / each.fontMetrics().height()) < _LOG_LINES
        if each.isReadOnly()
    ]
    return [*cut_off(window), *unreadable, *few, *_bars_in_bars(window)]


def _settle() -> None:
    for _ in range(4):
        QApplication.processEvents()


def _bars_in_bars(window: MainWindow) -> list[str]:
    """Lists and panes that scroll upright within something that does so too."""
    areas = [each for each in window.findChildren(QAbstractScrollArea) if _scrolls(each)]
    return [
        f"{inner.accessibleName() or type(inner).__name__} within another bar"
        for inner in areas
        if not isinstance(inner, QPlainTextEdit)  # a log scrolls by itself, as in every program
        if any(outer is not inner and outer.isAncestorOf(inner) for outer in areas)
    ]


def _scrolls(area: QAbstractScrollArea) -> bool:
    return area.isVisible() and area.verticalScrollBar().isVisible()


def _unreadable(view: CellView) -> list[str]:
    delegate, model = view.itemDelegate(), view.model()
    assert isinstance(delegate, CellDelegate)
    lines = view.window().height() / view.fontMetrics().height()
    least_rows = next(rows for from_lines, rows in _ROWS if lines >= from_lines)
    rows = view.viewport().height() / delegate.row_height(view.font())
    few = rows < min(least_rows, model.rowCount()) - 0.1
    found = [f"a list of {rows:.1f} rows"] if few else []
    room = view.columnWidth(view.plan.name_column)
    most = view.viewport().width() * 3 // 5  # a figure stands beside it
    enough = min(_NAME_EM * view.fontMetrics().horizontalAdvance("M"), most)
    for row in range(model.rowCount()):
        cell = model.index(row, view.plan.name_column).data(CELL)
        need = delegate.width_of(cell._replace(quiet=""), view.font())
        least = min(need, enough)
        if room < least:
            found.append(f"name {cell.text!r} has {room} of {least}")
    return found


def cut_on_pages(window: MainWindow) -> list[str]:
    """What is cut on any page of a window that is shown."""
    found = []
    for page in PAGES:
        window.show_page(page.name)
        _settle()
        found += [f"{page.name}: {each}" for each in cut_off(window)]
    return found


def main(points: int, kind: str) -> None:
    """Print, as a list in JSON, what is cut at the scale of this process."""
    app = QApplication([])
    font = QFont(app.font())
    font.setPointSize(points)
    app.setFont(font)
    window = sample_window(NAMES[kind])
    window.show_question(samples.question())
    enlarged(window, points)
    window.show()
    found = cut_on_pages(window)
    if str(window.devicePixelRatioF()) != os.environ["QT_SCALE_FACTOR"]:
        found.append(f"drawn at {window.devicePixelRatioF()}")
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])

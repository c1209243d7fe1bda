"""The list of runs: a row a run, the peak as a bar with last time's as a tick."""

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QLineF,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRectF,
    Qt,
)
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QStyleOptionViewItem

from omnitray.runs.model import RunRecord
from omnitray.runs.words import cpu, peak, took
from omnitray.ui import formats
from omnitray.ui.pages.runs import text
from omnitray.ui.pages.runs.text import TITLES, RunColumn
from omnitray.ui.widgets.cells import CELL, CELL_PAD, Cell, CellDelegate

Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()
_ROLES = (CELL, Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole)
SHARE = int(Qt.ItemDataRole.UserRole) + 1  # (peak, last) of the longest bar
_RIGHT = frozenset({RunColumn.TOOK, RunColumn.CPU})
_BAR, _TICK = 5.0, 13.0  # heights
_BAR_WIDTH = 0.26  # of the column
_LEAST_BAR = 0.3  # of the figure before it


class RunsModel(QAbstractTableModel):
    """The runs that pass the filter, the newest first."""

    def __init__(self, wall: Callable[[], float], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._wall = wall
        self._runs: tuple[RunRecord, ...] = ()
        self._most = 1

    def show(self, runs: tuple[RunRecord, ...]) -> None:
        """Show these; rows that stay keep the selection."""
        same = [each.id for each in runs] == [each.id for each in self._runs]
        if not same:
            self.beginResetModel()
        self._runs = runs
        self._most = max((max(each.peak_bytes, each.last_peak_bytes) for each in runs), default=1)
        if not same:
            self.endResetModel()
        elif runs:
            last = self.index(len(runs) - 1, len(RunColumn) - 1)
            self.dataChanged.emit(self.index(0, 0), last)

    def run_at(self, row: int) -> RunRecord | None:
        """The run of a row."""
        return self._runs[row] if 0 <= row < len(self._runs) else None

    def row_of(self, key: str) -> int:
        """The row of a run, else -1."""
        return next((row for row, each in enumerate(self._runs) if each.id == key), -1)

    def rowCount(self, parent: Index = _NOWHERE) -> int:  # noqa: N802 - Qt's name
        """How many pass."""
        return 0 if parent.isValid() else len(self._runs)

    def columnCount(self, parent: Index = _NOWHERE) -> int:  # noqa: N802 - Qt's name
        """Always the same."""
        return 0 if parent.isValid() else len(RunColumn)

    def headerData(  # noqa: N802 - Qt's name
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        """Titles."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return TITLES[RunColumn(section)]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            right = Qt.AlignmentFlag.AlignRight if section in _RIGHT else Qt.AlignmentFlag.AlignLeft
            return int(right | Qt.AlignmentFlag.AlignVCenter)
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The cell to paint, its text for every other role."""
        record = self.run_at(index.row()) if index.isValid() else None
        if record is None:
            return None
        if role == SHARE:
            most = max(1, self._most)
            return record.peak_bytes / most, record.last_peak_bytes / most
        if role not in _ROLES:
            return None
        cell = self.cell(record, RunColumn(index.column()))
        return cell if role == CELL else cell.words

    def cell(self, record: RunRecord, column: RunColumn) -> Cell:
        """What a cell says."""
        match column:
            case RunColumn.WHEN:
                return Cell(formats.when(record.started_at, self._wall(), brief=True))
            case RunColumn.COMMAND:
                title = formats.one_line(record.title)
                return Cell(title, bold=True, hint=formats.one_line(record.command))
            case RunColumn.PROJECT:
                return Cell(formats.one_line(record.project), middle=True)
            case RunColumn.TOOK:
                return Cell(took(record.took_s), right=True)
            case RunColumn.PEAK:
                return Cell(peak(record.peak_bytes), text.last(record))
            case RunColumn.CPU:
                return Cell(cpu(record.cpu_percent, record.took_s), right=True)
            case RunColumn.VERDICT:
                return Cell(pill=text.pill(record))


class RunDelegate(CellDelegate):
    """Draws the peak as a figure, a bar with a tick, and last time's figure."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw one cell."""
        if index.column() != RunColumn.PEAK:
            super().paint(painter, option, index)
            return
        cell: Cell | None = index.data(CELL)
        painter.save()
        self.paint_ground(painter, option, index)
        if cell is not None:
            self._paint_peak(painter, option, cell, index.data(SHARE))
        painter.restore()

    def _paint_peak(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        cell: Cell,
        share: tuple[float, float],
    ) -> None:
        colours = self.theme.colours
        painter.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
        font, metrics = self.face(option.font)
        small, small_metrics = self.face(option.font, 0.9)
        box = QRectF(option.rect.adjusted(CELL_PAD, 0, -CELL_PAD, 0))
        figure = metrics.horizontalAdvance("888.8 GB")
        painter.setFont(font)
        painter.setPen(QColor(colours.text))
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(
            QRectF(box.left(), box.top(), figure, box.height()),
            middle | Qt.AlignmentFlag.AlignRight,
            cell.text,
        )
        left = box.left() + figure + CELL_PAD
        room = max(0.0, box.right() - left)
        beside = small_metrics.horizontalAdvance(cell.quiet) + CELL_PAD
        if room < beside + _LEAST_BAR * figure:
            beside = 0  # the tick alone says how much it was last time
        width = max(0.0, min(_BAR_WIDTH * box.width(), room - beside) if beside else room)
        self._paint_bar(painter, QRectF(left, box.top(), width, box.height()), share)
        rest = QRectF(left + width + CELL_PAD, box.top(), 0.0, box.height())
        if not beside:
            return
        rest.setRight(box.right())
        painter.setFont(small)
        painter.setPen(QColor(colours.muted))
        words = small_metrics.elidedText(
            cell.quiet, Qt.TextElideMode.ElideRight, max(0, int(rest.width()))
        )
        painter.drawText(rest, middle | Qt.AlignmentFlag.AlignLeft, words)

    def _paint_bar(self, painter: QPainter, box: QRectF, share: tuple[float, float]) -> None:
        colours = self.theme.colours
        peak, last = share
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        bar = QRectF(box.left(), box.center().y() - _BAR / 2, box.width(), _BAR)
        painter.setBrush(QColor(colours.grid))
        painter.drawRoundedRect(bar, _BAR / 2, _BAR / 2)
        bar.setWidth(max(_BAR, peak * box.width()))
        painter.setBrush(QColor(colours.memory))
        painter.drawRoundedRect(bar, _BAR / 2, _BAR / 2)
        if last > 0.0:
            x = box.left() + last * box.width()
            painter.setPen(QPen(QColor(colours.text), 2))
            y = box.center().y()
            painter.drawLine(QLineF(x, y - _TICK / 2, x, y + _TICK / 2))

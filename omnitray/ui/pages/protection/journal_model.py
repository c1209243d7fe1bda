"""The journal as a table: what was done, when, why, and what became of it."""

import enum
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from omnitray.protector.view import JournalLine
from omnitray.ui import formats
from omnitray.ui.widgets import pills
from omnitray.ui.widgets.cells import CELL, Cell

Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()


class JournalColumn(enum.IntEnum):
    """The columns of the journal."""

    AT = 0
    WHAT = 1
    WHY = 2
    OUTCOME = 3


class JournalModel(QAbstractTableModel):
    """Lines, newest first."""

    def __init__(self, wall: Callable[[], float], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._wall = wall
        self._lines: tuple[JournalLine, ...] = ()

    def show_lines(self, lines: tuple[JournalLine, ...]) -> None:
        """Show these lines."""
        if lines != self._lines:
            self.beginResetModel()
            self._lines = lines
            self.endResetModel()

    def line_at(self, row: int) -> JournalLine | None:
        """The line of a row."""
        return self._lines[row] if 0 <= row < len(self._lines) else None

    def rowCount(self, parent: Index = _NOWHERE) -> int:  # noqa: N802 - Qt's name
        """One for each line."""
        return 0 if parent.isValid() else len(self._lines)

    def columnCount(self, parent: Index = _NOWHERE) -> int:  # noqa: N802 - Qt's name
        """Always the same."""
        return 0 if parent.isValid() else len(JournalColumn)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The cell to paint, its words for everybody else."""
        line = self.line_at(index.row()) if index.isValid() else None
        if line is None:
            return None
        cell = self._cell(line, JournalColumn(index.column()))
        if role == CELL:
            return cell
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return cell.text or (cell.pill.word if cell.pill else "")
        return None

    def _cell(self, line: JournalLine, column: JournalColumn) -> Cell:
        match column:
            case JournalColumn.AT:
                return Cell(formats.when(line.at, self._wall()), faded=True)
            case JournalColumn.WHAT:
                return Cell(formats.one_line(line.what))
            case JournalColumn.WHY:
                return Cell(formats.one_line(line.why), faded=True)
            case JournalColumn.OUTCOME:
                return Cell(pill=pills.OUTCOMES[line.outcome])

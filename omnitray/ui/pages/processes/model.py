"""Jobs as a tree: a row for each job, its processes below. Rows keep their place on demand.

While the person is at the list it is *frozen*: the order stands, jobs and processes that are
gone stay as faded rows, new ones come at the end. Updates keep selection and open branches, since
rows are inserted, removed and moved, never reset; a row is one very job or process for its life.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec
from PySide6.QtCore import (
    QAbstractItemModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Signal,
    Slot,
)

from omnitray.base.facts import Job, ProcessFacts
from omnitray.processes.process_table import Identity, identity
from omnitray.ui import formats
from omnitray.ui.pages.processes.text import (
    FIGURES,
    HELP,
    TITLES,
    Grips,
    JobColumn,
    job_pss,
    job_state,
    job_text,
    process_lever,
    process_state,
    process_text,
    weight,
)
from omnitray.ui.widgets import pills
from omnitray.ui.widgets.cells import CELL, Cell
from omnitray.ui.widgets.labels import tooltip_text
from omnitray.ui.widgets.table import sorted_title

_ENDED = pills.Pill("ended", "neutral")


def job_cell(job: Job, column: JobColumn, known: Grips, *, gone: bool, projects: bool) -> Cell:
    """One cell of a job; ``gone`` fades a job that has ended while the list was held still.

    With ``projects`` the project stands behind the name: the list has no column for it.
    """
    if column == JobColumn.NAME:
        count = formats.count(job.process_count, "process")
        project = job_text(job, JobColumn.PROJECT, known) if projects else ""
        quiet = formats.dotted(project, count)
        return Cell(job_text(job, column, known), quiet, bold=True, faded=gone)
    if column in (JobColumn.STATE, JobColumn.LEVER):
        pill, lever = (_ENDED, "") if gone else job_state(job, known)
        return Cell(pill=pill) if column == JobColumn.STATE else Cell(quiet=lever)
    hint = _pss(job_pss(job, known.look)) if column == JobColumn.MEMORY else ""
    text = job_text(job, column, known)
    path = column == JobColumn.PROJECT
    return Cell(text, right=column in FIGURES, faded=gone, hint=hint, middle=path)


def process_cell(
    job: Job, process: ProcessFacts, column: JobColumn, known: Grips, *, gone: bool
) -> Cell:
    """One cell of a process, with its pid behind its name."""
    if column == JobColumn.NAME:
        text = process_text(process, column, known)
        return Cell(text, f"pid {process.pid}", faded=gone)
    if column == JobColumn.STATE:
        pill, quiet = (_ENDED, "") if gone else process_state(job, process, known)
        return Cell(quiet=quiet, pill=pill)
    if column == JobColumn.LEVER:
        return Cell(quiet="" if gone else process_lever(job, process, known))
    size = known.look.pss_bytes.get(identity(process)) if column == JobColumn.MEMORY else None
    text = process_text(process, column, known)
    return Cell(text, right=column in FIGURES, faded=gone, hint=_pss(size))


def _pss(size_bytes: int | None) -> str:
    return "" if size_bytes is None else f"PSS {formats.size(size_bytes)}"


JOB = CELL + 1
Index = QModelIndex | QPersistentModelIndex
_Key = tuple[int, Identity | None, int]  # of a cell: serial of the row, process, column
_NOWHERE = QModelIndex()
_KEPT_TURNS = 10  # about as many seconds
_EMPTY = "none"  # a cell without words is nameless to a screen reader
_COLUMNS = len(JobColumn)
_FOLLOW_GRIPS = (JobColumn.IO, JobColumn.STATE, JobColumn.LEVER)


class _Line(msgspec.Struct, eq=False):
    """A process in its place."""

    process: ProcessFacts
    gone: bool = False


class _Row(msgspec.Struct, eq=False):
    """A job in its place; ``serial`` is the internal id of the rows below it."""

    serial: int
    job: Job
    lines: list[_Line]
    gone: bool = False
    open: bool = True


class Held(NamedTuple):
    """What a frozen list keeps back: another order, jobs that came, rows that have ended."""

    order: bool = False
    new: int = 0
    ended: int = 0


class JobsModel(QAbstractItemModel):
    """The tree. Give it jobs with :meth:`show_jobs`, what holds them with :meth:`show_grips`.

    ``as_given`` keeps the order in which the jobs come until a column is chosen. ``lazy``: the
    processes of a job have rows once they are fetched, until :meth:`close`; what comes and goes
    out of sight is then no work for the view.
    """

    held_changed = Signal()

    def __init__(
        self, parent: QObject | None = None, *, as_given: bool = False, lazy: bool = False
    ) -> None:
        super().__init__(parent)
        self._lazy = lazy or as_given  # a list as it is given shows no processes
        self._rows: list[_Row] = []
        self._by_serial: dict[int, _Row] = {}
        self._jobs: tuple[Job, ...] = ()
        self._grips = Grips()
        self._cells: dict[_Key, Cell] = {}  # those asked for since the newest facts
        self._turn = 0
        self._read: dict[_Key, int] = {}  # in which turn each cell was read last
        self._serial = 0
        self._frozen = False
        self._new: set[int] = set()  # serials of the rows that came while frozen
        self.held = Held()
        self._filter = ""
        self._projects = not as_given
        self._column: JobColumn | None = None if as_given else JobColumn.CPU
        self._order = Qt.SortOrder.DescendingOrder

    # -- facts

    def show_jobs(
        self, jobs: Iterable[Job], known: Grips | None = None, *, in_order: bool = True
    ) -> None:
        """Take up the newest scan, and what holds its jobs where that is new too.

        Without ``in_order`` the rows stay where they are, and new ones come at the end.
        """
        self._jobs = tuple(jobs)
        self._grips = known or self._grips
        self._update(in_order=in_order)

    def show_grips(self, known: Grips) -> None:
        """Take up what is held and protected."""
        self._grips = known
        if not self._frozen and self._column in _FOLLOW_GRIPS:
            self._reorder()
        self._tell_changes()

    def freeze(self, *, frozen: bool) -> None:
        """Keep every row where it is, or let the order follow again."""
        if frozen != self._frozen:
            self._frozen = frozen
            self._update()

    def filter(self, text: str) -> None:
        """Show only jobs whose name, project or processes contain the words; at once, too."""
        self._filter = text.casefold()
        self._drop({row.job.key for row in self._rows if self._passes(row.job)})
        self._update()
        self._reorder()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.DescendingOrder) -> None:
        """Order by a column, at once, even while frozen: the person asked."""
        if column >= 0:
            self._column, self._order = JobColumn(column), order
            self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(JobColumn) - 1)
            self._reorder()

    def job_at(self, index: Index) -> Job | None:
        """The job of a row, also of a process below it; None where it is gone."""
        row = self._row_of(index)
        return None if row is None or row.gone else row.job

    def index_of(self, key: str) -> QModelIndex:
        """The row of a job; invalid where there is none."""
        found = (n for n, row in enumerate(self._rows) if row.job.key == key)
        number = next(found, None)
        return QModelIndex() if number is None else self.index(number, 0)

    # -- the model

    def index(self, row: int, column: int, parent: Index = _NOWHERE) -> QModelIndex:
        """An index; the internal id is 0 for a job and the job's serial for a process."""
        below = parent.isValid()
        if not (0 <= column < _COLUMNS and 0 <= row < self.rowCount(parent)):
            return QModelIndex()
        return self.createIndex(row, column, self._rows[parent.row()].serial if below else 0)

    def sibling(self, row: int, column: int, index: Index) -> QModelIndex:
        """Another column of the same row without the way over its parent: asked for every cell."""
        if row == index.row() and index.isValid() and 0 <= column < _COLUMNS:
            return self.createIndex(row, column, index.internalId())
        return super().sibling(row, column, index)

    def parent(self, index: Index = _NOWHERE) -> Any:
        """The job of a process."""
        if not index.isValid() or index.internalId() == 0:
            return QModelIndex()
        row = self._by_serial.get(index.internalId())
        return QModelIndex() if row is None else self.createIndex(self._rows.index(row), 0, 0)

    def rowCount(self, parent: Index = _NOWHERE) -> int:  # noqa: N802 - Qt's name
        """Jobs, or the processes of one."""
        if not parent.isValid():
            return len(self._rows)
        if parent.internalId() or parent.column() or not self._projects:
            return 0
        return len(self._rows[parent.row()].lines)

    def hasChildren(self, parent: Index = _NOWHERE) -> bool:  # noqa: N802 - Qt's name
        """A job has processes, also while they have no rows."""
        if not parent.isValid():
            return bool(self._rows)
        return self._projects and not parent.internalId() and not parent.column()

    def canFetchMore(self, parent: Index) -> bool:  # noqa: N802 - Qt's name
        """Whether the processes of this job have no rows so far."""
        return self.hasChildren(parent) and parent.isValid() and not self._rows[parent.row()].open

    def fetchMore(self, parent: Index) -> None:  # noqa: N802 - Qt's name
        """Give the processes of a job rows."""
        if self.canFetchMore(parent):
            row = self._rows[parent.row()]
            row.open = True
            self._refresh(parent.row(), row, row.job)

    @Slot(QModelIndex)
    def close(self, parent: QModelIndex) -> None:
        """Take the rows below a job away."""
        row = self._rows[parent.row()] if parent.isValid() and not parent.internalId() else None
        if self._lazy and row is not None and row.open:
            row.open = False
            if row.lines:
                self.beginRemoveRows(parent, 0, len(row.lines) - 1)
                row.lines = []
                self.endRemoveRows()

    def columnCount(self, parent: Index = _NOWHERE) -> int:  # noqa: ARG002, N802 - Qt's name and shape
        """The same everywhere."""
        return _COLUMNS

    def headerData(  # noqa: N802 - Qt's name
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        """Titles, with an explanation as tooltip."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        column = JobColumn(section)
        if role == Qt.ItemDataRole.DisplayRole:
            return sorted_title(TITLES[column], self._order if column == self._column else None)
        if role == Qt.ItemDataRole.InitialSortOrderRole:
            orders = Qt.SortOrder
            return orders.DescendingOrder if column in FIGURES else orders.AscendingOrder
        if role == Qt.ItemDataRole.ToolTipRole:
            return tooltip_text(HELP.get(column, "")) or None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if column in FIGURES else Qt.AlignmentFlag.AlignLeft
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The cell to paint, its text for every other role."""
        row = self._row_of(index)
        if row is None or role not in _ROLES:
            return None
        if role == JOB:
            return row.job
        cell = self._cell(row, index)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return cell.words or _EMPTY
        return cell if role == CELL else cell.words

    def _cell(self, row: _Row, index: Index) -> Cell:
        line = row.lines[index.row()] if index.internalId() else None
        key = row.serial, None if line is None else identity(line.process), index.column()
        self._read[key] = self._turn
        cell = self._cells.get(key)
        if cell is None:
            cell = self._cells[key] = self._made(row, line, _COLUMN_OF[index.column()])
        return cell

    def _made(self, row: _Row, line: _Line | None, column: JobColumn) -> Cell:
        known = self._grips
        if line is not None:
            gone = row.gone or line.gone
            return process_cell(row.job, line.process, column, known, gone=gone)
        return job_cell(row.job, column, known, gone=row.gone, projects=self._projects)

    def _row_of(self, index: Index) -> _Row | None:
        if not index.isValid():
            return None
        if index.internalId():
            return self._by_serial.get(index.internalId())
        return self._rows[index.row()] if index.row() < len(self._rows) else None

    # -- changes

    def _update(self, *, in_order: bool = True) -> None:
        there = {job.key: job for job in self._jobs}
        wanted = {key: job for key, job in there.items() if self._passes(job)}
        if not self._frozen:
            self._drop(set(wanted))
        for number, row in enumerate(self._rows):
            row.gone = row.job.key not in there
            self._refresh(number, row, there.get(row.job.key, row.job))
            wanted.pop(row.job.key, None)
        self._append(list(wanted.values()))
        if in_order and not self._frozen:
            self._reorder()
        self._tell_changes()
        self._note_held()

    def _note_held(self) -> None:
        if self._frozen:
            lines = (line.gone for row in self._rows for line in row.lines)
            ended = sum(row.gone for row in self._rows) or int(any(lines))
            now = Held(self._ordered() != self._rows, len(self._new), ended)
        else:
            self._new.clear()
            now = Held()
        if now != self.held:
            self.held = now
            self.held_changed.emit()

    def _passes(self, job: Job) -> bool:
        if not self._filter:
            return True
        words = [job.title.casefold(), *(each.name.casefold() for each in job.processes)]
        pids = [str(each.pid) for each in job.processes]
        return any(self._filter in word for word in words) or self._filter in pids

    def _drop(self, kept: set[str]) -> None:
        for number in reversed(range(len(self._rows))):
            if self._rows[number].job.key not in kept:
                self.beginRemoveRows(QModelIndex(), number, number)
                del self._by_serial[self._rows.pop(number).serial]
                self.endRemoveRows()

    def _refresh(self, number: int, row: _Row, job: Job) -> None:
        """Take up the newest of a job; those of its processes that go on keep their places."""
        row.job = job
        if not row.open:
            return
        parent = self.createIndex(number, 0, 0)
        wanted = {identity(process): process for process in job.processes}
        for place in reversed(range(len(row.lines))):
            line = row.lines[place]
            found = wanted.pop(identity(line.process), None)
            line.process, line.gone = found or line.process, found is None
            if line.gone and not self._frozen:
                self.beginRemoveRows(parent, place, place)
                del row.lines[place]
                self.endRemoveRows()
        if wanted:
            first = len(row.lines)
            self.beginInsertRows(parent, first, first + len(wanted) - 1)
            row.lines += map(_Line, wanted.values())
            self.endInsertRows()

    def _append(self, jobs: list[Job]) -> None:
        if not jobs:
            return
        first = len(self._rows)
        self.beginInsertRows(QModelIndex(), first, first + len(jobs) - 1)
        for job in jobs:
            self._serial += 1
            lines = [] if self._lazy else list(map(_Line, job.processes))
            row = _Row(self._serial, job, lines, open=not self._lazy)
            self._rows.append(row)
            self._by_serial[row.serial] = row
            self._new.add(row.serial)
        self.endInsertRows()

    def _reorder(self) -> None:
        ordered = self._ordered()
        if [row.serial for row in ordered] == [row.serial for row in self._rows]:
            return
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        kept = [self._rows[index.row()] if not index.internalId() else None for index in before]
        self._rows = ordered
        places = {row.serial: number for number, row in enumerate(ordered)}
        after = [
            self.createIndex(places[row.serial], index.column(), 0) if row else index
            for row, index in zip(kept, before, strict=True)
        ]
        self.changePersistentIndexList(before, after)
        self.layoutChanged.emit()

    def _ordered(self) -> list[_Row]:
        if self._column is None:
            given = {job.key: place for place, job in enumerate(self._jobs)}
            return sorted(self._rows, key=lambda row: given.get(row.job.key, len(given)))
        column, down = self._column, self._order == Qt.SortOrder.DescendingOrder
        known = self._grips
        return sorted(self._rows, key=lambda row: weight(row.job, column, known), reverse=down)

    def _tell_changes(self) -> None:
        """Emit the cells that were read lately and have another value now.

        One that was not read for some turns is out of sight, and forgotten. So that no cell in
        sight is forgotten for ever where nothing changed for long, all are asked for once more.
        """
        before, self._cells = self._cells, {}
        self._turn += 1
        oldest = self._turn - _KEPT_TURNS
        numbers = {row.serial: number for number, row in enumerate(self._rows)}
        below: dict[int, dict[Identity, int]] = {}
        for key, old in before.items():
            serial, of, column = key
            number = numbers.get(serial)
            if number is None or self._read.get(key, 0) < oldest:
                continue
            row, line, place = self._rows[number], None, number
            if of is not None:
                if serial not in below:
                    below[serial] = {identity(e.process): n for n, e in enumerate(row.lines)}
                if (found := below[serial].get(of)) is None:
                    continue
                line, place = row.lines[found], found
            new = self._cells[key] = self._made(row, line, _COLUMN_OF[column])
            if new != old:
                cell = self.createIndex(place, column, 0 if of is None else serial)
                self.dataChanged.emit(cell, cell)
        self._read = {key: self._read[key] for key in self._cells}
        if len(self._cells) < len(before) and self._rows:
            last = len(self._rows) - 1
            self.dataChanged.emit(self.index(0, 0), self.index(last, _COLUMNS - 1))


_COLUMN_OF = tuple(JobColumn)  # looked up for every cell: an enum is slow to call
_ROLES = (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole, CELL, JOB)

"""The alert history as a table over a query: pages are fetched as the person scrolls down.

The model keeps what it has fetched, newest first, and takes up alerts that are raised or changed
later, if they pass the filter. It never holds more than was looked at.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from omnitray.alerts.model import Alert
from omnitray.alerts.storage.query import AlertQuery, fits
from omnitray.ui import formats
from omnitray.ui.pages.alerts import text
from omnitray.ui.pages.alerts.text import TITLES, AlertColumn
from omnitray.ui.pages.page import AlertSource
from omnitray.ui.widgets import pills
from omnitray.ui.widgets.cells import CELL, Cell

ALERT = CELL + 1
PAGE = 200
_SINGLY = 8  # so many rows still move one by one, which keeps the selection where it is
Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()


class AlertsModel(QAbstractTableModel):
    """The table. ``wall`` gives the time that "Yesterday" is counted from."""

    def __init__(
        self, source: AlertSource, wall: Callable[[], float], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._source, self._wall = source, wall
        self._alerts: list[Alert] = []
        self._known: set[str] = set()
        self._asked = AlertQuery()
        self._more = False

    @property
    def asked(self) -> AlertQuery:
        """The filter in force."""
        return self._asked

    def ask(self, query: AlertQuery) -> None:
        """Show what passes another filter."""
        self.beginResetModel()
        self._asked = query
        self._alerts = self._page(0)
        self._known = {alert.id for alert in self._alerts}
        self.endResetModel()

    def alert_at(self, row: int) -> Alert | None:
        """The alert of a row."""
        return self._alerts[row] if 0 <= row < len(self._alerts) else None

    def row_of(self, alert_id: str) -> int:
        """The row of an alert among those fetched, else -1."""
        if alert_id not in self._known:
            return -1
        found = (row for row, alert in enumerate(self._alerts) if alert.id == alert_id)
        return next(found, -1)

    def take(self, alerts: Sequence[Alert]) -> None:
        """Take up alerts that are new or have changed: many of them as one change."""
        if len(alerts) <= _SINGLY:
            for alert in alerts:
                self._take_one(alert)
            return
        # What is older than the last row fetched comes with the next page.
        oldest = self._alerts[-1].last_seen if self._alerts and self._more else ""
        seen = [a for a in alerts if a.id in self._known or a.last_seen > oldest]
        passing = {alert.id: alert for alert in seen if fits(alert, self._asked)}
        changed = {alert.id for alert in seen}
        same_places = all(
            each.id in passing and passing[each.id].last_seen == each.last_seen
            for each in self._alerts
            if each.id in changed
        )
        if same_places and passing.keys() <= self._known:
            self._replace(passing)
        else:
            self._rebuild(changed, passing)

    def _take_one(self, alert: Alert) -> None:
        row = self.row_of(alert.id)
        passes = fits(alert, self._asked)
        if row < 0:
            if passes:
                self._insert(alert)
        elif not passes:
            self._remove(row)
        elif alert.last_seen == self._alerts[row].last_seen:
            self._alerts[row] = alert
            self.dataChanged.emit(self.index(row, 0), self.index(row, len(AlertColumn) - 1))
        else:
            self._lift(row, alert)

    # -- the model

    def rowCount(self, parent: Index = _NOWHERE) -> int:  # noqa: N802 - Qt's name
        """How many were fetched."""
        return 0 if parent.isValid() else len(self._alerts)

    def columnCount(self, parent: Index = _NOWHERE) -> int:  # noqa: N802 - Qt's name
        """Always the same."""
        return 0 if parent.isValid() else len(AlertColumn)

    @property
    def has_more(self) -> bool:
        """Whether the last page was full."""
        return self._more

    def fetch_page(self) -> None:
        """Fetch another page. Not Qt's ``fetchMore``: a tree view calls that at every layout."""
        if not self._more:
            return
        found = self._page(len(self._alerts))
        page = [alert for alert in found if alert.id not in self._known]
        if page:
            first = len(self._alerts)
            self.beginInsertRows(QModelIndex(), first, first + len(page) - 1)
            self._alerts += page
            self._known.update(alert.id for alert in page)
            self.endInsertRows()

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
            return TITLES[AlertColumn(section)]
        if role == Qt.ItemDataRole.AccessibleTextRole and section == AlertColumn.SEVERITY:
            return "Severity"  # its title is left out: the shapes speak for themselves to the eye
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The cell to paint, its text for every other role."""
        alert = self.alert_at(index.row()) if index.isValid() else None
        if alert is None or role not in _ROLES:
            return None
        if role == ALERT:
            return alert
        column = AlertColumn(index.column())
        if role == CELL:
            return self._cell(alert, column)
        return self._words(alert, column)

    def _cell(self, alert: Alert, column: AlertColumn) -> Cell:
        match column:
            case AlertColumn.SEVERITY:
                return Cell(pill=pills.SEVERITIES[alert.severity])
            case AlertColumn.WHEN:
                seen = text.seen_briefly(alert, self._wall())
                return Cell(seen, text.times(alert), faded=True)
            case AlertColumn.ALERT:
                return Cell(formats.one_line(alert.title), formats.one_line(alert.message))
            case AlertColumn.STATE:
                return Cell(pill=pills.STATES[alert.state])

    def _words(self, alert: Alert, column: AlertColumn) -> str:
        if column == AlertColumn.SEVERITY:
            return str(alert.severity)
        if column == AlertColumn.STATE:
            return alert.state
        return self._cell(alert, column).text

    # -- changes

    def _page(self, offset: int) -> list[Alert]:
        asked = msgspec.structs.replace(self._asked, offset=offset, limit=PAGE)
        page = self._source.query(asked)
        self._more = len(page) == PAGE
        return page

    def _replace(self, newer: dict[str, Alert]) -> None:
        """Newer versions in the same rows."""
        rows = [row for row, each in enumerate(self._alerts) if each.id in newer]
        for row in rows:
            self._alerts[row] = newer[self._alerts[row].id]
        if rows:
            last = len(AlertColumn) - 1
            self.dataChanged.emit(self.index(rows[0], 0), self.index(rows[-1], last))

    def _rebuild(self, changed: set[str], passing: dict[str, Alert]) -> None:
        """Rows come, go and move: merged in one pass, signalled as one reset."""
        self.beginResetModel()
        merged = [each for each in self._alerts if each.id not in changed]
        merged += passing.values()
        merged.sort(key=_last_seen, reverse=True)
        self._alerts = merged
        self._known = {each.id for each in merged}
        self.endResetModel()

    def _insert(self, alert: Alert) -> None:
        place = self._place(alert)
        if place == len(self._alerts) and self._more:
            return
        self.beginInsertRows(QModelIndex(), place, place)
        self._alerts.insert(place, alert)
        self._known.add(alert.id)
        self.endInsertRows()

    def _remove(self, row: int) -> None:
        self.beginRemoveRows(QModelIndex(), row, row)
        self._known.discard(self._alerts[row].id)
        del self._alerts[row]
        self.endRemoveRows()

    def _lift(self, row: int, alert: Alert) -> None:
        """Move a row up to its new time; selection stays on it."""
        place = self._place(alert)
        if place < row:
            self.beginMoveRows(QModelIndex(), row, row, QModelIndex(), place)
            self._alerts.insert(place, self._alerts.pop(row))
            self.endMoveRows()
            row = place
        self._alerts[row] = alert
        self.dataChanged.emit(self.index(row, 0), self.index(row, len(AlertColumn) - 1))

    def _place(self, alert: Alert) -> int:
        """Newest first; what is raised now nearly always goes to the top."""
        older = (n for n, each in enumerate(self._alerts) if each.last_seen <= alert.last_seen)
        return next(older, len(self._alerts))


def _last_seen(alert: Alert) -> str:
    return alert.last_seen


_ROLES = (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole, CELL, ALERT)

"""The history: filter, list and details of one alert."""

from collections.abc import Callable, Collection, Sequence

from PySide6.QtCore import QModelIndex, Qt, Slot
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QMenu,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from omnitray.alerts.model import Alert
from omnitray.alerts.storage.query import AlertQuery
from omnitray.ui import formats
from omnitray.ui.pages.alerts.delegate import AlertDelegate
from omnitray.ui.pages.alerts.detail import AlertDetail
from omnitray.ui.pages.alerts.filter import AlertFilter
from omnitray.ui.pages.alerts.model import AlertsModel
from omnitray.ui.pages.alerts.text import AlertColumn
from omnitray.ui.pages.page import Page, PageContext
from omnitray.ui.widgets import pills
from omnitray.ui.widgets.cells import Cell, ColumnPlan, Widths
from omnitray.ui.widgets.export import ExportMenu, ask_path
from omnitray.ui.widgets.frames import Card, button
from omnitray.ui.widgets.labels import paragraph
from omnitray.ui.widgets.panes import ListAndDetail
from omnitray.ui.widgets.table import CellView

NONE_YET = "No alert so far. When something goes wrong, it is listed here and stays here."
NONE_FIT = "No alert fits this filter."
_WIDTHS: Widths = {
    AlertColumn.SEVERITY: tuple(Cell(pill=each) for each in pills.SEVERITIES.values()),
    AlertColumn.WHEN: (
        Cell("Yesterday"),
        Cell(formats.widest_time()),
        Cell("999 times"),
        Cell("for 59 min"),  # and whole hours or days
    ),
    AlertColumn.STATE: tuple(Cell(pill=each) for each in pills.STATES.values()),
}
_BESIDE_EM = 50  # below this the details stand under the list; in widths of an M
_SHARES = (3, 2)
AskPath = Callable[[QWidget, str], str]


def ask_where(parent: QWidget, suffix: str) -> str:
    """The path that the person chose, empty where none."""
    return ask_path(parent, suffix, "Export alerts", "alerts")


class AlertList(CellView):
    """The list; a row is copied with all that its details say."""

    def __init__(self, model: AlertsModel, delegate: AlertDelegate) -> None:
        plan = ColumnPlan(
            _WIDTHS, stretch=(AlertColumn.ALERT,), giving=(AlertColumn.STATE, AlertColumn.WHEN)
        )
        super().__init__(model, delegate, plan)
        self.text_of_rows: Callable[[], str] = super().copied_text

    def copied_text(self) -> str:
        """All about the chosen alerts."""
        return self.text_of_rows()


class AlertsPage(Page):
    """Everything that went wrong, newest first."""

    def __init__(self, context: PageContext, ask: AskPath = ask_where) -> None:
        super().__init__(context)
        theme, wall = context.theme, context.clock.wall
        self._ask = ask
        self._wanted = ""
        self.export = button("Export…")
        self.export_menu = ExportMenu(self.export)
        self.filter = AlertFilter(wall, self.export, self.export_menu)
        self.search = self.filter.text
        self.model = AlertsModel(context.alerts, wall, self)
        self.view = AlertList(self.model, AlertDelegate(theme))
        self.view.setAccessibleName("Alerts")
        self.view.remember(context.facts.tables, "alerts")
        self.detail = AlertDetail(
            theme, context.intents, wall, context.deliveries, lambda: context.facts.view.journal
        )
        self.view.text_of_rows = self.detail.copied_text
        self.empty = paragraph(NONE_YET, muted=True)
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        listing = Card(margin=4)
        listed = QWidget()
        self._stack = QStackedLayout(listed)
        self._stack.addWidget(self.view)
        nothing = QWidget()
        middle = QVBoxLayout(nothing)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.show_all = button("Show all")
        middle.addStretch()
        middle.addWidget(self.empty)
        middle.addWidget(self.show_all, 0, Qt.AlignmentFlag.AlignHCenter)
        middle.addStretch()
        self._stack.addWidget(nothing)
        listing.column.addWidget(listed)
        self.panes = ListAndDetail(
            self.filter.row, self.view, listing, self.detail, shares=_SHARES, beside_em=_BESIDE_EM
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.panes)

    def show_view(self) -> None:
        """What was done may have been given back."""
        self.detail.show_journal()

    def _connect(self) -> None:
        self.filter.changed.connect(self.reload)
        self.show_all.clicked.connect(self.filter.clear)
        self.export_menu.wanted.connect(self._on_export)
        self.view.verticalScrollBar().valueChanged.connect(self._on_scrolled)
        self.view.selectionModel().currentRowChanged.connect(self._on_current_changed)
        self.view.selectionModel().selectionChanged.connect(self._show_choice)
        self.model.modelReset.connect(self._show_emptiness)
        self.model.rowsInserted.connect(self._show_emptiness)
        self.model.rowsRemoved.connect(self._show_emptiness)
        self.model.dataChanged.connect(self._on_data_changed)
        for keys, button_ in (
            ("A", self.detail.acknowledge),
            ("R", self.detail.resolve),
            ("O", self.detail.open_file),
        ):
            shortcut = QShortcut(QKeySequence(keys), self.view)
            shortcut.setContext(Qt.ShortcutContext.WidgetShortcut)
            shortcut.activated.connect(button_.click)
        self.view.menu_wanted.connect(self._on_menu_wanted)

    # -- facts

    @Slot()
    def reload(self) -> None:
        """Ask the history again, and keep the alert that was chosen."""
        chosen = self._wanted or (self.detail.alert.id if self.detail.alert else "")
        self.model.ask(self.filter.query())
        row = self.model.row_of(chosen) if chosen else -1
        if row < 0 and self.model.rowCount():
            row = 0
        self._choose(row)

    def show_deliveries(self, alert_ids: Collection[str]) -> None:
        """The details say what became of the alert that they show."""
        self.detail.show_deliveries(alert_ids)

    def take_alerts(self, alerts: Sequence[Alert]) -> None:
        """Take up alerts that are new or have changed."""
        shown = self.detail.alert
        current = self.view.currentIndex().isValid()
        self.model.take(alerts)
        if current and not self.view.currentIndex().isValid() and shown is not None:
            self._choose(self.model.row_of(shown.id))
        changed = next((each for each in alerts if shown and each.id == shown.id), None)
        if changed is not None:
            self._show(changed)
        elif shown is None and self.model.rowCount():
            self._choose(0)

    def select(self, alert_id: str) -> None:
        """Choose an alert; a filter that hides it is cleared, an old one is fetched."""
        self._wanted = alert_id
        self.reload()
        if self.model.row_of(alert_id) < 0 and self.filter.narrows:
            self.filter.clear()
        while self.model.row_of(alert_id) < 0 and self.model.has_more:
            self.model.fetch_page()
        self._choose(self.model.row_of(alert_id))
        self._wanted = ""
        self.panes.open_detail()

    def query(self) -> AlertQuery:
        """The filter in force."""
        return self.model.asked

    # -- inside

    def _choose(self, row: int) -> None:
        index = self.model.index(row, 0) if row >= 0 else QModelIndex()
        self.view.setCurrentIndex(index)
        if index.isValid():
            self.view.scrollTo(index)
        self._show(self.model.alert_at(row))

    def _show(self, alert: Alert | None) -> None:
        self.detail.show_alert(alert)
        self._show_choice()

    @Slot()
    def _show_choice(self) -> None:
        """The selected rows; where none is, the alert that is shown."""
        # By ranges: an index for each of some thousand rows costs a fifth of a second.
        ranges = self.view.selectionModel().selection().toList()
        rows = sorted({row for each in ranges for row in range(each.top(), each.bottom() + 1)})
        found = [self.model.alert_at(row) for row in rows]
        shown = self.detail.alert
        chosen = tuple(alert for alert in found if alert is not None)
        # All rows are marked and the list goes on below them: all that fit the filter are meant.
        whole = self.model.has_more and len(chosen) == self.model.rowCount()
        every = self.model.asked if whole else None
        self.detail.show_choice(chosen or ((shown,) if shown else ()), every)

    @Slot(int)
    def _on_scrolled(self, value: int) -> None:
        """Fetch the next page a screen before it is seen."""
        if value >= self.view.verticalScrollBar().maximum() - self.view.viewport().height():
            self.model.fetch_page()

    @Slot()
    def _show_emptiness(self) -> None:
        empty = self.model.rowCount() == 0
        self.empty.setText(NONE_FIT if self.filter.narrows else NONE_YET)
        self.show_all.setVisible(self.filter.narrows)
        self._stack.setCurrentIndex(1 if empty else 0)

    @Slot(QModelIndex)
    def _on_current_changed(self, current: QModelIndex) -> None:
        self._show(self.model.alert_at(current.row()))

    @Slot()
    def _on_data_changed(self) -> None:
        row = self.view.currentIndex().row()
        alert = self.model.alert_at(row)
        if alert is not None and alert is not self.detail.alert:
            self.detail.show_alert(alert)
        self._show_choice()

    @Slot(QMenu)
    def _on_menu_wanted(self, menu: QMenu) -> None:
        self.detail.fill_menu(menu)
        menu.addSeparator()
        export = menu.addMenu("Export all that fit the filter")
        export.addActions(self.export_menu.actions())

    @Slot(str)
    def _on_export(self, suffix: str) -> None:
        path = self._ask(self, suffix)
        if path:
            self.context.intents.export_requested.emit(self.query(), path)

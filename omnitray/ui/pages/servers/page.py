"""Watched servers: the list, the chosen one with its buttons and its log."""

from PySide6.QtCore import QModelIndex, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QWidget,
)

from omnitray.servers.model import TROUBLED, ServerState, ServerView
from omnitray.ui import formats
from omnitray.ui.pages.page import Page, PageContext
from omnitray.ui.pages.servers import text
from omnitray.ui.pages.servers.declare import AddServer, NoServers
from omnitray.ui.pages.servers.listing import ServerDelegate, ServersModel
from omnitray.ui.pages.servers.log_view import LogView
from omnitray.ui.pages.servers.text import PILLS, ServerColumn
from omnitray.ui.widgets.cells import Cell, ColumnPlan, Widths
from omnitray.ui.widgets.choice import ChoiceButton, ToolRow
from omnitray.ui.widgets.frames import Card, GivingRow, button, scrolled
from omnitray.ui.widgets.labels import ElidedLabel, label, paragraph
from omnitray.ui.widgets.panes import ListAndDetail, ShownStack
from omnitray.ui.widgets.pills import Pill, PillLabel
from omnitray.ui.widgets.table import CellView

_WIDTHS: Widths = {
    ServerColumn.SERVER: (Cell("127.0.0.1:65535"),),
    ServerColumn.STATE: (Cell("for 59 min, from a terminal"),),
    ServerColumn.UP_SINCE: (Cell(formats.widest_time()),),
    ServerColumn.START: (Cell("(usually 59 min)"),),
    ServerColumn.RESTARTS: (Cell("Restarts"),),
}
_NAME_EM = 24  # a name of forty letters, as long as it may be
_REASON_EM = 18  # killed for memory by the kernel
_PLAN = ColumnPlan(
    _WIDTHS,
    stretch=(ServerColumn.LAST_EXIT,),
    giving=(
        ServerColumn.UP_SINCE,
        ServerColumn.START,
        ServerColumn.RESTARTS,
        ServerColumn.LAST_EXIT,
    ),
    names={ServerColumn.SERVER: _NAME_EM, ServerColumn.LAST_EXIT: _REASON_EM},
    words=(ServerColumn.STATE,),
    signs={ServerColumn.STATE: (Cell(pill=Pill("", "good", "dot")),)},
)
_AGE_MS = 1000
_SHARES = (9, 11)  # of the list and of what is chosen in it
FILTERS = (("", "all"), ("trouble", "in trouble"), ("up", "up"), ("stopped", "stopped"))
_IDLE = frozenset({ServerState.STOPPED, ServerState.CRASH_LOOP})


VERBS = {"start": "Start", "stop": "Stop", "restart": "Restart"}


_NOT_REMOVED = {
    "settings": "It is declared in config.toml: take its [[server]] out there.",
    "pytest": "It ends with its test run.",
}


def may(view: ServerView, verb: str) -> bool:
    """Whether this can be asked for now."""
    if view.spec.watch_only or (view.owner == "pytest" and verb != "restart"):
        return False
    if verb == "start":
        return view.state in _IDLE
    return view.state is not ServerState.STOPPED


class ServersPage(Page):
    """All watched servers, or how to declare the first."""

    def __init__(self, context: PageContext) -> None:
        super().__init__(context)
        self.field = QLineEdit(placeholderText="Search name, address, command…")
        self.field.setAccessibleName("Search servers")
        self.field.setClearButtonEnabled(True)
        self.search = self.field
        self.states = ChoiceButton("State", FILTERS)
        self.add = button("Add a server…")
        self.model = ServersModel(context.clock.wall, self)
        self.view = ServerList(self.model, ServerDelegate(context.theme))
        self.detail = ServerDetail(context)
        self.empty = NoServers()
        self.none_fit = paragraph("No server fits this filter.", muted=True)
        self.view.header().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)  # as declared
        self.view.header().setSortIndicatorClearable(True)
        self.view.setSortingEnabled(True)
        self.view.remember(context.facts.tables, "servers")
        self._ages = QTimer(self, interval=_AGE_MS)
        self._lay_out()
        self.field.textChanged.connect(self._show_list)
        self.states.chosen.connect(self._show_list)
        self.add.clicked.connect(self._on_add)
        self.empty.add_requested.connect(self._on_add)
        self.view.selectionModel().currentRowChanged.connect(self._on_current_changed)
        self.view.address_clicked.connect(self._on_address)
        self.view.menu_wanted.connect(self._on_menu_wanted)
        self._ages.timeout.connect(self._on_age)
        self._ages.start()

    def _lay_out(self) -> None:
        tools = ToolRow(self.field, (self.states, self.add))
        listing = Card(margin=4)
        listing.column.addWidget(self.view)
        self.none_fit.setAlignment(Qt.AlignmentFlag.AlignCenter)
        listing.column.addWidget(self.none_fit)
        self.panes = ListAndDetail(tools, self.view, listing, self.detail, shares=_SHARES)
        self._stack = ShownStack(self)
        self._stack.setContentsMargins(0, 0, 0, 0)
        self._stack.addWidget(self.panes)
        self._stack.addWidget(scrolled(self.empty))

    # -- facts

    @property
    def chosen_key(self) -> str:
        """Name of the chosen server."""
        return self.detail.name

    def select(self, key: str) -> None:
        """Choose a server by its name."""
        row = self.model.row_of(key)
        if row >= 0:
            self.view.setCurrentIndex(self.model.index(row, 0))
            self.panes.open_detail()

    def show_servers(self) -> None:
        """Another server, or one stands differently."""
        self._stack.setCurrentIndex(0 if self.context.facts.servers else 1)
        self._show_list()

    @Slot()
    def _show_list(self) -> None:
        chosen = self.detail.name
        shown = tuple(each for each in self.context.facts.servers if self._fits(each))
        self.model.show(shown)
        self.view.setVisible(bool(shown))
        self.none_fit.setVisible(not shown)
        row = max(0, self.model.row_of(chosen)) if shown else -1
        if row >= 0 and self.view.currentIndex().row() != row:
            self.view.setCurrentIndex(self.model.index(row, 0))
        self._show_detail(row)

    def _show_detail(self, row: int) -> None:
        view = self.model.view_at(row)
        self.panes.show_detail(there=view is not None)
        self.detail.show_server(view)

    def _fits(self, view: ServerView) -> bool:
        words = self.field.text().lower().split()
        haystack = f"{view.name} {text.address(view)} {' '.join(view.spec.command)}".lower()
        kept = {
            "trouble": view.state in TROUBLED,
            "up": view.state is ServerState.UP,
            "stopped": view.state is ServerState.STOPPED,
        }.get(self.states.value, True)
        return kept and all(word in haystack for word in words)

    # -- what is asked for

    @Slot(QModelIndex)
    def _on_current_changed(self, current: QModelIndex) -> None:
        self._show_detail(current.row())

    @Slot(QMenu)
    def _on_menu_wanted(self, menu: QMenu) -> None:
        rows = sorted({each.row() for each in self.view.selectionModel().selectedRows()})
        views = [view for row in rows if (view := self.model.view_at(row)) is not None]
        intents = self.context.intents
        menu.setToolTipsVisible(True)
        for verb, word in VERBS.items():
            names = [each.name for each in views if may(each, verb)]
            entry = menu.addAction(f"{word} {len(names)}" if len(names) > 1 else word)
            entry.setEnabled(bool(names))
            entry.triggered.connect(lambda _=False, v=verb, n=names: self._ask(v, n))
        if len(views) == 1:
            view = views[0]
            remove = menu.addAction("Stop and remove" if may(view, "stop") else "Remove")
            remove.setEnabled(view.owner == "serve")
            remove.setToolTip("" if view.owner == "serve" else _NOT_REMOVED[view.owner])
            remove.triggered.connect(lambda: self._ask("remove", [view.name]))
            menu.addSeparator()
            address = menu.addAction("Open address", lambda: intents.url_requested.emit(view.url))
            address.setEnabled(bool(view.url and view.url.startswith("http")))
            log = menu.addAction("Open log")
            log.triggered.connect(lambda: intents.server_log_requested.emit(view.log_file))
            log.setEnabled(bool(view.log_file))

    def _ask(self, verb: str, names: list[str]) -> None:
        for name in names:
            self.context.intents.server_requested.emit(name, verb)

    @Slot()
    def _on_add(self) -> None:
        dialog = AddServer(self)
        dialog.declared.connect(self.context.intents.server_declared)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    @Slot(int)
    def _on_address(self, row: int) -> None:
        view = self.model.view_at(row)
        if view is not None and view.url and view.url.startswith("http"):
            self.context.intents.url_requested.emit(view.url)

    @Slot()
    def _on_age(self) -> None:
        if self.isVisible():
            self.model.refresh()


class ServerList(CellView):
    """The list; ``address_clicked`` carries the row whose address was clicked."""

    address_clicked = Signal(int)

    def __init__(self, model: ServersModel, delegate: ServerDelegate) -> None:
        super().__init__(model, delegate, _PLAN)
        self.setAccessibleName("Servers")

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """The lower half of the first column is the address."""
        super().mouseReleaseEvent(event)
        index = self.indexAt(event.position().toPoint())
        box = self.visualRect(index)
        in_column = index.isValid() and index.column() == ServerColumn.SERVER
        if in_column and event.position().y() > box.center().y():
            self.address_clicked.emit(index.row())


class ServerDetail(Card):
    """One server: state, address, buttons, log."""

    def __init__(self, context: PageContext) -> None:
        super().__init__()
        self._context = context
        self._view: ServerView | None = None
        self.title = label("", scale=1.1, bold=True)
        self.pill = PillLabel(context.theme, PILLS[ServerState.STOPPED])
        self.address = button("")
        self.address.setProperty("link", True)
        self.address.setFlat(True)
        self.address.setCursor(Qt.CursorShape.PointingHandCursor)
        self.address.clicked.connect(self._open_address)
        self._buttons = {verb: button(word) for verb, word in VERBS.items()}
        self.start, self.stop, self.restart = self._buttons.values()
        self.watch_only = button("Watch only")
        self.watch_only.setCheckable(True)
        self.what = ElidedLabel(muted=True, scale=0.95)
        self.log = LogView(context.theme, context.server_log)
        head = QWidget()
        who = QHBoxLayout(head)
        who.setContentsMargins(0, 0, 0, 0)
        who.addWidget(self.title)
        who.addWidget(self.pill)
        who.addStretch()
        pressed = (self.start, self.stop, self.restart, self.watch_only)
        self.column.addWidget(GivingRow(head, (self.address, *pressed), least_em=0))
        self.column.addWidget(self.what)
        self.column.addWidget(self.log, 1)
        for verb, made in self._buttons.items():
            made.clicked.connect(lambda _checked=False, verb=verb: self._ask(verb))
        self.watch_only.clicked.connect(self._on_watch_only)
        self.log.open_requested.connect(self._on_open_log)

    @property
    def name(self) -> str:
        """Of the server that is shown, empty where none is."""
        return self._view.name if self._view else ""

    def _open_address(self) -> None:
        if self._view is not None and self._view.url:
            self._context.intents.url_requested.emit(self._view.url)

    def show_server(self, view: ServerView | None) -> None:
        """Show another server, or how it stands now."""
        self._view = view
        if view is None:
            return
        self.title.setText(view.name)
        self.pill.show_pill(PILLS[view.state])
        self.address.setText((view.url or "").replace("&", "&&"))
        self.address.setVisible(view.url is not None)
        self.address.setAccessibleName(f"Open {view.url}")
        self.what.setText(text.command_line(view))
        for verb, made in self._buttons.items():
            made.setEnabled(may(view, verb))
        self.watch_only.setChecked(view.spec.watch_only)
        self.watch_only.setEnabled(view.owner == "settings" and bool(view.spec.command))
        self.log.show_server(view.name)
        self.log.open_log.setEnabled(bool(view.log_file))

    def _ask(self, verb: str) -> None:
        self._context.intents.server_requested.emit(self.name, verb)

    @Slot()
    def _on_watch_only(self) -> None:
        wanted = {"name": self.name, "watch_only": self.watch_only.isChecked()}
        self._context.intents.server_declared.emit(wanted)

    @Slot()
    def _on_open_log(self) -> None:
        if self._view is not None:
            self._context.intents.server_log_requested.emit(self._view.log_file)

"""Runs: what was started by ``omnitray run``, and the chosen one with its memory and CPU."""

from collections.abc import Callable

from PySide6.QtCore import QModelIndex, Qt, QTimer, Slot
from PySide6.QtGui import QGuiApplication, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QGridLayout,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from omnitray.runs.history import as_csv, as_json, before
from omnitray.runs.model import RunRecord, RunVerdict
from omnitray.ui import formats
from omnitray.ui.pages.page import Page, PageContext
from omnitray.ui.pages.runs import text
from omnitray.ui.pages.runs.chart import RunChart
from omnitray.ui.pages.runs.listing import RunDelegate, RunsModel
from omnitray.ui.pages.runs.text import RunColumn
from omnitray.ui.theme import GAP, SMALL_GAP, Theme, text_font, width_of
from omnitray.ui.widgets.cells import Cell, ColumnPlan, Widths
from omnitray.ui.widgets.choice import ChoiceButton, ToolRow
from omnitray.ui.widgets.export import ExportMenu, ask_path
from omnitray.ui.widgets.frames import Card, GivingRow, button, scrolled
from omnitray.ui.widgets.labels import ElidedLabel, label, paragraph
from omnitray.ui.widgets.panes import ListAndDetail, ShownStack
from omnitray.ui.widgets.pills import Pill, PillLabel
from omnitray.ui.widgets.table import CellView
from omnitray.ui.widgets.ways import Way, WaysCard

_WIDTHS: Widths = {
    RunColumn.WHEN: (Cell("Yesterday 9"),),
    RunColumn.PROJECT: (Cell("~/engine"),),
    RunColumn.TOOK: (Cell("59 min 9 s"),),
    RunColumn.PEAK: (Cell("888.8 GB", "last 888.8 GB and a bar"),),
    RunColumn.CPU: (Cell("1600 %"),),
    RunColumn.VERDICT: (Cell(pill=Pill("killed for memory", "good", "dot")),),
}
_COMMAND_EM = 24  # a command with some options
_PLAN = ColumnPlan(
    _WIDTHS,
    stretch=(RunColumn.COMMAND,),
    narrow={RunColumn.PEAK: (Cell("888.8 GB", "and bar"),)},
    signs={RunColumn.VERDICT: (Cell(pill=Pill("", "good", "dot")),)},
    giving=(
        RunColumn.CPU,
        RunColumn.WHEN,
        RunColumn.PROJECT,
        RunColumn.TOOK,
        RunColumn.PEAK,
    ),
    names={RunColumn.COMMAND: _COMMAND_EM},
    words=(RunColumn.PROJECT,),
)
VERDICTS = (
    ("", "all"),
    ("running", "running"),
    ("passed", "passed"),
    ("failed", "failed"),
    ("held", "slowed or paused"),
)
PERIODS = (("", "any time"), ("86400", "last day"), ("604800", "last 7 days"))
_LOOK_MS = 1000
_SHARES = (9, 11)  # of the list and of what is chosen in it
_WHAT_EM = 16  # a project and when it began
_BESIDE_EM = 48  # a chart of thirty letters and the widest figures
EXAMPLE = "omnitray run -- pytest -n auto"
WAYS = (
    Way("From a terminal", "exactly as it would run alone, and remembered", EXAMPLE),
    Way(
        "With a budget",
        "of memory, of CPU and of time; what goes beyond it is held or ended",
        "omnitray run --memory 4G --cpu 200 --timeout 10m -- make -j8",
    ),
    Way(
        "With as many workers as fit",
        "what a worker took last time decides",
        "omnitray run --workers-from-memory -- pytest -n auto",
    ),
)
_ABOUT = (
    "A test run, a build or a training that is started by omnitray run stands here with its memory "
    "and CPU against the last time, and with what became of it."
)


AskSave = Callable[[QWidget, str], str]


def ask_where(parent: QWidget, suffix: str) -> str:
    """The path of a file that the person chose, empty where none."""
    return ask_path(parent, suffix, "Export runs", "omnitray-runs")


class RunsPage(Page):
    """All remembered runs, or how to start the first."""

    def __init__(self, context: PageContext, ask: AskSave = ask_where) -> None:
        super().__init__(context)
        self._ask = ask
        self._all: tuple[RunRecord, ...] = ()
        self.field = QLineEdit(placeholderText="Search command, project…")
        self.field.setAccessibleName("Search runs")
        self.field.setClearButtonEnabled(True)
        self.search = self.field
        self.verdicts = ChoiceButton("Verdict", VERDICTS)
        self.periods = ChoiceButton("Since", PERIODS)
        self.export = button("Export…")
        self.export_menu = ExportMenu(self.export)
        self.model = RunsModel(context.clock.wall, self)
        self.view = CellView(self.model, RunDelegate(context.theme), _PLAN)
        self.view.setAccessibleName("Runs")
        self.view.remember(context.facts.tables, "runs")
        self.detail = RunDetail(context.theme)
        self.none_fit = paragraph("No run fits this filter.", muted=True)
        self.empty = WaysCard("No run is remembered yet", _ABOUT, WAYS)
        self._looks = QTimer(self, interval=_LOOK_MS)
        self._lay_out()
        self.field.textChanged.connect(self._show_list)
        self.verdicts.chosen.connect(self._show_list)
        self.periods.chosen.connect(self._show_list)
        self.view.selectionModel().currentRowChanged.connect(self._on_current_changed)
        self.export_menu.wanted.connect(self._on_export)
        self._looks.timeout.connect(self._on_look)
        self._looks.start()

    def _lay_out(self) -> None:
        tools = ToolRow(self.field, (self.verdicts, self.periods, self.export))
        tools.buttons.set_menu(self.export, self.export_menu)
        listing = Card(margin=4)
        listing.column.addWidget(self.view)
        self.none_fit.setAlignment(Qt.AlignmentFlag.AlignCenter)
        listing.column.addWidget(self.none_fit)
        self.panes = ListAndDetail(tools, self.view, listing, self.detail, shares=_SHARES)
        self._stack = ShownStack(self)
        self._stack.setContentsMargins(0, 0, 0, 0)
        self._stack.addWidget(self.panes)
        self._stack.addWidget(scrolled(self.empty))

    @property
    def chosen_key(self) -> str:
        """Id of the chosen run."""
        return self.detail.key

    def select(self, key: str) -> None:
        """Choose a run by its id."""
        row = self.model.row_of(key)
        if row >= 0:
            self.view.setCurrentIndex(self.model.index(row, 0))
            self.panes.open_detail()

    @Slot()
    def reload(self) -> None:
        """Read what is remembered again."""
        self._all = self.context.runs()
        self._stack.setCurrentIndex(0 if self._all else 1)
        self._show_list()

    @Slot()
    def _show_list(self) -> None:
        chosen = self.detail.key
        shown = self._shown()
        self.model.show(shown)
        self.export.setEnabled(bool(shown))
        self.view.setVisible(bool(shown))
        self.none_fit.setVisible(not shown)
        row = max(0, self.model.row_of(chosen)) if shown else -1
        if row >= 0 and self.view.currentIndex().row() != row:
            self.view.setCurrentIndex(self.model.index(row, 0))
        self._show_detail(row)

    def _shown(self) -> tuple[RunRecord, ...]:
        return tuple(each for each in self._all if self._fits(each))

    def _show_detail(self, row: int) -> None:
        run = self.model.run_at(row)
        self.panes.show_detail(there=run is not None)
        self.detail.show_run(run, before(run, self._all) if run is not None else None)

    def _fits(self, run: RunRecord) -> bool:
        words = self.field.text().lower().split()
        haystack = f"{run.title} {run.command} {run.project}".lower()
        kept = {
            "running": run.kind is RunVerdict.RUNNING,
            "passed": run.kind is RunVerdict.PASSED,
            "failed": run.kind not in {RunVerdict.RUNNING, RunVerdict.PASSED, RunVerdict.LOST},
            "held": run.slowed_s + run.paused_s > 0.0,
        }.get(self.verdicts.value, True)
        period_s = self.periods.value
        if period_s and self.context.clock.wall() - run.started_at > float(period_s):
            return False
        return kept and all(word in haystack for word in words)

    @Slot(str)
    def _on_export(self, suffix: str) -> None:
        """Write those that fit the filter, as ``history --runs`` prints them."""
        if path := self._ask(self, suffix):
            runs = self._shown()
            text = as_csv(runs) if suffix == "csv" else f"{as_json(runs).decode()}\n"
            self.context.intents.text_export_requested.emit(path, text)

    @Slot(QModelIndex)
    def _on_current_changed(self, current: QModelIndex) -> None:
        self._show_detail(current.row())

    @Slot()
    def _on_look(self) -> None:
        if self.isVisible():
            self.reload()


class RunDetail(Card):
    """One run: its charts and its figures."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._run: RunRecord | None = None
        self.title = paragraph(scale=1.1)
        self.title.setFont(text_font(self.title.font(), bold=True))
        self.pill = PillLabel(theme, Pill("", "neutral"))
        self.what = ElidedLabel(muted=True, scale=0.95, drops=True)
        self.copy = button("Copy command")
        self.chart = RunChart(theme)
        self._grid = QGridLayout()
        self._grid.setVerticalSpacing(SMALL_GAP)
        self._shown: list[tuple[str, str, str]] = []
        side = QVBoxLayout()
        side.addLayout(self._grid)
        side.addStretch()
        content = QWidget()
        self._body = QBoxLayout(QBoxLayout.Direction.LeftToRight, content)
        self._body.setContentsMargins(0, 0, 0, 0)
        self._body.setSpacing(2 * GAP)
        self._body.addWidget(self.chart, 3)
        self._body.addLayout(side, 1)
        self.column.addWidget(self.title)
        self.column.addWidget(GivingRow(self.what, (self.pill, self.copy), least_em=_WHAT_EM))
        self.column.addWidget(content, 1)
        self.copy.clicked.connect(self._on_copy)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """The figures stand below the chart where it would have no room beside them."""
        narrow = event.size().width() < _BESIDE_EM * width_of(self.font(), "M")
        ways = QBoxLayout.Direction
        self._body.setDirection(ways.TopToBottom if narrow else ways.LeftToRight)
        super().resizeEvent(event)

    @property
    def key(self) -> str:
        """Of the run that is shown, empty where none is."""
        return self._run.id if self._run else ""

    def show_run(self, run: RunRecord | None, last: RunRecord | None) -> None:
        """Show another run, or how it stands now."""
        self._run = run
        if run is None:
            return
        self.title.setText(formats.one_line(run.title))
        self.pill.show_pill(text.pill(run), run.verdict)
        self.what.setText(formats.one_line(text.subtitle(run)))
        self.chart.show_run(run, last)
        self._show_figures(text.figures(run))

    def _show_figures(self, rows: list[tuple[str, str, str]]) -> None:
        if rows == self._shown:
            return
        self._shown = rows
        while (item := self._grid.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        right = Qt.AlignmentFlag.AlignRight
        for number, (name, figure, quiet) in enumerate(rows):
            self._grid.addWidget(label(name, muted=True), 2 * number, 0)
            self._grid.addWidget(label(figure), 2 * number, 1, right)
            if quiet:
                said = ElidedLabel(muted=True, scale=0.9)
                said.setText(formats.one_line(quiet))
                said.setAlignment(right)
                self._grid.addWidget(said, 2 * number + 1, 0, 1, 2)

    @Slot()
    def _on_copy(self) -> None:
        if self._run is not None:
            QGuiApplication.clipboard().setText(self._run.command)

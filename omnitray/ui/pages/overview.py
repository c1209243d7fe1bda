"""The first page: four charts over one range of time, and the jobs to look at first."""

from typing import NamedTuple

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QMenu, QVBoxLayout, QWidget

from omnitray.base.clock import epoch
from omnitray.base.facts import Severity, Snapshot
from omnitray.protector.view import HoldKind
from omnitray.ui import formats
from omnitray.ui.charts import readings
from omnitray.ui.charts.background import PERCENT, RATE
from omnitray.ui.charts.card import ChartCard
from omnitray.ui.charts.chart import Chart
from omnitray.ui.charts.cores import CoreBars
from omnitray.ui.charts.paint import Curve, Mark, Shade
from omnitray.ui.pages.page import Inspects, Page, PageContext
from omnitray.ui.pages.processes.actions import fill_menu
from omnitray.ui.pages.processes.model import JobsModel
from omnitray.ui.pages.processes.text import grips, top_jobs
from omnitray.ui.pages.processes.view import JobsView
from omnitray.ui.theme import GAP
from omnitray.ui.widgets.choice import Segments
from omnitray.ui.widgets.frames import Card, GivingRow, scrolled
from omnitray.ui.widgets.labels import ElidedLabel, paragraph

RANGES = ((60.0, "1 min"), (300.0, "5 min"), (900.0, "15 min"), (3600.0, "1 h"))
_RANGE_S = 300.0  # at first, and where a range that was kept is no longer offered
_TOP = 5
_LIST_PAD = 10  # margins and edges of the card around the list
_LEAST_TOP = 3  # where the page is too low for charts and jobs
_SCROLL_BAR = 10  # as wide as the style sheet draws it
_STRAIN_HINT = "Share of the last 10 s in which at least one program had to wait for it."
_STRAIN_SAMPLE = "Time lost waiting: CPU 100 % · memory 100 % · disk 100 %"
_ALERT_CHARTS = {"cpu": "CPU", "memory": "Memory", "disk": "Disk"}


class _CardPlan(NamedTuple):
    """How one card is made: its curves as (word, colour, figure)."""

    title: str
    curves: tuple[tuple[str, str, str], ...]
    percent: bool
    hint: str = ""


_PLANS = (
    _CardPlan("CPU", (("CPU", "cpu", "cpu_percent"),), percent=True),
    _CardPlan(
        "Memory",
        (("memory", "memory", "memory_percent"), ("swap", "second", "swap_percent")),
        percent=True,
        hint="Used is total minus available: what programs hold and cannot be taken back.",
    ),
    _CardPlan(
        "Disk",
        (("read", "first", "disk_read_bps"), ("write", "second", "disk_write_bps")),
        percent=False,
    ),
    _CardPlan(
        "Network",
        (("down", "first", "net_recv_bps"), ("up", "second", "net_sent_bps")),
        percent=False,
    ),
)
_WORDS = {
    "CPU": readings.cpu_words,
    "Memory": readings.memory_words,
    "Disk": readings.disk_words,
    "Network": readings.network_words,
}


class OverviewPage(Page):
    """Charts and top jobs."""

    inspects = Inspects.BADGES

    def __init__(self, context: PageContext) -> None:
        super().__init__(context)
        self._theme, self._readings = context.theme, context.facts.readings
        self.cores = CoreBars(context.theme)
        self.cards = {plan.title: self._card(plan) for plan in _PLANS}
        self.range = Segments("Time range", RANGES)
        self.range.chosen.connect(self._on_range_chosen)
        self.strain = ElidedLabel(muted=True, drops=True, hint=_STRAIN_HINT)
        self.jobs_model = JobsModel(self, as_given=True)
        self.jobs_view = JobsView(context.theme, self.jobs_model, tree=False)
        self.jobs_view.setAccessibleName("Jobs that take most")
        self.jobs_view.remember(context.facts.tables, "overview")
        self.jobs_view.job_opened.connect(context.intents.job_opened)
        self.jobs_view.menu_wanted.connect(self._on_menu_wanted)
        self.no_jobs = paragraph("Jobs will be listed here after the first scan.", muted=True)
        self._lay_out()
        if context.facts.range_s not in dict(RANGES):
            context.facts.range_s = _RANGE_S
        self.show_range(context.facts.range_s)

    def _card(self, plan: _CardPlan) -> ChartCard:
        curves = tuple(
            Curve(word, colour, self._readings.tracks[figure], dashed=place > 0)
            for place, (word, colour, figure) in enumerate(plan.curves)
        )
        chart = Chart(
            self._theme,
            self._readings.axis,
            curves,
            name=plan.title,
            say=formats.percent if plan.percent else formats.rate,
            scale=PERCENT if plan.percent else RATE,
        )
        beside = self.cores if plan.title == "CPU" else None
        return ChartCard(self._theme, plan.title, chart, curves, plan.hint, beside)

    def _lay_out(self) -> None:
        self._top = GivingRow(self.strain, (self.range,), sample=_STRAIN_SAMPLE)
        self._grid = grid = QGridLayout()
        grid.setSpacing(GAP)
        self._place_cards(2)
        self._list = jobs = Card(margin=4)
        self.no_jobs.setAlignment(Qt.AlignmentFlag.AlignCenter)
        jobs.column.addWidget(self.no_jobs)
        jobs.column.addWidget(self.jobs_view)
        self.jobs_view.hide()
        content = QWidget()
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(scrolled(content))
        self._column = column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GAP)
        column.addWidget(self._top)
        column.addLayout(grid, 1)
        column.addWidget(jobs)
        self._fit_jobs(_TOP)

    def _fit_jobs(self, rows: int) -> None:
        """So many jobs: below the charts where all are shown, else above them."""
        self._rows = rows
        self.jobs_view.fit_rows(rows)
        self._list.setFixedHeight(self.jobs_view.height() + _LIST_PAD)
        self._column.insertWidget(2 if rows == _TOP else 0, self._list)

    def _place_cards(self, columns: int) -> None:
        """So many charts side by side."""
        self._columns = columns
        for place, card in enumerate(self.cards.values()):
            self._grid.addWidget(card, place // columns, place % columns)
        for column in range(2):
            self._grid.setColumnStretch(column, int(column < columns))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """One chart beneath the other where two have no room."""
        widest = max(card.width_of_one_line for card in self.cards.values())
        narrow = event.size().width() < 2 * widest + GAP + _SCROLL_BAR
        if self._columns != (1 if narrow else 2):
            self._place_cards(1 if narrow else 2)
        rows = _LEAST_TOP if self._needed_height() > event.size().height() else _TOP
        if self._rows != rows:
            self._fit_jobs(rows)
            self.show_jobs()
        super().resizeEvent(event)

    def _needed_height(self) -> int:
        """Of the whole page with all its jobs."""
        charts = self._grid.totalMinimumSize().height()
        listed = self.jobs_view.height_of(_TOP) + _LIST_PAD
        return self.range.sizeHint().height() + charts + listed + 2 * GAP

    # -- facts

    def show_readings(self) -> None:
        """Take up what was added to the readings."""
        newest = self._readings.newest
        if newest is not None and self.isVisible():
            self._show_figures(newest)
        for card in self.cards.values():
            card.chart.refresh()

    def restart(self) -> None:
        """The readings were replaced."""
        for card in self.cards.values():
            card.chart.reset()
        self.show_readings()

    def show_settings(self) -> None:
        """Draw the threshold lines."""
        thresholds = self.context.facts.settings.thresholds
        for title, band in (("CPU", thresholds.cpu), ("Memory", thresholds.memory)):
            self.cards[title].chart.set_thresholds(band.warning, band.critical)

    def show_view(self) -> None:
        """Shade when jobs were held: on the chart of what they were held for."""
        axis = self._readings.axis
        shades = [
            Shade(
                axis.at(span.since_at),
                None if span.until_at is None else axis.at(span.until_at),
                f"{formats.one_line(span.title, 48)} {span.grip}",
                paused=span.grip is HoldKind.PAUSED,
            )
            for span in self.context.facts.spans.spans
        ]
        self.cards["CPU"].chart.set_shades(shades)
        self.cards["Memory"].chart.set_shades([each for each in shades if each.paused])

    def show_marks(self) -> None:
        """Mark where alerts fired: on the chart they are about, else on all, as neutral ones."""
        marks: dict[str, list[Mark]] = {title: [] for title in self.cards}
        for alert in self.context.facts.marked.values():
            title = _ALERT_CHARTS.get(str(alert.context.get("resource")))
            mark = Mark(
                self._readings.axis.at(epoch(alert.first_seen)),
                alert.severity == Severity.CRITICAL,
                formats.one_line(alert.title, 60),
                neutral=title is None,
            )
            for each in (title,) if title else tuple(self.cards):
                marks[each].append(mark)
        for title, found in marks.items():
            self.cards[title].chart.set_marks(found)
        self.show_view()  # the axis may have been restarted

    def show_jobs(self) -> None:
        """Show the jobs to look at first."""
        facts = self.context.facts
        jobs, known = facts.jobs, grips(facts.view, facts.inspection)
        self.jobs_model.show_jobs(top_jobs(jobs, known, self._rows), known)
        self.jobs_view.setVisible(bool(jobs))
        self.no_jobs.setVisible(not jobs)

    def show_range(self, seconds: float) -> None:
        """Show a range of time."""
        self.range.show_value(seconds)
        for card in self.cards.values():
            card.chart.set_range(self.range.value)

    def showEvent(self, event: object) -> None:  # noqa: ARG002, N802 - Qt's name and shape
        """Catch up with what came while the page was hidden."""
        self.show_readings()

    # -- inside

    def _show_figures(self, shot: Snapshot) -> None:
        for title, words in _WORDS.items():
            self.cards[title].show_figures(*words(shot))
        self.cores.show_cores(shot.cpu_per_core_percent)
        self.strain.setText(_strain(shot))

    @Slot(QMenu)
    def _on_menu_wanted(self, menu: QMenu) -> None:
        jobs, facts = self.jobs_view.selected_jobs(), self.context.facts
        if len(jobs) == 1:
            opened = menu.addAction("Show among the processes")
            opened.triggered.connect(lambda: self.context.intents.job_opened.emit(jobs[0]))
            menu.addSeparator()
        known = grips(facts.view, facts.inspection)
        fill_menu(menu, jobs, known, facts.view.state, self.context.intents)

    @Slot(object)
    def _on_range_chosen(self, seconds: float) -> None:
        self.context.facts.range_s = seconds
        self.show_range(seconds)


def _strain(shot: Snapshot) -> str:
    pressure = shot.pressure
    if pressure is None:
        return "Live charts"
    pairs = (("CPU", pressure.cpu), ("memory", pressure.memory), ("disk", pressure.io))
    words = [f"{name} {pair.some_avg10:.0f} %" for name, pair in pairs if pair]
    return f"Time lost waiting: {' · '.join(words)}"

"""Trends: days, weeks, months and years of the machine, what happened, and what cost most."""

from collections.abc import Callable

from PySide6.QtCore import QTimer, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from omnitray.alerts.model import Alert
from omnitray.alerts.storage.query import AlertQuery
from omnitray.base.clock import epoch
from omnitray.base.facts import Severity
from omnitray.metrics.aggregate import (
    DAY_S,
    LOOKED_BACK_S,
    JobCost,
    MetricPoint,
    Outlook,
    Period,
    outlook,
)
from omnitray.ui import formats
from omnitray.ui.pages.page import Page, PageContext
from omnitray.ui.pages.trends import text
from omnitray.ui.pages.trends.chart import BandChart, TrendFacts, TrendMark, chart_words
from omnitray.ui.theme import GAP, width_of
from omnitray.ui.widgets.choice import Segments
from omnitray.ui.widgets.export import ask_path
from omnitray.ui.widgets.frames import Card, FigureTable, WrapRow, button, scrolled_column
from omnitray.ui.widgets.labels import label, paragraph
from omnitray.ui.widgets.pills import Pill, PillLabel

_REFRESH_MS = 60_000  # a minute is written once a minute
_JOBS = 8
_LONGEST = 80  # letters of a name: some lines of a narrow column
_MOST_ALERTS = 500  # as many marks as a wide screen has room for, twice
_BESIDE_EM = 52  # two charts side by side
_AHEAD = 0.35  # of what is shown, beyond now, for an outlook
EMPTY = (
    "Nothing is known of this time. OmniTray keeps a value of each minute while it runs: come back "
    "in some minutes, or look at an earlier time."
)
CHARTS = (
    ("cpu", "CPU", "cpu"),
    ("memory", "Memory", "memory"),
    ("disk", "Fullest disk", "first"),
)
_RESOURCES = {"cpu": "cpu", "memory": "memory", "disk": "disk"}
AskSave = Callable[[QWidget], str]


def ask_where(parent: QWidget) -> str:
    """The path of a CSV that the person chose, empty where none."""
    return ask_path(parent, "csv", "Export trends", "omnitray-trends")


class TrendsPage(Page):
    """Bands from lowest to highest with the mean as a line; a gap is a gap."""

    def __init__(self, context: PageContext, ask: AskSave = ask_where) -> None:
        super().__init__(context)
        self._ask = ask
        self.range = text.RANGES[0]
        self._back = 0
        self._columns = 0
        self._found: dict[str, list[MetricPoint]] = {}
        self.choice = Segments("Time shown", [(each.key, each.word) for each in text.RANGES])
        self.choice.show_value(self.range.key)
        self.earlier, self.later = button("←"), button("→")
        self.earlier.setAccessibleName("Earlier")
        self.later.setAccessibleName("Later")
        self.export = button("Export…")
        self.span = label("")
        self.legend = label("△ alert   ◇ action", muted=True, scale=0.9)
        self.empty = Card()
        self.why_empty = paragraph(EMPTY, muted=True)
        self.empty.column.addWidget(self.why_empty)
        self.charts = {
            name: BandChart(context.theme, title, colour) for name, title, colour in CHARTS
        }
        self.means = {name: label("", bold=True) for name, *_ in CHARTS}
        self.outlook = PillLabel(context.theme, Pill("", "warning", "diamond"))
        self.outlook.hide()
        self._cards = {name: self._card(name, title) for name, title, _ in CHARTS}
        self._known = QWidget()
        self._grid = QGridLayout(self._known)
        # Of the time before, and of the jobs how often they ran, their project, their CPU time.
        self._against = FigureTable(1, goes=(1,), bold=2)
        self._jobs = FigureTable(2, goes=(2, 1, 3))
        self._lay_out()
        self._connect()

    def _card(self, name: str, title: str) -> Card:
        card = Card(title)
        if name == "disk":
            card.column.addWidget(self.outlook)
        card.head.addWidget(self.means[name])
        card.column.addWidget(self.charts[name])
        return card

    def _lay_out(self) -> None:
        tools = WrapRow()
        for each in (
            self.choice, self.earlier, self.span, self.later, self.legend, self.export,
        ):  # fmt: skip
            tools.add(each)
        self._tools = tools
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(GAP)
        tables = []
        for title, table in (
            ("Against the time before", self._against),
            ("Jobs that cost most", self._jobs),
        ):
            card = Card(title)
            card.column.addWidget(table)
            card.column.addStretch()
            tables.append(card)
        self._tables = tables
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GAP)
        column.addWidget(tools)
        column.addWidget(scrolled_column(self.empty, self._known), 1)
        self._place_cards(1)

    def _connect(self) -> None:
        self.choice.chosen.connect(self._on_range)
        self.earlier.clicked.connect(self._on_earlier)
        self.later.clicked.connect(self._on_later)
        self.export.clicked.connect(self._on_export)
        self._timer = QTimer(self, interval=_REFRESH_MS)
        self._timer.timeout.connect(self._on_time)
        self._timer.start()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """One card below the other where two have no room."""
        wide = event.size().width() >= _BESIDE_EM * width_of(self.font(), "M")
        self._place_cards(2 if wide else 1)
        super().resizeEvent(event)

    def _place_cards(self, columns: int) -> None:
        if columns == self._columns:
            return
        self._columns = columns
        cards = (*self._cards.values(), *self._tables)
        for place, card in enumerate(cards[:-1]):
            self._grid.addWidget(card, place // columns, place % columns)
        self._grid.addWidget(cards[-1], len(cards), 0, 1, columns)
        for column in range(2):
            self._grid.setColumnStretch(column, int(column < columns))

    def reload(self) -> None:
        """Read again what is shown."""
        since, until = self._bounds(self._back)
        self.span.setText(text.span_words(since, until, self.range))
        self.later.setEnabled(self._back > 0)
        self._tools.rearrange()
        self.why_empty.setText(EMPTY)
        self._found = {name: self._points(name, since, until) for name, *_ in CHARTS}
        known = any(self._found.values())
        self.empty.setVisible(not known)
        self._known.setVisible(known)
        self.export.setEnabled(known)
        if not known:
            return
        self._show_charts(since, until)
        before_from, before_until = self._bounds(self._back + 1)
        before = {name: self._points(name, before_from, before_until) for name, *_ in CHARTS}
        counts = [len(self._alerts(*bounds)) for bounds in ((before_from, since), (since, until))]
        self._show_against(before, counts)
        self._show_jobs(self._costs(since, until)[:_JOBS])

    def _show_charts(self, since: float, until: float) -> None:
        foretold = self._outlook(until)
        marks = self._marks(since, until)
        bands = self.context.facts.settings.thresholds
        lines = {"cpu": bands.cpu, "memory": bands.memory, "disk": bands.disk}
        for name, points in self._found.items():
            ahead = foretold if name == "disk" else None
            reach = until + _AHEAD * (until - since) if ahead and self.range.days > 1 else until
            mean = text.mean_of(points)
            facts = TrendFacts(
                points=tuple(points), since=since, until=reach, now=until, range=self.range,
                marks=tuple(marks[name]), outlook=ahead,
                thresholds=(lines[name].warning, lines[name].critical),
            )  # fmt: skip
            said = chart_words(points, mean)
            if ahead is not None:
                said = f"{said}, {text.outlook_words(ahead)}"
            self.charts[name].show_facts(facts, said)
            self.means[name].setText(f"mean {formats.percent(mean)}" if mean is not None else "")
        self.outlook.setVisible(foretold is not None)
        if foretold is not None:
            self.outlook.show_pill(Pill(text.outlook_words(foretold), "warning", "diamond"))

    def _outlook(self, until: float) -> Outlook | None:
        """Of the fullest disk, from the hours of the last days; of the past none."""
        if self._back:
            return None
        return outlook(self._asked("disk", Period.HOUR, until - LOOKED_BACK_S, until))

    def _marks(self, since: float, until: float) -> dict[str, list[TrendMark]]:
        """Alerts on the chart that they are about, actions on what jobs are held for."""
        marks: dict[str, list[TrendMark]] = {name: [] for name, *_ in CHARTS}
        for alert in self._alerts(since, until):
            about = _RESOURCES.get(str(alert.context.get("resource")))
            mark = TrendMark(
                epoch(alert.first_seen), action=False, critical=alert.severity is Severity.CRITICAL
            )
            for name in (about,) if about else tuple(marks):
                marks[name].append(mark)
        for line in self.context.facts.view.journal:
            for name in ("cpu", "memory"):
                marks[name].append(TrendMark(line.at, action=True))
        return {name: sorted(found, key=lambda each: each.at) for name, found in marks.items()}

    def _alerts(self, since: float, until: float) -> list[Alert]:
        query = AlertQuery(since=since, until=until, limit=_MOST_ALERTS)
        return self.context.alerts.query(query)

    def _points(self, name: str, since: float, until: float) -> list[MetricPoint]:
        return self._asked(name, self.range.period, since, until)

    def _asked(self, name: str, by: Period, since: float, until: float) -> list[MetricPoint]:
        """What is kept; where it cannot be read, the page says why."""
        try:
            return self.context.sources.metric_points(name, by, since, until)
        except OSError as error:
            text_of = f"{error}"
            self.why_empty.setText(f"{text_of[:1].upper()}{text_of[1:]}.")
            return []

    def _costs(self, since: float, until: float) -> list[JobCost]:
        try:
            return self.context.sources.costly_jobs(since, until)
        except OSError:  # the line in place of the charts says it
            return []

    def _bounds(self, back: int) -> tuple[float, float]:
        length_s = self.range.days * float(DAY_S)
        until = self.context.clock.wall() - back * length_s
        return until - length_s, until

    def _show_against(self, before: dict[str, list[MetricPoint]], alerts: list[int]) -> None:
        rows = []
        for name, title, _ in CHARTS:
            was, is_ = text.mean_of(before[name]), text.mean_of(self._found[name])
            change = formats.DASH if was is None or is_ is None else f"{round(is_ - was) + 0:+d}"
            rows.append((f"{title} mean", formats.percent(was), formats.percent(is_), change))
        was_count, is_count = alerts
        rows.append(("Alerts", str(was_count), str(is_count), f"{is_count - was_count:+d}"))
        self._against.show_rows(("", "before", "now", "change"), rows)

    def _show_jobs(self, jobs: list[JobCost]) -> None:
        rows = [
            (
                formats.one_line(job.name, _LONGEST),
                formats.one_line(job.project or formats.DASH, _LONGEST),
                str(max(1, job.runs)),
                formats.duration(job.cpu_s),
                formats.size(float(job.peak_bytes)),
            )
            for job in jobs
        ]
        self._jobs.show_rows(("Job", "Project", "Runs", "CPU time", "Peak"), rows)

    @Slot()
    def _on_time(self) -> None:
        if self.isVisible() and not self._back:
            self.reload()

    @Slot(object)
    def _on_range(self, key: str) -> None:
        self.range = next(each for each in text.RANGES if each.key == key)
        self._back = 0
        self.reload()

    @Slot()
    def _on_earlier(self) -> None:
        self._back += 1
        self.reload()

    @Slot()
    def _on_later(self) -> None:
        self._back = max(0, self._back - 1)
        self.reload()

    @Slot()
    def _on_export(self) -> None:
        path = self._ask(self)
        if path:
            self.context.intents.text_export_requested.emit(path, text.as_csv(self._found))

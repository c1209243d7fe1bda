"""Trends: days, weeks, months and years of the machine, with what cost most."""

import datetime as dt
from typing import NamedTuple

from PySide6.QtCore import QPointF, QRectF, Qt, QTimer, Slot
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from omnitray.metrics.aggregate import JobCost, MetricPoint
from omnitray.metrics.periods import Period
from omnitray.ui import formats
from omnitray.ui.pages.page import Page, PageContext
from omnitray.ui.theme import GAP, SMALL_GAP, Theme
from omnitray.ui.widgets.choice import ChoiceButton
from omnitray.ui.widgets.frames import Card, button, scrolled
from omnitray.ui.widgets.labels import ElidedLabel, label, paragraph

_REFRESH_MS = 60_000  # a minute is written once a minute
_CHART_HEIGHT = 120
_JOBS = 8
_AXIS = 30.0
_FOOT = 18.0
_TOP = 10.0  # half the height of a figure at the axis
EMPTY = "Nothing is known of this time. OmniTray keeps a value for each minute while it runs."


class TrendRange(NamedTuple):
    """How far back, by which resolution, and how a moment on the axis is written."""

    key: str
    word: str
    days: int
    period: Period
    form: str


RANGES = (
    TrendRange("day", "Day", 1, Period.MINUTE, "%H:%M"),
    TrendRange("week", "Week", 7, Period.HOUR, "%a %d"),
    TrendRange("month", "Month", 31, Period.HOUR, "%d %b"),
    TrendRange("year", "Year", 366, Period.DAY, "%b"),
)
CHARTS = (("cpu", "CPU"), ("memory", "Memory"), ("disk", "Fullest disk"))


class TrendsPage(Page):
    """Bands from lowest to highest with the mean as a line; a gap is a gap."""

    def __init__(self, context: PageContext) -> None:
        super().__init__(context)
        self.range = RANGES[0]
        self._back = 0
        self.choice = ChoiceButton("Show", [(each.key, each.word) for each in RANGES])
        self.choice.chosen.connect(self._on_range)
        self.earlier = button("Earlier")
        self.later = button("Later")
        self.earlier.clicked.connect(self._on_earlier)
        self.later.clicked.connect(self._on_later)
        self.span = label("")
        self.empty = paragraph(EMPTY, muted=True)
        self.charts = {name: BandChart(context.theme, name) for name, _ in CHARTS}
        self.means = {name: label("", bold=True) for name, _ in CHARTS}
        self._against = QGridLayout()
        self._jobs = QGridLayout()
        self._lay_out()
        self._timer = QTimer(self, interval=_REFRESH_MS)
        self._timer.timeout.connect(self._on_time)
        self._timer.start()

    def _lay_out(self) -> None:
        tools = QHBoxLayout()
        for each in (self.choice, self.earlier, self.span, self.later):
            tools.addWidget(each)
        tools.addStretch()
        content = QWidget()
        inner = QVBoxLayout(content)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(GAP)
        inner.addWidget(self.empty)
        for name, title in CHARTS:
            card = Card(title)
            card.head.addWidget(self.means[name])
            card.column.addWidget(self.charts[name])
            inner.addWidget(card)
        for title, grid in (
            ("Against the time before", self._against),
            ("Jobs that cost most", self._jobs),
        ):
            card = Card(title)
            grid.setHorizontalSpacing(GAP)
            grid.setVerticalSpacing(SMALL_GAP)
            card.column.addLayout(grid)
            inner.addWidget(card)
        inner.addStretch()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GAP)
        column.addLayout(tools)
        column.addWidget(scrolled(content), 1)

    def reload(self) -> None:
        """Read again what is shown."""
        since, until = self._bounds(self._back)
        self.span.setText(f"{_day(since)} to {_day(until)}")
        self.later.setEnabled(self._back > 0)
        self.empty.setText(EMPTY)
        found = {name: self._points(name, since, until) for name, _ in CHARTS}
        before_from, before_until = self._bounds(self._back + 1)
        before = {name: self._points(name, before_from, before_until) for name, _ in CHARTS}
        for name, points in found.items():
            self.charts[name].show_points(points, since, until, self.range)
            mean = _mean(points)
            self.means[name].setText(f"mean {formats.percent(mean)}" if mean is not None else "")
        self.empty.setVisible(not any(found.values()))
        self._show_against(before, found)
        self._show_jobs(self._costs(since, until)[:_JOBS])

    def _points(self, name: str, since: float, until: float) -> list[MetricPoint]:
        try:
            return self.context.sources.metric_points(name, self.range.period, since, until)
        except OSError as error:
            text = f"{error}"
            self.empty.setText(f"{text[:1].upper()}{text[1:]}.")
            return []

    def _costs(self, since: float, until: float) -> list[JobCost]:
        try:
            return self.context.sources.costly_jobs(since, until)
        except OSError:  # the line above the charts says it
            return []

    def _bounds(self, back: int) -> tuple[float, float]:
        length_s = self.range.days * 86400.0
        until = self.context.clock.wall() - back * length_s
        return until - length_s, until

    def _show_against(
        self, before: dict[str, list[MetricPoint]], now: dict[str, list[MetricPoint]]
    ) -> None:
        _clear(self._against)
        for column, word in enumerate(("", "before", "now", "change")):
            self._against.addWidget(label(word, muted=True, scale=0.9), 0, column)
        for row, (name, title) in enumerate(CHARTS, start=1):
            was, is_ = _mean(before[name]), _mean(now[name])
            change = "–" if was is None or is_ is None else f"{round(is_ - was) + 0:+d}"
            texts = (f"{title} mean", formats.percent(was), formats.percent(is_), change)
            for column, text in enumerate(texts):
                self._against.addWidget(label(text, bold=column == 2), row, column)  # noqa: PLR2004
        self._against.setColumnStretch(0, 1)

    def _show_jobs(self, jobs: list[JobCost]) -> None:
        _clear(self._jobs)
        for column, word in enumerate(("Job", "Project", "Runs", "CPU time", "Peak")):
            self._jobs.addWidget(label(word, muted=True, scale=0.9), 0, column)
        for row, job in enumerate(jobs, start=1):
            self._jobs.addWidget(ElidedLabel(job.name, bold=True), row, 0)
            self._jobs.addWidget(ElidedLabel(job.project or "–", muted=True), row, 1)
            self._jobs.addWidget(label(str(max(1, job.runs))), row, 2)
            self._jobs.addWidget(label(formats.duration(job.cpu_s)), row, 3)
            self._jobs.addWidget(label(formats.size(float(job.peak_bytes))), row, 4)
        for column in (0, 1):
            self._jobs.setColumnStretch(column, 1)

    @Slot()
    def _on_time(self) -> None:
        if self.isVisible() and not self._back:
            self.reload()

    @Slot()
    def _on_range(self) -> None:
        self.range = next((each for each in RANGES if each.key == self.choice.value), RANGES[1])
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


class BandChart(QWidget):
    """Lowest to highest as a band, the mean as a line, on a true time axis from 0 to 100 %."""

    def __init__(self, theme: Theme, name: str) -> None:
        super().__init__()
        self._theme = theme
        self._name = name
        self._points: list[MetricPoint] = []
        self._since, self._until = 0.0, 1.0
        self._range = RANGES[1]
        self.setFixedHeight(_CHART_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_points(
        self, points: list[MetricPoint], since: float, until: float, shown: TrendRange
    ) -> None:
        """Show these."""
        self._points, self._since, self._until, self._range = points, since, until, shown
        mean = _mean(points)
        told = "nothing known" if mean is None else f"mean {mean:.0f} per cent"
        self.setAccessibleName(f"Chart: {told}")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002, N802 - Qt's name and shape
        """Draw it."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(_AXIS, _TOP, self.width() - _AXIS - 4, self.height() - _TOP - _FOOT)
        self._paint_axes(painter, box)
        colour = QColor(_colour(self._theme, self._name))
        soft = QColor(colour)
        soft.setAlphaF(0.25)
        for run in self._runs():
            upper = [self._at(box, each.at, each.high) for each in run]
            lower = [self._at(box, each.at, each.low) for each in reversed(run)]
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(soft)
            painter.drawPolygon(QPolygonF([*upper, *lower]))
            painter.setPen(QPen(colour, 1.5))
            painter.drawPolyline(QPolygonF([self._at(box, each.at, each.mean) for each in run]))

    def _paint_axes(self, painter: QPainter, box: QRectF) -> None:
        colours = self._theme.colours
        painter.setPen(QPen(QColor(colours.grid), 1))
        for value in (0, 50, 100):
            y = box.bottom() - box.height() * value / 100
            painter.drawLine(QPointF(box.left(), y), QPointF(box.right(), y))
        painter.setPen(QColor(colours.muted))
        for value in (0, 50, 100):
            y = box.bottom() - box.height() * value / 100
            spot = QRectF(0, y - 8, _AXIS - 6, 16)
            side = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(spot, int(side), str(value))
        for part in range(1, 7):
            at = self._since + (self._until - self._since) * part / 7
            word = dt.datetime.fromtimestamp(at).astimezone().strftime(self._range.form)
            spot = QRectF(box.left() + box.width() * part / 7 - 40, box.bottom() + 2, 80, _FOOT - 2)
            painter.drawText(spot, int(Qt.AlignmentFlag.AlignCenter), word)

    def _runs(self) -> list[list[MetricPoint]]:
        """The points between gaps."""
        runs: list[list[MetricPoint]] = []
        for point in self._points:
            if runs and point.at <= self._range.period.after(runs[-1][-1].at):
                runs[-1].append(point)
            else:
                runs.append([point])
        return runs

    def _at(self, box: QRectF, at: float, value: float) -> QPointF:
        share = (at - self._since) / (self._until - self._since)
        return QPointF(
            box.left() + box.width() * min(max(share, 0.0), 1.0),
            box.bottom() - box.height() * min(max(value, 0.0), 100.0) / 100,
        )


def _colour(theme: Theme, name: str) -> str:
    colours = theme.colours
    return {"cpu": colours.cpu, "memory": colours.memory}.get(name, colours.first)


def _mean(points: list[MetricPoint]) -> float | None:
    covered = sum(each.covered_s for each in points)
    return sum(each.mean * each.covered_s for each in points) / covered if covered else None


def _day(at: float) -> str:
    return dt.datetime.fromtimestamp(at).astimezone().strftime("%d %B").lstrip("0")


def _clear(grid: QGridLayout) -> None:
    while (item := grid.takeAt(0)) is not None:
        if (old := item.widget()) is not None:
            old.deleteLater()

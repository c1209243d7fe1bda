"""Everything about one job on request: its curve, and of each process what the system tells."""

import shlex
from collections.abc import Callable

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QGuiApplication, QShowEvent
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QGridLayout, QVBoxLayout, QWidget

from omnitray.base.facts import Job, ProcessFacts, ProcessReport
from omnitray.ui import formats
from omnitray.ui.charts.background import Scale
from omnitray.ui.charts.card import ChartCard
from omnitray.ui.charts.chart import Chart
from omnitray.ui.charts.job_tracks import JobTracks
from omnitray.ui.charts.paint import Curve
from omnitray.ui.charts.series import TimeAxis, Track
from omnitray.ui.pages.page import Describe
from omnitray.ui.theme import GAP, SMALL_GAP, Theme, line_height
from omnitray.ui.widgets.choice import ChoiceButton
from omnitray.ui.widgets.frames import button, scrolled
from omnitray.ui.widgets.labels import label, paragraph

_CORES = Scale(unit="%", floor=100.0)
_BYTES = Scale(unit="B", floor=100_000_000.0)
_CHART_LINES = 7.0
_GONE = "This process has ended."
_RANGE_S = 300.0


def rows_of(report: ProcessReport) -> list[tuple[str, str]]:
    """What is known of a process, as names and values; what could not be read is left out."""
    files = [*report.files]
    if report.more_files:
        files.append(f"and {formats.count(report.more_files, 'more file')}")
    rows = [
        ("Command line", shlex.join(report.command)),
        ("Folder", report.folder),
        ("Started", formats.date_time(report.started_at)),
        ("User", report.user),
        ("Process", f"{report.pid}"),
        *(("Limit", f"{name}: {value}") for name, value in report.limits),
        ("Open files", "\n".join(files)),
    ]
    if report.environment is not None:
        variables = [f"{name}={value}" for name, value in report.environment]
        rows.append(("Environment", "\n".join(variables)))
    return [(name, value) for name, value in rows if value]


class JobDetails(QDialog):
    """A window of its own; the process is chosen above, its facts stand below the curves."""

    def __init__(
        self, theme: Theme, job: Job, tracks: JobTracks, describe: Describe, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._describe = describe
        self._by_pid = {each.pid: each for each in job.processes}
        self._shown: list[tuple[str, str]] = []
        self.job_key = job.key
        self.setWindowTitle(formats.job_title(job))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        cpu, memory = tracks.of(job.key)
        self.charts = (
            _chart(theme, tracks.axis, "CPU", "cpu", cpu, formats.percent, _CORES),
            _chart(theme, tracks.axis, "Memory", "memory", memory, formats.size, _BYTES),
        )
        options = [(each.pid, _named(each)) for each in job.processes]
        self.process = ChoiceButton("Process", options)
        self.process.chosen.connect(self._on_chosen)
        self.environment = button("Show environment")
        self.environment.clicked.connect(self._on_environment)
        self.copy = button("Copy")
        self.copy.clicked.connect(self._on_copy)
        self._area = scrolled(QWidget())
        self._area.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._area.setAccessibleName("What is known of the process")
        self._lay_out()
        self._show(environment=False)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setSpacing(SMALL_GAP)
        for card in self.charts:
            column.addWidget(card)
        column.addWidget(self.process, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self._area, 1)
        foot = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        foot.addButton(self.environment, QDialogButtonBox.ButtonRole.ActionRole)
        foot.addButton(self.copy, QDialogButtonBox.ButtonRole.ActionRole)
        foot.rejected.connect(self.reject)
        column.addWidget(foot)
        em = self.fontMetrics().horizontalAdvance("M")
        self.resize(48 * em, line_height(self.font(), 34))
        if (screen := self.screen()) is not None:
            self.resize(self.size().boundedTo(screen.availableGeometry().size()))

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Fit the scales: a chart that is not seen takes nothing up."""
        super().showEvent(event)
        self.show_readings()

    def show_readings(self) -> None:
        """A scan was added to the curves."""
        for card in self.charts:
            newest = card.chart.newest
            card.show_figures(card.chart.say(newest), "")
            card.chart.refresh()

    def _show(self, *, environment: bool) -> None:
        process = self._by_pid[self.process.value]
        report = self._describe(process.pid, process.start_ticks, environment=environment)
        self._shown = rows_of(report) if report is not None else []
        self.environment.setEnabled(report is not None and not environment)
        content = QWidget()
        content.setObjectName("scrolled")
        grid = QGridLayout(content)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(GAP)
        grid.setColumnStretch(1, 1)
        if report is None:
            grid.addWidget(paragraph(_GONE, muted=True), 0, 0)
        for row, (name, value) in enumerate(self._shown):
            grid.addWidget(label(name, muted=True), row, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(paragraph(formats.block(value, 20_000)), row, 1)
        grid.setRowStretch(len(self._shown) + 1, 1)
        self._area.setWidget(content)
        self.show_readings()

    def copied_text(self) -> str:
        """All that is shown, a line each."""
        return "\n".join(f"{name}: {value}" for name, value in self._shown)

    @Slot()
    def _on_chosen(self) -> None:
        self._show(environment=False)

    @Slot()
    def _on_environment(self) -> None:
        self._show(environment=True)

    @Slot()
    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self.copied_text())


def _named(process: ProcessFacts) -> str:
    return f"{formats.one_line(process.name, 40)} ({process.pid})"


def _chart(
    theme: Theme,
    axis: TimeAxis,
    name: str,
    colour: str,
    track: Track,
    say: Callable[[float | None], str],
    scale: Scale,
) -> ChartCard:
    curves = (Curve(name, colour, track),)
    chart = Chart(theme, axis, curves, name=name, say=say, scale=scale)
    chart.set_range(_RANGE_S)
    chart.setFixedHeight(line_height(chart.font(), _CHART_LINES))
    return ChartCard(theme, name, chart, curves)

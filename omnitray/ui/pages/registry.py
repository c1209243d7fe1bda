"""The pages, imported and built when they are first shown, and the facts they are handed then."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer, Signal, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QLineEdit, QStackedWidget, QWidget

from omnitray.alerts.model import Alert
from omnitray.base.clock import Clock
from omnitray.base.facts import Job, Snapshot
from omnitray.protector.inspection import JobInspection
from omnitray.protector.view import ActionFeedback, ProtectionView
from omnitray.settings import Problem, Settings
from omnitray.ui.charts.readings import ChartReadings
from omnitray.ui.pages.overview import OverviewPage
from omnitray.ui.pages.processes.text import grips
from omnitray.ui.theme import Theme

if TYPE_CHECKING:
    from omnitray.ui.pages.alerts.model import AlertSource
    from omnitray.ui.pages.alerts.page import AlertsPage
    from omnitray.ui.pages.processes.page import ProcessesPage
    from omnitray.ui.pages.protection.page import ProtectionPage
    from omnitray.ui.pages.settings.page import SettingsPage

_MARKED = 200  # alerts whose markers are kept
_MARKING_MS = 100
_LATE_MS = 100  # so long a list waits for what goes with a scan: to be painted once


PAGE_INTENTS = (
    "acknowledge_requested",
    "resolve_requested",
    "snooze_requested",
    "export_requested",
    "open_file_requested",
    "settings_change_requested",
    "job_action_requested",
    "undo_requested",
    "undo_all_requested",
    "protect_state_requested",
)


class Pages(QStackedWidget):
    """Holds the newest facts and whichever pages exist. Signals as in the window."""

    acknowledge_requested = Signal(str)
    resolve_requested = Signal(str)
    snooze_requested = Signal(str, float)
    export_requested = Signal(object, str)
    open_file_requested = Signal(str)
    settings_change_requested = Signal(str, object)
    job_action_requested = Signal(str, str)
    undo_requested = Signal(str)
    undo_all_requested = Signal()
    protect_state_requested = Signal(object)
    job_opened = Signal(object)
    look_wanted = Signal(object, str)  # tuple[Job, ...], the key of the chosen one
    range_chosen = Signal(float)

    def __init__(self, theme: Theme, source: "AlertSource", clock: Clock) -> None:
        super().__init__()
        self._theme, self._source, self._clock = theme, source, clock
        self._readings = ChartReadings()
        self._jobs: tuple[Job, ...] = ()
        self._view = ProtectionView()
        self._look = JobInspection()
        self._settings = Settings()
        self._problems: tuple[Problem, ...] = ()
        self._marked: dict[str, Alert] = {}
        self._marking = QTimer(self)  # a flood of alerts costs one look at the markers
        self._marking.setSingleShot(True)
        self._marking.setInterval(_MARKING_MS)
        self._marking.timeout.connect(self._show_marks)
        self._late = QTimer(self)
        self._late.setSingleShot(True)
        self._late.setInterval(_LATE_MS)
        self._late.timeout.connect(self._pass_jobs)
        self.range_s = 300.0
        self.overview: OverviewPage | None = None
        self.processes: ProcessesPage | None = None
        self.protection: ProtectionPage | None = None
        self.alerts: AlertsPage | None = None
        self.settings: SettingsPage | None = None
        self._builders: dict[str, Callable[[], QWidget]] = {
            "overview": self._build_overview,
            "processes": self._build_processes,
            "protection": self._build_protection,
            "alerts": self._build_alerts,
            "settings": self._build_settings,
        }
        self._built: dict[str, QWidget] = {}

    def show_page(self, name: str) -> None:
        """Turn to a page, building it if it is the first time."""
        if name not in self._built:
            self._built[name] = self._builders[name]()
            self.addWidget(self._built[name])
        self.setCurrentWidget(self._built[name])
        self._pass_jobs()
        self._want_look()

    def filter_of(self, name: str) -> QLineEdit | None:
        """Where the page's filter is typed, if it has one."""
        if name == "alerts" and self.alerts:
            return self.alerts.filter.text
        page = {"processes": self.processes, "settings": self.settings}.get(name)
        return page.filter if page else None

    # -- facts

    def add_snapshot(self, snapshot: Snapshot) -> None:
        """One more reading."""
        self._readings.add(snapshot)
        if self.overview:
            self.overview.show_readings()

    def set_history(self, snapshots: Iterable[Snapshot]) -> None:
        """Other readings altogether."""
        self._readings.replace(snapshots)
        if self.overview:
            self.overview.restart()
            self._show_marks()

    def show_jobs(self, jobs: tuple[Job, ...]) -> None:
        """Another scan."""
        self._jobs = jobs
        self._pass_soon()
        self._want_look()

    @Slot(object)
    def show_look(self, look: JobInspection) -> None:
        """What was seen closely of the jobs in sight."""
        self._look = look
        self._pass_jobs()

    @Slot(object)
    def show_told(self, told: ActionFeedback) -> None:
        """What came of what the person asked for, on the page where it was asked."""
        for each in (self.processes, self.protection):
            if each is not None and each is self.currentWidget():
                each.show_told(told)

    def show_alert(self, alert: Alert) -> None:
        """A new alert, or one that changed."""
        self._mark([alert])
        if self.alerts:
            self.alerts.take(alert)

    def mark_alerts(self, alerts: Sequence[Alert]) -> None:
        """Alerts to mark on the charts."""
        self._marked.clear()
        self._mark(alerts)

    def show_settings(self, settings: Settings, problems: tuple[Problem, ...]) -> None:
        """The settings in force."""
        self._settings, self._problems = settings, problems
        if self.settings:
            self.settings.show_settings(settings, problems)
        if self.overview:
            self.overview.show_thresholds(settings.thresholds)

    def show_actions(self, view: ProtectionView) -> None:
        """What the protector does."""
        self._view = view
        if self.protection:
            self.protection.show_view(view)
        self._pass_soon()

    def reload(self) -> None:
        """Ask again for what is asked for."""
        if self.alerts:
            self.alerts.reload()

    # -- inside

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Catch up with the scans that nobody saw."""
        super().showEvent(event)
        self._pass_jobs()
        self._want_look()

    @Slot()
    def _want_look(self) -> None:
        """A closer look costs something: only for who reads the list of all jobs."""
        page = self.processes
        seen = self.isVisible() and not self.window().isMinimized()
        if seen and page is not None and page is self.currentWidget():
            self.look_wanted.emit(self._jobs, page.chosen_key)

    def _pass_soon(self) -> None:
        """The list of all jobs waits a moment for the closer look that comes after a scan."""
        if self.processes is not None and self.processes is self.currentWidget():
            self._late.start()
        else:
            self._pass_jobs()

    @Slot()
    def _pass_jobs(self) -> None:
        """Hand the newest scan to the page in sight: a list that nobody sees is left alone."""
        self._late.stop()
        if not self.isVisible():
            return
        page, known = self.currentWidget(), grips(self._view, self._look)
        if self.overview is not None and self.overview is page:
            self.overview.show_jobs(self._jobs, known)
        if self.processes is not None and self.processes is page:
            self.processes.show_jobs(self._jobs, known, self._view.state)

    @Slot(str)
    def _on_end_requested(self, job_key: str) -> None:
        """Ask where everything that would be ended is listed."""
        job = next((each for each in self._jobs if each.key == job_key), None)
        if job is None:
            self.show_told(ActionFeedback(sentence="It has ended already.", job_key=job_key))
            return
        self.job_opened.emit(job)
        if self.processes is not None:
            self.processes.ask_to_end(job)

    def _mark(self, alerts: Iterable[Alert]) -> None:
        for alert in alerts:
            self._marked[alert.id] = alert
        for old in list(self._marked)[:-_MARKED]:
            del self._marked[old]
        self._marking.start()

    @Slot()
    def _show_marks(self) -> None:
        if self.overview:
            self.overview.show_alerts(self._marked.values())

    def _build_overview(self) -> QWidget:
        page = OverviewPage(self._theme, self._readings)
        page.show_range(self.range_s)
        page.show_thresholds(self._settings.thresholds)
        page.show_alerts(self._marked.values())
        page.show_jobs(self._jobs, grips(self._view))
        page.range_chosen.connect(self.range_chosen)
        page.job_opened.connect(self.job_opened)
        self.overview = page
        return page

    def _build_processes(self) -> QWidget:
        from omnitray.ui.pages.processes.page import ProcessesPage  # noqa: PLC0415 - when it is shown

        page = ProcessesPage(self._theme)
        page.show_jobs(self._jobs, grips(self._view, self._look), self._view.state)
        page.job_action_requested.connect(self.job_action_requested)
        page.undo_requested.connect(self.undo_requested)
        page.job_chosen.connect(self._want_look)
        self.processes = page
        return page

    def _build_protection(self) -> QWidget:
        from omnitray.ui.pages.protection.page import ProtectionPage  # noqa: PLC0415 - when it is shown

        page = ProtectionPage(self._theme, self._clock.wall)
        page.show_view(self._view)
        page.undo_requested.connect(self.undo_requested)
        page.undo_all_requested.connect(self.undo_all_requested)
        page.protect_state_requested.connect(self.protect_state_requested)
        page.end_requested.connect(self._on_end_requested)
        self.protection = page
        return page

    def _build_alerts(self) -> QWidget:
        from omnitray.ui.pages.alerts.page import AlertsPage  # noqa: PLC0415 - when it is shown

        page = AlertsPage(self._theme, self._source, self._clock.wall)
        page.acknowledge_requested.connect(self.acknowledge_requested)
        page.resolve_requested.connect(self.resolve_requested)
        page.snooze_requested.connect(self.snooze_requested)
        page.export_requested.connect(self.export_requested)
        page.open_file_requested.connect(self.open_file_requested)
        page.reload()
        self.alerts = page
        return page

    def _build_settings(self) -> QWidget:
        from omnitray.ui.pages.settings.page import SettingsPage  # noqa: PLC0415 - when it is shown

        page = SettingsPage()
        page.show_settings(self._settings, self._problems)
        page.change_requested.connect(self.settings_change_requested)
        self.settings = page
        return page

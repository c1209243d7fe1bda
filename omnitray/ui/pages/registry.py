"""The pages of the window: the list, and the stack that builds each when it is first shown.

Adding a page is one file with a class derived from :class:`~omnitray.ui.pages.page.Page` and one
line in :data:`PAGES`.
"""

from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import NamedTuple, TypeVar

from PySide6.QtCore import Qt, QTimer, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QStackedWidget

from omnitray.alerts.channels.deliveries import Delivery
from omnitray.alerts.channels.webhooks.standing import WebhookTest
from omnitray.alerts.model import Alert
from omnitray.base.facts import Job, MonitorLevel, Snapshot
from omnitray.protector.inspection import JobInspection
from omnitray.protector.view import ActionFeedback, HoldKind, ProtectionView
from omnitray.servers.model import ServerView
from omnitray.settings.faults import Problem
from omnitray.settings.model import Settings
from omnitray.ui.pace import Pace
from omnitray.ui.pages.page import Inspects, Page, PageContext
from omnitray.ui.widgets.frames import scrolled
from omnitray.ui.widgets.table import CellView


class PageEntry(NamedTuple):
    """One page: ``name`` as it is asked for and titled, where its class is, a glyph by name."""

    name: str
    module: str
    kind: str
    glyph: str

    def build(self, context: PageContext) -> Page:
        """Import the page's module and build it."""
        kind: type[Page] = getattr(import_module(self.module), self.kind)
        return kind(context)


# In the order of the sidebar and of Ctrl+1, Ctrl+2, …
PAGES = (
    PageEntry("overview", "omnitray.ui.pages.overview", "OverviewPage", "overview"),
    PageEntry("processes", "omnitray.ui.pages.processes.page", "ProcessesPage", "processes"),
    PageEntry("protection", "omnitray.ui.pages.protection.page", "ProtectionPage", "protection"),
    PageEntry("alerts", "omnitray.ui.pages.alerts.page", "AlertsPage", "alerts"),
    PageEntry("servers", "omnitray.ui.pages.servers.page", "ServersPage", "servers"),
    PageEntry("runs", "omnitray.ui.pages.runs.page", "RunsPage", "runs"),
    PageEntry("trends", "omnitray.ui.pages.trends.page", "TrendsPage", "trends"),
    PageEntry("channels", "omnitray.ui.pages.channels.page", "ChannelsPage", "channels"),
    PageEntry("settings", "omnitray.ui.pages.settings.page", "SettingsPage", "settings"),
)

# Markers beyond this are older than an hour of charts shows, but for a flood.
_MARKED = 200
_MARKING_MS = 100  # a flood of alerts moves the markers ten times a second at most
# An inspection comes 5 to 60 ms after the scan that it belongs to: both are painted at once.
_LATE_MS = 100
# What is painted more often than once a second is not read any better, and painting is what an
# open window costs: about 20 ms of CPU each time that Overview or Processes is shown anew.
# At critical there are two readings a second, and the programs that are watched need the time.
_SHOWN_MS = 1000
_SHOWN_CRITICAL_MS = 2000
_SHOWN_SHORT_MS = 3000
# A closer look at 500 processes takes about 30 ms on a busy machine. Its rates say the same
# over some seconds, and who is protected seldom changes: a page that is turned to and a job that is
# chosen do not wait.
_LOOK_MS = {Inspects.NOTHING: 2000, Inspects.BADGES: 10_000, Inspects.FIGURES: 2000}
_LOOK_SHORT_MS = 5000
_SHORT_PERCENT = 90.0
P = TypeVar("P", bound=Page)


class Pages(QStackedWidget):
    """Takes facts, keeps the newest in ``context.facts``, tells the pages that exist.

    A page that needs more height than the window has scrolls as a whole: nothing on it is squeezed.
    """

    def __init__(self, context: PageContext, entries: Sequence[PageEntry] = PAGES) -> None:
        super().__init__()
        self.context = context
        self.entries = {entry.name: entry for entry in entries}
        self._facts = context.facts
        self._built: dict[str, Page] = {}
        self._page: Page | None = None
        self._marking = QTimer(self, singleShot=True, interval=_MARKING_MS)
        self._marking.timeout.connect(self._show_marks)
        self.shown_ms = _SHOWN_MS
        self._readings = Pace(self._pass_readings, _SHOWN_MS, self)
        self._lists = Pace(self._pass_jobs, _SHOWN_MS, self)
        self.looks = Pace(self._look, _LOOK_MS[Inspects.NOTHING], self)

    def show_page(self, name: str) -> None:
        """Turn to a page, building it if it is the first time."""
        if name not in self._built:
            page = self._built[name] = self.entries[name].build(self.context)
            page.item_chosen.connect(self.looks.now)
            page.show_settings()
            page.show_view()
            page.show_marks()
            page.show_servers()
            page.show_jobs()
            page.reload()
            self.addWidget(scrolled(page))
        self._page = self._built[name]
        self.setCurrentIndex(list(self._built).index(name))
        self._set_pace()
        self._lists.now()
        self.looks.now()

    @property
    def page(self) -> Page | None:
        """The page in front."""
        return self._page

    def focus_list(self) -> None:
        """Let the arrow keys move in the list of the page in front, if it has one."""
        lists = self._page.findChildren(CellView) if self._page is not None else []
        shown = next((each for each in lists if each.isVisible()), None)
        if shown is not None:
            shown.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def get(self, kind: type[P]) -> P | None:
        """The page of this class, once it was built."""
        return next((each for each in self._built.values() if isinstance(each, kind)), None)

    # -- facts

    def add_snapshot(self, snapshot: Snapshot) -> None:
        """One more reading."""
        self._facts.readings.add(snapshot)
        self._set_pace()
        self._readings.ask()

    def set_history(self, snapshots: Iterable[Snapshot]) -> None:
        """Other readings altogether."""
        self._facts.readings.replace(snapshots)
        for page in self._built.values():
            page.restart()
        self._show_marks()

    def show_jobs(self, jobs: tuple[Job, ...]) -> None:
        """Another scan."""
        self._facts.jobs = jobs
        clock = self.context.clock
        self._facts.job_tracks.add(jobs, clock.monotonic(), clock.wall())
        self._pass_soon()
        self.looks.ask()

    @Slot(object)
    def show_inspection(self, inspection: JobInspection) -> None:
        """What was seen closely of the jobs in sight."""
        self._facts.inspection = inspection
        self._lists.ask()

    @Slot(object)
    def show_feedback(self, feedback: ActionFeedback) -> None:
        """What came of what the person asked for, on the page where it was asked."""
        if self.page is not None:
            self.page.show_feedback(feedback)

    def take_alerts(self, alerts: Sequence[Alert]) -> None:
        """Alerts that are new or have changed."""
        self._mark(alerts)
        for page in self._built.values():
            page.take_alerts(alerts)

    @Slot(object)
    def show_deliveries(self, news: tuple[Delivery, ...]) -> None:
        """What became of alerts on some channel."""
        alert_ids = {each.alert_id for each in news}
        for page in self._built.values():
            page.show_deliveries(alert_ids)

    @Slot(object)
    def show_webhook_test(self, test: WebhookTest) -> None:
        """What a receiver answered to a test."""
        for page in self._built.values():
            page.show_webhook_test(test)

    def mark_alerts(self, alerts: Sequence[Alert]) -> None:
        """Alerts to mark on the charts, and no others."""
        self._facts.marked.clear()
        self._mark(alerts)

    def show_settings(self, settings: Settings, problems: tuple[Problem, ...]) -> None:
        """The settings in force."""
        self._facts.settings, self._facts.problems = settings, problems
        for page in self._built.values():
            page.show_settings()

    def show_servers(self, views: tuple[ServerView, ...]) -> None:
        """The watched servers."""
        self._facts.servers = views
        for page in self._built.values():
            page.show_servers()

    def show_actions(self, view: ProtectionView) -> None:
        """What the protector does; what it holds is shown at once: the person may have asked."""
        other = _held(view) != _held(self._facts.view)
        self._facts.view = view
        self._facts.spans.follow(view.held, self.context.clock.wall())
        for page in self._built.values():
            page.show_view()
        if other:
            self._lists.now()
        else:
            self._pass_soon()

    def ask_to_end(self, jobs: tuple[Job, ...]) -> None:
        """Let the page in sight ask whether jobs are to be ended."""
        if self.page is not None:
            self.page.ask_to_end(jobs)

    def reload(self) -> None:
        """Ask again for what is asked for."""
        for page in self._built.values():
            page.reload()

    # -- inside

    def _set_pace(self) -> None:
        """How often is shown and looked, by the page in sight and what the machine has to do."""
        newest = self._facts.readings.newest
        short = newest is not None and (newest.cpu_percent or 0.0) >= _SHORT_PERCENT
        critical = newest is not None and newest.level is MonitorLevel.CRITICAL
        calm_ms = _SHOWN_CRITICAL_MS if critical else _SHOWN_MS
        self.shown_ms = _SHOWN_SHORT_MS if short else calm_ms
        for pace in (self._readings, self._lists):
            pace.interval_ms = self.shown_ms
        look_ms = _LOOK_MS[self.page.inspects if self.page is not None else Inspects.NOTHING]
        self.looks.interval_ms = max(look_ms, _LOOK_SHORT_MS) if short or critical else look_ms

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Catch up with the scans that came while the window was hidden."""
        super().showEvent(event)
        self._lists.now()
        self.looks.now()

    def _look(self) -> None:
        """A closer look costs CPU: only for a page in sight that shows what it finds."""
        page = self.page
        seen = self.isVisible() and not self.window().isMinimized()
        if seen and page is not None and page.inspects is not Inspects.NOTHING:
            figures = page.inspects is Inspects.FIGURES
            wanted = self.context.intents.inspection_wanted
            wanted.emit(self._facts.jobs, page.chosen_key, figures)

    def _pass_soon(self) -> None:
        """A page with inspections waits a moment for the one that comes after a scan."""
        wanted = self.page is not None and self.page.inspects is Inspects.FIGURES
        self._lists.ask(_LATE_MS if wanted else 0)

    def _pass_readings(self) -> None:
        for page in self._built.values():
            page.show_readings()

    def _pass_jobs(self) -> None:
        """Tell the page in sight: a list that is not visible is left alone."""
        if self.isVisible() and self.page is not None:
            self.page.show_jobs()

    def _mark(self, alerts: Iterable[Alert]) -> None:
        marked = self._facts.marked
        marked.update((alert.id, alert) for alert in alerts)
        for old in list(marked)[:-_MARKED]:
            del marked[old]
        self._marking.start()

    @Slot()
    def _show_marks(self) -> None:
        for page in self._built.values():
            page.show_marks()


def _held(view: ProtectionView) -> frozenset[tuple[str, HoldKind]]:
    return frozenset((each.action_id, each.grip) for each in view.held)

"""The one small window: sidebar, sentence, selectors, pages, footer.

Facts come in through the public slots, requests go out through the intents; nothing is decided
here. Pages are built when they are first shown and are handed the newest facts then, so that the
first show of the window pays for one page only. Import this module when the window is first
wanted: the tray at rest does without it.
"""

from collections.abc import Callable, Iterable, Sequence

import msgspec
from PySide6.QtCore import QByteArray, QEvent, QPoint, QSize, Qt, Slot
from PySide6.QtGui import (
    QCloseEvent,
    QHideEvent,
    QKeyEvent,
    QKeySequence,
    QResizeEvent,
    QShortcut,
    QShowEvent,
)
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QMessageBox, QVBoxLayout, QWidget

from omnitray.alerts.model import Alert
from omnitray.api.status import Status
from omnitray.base.clock import Clock, SystemClock
from omnitray.base.facts import Job, Severity, Snapshot
from omnitray.protector.view import ActionFeedback, ProtectionView, QuestionView
from omnitray.runs.history import RunSource, no_runs
from omnitray.servers.model import TROUBLED, ServerView
from omnitray.settings.faults import Problem
from omnitray.settings.model import Settings
from omnitray.ui import formats
from omnitray.ui.intents import Intents
from omnitray.ui.pace import Pace
from omnitray.ui.pages.page import (
    AlertSource,
    DeliveriesOf,
    Describe,
    PageContext,
    PageSources,
    ServerLog,
    WindowFacts,
    no_deliveries,
    no_log,
    no_report,
)
from omnitray.ui.pages.registry import PAGES, PageEntry, Pages
from omnitray.ui.theme import GAP, SMALL_GAP, Theme, line_height, text_font, width_of
from omnitray.ui.tray.menu import MainMenu
from omnitray.ui.widgets.accessible import announce, give_roles
from omnitray.ui.widgets.header import Footer, Header
from omnitray.ui.widgets.note_banner import NoteBanner
from omnitray.ui.widgets.question_banner import QuestionBanner
from omnitray.ui.widgets.sidebar import Sidebar
from omnitray.ui.window_place import NoPlaces, Place, PlaceStore

_SIZE = (960, 640)
_SMALLEST = (560, 400)
_LOW_LINES = 23.0  # under so many lines the header takes one less and the footer goes
_NARROW_EM = 64  # under so many widths of an M the captions give way to the figures
_MARGIN = 16


class MainWindow(QWidget):
    """The window. Arguments: the alerts to query, where its place is kept, the clock, the theme.

    Closing it only hides it; the tray goes on. Where there is none (``has_tray`` False) the person
    is asked once what closing means.
    """

    def __init__(  # noqa: PLR0913 - all but the first have defaults
        self,
        alerts: AlertSource,
        *,
        intents: Intents | None = None,
        autostart_enabled: Callable[[], bool] = lambda: False,
        pages: Sequence[PageEntry] = PAGES,
        places: PlaceStore | None = None,
        clock: Clock | None = None,
        theme: Theme | None = None,
        server_log: ServerLog = no_log,
        describe: Describe = no_report,
        deliveries: DeliveriesOf = no_deliveries,
        sources: PageSources | None = None,
        runs: RunSource = no_runs,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._places = places or NoPlaces()
        self._clock = clock or SystemClock()
        self._theme = theme or Theme()
        self.intents = intents or Intents(self)
        self._names = [entry.name for entry in pages]
        self.facts = WindowFacts()
        self.page = ""
        self.has_tray = True
        self.close_question: QMessageBox | None = None
        self._without_tray = ""
        self._note = ""
        self._closed_notes: tuple[str, ...] = ()
        self._ending = False
        self._seen = False  # whether it was ever shown
        self._status: Status | None = None
        self._statuses = Pace(self._pass_status, 0, self)
        give_roles()
        self.menu = MainMenu(self.intents, autostart_enabled, in_window=True)
        self.setObjectName("window")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setWindowTitle("OmniTray")
        self.setFont(text_font(self.font()))
        self.setMinimumSize(*_SMALLEST)
        self.sidebar = Sidebar(self._theme, pages)
        self.header = Header(self._theme, self.intents)
        self.question = QuestionBanner(self.intents, self._clock.wall)
        self.banner = NoteBanner()
        context = PageContext(
            theme=self._theme,
            intents=self.intents,
            alerts=alerts,
            clock=self._clock,
            facts=self.facts,
            server_log=server_log,
            describe=describe,
            deliveries=deliveries,
            sources=sources or PageSources(),
            runs=runs,
        )
        self.pages = Pages(context, pages)
        self.footer = Footer(len(pages))
        self._lay_out()
        self._connect()
        self._wear_theme()
        self._take_place(self._places.load())

    def _lay_out(self) -> None:
        self._main = main = QVBoxLayout()
        main.addWidget(self.header)
        main.addWidget(self.question)
        main.addWidget(self.banner)
        main.addWidget(self.pages, 1)
        main.addWidget(self.footer)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.sidebar)
        row.addLayout(main, 1)

    def _connect(self) -> None:
        self._theme.changed.connect(self._wear_theme)
        self.sidebar.chosen.connect(self.show_page)
        self.header.menu.clicked.connect(self._on_menu)
        self.banner.acted.connect(self.intents.banner_action_requested)
        self.banner.closed.connect(self._on_banner_closed)
        self.intents.job_opened.connect(self._on_job_opened)
        self.intents.jobs_end_asked.connect(self._on_jobs_end_asked)
        QShortcut(QKeySequence("Ctrl+Q"), self).activated.connect(self.intents.quit_requested)
        QShortcut(QKeySequence("Ctrl+W"), self).activated.connect(self.close)
        QShortcut(QKeySequence.StandardKey.Find, self).activated.connect(self._on_find)
        QShortcut(QKeySequence(Qt.Key.Key_F5), self).activated.connect(self.pages.reload)
        for number, page in enumerate(self._names, start=1):
            shortcut = QShortcut(QKeySequence(f"Ctrl+{number}"), self)
            shortcut.setObjectName(page)
            shortcut.activated.connect(self._on_page_shortcut)

    # -- facts

    @Slot(object)
    def show_status(self, status: Status) -> None:
        """The newest status; where only figures are others, when it is time to paint."""
        before, self._status = self._status, status
        if self._seen and not self.isVisible():
            return  # shown with the window
        self._statuses.interval_ms = self.pages.shown_ms
        if before is not None and _but_figures(before) == _but_figures(status):
            self._statuses.ask()
        else:
            self._statuses.now()

    def _pass_status(self) -> None:
        """Headline, selectors, footer, badge."""
        status = self._status
        if status is None:
            return
        self.header.show_status(status)
        self.footer.show_status(status)
        self.menu.show_status(status)
        waiting = sum(alert.state == "firing" for alert in status.open_alerts)
        self.sidebar.show_badge("alerts", waiting)

    @Slot(object)
    def add_snapshot(self, snapshot: Snapshot) -> None:
        """One more reading for the charts."""
        self.pages.add_snapshot(snapshot)

    def set_history(self, snapshots: Iterable[Snapshot]) -> None:
        """Replace what the charts show, oldest first: the backfill at the first show."""
        self.pages.set_history(snapshots)

    def set_alert_history(self, alerts: Iterable[Alert]) -> None:
        """The alerts whose markers the charts show, oldest first."""
        self.pages.mark_alerts(tuple(alerts))

    @Slot(object)
    def show_jobs(self, jobs: tuple[Job, ...]) -> None:
        """The newest scan of the jobs."""
        self.pages.show_jobs(jobs)

    @Slot(object)
    def show_alerts(self, alerts: Sequence[Alert]) -> None:
        """Alerts that are new or have changed."""
        self.pages.take_alerts(alerts)
        self._announce(alerts)

    def _announce(self, alerts: Sequence[Alert]) -> None:
        """Say what has just begun; of many, the first and how many."""
        begun = [each for each in alerts if each.state == "firing" and each.count == 1]
        if begun:
            more = f"; {formats.count(len(begun) - 1, 'more alert')}" if len(begun) > 1 else ""
            urgent = any(each.severity is Severity.CRITICAL for each in begun)
            announce(self, f"{formats.one_line(begun[0].title)}{more}", urgent=urgent)

    @Slot(str)
    def show_page(self, name: str) -> None:
        """Turn to a page by its name."""
        if name not in self._names:
            return
        self.page = name
        self.pages.show_page(name)
        self.sidebar.show_page(name)

    @Slot(str)
    def show_alert_details(self, alert_id: str) -> None:
        """Turn to the alerts page with this very alert selected, whatever the filter was."""
        self._show_item("alerts", alert_id)

    @Slot(object)
    def show_servers(self, views: tuple[ServerView, ...]) -> None:
        """The watched servers; the badge counts those in trouble."""
        self.pages.show_servers(views)
        if "servers" in self._names:
            self.sidebar.show_badge("servers", sum(each.state in TROUBLED for each in views))

    def show_settings(self, settings: Settings, problems: tuple[Problem, ...] = ()) -> None:
        """The settings in force and what was wrong in the file."""
        self.pages.show_settings(settings, problems)

    @Slot(object)
    def show_actions(self, view: ProtectionView) -> None:
        """What is under action, why, and what it did."""
        self.pages.show_actions(view)

    @Slot(object)
    def show_question(self, question: QuestionView | None) -> None:
        """Ask, in a banner on every page; None takes the question away."""
        self.question.show_question(question)
        if question is not None:
            announce(self.question, self.question.words.accessibleName(), urgent=True)

    def show_banner(self, text: str, action: str = "", hint: str = "", note: str = "") -> None:
        """One sentence above the page, with a button if ``action`` names one; "" hides it.

        ``hint`` explains it. One with a ``note`` is not shown again once the person closed it.
        """
        self._note = note
        if note in self._closed_notes:
            text = ""
        self.banner.show_note(formats.one_line(text, 400), action, hint)

    @Slot()
    def _on_banner_closed(self) -> None:
        if self._note:
            self._closed_notes = (*self._closed_notes, self._note)
            self._keep_place()

    def show_now(self) -> None:
        """Show, un-minimise and raise."""
        if self.isMinimized():
            self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self._fit_screen()
        self.show()
        self.raise_()
        self.activateWindow()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Captions give way where there is little room, to figures and rows."""
        narrow = event.size().width() < _NARROW_EM * width_of(self.font(), "M")
        self.sidebar.collapse(collapsed=narrow)
        self.footer.keys.setVisible(not narrow)
        low = event.size().height() < line_height(self.font(), _LOW_LINES)
        gap = SMALL_GAP if low else GAP
        self._main.setContentsMargins(_MARGIN, gap, _MARGIN, gap - 2)
        self._main.setSpacing(gap)
        self.footer.setVisible(not low)
        self.header.fold(folded=low)
        self.question.bound(low=low)
        super().resizeEvent(event)

    def _fit_screen(self) -> None:
        """Never larger than what the screen has free: the foot must be in sight."""
        screen = self.screen()
        if screen is not None and not self.isMaximized():
            free = screen.availableGeometry().size() - (self.frameGeometry().size() - self.size())
            self.setMinimumSize(QSize(*_SMALLEST).boundedTo(free))
            self.resize(self.size().boundedTo(free))

    # -- its place

    def _take_place(self, place: Place) -> None:
        self.facts.range_s = place.range_s
        self.facts.tables.update(place.tables)
        self._without_tray = place.without_tray
        self._closed_notes = place.closed_notes
        self.show_page(place.page if place.page in self._names else self._names[0])
        geometry = QByteArray.fromBase64(place.geometry.encode())
        if geometry.isEmpty() or not self.restoreGeometry(geometry):
            self.resize(*_SIZE)

    def _keep_place(self) -> None:
        geometry = bytes(self.saveGeometry().toBase64().data()).decode()
        place = Place(
            geometry=geometry,
            page=self.page,
            range_s=self.facts.range_s,
            without_tray=self._without_tray,
            tables=self.facts.tables,
            closed_notes=self._closed_notes,
        )
        self._places.save(place)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Catch up with what came while it was hidden."""
        if self._seen:
            self._statuses.now()
        self._seen = True
        super().showEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 - Qt's name
        """Remember the place."""
        self._keep_place()
        super().hideEvent(event)

    # -- closing

    def end(self) -> None:
        """Close it for good: the program ends, and nothing is asked."""
        self._ending = True
        self.close()
        self.menu.discard()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Hide; without a tray, do what the person has said that closing means."""
        if self._ending or self.has_tray or self._without_tray == "background":
            event.accept()
        elif self._without_tray == "quit":
            event.accept()
            self.intents.quit_requested.emit()
        else:
            event.ignore()
            self._ask_about_closing()

    def _ask_about_closing(self) -> None:
        box = QMessageBox(self)
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setWindowTitle("Close the window")
        box.setText("Keep OmniTray running without its window?")
        box.setInformativeText(
            "There is no tray here that could show its icon. In the background it goes on watching "
            "and protecting; start OmniTray again to see the window. You are asked this once."
        )
        stay = box.addButton("Keep running", QMessageBox.ButtonRole.AcceptRole)
        leave = box.addButton("Quit OmniTray", QMessageBox.ButtonRole.DestructiveRole)
        cancel = box.addButton("Leave it open", QMessageBox.ButtonRole.RejectRole)
        stay.clicked.connect(self._on_keep_running)
        leave.clicked.connect(self._on_quit_chosen)
        box.setDefaultButton(cancel)
        box.setEscapeButton(cancel)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.close_question = box
        box.open()

    @Slot()
    def _on_keep_running(self) -> None:
        self._without_tray = "background"
        self.close()

    @Slot()
    def _on_quit_chosen(self) -> None:
        self._without_tray = "quit"
        self._keep_place()
        self.intents.quit_requested.emit()

    @Slot()
    def _on_menu(self) -> None:
        at = self.header.menu
        self.menu.menu.setPalette(self.palette())
        self.menu.menu.setStyleSheet(self.styleSheet())
        self.menu.menu.popup(at.mapToGlobal(QPoint(0, at.height() + 2)))

    # -- look and keys

    @Slot()
    def _wear_theme(self) -> None:
        self.setPalette(self._theme.palette())
        self.setStyleSheet(self._theme.sheet)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Catch up after being minimised."""
        super().changeEvent(event)
        restored = event.type() == QEvent.Type.WindowStateChange and not self.isMinimized()
        if restored and self.pages.page is not None:
            self.pages.page.show_readings()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Esc clears the filter, then hides the window."""
        if event.key() != Qt.Key.Key_Escape:
            super().keyPressEvent(event)
            return
        field = self._search()
        if field is not None and field.text():
            field.clear()
        else:
            self.close()

    @Slot()
    def _on_find(self) -> None:
        field = self._search()
        if field is None:
            self.show_page("alerts")
            field = self._search()
        if field is not None:
            field.setFocus(Qt.FocusReason.ShortcutFocusReason)
            field.selectAll()

    @Slot()
    def _on_page_shortcut(self) -> None:
        sender = self.sender()
        if sender is not None:
            self.show_page(sender.objectName())
            self.pages.focus_list()

    @Slot(object)
    def _on_job_opened(self, job: Job | None) -> None:
        self._show_item("processes", job.key if job else "")

    @Slot(object)
    def _on_jobs_end_asked(self, keys: tuple[str, ...]) -> None:
        """Ask where everything that would be ended is listed."""
        jobs = tuple(each for each in self.facts.jobs if each.key in keys)
        if not jobs:
            over = ActionFeedback(sentence="It has ended already.", job_key=next(iter(keys), ""))
            self.pages.show_feedback(over)
            return
        if len(jobs) == 1:
            self._on_job_opened(jobs[0])
        else:
            self.show_page("processes")
        self.pages.ask_to_end(jobs)

    def _search(self) -> QLineEdit | None:
        return self.pages.page.search if self.pages.page else None

    def _show_item(self, page: str, key: str) -> None:
        self.show_page(page)
        if key and self.pages.page is not None:
            self.pages.page.select(key)


def _but_figures(status: Status) -> Status:
    """The part of a status whose changes are shown at once."""
    return msgspec.structs.replace(status, snapshot=None, own=None, overdue_s=0.0)

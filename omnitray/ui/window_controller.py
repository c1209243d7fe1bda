"""Opens the window when it is first wanted, feeds it facts and carries its intents out.

The window's modules are imported here at the first opening: the tray at rest does without them.
"""

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices, QGuiApplication

from omnitray import __version__
from omnitray.alerts.model import Alert
from omnitray.alerts.storage.query import AlertQuery
from omnitray.api.status import Status
from omnitray.base.clock import Clock
from omnitray.base.facts import AlertMove, Job, Mode, MonitorLevel, Snapshot
from omnitray.protector.view import QuestionView
from omnitray.runtime.app_context import AppContext
from omnitray.runtime.protection import ProtectionFacade
from omnitray.settings import Loaded
from omnitray.ui.intents import Intents
from omnitray.ui.window_place import FilePlaces

if TYPE_CHECKING:
    from omnitray.ui.window import MainWindow

log = logging.getLogger(__name__)

_MARKERS_S = 3600.0
_COPY = "Copy its path"


class Windows(QObject):
    """The one window and what belongs to it."""

    first_shown = Signal(float)  # seconds it took

    def __init__(
        self,
        parts: AppContext[ProtectionFacade],
        *,
        intents: Intents,
        clock: Clock,
        place_file: Path,
        open_url: Callable[[QUrl], bool] = QDesktopServices.openUrl,
    ) -> None:
        super().__init__(parts.hub)
        self._intents = intents
        self._hub = parts.hub
        self._settings = parts.settings
        self._ring = parts.ring
        self._store = parts.store
        self._protection = parts.protection
        self._clock = clock
        self._place_file = place_file
        self._open_url = open_url
        self._window: MainWindow | None = None
        self._banner = ("", "")
        self._question: QuestionView | None = None
        self._unopened = ""
        self._protection.question_changed.connect(self._on_question)
        self._connect_intents()

    @property
    def window(self) -> "MainWindow | None":
        """The window, once it was opened."""
        return self._window

    def open(self, page: str = "", token: str = "") -> None:
        """Show the window, on a page if one is named; ``token`` is the right to come to front."""
        _use_activation_token(token)
        start = time.perf_counter()
        window = self._window or self._build()
        if page:
            window.show_page(page)
        window.show_now()
        if self._window is None:
            self._window = window
            self.first_shown.emit(time.perf_counter() - start)

    def open_alert(self, alert_id: str, token: str = "") -> None:
        """Show the window on this very alert, or on the question of this id."""
        if self._question is not None and alert_id == self._question.id:
            self.open(token=token)  # the question stands above every page
            return
        self.open("alerts", token)
        if self._window is not None:
            self._window.show_alert_details(alert_id)
            log.info("the window shows alert %s", alert_id)

    def show_banner(self, text: str, action: str = "") -> None:
        """One sentence above the page; kept until the window exists."""
        self._banner = (text, action)
        if self._window is not None:
            self._window.show_banner(text, action)

    def close(self) -> None:
        """Close it, its place is kept. Idempotent."""
        if self._window is not None:
            self._window.close()
            self._window.deleteLater()
            self._window = None

    def _build(self) -> "MainWindow":
        from omnitray.ui.window import MainWindow  # noqa: PLC0415 - see the module's text

        window = MainWindow(
            self._store,
            intents=self._intents,
            places=FilePlaces(self._place_file),
            clock=self._clock,
        )
        self._connect_facts(window)
        now = self._clock.wall()
        window.set_history(self._ring.since(now - _MARKERS_S))
        window.set_alert_history(self._store.query(AlertQuery(since=now - _MARKERS_S, limit=200)))
        loaded = self._settings.loaded
        window.show_settings(loaded.settings, loaded.problems)
        window.show_status(self._hub.status)
        window.show_jobs(self._hub.jobs)
        window.show_actions(self._protection.view)
        window.show_question(self._question)
        window.show_banner(*self._banner)
        return window

    def _connect_facts(self, window: "MainWindow") -> None:
        hub = self._hub
        hub.status_changed.connect(self._on_status)
        hub.snapshot_taken.connect(self._on_snapshot)
        hub.jobs_changed.connect(self._on_jobs)
        hub.alerts_changed.connect(self._on_alerts)
        hub.settings_changed.connect(self._on_settings)
        self._protection.view_changed.connect(window.show_actions)
        self._protection.told.connect(window.pages.show_feedback)
        self._protection.looking.seen.connect(window.pages.show_inspection)

    def _connect_intents(self) -> None:
        asked, protection = self._intents, self._protection
        asked.window_requested.connect(self.open)
        asked.inspection_wanted.connect(protection.look)
        asked.mode_requested.connect(self._on_mode_requested)
        asked.level_requested.connect(self._on_level_requested)
        asked.setting_requested.connect(self._on_setting_requested)
        asked.protect_state_requested.connect(protection.set_state)
        asked.protect_pause_requested.connect(protection.pause_for)
        asked.job_action_requested.connect(protection.act_on_job)
        asked.undo_requested.connect(protection.undo)
        asked.undo_all_requested.connect(protection.undo_all)
        asked.answer_given.connect(protection.answer)
        asked.pause_requested.connect(self._on_pause_requested)
        asked.acknowledge_requested.connect(self._on_acknowledge_requested)
        asked.resolve_requested.connect(self._on_resolve_requested)
        asked.snooze_requested.connect(self._on_snooze_requested)
        asked.open_file_requested.connect(self._on_open_file_requested)
        asked.export_requested.connect(self._on_export_requested)
        asked.banner_action_requested.connect(self._on_banner_action)

    # Facts

    @Slot(object)
    def _on_status(self, status: Status) -> None:
        if self._window is not None:
            self._window.show_status(status)

    @Slot(object)
    def _on_snapshot(self, snapshot: Snapshot) -> None:
        if self._window is not None:
            self._window.add_snapshot(snapshot)

    @Slot(object)
    def _on_jobs(self, jobs: tuple[Job, ...]) -> None:
        if self._window is not None:
            self._window.show_jobs(jobs)

    @Slot(object)
    def _on_alerts(self, alerts: tuple[Alert, ...]) -> None:
        if self._window is not None:
            self._window.show_alerts(alerts)

    @Slot(object)
    def _on_settings(self, loaded: Loaded) -> None:
        if self._window is not None:
            self._window.show_settings(loaded.settings, loaded.problems)

    @Slot(object)
    def _on_question(self, question: QuestionView | None) -> None:
        """Kept: a window that is opened later asks it as well."""
        self._question = question
        if self._window is not None:
            self._window.show_question(question)

    # Intents

    @Slot(object)
    def _on_mode_requested(self, mode: Mode) -> None:
        self._hub.set_mode(mode)

    @Slot(object)
    def _on_level_requested(self, level: MonitorLevel | None) -> None:
        self._hub.set_level(level)

    @Slot(object)
    def _on_pause_requested(self, duration_s: float | None) -> None:
        if duration_s is None:
            self._hub.unsnooze()
        else:
            self._hub.snooze(duration_s)

    @Slot(object)
    def _on_acknowledge_requested(self, alert_ids: tuple[str, ...]) -> None:
        for alert_id in alert_ids:
            self._hub.move_alert(alert_id, AlertMove.ACKNOWLEDGE)

    @Slot(object)
    def _on_resolve_requested(self, alert_ids: tuple[str, ...]) -> None:
        for alert_id in alert_ids:
            self._hub.move_alert(alert_id, AlertMove.RESOLVE)

    @Slot(str, float)
    def _on_snooze_requested(self, alert_id: str, duration_s: float) -> None:
        self._hub.snooze(duration_s, alert_id or None)

    @Slot(str)
    def _on_open_file_requested(self, alert_id: str) -> None:
        path = self._store.path_of(alert_id)
        if path is None:
            self.show_banner("This alert is in the compressed archive and has no file of its own")
        elif not self._open_url(QUrl.fromLocalFile(str(path))):
            self._unopened = str(path)
            self.show_banner(f"Nothing here opens this kind of file: {path}", _COPY)

    @Slot()
    def _on_banner_action(self) -> None:
        QGuiApplication.clipboard().setText(self._unopened)
        self.show_banner(f"Copied: {self._unopened}")

    @Slot(object, str)
    def _on_export_requested(self, query: AlertQuery, path: str) -> None:
        from omnitray.alerts.storage.export import (  # noqa: PLC0415 - seldom used
            NotExported,
            export_alerts,
        )

        try:
            count = export_alerts(self._store.query(query), Path(path))
        except NotExported as error:
            self.show_banner(f"Nothing was exported: {error}")
        else:
            self.show_banner(f"{count} alerts exported to {path}")

    @Slot(str, object)
    def _on_setting_requested(self, key: str, value: object) -> None:
        problem = self._hub.change_setting(key, value)
        if problem is not None and self._window is not None:
            loaded = self._settings.loaded
            self._window.show_settings(loaded.settings, (*loaded.problems, problem))


def about_text() -> str:
    """What About says."""
    return (
        f"OmniTray {__version__}\n\nKeeps this machine usable while tests, builds and agents run "
        "wild on it.\n\nMIT licence. Uses Qt for Python (LGPL)."
    )


def _use_activation_token(token: str) -> None:
    """Qt's Wayland plug-in takes the token from the environment when a window is raised."""
    if token:
        os.environ["XDG_ACTIVATION_TOKEN"] = token

"""Opens the window when it is first wanted, feeds it facts and carries its intents out.

The window's modules are imported here at the first opening: the tray at rest does without them.
"""

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from PySide6.QtCore import QObject, QTimer, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices, QGuiApplication

from omnitray import __version__
from omnitray.alerts.channels.deliveries import Delivery
from omnitray.alerts.channels.webhooks.standing import WebhookTest
from omnitray.alerts.model import Alert
from omnitray.alerts.storage.query import AlertQuery
from omnitray.api.status import Status
from omnitray.base.clock import Clock
from omnitray.base.facts import AlertMove, Job, Mode, MonitorLevel, ProcessReport, Snapshot
from omnitray.base.paths import HERE
from omnitray.metrics.aggregate import JobCost, MetricPoint, Period
from omnitray.protector.view import QuestionView
from omnitray.runtime.app_context import AppContext
from omnitray.runtime.protection import ProtectionFacade
from omnitray.settings.faults import Problem
from omnitray.settings.file import Loaded
from omnitray.ui.dashboard import DashboardAsker
from omnitray.ui.intents import Intents
from omnitray.ui.window_place import FilePlaces

if TYPE_CHECKING:
    from omnitray.ui.appearance import DesktopAppearance
    from omnitray.ui.pages.page import PageSources
    from omnitray.ui.theme import Theme
    from omnitray.ui.window import MainWindow

log = logging.getLogger(__name__)

_MARKERS_S = 3600.0
_COPY = "Copy its path"
_CANCEL = "Cancel"
DOCUMENTATION = "https://github.com/omnitray/omnitray/blob/main/docs/guide.md"  # as pyproject says
_PROGRESS_AFTER_S = 0.2  # shorter work is over before its progress could be read
_SAYS_SO_MS = 500  # a keyring that answers has done so long before


class BannerText(NamedTuple):
    """What the banner says, the word on its button, and what that does.

    ``hint`` explains it. One with a ``note`` is not shown again once the person closed it.
    """

    text: str = ""
    action: str = ""
    act: Callable[[], object] | None = None
    hint: str = ""
    note: str = ""


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
        autostart_enabled: Callable[[], bool] = lambda: False,
        appearance: "DesktopAppearance | None" = None,
        open_url: Callable[[QUrl], bool] = QDesktopServices.openUrl,
    ) -> None:
        super().__init__(parts.hub)
        self._intents = intents
        self._hub = parts.hub
        self._settings = parts.settings
        self._ring = parts.ring
        self._store = parts.store
        self._protection = parts.protection
        self._servers = parts.servers
        self._runs = parts.runs.runs
        self._deliveries = parts.channels.deliveries
        self._channels = parts.channels
        self._webhooks = parts.webhooks
        self._metrics = parts.metrics
        self._clock = clock
        self._place_file = place_file
        self._open_url = open_url
        self.describe: Callable[..., ProcessReport | None] = lambda *_, **_k: None
        self._appearance = appearance
        self._dashboard = DashboardAsker(self)
        self._theme: Theme | None = None
        self._autostart_enabled = autostart_enabled
        self._has_tray = True
        self._window: MainWindow | None = None
        self._banner = BannerText()
        self._moving_since: float | None = None
        self._question: QuestionView | None = None
        self._protection.question_changed.connect(self._on_question)
        self._connect_intents()

    @property
    def window(self) -> "MainWindow | None":
        """The window, once it was opened."""
        return self._window

    @property
    def theme(self) -> "Theme":
        """The colours of everything that is shown; made when they are first needed."""
        if self._theme is None:
            from omnitray.ui.theme import Theme  # noqa: PLC0415 - see the module's text

            look = self._settings.loaded.settings.look
            self._theme = Theme(look=look, desktop=self._appearance)
        return self._theme

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

    @Slot(object)
    def show_deliveries(self, news: tuple[Delivery, ...]) -> None:
        """What became of alerts on some channel."""
        if self._window is not None:
            self._window.pages.show_deliveries(news)

    def _sources(self) -> "PageSources":
        from omnitray.ui.pages.page import PageSources, no_webhooks  # noqa: PLC0415 - the window's

        return PageSources(
            channels=self._channels.views,
            webhooks=self._webhooks.views if self._webhooks is not None else no_webhooks,
            metric_points=self._metric_points,
            costly_jobs=self._costly_jobs,
        )

    def _metric_points(
        self, series: str, by: Period, since: float, until: float
    ) -> list[MetricPoint]:
        from omnitray.metrics.store import read_points  # noqa: PLC0415 - SQLite, when it is asked

        return read_points(self._metrics.file, series, by, since, until) if self._metrics else []

    def _costly_jobs(self, since: float, until: float) -> list[JobCost]:
        from omnitray.metrics.store import read_jobs  # noqa: PLC0415 - as above

        return read_jobs(self._metrics.file, since, until) if self._metrics else []

    @Slot(object)
    def _on_webhook_declared(self, fields: dict[str, Any]) -> None:
        if self._webhooks is None:
            return
        saved = self._webhooks.declare(fields)

        def say_so() -> None:
            if not saved.done():
                self.show_banner(_is_being_saved(fields["name"]))

        QTimer.singleShot(_SAYS_SO_MS, self, say_so)

    @Slot(str, object)
    def _on_webhook_saved(self, name: str, problem: Problem | None) -> None:
        if problem is not None:
            self.show_banner(f"The webhook was not saved: {problem.sentence}")
        elif self._banner.text == _is_being_saved(name):
            self.show_banner("")

    @Slot(object)
    def _on_webhook_tested(self, test: WebhookTest) -> None:
        if self._window is not None:
            self._window.pages.show_webhook_test(test)

    def show_banner(
        self, text: str, action: str = "", act: Callable[[], object] | None = None
    ) -> None:
        """One sentence above the page; ``act`` is its button's."""
        self.show_note(BannerText(text, action, act))

    def show_note(self, banner: BannerText) -> None:
        """Show a banner; it is kept until the window exists."""
        self._banner = banner
        if self._window is not None:
            self._window.show_banner(banner.text, banner.action, banner.hint, banner.note)

    def show_tray_available(self, available: bool) -> None:  # noqa: FBT001 - the signal's shape
        """Whether a tray shows the icon: what closing the window means follows from it."""
        self._has_tray = available
        if self._window is not None:
            self._window.has_tray = available

    def close(self) -> None:
        """Close it, its place is kept. Idempotent."""
        self._dashboard.stop()
        if self._window is not None:
            self._window.end()
            self._window.deleteLater()
            self._window = None

    def _build(self) -> "MainWindow":
        from omnitray.ui.window import MainWindow  # noqa: PLC0415 - see the module's text

        window = MainWindow(
            self._store,
            intents=self._intents,
            autostart_enabled=self._autostart_enabled,
            places=FilePlaces(self._place_file),
            clock=self._clock,
            theme=self.theme,
            server_log=self._servers.log_tail,
            describe=self.describe,
            deliveries=self._deliveries.of,
            sources=self._sources(),
            runs=self._runs,
        )
        window.has_tray = self._has_tray
        self._connect_facts(window)
        now = self._clock.wall()
        window.set_history(self._ring.since(now - _MARKERS_S))
        window.set_alert_history(self._store.query(AlertQuery(since=now - _MARKERS_S, limit=200)))
        loaded = self._settings.loaded
        window.show_settings(loaded.settings, loaded.problems)
        window.show_status(self._hub.status)
        window.show_jobs(self._hub.jobs)
        window.show_actions(self._protection.view)
        window.show_servers(self._servers.views())
        window.show_question(self._question)
        said = self._banner
        window.show_banner(said.text, said.action, said.hint, said.note)
        return window

    def _connect_facts(self, window: "MainWindow") -> None:
        hub = self._hub
        hub.status_changed.connect(self._on_status)
        hub.snapshot_taken.connect(self._on_snapshot)
        hub.jobs_changed.connect(self._on_jobs)
        hub.alerts_changed.connect(self._on_alerts)
        hub.settings_changed.connect(self._on_settings)
        self._servers.listed.connect(window.show_servers)
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
        asked.text_export_requested.connect(self._on_text_export_requested)
        asked.server_requested.connect(self._servers.ask)
        asked.server_declared.connect(self._on_server_declared)
        asked.server_log_requested.connect(self._open_path)
        asked.url_requested.connect(self._on_url_requested)
        asked.documentation_requested.connect(self._on_documentation_requested)
        asked.dashboard_requested.connect(self._dashboard.ask)
        self._dashboard.found.connect(self._on_url_requested)
        self._dashboard.failed.connect(self._on_no_dashboard)
        if self._webhooks is not None:
            asked.webhook_requested.connect(self._webhooks.ask)
            self._webhooks.tested.connect(self._on_webhook_tested)
            self._webhooks.declared.connect(self._on_webhook_saved)
            self._webhooks.told.connect(self.show_banner)
        asked.webhook_declared.connect(self._on_webhook_declared)
        asked.banner_action_requested.connect(self._on_banner_action)
        self._hub.moves.progressed.connect(self._on_moves_progressed)
        self._hub.moves.ended.connect(self._on_moves_ended)

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
        if self._theme is not None:
            self._theme.use_look(loaded.settings.look)
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
    def _on_acknowledge_requested(self, meant: tuple[str, ...] | AlertQuery) -> None:
        self._move_alerts(meant, AlertMove.ACKNOWLEDGE)

    @Slot(object)
    def _on_resolve_requested(self, meant: tuple[str, ...] | AlertQuery) -> None:
        self._move_alerts(meant, AlertMove.RESOLVE)

    def _move_alerts(self, meant: tuple[str, ...] | AlertQuery, move: AlertMove) -> None:
        """Move them in slices; what takes long shows how far it is, with a way to stop it."""
        if isinstance(meant, AlertQuery):
            self._hub.move_open_alerts(meant, move)
        else:
            self._hub.moves.add(meant, move)

    @Slot(int, int)
    def _on_moves_progressed(self, done: int, total: int) -> None:
        if self._moving_since is None:
            self._moving_since = time.monotonic()
        elif time.monotonic() - self._moving_since >= _PROGRESS_AFTER_S:
            words = f"{done:,} of {total:,} alerts done"
            self.show_banner(words, _CANCEL, self._hub.moves.cancel)

    @Slot(int, int)
    def _on_moves_ended(self, done: int, total: int) -> None:
        self._moving_since = None
        if self._banner.action == _CANCEL:
            self.show_banner("" if done == total else f"Stopped after {done:,} of {total:,} alerts")

    @Slot(str, float)
    def _on_snooze_requested(self, alert_id: str, duration_s: float) -> None:
        self._hub.snooze(duration_s, alert_id or None)

    @Slot(str)
    def _on_open_file_requested(self, alert_id: str) -> None:
        path = self._store.path_of(alert_id)
        if path is None:
            self.show_banner("This alert is in the compressed archive and has no file of its own")
        else:
            self._open_path(str(path))

    @Slot(str)
    def _open_path(self, path: str) -> None:
        if not self._open_url(QUrl.fromLocalFile(path)):
            sentence = f"Nothing here opens this kind of file: {path}"
            self.show_banner(sentence, _COPY, lambda: self._copy(path))

    @Slot(str)
    def _on_url_requested(self, address: str) -> None:
        if not self._open_url(QUrl(address)):
            sentence = f"Nothing here opens this address: {address}"
            self.show_banner(sentence, _COPY, lambda: self._copy(address))

    @Slot()
    def _on_documentation_requested(self) -> None:
        self._on_url_requested(documentation())
        if self._banner.action == _COPY:  # nothing opens it: the banner needs its window
            self.open()

    @Slot(str)
    def _on_no_dashboard(self, why: str) -> None:
        self.show_banner(why)
        self.open()

    @Slot(object)
    def _on_server_declared(self, fields: dict[str, Any]) -> None:
        problem = self._servers.declare(fields)
        if problem is not None:
            self.show_banner(f"The server was not saved: {problem.sentence}")

    @Slot()
    def _on_banner_action(self) -> None:
        if self._banner.act is not None:
            self._banner.act()

    def _copy(self, text: str) -> None:
        QGuiApplication.clipboard().setText(text)
        self.show_banner(f"Copied: {text}")

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

    @Slot(str, str)
    def _on_text_export_requested(self, path: str, text: str) -> None:
        from omnitray.base.durable import StorageError, write_atomic  # noqa: PLC0415 - seldom used

        try:
            write_atomic(Path(path), text.encode(), follow=True)
        except (OSError, StorageError) as error:
            self.show_banner(f"Nothing was exported: {error}")
        else:
            self.show_banner(f"Exported to {path}")

    @Slot(str, object)
    def _on_setting_requested(self, key: str, value: object) -> None:
        problem = self._hub.change_setting(key, value)
        if problem is not None and self._window is not None:
            loaded = self._settings.loaded
            self._window.show_settings(loaded.settings, (*loaded.problems, problem))


def documentation() -> str:
    """Where the guide is: beside a checkout, else the address that the package names."""
    guide = HERE.parent / "docs" / "guide.md"
    return QUrl.fromLocalFile(str(guide)).toString() if guide.is_file() else DOCUMENTATION


def _is_being_saved(name: str) -> str:
    return f"The webhook “{name}” is being saved: the keyring has not answered yet."


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

"""Watched servers on the main thread: the supervisor's news as signals, alerts and a level.

Beside them stand the servers of test runs, which their runs drive; one that has the name of a
watched server stands in its place while the run lasts.

The supervisor's thread starts with the first server; without one nothing runs and nothing is
imported that is slow.

Servers of test runs (:class:`PublishedServers`) are followed by their files. The run starts them,
raises their alerts and holds the level; a restart is handed on to the run.
"""

import logging
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QFileSystemWatcher, QObject, Qt, QTimer, Signal, Slot

from omnitray.alerts.decision import Reason
from omnitray.alerts.model import fingerprint
from omnitray.api import facade
from omnitray.base.facts import AlertType, MonitorLevel, ProcessIdentity, Severity
from omnitray.base.leases import Lease
from omnitray.base.paths import Paths, own_folder
from omnitray.runtime.hub import Hub
from omnitray.runtime.settings_keeper import SettingsKeeper
from omnitray.servers.logs import ServerLog
from omnitray.servers.model import TROUBLED, AlertNews, ServerRefusal, ServerView, UnknownServer
from omnitray.servers.processes import Scopes
from omnitray.servers.published import (
    PublishedServer,
    ask_to_restart,
    borrowings,
    moment_in_run,
    published,
)
from omnitray.servers.timing import HURRY_S
from omnitray.settings.faults import Problem
from omnitray.settings.file import SERVER

if TYPE_CHECKING:
    from omnitray.servers.supervisor import Supervisor

log = logging.getLogger(__name__)

# A leader that is killed withdraws nothing: while there are any, they are looked after. 0.1 ms.
LEADERS_MS = 1000


class PublishedServers(QObject):
    """See the module. ``changed`` says one server's new view, ``removed`` that some are gone."""

    changed = Signal(object)  # ServerView
    removed = Signal()

    def __init__(self, folder: Path, parent: QObject) -> None:
        super().__init__(parent)
        self._folder = folder
        self._servers: tuple[PublishedServer, ...] = ()
        self._watcher = QFileSystemWatcher(self)
        self._watcher.directoryChanged.connect(self._look)
        self._leaders = QTimer(self, interval=LEADERS_MS)
        self._leaders.timeout.connect(self._look)

    def start(self) -> None:
        """Show those that are there, and follow them."""
        try:
            own_folder(self._folder)
        except OSError as error:
            log.warning("servers of test runs are not shown: %s", error)
            return
        self._watcher.addPath(str(self._folder))
        self._look()

    def stop(self) -> None:
        """Follow them no more."""
        self._leaders.stop()
        if watched := self._watcher.directories():
            self._watcher.removePaths(watched)

    def views(self) -> tuple[ServerView, ...]:
        """How they stand; on any thread."""
        return tuple(each.view for each in self._servers)

    def has(self, name: str) -> bool:
        """Whether a run has a server of that name at this very moment; on any thread."""
        return any(each.view.name == name for each in published(self._folder))

    def restart(self, name: str) -> ServerView:
        """Ask the run to restart it; raises OSError, and LookupError for an unknown name."""
        for each in self._servers:
            if each.view.name == name:
                ask_to_restart(self._folder, each)
                return each.view
        raise LookupError(name)

    def tests_at(self, server: str) -> tuple[str, dict[str, Any]]:
        """Which test of a run that borrows the server runs now, or ended last, in words and facts.

        Where several runs use it, the one that has a test running.
        """
        using = borrowings(self._folder, server)
        if not using:
            return "", {}
        one = max(using, key=lambda each: len(each.running))
        words, facts = moment_in_run(one.running, one.last)
        return words, {"run": one.run, "project": one.project, **facts}

    @Slot()
    def _look(self) -> None:
        before = {each.view.name: each.view for each in self._servers}
        self._servers = published(self._folder)
        now = {each.view.name: each.view for each in self._servers}
        for name, view in now.items():
            if before.get(name) != view:
                self.changed.emit(view)
        if before.keys() - now.keys():
            self.removed.emit()
        if not self._servers:
            self._leaders.stop()
        elif not self._leaders.isActive():
            self._leaders.start()


class WatchedServers(QObject):
    """See the module. ``changed`` says one server's new view, ``listed`` all of them."""

    changed = Signal(object)  # ServerView
    listed = Signal(object)  # tuple[ServerView, ...]
    _view_came = Signal(object)
    _removed_came = Signal(str)
    _news_came = Signal(object)
    _recalled = Signal()

    def __init__(
        self,
        hub: Hub,
        settings: SettingsKeeper,
        paths: Paths,
        scopes: Callable[[], Scopes | None] = lambda: None,
    ) -> None:
        super().__init__(hub)
        self._hub = hub
        self._settings = settings
        self._memory = paths.servers_file
        self._logs = paths.server_logs
        self._scopes = scopes
        self._supervisor: Supervisor | None = None
        self._of_runs = PublishedServers(paths.published_servers, self)
        self._in_hurry: set[str] = set()  # servers whose outage has begun the hurry
        self._stopped = False
        queued = Qt.ConnectionType.QueuedConnection
        self._view_came.connect(self._on_view, queued)
        self._removed_came.connect(self._on_removed, queued)
        self._news_came.connect(self._on_news, queued)
        self._recalled.connect(self._end_stale_alerts, queued)
        hub.settings_changed.connect(self._on_settings)
        self._of_runs.changed.connect(self._on_view)
        self._of_runs.removed.connect(self._list)

    def start(self) -> None:
        """Find the servers of before again, and start those that start by themselves."""
        loaded = self._settings.loaded
        if loaded.servers or self._memory.exists():
            done = self._running().declare(loaded.servers)
            done.add_done_callback(lambda _done: self._recalled.emit())
        else:
            self._recalled.emit()
        self._of_runs.start()

    def stop(self) -> bool:
        """Watch no more; the servers live on. False if the thread did not end in time."""
        self._stopped = True
        self._of_runs.stop()
        if self._supervisor is not None and not self._supervisor.stop():
            log.error("the servers' thread did not stop in time")
            return False
        return True

    def views(self) -> tuple[ServerView, ...]:
        """All of them; on any thread."""
        supervisor = self._supervisor
        of_runs = {each.name: each for each in self._of_runs.views()}
        own = supervisor.views() if supervisor is not None else ()
        shown = tuple(of_runs.pop(each.name, each) for each in own)
        return (*shown, *of_runs.values())

    def identities(self) -> tuple[ProcessIdentity, ...]:
        """The processes that are watched now; on any thread."""
        return tuple(each.identity for each in self.views() if each.identity is not None)

    def log_tail(self, name: str, lines: int) -> tuple[str, ...]:
        """The last lines of a log, empty for an unknown name; on any thread."""
        of_run = self._of_run(name)
        if of_run is not None:
            return ServerLog(Path(of_run.log_file).parent, name).tail(lines)
        supervisor = self._supervisor
        try:
            return supervisor.log_tail(name, lines) if supervisor is not None else ()
        except UnknownServer:
            return ()

    def order(self, name: str, verb: facade.ServerVerb) -> "Future[ServerView]":
        """Start, stop, restart or remove; the future may hold :class:`~facade.CommandRefused`."""
        if self._of_run(name) is not None:
            return self._order_of_run(name, verb)
        if self._supervisor is None:
            raise facade.CommandRefused(facade.Refusal.NOT_FOUND, f"There is no server {name}.")
        if verb != "remove":
            return _refusing(self._supervisor.command(name, verb))
        loaded = self._settings.loaded
        if any(each.name == name for each in loaded.servers):
            if SERVER in loaded.kept_tables:
                return self._take_out(name, self._supervisor.view(name))
            why = f"{self._settings.declares('server', name)}; remove it there."
            raise facade.CommandRefused(facade.Refusal.NOT_NOW, why)
        return _refusing(self._supervisor.remove(name))

    def watch(self, command: facade.WatchServer) -> "Future[ServerView]":
        """Watch one that no settings declare."""
        return _refusing(self._running().add(command.spec, command.owner))

    def restart_of_alert(self, alert_id: str) -> None:
        """The notification's Restart button."""
        alert = next((each for each in self._hub.alerts.open_alerts() if each.id == alert_id), None)
        name = alert.context.get("restart") if alert is not None else None
        if isinstance(name, str) and self._supervisor is not None:
            self.ask(name, "restart")

    @Slot(str, str)
    def ask(self, name: str, verb: str) -> None:
        """The same for a button, which waits for no answer."""
        orders: dict[str, facade.ServerVerb] = {
            "start": "start",
            "stop": "stop",
            "restart": "restart",
            "remove": "remove",
        }
        try:
            done = self.order(name, orders[verb])
        except facade.CommandRefused as refused:
            self._hub.note_problem(f"server {name}", refused.detail)
            return
        self._hub.problem_over(f"server {name}")
        done.add_done_callback(_log_refusal)

    def declare(self, fields: dict[str, Any]) -> Problem | None:
        """Write a ``[[server]]`` into the settings, or change one."""
        return self._settings.change_server(fields)

    # Inside

    def _of_run(self, name: str) -> ServerView | None:
        return next((each for each in self._of_runs.views() if each.name == name), None)

    def _order_of_run(self, name: str, verb: facade.ServerVerb) -> "Future[ServerView]":
        if verb != "restart":
            why = f"A test run owns {name}: it starts with the run and ends with it."
            raise facade.CommandRefused(facade.Refusal.NOT_NOW, why)
        done: Future[ServerView] = Future()
        try:
            done.set_result(self._of_runs.restart(name))
        except (OSError, LookupError) as error:
            raise facade.CommandRefused(facade.Refusal.NOT_NOW, f"{name}: {error}") from error
        return done

    def _take_out(self, name: str, view: ServerView) -> "Future[ServerView]":
        """Remove one that is in force although its file is gone or empty: there is no line."""
        done: Future[ServerView] = Future()
        if (problem := self._settings.remove_server(name)) is not None:
            raise facade.CommandRefused(facade.Refusal.NOT_STORED, problem.told())
        done.set_result(view)
        return done

    def _running(self) -> "Supervisor":
        if self._supervisor is None:
            from omnitray.servers.handling import OtherServers  # noqa: PLC0415 - see above
            from omnitray.servers.supervisor import Supervisor  # noqa: PLC0415 - see above

            self._supervisor = Supervisor(
                memory=self._memory,
                logs=self._logs,
                scopes=self._scopes(),
                elsewhere=OtherServers(is_of_a_run=self._of_runs.has),
                on_change=self._view_came.emit,
                on_removed=self._removed_came.emit,
                on_alert=self._news_came.emit,
            )
            self._supervisor.start()
        return self._supervisor

    @Slot(object)
    def _on_settings(self, loaded: Any) -> None:
        if not self._stopped and (loaded.servers or self._supervisor is not None):
            self._running().declare(loaded.servers)

    @Slot()
    def _end_stale_alerts(self) -> None:
        """End what the last OmniTray left open of servers that were removed or are stopped now.

        Only alerts of our own: a client may raise one in a server's name. Nothing is removed by
        settings that cannot be read.
        """
        views = {each.name: each for each in self.views()}
        for alert in self._hub.alerts.open_alerts():
            name = alert.source.removeprefix("server:")
            ours = AlertNews(server=name, type=alert.type)
            if alert.fingerprint != fingerprint(ours.type, ours.source, ours.labels):
                continue
            view = views.get(name)
            removed = view is None and not self._settings.loaded.problems
            if removed or (view is not None and view.is_stopped):
                self._hub.resolve_alert(alert.fingerprint, Reason.RESOLVED)

    @Slot(object)
    def _on_view(self, view: ServerView) -> None:
        self.changed.emit(view)
        self._list()

    @Slot(str)
    def _on_removed(self, name: str) -> None:
        log.info("server %s is no longer watched", name)
        self._list()

    @Slot()
    def _list(self) -> None:
        views = self.views()
        self.listed.emit(views)
        troubled = (view for view in views if view.state in TROUBLED)
        self._hub.show_servers(tuple(f"{each.name} {each.state.predicate}" for each in troubled))

    @Slot(object)
    def _on_news(self, news: AlertNews) -> None:
        is_down = news.type is AlertType.SERVER_DOWN
        if news.resolved:
            found = fingerprint(news.type, news.source, news.labels)
            self._hub.resolve_alert(found, Reason.RESOLVED)
            if is_down:
                self._calm_down(news.server)
        else:
            during, tests = self._of_runs.tests_at(news.server) if is_down else ("", {})
            self._hub.raise_alert(
                news.type,
                news.title,
                message=f"{news.message} {during}".strip(),
                severity=news.severity,
                source=news.source,
                labels=news.labels,
                context={**news.context, **tests},
                escalates=news.escalates,
            )
            if is_down and news.severity in (None, Severity.CRITICAL):
                self._hurry(news.server)

    def _hurry(self, server: str) -> None:
        """CRITICAL from each news of an outage on for HURRY_S.

        A level that a person chooses meanwhile stays for the whole outage.
        """
        lease = Lease(
            id=f"server:{server}",
            level=MonitorLevel.CRITICAL,
            by=f"server {server}, which is down",
            lasts_s=HURRY_S,
        )
        self._hub.take_lease(lease, again=server in self._in_hurry)
        self._in_hurry.add(server)

    def _calm_down(self, server: str) -> None:
        self._in_hurry.discard(server)
        self._hub.release_lease(f"server:{server}")


def _refusing(done: "Future[ServerView]") -> "Future[ServerView]":
    """The same answer, with the API's refusals for the supervisor's."""
    told: Future[ServerView] = Future()

    def on_done(done: "Future[ServerView]") -> None:
        error = done.exception()
        if error is None:
            told.set_result(done.result())
        elif isinstance(error, UnknownServer):
            told.set_exception(facade.CommandRefused(facade.Refusal.NOT_FOUND, f"{error.args[0]}"))
        elif isinstance(error, ServerRefusal):
            told.set_exception(facade.CommandRefused(facade.Refusal.NOT_NOW, f"{error}"))
        else:
            told.set_exception(error)

    done.add_done_callback(on_done)
    return told


def _log_refusal(done: "Future[ServerView]") -> None:
    if (error := done.exception()) is not None:
        log.info("a server's button: %s", error)

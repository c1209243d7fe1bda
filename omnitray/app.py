"""The composition root: the only module that knows all others.

``build()`` puts the program together and returns before anything runs, so that a test can hold
the whole of it; ``App.run()`` starts it and returns when it has ended; ``App.stop()`` ends it in
stages that are bounded and logged, whatever asks: a signal, the menu, the end of the session.
"""

import contextlib
import functools
import logging
import os
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

import msgspec
from PySide6.QtCore import QCoreApplication, QObject, Qt, QTimer, Signal, Slot

from omnitray import __version__, platforms
from omnitray.alerts.channels.notification import RESTART_ACTION, SNOOZE_ACTION
from omnitray.api.bodies import InstanceIdentity
from omnitray.api.server import ApiServer
from omnitray.base.clock import Clock, SystemClock
from omnitray.base.durable import StorageError
from omnitray.base.facts import ProcessIdentity
from omnitray.base.paths import Paths, UnsafeFolderError, find_paths, own_command, resource, typed
from omnitray.base.process_environment import home, is_survived, processors, set_up_working_folder
from omnitray.cleanup.cleaner import CacheCleaner
from omnitray.cleanup.search import places
from omnitray.client import discovery
from omnitray.monitor.monitor import ProgressiveMonitor
from omnitray.monitor.sampler import OwnCostMeter, Sampler
from omnitray.platforms import Platform
from omnitray.processes.inspector import Inspector
from omnitray.processes.jobs import JobTracker
from omnitray.processes.process_table import ProcessDetails
from omnitray.protector.actuators.executor import ActionPerformer, Executor
from omnitray.protector.actuators.journal import ActionJournal
from omnitray.protector.actuators.signals import stops_hand_over
from omnitray.protector.engine import Protecting
from omnitray.protector.environment import EnvironmentPorts
from omnitray.protector.exclusions.rules import ExclusionRules as ProtectedPrograms
from omnitray.protector.exclusions.rules import child_exclusion_check
from omnitray.protector.inspection import JobInspector
from omnitray.protector.latency import LatencyProbe
from omnitray.protector.oom_events.daemons import OomDaemon, other_oom_daemons
from omnitray.protector.protector import ResourceProtector
from omnitray.runs.history import RunHistory
from omnitray.runtime import logs
from omnitray.runtime.alerting import Alerting, DiedSessions
from omnitray.runtime.api_facade import ProgramFacade
from omnitray.runtime.app_context import AppContext
from omnitray.runtime.cleaning import Cleaning
from omnitray.runtime.cycle_collector import Collector, use_few_arenas
from omnitray.runtime.hub import Hub
from omnitray.runtime.instance import Instance, activate
from omnitray.runtime.metrics import Metrics
from omnitray.runtime.notifications import set_hung_bus_aside
from omnitray.runtime.protection import ProtectionFacade
from omnitray.runtime.protection_worker import Engine
from omnitray.runtime.servers import WatchedServers
from omnitray.runtime.settings_keeper import SettingsKeeper
from omnitray.runtime.shutdown import Deadline, Stages, StopSignals
from omnitray.runtime.webhooks import Webhooks
from omnitray.runtime.workers import InspectionThread, MonitorWorker, RecordingThread, WorkerThread


class ProtectionParts(msgspec.Struct, frozen=True, kw_only=True):
    """What everything that protects is made from."""

    platform: Platform
    paths: Paths
    clock: Clock
    settings: SettingsKeeper
    monitor: ProgressiveMonitor
    servers: Callable[[], tuple[ProcessIdentity, ...]]

    def engine(self) -> Engine:
        """What decides and acts; for the protector's thread."""
        platform = self.platform
        journal = ActionJournal(self.paths.actions_journal, self.paths.run / "actions.jsonl")
        system = platform.system()
        actuators = platform.actuators(system)
        watchdog = platform.watchdog(self.paths.actions_journal)
        details = platform.process_details()
        spared = child_exclusion_check(self._programs(), details, self._never_ended)
        actions = ActionPerformer(journal, actuators, system, self.clock, watchdog, spared)
        source = platform.guard_source()
        around = EnvironmentPorts(
            neighbours=lambda: self._neighbours(details),
            logs=platform.foreign_logs(),
            is_there=system.is_there,
            foreground=platform.foreground(),
            servers=self.servers,
            stops_hand_over=functools.partial(stops_hand_over, system),
        )
        protecting = Protecting(
            source=source,
            scan=platform.process_table().scan,
            jobs=JobTracker(details, self.clock, home(), os.getpid()),
            inspector=Inspector(details, platform.ties_of(), details.written_bytes),
            protector=self._protector(),
            executor=Executor(actions, self.clock),
            probe=LatencyProbe(time.perf_counter, time.thread_time, time.sleep),
            own=platform.own_facts,
            cores=processors(),
            policy=self.settings.loaded.settings.protect_policy(),
            around=around,
        )
        check = functools.partial(platform.check_actuators, actuators, system)
        return Engine(protecting, actions, journal, source, check)

    def looker(self) -> JobInspector:
        """What looks closely at what a page shows; for the thread that looks."""
        details = self.platform.process_details()
        return JobInspector(details, self._programs(), self.platform.own_facts, self.clock)

    def cleaner(self) -> CacheCleaner:
        """What cleans caches; for the thread that cleans."""
        return CacheCleaner(
            places(home(), dict(os.environ)),
            tools=self.platform.programs(),
            clock=self.clock,
            open_files=self.platform.open_files,
            mount_of=self.platform.mount_id,
        )

    def _protector(self) -> ResourceProtector:
        return ResourceProtector(
            os.urandom(3).hex(),
            programs=self.platform.protected_programs(),
            home=str(home()),
            resolve=os.path.realpath,
        )

    def _programs(self) -> ProtectedPrograms:
        return ProtectedPrograms(self.platform.protected_programs(), str(home()), os.path.realpath)

    def _never_ended(self) -> tuple[str, ...]:
        """What is not to end with what has started it, as the settings say it now."""
        return self.settings.loaded.settings.protect_policy().never_ended

    def _neighbours(self, details: ProcessDetails) -> tuple[OomDaemon, ...]:
        """Who else guards this machine, by the monitor's newest scan where there is one."""
        processes = self.monitor.processes or self.platform.process_table().scan()
        return other_oom_daemons(processes, details.cmdline, self.platform.small_text)


if TYPE_CHECKING:
    from omnitray.ui.shell import Shell

log = logging.getLogger(__name__)

_SNOOZE_S = 3600.0
_DISPLAY_S = 10.0  # a display on a busy machine; ours takes 0.1 s
_CHECK_MS = 10_000  # channels that hang are looked for this often
_TEND_MS = 5_000  # what others remove from under us is back within twice this; 0.2 ms a look


class App(QObject):
    """The program: everything built, nothing running until :meth:`run`."""

    _told = Signal(str)  # what is wrong with ourselves, from whatever thread

    def __init__(self, qt: QCoreApplication, paths: Paths, *, headless: bool) -> None:
        super().__init__()
        self.qt = qt
        self.paths = paths
        self.headless = headless
        self.clock = SystemClock()
        self.platform = platforms.current()
        self.stages = Stages()
        self.settings = SettingsKeeper(paths.config_file, self)
        self._build_alerts()
        self._build_monitor()
        self.hub = Hub(
            clock=self.clock,
            settings=self.settings,
            alerts=self.alerts,
            cost=OwnCostMeter(self.clock, time.process_time, self.platform.own_rss_bytes),
            parent=self,
        )
        self.protection = self._build_protection()
        self.servers = WatchedServers(self.hub, self.settings, paths, self.platform.server_scopes)
        self.died_sessions = DiedSessions(self.hub, paths)
        folder = paths.config / "webhooks"
        self.webhooks = Webhooks(self.hub, self.settings, self.alerting, folder)
        self.metrics = Metrics(self.hub, self.paths.data / "metrics.db")
        self.protection.view_changed.connect(self.metrics.show_actions)
        self.parts = AppContext(
            hub=self.hub,
            settings=self.settings,
            ring=self.monitor.ring,
            store=self.store,
            channels=self.alerting.desk,
            webhooks=self.webhooks,
            metrics=self.metrics,
            paths=self.paths,
            protection=self.protection,
            servers=self.servers,
            runs=RunHistory(paths.data),
        )
        self.door = ProgramFacade(self.parts)
        self.door.quit_asked.connect(self._on_quit_asked)
        self.api = ApiServer(self.door, self.settings.loaded.settings.api, paths.api_file)
        self.uncaught = logs.Uncaught(self._told.emit)
        self.shell: Shell | None = None
        self._instance: Instance | None = None
        self._collector = Collector(self)
        self._connect()
        self._plan_the_end()

    def _build_alerts(self) -> None:
        self.alerting = Alerting(self.paths, self.clock, self.settings, self)
        self.store = self.alerting.store
        self.notifications = self.alerting.notifications
        self.dispatcher = self.alerting.dispatcher
        self.alerts = self.alerting.alerts

    def _build_monitor(self) -> None:
        table = self.platform.process_table()
        details = self.platform.process_details()
        sampler = Sampler(self.platform.machine(), self.clock)
        self.monitor = ProgressiveMonitor(
            sampler,
            table.scan,
            JobTracker(details, self.clock, home(), os.getpid()),
            self.clock,
            self.settings.loaded.settings.monitor_policy(),
            own_uid=os.getuid() if hasattr(os, "getuid") else None,
        )
        self.monitor_thread = WorkerThread("monitor", MonitorWorker(self.monitor, sampler.disks))

    def _build_protection(self) -> ProtectionFacade:
        parts = ProtectionParts(
            platform=self.platform,
            paths=self.paths,
            clock=self.clock,
            settings=self.settings,
            monitor=self.monitor,
            servers=lambda: self.servers.identities(),  # noqa: PLW0108 - it is built after this
        )
        return ProtectionFacade(
            self.hub,
            settings=self.settings,
            build=parts.engine,
            cleaning=Cleaning(parts.cleaner, self.hub),
            looking=InspectionThread(parts.looker, self.hub),
            recordings=RecordingThread(self.paths.recordings, str(home()), self.hub),
            clock=self.clock,
        )

    def _connect(self) -> None:
        worker = self.monitor_thread.worker
        worker.stepped.connect(self.hub.on_stepped)
        worker.level_changed.connect(self.hub.on_level_changed)
        worker.failed.connect(self.hub.on_monitor_failed)
        self.protection.follow_disks(worker.disks_read)
        self.hub.level_chosen.connect(worker.choose_level)
        self.hub.policy_changed.connect(worker.take_policy)
        self.hub.trouble_came.connect(worker.escalate)
        self.notifications.action.connect(self._on_notification_action)
        self.notifications.closed.connect(self.hub.on_notification_closed)
        self._told.connect(self._on_told, Qt.ConnectionType.QueuedConnection)
        self._channel_check = QTimer(self, interval=_CHECK_MS)
        self._channel_check.timeout.connect(self.dispatcher.check)
        self._tending = QTimer(self, interval=_TEND_MS)
        self._tending.timeout.connect(self._on_tend)
        self.signals = StopSignals(self.stages, self)
        self.signals.asked.connect(self.end, Qt.ConnectionType.QueuedConnection)

    def _plan_the_end(self) -> None:
        stages = self.stages
        stages.add("the way in from Python", discovery.leave)
        stages.add("the local API", self.api.stop)
        stages.add("the monitor", self.monitor_thread.stop)
        stages.add("the protector", self.protection.stop)
        stages.add("the servers' watch", self.servers.stop)
        stages.add("the webhooks", self.webhooks.stop)
        stages.add("the look at test sessions", self.died_sessions.stop)
        stages.add("the hub", self.hub.stop)
        stages.add("the metrics", self.metrics.stop)
        stages.add("the deliveries", self.alerting.stop)
        stages.add("the channels", self.dispatcher.close)
        stages.add("the notifications", self.notifications.stop)
        stages.add("the collector", self._collector.stop)

    def before_the_end(self, name: str, act: Callable[[], object]) -> None:
        """Do this first when the program ends."""
        self.stages.add_first(name, act)

    def take_instance(self, instance: Instance) -> None:
        """Be the running instance until the end."""
        self._instance = instance
        instance.knocked.connect(self._on_knocked)
        self.stages.add("the instance lock", instance.release)

    # The life

    def start(self) -> None:
        """Start everything; the API last, it must not delay the icon."""
        kind = "headless" if self.headless else "with a tray"
        log.info("OmniTray %s starts, pid %d, %s", __version__, os.getpid(), kind)
        self.uncaught.install()
        self.signals.install()
        self.settings.watch()
        self.notifications.start()
        self.monitor_thread.start()
        self.protection.start()
        self.servers.start()
        self.webhooks.start()
        if self.shell is not None:
            self.shell.start()
        self._channel_check.start()
        self._tending.start()
        self._collector.start()  # what was built stays: no flood of alerts looks through it
        identity = InstanceIdentity(version=__version__, pid=os.getpid(), started=time.time())
        discovery.serve(self.door, identity)
        QTimer.singleShot(0, self.api.start)

    def run(self) -> int:
        """Start, serve until the end is asked for, and end."""
        self.start()
        code = int(self.qt.exec())
        self.stop("the event loop ended")
        return code

    @Slot()
    def _on_quit_asked(self) -> None:
        self.end("asked to quit over the API")

    @Slot(str)
    def end(self, why: str) -> None:
        """Leave the event loop; :meth:`run` then stops everything."""
        self.stop(why)
        self.qt.quit()

    def stop(self, why: str) -> None:
        """End in stages. Idempotent."""
        self._channel_check.stop()
        self._tending.stop()
        self.stages.run(why)

    # Slots and callbacks

    @Slot(str)
    def _on_told(self, sentence: str) -> None:
        self.hub.note_problem("own error", sentence)

    @Slot()
    def _on_tend(self) -> None:
        """Lock, socket, ``api.json`` and alerts are where they belong, or it is said."""
        self.settings.retry()
        self.hub.note_problem("history", self.alerting.history_problem())
        fault = ""
        try:
            if self._instance is not None and not self._instance.tend():
                self.end("another OmniTray has taken the data folder, which was gone")
                return
            self.api.tend()
        except (OSError, StorageError) as error:
            fault = f"OmniTray cannot be found by others: {error}"
        self.hub.note_problem("own files", fault)
        self.hub.note_problem("local API", self.api.problem or "")

    @Slot(str)
    def _on_knocked(self, token: str) -> None:
        if self.shell is not None:
            self.shell.windows.open(token=token)

    @Slot(str, str)
    def _on_notification_action(self, alert_id: str, action: str) -> None:
        answered = self.protection.answer_notification(alert_id, action)
        if not answered and action == SNOOZE_ACTION:
            self.hub.snooze(_SNOOZE_S, alert_id)
        elif action == RESTART_ACTION:
            self.servers.restart_of_alert(alert_id)


def build(paths: Paths, *, headless: bool) -> App:
    """The whole program, not yet running. Makes the Qt application object where there is none."""
    qt = QCoreApplication.instance() or _qt_application(headless=headless)
    app = App(qt, paths, headless=headless)
    if not headless:
        _add_shell(app)
    return app


def _qt_application(*, headless: bool) -> QCoreApplication:
    logs.take_qt_messages()
    QCoreApplication.setApplicationName("OmniTray")
    QCoreApplication.setApplicationVersion(__version__)
    if headless:
        return QCoreApplication(["omnitray"])
    from PySide6.QtGui import QGuiApplication, QIcon  # noqa: PLC0415 - never imported headless
    from PySide6.QtWidgets import QApplication  # noqa: PLC0415 - only with a window

    QGuiApplication.setDesktopFileName("omnitray")
    QGuiApplication.setQuitOnLastWindowClosed(False)
    qt = QApplication(["omnitray"])
    qt.setWindowIcon(QIcon(str(resource("icons/omnitray-128.png"))))
    return qt


def _add_shell(app: App) -> None:
    """What a person sees; imported here so that headless stays without QtGui and QtWidgets."""
    from omnitray.ui.shell import build_shell  # noqa: PLC0415

    autostart = app.platform.autostart((sys.executable, "-m", "omnitray"))
    entry = app.platform.menu_entry(own_command(), resource("omnitray.desktop").parent)
    # The program may be new here, or have moved since it was told to start at login.
    for what, act in (("start at login", autostart.heal), ("the menu of programs", entry.ensure)):
        try:
            act()
        except OSError as error:
            log.warning("the entry for %s could not be written: %s", what, error)
    shell = build_shell(
        app.parts, app.notifications, autostart=autostart, paths=app.paths, clock=app.clock
    )
    shell.windows.describe = platforms.describe_process
    shell.intents.quit_requested.connect(lambda: app.end("asked to quit"))
    app.alerting.delivered.connect(shell.windows.show_deliveries)
    app.before_the_end("the tray and the window", shell.stop)
    app.shell = shell


def main(*, headless: bool, verbose: bool) -> int:
    """Run the program, or show the one that runs already. The exit status."""
    set_up_working_folder()
    use_few_arenas()
    paths = find_paths()
    if not headless and (why := _why_headless(platforms.current())):
        _say(f"OmniTray: {why}, running headless")
        headless = True
    try:
        missing = paths.create()
    except (OSError, UnsafeFolderError) as error:
        _say(f"OmniTray cannot start: {error}", sys.stderr)
        return 1
    instance = Instance(paths, headless=headless)
    if not instance.acquire():
        return _show_the_other(paths)
    logs.start(paths.log_file if paths.log_file.parent.is_dir() else None, verbose=verbose)
    for sentence in missing:
        log.warning("%s; until then nothing is kept there", sentence)
    app = build(paths, headless=headless)
    try:
        instance.listen()
    except OSError as error:  # a full disk: it is tried again while it runs
        log.warning("others cannot ask for the window yet: %s", error)
    app.take_instance(instance)
    app.stages.deadline = Deadline(paths.log_file)
    if headless or (sys.stdout is not None and sys.stdout.isatty()):
        _say_where_to_look(app)
    return app.stages.leave(app.run())


def _say_where_to_look(app: App) -> None:
    """For who started it in a terminal: that it runs, where it is, how to ask and how to end it."""
    protect = f"Protection: {app.hub.status.protect.value} ({typed('protect')} on|watch|off)."
    ask = f"{protect} Ask it with: {typed('status')}. Ctrl+C ends it. Its log: {app.paths.log_file}"
    if app.shell is None:
        _say(f"OmniTray runs without a window. {ask}")
        return
    places = {True: "its icon is in the tray", False: "there is no tray: its window is shown"}
    app.shell.shown.connect(lambda in_tray: _say(f"OmniTray runs: {places[in_tray]}. {ask}"))


def _why_headless(platform: Platform) -> str:
    """What stands against a tray; empty where nothing does. Before any thread is started."""
    if not platform.has_display():
        return "there is no graphical session here"
    set_hung_bus_aside()
    from PySide6.QtGui import QGuiApplication  # noqa: PLC0415 - never imported headless

    if not is_survived(lambda: QGuiApplication(["omnitray"]), _DISPLAY_S):
        return "the display does not answer"
    return ""


def _say(line: str, stream: TextIO | None = None) -> None:
    """One line for who started it; a program whose output is full or closed runs all the same."""
    with contextlib.suppress(OSError):
        print(line, file=stream or sys.stdout, flush=True)


def _show_the_other(paths: Paths) -> int:
    other = activate(paths, os.environ.get("XDG_ACTIVATION_TOKEN", ""))
    if other is None:
        _say(f"OmniTray runs already, but does not answer; its log: {paths.log_file}")
        return 1
    if other.headless:
        way = (
            f"For its window end it with {typed('quit')}, then start it again in a desktop session."
        )
        _say(f"OmniTray runs already, without a window (pid {other.pid}). {way}")
    else:
        _say(f"OmniTray runs already (pid {other.pid}); its window is shown")
    return 0

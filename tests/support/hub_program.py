"""Hub and facade on the real alert system, store and settings file; only protection is told."""

from concurrent.futures import Future
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from omnitray.alerts.channels.base import Listeners
from omnitray.alerts.channels.deliveries import Deliveries
from omnitray.alerts.channels.dispatch import ChannelDesk, Dispatcher
from omnitray.alerts.silences import SilenceFile
from omnitray.alerts.storage.history import History
from omnitray.alerts.storage.store import AlertStore
from omnitray.alerts.system import AlertSystem
from omnitray.api import facade, wire
from omnitray.base.paths import Paths
from omnitray.base.policy import MonitorPolicy
from omnitray.monitor.monitor import MonitorStep, ProgressiveMonitor
from omnitray.monitor.sampler import OwnCostMeter
from omnitray.monitor.thresholds import Transition
from omnitray.protector.view import Explanation, ProtectionView, QuestionView
from omnitray.runs.history import RunHistory
from omnitray.runtime.api_facade import ProgramFacade
from omnitray.runtime.app_context import AppContext
from omnitray.runtime.hub import Hub
from omnitray.runtime.servers import WatchedServers
from omnitray.runtime.settings_keeper import SettingsKeeper
from support.clock import FakeClock
from support.told_machine import ToldMachine, told_monitor


class NoProtection(QObject):
    """Stands in for ``runtime.protection``: nothing is held, and views come by hand."""

    view_changed = Signal(object)
    questions_changed = Signal(object)
    view = ProtectionView()
    questions: tuple[QuestionView, ...] = ()

    def explain(self) -> Explanation:
        return Explanation(action_id="", title="Right now", text="Nothing is short.")

    def carry_out(self, command: facade.Command[Any]) -> Any:
        if isinstance(command, facade.UndoAll):
            done: Future[wire.Done] = Future()
            done.set_result(wire.Done(done=("nothing",)))
            return done
        raise facade.CommandRefused(facade.Refusal.NOT_NOW, "not here")


class Program:
    """The main thread's side of the program."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.machine = ToldMachine(self.clock)
        self.monitor: ProgressiveMonitor = told_monitor(self.machine, MonitorPolicy(grace_s=0))
        self.settings = SettingsKeeper(folder / "config.toml")
        self.store = AlertStore(History(folder / "alerts", self.clock), self.clock)
        self.dispatcher = Dispatcher(self.store, {}, self.clock)
        self.alerts = AlertSystem(
            self.clock,
            self.settings.loaded.settings.alert_policy(),
            self.dispatcher,
            open_alerts=self.store.open_alerts(),
            silences=SilenceFile(folder / "state" / "silences.json"),
        )
        self.hub = Hub(
            clock=self.clock,
            settings=self.settings,
            alerts=self.alerts,
            cost=OwnCostMeter(self.clock, lambda: 0.0, lambda: 60_000_000),
        )
        self.protection = NoProtection()
        self.parts = AppContext(
            hub=self.hub,
            settings=self.settings,
            ring=self.monitor.ring,
            store=self.store,
            runs=RunHistory(folder),
            channels=ChannelDesk(self.dispatcher, self.store, Deliveries(), Listeners()),
            protection=self.protection,
            servers=WatchedServers(self.hub, self.settings, Paths(folder, folder, folder, folder)),
        )
        self.door = ProgramFacade(self.parts)

    def step(self, *transitions: Transition) -> MonitorStep:
        taken = self.monitor.step()
        step = MonitorStep(
            snapshot=taken.snapshot,
            jobs=taken.jobs,
            transitions=transitions,
            level_changes=(),
            report=None,
            next_delay_s=1.0,
        )
        self.hub.on_stepped(step)
        return step

    def end(self) -> None:
        self.hub.stop()
        assert self.dispatcher.close()

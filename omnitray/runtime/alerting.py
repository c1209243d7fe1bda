"""The alert side of the program: store, channels, alert system, and what became of each alert.

Channels report from threads of their own; :class:`Alerting` takes that to the main thread in
batches, where the records get the names of the channels that took them. :class:`DiedSessions`
raises what a test session that was killed cannot say itself.
"""

import logging

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from omnitray.alerts.channels.base import ChannelParts, Listeners
from omnitray.alerts.channels.deliveries import Deliveries, DeliveryState
from omnitray.alerts.channels.dispatch import ChannelDesk, Dispatcher
from omnitray.alerts.channels.webhooks.channel import WebhookChannel
from omnitray.alerts.silences import SilenceFile
from omnitray.alerts.storage.history import History
from omnitray.alerts.storage.store import AlertStore
from omnitray.alerts.system import AlertSystem
from omnitray.base.amounts import count
from omnitray.base.clock import Clock
from omnitray.base.facts import AlertChannel, AlertType
from omnitray.base.paths import Paths
from omnitray.protector.actuators.journal import ActionJournal
from omnitray.protector.model import ActuatorKind
from omnitray.runs.left_sessions import LeftSession, take_left
from omnitray.runtime.hub import Hub
from omnitray.runtime.notifications import Notifications
from omnitray.runtime.settings_keeper import SettingsKeeper
from omnitray.settings.file import Loaded

log = logging.getLogger(__name__)
_PYTEST = "pytest"  # the source of its plugin's alerts
# After a lost connection: the process is there for a moment still, longer where it dumps its core.
_LOOKS_MS = (100, 300, 1000, 3000, 10_000)
_LOOK_MS = 10_000  # for a session that began before OmniTray did; a look lists one folder
# A burst of deliveries is written down together; a record that says so 0.2 s later is soon enough.
_GATHER_MS = 200


class Alerting(QObject):
    """``settings`` says how to notify, and who else gets alerts.

    ``delivered`` says what became of alerts lately: tuple[Delivery, ...], on the main thread.
    """

    delivered = Signal(object)
    troubled = Signal(object)  # WebhookTrouble, from a receiver's thread
    _woken = Signal()

    def __init__(
        self,
        paths: Paths,
        clock: Clock,
        settings: SettingsKeeper,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.deliveries = Deliveries()
        self.listeners = Listeners()
        history = History(paths.alerts, clock, report=log.warning)
        self.store = AlertStore(history, clock, deliveries=self.deliveries)
        self.notifications = Notifications(policy=settings.alert_policy, parent=parent)
        self.dispatcher = Dispatcher(self.store, {}, clock, deliveries=self.deliveries)
        self.dispatcher.open(
            ChannelParts(
                clock=clock,
                paths=paths,
                deliveries=self.deliveries,
                listeners=self.listeners,
                screen=self.notifications,
                webhooks=settings.loaded.webhooks,
            )
        )
        self.alerts = AlertSystem(
            clock,
            settings.alert_policy(),
            self.dispatcher,
            open_alerts=self.store.open_alerts(),
            silences=SilenceFile(paths.state / "silences.json"),
            channels=self.dispatcher.channels,
        )
        self.desk = ChannelDesk(
            self.dispatcher,
            self.store,
            self.deliveries,
            self.listeners,
            self.notifications.why_not,
        )
        self.webhooks = _webhooks(self.dispatcher)
        self.webhooks.on_trouble = self.troubled.emit
        self._gather = QTimer(self, singleShot=True, interval=_GATHER_MS)
        self._gather.timeout.connect(self.settle)
        self._woken.connect(self._on_woken, Qt.ConnectionType.QueuedConnection)
        self.deliveries.wake = self._woken.emit

    @Slot()
    def _on_woken(self) -> None:
        if not self._gather.isActive():
            self._gather.start()

    @Slot()
    def settle(self) -> None:
        """Write down what the channels have said since the last time."""
        news = self.deliveries.take()
        for each in news:
            if each.state is DeliveryState.DELIVERED:
                self.alerts.took(each.alert_id, each.channel)
            elif each.channel == AlertChannel.FILE:
                self.alerts.refused(each.alert_id, each.channel)
        if news:
            self.delivered.emit(news)

    def history_problem(self) -> str:
        """What keeps alerts from the disk and how many wait for it; empty when nothing does."""
        found = self.store.statistics()
        waiting = count(found.unsaved + found.waiting, "alert waits", "alerts wait")
        return f"{found.fault}; {waiting} in memory until there is room" if found.fault else ""

    def stop(self) -> None:
        """No more timers; what was said is written down. Idempotent."""
        self._gather.stop()
        self.settle()

    @Slot(object)
    def take_settings(self, loaded: Loaded) -> None:
        """Other webhooks may stand in the settings."""
        self.webhooks.configure(loaded.webhooks)


class DiedSessions(QObject):
    """Looks for test sessions that have ended without their end, and says who ended them.

    At once when the one who held a level or a mode is gone, else within 10 s.
    """

    def __init__(self, hub: Hub, paths: Paths) -> None:
        super().__init__(hub)
        self._hub = hub
        self._paths = paths
        self._looks_ms: tuple[int, ...] = ()
        self._is_over = False
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self.look)
        self._timer.start(_LOOK_MS)
        hub.lease_lost.connect(self._on_lease_lost)

    @Slot()
    def _on_lease_lost(self) -> None:
        self._looks_ms = _LOOKS_MS
        self._wait()

    def _wait(self) -> None:
        if self._is_over:
            return
        self._timer.start(self._looks_ms[0] if self._looks_ms else _LOOK_MS)
        self._looks_ms = self._looks_ms[1:]

    @Slot()
    def look(self) -> None:
        """Raise an alert about each that has died since."""
        for each in take_left(self._paths.state, runs_too=not self._looks_ms):
            why = self._ended_by_us(each) or each.why
            title, message = each.words(why)
            self._hub.raise_alert(
                AlertType.CRITICAL,
                title,
                message=message,
                source=_PYTEST,
                context=each.context(why),
            )
        self._wait()

    def _ended_by_us(self, left: LeftSession) -> str:
        ended = (left.pid, left.start)
        for record in ActionJournal(self._paths.actions_journal).records():
            processes = (each.process for each in record.changes if each.process is not None)
            is_end = record.began.lever is ActuatorKind.END and not record.began.dry_run
            if is_end and ended in {(each.pid, each.start_ticks) for each in processes}:
                return f": OmniTray has ended it ({record.began.reason})"
        return ""

    def stop(self) -> None:
        """No more looks. Idempotent."""
        self._is_over = True
        self._timer.stop()


def _webhooks(dispatcher: Dispatcher) -> WebhookChannel:
    if not isinstance(dispatcher.durable, WebhookChannel):
        raise TypeError("the registry of channels lacks the webhooks")
    return dispatcher.durable

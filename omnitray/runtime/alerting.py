"""The alert side of the program: store, channels, alert system, and what became of each alert.

Channels report from threads of their own; :class:`Alerting` takes that to the main thread in
batches, where the records get the names of the channels that took them.
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
from omnitray.base.facts import AlertChannel
from omnitray.base.paths import Paths
from omnitray.runtime.notifications import Notifications
from omnitray.runtime.settings_keeper import SettingsKeeper
from omnitray.settings.file import Loaded

log = logging.getLogger(__name__)
# A burst of deliveries is written down together; a record that says so 0.2 s later is soon enough.
_GATHER_MS = 200


class Alerting(QObject):
    """``settings`` says how to notify, and who else is told.

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


def _webhooks(dispatcher: Dispatcher) -> WebhookChannel:
    if not isinstance(dispatcher.durable, WebhookChannel):
        raise TypeError("the registry of channels lacks the webhooks")
    return dispatcher.durable

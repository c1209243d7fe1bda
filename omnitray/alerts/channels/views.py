"""How the channels stand now: which are open, who listens, what waits, what came of the newest.

Asked from any thread: by the window, the API and doctor.
"""

from collections.abc import Callable

import msgspec

from omnitray.alerts.channels.base import Listeners
from omnitray.alerts.channels.deliveries import ChannelState, Deliveries, Delivery, DeliveryState
from omnitray.alerts.channels.dispatch import Dispatcher
from omnitray.alerts.channels.registry import CHANNELS, Audience
from omnitray.alerts.channels.vscode import CLIENT
from omnitray.alerts.channels.webhooks.channel import WebhookChannel
from omnitray.alerts.channels.worker import ChannelStatistics
from omnitray.alerts.storage.store import AlertStore
from omnitray.base.facts import AlertChannel


class ChannelView(msgspec.Struct, frozen=True, kw_only=True):
    """One channel; ``open`` False: this machine has nothing for it, or no client listens.

    ``clients`` counts those that listen, None where none can; ``receivers`` the webhooks of the
    settings. ``fault`` is what is wrong now.
    """

    name: str
    open: bool
    clients: int | None = None
    receivers: int | None = None
    waiting: int = 0
    fault: str = ""
    latest: Delivery | None = None

    @property
    def state(self) -> ChannelState:
        """The one word for it."""
        if self.fault:
            return ChannelState.FAILED
        if self.clients == 0:
            return ChannelState.NO_LISTENER
        if self.receivers == 0:
            return ChannelState.NOT_DECLARED
        return ChannelState.OPEN if self.open else ChannelState.ABSENT


class ChannelDesk:
    """Knows how each channel stands."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        store: AlertStore,
        deliveries: Deliveries,
        listeners: Listeners,
        screen_fault: Callable[[], str] = str,
    ) -> None:
        self._screen_fault = screen_fault
        self.deliveries = deliveries
        self.listeners = listeners
        self._dispatcher = dispatcher
        self._store = store

    def views(self) -> tuple[ChannelView, ...]:
        """All of them, in the order of the registry."""
        known = {each.channel: each for each in self._dispatcher.statistics()}
        views = []
        for entry in CHANNELS:
            latest = self.deliveries.latest(entry.name)
            if entry.audience is Audience.RECORD:
                views.append(self._record(entry.name, latest))
            elif entry.name in (AlertChannel.WEBSOCKET, AlertChannel.VSCODE):
                client = CLIENT if entry.name == AlertChannel.VSCODE else ""
                count = self.listeners.count(client)
                views.append(
                    ChannelView(name=entry.name, open=count > 0, clients=count, latest=latest)
                )
            elif entry.name == AlertChannel.WEBHOOK:
                views.append(self._webhooks(entry.name, latest))
            elif (found := known.get(entry.name)) is not None:
                views.append(self._worker(found, latest))
            else:
                views.append(ChannelView(name=entry.name, open=False, latest=latest))
        return tuple(views)

    def _worker(self, found: ChannelStatistics, latest: Delivery | None) -> ChannelView:
        fault = "it does not answer" if found.stuck else found.last_error or ""
        if not fault and found.channel == AlertChannel.DESKTOP:
            fault = self._screen_fault()
        if not fault and latest is not None and latest.state is DeliveryState.FAILED:
            fault = latest.why
        return ChannelView(
            name=found.channel, open=True, waiting=found.waiting, fault=fault, latest=latest
        )

    def _webhooks(self, name: str, latest: Delivery | None) -> ChannelView:
        channel = self._dispatcher.durable
        views = channel.views() if isinstance(channel, WebhookChannel) else ()
        failing = [each.name for each in views if each.state == "failed"]
        which = f"{len(failing)} of {len(views)} take nothing: " if len(views) > 1 else "fails: "
        return ChannelView(
            name=name,
            open=bool(views),
            receivers=len(views),
            waiting=sum(each.waiting for each in views),
            fault=which + ", ".join(failing) if failing else "",
            latest=latest,
        )

    def _record(self, name: str, latest: Delivery | None) -> ChannelView:
        found = self._store.statistics()
        return ChannelView(
            name=name,
            open=True,
            waiting=found.waiting + found.unsaved,
            fault=found.fault or "",
            latest=latest,
        )

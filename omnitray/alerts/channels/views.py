"""How the channels stand now: which are open, who listens, what waits, what came of the newest.

Asked from any thread: by the window, the API and doctor.
"""

import msgspec

from omnitray.alerts.channels.deliveries import Deliveries, Delivery
from omnitray.alerts.channels.dispatch import Dispatcher
from omnitray.alerts.channels.listeners import Listeners
from omnitray.alerts.channels.registry import CHANNELS, Audience
from omnitray.alerts.channels.vscode import CLIENT
from omnitray.alerts.storage.store import AlertStore
from omnitray.base.facts import AlertChannel


class ChannelView(msgspec.Struct, frozen=True, kw_only=True):
    """One channel; ``open`` False: this machine has nothing for it, or nobody listens.

    ``clients`` counts those that listen, None where nobody can. ``fault`` is what is wrong now.
    """

    name: str
    open: bool
    clients: int | None = None
    waiting: int = 0
    fault: str = ""
    latest: Delivery | None = None


class ChannelDesk:
    """Knows how each channel stands."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        store: AlertStore,
        deliveries: Deliveries,
        listeners: Listeners,
    ) -> None:
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
            elif (found := known.get(entry.name)) is not None:
                fault = "it does not answer" if found.stuck else found.last_error or ""
                views.append(
                    ChannelView(
                        name=entry.name,
                        open=True,
                        waiting=found.waiting,
                        fault=fault,
                        latest=latest,
                    )
                )
            else:
                views.append(ChannelView(name=entry.name, open=False, latest=latest))
        return tuple(views)

    def _record(self, name: str, latest: Delivery | None) -> ChannelView:
        found = self._store.statistics()
        return ChannelView(
            name=name,
            open=True,
            waiting=found.waiting + found.unsaved,
            fault=found.fault or "",
            latest=latest,
        )

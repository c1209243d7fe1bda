"""The WEBSOCKET channel: the clients of the local API.

The API's feed sends the event itself and says when it was written to a client's connection.
"""

from omnitray.alerts.channels.base import ChannelParts, ListeningChannel
from omnitray.alerts.channels.deliveries import delivered
from omnitray.base.facts import AlertChannel


def open_channel(parts: ChannelParts) -> ListeningChannel:
    """Clients of any name."""
    return listening(parts, AlertChannel.WEBSOCKET, "")


def listening(parts: ChannelParts, channel: str, client: str) -> ListeningChannel:
    """A channel of the clients of one name; an empty name means any."""

    def on_taken(alert_id: str, taker: str) -> None:
        if client in ("", taker):
            parts.deliveries.note(*delivered(channel, (alert_id,), parts.clock.wall()))

    parts.listeners.on_taken(on_taken)
    return ListeningChannel(client)

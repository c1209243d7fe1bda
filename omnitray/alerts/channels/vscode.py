"""The VSCODE channel: the extension, which listens to the local API under the name ``vscode``."""

from omnitray.alerts.channels.base import ChannelParts, ListeningChannel
from omnitray.alerts.channels.websocket import listening
from omnitray.base.facts import AlertChannel

CLIENT = "vscode"


def open_channel(parts: ChannelParts) -> ListeningChannel:
    """Clients of that name."""
    return listening(parts, AlertChannel.VSCODE, CLIENT)

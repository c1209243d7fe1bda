"""The channels: one line each. A new one is a file with ``open_channel`` and a line here.

``audience`` says what a channel gets: FEED every change of every alert, ATTENTION only what the
person is notified of, RECORD is the file that all of them stand in. The order is the one in which
names stand in an alert's ``channels``.
"""

import enum
from importlib import import_module
from typing import NamedTuple

from omnitray.base.facts import AlertChannel


class Audience(enum.Enum):
    """What a channel gets."""

    RECORD = "every version of every alert, on disk"
    FEED = "every change of every alert"
    ATTENTION = "what the person is notified of"


class ChannelEntry(NamedTuple):
    """``module`` has a function ``open_channel(parts)``; empty for the alert store."""

    name: str
    audience: Audience
    module: str

    def open(self, parts: object) -> object:
        """The channel, or None where this machine has nothing for it."""
        return import_module(self.module).open_channel(parts) if self.module else None


_HERE = "omnitray.alerts.channels"
CHANNELS = (
    ChannelEntry(AlertChannel.DESKTOP, Audience.ATTENTION, f"{_HERE}.desktop"),
    ChannelEntry(AlertChannel.FILE, Audience.RECORD, ""),
    ChannelEntry(AlertChannel.SYSLOG, Audience.FEED, f"{_HERE}.syslog"),
    ChannelEntry(AlertChannel.WEBSOCKET, Audience.FEED, f"{_HERE}.websocket"),
    ChannelEntry(AlertChannel.VSCODE, Audience.FEED, f"{_HERE}.vscode"),
    ChannelEntry(AlertChannel.WEBHOOK, Audience.FEED, f"{_HERE}.webhooks.channel"),
)
NAMES = tuple(str(entry.name) for entry in CHANNELS)


def of_audience(audience: Audience) -> tuple[str, ...]:
    """The names of the channels that hear this."""
    return tuple(entry.name for entry in CHANNELS if entry.audience is audience)

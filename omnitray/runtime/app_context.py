"""The parts of the program that the window and the API share."""

from typing import Generic, TypeVar

import msgspec

from omnitray.alerts.channels.dispatch import ChannelDesk
from omnitray.alerts.storage.store import AlertStore
from omnitray.base.paths import Paths
from omnitray.monitor.history import SnapshotRing
from omnitray.runs.history import RunHistory
from omnitray.runtime.hub import Hub
from omnitray.runtime.metrics import Metrics
from omnitray.runtime.servers import WatchedServers
from omnitray.runtime.settings_keeper import SettingsKeeper
from omnitray.runtime.webhooks import Webhooks

ProtectsT_co = TypeVar("ProtectsT_co", covariant=True)


class AppContext(msgspec.Struct, Generic[ProtectsT_co], frozen=True, kw_only=True):
    """``protection`` is as much of the protector as its receiver asks for."""

    hub: Hub
    settings: SettingsKeeper
    ring: SnapshotRing
    store: AlertStore
    protection: ProtectsT_co
    servers: WatchedServers
    channels: ChannelDesk
    runs: RunHistory
    webhooks: Webhooks | None = None
    metrics: Metrics | None = None
    paths: Paths | None = None

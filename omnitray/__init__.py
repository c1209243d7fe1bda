"""OmniTray keeps a developer's machine usable.

The names of the Python API are imported when they are first used; importing this package costs
nothing. See ``omnitray.client.sync``.
"""

TYPE_CHECKING = False  # typing itself is a third of the time that importing us may take
if TYPE_CHECKING:
    from typing import Any

    from omnitray.alerts.model import Alert
    from omnitray.base.facts import AlertChannel, AlertType, Mode, MonitorLevel, Severity
    from omnitray.client.aio import (
        get_alert_system,
        get_progressive_monitor,
        get_resource_protector,
    )
    from omnitray.client.http import NotAnswering, NotRunning, RequestFailed
    from omnitray.client.sync import Client, connect, level, mode

__version__ = "0.1.0"
__all__ = [
    "Alert",
    "AlertChannel",
    "AlertType",
    "Client",
    "Mode",
    "MonitorLevel",
    "NotAnswering",
    "NotRunning",
    "RequestFailed",
    "Severity",
    "__version__",
    "connect",
    "get_alert_system",
    "get_progressive_monitor",
    "get_resource_protector",
    "level",
    "mode",
]

_HOMES = {
    "omnitray.client.sync": (
        "Client",
        "connect",
        "level",
        "mode",
    ),
    "omnitray.client.aio": (
        "get_alert_system",
        "get_progressive_monitor",
        "get_resource_protector",
    ),
    "omnitray.alerts.model": ("Alert",),
    "omnitray.base.facts": ("AlertChannel", "AlertType", "Mode", "MonitorLevel", "Severity"),
    "omnitray.client.http": ("NotAnswering", "NotRunning", "RequestFailed"),
}


def __getattr__(name: str) -> "Any":
    """Import a public name when it is first asked for."""
    for home, names in _HOMES.items():
        if name in names:
            from importlib import import_module  # noqa: PLC0415 - only when a name is used

            value = getattr(import_module(home), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module 'omnitray' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__

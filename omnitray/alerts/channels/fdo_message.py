"""The words of ``org.freedesktop.Notifications``: pure functions from facts to arguments.

Desktop Notifications Specification 1.2/1.3: ``Notify`` takes ``susssasa{sv}i``; titles are plain
text everywhere, bodies are markup exactly where the service says ``body-markup``.
"""

from collections.abc import Collection
from typing import Any

from omnitray.alerts.channels.notification import (
    BODY_LIMIT,
    DEFAULT_ACTION,
    LABEL_LIMIT,
    TITLE_LIMIT,
    Notification,
    Urgency,
    presentable,
    printable,
)

SERVICE = "org.freedesktop.Notifications"
OBJECT_PATH = "/org/freedesktop/Notifications"
NOTIFY_SIGNATURE = "susssasa{sv}i"
APP_NAME = "OmniTray"
DESKTOP_ENTRY = "omnitray"

_SERVICE_DECIDES, _NEVER_EXPIRES = -1, 0
_DEFAULT_LABEL = "Show details"


def notify_arguments(
    notification: Notification,
    *,
    replaces_id: int,
    capabilities: Collection[str],
    product: str = "",
    icon: str = "",
) -> tuple[Any, ...]:
    """The arguments of ``Notify`` for a service with this name and these capabilities."""
    return (
        APP_NAME,
        replaces_id,
        icon,
        printable(notification.title, TITLE_LIMIT),
        _body(notification, capabilities),
        _actions(notification, capabilities, product),
        _hints(notification),
        _NEVER_EXPIRES if notification.urgency is Urgency.CRITICAL else _SERVICE_DECIDES,
    )


def _body(notification: Notification, capabilities: Collection[str]) -> str:
    body = presentable(notification.body, BODY_LIMIT)
    return _escaped(body) if "body-markup" in capabilities else body


def _actions(notification: Notification, capabilities: Collection[str], product: str) -> list[str]:
    if "actions" not in capabilities:
        return []
    # WORKAROUND: Xfce's service has no default action and draws it as one more button (4.16 does);
    # it can go when a click on the notification itself emits ActionInvoked("default") there.
    knows_default = "xfce" not in product.lower() or not notification.buttons
    actions = [DEFAULT_ACTION, _DEFAULT_LABEL] if knows_default else []
    for button in notification.buttons:
        actions += [button.key, printable(button.label, LABEL_LIMIT)]
    return actions


def _hints(notification: Notification) -> dict[str, tuple[str, Any]]:
    return {
        "urgency": ("y", int(notification.urgency)),
        "desktop-entry": ("s", DESKTOP_ENTRY),
    }


def _escaped(text: str) -> str:
    """What markup needs escaped; the library for it brings 0.7 MB of entity names along."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

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
_ANSWER_IN_WINDOW = "Answer in the window of OmniTray."
_ANSWER_BEHIND_CLICK = "The answers are behind a click, and in the window of OmniTray."
# Both say that they have actions; mako draws none, dunst has them in a menu (middle click).
_DRAWS_NO_BUTTONS, _HIDES_BUTTONS = "mako", "dunst"
# These show what is critical also while they are told not to disturb, and have no setting for it
# (GNOME Shell's messageTray.js, Cinnamon's copy of it, xfce4-notifyd's main loop).
_CRITICAL_PASSES = ("gnome-shell", "cinnamon", "xfce")
_SOUNDS = {Urgency.CRITICAL: "dialog-warning"}
_SOUND = "message-new-instant"  # both from the Sound Naming Specification 0.8


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
        _body(notification, capabilities, product),
        _actions(notification, capabilities, product),
        _hints(notification, product),
        _NEVER_EXPIRES if notification.urgency is Urgency.CRITICAL else _SERVICE_DECIDES,
    )


def _body(notification: Notification, capabilities: Collection[str], product: str) -> str:
    where = where_to_answer(capabilities, product) if notification.asks else ""
    # The way to the answer comes first when there is not room for all.
    room = BODY_LIMIT - len(where) - 1 if where else BODY_LIMIT
    body = "\n".join(filter(None, (presentable(notification.body, room), where)))
    return _escaped(body) if "body-markup" in capabilities else body


def where_to_answer(capabilities: Collection[str], product: str) -> str:
    """Said below a question whose answers are not drawn as buttons; empty where they are."""
    if "actions" not in capabilities or product.lower() == _DRAWS_NO_BUTTONS:
        return _ANSWER_IN_WINDOW
    return _ANSWER_BEHIND_CLICK if product.lower() == _HIDES_BUTTONS else ""


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


def _hints(notification: Notification, product: str) -> dict[str, tuple[str, Any]]:
    hints = {
        "urgency": ("y", int(_urgency(notification, product))),
        "desktop-entry": ("s", DESKTOP_ENTRY),
        "category": ("s", "x-omnitray.question" if notification.asks else "x-omnitray.alert"),
    }
    if notification.sound:
        hints["sound-name"] = ("s", _SOUNDS.get(notification.urgency, _SOUND))
    else:
        hints["suppress-sound"] = ("b", True)
    return hints


def _urgency(notification: Notification, product: str) -> Urgency:
    """What is critical obeys Do Not Disturb unless the person lets it pass.

    Where the service itself leaves that to the person (Plasma) it gets the urgency as it is.
    """
    forced = any(name in product.lower() for name in _CRITICAL_PASSES)
    if notification.urgency is Urgency.CRITICAL and forced and not notification.passes_dnd:
        return Urgency.NORMAL
    return notification.urgency


def _escaped(text: str) -> str:
    """What markup needs escaped; the library for it brings 0.7 MB of entity names along."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

"""The service behind ``org.freedesktop.Notifications``: its words, and whether it is there.

Desktop Notifications Specification 1.2/1.3: ``Notify`` takes ``susssasa{sv}i``; titles are plain
text everywhere, bodies are markup exactly where the service says ``body-markup``.
:func:`notify_arguments` makes the arguments from facts alone.

:class:`FdoService` follows who owns the name, asks for the capabilities of each new owner, drops
answers that belong to an earlier owner, and passes on only signals that the owner itself sent
(any program on the bus can address us a signal that looks like a click). It is ASKING until the
capabilities are known, then READY, or ABSENT when there is no answer.
"""

import enum
from collections.abc import Collection
from typing import Any, Protocol

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
from omnitray.base.dbus import BusError, BusReply, BusSignal, OnAnswer, SessionBus

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
    # WORKAROUND: Xfce's service has no default action and draws it as another button (0.7.3 does);
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


class ServiceState(enum.Enum):
    """What is known about the notification service."""

    ASKING = "asking"
    READY = "ready"
    ABSENT = "absent"


class FdoListener(Protocol):
    """Who wants to know about the service."""

    def service_ready(self) -> None:
        """The capabilities are known; the service knows nothing of us yet."""
        ...

    def service_absent(self, explanation: str) -> None:
        """No service runs, and none could be started."""
        ...

    def service_gone(self) -> None:
        """The owner of the name changed: numbers and open calls are void."""
        ...

    def service_signal(self, member: str, body: tuple[Any, ...]) -> None:
        """The service said something."""
        ...


class FdoService:
    """The notification service as seen from one connection."""

    def __init__(self, bus: SessionBus, listener: FdoListener) -> None:
        self._bus = bus
        self._listener = listener
        self._owner: str | None = None
        self._generation = 0
        self.state = ServiceState.ASKING
        self.capabilities: frozenset[str] = frozenset()
        self.product = ""

    def start(self) -> None:
        """Look for the service; one that is started on demand is started by this."""
        self._bus.listen(self._on_signal)
        self._bus.subscribe(sender=SERVICE, interface=SERVICE, path=OBJECT_PATH)
        self._bus.watch_name(SERVICE, self._on_owner)
        self.ask()

    def ask(self) -> None:
        """Ask for name and capabilities (again)."""
        self.state = ServiceState.ASKING
        self.call("GetServerInformation", on_answer=self._on_information)
        self.call("GetCapabilities", on_answer=self._on_capabilities)

    def call(
        self,
        member: str,
        signature: str | None = None,
        body: tuple[Any, ...] = (),
        on_answer: OnAnswer | None = None,
    ) -> None:
        """Call a method; the answer is dropped when the owner has changed since the call."""
        generation = self._generation

        def answered(answer: BusReply) -> None:
            if on_answer is not None and generation == self._generation:
                on_answer(answer)

        # Once the owner is known it is the one that is meant: a successor whose arrival we have not
        # heard of yet would show what it is sent again when we have.
        to = self._owner or SERVICE
        self._bus.call(to, OBJECT_PATH, SERVICE, member, signature, body, on_answer and answered)

    def _on_information(self, answer: BusReply) -> None:
        try:
            self.product = str(answer.holding(str)[0])
        except BusError:
            self.product = ""

    def _on_capabilities(self, answer: BusReply) -> None:
        try:
            (capabilities,) = answer.holding(list[str])
        except BusError as error:
            self.state = ServiceState.ABSENT
            self._listener.service_absent(str(error))
            return
        self.capabilities = frozenset(capabilities)
        self.state = ServiceState.READY
        self._listener.service_ready()

    def _on_owner(self, owner: str | None) -> None:
        if owner == self._owner:
            return
        self._owner = owner
        self._generation += 1
        self._listener.service_gone()
        if owner is None:
            self.state = ServiceState.ABSENT
        else:
            self.ask()

    def _on_signal(self, signal: BusSignal) -> None:
        if signal.interface == SERVICE and signal.sender == self._owner:
            self._listener.service_signal(signal.member, signal.body)

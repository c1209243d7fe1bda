"""A notification service for tests: records what it is told, clicks when it is told to.

It speaks ``org.freedesktop.Notifications`` on the given bus and holds its clients to the
specification: a wrong signature, an unknown ``replaces_id``, an odd list of actions or bad markup
is an error that :attr:`NotificationServer.violations` keeps.
"""

import time
from typing import Any
from xml.parsers import expat

import msgspec

from support.dbus_service import DBusService, Result

NAME = "org.freedesktop.Notifications"
PATH = "/org/freedesktop/Notifications"
EVERYTHING = ("actions", "body", "body-markup", "persistence")


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """One call of Notify, with the number that was given."""

    number: int
    replaces: int
    title: str
    body: str
    actions: dict[str, str]
    hints: dict[str, Any]
    icon: str
    timeout_ms: int
    sender: str
    at_s: float  # time.perf_counter() when it came


class NotificationServer(DBusService):
    """Records notifications; :meth:`act` and :meth:`dismiss` are the person."""

    def __init__(self, address: str, capabilities: tuple[str, ...] = EVERYTHING) -> None:
        super().__init__(address, NAME)
        self.capabilities = capabilities
        self.received: list[Received] = []
        self.withdrawn: list[int] = []
        self.violations: list[str] = []
        self.unicast = True  # GNOME's way; others broadcast
        self._open: dict[int, Received] = {}
        self._last = 0

    @property
    def on_screen(self) -> list[Received]:
        """What a person would see now, the oldest first."""
        return list(self._open.values())

    def handle(self, sender: str, interface: str, member: str, body: tuple[Any, ...]) -> Result:
        """The four methods of the specification."""
        if interface != NAME:
            raise LookupError
        match member:
            case "GetCapabilities":
                return "as", (list(self.capabilities),)
            case "GetServerInformation":
                return "ssss", ("recorder", "tests", "1", "1.2")
            case "Notify":
                return "u", (self._notified(sender, *body),)
            case "CloseNotification":
                self._withdrawn(*body)
                return None, ()
        raise LookupError

    def act(self, number: int, action: str = "default", token: str | None = None) -> None:
        """Press a button or the notification itself; it closes after that."""
        if token is not None:
            self._say(number, "ActivationToken", "us", number, token)
        self._say(number, "ActionInvoked", "us", number, action)
        self.dismiss(number)

    def dismiss(self, number: int, reason: int = 2) -> None:
        """Close it: 1 expired, 2 by the person."""
        to = self._receiver(number)
        self._open.pop(number, None)
        self.emit(PATH, NAME, "NotificationClosed", "uu", number, reason, to=to)

    def die(self) -> None:
        """Leave the bus; what was on the screen is gone."""
        super().die()
        self._open.clear()

    def _notified(self, sender: str, *body: Any) -> int:
        _app, replaces, icon, title, text, actions, hints, timeout_ms = body
        if replaces and replaces not in self._open:
            self.violations.append(f"replaces {replaces}, which is not there")
        if len(actions) % 2:
            self.violations.append(f"odd actions: {actions}")
        if "body-markup" in self.capabilities and not _is_markup(text):
            self.violations.append(f"bad markup: {text!r}")
        self._last = self._last if replaces in self._open else self._last + 1
        number = replaces if replaces in self._open else self._last
        received = Received(
            number=number,
            replaces=replaces,
            title=title,
            body=text,
            actions=dict(zip(actions[::2], actions[1::2], strict=False)),
            hints={name: value for name, (_type, value) in hints.items()},
            icon=icon,
            timeout_ms=timeout_ms,
            sender=sender,
            at_s=time.perf_counter(),
        )
        self._open[number] = received
        self.received.append(received)
        return number

    def _withdrawn(self, number: int) -> None:
        if number in self._open:
            self.dismiss(number, reason=3)
        self.withdrawn.append(number)  # at last: who waits for it finds it gone

    def _say(self, number: int, member: str, signature: str, *body: Any) -> None:
        self.emit(PATH, NAME, member, signature, *body, to=self._receiver(number))

    def _receiver(self, number: int) -> str | None:
        shown = self._open.get(number)
        return shown.sender if self.unicast and shown is not None else None


def _is_markup(text: str) -> bool:
    parser = expat.ParserCreate()
    try:
        parser.Parse(f"<body>{text}</body>", True)
    except expat.ExpatError:
        return False
    return True

"""A session bus and a notification service in one object, turned by hand.

Calls reach the service at once; answers, signals and changes of the name's owner wait in one
queue, as a real bus keeps them in order, until :meth:`FakeBus.deliver` hands the next one over.
"""

from collections import deque
from collections.abc import Callable
from typing import Any

from omnitray.alerts.channels.fdo_service import OBJECT_PATH, SERVICE
from omnitray.base.dbus import BusReply, BusSignal, OnAnswer, OnOwner

_NOBODY = "org.freedesktop.DBus.Error.ServiceUnknown"
_DIED = "org.freedesktop.DBus.Error.NoReply"


class FakeBus:
    """Stands in for :class:`omnitray.base.dbus.SessionBus`."""

    def __init__(self, *, served: bool = True) -> None:
        self.lost = False
        self.capabilities = ["actions", "body", "body-markup"]
        self.product = "fake"
        self.refuses = ""
        self.screen: dict[int, tuple[Any, ...]] = {}
        self.notified: list[tuple[Any, ...]] = []
        self._owners = 0
        self._numbers = 0
        self._owner: str | None = None
        self._held: list[OnAnswer] | None = None
        self._queue: deque[Callable[[], None]] = deque()
        self._listeners: list[Callable[[BusSignal], None]] = []
        self._on_owner: OnOwner | None = None
        if served:
            self.come()

    # The bus.

    def listen(self, listener: Callable[[BusSignal], None]) -> None:
        self._listeners.append(listener)

    def subscribe(self, **_rule: str) -> None:
        """Everything is heard."""

    def watch_name(self, name: str, on_owner: OnOwner) -> None:
        assert name == SERVICE
        self._on_owner = on_owner
        owner = self._owner
        self._queue.append(lambda: on_owner(owner))

    def call(
        self,
        destination: str,
        _path: str,
        _interface: str,
        member: str,
        _signature: str | None = None,
        body: tuple[Any, ...] = (),
        on_answer: OnAnswer | None = None,
    ) -> None:
        reached = self._owner is not None and destination in (SERVICE, self._owner)
        nobody = BusReply(error=_NOBODY, body=("nobody there",))
        answer = self._answered(member, body) if reached else nobody
        if on_answer is None:
            return
        if self._held is not None and reached:
            self._held.append(on_answer)
        else:
            self._queue.append(lambda: on_answer(answer))

    def deliver(self) -> bool:
        """Hand over what comes next; False when there is nothing."""
        if not self._queue:
            return False
        self._queue.popleft()()
        return True

    def deliver_all(self) -> None:
        while self.deliver():
            pass

    # The service and the person.

    @property
    def served(self) -> bool:
        return self._owner is not None

    @property
    def titles(self) -> list[str]:
        return [arguments[3] for arguments in self.screen.values()]

    def come(self) -> None:
        """A service takes the name."""
        self._owners += 1
        self._own(f":1.{self._owners}")

    def die(self) -> None:
        """The service is gone, and with it what was on the screen and what it owed."""
        self.screen.clear()
        held, self._held = self._held or [], None
        for on_answer in held:
            self._queue.append(lambda say=on_answer: say(BusReply(error=_DIED, body=())))  # type: ignore[misc]
        self._own(None)

    def hang(self) -> None:
        """Calls are not answered until it dies."""
        self._held = []

    def say(self, member: str, *body: Any, sender: str | None = None) -> None:
        """A signal, from the service unless a sender is given."""
        signal = BusSignal(
            sender=sender or self._owner or "",
            path=OBJECT_PATH,
            interface=SERVICE,
            member=member,
            body=body,
        )

        def heard() -> None:
            for listener in self._listeners:
                listener(signal)

        self._queue.append(heard)

    def dismiss(self, number: int, reason: int = 2) -> None:
        """The person closes it."""
        del self.screen[number]
        self.say("NotificationClosed", number, reason)

    def _own(self, owner: str | None) -> None:
        self._owner = owner
        if (on_owner := self._on_owner) is not None:
            self._queue.append(lambda: on_owner(owner))

    def _answered(self, member: str, body: tuple[Any, ...]) -> BusReply:
        if self._held is not None:
            return BusReply(error=None, body=())
        match member:
            case "GetCapabilities":
                return BusReply(error=None, body=(self.capabilities,))
            case "GetServerInformation":
                return BusReply(error=None, body=(self.product, "tests", "1", "1.2"))
            case "Notify" if self.refuses:
                return BusReply(error=f"{SERVICE}.Error.Refused", body=(self.refuses,))
            case "Notify":
                return BusReply(error=None, body=(self._notified(body),))
            case "CloseNotification" if body[0] in self.screen:
                self.dismiss(body[0], reason=3)
        return BusReply(error=None, body=())

    def _notified(self, arguments: tuple[Any, ...]) -> int:
        number = arguments[1]
        if number not in self.screen:
            self._numbers += 1
            number = self._numbers
        self.screen[number] = arguments
        self.notified.append(arguments)
        return int(number)

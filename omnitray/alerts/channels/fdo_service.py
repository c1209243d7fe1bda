"""The service behind ``org.freedesktop.Notifications``: there, not there, back again.

:class:`FdoService` follows who owns the name, asks for the capabilities of each new owner, drops
answers that belong to an earlier owner, and passes on only signals that the owner itself sent
(any program on the bus can address us a signal that looks like a click).

It is ASKING until the capabilities are known, then READY, or ABSENT when there is no answer.
"""

import enum
from typing import Any, Protocol

from omnitray.alerts.channels.fdo_message import OBJECT_PATH, SERVICE
from omnitray.base.dbus import BusError, BusReply, BusSignal, OnAnswer, SessionBus


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

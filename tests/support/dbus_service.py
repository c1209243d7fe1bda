"""A D-Bus service for tests, on a thread of its own, that can die, hang and come back."""

import threading
from typing import Any, Self

from jeepney import (  # type: ignore[import-untyped]
    DBusAddress,
    HeaderFields,
    Message,
    MessageType,
    Properties,
    new_error,
    new_method_call,
    new_method_return,
    new_signal,
)
from jeepney.bus_messages import message_bus  # type: ignore[import-untyped]
from jeepney.io.blocking import (  # type: ignore[import-untyped]
    DBusConnection,
    Proxy,
    open_dbus_connection,
)

BUS, BUS_PATH = "org.freedesktop.DBus", "/org/freedesktop/DBus"
_TURN_S = 0.02

Result = tuple[str | None, tuple[Any, ...]]


class DBusService:
    """Owns ``name`` and answers calls with :meth:`handle`; used as a context manager."""

    def __init__(self, address: str, name: str) -> None:
        self._address = address
        self._name = name
        self._connection: DBusConnection | None = None
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._awake = threading.Event()
        self._awake.set()
        self._sending = threading.Lock()
        self.path = ""  # of the object whose call is being answered

    def handle(self, sender: str, interface: str, member: str, body: tuple[Any, ...]) -> Result:
        """Answer one call: signature and body; LookupError for a method that is not there."""
        raise NotImplementedError

    def start(self) -> None:
        """Take the name and serve."""
        self._stopping.clear()
        self._connection = open_dbus_connection(bus=self._address)
        Proxy(message_bus, self._connection).RequestName(self._name, 4, _timeout=5)
        self._thread = threading.Thread(target=self._serve, name=f"test {self._name}")
        self._thread.start()
        self.started()

    def started(self) -> None:
        """What is to be done once the name is ours."""

    def die(self) -> None:
        """Leave the bus without a word; idempotent."""
        self._stopping.set()
        self._awake.set()
        if self._thread is not None:
            self._thread.join(10)
            self._thread = None
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def hang(self) -> None:
        """Stay on the bus and answer nothing."""
        self._awake.clear()

    def wake(self) -> None:
        """Answer again, what came meanwhile first."""
        self._awake.set()

    def emit(
        self,
        path: str,
        interface: str,
        member: str,
        signature: str | None,
        *body: Any,
        to: str | None = None,
    ) -> None:
        """Send a signal to everybody, or to one."""
        message = new_signal(DBusAddress(path, interface=interface), member, signature, body)
        if to is not None:
            message.header.fields[HeaderFields.destination] = to
        self._send(message)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_details: object) -> None:
        self.die()

    def _send(self, message: Message) -> None:
        if self._connection is not None:
            with self._sending:
                self._connection.send(message)

    def _serve(self) -> None:
        connection = self._connection
        assert connection is not None
        while not self._stopping.is_set():
            self._awake.wait()
            try:
                message = connection.receive(timeout=_TURN_S)
            except TimeoutError:
                continue
            except ConnectionResetError:
                return
            if message.header.message_type is MessageType.method_call:
                self._answer(message)

    def _answer(self, message: Message) -> None:
        fields = message.header.fields
        interface = fields.get(HeaderFields.interface, "")
        member = fields[HeaderFields.member]
        self.path = fields[HeaderFields.path]
        try:
            signature, body = self.handle(
                fields[HeaderFields.sender], interface, member, tuple(message.body)
            )
        except LookupError:
            unknown = "org.freedesktop.DBus.Error.UnknownMethod"
            self._send(new_error(message, unknown, "s", (f"no {interface}.{member}",)))
        else:
            self._send(new_method_return(message, signature, body))


class Caller:
    """Calls services and waits for the answer."""

    def __init__(self, address: str) -> None:
        self._connection = open_dbus_connection(bus=address)

    def call(
        self,
        destination: str,
        path: str,
        interface: str,
        member: str,
        signature: str | None = None,
        *body: Any,
    ) -> tuple[Any, ...]:
        """The body of the answer; RuntimeError for an error."""
        target = DBusAddress(path, bus_name=destination, interface=interface)
        message = new_method_call(target, member, signature, body)
        answer = self._connection.send_and_get_reply(message, timeout=5)
        if answer.header.message_type is MessageType.error:
            raise RuntimeError(f"{interface}.{member}: {answer.body}")
        return tuple(answer.body)

    def get(self, destination: str, path: str, interface: str, name: str) -> Any:
        """A property's value."""
        message = Properties(DBusAddress(path, bus_name=destination, interface=interface)).get(name)
        answer = self._connection.send_and_get_reply(message, timeout=5)
        if answer.header.message_type is MessageType.error:
            raise RuntimeError(f"{interface}.{name}: {answer.body}")
        return answer.body[0][1]

    def signal(
        self,
        path: str,
        interface: str,
        member: str,
        signature: str,
        *body: Any,
        to: str | None = None,
    ) -> None:
        """Send a signal, as any program on the bus can."""
        message = new_signal(DBusAddress(path, interface=interface), member, signature, body)
        if to is not None:
            message.header.fields[HeaderFields.destination] = to
        self._connection.send(message)

    def owner(self, name: str) -> str | None:
        """Who owns a name now."""
        try:
            return str(self.call(BUS, BUS_PATH, BUS, "GetNameOwner", "s", name)[0])
        except RuntimeError:
            return None

    def close(self) -> None:
        """Leave the bus."""
        self._connection.close()

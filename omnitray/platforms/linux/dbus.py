"""A blocking connection to the session bus that opens when first asked and again after a break.

One a thread: it is not to be shared. Every fault comes out as :class:`BusError` with a sentence.
"""

import os
from collections.abc import Callable
from typing import Any

from jeepney import (  # type: ignore[import-untyped]  # it ships no types
    DBusAddress,
    HeaderFields,
    MessageType,
    Properties,
    new_method_call,
)
from jeepney.io.blocking import (  # type: ignore[import-untyped]  # likewise
    DBusConnection,
    open_dbus_connection,
)

PATIENCE_S = 1.0  # an action must not wait longer: there are other levers
_BUS = DBusAddress(
    "/org/freedesktop/DBus", bus_name="org.freedesktop.DBus", interface="org.freedesktop.DBus"
)


class BusError(Exception):
    """No bus, no answer, or an error as the answer: ``name`` is the error's last word."""

    def __init__(self, text: str, name: str = "") -> None:
        super().__init__(text)
        self.name = name


class BlockingSessionBus:
    """Method calls and properties on the session bus; each waits so long for its answer."""

    def __init__(
        self,
        patience_s: float = PATIENCE_S,
        connect: Callable[[float], DBusConnection] | None = None,
    ) -> None:
        self._patience_s = patience_s
        self._connect = connect or _connect
        self._connection: DBusConnection | None = None

    def call(
        self, address: DBusAddress, method: str, signature: str | None = None, *body: Any
    ) -> tuple[Any, ...]:
        """The reply's body."""
        return self._send(new_method_call(address, method, signature, body))

    def property(self, address: DBusAddress, name: str) -> Any:
        """One property of the address's interface."""
        return self._send(Properties(address).get(name))[0][1]

    def name_owners(self) -> frozenset[int]:
        """The pids that own a well-known name; raises BusError without a bus."""
        (names,) = self.call(_BUS, "ListNames")
        return frozenset(
            pid for name in names if not name.startswith(":") for pid in self._owner(name)
        )

    def close(self) -> None:
        """Close the connection; the next question opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _owner(self, name: str) -> tuple[int, ...]:
        try:
            return self.call(_BUS, "GetConnectionUnixProcessID", "s", name)
        except BusError as error:
            if error.name:  # a name given up between the two questions
                return ()
            raise

    def _send(self, message: Any) -> tuple[Any, ...]:
        try:
            if self._connection is None:
                self._connection = self._connect(self._patience_s)
            reply = self._connection.send_and_get_reply(message, timeout=self._patience_s)
        except KeyError as error:
            raise BusError("no session bus, for XDG_RUNTIME_DIR is not set") from error
        except (OSError, ValueError) as error:
            self.close()
            why = getattr(error, "strerror", None) or error
            raise BusError(f"the session bus does not answer ({why})") from error
        if reply.header.message_type == MessageType.error:
            name = str(reply.header.fields.get(HeaderFields.error_name, ""))
            said = " ".join(str(part) for part in reply.body)
            raise BusError(said or name, name.rpartition(".")[2])
        return tuple(reply.body)


def _connect(patience_s: float) -> DBusConnection:
    return open_dbus_connection(_address(), auth_timeout=patience_s)


def _address() -> str:
    """The session bus; a login without a desktop has its socket but not always the variable."""
    given = os.environ.get("DBUS_SESSION_BUS_ADDRESS")
    return given or f"unix:path={os.environ['XDG_RUNTIME_DIR']}/bus"

"""One connection to the D-Bus session bus that never waits.

:class:`SessionBus` is owned by one thread. Whoever owns it watches :meth:`SessionBus.fileno` with
a socket notifier or a selector, calls :meth:`SessionBus.read` when there is something to read and
:meth:`SessionBus.flush` when it may write again (``on_backlog`` says when that is wanted). Calls
are sent at once and answered later through a callback, so that a service that hangs cannot stop
us. Only :func:`connect` may take time: the handshake with the bus itself, at most ``timeout_s``.

This is the only module that knows jeepney.
"""

import os
import socket
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
from jeepney import (  # type: ignore[import-untyped]
    DBusAddress,
    HeaderFields,
    MatchRule,
    Message,
    MessageFlag,
    MessageType,
    Parser,
    new_method_call,
)
from jeepney.bus import get_bus  # type: ignore[import-untyped]
from jeepney.io.blocking import prep_socket  # type: ignore[import-untyped]

BUS = "org.freedesktop.DBus"
_BUS_PATH = "/org/freedesktop/DBus"
_CHUNK_BYTES = 64 * 1024


class BusUnavailableError(Exception):
    """There is no session bus to talk to, or it went away."""


class BusSignal(msgspec.Struct, frozen=True, kw_only=True):
    """A signal as it came: who sent it and what it says."""

    sender: str
    path: str
    interface: str
    member: str
    body: tuple[Any, ...]


class BusReply(msgspec.Struct, frozen=True, kw_only=True):
    """What a call came back with: ``error`` is the D-Bus name of the error, or None."""

    error: str | None
    body: tuple[Any, ...]

    @property
    def explanation(self) -> str:
        """The error in the words of whoever refused."""
        said = self.body[0] if self.body and isinstance(self.body[0], str) else ""
        return said or self.error or ""


OnAnswer = Callable[[BusReply], None]
OnOwner = Callable[[str | None], None]


def session_address(environment: Mapping[str, str]) -> str:
    """Where the session bus listens: the variable, else the socket of the systemd user session."""
    if address := environment.get("DBUS_SESSION_BUS_ADDRESS"):
        return address
    folder = environment.get("XDG_RUNTIME_DIR")
    if folder and _is_there(Path(folder) / "bus"):
        return f"unix:path={folder}/bus"
    raise BusUnavailableError("no session bus: DBUS_SESSION_BUS_ADDRESS is not set")


def _is_there(path: Path) -> bool:
    """False also where we may not look, as after su, with the other user's folder left over."""
    try:
        return path.exists()
    except OSError:
        return False


def connect(address: str | None = None, *, timeout_s: float = 1.0) -> "SessionBus":
    """Open a connection; raises :class:`BusUnavailableError` in one sentence."""
    address = address or session_address(os.environ)
    try:
        return SessionBus(prep_socket(get_bus(address), timeout=timeout_s))
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        raise BusUnavailableError(f"the session bus does not answer: {error}") from error


class SessionBus:
    """A connection whose every call returns at once.

    ``on_signal`` receives what was subscribed to and what is sent to us alone, ``on_lost`` is
    called once when the bus is gone, ``on_backlog(True)`` when :meth:`flush` is needed.
    """

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self._socket = connection
        self._parser = Parser()
        self._serials = count(1)
        self._waiting: dict[int, OnAnswer] = {}
        self._watched: dict[str, list[OnOwner]] = {}
        self._outgoing = bytearray()
        self._lost = False
        self._listeners: list[Callable[[BusSignal], None]] = []
        self.on_lost: Callable[[], None] = _nothing
        self.on_backlog: Callable[[bool], None] = _ignore
        self.call(BUS, _BUS_PATH, BUS, "Hello")

    def fileno(self) -> int:
        """The descriptor to watch."""
        return self._socket.fileno()

    @property
    def lost(self) -> bool:
        """True when the bus is gone; everything else does nothing from then on."""
        return self._lost

    @property
    def backlog_bytes(self) -> int:
        """What could not be written yet."""
        return len(self._outgoing)

    def call(
        self,
        destination: str,
        path: str,
        interface: str,
        member: str,
        signature: str | None = None,
        body: tuple[Any, ...] = (),
        on_answer: OnAnswer | None = None,
    ) -> None:
        """Send a method call; ``on_answer`` is called from :meth:`read` when the answer is here."""
        target = DBusAddress(path, bus_name=destination, interface=interface)
        message = new_method_call(target, member, signature, body)
        serial = next(self._serials)
        if on_answer is None and member != "Hello":
            message.header.flags |= MessageFlag.no_reply_expected
        elif on_answer is not None:
            self._waiting[serial] = on_answer
        self._outgoing += message.serialise(serial=serial)
        self.flush()

    def listen(self, listener: Callable[[BusSignal], None]) -> None:
        """Hand every signal that arrives to ``listener`` as well."""
        self._listeners.append(listener)

    def subscribe(self, **rule: str) -> None:
        """Ask for signals: ``sender``, ``interface``, ``member``, ``path``."""
        self._add_match(MatchRule(type="signal", **rule))

    def watch_name(self, name: str, on_owner: OnOwner) -> None:
        """Tell who owns a well-known name, now and at every change; None means nobody."""
        rule = MatchRule(type="signal", sender=BUS, interface=BUS, member="NameOwnerChanged")
        rule.add_arg_condition(0, name)
        self._add_match(rule)
        self._watched.setdefault(name, []).append(on_owner)

        def known(answer: BusReply) -> None:
            on_owner(None if answer.error else answer.body[0])

        self.call(BUS, _BUS_PATH, BUS, "GetNameOwner", "s", (name,), known)

    def flush(self) -> None:
        """Write what the socket takes; never waits."""
        try:
            while self._outgoing and not self._lost:
                sent = self._socket.send(self._outgoing)
                del self._outgoing[:sent]
        except BlockingIOError:
            self.on_backlog(True)
        except OSError:
            self._lose()
        else:
            self.on_backlog(False)

    def read(self) -> None:
        """Take in what has arrived and call whom it concerns; never waits."""
        while not self._lost:
            try:
                data = self._socket.recv(_CHUNK_BYTES)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self._lose()
                return
            self._parser.add_data(data)
            while (message := self._parser.get_next_message()) is not None:
                self._dispatch(message)

    def close(self) -> None:
        """Leave the bus; idempotent, calls nobody."""
        self._lost = True
        self._waiting.clear()
        self._socket.close()

    def _add_match(self, rule: MatchRule) -> None:
        self.call(BUS, _BUS_PATH, BUS, "AddMatch", "s", (rule.serialise(),))

    def _dispatch(self, message: Message) -> None:
        kind, fields = message.header.message_type, message.header.fields
        if kind is MessageType.signal:
            self._dispatch_signal(
                BusSignal(
                    sender=fields.get(HeaderFields.sender, ""),
                    path=fields.get(HeaderFields.path, ""),
                    interface=fields.get(HeaderFields.interface, ""),
                    member=fields.get(HeaderFields.member, ""),
                    body=tuple(message.body),
                )
            )
        elif kind in (MessageType.method_return, MessageType.error):
            on_answer = self._waiting.pop(fields.get(HeaderFields.reply_serial, 0), None)
            if on_answer is not None:
                error = fields.get(HeaderFields.error_name)
                on_answer(BusReply(error=error, body=tuple(message.body)))

    def _dispatch_signal(self, signal: BusSignal) -> None:
        if signal.sender == BUS and signal.member == "NameOwnerChanged":
            name, _before, after = signal.body
            for on_owner in self._watched.get(name, ()):
                on_owner(after or None)
        for listener in self._listeners:
            listener(signal)

    def _lose(self) -> None:
        if not self._lost:
            self.close()
            self.on_lost()


def _nothing() -> None:
    return


def _ignore(_wanted: bool) -> None:  # noqa: FBT001 - the shape of on_backlog
    return

"""The D-Bus session bus: one connection, one error, for notifications, tray, units and doctor.

:class:`SessionBus` never waits and is owned by one thread. Its owner watches
:meth:`SessionBus.fileno` with a socket notifier or a selector, calls :meth:`SessionBus.read` when
there is something to read and :meth:`SessionBus.flush` when it may write again (``on_backlog`` says
when that is wanted). Calls are sent at once and answered later through a callback, so that a
service that hangs cannot stop us. Only :func:`connect` may take time: the handshake with the bus
itself, at most ``timeout_s``. :meth:`SessionBus.ask` waits for one answer, with a deadline.

:class:`BlockingSessionBus` is for a thread that acts and needs the answer: it connects when it is
first asked, and again after a break.

This is the only module that knows jeepney. Import it where a desktop is spoken to: the library is
installed on systems with a D-Bus alone.
"""

import contextlib
import os
import selectors
import socket
import struct
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from pathlib import Path
from types import GenericAlias
from typing import Any, NamedTuple

import msgspec
from jeepney import (  # type: ignore[import-untyped]  # it ships no types
    DBusAddress,
    HeaderFields,
    MatchRule,
    Message,
    MessageFlag,
    MessageType,
    Parser,
    new_method_call,
)
from jeepney.bus import get_connectable_addresses  # type: ignore[import-untyped]  # likewise
from jeepney.io.blocking import prep_socket  # type: ignore[import-untyped]  # likewise
from jeepney.low_level import Header  # type: ignore[import-untyped]  # likewise

PATIENCE_S = 1.0  # an action must not wait longer: there are other levers
# What one read takes. The smallest messages have about 100 bytes and cost 40 µs each: 7 ms of the
# owner's thread, and there may be two connections on one thread.
PORTION_BYTES = 16 * 1024
# Longer ones are passed over unread: a list of 64 kB costs up to 100 ms. The longest that we ask
# for on the main thread, what a notification service can do, has some hundred bytes.
MAX_MESSAGE_BYTES = 32 * 1024
# For a thread that waits for its answer: all names on a bus are some ten kB.
MAX_ANSWER_BYTES = 1024 * 1024
_FIXED_BYTES = 16  # of a header: what the lengths of fields and body stand in
_LONGEST_BYTES = 128 * 1024 * 1024  # what the specification allows
_ORDERS = {b"l": "<", b"B": ">"}
_MALFORMED = (ValueError, LookupError, TypeError, struct.error, OverflowError, RecursionError)


class BusError(Exception):
    """No bus, no answer, or an error as the answer: ``name`` is the error's last word."""

    def __init__(self, text: str, name: str = "") -> None:
        super().__init__(text)
        self.name = name


class BusObject(NamedTuple):
    """An interface of an object of a service."""

    service: str
    path: str
    interface: str


BUS = "org.freedesktop.DBus"
_BUS_ITSELF = BusObject(BUS, "/org/freedesktop/DBus", BUS)
_PROPERTIES = "org.freedesktop.DBus.Properties"


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
        """The error's text as the other side sent it."""
        said = self.body[0] if self.body and isinstance(self.body[0], str) else ""
        return said or self.error or ""

    def holding(self, *kinds: Any) -> tuple[Any, ...]:
        """The first values of the body, which are of these types; raises BusError for others.

        The owner of a name may answer anything: no value is used that has not passed here.
        """
        if self.error is not None:
            raise BusError(self.explanation, self.error.rpartition(".")[2])
        return holding(self.body, *kinds)


def holding(body: tuple[Any, ...], *kinds: Any) -> tuple[Any, ...]:
    """The first values of a body, which are of these types; raises BusError for others."""
    try:
        found: tuple[Any, ...] = msgspec.convert(body[: len(kinds)], GenericAlias(tuple, kinds))
    except (msgspec.ValidationError, RecursionError) as error:
        raise BusError(f"the session bus brought something else than asked for: {error}") from error
    return found


OnAnswer = Callable[[BusReply], None]
OnOwner = Callable[[str | None], None]


def session_address(environment: Mapping[str, str]) -> str:
    """Where the session bus listens: the variable, else the socket of the systemd user session."""
    if address := environment.get("DBUS_SESSION_BUS_ADDRESS"):
        return address
    folder = environment.get("XDG_RUNTIME_DIR")
    if folder and _is_there(Path(folder) / "bus"):
        return f"unix:path={folder}/bus"
    raise BusError("no session bus: DBUS_SESSION_BUS_ADDRESS is not set")


def _is_there(path: Path) -> bool:
    """False also where we may not look, as after su, with the other user's folder left over."""
    try:
        return path.exists()
    except OSError:
        return False


def connect(
    address: str | None = None,
    *,
    timeout_s: float = PATIENCE_S,
    most_bytes: int = MAX_MESSAGE_BYTES,
) -> "SessionBus":
    """Open a connection to the first of the addresses that answers.

    Messages longer than ``most_bytes`` are passed over.

    Raises:
        BusError: there is no bus, or none answers within ``timeout_s`` each.
    """
    address = address or session_address(os.environ)
    failure: Exception | None = None
    try:
        for socket_path in get_connectable_addresses(address):
            try:
                return SessionBus(prep_socket(socket_path, timeout=timeout_s), most_bytes)
            except OSError as error:
                failure = error
    except (RuntimeError, *_MALFORMED) as error:
        failure = failure or error
    why = getattr(failure, "strerror", None) or failure
    raise BusError(f"the session bus does not answer: {why}") from failure


class _Stream:
    """Cuts what arrives into messages; of one that is too long only the header is read."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._data = bytearray()
        self._skip_bytes = 0

    def messages(self, data: bytes) -> Iterator[Message]:
        """The messages that ``data`` completes; raises one of ``_MALFORMED``."""
        skipped = min(self._skip_bytes, len(data))
        self._skip_bytes -= skipped
        self._data += data[skipped:]
        while len(self._data) >= _FIXED_BYTES:
            head_bytes, whole_bytes = self._lengths()
            if whole_bytes > self._most_bytes:
                if len(self._data) < head_bytes:
                    return
                message = self._too_long(head_bytes)
            elif len(self._data) < whole_bytes:
                return
            else:
                (message,) = Parser().feed(bytes(self._data[:whole_bytes]))
            self._drop(whole_bytes)
            if message is not None:
                yield message

    def _lengths(self) -> tuple[int, int]:
        """Of the header, as far as it is read, and of the whole message."""
        order = _ORDERS[bytes(self._data[:1])]
        body_bytes, _, field_bytes = struct.unpack_from(f"{order}III", self._data, 4)
        head_bytes = _FIXED_BYTES + (field_bytes + 7) // 8 * 8
        if head_bytes + body_bytes > _LONGEST_BYTES:
            raise ValueError("a message that is longer than any bus carries")
        return head_bytes if head_bytes <= self._most_bytes else 0, head_bytes + body_bytes

    def _too_long(self, head_bytes: int) -> Message | None:
        """An answer that is too long becomes an error, so that no caller waits for it."""
        if not head_bytes:
            return None
        header, _ = Header.from_buffer(bytes(self._data[:head_bytes]))
        header.message_type = MessageType.error
        header.fields[HeaderFields.error_name] = f"{BUS}.Error.LimitsExceeded"
        return Message(header, (f"the answer is longer than {self._most_bytes} bytes",))

    def _drop(self, whole_bytes: int) -> None:
        self._skip_bytes = max(0, whole_bytes - len(self._data))
        del self._data[:whole_bytes]


class SessionBus:
    """A connection whose every call returns at once.

    ``on_signal`` receives what was subscribed to and what is sent to us alone, ``on_lost`` is
    called once when the bus is gone, ``on_backlog(True)`` when :meth:`flush` is needed.
    """

    def __init__(self, connection: socket.socket, most_bytes: int = MAX_MESSAGE_BYTES) -> None:
        connection.setblocking(False)
        self._socket = connection
        self._stream = _Stream(most_bytes)
        self._serials = count(1)
        self._waiting: dict[int, OnAnswer] = {}
        self._watched: dict[str, list[OnOwner]] = {}
        self._outgoing = bytearray()
        self._lost = False
        self._listeners: list[Callable[[BusSignal], None]] = []
        self.on_lost: Callable[[], None] = _nothing
        self.on_backlog: Callable[[bool], None] = _ignore
        self._send(_BUS_ITSELF, "Hello", None, (), _ignore_reply)

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
        self._send(BusObject(destination, path, interface), member, signature, body, on_answer)

    def ask(
        self,
        target: BusObject,
        member: str,
        signature: str | None = None,
        body: tuple[Any, ...] = (),
        timeout_s: float = PATIENCE_S,
    ) -> BusReply:
        """Call and wait for the answer; signals that come before it are handed on.

        Raises:
            BusError: none came in time, or the bus is gone.
        """
        answers: list[BusReply] = []
        serial = self._send(target, member, signature, body, answers.append)
        deadline = time.monotonic() + timeout_s
        with selectors.DefaultSelector() as selector:
            if not self._lost:
                selector.register(self._socket, selectors.EVENT_READ)
            while not answers and not self._lost and (left := deadline - time.monotonic()) > 0:
                writing = selectors.EVENT_WRITE if self._outgoing else 0
                selector.modify(self._socket, selectors.EVENT_READ | writing)
                selector.select(left)
                self.flush()
                self.read()
        self._waiting.pop(serial, None)
        if not answers:
            gone = "went away" if self._lost else f"did not answer within {timeout_s:g} s"
            raise BusError(f"the session bus does not answer ({target.service} {gone})")
        return answers[0]

    def listen(self, listener: Callable[[BusSignal], None]) -> None:
        """Hand every signal that arrives to ``listener`` as well."""
        self._listeners.append(listener)

    def subscribe(self, **rule: str) -> None:
        """Ask for signals: ``sender``, ``interface``, ``member``, ``path``."""
        self._add_match(MatchRule(type="signal", **rule))

    def watch_name(self, name: str, on_owner: OnOwner) -> None:
        """Report the owner of a well-known name, now and at every change; None means no owner."""
        rule = MatchRule(type="signal", sender=BUS, interface=BUS, member="NameOwnerChanged")
        rule.add_arg_condition(0, name)
        self._add_match(rule)
        self._watched.setdefault(name, []).append(on_owner)

        def known(answer: BusReply) -> None:
            on_owner(_owner_in(answer))

        self.call(*_BUS_ITSELF, "GetNameOwner", "s", (name,), known)

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
        """Read a portion of what has arrived and call its receivers; never waits.

        One portion a call: a peer that floods us gets a share of the owner's thread and no more;
        the descriptor stays readable while there is more.
        """
        if self._lost:
            return
        try:
            data = self._socket.recv(PORTION_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._lose()
            return
        try:
            messages = list(self._stream.messages(data))
        except _MALFORMED:  # what does not speak D-Bus is no bus
            self._lose()
            return
        for message in messages:
            if not self._lost:
                self._dispatch(message)

    def close(self) -> None:
        """Close the connection; idempotent, calls no receiver."""
        self._lost = True
        self._waiting.clear()
        self._socket.close()

    def _send(
        self,
        target: BusObject,
        member: str,
        signature: str | None,
        body: tuple[Any, ...],
        on_answer: OnAnswer | None,
    ) -> int:
        """Send a call; its number."""
        address = DBusAddress(target.path, bus_name=target.service, interface=target.interface)
        message = new_method_call(address, member, signature, body)
        serial = next(self._serials)
        if on_answer is None:
            message.header.flags |= MessageFlag.no_reply_expected
        else:
            self._waiting[serial] = on_answer
        self._outgoing += message.serialise(serial=serial)
        self.flush()
        return serial

    def _add_match(self, rule: MatchRule) -> None:
        self.call(*_BUS_ITSELF, "AddMatch", "s", (rule.serialise(),))

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
            with contextlib.suppress(BusError):
                name, _before, after = holding(signal.body, str, str, str)
                for on_owner in self._watched.get(name, ()):
                    on_owner(after or None)
        for listener in self._listeners:
            listener(signal)

    def _lose(self) -> None:
        if not self._lost:
            self.close()
            self.on_lost()


class BlockingSessionBus:
    """Method calls and properties on the session bus; each waits so long for its answer.

    It connects when it is first asked and again after a break. One a thread.
    """

    def __init__(
        self,
        patience_s: float = PATIENCE_S,
        connect: Callable[[float], SessionBus] = lambda patience_s: connect(
            timeout_s=patience_s, most_bytes=MAX_ANSWER_BYTES
        ),
    ) -> None:
        self._patience_s = patience_s
        self._connect = connect
        self._connection: SessionBus | None = None

    def call(
        self,
        target: BusObject,
        method: str,
        signature: str | None = None,
        *body: Any,
        answer: tuple[Any, ...] = (),
    ) -> tuple[Any, ...]:
        """The reply's first values, of the types that ``answer`` says; raises BusError."""
        if self._connection is None or self._connection.lost:
            self._connection = self._connect(self._patience_s)
        try:
            reply = self._connection.ask(target, method, signature, body, self._patience_s)
        except BusError:
            self.close()  # an answer that comes late must not be taken for another's
            raise
        return reply.holding(*answer)

    def property(self, target: BusObject, name: str, kind: Any) -> Any:
        """One property of the object's interface, of that type; raises BusError."""
        asked = target._replace(interface=_PROPERTIES)
        variant = GenericAlias(tuple, (str, kind))
        return self.call(asked, "Get", "ss", target.interface, name, answer=(variant,))[0][1]

    def name_owners(self) -> frozenset[int]:
        """The pids that own a well-known name; raises BusError without a bus."""
        (names,) = self.call(_BUS_ITSELF, "ListNames", answer=(list[str],))
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
            return self.call(_BUS_ITSELF, "GetConnectionUnixProcessID", "s", name, answer=(int,))
        except BusError as error:
            if error.name:  # a name given up between the two questions
                return ()
            raise


def _owner_in(answer: BusReply) -> str | None:
    try:
        return str(answer.holding(str)[0])
    except BusError:
        return None


def _ignore_reply(_reply: BusReply) -> None:
    """What the bus calls us is of no use."""


def _nothing() -> None:
    return


def _ignore(_wanted: bool) -> None:  # noqa: FBT001 - the shape of on_backlog
    return

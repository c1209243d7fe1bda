"""The keyring of the desktop: one secret by the name of its entry, over the Secret Service.

https://specifications.freedesktop.org/secret-service/ as GNOME Keyring, KWallet and KeePassXC
answer it. Nothing here waits for a person: a keyring that is locked is a sentence, and no dialog
asks for its password. Secrets pass the session bus as they are (the session ``plain``): who may
read that bus may ask the keyring itself.

An entry is found by the attributes ``application`` and ``entry``, so that a person can put one
there: ``secret-tool store --label=… application omnitray entry NAME``.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from omnitray.base.dbus import BusObject, SessionBus

APPLICATION = "omnitray"
READ_S = 5.0  # on a thread of its own; the bus may have to start the service first
WRITE_S = 3.0  # the same, while a person waits who has pressed a button
_SERVICE = "org.freedesktop.secrets"
_INTERFACE = "org.freedesktop.Secret"
_ROOT = "/org/freedesktop/secrets"
_NO_OBJECT = "/"
_SCHEMA = {"xdg:schema": "org.omnitray.Webhook"}  # what programs that list keyrings show by
_MADE = {"application": APPLICATION, **_SCHEMA}  # secret-tool sets another schema
Secret = tuple[str, bytes, bytes, str]  # session, parameters, value, content type


class KeyringError(OSError):
    """No keyring, a locked one, or no such entry; says which, never a secret."""


class Keyring:
    """One conversation, within so many seconds; used by one thread."""

    def __init__(self, bus: "SessionBus", patience_s: float) -> None:
        from omnitray.base.dbus import BusObject  # noqa: PLC0415 - brings the bus along

        self._bus = bus
        self._deadline = time.monotonic() + patience_s
        self._root = BusObject(_SERVICE, _ROOT, f"{_INTERFACE}.Service")

    def read(self, entry: str) -> str:
        """The secret of an entry; raises :class:`KeyringError`."""
        unlocked, locked = self._found(_attributes(entry))
        if not unlocked:
            raise KeyringError("the keyring is locked" if locked else f"it has no entry {entry}")
        session = self._session()
        (secrets,) = self._ask(
            self._root, "GetSecrets", "aoo", unlocked[:1], session, answer=(dict[str, Secret],)
        )
        if unlocked[0] not in secrets:
            raise KeyringError("the keyring is locked")
        try:
            return str(secrets[unlocked[0]][2].decode("utf-8"))
        except UnicodeDecodeError as error:
            raise KeyringError(f"its entry {entry} is no text") from error

    def write(self, entry: str, label: str, secret: str) -> None:
        """Put an entry there, or replace it; raises :class:`KeyringError`."""
        collection = self._unlocked_collection()
        attributes = ("a{ss}", {**_attributes(entry), **_SCHEMA})
        properties = {
            f"{_INTERFACE}.Item.Label": ("s", label),
            f"{_INTERFACE}.Item.Attributes": attributes,
        }
        value = (self._session(), b"", secret.encode(), "text/plain; charset=utf8")
        item, _prompt = self._ask(
            self._object(collection, "Collection"),
            "CreateItem",
            "a{sv}(oayays)b",
            properties,
            value,
            True,
            answer=(str, str),
        )
        if item == _NO_OBJECT:
            raise KeyringError("the keyring asks for a password first")

    def remove(self, entry: str) -> None:
        """Take an entry out; one that is not there is no fault. Raises :class:`KeyringError`."""
        self._remove(_attributes(entry))

    def count_made(self) -> int:
        """How many entries OmniTray has made, locked ones too; what a person put there is none."""
        return sum(map(len, self._found(_MADE)))

    def remove_made(self) -> None:
        """Take all of those out; raises :class:`KeyringError`."""
        self._remove(_MADE)

    def _remove(self, attributes: dict[str, str]) -> None:
        unlocked, locked = self._found(attributes)
        for item in unlocked:
            (prompt,) = self._ask(self._object(item, "Item"), "Delete", None, answer=(str,))
            if prompt != _NO_OBJECT:
                raise KeyringError("the keyring asks for a password first")
        if locked:
            raise KeyringError("the keyring is locked")

    def check(self) -> None:
        """Raises :class:`KeyringError` where nothing can be put there now."""
        self._unlocked_collection()

    def _found(self, attributes: dict[str, str]) -> tuple[list[str], list[str]]:
        unlocked, locked = self._ask(
            self._root,
            "SearchItems",
            "a{ss}",
            attributes,
            answer=(list[str], list[str]),
        )
        return unlocked, locked

    def _unlocked_collection(self) -> str:
        (collection,) = self._ask(self._root, "ReadAlias", "s", "default", answer=(str,))
        if collection == _NO_OBJECT:
            raise KeyringError("it has no default keyring")
        properties = self._object(collection, "Collection")
        target = properties._replace(interface="org.freedesktop.DBus.Properties")
        wanted = properties.interface, "Locked"
        ((_, is_locked),) = self._ask(target, "Get", "ss", *wanted, answer=(tuple[str, bool],))
        if is_locked:
            raise KeyringError("the keyring is locked")
        return str(collection)

    def _session(self) -> str:
        """The service forgets it with our connection."""
        asked = "plain", ("s", "")
        _, session = self._ask(self._root, "OpenSession", "sv", *asked, answer=(Any, str))
        return str(session)

    def _object(self, path: str, interface: str) -> "BusObject":
        return self._root._replace(path=path, interface=f"{_INTERFACE}.{interface}")

    def _ask(
        self,
        target: "BusObject",
        method: str,
        signature: str | None,
        *body: Any,
        answer: tuple[Any, ...],
    ) -> tuple[Any, ...]:
        left_s = max(0.0, self._deadline - time.monotonic())
        return self._bus.ask(target, method, signature, body, left_s).holding(*answer)


@contextmanager
def keyring(patience_s: float) -> Iterator[Keyring]:
    """The keyring of this session; raises :class:`KeyringError` where there is none."""
    try:
        from omnitray.base.dbus import (  # noqa: PLC0415 - most have no webhook
            MAX_ANSWER_BYTES,
            BusError,
            connect,
        )
    except ImportError as error:
        raise KeyringError("there is no keyring for this system") from error
    try:
        bus = connect(timeout_s=patience_s, most_bytes=MAX_ANSWER_BYTES)
    except BusError as error:
        raise KeyringError(f"there is no keyring: {error}") from error
    try:
        yield Keyring(bus, patience_s)
    except BusError as error:
        raise KeyringError(_sentence(error)) from error
    finally:
        bus.close()


def why_not(patience_s: float = READ_S) -> str:
    """What keeps secrets from the keyring; empty where nothing does."""
    try:
        with keyring(patience_s) as found:
            found.check()
    except KeyringError as error:
        return f"{error}"
    return ""


def _attributes(entry: str) -> dict[str, str]:
    return {"application": APPLICATION, "entry": entry}


def _sentence(error: Exception) -> str:
    """By the error's name: the text of a foreign service is not repeated."""
    name = getattr(error, "name", "")
    if name in {"ServiceUnknown", "NameHasNoOwner", "UnknownObject", "UnknownMethod"}:
        return "there is no keyring: no program answers as org.freedesktop.secrets"
    if name == "IsLocked":
        return "the keyring is locked"
    return f"the keyring refuses: {name}" if name else "the keyring does not answer as it should"

"""Keyrings for tests: GNOME's own daemon, and a stand-in that can be locked, wrong or silent."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from support.dbus_service import Caller, DBusService, Result
from support.desktop import Desktop, tool, wait_until

SECRETS = "org.freedesktop.secrets"
PATH = "/org/freedesktop/secrets"
LOGIN = f"{PATH}/collection/login"


@contextmanager
def gnome_keyring(desktop: Desktop) -> Iterator[None]:
    """GNOME Keyring on the desktop's bus, unlocked, with its files in the desktop's home."""
    control = desktop.folder / "keyring"
    control.mkdir(mode=0o700)
    words = ["--foreground", "--unlock", "--components=secrets", f"--control-directory={control}"]
    daemon = subprocess.Popen(
        [tool("gnome-keyring-daemon"), *words],
        env=desktop.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    assert daemon.stdin is not None
    daemon.stdin.write(b"of the login")  # the password; the end of input is its end
    daemon.stdin.close()
    caller = Caller(desktop.bus_address)
    try:
        wait_until(lambda: caller.owner(SECRETS), "the keyring answers")
        yield
    finally:
        caller.close()
        daemon.terminate()
        daemon.wait(10)


def lock(desktop: Desktop) -> None:
    """As when the person locks it."""
    caller = Caller(desktop.bus_address)
    try:
        caller.call(SECRETS, PATH, "org.freedesktop.Secret.Service", "Lock", "ao", [LOGIN])
    finally:
        caller.close()


class KeyringService(DBusService):
    """Answers as the specification says, where ``answers`` has nothing else for a method."""

    def __init__(self, address: str) -> None:
        super().__init__(address, SECRETS)
        self.entries: dict[str, tuple[dict[str, str], bytes]] = {}  # by path
        self.labels: list[str] = []
        self.locked = False
        self.answers: dict[str, Result] = {}
        self.asked: list[str] = []

    def handle(self, _sender: str, _interface: str, member: str, body: tuple[Any, ...]) -> Result:
        self.asked.append(member)
        if member in self.answers:
            return self.answers[member]
        match member:
            case "OpenSession":
                return "vo", (("s", ""), f"{PATH}/session/1")
            case "ReadAlias":
                return "o", (LOGIN,)
            case "Get":
                return "v", (("b", self.locked),)
            case "SearchItems":
                found = [path for path, (kept, _) in self.entries.items() if _fits(body[0], kept)]
                return "aoao", ([], found) if self.locked else (found, [])
            case "GetSecrets":
                found = body[0]
                return "a{o(oayays)}", (
                    {path: (body[1], b"", self.entries[path][1], "text/plain") for path in found},
                )
            case "CreateItem":
                return self._create(body[0], body[1][2])
            case "Delete":
                self.entries.pop(self.path, None)
                return "o", ("/",)
        raise LookupError(member)

    def _create(self, properties: Mapping[str, tuple[str, Any]], value: bytes) -> Result:
        attributes = properties["org.freedesktop.Secret.Item.Attributes"][1]
        self.labels.append(properties["org.freedesktop.Secret.Item.Label"][1])
        path = f"{LOGIN}/{len(self.labels)}"
        self.entries[path] = (attributes, bytes(value))
        return "oo", (path, "/")


def _fits(wanted: Mapping[str, str], kept: Mapping[str, str]) -> bool:
    return all(kept.get(name) == value for name, value in wanted.items())

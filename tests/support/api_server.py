"""The real server on a real port, around a fake door."""

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from omnitray.api.server import ApiServer
from omnitray.client.discovery import Address, read_address
from omnitray.settings.model import ApiSettings
from support.fake_door import FakeDoor


class Answer(msgspec.Struct, frozen=True):
    """A whole answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Running:
    """A server that runs, with the ways to talk to it."""

    def __init__(self, door: FakeDoor, server: ApiServer, api_file: Path) -> None:
        self.door = door
        self.server = server
        self.api_file = api_file

    @property
    def address(self) -> Address:
        address = read_address(self.api_file)
        assert address is not None
        return address

    @property
    def port(self) -> int:
        return int(self.server.url.rpartition(":")[2])

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: dict[str, str] | None = None,
        *,
        token: str | None = "",
    ) -> Answer:
        """One request; ``token`` None leaves it away, empty is the right one."""
        sent = {"Content-Type": "application/json"} if body is not None else {}
        if token is not None:
            sent["Authorization"] = f"Bearer {token or self.address.token}"
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, content, {**sent, **(headers or {})})
            answer = connection.getresponse()
            named = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, named, answer.read())
        finally:
            connection.close()


@contextmanager
def running(folder: Path, settings: ApiSettings | None = None) -> Iterator[Running]:
    door = FakeDoor()
    door.start()
    api_file = folder / "run" / "api.json"
    server = ApiServer(door, settings or ApiSettings(port=0), api_file)
    server.start()
    try:
        assert server.ready.wait(20)
        yield Running(door, server, api_file)
    finally:
        assert server.stop(5)
        door.stop()

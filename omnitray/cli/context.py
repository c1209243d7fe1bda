"""What a sub-command is given: the folders, the terminal, and the running instance."""

import datetime as dt
from typing import Any, TypeVar

from omnitray.base.paths import Paths
from omnitray.cli.terminal import Terminal
from omnitray.client.http import Remote, decoded, find_remote

T = TypeVar("T")


class Stopped(Exception):  # noqa: N818 - a state of the world, not a fault
    """The instance that was followed has ended."""

    def __init__(self) -> None:
        super().__init__("OmniTray has stopped")


class CommandContext:
    """One run of the command line."""

    def __init__(self, paths: Paths, terminal: Terminal, now: dt.datetime) -> None:
        self.paths = paths
        self.terminal = terminal
        self.now = now

    def remote(self) -> Remote:
        """The running instance; raises :class:`~omnitray.client.http.NotRunning`."""
        return find_remote(self.paths)

    def get(self, path: str, shape: type[T], *, as_json: bool, **query: Any) -> T | None:
        """Ask; with ``as_json`` print the answer as it is, and None."""
        return self._answered(self.remote().raw("GET", path, query=query), shape, as_json)

    def post(self, path: str, body: object, shape: type[T], *, as_json: bool) -> T | None:
        """Change something; with ``as_json`` print the answer as it is, and None."""
        return self._answered(self.remote().raw("POST", path, body), shape, as_json)

    def _answered(self, answer: bytes, shape: type[T], as_json: bool) -> T | None:  # noqa: FBT001
        if as_json:
            self.terminal.json(answer)
            return None
        return decoded(answer, shape)

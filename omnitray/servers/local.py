"""Watched servers for a program without OmniTray: a test run that owns its server. No Qt, no API.

    with LocalServers(folder) as servers:
        view = servers.start(ServerSettings(name="api", command=("serve",), health="tcp://…"))
        servers.probe("api")              # before each test; False when it is down
        servers.ensure_up("api")          # restarts it where it is down, and waits

The rules are OmniTray's own: the same limits, back-off, crash loops and logs. At the end of the
``with`` block every server has ended with its whole tree.
"""

import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from omnitray.base.clock import Clock
from omnitray.servers.handling import OtherServers
from omnitray.servers.memory import ServerMemory, server_of
from omnitray.servers.model import (
    AlertNews,
    Owner,
    ProbeResult,
    ServerRefusal,
    ServerState,
    ServerView,
)
from omnitray.servers.processes import boot_id, lives
from omnitray.servers.supervisor import Supervisor
from omnitray.settings.servers import ServerSettings

MEMORY = "servers.json"
PROBE_S = 0.2  # what a probe before a test may cost at most
END_S = 15.0  # TERM, then KILL after 10 s, and the time to be gone
ANSWER_S = 10.0
_SETTLED = frozenset(
    {ServerState.UP, ServerState.CRASH_LOOP, ServerState.FOREIGN, ServerState.STOPPED}
)
_ON_ITS_WAY = frozenset({ServerState.STARTING, ServerState.SLOW})


def _is_settled(view: ServerView) -> bool:
    return view.given_up or view.state in _SETTLED


def end_left(folder: Path) -> None:
    """End what a program that was killed has left running in its ``folder``. Waits for it.

    Raises :class:`~omnitray.servers.model.ServerRefusal` where that takes too long.
    """
    stored = ServerMemory(folder / MEMORY).load()
    if stored.boot == boot_id() and any(
        each.process is not None and lives(each.process) for each in stored.servers
    ):
        LocalServers(folder).close()


class ServerNotUp(RuntimeError):  # noqa: N818 - the state of the world
    """It did not come up; ``view`` says how it stands, ``log_tail`` what it said last."""

    def __init__(self, view: ServerView, log_tail: tuple[str, ...]) -> None:
        ended = view.last_exit.reason if view.last_exit else ""
        why = view.detail or ended or "no reason is known"
        super().__init__(f"server {view.name} {view.state.predicate}: {why}")
        self.view = view
        self.log_tail = log_tail


class LocalServers:
    """See the module. ``folder`` takes logs and state; callbacks come on another thread.

    ``watched`` is OmniTray's own file of servers: one of them that has the port is named.
    """

    def __init__(
        self,
        folder: Path,
        *,
        owner: Owner = "pytest",
        clock: Clock | None = None,
        watched: Path | None = None,
        on_alert: Callable[[AlertNews], None] = lambda _news: None,
        on_change: Callable[[ServerView], None] = lambda _view: None,
    ) -> None:
        self._on_view = on_change
        self._owner = owner
        self._changed = threading.Condition()
        self._orders = threading.Lock()  # of several that find it down, one restarts it
        self._supervisor = Supervisor(
            memory=folder / MEMORY,
            logs=folder / "servers",
            clock=clock,
            on_change=self._on_change,
            on_alert=on_alert,
            elsewhere=OtherServers(
                server_of=lambda pid: "" if watched is None else server_of(watched, pid)
            ),
        )
        self._supervisor.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def start(self, spec: ServerSettings, *, wait: bool = True) -> ServerView:
        """Start a server; with ``wait`` until it is up. Raises :class:`ServerNotUp`."""
        view = self._supervisor.add(spec, self._owner).result(ANSWER_S)
        return self.wait_until_up(spec.name) if wait else view

    def restart(self, name: str, *, wait: bool = True) -> ServerView:
        """End it and start it again. Raises :class:`ServerNotUp`."""
        with self._orders:
            view = self._supervisor.command(name, "restart").result(ANSWER_S)
            return self.wait_until_up(name) if wait else view

    def probe(self, name: str, timeout_s: float = PROBE_S) -> bool:
        """Whether it answers now."""
        if self._supervisor.view(name).state is not ServerState.UP:
            return False
        return self._supervisor.probe(name, timeout_s).result is ProbeResult.OK

    def ensure_up(self, name: str, timeout_s: float = PROBE_S) -> bool:
        """Restart it where it does not answer; whether that was needed. Raises ServerNotUp."""
        if self.probe(name, timeout_s):
            return False
        with self._orders:
            if self.probe(name, timeout_s):
                return True  # another process did
            if self.view(name).state not in _ON_ITS_WAY:
                self._supervisor.command(name, "restart").result(ANSWER_S)
            self.wait_until_up(name)
        return True

    def wait_until_up(self, name: str) -> ServerView:
        """Wait; its own limits end the waiting. Raises :class:`ServerNotUp`."""
        with self._changed:
            self._changed.wait_for(lambda: _is_settled(self.view(name)))
        view = self.view(name)
        if view.state is not ServerState.UP:
            raise ServerNotUp(view, self.log_tail(name))
        return view

    def view(self, name: str) -> ServerView:
        """How it stands; raises :class:`~omnitray.servers.model.UnknownServer`."""
        return self._supervisor.view(name)

    def log_tail(self, name: str, lines: int = 50) -> tuple[str, ...]:
        """The last lines of its log."""
        return self._supervisor.log_tail(name, lines)

    def close(self) -> None:
        """End all of them with their trees. Idempotent."""
        if not self._supervisor.stop(end_servers=True, patience_s=END_S):
            raise ServerRefusal("The servers did not end in time.")

    def _on_change(self, view: ServerView) -> None:
        self._on_view(view)
        with self._changed:
            self._changed.notify_all()

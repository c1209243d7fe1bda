"""The server that the tests need where a running OmniTray watches it: borrowed, never a second one.

OmniTray starts and restarts it and raises its alerts; how it stands comes over the API. The run
asks for a start or a restart, and notes which tests run, so that the alert about the server names
them. Where OmniTray ends first the server lives on: the run goes on with it, reports it if
it goes down, and waits a while for OmniTray to come back.
"""

import contextlib
import os
import threading
import time
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest

from omnitray.api.bodies import server_body
from omnitray.api.messages import ServerMessage
from omnitray.api.wire import ServerBody, Servers
from omnitray.base.facts import AlertType
from omnitray.client.http import NotRunning, Remote, RequestFailed, find_remote
from omnitray.client.websocket import open_socket
from omnitray.pytest_plugin.reporter import FAULTS, Reporter
from omnitray.pytest_plugin.server import (
    LONGEST_START_S,
    POLL_S,
    WATCH_ONLY_S,
    ServerFacts,
    ServerLeader,
    ServerOwner,
    lives_now,
    spec_of,
)
from omnitray.servers.logs import ServerLog
from omnitray.servers.memory import ServerMemory
from omnitray.servers.model import ENDED_BY_ITSELF, AlertNews, ServerState, ServerView, url_of
from omnitray.servers.processes import boot_id, child, lives
from omnitray.servers.published import Borrowing, BorrowingNote, borrowings
from omnitray.settings.servers import ADDRESS, NAME

# OmniTray is back 1 s to 3 s after it was restarted, and more than 10 s where 15 processes want two
# processors. Tests wait longer for none, and only where its server has ended as well.
AWAY_S = 30.0
AGAIN_S = 0.5
DOWN_KEY = "server-down-without-omnitray"


def leader_of(
    given: str, health: str | None, reporter: Reporter, root: Path, facts: dict[str, str]
) -> ServerLeader:
    """Borrows a server that OmniTray watches now, else owns it; raises as :func:`spec_of` does."""
    by_name = bool(NAME.fullmatch(given))
    ends = reporter.clock.monotonic() + AWAY_S

    def may_come() -> bool:
        """OmniTray has started it and does not answer yet, or is being restarted."""
        return by_name and reporter.clock.monotonic() < ends and is_kept_running(reporter, given)

    while True:
        if by_name and (body := watched_server(reporter, given)) is not None:
            return ServerBorrower(body, health, reporter, facts)
        if may_come():
            if (body := left_running(reporter, given, health, root)) is not None:
                return ServerBorrower(body, health, reporter, facts)
            time.sleep(AGAIN_S)
            continue
        owner = ServerOwner(spec_of(given, health, reporter, root), reporter, facts)
        # From here on an OmniTray that comes leaves it to us: has one come just before?
        if not may_come():
            return owner
        owner.withdraw()


def watched_server(reporter: Reporter, name: str) -> ServerBody | None:
    """The server of that name as a running OmniTray watches it; None where none does.

    A server that another test run owns is that run's: it ends with it.
    """
    try:
        found = find_remote(reporter.paths).get("/servers", Servers).servers
    except (NotRunning, RequestFailed):
        return None
    return next((each for each in found if each.name == name and each.owner != "pytest"), None)


def is_kept_running(reporter: Reporter, name: str) -> bool:
    """Whether a process lives that OmniTray has started as that server."""
    stored = ServerMemory(reporter.paths.servers_file).load()
    return stored.boot == boot_id() and any(
        each.name == name and each.process is not None and lives(each.process)
        for each in stored.servers
    )


def left_running(
    reporter: Reporter, name: str, health: str | None, root: Path
) -> ServerBody | None:
    """A server that was up when OmniTray ended, and lives on: it is used as it is."""
    stored = ServerMemory(reporter.paths.servers_file).load().servers
    one = next((each for each in stored if each.name == name), None)
    if one is None or one.process is None or one.up_since_at is None:
        return None
    spec = one.spec or spec_of(name, health, reporter, root)
    view = ServerView(
        name=name,
        state=ServerState.UP,
        owner=one.owner,
        spec=spec,
        pid=one.process.pid,
        url=url_of(spec),
        up_since_at=one.up_since_at,
        restarts=one.remembered.restarts,
        last_exit=one.remembered.last_exit,
        log_file=str(ServerLog(reporter.paths.server_logs, name).path),
    )
    return server_body(view)


class ServerBorrower(ServerLeader):
    """See the module."""

    def __init__(
        self, body: ServerBody, health: str | None, reporter: Reporter, facts: dict[str, str]
    ) -> None:
        declared = body.health or ""
        self._health = health or (declared if ADDRESS.fullmatch(declared) else "")
        self._ended = threading.Event()
        self._following = threading.Thread(target=self._run, name="omnitray-server")
        self._uses: BorrowingNote | None = None
        self._body = body
        self._may_ask = True  # False: it is only watched, and started by other means
        self._was_asked = False  # since it was up last: one wish for each time that it goes down
        self._started_here = False
        self._gone_mono_s: float | None = None
        self._is_reported = False
        super().__init__(body.name, reporter, facts)

    def pytest_sessionstart(self) -> None:
        """Have it started where it does not run, before the first test and outside its clock.

        A crash loop is left as it is: OmniTray has tried often enough, and says so in an alert.
        """
        with contextlib.suppress(*FAULTS):  # then alerts about it name no test
            folder = self._reporter.paths.published_servers
            self._uses = BorrowingNote(folder, child(os.getpid()))
        self._on_tests()
        self._take(self._body)
        found = self._body.state
        if self._body.given_up and found is not ServerState.CRASH_LOOP:
            self._was_asked = True
            asked = self._ask("start")
            # One that was found with an outage is not stopped afterwards: that would end its alert.
            self._started_here = asked and found is ServerState.STOPPED
        self._following.start()
        with contextlib.suppress(RuntimeError):  # its alert says why; the tests run all the same
            self.server.wait_until_up()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Leave it as it was found, unless another run uses it now."""
        self._ended.set()
        if self._following.is_alive():
            self._following.join()
        if self._uses is not None:
            with contextlib.suppress(*FAULTS):
                self._uses.close()
        if self._started_here and not self._is_used():
            self._ask("stop")

    def _on_tests(self) -> None:
        if self._uses is None:
            return
        facts = self._facts
        one = Borrowing(
            leader=child(os.getpid()),
            server=self._name,
            run=facts["run"],
            project=facts["project"],
            running=tuple(self._running),
            last=self._last,
        )
        with contextlib.suppress(OSError):
            self._uses.write(one)

    def _is_used(self) -> bool:
        return bool(borrowings(self._reporter.paths.published_servers, self._name))

    def _ask(self, verb: Literal["start", "stop", "restart"]) -> bool:
        """Ask OmniTray; whether it does that. What it refuses stands in the server's state."""
        try:
            remote = find_remote(self._reporter.paths)
            body = remote.post(f"/servers/{self._name}/{verb}", None, ServerBody)
        except NotRunning:
            return False
        except RequestFailed:
            self._may_ask = False
            return False
        if verb != "stop":
            self._take(body)
        return True

    def _run(self) -> None:
        """Follow it until the run is over, whether OmniTray stays or not."""
        while not self._ended.is_set():
            with self._reporter.guard:
                try:
                    remote = find_remote(self._reporter.paths)
                    self._listen(remote)
                except (NotRunning, RequestFailed, OSError, msgspec.MsgspecError):
                    self._without_omnitray()
            self._ended.wait(AGAIN_S)

    def _listen(self, remote: Remote) -> None:
        """As long as the connection lives; raises NotRunning at its end."""
        from websockets.exceptions import ConnectionClosed  # noqa: PLC0415 - slow, loaded by a lease

        with open_socket(remote.address, "?events=server") as socket:
            self._look(remote)
            while not self._ended.is_set():
                with contextlib.suppress(TimeoutError):
                    try:
                        self._on_message(socket.recv(POLL_S))
                    except ConnectionClosed as error:
                        raise NotRunning from error
                self._see_to_it()

    def _look(self, remote: Remote) -> None:
        """How it stands now; one that is declared no more cannot be started."""
        found = remote.get("/servers", Servers).servers
        for body in found:
            if body.name == self._name:
                self._back_with_omnitray(body)
                return
        self._take(msgspec.structs.replace(self._body, state=ServerState.STOPPED, given_up=True))

    def _on_message(self, text: str | bytes) -> None:
        if msgspec.json.decode(text, type=dict[str, Any]).get("event") != "server":
            return
        body = msgspec.json.decode(text, type=ServerMessage)
        if body.name == self._name and body.owner != "pytest":
            self._take(body)

    def _take(self, body: ServerBody) -> None:
        self._body = body
        if body.state is ServerState.UP:
            self._was_asked = False
            if self._is_reported:
                self._is_reported = False
                self._reporter.resolve(DOWN_KEY)
        given_up = self._may_ask and (body.given_up or body.state is ServerState.FOREIGN)
        self._tell(given_up=given_up and not self._will_ask())

    def _tell(self, *, given_up: bool, state: ServerState | None = None, detail: str = "") -> None:
        body = self._body
        self._follow(
            ServerFacts(
                name=body.name,
                state=state or body.state,
                pid=None if state else body.pid,
                url=body.url,
                log=body.log_file,
                health=self._health,
                detail=detail or body.detail or (body.last_exit.reason if body.last_exit else ""),
                given_up=given_up,
                patience_s=LONGEST_START_S if self._may_ask else WATCH_ONLY_S,
            )
        )

    def _will_ask(self) -> bool:
        """Whether it waits for us: down without a restart to come, or ended without a fault.

        A crash loop is not gone on with, and what a person has stopped stays stopped.
        """
        body = self._body
        ended = body.state is ServerState.STOPPED and body.detail == ENDED_BY_ITSELF
        down = body.state is ServerState.DOWN and body.given_up
        return self._may_ask and not self._was_asked and (ended or down)

    def _see_to_it(self) -> None:
        """Pass a test's wish on, and ask for a server that nothing else starts."""
        if self._request.exists():
            self._ask("restart")
            self._request.unlink(missing_ok=True)
        elif self._will_ask():
            self._was_asked = True
            if not self._ask("start"):
                self._take(self._body)

    def _without_omnitray(self) -> None:
        """It lives on without OmniTray; its end is for us to report, and not to mend."""
        now = self._reporter.clock.monotonic()
        gone_mono_s = self._gone_mono_s
        self._gone_mono_s = now if gone_mono_s is None else gone_mono_s
        if self._body.pid is not None and lives_now(self._body.pid):
            return
        detail = "it ended, and OmniTray, which watches it, does not run"
        waited_s = now - self._gone_mono_s
        self._tell(given_up=waited_s > AWAY_S, state=ServerState.DOWN, detail=detail)
        self._request.unlink(missing_ok=True)
        if not self._is_reported:
            self._is_reported = True
            self._raise(DOWN_KEY, self._down(detail))

    def _back_with_omnitray(self, body: ServerBody) -> None:
        self._gone_mono_s = None
        self._take(body)

    def _down(self, detail: str) -> AlertNews:
        return AlertNews(
            server=self._name,
            type=AlertType.SERVER_DOWN,
            title=f"Server “{self._name}” is down",
            message=f"{detail[0].upper()}{detail[1:]}. It is started again when OmniTray is.",
            context={"server": self._name, "pid": self._body.pid, "log_file": self._body.log_file},
        )

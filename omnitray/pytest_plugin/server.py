"""The server that the tests need: started before the first test, restarted when it goes down.

The run's leader owns it (xdist's controller, or the only process) and drives it with
:class:`~omnitray.servers.local.LocalServers`, so that an exit is seen at once, whatever the
tests do. One that a running OmniTray watches is borrowed from it instead: see
:mod:`.borrowed_server`. What the other processes need of it is a small file,
:class:`ServerFacts`, that the leader replaces at each change; a worker asks for a restart with a
file beside it. OmniTray shows the server while the run lasts (:mod:`omnitray.servers.published`).
"""

import contextlib
import os
import re
import shlex
import threading
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from omnitray.base.clock import SystemClock
from omnitray.base.durable import write_atomic
from omnitray.base.facts import AlertType, MonitorLevel
from omnitray.client.websocket import Borrowed
from omnitray.pytest_plugin.reporter import FAULTS, Reporter
from omnitray.servers.health import check
from omnitray.servers.local import LocalServers
from omnitray.servers.logs import ServerLog
from omnitray.servers.model import (
    AlertNews,
    ProbeResult,
    ServerRefusal,
    ServerState,
    ServerView,
)
from omnitray.servers.processes import child, identity_of
from omnitray.servers.published import Publication, moment_in_run
from omnitray.servers.timing import HURRY_S
from omnitray.settings.servers import NAME, ServerSettings, server_of_table

_monotonic = SystemClock().monotonic
MARKER = "omnitray_server"
WENT_DOWN = frozenset({ServerState.DOWN, ServerState.CRASH_LOOP})
PROBE_S = 0.2  # what a probe may add to a test at most
# An HTTP answer takes 1 to 3 ms, as much as several empty tests: at most a twentieth of a run's
# time goes into asking. Its process is looked at before every test, and a failed one has it asked.
PROBE_SHARE = 20
POLL_S = 0.05
# A server that is only watched is started by other means: two probes may show that it is there.
WATCH_ONLY_S = 10.0
# The four limits of a start (90, 120, 180, 240 s) with the waits between them.
LONGEST_START_S = 90.0 + 120.0 + 180.0 + 240.0 + 20.0


class ServerFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The server as the tests see it.

    ``exits`` counts how often it has ended by itself; ``given_up``: it is not started again by
    itself; ``patience_s`` is how long a test waits for it at most.
    """

    name: str
    state: ServerState
    pid: int | None = None
    url: str | None = None
    log: str = ""
    health: str = ""
    exits: int = 0
    detail: str = ""
    given_up: bool = False
    patience_s: float = LONGEST_START_S

    @property
    def up(self) -> bool:
        """Whether its process is there and it has answered; not every process can be seen."""
        return self.state is ServerState.UP and (self.pid is None or lives_now(self.pid))

    @property
    def why(self) -> str:
        """What is behind its state, for the end of a sentence."""
        return f": {self.detail}" if self.detail else ""


def lives_now(pid: int) -> bool:
    """Whether the process runs; one that has ended and was not waited for does not."""
    return identity_of(pid) is not None


class ServerUnderTest:
    """What the fixture ``omnitray_server`` gives."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "server.json"
        self._request = folder / "restart"

    @property
    def facts(self) -> ServerFacts:
        """As the leader saw it last."""
        return msgspec.json.decode(self._file.read_bytes(), type=ServerFacts)

    @property
    def name(self) -> str:
        """Its name."""
        return self.facts.name

    @property
    def url(self) -> str | None:
        """Its address, from the health address."""
        return self.facts.url

    @property
    def pid(self) -> int | None:
        """Its process, None while it does not run."""
        return self.facts.pid

    @property
    def log(self) -> str:
        """Its output so far, at most the last 64 kB."""
        with contextlib.suppress(OSError), Path(self.facts.log).open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 65536))
            return file.read().decode(errors="replace")
        return ""

    def restart(self) -> None:
        """Restart it and wait until it is up; raises RuntimeError where it does not come up."""
        before = self.facts.pid
        self._request.touch()
        self.wait_until_up(lambda facts: facts.pid != before)

    def wait_until_up(
        self, also: Callable[[ServerFacts], bool] = lambda _facts: True
    ) -> ServerFacts:
        """Wait; raises RuntimeError where it is given up or takes too long."""
        pause = threading.Event()  # time.sleep() may be a test's own
        began = _monotonic()
        while True:
            facts = self.facts
            if facts.up and also(facts):
                return facts
            waited_s = _monotonic() - began
            if (facts.given_up and not self._request.exists()) or waited_s > facts.patience_s:
                raise RuntimeError(f"the server {facts.name} {facts.state.predicate}{facts.why}")
            pause.wait(POLL_S)


class ServerProbe:
    """In each process that runs tests: the probe before a test, the note on its report."""

    def __init__(self, server: ServerUnderTest, reporter: Reporter) -> None:
        self.server = server
        self._reporter = reporter
        self.restarts = 0
        self._is_well = False
        self._marked = False
        self._seen_to = False  # since the test has begun
        self._before: ServerFacts | None = None
        self._note = ""
        self._probe_due_mono_s = 0.0

    def was_up(self, name: str) -> bool:
        """Whether the server of that name was up until the run ended it."""
        return self._is_well and name == self.server.name

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """With any test marked, only the marked ones need the server."""
        self._marked = any(item.get_closest_marker(MARKER) for item in items)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None]:
        """Wait before the test's time begins to count, ours and that of pytest-timeout."""
        with self._reporter.guard:
            self._see_to(item)
        self._seen_to = True
        yield

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """A test that is run once more (pytest-rerunfailures) needs the server as well."""
        if not self._seen_to:
            with self._reporter.guard:
                self._see_to(item)
        self._seen_to = False

    def _see_to(self, item: pytest.Item) -> None:
        """Wait for a server that is down; a test whose server is given up runs all the same."""
        self._note, self._before = "", None
        if self._marked and item.get_closest_marker(MARKER) is None:
            return
        facts = self.server.facts
        if not self._answers(facts):
            why = facts.detail
            try:
                self._before = self.server.wait_until_up()
            except RuntimeError as error:
                why = f"{error}"
            self._note = f"the server {facts.name} was down before this test{why and f' ({why})'}"
        else:
            self._before = facts

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, Any, None]:
        """Say on the report that the server went down; the outcome stays as it is."""
        outcome = yield
        report = outcome.get_result()
        with self._reporter.guard:
            self._note_on(report)

    def _note_on(self, report: Any) -> None:
        before = self._before
        if before is not None and report.when == "call":
            now = self.server.facts
            gone = before.pid is not None and not lives_now(before.pid)
            if gone or now.exits != before.exits or now.pid != before.pid:
                self._note = f"the server {now.name} went down during this test"
                self._probe_due_mono_s = 0.0
        if report.failed:
            self._probe_due_mono_s = 0.0  # a test that failed may have left it unwell
        if self._note and report.when == "call":
            report.sections.append(("omnitray", self._note))
            more: dict[str, Any] = getattr(report, "omnitray", {})
            report.omnitray = {**more, "server": self.server.name}

    def _answers(self, facts: ServerFacts) -> bool:
        """Whether it is well; asked again after PROBE_SHARE times what the last answer took."""
        if not facts.up:
            return False
        began = _monotonic()
        if not facts.health or began < self._probe_due_mono_s:
            return True
        found = check(facts.health, PROBE_S, cwd="/", env={})
        ended = _monotonic()
        self._probe_due_mono_s = ended + PROBE_SHARE * (ended - began)
        # A busy server may take longer than the probe: the leader's own probes judge that.
        return found.result in {ProbeResult.OK, ProbeResult.TIMEOUT}


class ServerLeader(ServerProbe):
    """In the run's leader: follows the server for all processes of the run, and asks for it.

    A subclass has the server: its own, or one that it borrows.
    """

    def __init__(self, name: str, reporter: Reporter, facts: dict[str, str]) -> None:
        self._folder = Path(facts["marks"])
        self._name = name
        self._facts = {key: value for key, value in facts.items() if key != "marks"}
        self._lock = threading.Lock()
        self._titles: dict[str, str] = {}  # by key, of what is open
        self._running: dict[str, None] = {}
        self._last = ""
        self._exits = 0
        self._is_down = False
        self._moment_down = moment_in_run((), "")
        self._request = self._folder / "restart"
        self._write(ServerFacts(name=name, state=ServerState.STARTING))
        super().__init__(ServerUnderTest(self._folder), reporter)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Let a worker find the server."""
        node.workerinput["omnitray_server"] = self._name

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """A test begins, here or in a worker."""
        with self._reporter.guard, self._lock:
            self._running[nodeid] = None
            self._on_tests()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """A test has ended."""
        with self._reporter.guard, self._lock:
            self._running.pop(nodeid, None)
            self._last = nodeid
            self._on_tests()

    def _on_tests(self) -> None:
        """Other tests run now, or none; called under the lock."""

    def _follow(self, facts: ServerFacts) -> None:
        """It stands otherwise: tell the processes of the run."""
        if facts.state is not ServerState.STOPPED:
            self._is_well = facts.state is ServerState.UP
        is_down = facts.state in WENT_DOWN
        self._exits += is_down and not self._is_down
        self._is_down = is_down
        if is_down:  # before the facts are written: they may let the next test begin
            self._moment_down = self._moment()
        if facts.state is ServerState.UP and self.restarts < self._exits:
            self.restarts = self._exits
        self._write(msgspec.structs.replace(facts, exits=self._exits))

    def _write(self, facts: ServerFacts) -> None:
        write_atomic(self._folder / "server.json", msgspec.json.encode(facts))

    def _moment(self) -> tuple[str, dict[str, Any]]:
        with self._lock:
            return moment_in_run(list(self._running), self._last)

    def _raise(self, key: str, news: AlertNews) -> None:
        """Report what is wrong with it, and during which test."""
        during, named = self._moment_down if self._is_down else self._moment()
        context = {**news.context, **self._facts, "server": news.server, **named}
        message = f"{news.message} {during}".strip()
        # Without labels the title tells incidents apart: an outage is one, whatever comes of it.
        title = self._titles.setdefault(key, news.title)
        self._reporter.report(key, news.type, title, message, context, news.severity)


class ServerOwner(ServerLeader):
    """Starts the server, restarts it, ends it, and tells what happens to it."""

    def __init__(self, spec: ServerSettings, reporter: Reporter, facts: dict[str, str]) -> None:
        self._spec = spec
        self._shown = Publication(reporter.paths.published_servers, child(os.getpid()))
        self._urgent: Borrowed | None = None
        self._ended = threading.Event()
        self._asking = threading.Thread(target=self._serve_requests, name="omnitray-server")
        self._servers: LocalServers | None = None
        super().__init__(spec.name, reporter, facts)
        log_file = str(ServerLog(self._folder / "servers", spec.name).path)
        self._show(
            ServerView(
                name=spec.name,
                state=ServerState.STARTING,
                owner="pytest",
                spec=spec,
                log_file=log_file,
                since_at=reporter.clock.wall(),
            )
        )

    def withdraw(self) -> None:
        """Show it no more: it is ended, or was not started."""
        with contextlib.suppress(*FAULTS):
            self._shown.withdraw()

    def pytest_unconfigure(self) -> None:
        """A session that has not begun (a wrong option) leaves nothing either."""
        self.withdraw()

    def pytest_sessionstart(self) -> None:
        """Start it before the first test, outside the clock of any test."""
        self._servers = LocalServers(
            self._folder,
            clock=self._reporter.clock,
            watched=self._reporter.paths.data / "servers.json",
            on_alert=self._on_alert,
            on_change=self._on_change,
        )
        self._asking.start()
        self._servers.start(self._spec, wait=False)
        with contextlib.suppress(RuntimeError):  # told as an alert; the tests run all the same
            self.server.wait_until_up()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """End the server and all that it has started; give the level back."""
        self._ended.set()
        if self._servers is not None:
            self._asking.join()
            try:
                self._servers.close()
            except ServerRefusal as error:
                self._reporter.problem = f"{error}"
        self.withdraw()
        self._calm_down()

    def _serve_requests(self) -> None:
        while not self._ended.wait(POLL_S):
            with self._reporter.guard:
                self._serve_request()

    def _serve_request(self) -> None:
        if self._servers is not None and (self._request.exists() or self._is_asked()):
            self._servers.restart(self._name, wait=False)
            self._request.unlink(missing_ok=True)

    def _is_asked(self) -> bool:
        """Whether a person has asked OmniTray for a restart."""
        with contextlib.suppress(*FAULTS):
            return self._shown.take_restart()
        return False

    def _on_change(self, view: ServerView) -> None:
        watch_only = self._spec.watch_only
        self._follow(
            ServerFacts(
                name=view.name,
                state=view.state,
                pid=view.pid,
                url=view.url,
                log=view.log_file,
                health=view.health or "" if isinstance(self._spec.health, str) else "",
                detail=view.detail,
                given_up=not watch_only and (view.given_up or view.state is ServerState.FOREIGN),
                patience_s=WATCH_ONLY_S if watch_only else LONGEST_START_S,
            )
        )
        self._show(view)

    def _show(self, view: ServerView) -> None:
        with contextlib.suppress(*FAULTS):  # it runs all the same where it cannot be shown
            self._shown.publish(view)

    def _on_alert(self, news: AlertNews) -> None:
        key = f"{news.type}"
        if news.resolved:
            if self._ended.is_set() and not self._is_well:
                return  # it ends with the run, and did not come up
            self._titles.pop(key, None)
            self._reporter.resolve(key)
            if news.type is AlertType.SERVER_DOWN:
                self._calm_down()
            return
        if news.type is AlertType.SERVER_DOWN:
            self._hurry()
        self._raise(key, news)

    def _hurry(self) -> None:
        """Watch the machine closely while the server is down."""
        if self._urgent is None:
            by = f"server {self._name} of a test run, which is down"
            client = self._reporter.client
            lease = client.borrow(level=MonitorLevel.CRITICAL, by=by, lasts_s=HURRY_S)
            with contextlib.suppress(*FAULTS):
                lease.take()
                self._urgent = lease

    def _calm_down(self) -> None:
        lease, self._urgent = self._urgent, None
        if lease is not None:
            with contextlib.suppress(*FAULTS):
                lease.give_back()


def spec_of(given: str, health: str | None, reporter: Reporter, root: Path) -> ServerSettings:
    """The server by its name in the settings, or by a command of its own.

    Raises:
        pytest.UsageError: the settings know no such name, or the command cannot be used.
    """
    try:
        if NAME.fullmatch(given):
            declared = {each.name: each for each in _declared(reporter)}
            if given not in declared:
                raise pytest.UsageError(f"omnitray: the settings declare no server {given}")
            spec = declared[given]
            # Under test it is started again whatever the settings say for other times.
            return msgspec.structs.replace(spec, health=health or spec.health, restart="always")
        name = re.sub(r"[^a-z0-9_-]+", "-", root.name.lower()).strip("-")[:30] or "tests"
        table = {"name": f"{name}-tests", "command": shlex.split(given), "cwd": str(root)}
        return server_of_table({**table, "health": health or "", "restart": "always"})
    except ValueError as error:
        raise pytest.UsageError(f"omnitray: {error}") from error


def _declared(reporter: Reporter) -> tuple[ServerSettings, ...]:
    from omnitray.settings.file import load  # noqa: PLC0415 - only for a server of the settings

    return load(reporter.paths.config_file).servers

"""The Python API: over the local API, without any OmniTray, and inside the program itself."""

import asyncio
import contextlib
import http.server
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import omnitray
from omnitray.alerts.model import Alert
from omnitray.api import facade as d
from omnitray.api.bodies import InstanceIdentity
from omnitray.api.token import PROOF_HEADER
from omnitray.base.facts import AlertType, Mode, MonitorLevel, Severity
from omnitray.base.paths import Paths, find_paths
from omnitray.cli.parser import main
from omnitray.client import discovery
from omnitray.client.aio import get_alert_system, get_progressive_monitor
from omnitray.client.discovery import Address, write_address
from omnitray.client.sync import Client
from omnitray.client.websocket import open_socket_async, stream
from support import fake_door
from support.api_server import Running, running
from support.fake_door import FakeDoor
from support.hanging import hanging
from support.refusing import refusing

ROOT = Path(__file__).parents[2]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    monkeypatch.setenv("OMNITRAY_HOME", str(tmp_path))
    return find_paths()


@pytest.fixture
def api(home: Paths) -> Iterator[Running]:
    with running(home.run.parent) as server:
        yield server


@pytest.fixture
def hung(home: Paths) -> Iterator[None]:
    with hanging(home.api_file):
        yield


def test_the_briefs_example_sets_a_level(api: Running) -> None:
    async def task() -> None:
        monitor = await omnitray.get_progressive_monitor()
        monitor.set_level(omnitray.MonitorLevel.INTENSIVE)
        status = await monitor.status()
        assert status is not None
        assert status.level is MonitorLevel.INTENSIVE
        monitor.set_level("auto")

    asyncio.run(task())
    assert api.door.commands == [
        d.SetLevel(level=MonitorLevel.INTENSIVE),
        d.SetLevel(level=None),
    ]


def test_a_borrowed_level_is_given_back(api: Running) -> None:
    with omnitray.level(MonitorLevel.INTENSIVE):
        assert api.door.status().level is MonitorLevel.INTENSIVE
    assert api.door.status().level is MonitorLevel.NORMAL


def test_borrowed_levels_that_overlap_put_back_what_was_there(api: Running) -> None:
    first, second = omnitray.level("critical"), omnitray.level("intensive")
    first.take()
    second.take()
    assert api.door.status().level is MonitorLevel.CRITICAL
    first.give_back()
    assert api.door.status().level is MonitorLevel.INTENSIVE
    second.give_back()
    second.give_back()
    assert api.door.status().level is MonitorLevel.NORMAL


def test_a_borrowed_mode_is_given_back_after_an_error(api: Running) -> None:
    async def task() -> None:
        protector = await omnitray.get_resource_protector()
        async with protector.mode("test"):
            assert api.door.status().mode is Mode.TEST
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(task())
    assert api.door.status().mode is Mode.DEV


def test_a_lease_ends_with_its_process(api: Running) -> None:
    code = (
        "import omnitray, sys\n"
        "with omnitray.level('intensive'):\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    back = threading.Event()

    def watch(event: d.Event) -> None:
        if isinstance(event, d.LevelChanged) and event.chosen is None:
            back.set()

    borrower = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert borrower.stdout is not None
    assert borrower.stdin is not None
    assert borrower.stdout.readline() == "held\n"
    assert api.door.status().level is MonitorLevel.INTENSIVE
    api.door.subscribe(watch)
    borrower.kill()
    borrower.wait(10)
    borrower.stdout.close()
    borrower.stdin.close()
    assert back.wait(10)
    assert api.door.status().level is MonitorLevel.NORMAL


def test_alerts_are_raised_and_asked_for(api: Running) -> None:
    api.door.shots = [fake_door.snapshot(time.time())]
    client = omnitray.connect(required=True)
    raised = client.raise_("SERVER_DOWN", "shop is down", "no answer", context={"port": 8000})
    assert (raised.type, raised.context) == (AlertType.SERVER_DOWN, {"port": 8000})
    wanted = client.alerts(types=[AlertType.SERVER_DOWN, AlertType.TEST_FAILED], text="shop")
    assert [alert.id for alert in wanted] == [raised.id]
    assert client.acknowledge(raised.id) is not None
    assert client.resolve(raised.id) is not None
    assert [shot.cpu_percent for shot in client.snapshots(1440)] == [34.2]


def test_events_come_to_iterators_and_callbacks(api: Running) -> None:
    async def task() -> None:
        alerts = await get_alert_system()
        heard: asyncio.Queue[Alert] = asyncio.Queue()
        plain: list[Alert] = []
        subscriptions = [
            alerts.add_callback(heard.put),
            alerts.add_callback(plain.append),
        ]
        events = alerts.events()
        first = asyncio.ensure_future(anext(events))
        await _until(lambda: api.server.clients == 3)
        alerts.raise_(AlertType.CRITICAL, "the sky falls", severity="warning")
        event = await asyncio.wait_for(first, 10)
        assert (event.title, event.severity) == ("the sky falls", Severity.WARNING)
        assert (await asyncio.wait_for(heard.get(), 10)).title == "the sky falls"
        await _until(lambda: bool(plain))
        for each in subscriptions:
            await each.aclose()
        await events.aclose()
        await _until(lambda: api.server.clients == 0)

    asyncio.run(task())


def test_readings_come_to_callbacks(api: Running) -> None:
    async def task() -> None:
        monitor = await get_progressive_monitor()
        heard: asyncio.Queue[object] = asyncio.Queue()
        subscription = monitor.add_callback(heard.put)
        await _until(lambda: api.server.clients == 1)
        api.door.emit(d.SnapshotTaken(fake_door.snapshot()))
        shot = await asyncio.wait_for(heard.get(), 10)
        assert getattr(shot, "cpu_percent", None) == 34.2
        await subscription.aclose()

    asyncio.run(task())


async def _until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - another thread's state has no event of ours
            await asyncio.sleep(0.01)


def test_with_nobody_running_an_alert_is_a_durable_file(home: Paths) -> None:
    raised = Client().raise_(AlertType.TEST_FAILED, "3 failed", context={"suite": "shop"})
    (file,) = home.alerts.glob("alert_*_TEST_FAILED.json")
    stored = json.loads(file.read_bytes())
    assert (stored["id"], stored["state"], stored["channels"]) == (raised.id, "firing", ["file"])
    assert [alert.id for alert in Client().alerts()] == [raised.id]


def test_with_nobody_running_the_rest_is_said_once_and_harmless(
    home: Paths, caplog: pytest.LogCaptureFixture
) -> None:
    client = Client()
    assert not client.running
    for _ in range(3):
        client.set_level("idle")
        client.set_mode("prod")
        with client.level("critical"), client.mode("test"):
            pass
    assert client.status() is None
    assert client.snapshots() == []
    assert client.alerts() == []
    assert client.acknowledge("x") is None
    assert client.resolve("x") is None
    assert all("not running" in record.message for record in caplog.records)
    assert len(caplog.records) <= 4
    assert not home.data.exists()


def test_whoever_needs_a_running_one_is_told(home: Paths) -> None:
    assert not home.api_file.exists()
    with pytest.raises(omnitray.NotRunning, match="start it with: "):
        omnitray.connect(required=True)
    with pytest.raises(omnitray.NotRunning):
        Client(required=True).raise_("CRITICAL", "x")


def test_an_instance_that_ends_between_two_questions_costs_no_alert(
    home: Paths,
) -> None:
    with running(home.run.parent) as server:
        left_over = server.api_file.read_bytes()
    home.api_file.write_bytes(left_over)
    Client().raise_("CRITICAL", "nobody answers any more")
    assert len(list(home.alerts.glob("alert_*.json"))) == 1


@pytest.mark.parametrize("status", [401, 409, 429, 500, 503])
def test_a_refused_alert_is_written_down(status: int, home: Paths) -> None:
    with refusing(home.api_file, status):
        alert = Client().raise_("CRITICAL", "refused")
        with pytest.raises(omnitray.RequestFailed):
            Client(required=True).raise_("CRITICAL", "x")
    assert Client().alerts() == [alert]


def test_an_alert_that_is_wrong_is_not(home: Paths) -> None:
    with refusing(home.api_file, 422), pytest.raises(omnitray.RequestFailed, match="not now"):
        Client().raise_("CRITICAL", "x")
    assert Client().alerts() == []


@pytest.mark.usefixtures("hung")
def test_an_alert_that_a_hanging_one_was_handed_is_not_written_a_second_time(home: Paths) -> None:
    with pytest.raises(omnitray.NotAnswering, match="may still carry it out"):
        Client().raise_("CRITICAL", "x")
    assert not list(home.data.rglob("alert_*.json"))
    assert Client().alerts() == []


def test_an_alert_that_a_hanging_one_was_never_handed_is_a_durable_file(home: Paths) -> None:
    with hanging(home.api_file, proves=False):
        Client().raise_("CRITICAL", "x")
    assert len(list(home.alerts.glob("alert_*.json"))) == 1


class Stranger(http.server.BaseHTTPRequestHandler):
    """Another program on our port: says yes to everything, and notes what it was sent."""

    def do_GET(self) -> None:
        self.server.heard.append(str(self.headers) + self.path)  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header(PROOF_HEADER, "0" * 64)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_POST = do_GET  # noqa: N815 - likewise

    def log_message(self, *_: object) -> None:
        """Nothing."""


def test_a_stranger_on_the_port_is_given_nothing(
    home: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    heard: list[str] = []
    with http.server.HTTPServer(("127.0.0.1", 0), Stranger) as server:
        server.heard = heard  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        secret = "the-token"  # noqa: S105 - what must not be seen there
        address = Address(url=url, token=secret, pid=os.getpid(), started="2026-01-01T00:00:00Z")
        write_address(home.api_file, address)
        Client().raise_("CRITICAL", "kept")
        assert not Client().running
        with pytest.raises(omnitray.NotRunning, match="another program answers at"):
            list(stream(address))
        with pytest.raises(omnitray.NotRunning), omnitray.connect(required=True).level("critical"):
            pass
        assert main(["status"]) == 1
        server.shutdown()
        thread.join()
    assert heard
    assert secret not in "".join(heard)
    assert "another program answers at" in capsys.readouterr().err
    assert len(list(home.alerts.glob("alert_*.json"))) == 1


PROXIES = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


def test_a_proxy_of_the_environment_is_never_asked(
    api: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in PROXIES:
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert Client(required=True).status() is not None
    with contextlib.closing(stream(api.address)) as messages:
        assert '"hello"' in next(messages)
    with Client(required=True).level("critical"):
        assert api.door.status().level is MonitorLevel.CRITICAL

    async def listen() -> str:
        async with open_socket_async(api.address) as socket:
            return str(await socket.recv())

    assert '"hello"' in asyncio.run(listen())


def test_a_socket_that_is_refused_says_why(api: Running) -> None:
    old = api.address
    api.server.rotate_token()
    with pytest.raises(omnitray.NotRunning, match="another program"):
        next(stream(old))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("omnitray.client.http.Remote.prove", lambda _: None)
        with pytest.raises(omnitray.RequestFailed, match="not the token") as refused:
            next(stream(old))
    assert refused.value.status == 401


@pytest.mark.usefixtures("api")
def test_a_refusal_is_an_exception_with_its_sentence() -> None:
    with pytest.raises(omnitray.RequestFailed, match="no alert"):
        Client().acknowledge("a99")


@pytest.mark.usefixtures("home")
def test_inside_the_program_no_socket_is_needed() -> None:
    door = FakeDoor()
    door.start()
    identity = InstanceIdentity(version="1", pid=os.getpid(), started=0.0)
    discovery.serve(door, identity)
    try:
        outcome: list[Alert] = []
        client = Client()
        worker = threading.Thread(target=lambda: outcome.append(client.raise_("CRITICAL", "in")))
        worker.start()
        worker.join(10)
        assert [alert.title for alert in outcome] == ["in"]
        assert client.running
        assert len(client.alerts()) == 2
        status = client.status()
        assert status is not None
        assert status.pid == os.getpid()
    finally:
        discovery.leave()
        door.stop()


def test_importing_omnitray_loads_nothing() -> None:
    code = "import sys, omnitray; print(*sorted(sys.modules))"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    loaded = set(run.stdout.split())
    assert not loaded & {"PySide6", "psutil", "msgspec", "asyncio", "socket", "uvicorn"}


def test_every_public_name_is_there_and_typed() -> None:
    for name in omnitray.__all__:
        assert getattr(omnitray, name) is not None
    assert set(dir(omnitray)) == set(omnitray.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = omnitray.nothing

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from omnitray.alerts.channels.session_bus import (
    BusReply,
    BusUnavailableError,
    SessionBus,
    connect,
    session_address,
)


@pytest.fixture
def pair() -> Iterator[tuple[SessionBus, socket.socket]]:
    ours, theirs = socket.socketpair()
    bus = SessionBus(ours)
    yield bus, theirs
    bus.close()
    theirs.close()


def test_the_address_comes_from_the_variable_else_from_the_runtime_folder(tmp_path: Path) -> None:
    assert session_address({"DBUS_SESSION_BUS_ADDRESS": "unix:path=/x"}) == "unix:path=/x"
    with pytest.raises(BusUnavailableError):
        session_address({"XDG_RUNTIME_DIR": str(tmp_path)})
    (tmp_path / "bus").touch()
    assert session_address({"XDG_RUNTIME_DIR": str(tmp_path)}) == f"unix:path={tmp_path}/bus"


@pytest.mark.parametrize(
    "address", ["", "nonsense", "unix:", "tcp:host=x,port=1", "unix:path=/does/not/exist"]
)
def test_an_address_that_leads_nowhere_is_one_error(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    with pytest.raises(BusUnavailableError):
        connect(address, timeout_s=0.5)


def test_a_bus_that_accepts_and_says_nothing_is_given_up_in_time(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "bus"))
        server.listen()
        with pytest.raises(BusUnavailableError, match="does not answer"):
            connect(f"unix:path={tmp_path}/bus", timeout_s=0.1)


def test_calls_never_wait_for_a_bus_that_does_not_read(
    pair: tuple[SessionBus, socket.socket],
) -> None:
    bus, theirs = pair
    wanted: list[bool] = []
    bus.on_backlog = wanted.append
    for _again in range(2000):
        bus.call("a.b", "/", "a.b", "Say", "s", ("x" * 1000,))
    assert bus.backlog_bytes > 0
    assert wanted[-1] is True
    while bus.backlog_bytes:
        theirs.recv(1 << 20)
        bus.flush()
    assert wanted[-1] is False


def test_a_bus_that_goes_is_said_once_and_then_nothing_happens(
    pair: tuple[SessionBus, socket.socket],
) -> None:
    bus, theirs = pair
    lost: list[bool] = []
    answers: list[BusReply] = []
    bus.on_lost = lambda: lost.append(True)
    bus.call("a.b", "/", "a.b", "Ask", on_answer=answers.append)
    theirs.close()
    bus.read()
    bus.read()
    bus.call("a.b", "/", "a.b", "Say")
    assert bus.lost
    assert lost == [True]
    assert answers == []

"""The session bus over a socket pair; the real one is spoken to by the tests of the desktop."""

import contextlib
import select
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from jeepney import (  # type: ignore[import-untyped]  # it ships no types
    DBusAddress,
    Message,
    Parser,
    new_method_return,
    new_signal,
)

from omnitray.base.dbus import (
    BUS,
    MAX_MESSAGE_BYTES,
    PORTION_BYTES,
    BlockingSessionBus,
    BusError,
    BusObject,
    BusReply,
    BusSignal,
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
    with pytest.raises(BusError):
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
    with pytest.raises(BusError):
        connect(address, timeout_s=0.5)


def test_a_bus_that_accepts_and_says_nothing_is_given_up_in_time(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "bus"))
        server.listen()
        with pytest.raises(BusError, match="does not answer"):
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


class SmallBus:
    """One end of a socket pair; answers each call with its member's name, one portion a turn."""

    def __init__(self, theirs: socket.socket) -> None:
        self._socket = theirs
        self._parser = Parser()

    def calls(self) -> list[Message]:
        self._parser.add_data(self._socket.recv(1 << 20))
        return list(iter(self._parser.get_next_message, None))

    def answer(self, call: Message, *body: str) -> None:
        reply = new_method_return(call, "s" * len(body), body)
        self._socket.sendall(reply.serialise(serial=1))


def test_the_first_address_that_answers_is_taken(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "bus"))
        server.listen()
        with pytest.raises(BusError, match="Did not authenticate"):
            # The first is not there, the second accepts and never speaks.
            connect(f"unix:path={tmp_path}/none;unix:path={tmp_path}/bus", timeout_s=0.1)
        visitor, _ = server.accept()
        visitor.close()


def test_a_peer_that_floods_gets_a_portion_of_the_thread(
    pair: tuple[SessionBus, socket.socket],
) -> None:
    bus, theirs = pair
    heard: list[BusSignal] = []
    bus.listen(heard.append)
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    theirs.setblocking(False)
    signal = new_signal(DBusAddress("/x", interface="a.b"), "Said", "s", ("y" * 40,))
    one = signal.serialise(serial=1)
    sent = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            sent += theirs.send(one)
    assert sent > 2 * PORTION_BYTES
    bus.read()
    assert 0 < len(heard) <= PORTION_BYTES // len(one) + 1
    for _portion in range(sent // PORTION_BYTES + 1):
        bus.read()
    assert len(heard) == sent // len(one)


def test_a_message_that_is_too_long_is_passed_over_and_one_who_waits_for_it_hears_so(
    pair: tuple[SessionBus, socket.socket],
) -> None:
    bus, theirs = pair
    heard: list[str] = []
    bus.listen(lambda signal: heard.append(signal.member))
    answers: list[BusReply] = []
    bus.call("a.b", "/", "a.b", "Ask", on_answer=answers.append)
    *_, asked = SmallBus(theirs).calls()
    sender = threading.Thread(
        target=theirs.sendall,
        args=(
            said("Long", "ai", (list(range(MAX_MESSAGE_BYTES)),))
            + new_method_return(asked, "s", ("x" * MAX_MESSAGE_BYTES,)).serialise(serial=2)
            + said("Short", "s", ("y",)),
        ),
    )
    sender.start()
    while "Short" not in heard:
        bus.read()
    sender.join()
    assert heard == ["Short"]
    assert [each.error for each in answers] == ["org.freedesktop.DBus.Error.LimitsExceeded"]
    assert not bus.lost


def said(member: str, signature: str, body: tuple[object, ...]) -> bytes:
    signal = new_signal(DBusAddress("/x", interface="a.b"), member, signature, body)
    return bytes(signal.serialise(serial=1))


WORST = {
    "the smallest": said("S", "", ()) * (4 * PORTION_BYTES // 100),
    "numbers": said("S", "ai", (list(range(MAX_MESSAGE_BYTES // 4 - 100)),)) * 4,
    "variants": said("S", "av", ([("y", 1)] * (MAX_MESSAGE_BYTES // 4 - 100),)) * 4,
    "empty texts": said("S", "as", ([""] * (MAX_MESSAGE_BYTES // 8 - 100),)) * 4,
    "pairs": said("S", "a{yy}", (dict.fromkeys(range(250), 1),)) * 20,
}


@pytest.mark.parametrize("kind", WORST)
def test_a_portion_costs_a_moment_of_the_processor_whatever_is_in_it(
    pair: tuple[SessionBus, socket.socket], kind: str
) -> None:
    bus, theirs = pair
    sender = threading.Thread(target=theirs.sendall, args=(WORST[kind],))
    sender.start()
    costs = []
    left = len(WORST[kind])
    while left > 0:
        select.select([bus.fileno()], [], [])
        start = time.thread_time()
        bus.read()
        costs.append(time.thread_time() - start)
        left -= PORTION_BYTES
    sender.join()
    assert sorted(costs)[len(costs) // 2] < 0.05


WRONG: list[tuple[object, ...]] = [
    (), (7,), ("x", "y"), (None,), ([1, [2]],), ({"a": 1},), (("s", "x"),), (b"x",), (True,),
    (-1.5,),
]  # fmt: skip


KINDS = [(int,), (list[str],), (str, str, str), (tuple[str, bool],), (dict[str, str],)]
FITTING = [((7,), (int,)), ((("s", "x"),), (list[str],))]
BESIDE = [(body, kinds) for body in WRONG for kinds in KINDS if (body, kinds) not in FITTING]


@pytest.mark.parametrize(("body", "kinds"), BESIDE)
def test_a_body_of_other_types_is_one_error(body: tuple[object, ...], kinds: tuple[type]) -> None:
    with pytest.raises(BusError, match="something else"):
        BusReply(error=None, body=body).holding(*kinds)


def test_a_body_may_hold_more_than_is_asked_for_and_an_error_is_raised() -> None:
    assert BusReply(error=None, body=(7, "more")).holding(int) == (7,)
    with pytest.raises(BusError, match="no") as refused:
        BusReply(error="a.b.Denied", body=("no",)).holding(int)
    assert refused.value.name == "Denied"


@pytest.mark.parametrize("body", WRONG)
def test_an_owner_of_another_type_is_no_owner(
    pair: tuple[SessionBus, socket.socket], body: tuple[object, ...]
) -> None:
    bus, theirs = pair
    owners: list[str | None] = []
    bus.watch_name("a.b", owners.append)
    bus._dispatch_signal(
        BusSignal(sender=BUS, path="/", interface=BUS, member="NameOwnerChanged", body=body)
    )
    *_, asked = SmallBus(theirs).calls()
    theirs.sendall(new_method_return(asked, "u", (7,)).serialise(serial=1))
    bus.read()
    assert owners == [None]
    assert not bus.lost


@pytest.mark.parametrize(
    "data", [b"HTTP/1.1 200 OK\r\n\r\n" * 9, b"\0" * 64, b"l\x01\0\1" + b"\x7f" * 60]
)
def test_what_does_not_speak_dbus_is_no_bus(
    pair: tuple[SessionBus, socket.socket], data: bytes
) -> None:
    bus, theirs = pair
    theirs.sendall(data)
    bus.read()
    assert bus.lost


def test_an_answer_is_waited_for_and_one_that_comes_late_is_nobodys(
    pair: tuple[SessionBus, socket.socket],
) -> None:
    bus, theirs = pair
    small = SmallBus(theirs)
    target = BusObject("a.b", "/a", "a.b")
    with pytest.raises(BusError, match="did not answer within"):
        bus.ask(target, "First", timeout_s=0.01)
    _hello, first = small.calls()
    small.answer(first, "late")
    answered = threading.Thread(target=lambda: small.answer(small.calls()[0], "in time"))
    answered.start()
    assert bus.ask(target, "Second", timeout_s=20).body == ("in time",)
    answered.join()


def test_a_broken_connection_is_made_again_with_the_next_call() -> None:
    theirs: list[socket.socket] = []

    def reconnect(_patience_s: float) -> SessionBus:
        ours, other = socket.socketpair()
        theirs.append(other)
        return SessionBus(ours)

    bus = BlockingSessionBus(0.01, connect=reconnect)
    for _again in range(2):
        with pytest.raises(BusError, match="does not answer"):
            bus.call(BusObject("a.b", "/a", "a.b"), "Ask")
    bus.close()
    assert len(theirs) == 2
    for each in theirs:
        each.close()

"""Ties to the person, found on real processes, sockets and terminals."""

import os
import pty
import socket
import subprocess
import sys
import termios
import tty
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from pathlib import Path

import pytest

from omnitray.platforms.linux.system import LinuxSystem
from omnitray.platforms.linux.ties import UNSEEN, Ties, attributes, messages, peer_names
from omnitray.processes.process_roles import Tie
from omnitray.protector.actuators.actuator import CannotPlan, Target
from omnitray.protector.actuators.cgroup import FreezeActuator
from omnitray.protector.actuators.signals import StopActuator
from support.children import eventually

CONNECTS = """
import socket, sys, time
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); print(flush=True); time.sleep(60)
"""
SLEEPS = "import time; print(flush=True); time.sleep(60)"


def nobody() -> frozenset[int]:
    return frozenset()


def unconnected(_: AbstractSet[int]) -> dict[int, bytes]:
    return {}


@contextmanager
def child(code: str, *arguments: str) -> Iterator[int]:
    command = [sys.executable, "-I", "-S", "-c", code, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield process.pid
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("name", "ties"),
    [
        (".X11-unix/X0", {Tie.DISPLAY}),
        ("wayland-0", {Tie.DISPLAY}),
        ("pipewire-0", {Tie.SOUND}),
        ("pulse/native", {Tie.SOUND}),
        ("postgres.sock", set()),
        (".X11-unix/X0.backup", set()),
    ],
)
def test_a_client_is_known_by_the_server_it_is_connected_to(
    tmp_path: Path, name: str, ties: set[Tie]
) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        with child(CONNECTS, str(path)) as pid:
            connection, _ = server.accept()
            assert Ties(nobody).of((pid,)) == {pid: frozenset(ties)}
            connection.close()


def test_what_holds_the_kernels_virtual_machines_runs_one(tmp_path: Path) -> None:
    descriptors = tmp_path / "7" / "fd"
    descriptors.mkdir(parents=True)
    (descriptors / "3").symlink_to("/dev/kvm")
    (tmp_path / "7" / "stat").write_text(f"7 (qemu) S 1 7 7 0 -1 {'0 ' * 40}")

    assert Ties(nobody, unconnected, tmp_path).of((7,)) == {7: frozenset({Tie.MACHINE})}


def test_an_owner_of_a_bus_name_is_tied(tmp_path: Path) -> None:
    with serving(tmp_path / "bus"), child(CONNECTS, str(tmp_path / "bus")) as pid:
        eventually(lambda: Ties(lambda: frozenset({pid})).of((pid,)) == {pid: {Tie.BUS_NAME}})


def test_without_a_look_at_sockets_nobody_counts_as_headless() -> None:
    def refuses(_: AbstractSet[int]) -> dict[int, bytes]:
        raise OSError

    assert Ties(nobody, refuses).of((1,)) == {1: frozenset({Tie.UNKNOWN})}


def test_what_holds_no_socket_is_no_question_to_the_kernel_and_the_bus() -> None:
    """Of what a build or a fork bomb starts each look asks: it holds none."""

    def refuses(*_: object) -> frozenset[int]:
        raise AssertionError

    with child(SLEEPS) as pid:
        assert Ties(refuses, refuses).of((pid,)) == {pid: frozenset()}  # type: ignore[arg-type]


def test_a_process_that_is_gone_has_no_ties() -> None:
    with child(SLEEPS) as pid:
        pass
    eventually(lambda: not Path(f"/proc/{pid}").exists())
    assert Ties(nobody).of((pid,)) == {pid: frozenset()}


@contextmanager
def on_a_terminal(program: str = SLEEPS) -> Iterator[tuple[int, int]]:
    """A process in the foreground of a terminal, sleeping; and the terminal's descriptor."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-I", "-S", "-c", program])  # noqa: S606 - no shell wanted
    try:
        os.read(terminal, 10)
        yield pid, terminal
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        os.close(terminal)


def test_what_merely_runs_in_a_terminal_is_not_typed_into() -> None:
    with on_a_terminal() as (pid, _):
        assert Ties(nobody).of((pid,)) == {pid: frozenset()}


def test_what_has_its_terminal_in_raw_mode_is_typed_into() -> None:
    with on_a_terminal() as (pid, terminal):
        tty.setraw(terminal, termios.TCSANOW)
        assert Ties(nobody).of((pid,)) == {pid: frozenset({Tie.TYPED_INTO})}


def test_what_waits_for_a_line_from_its_terminal_is_typed_into() -> None:
    """A prompt that keeps the terminal as it is: Perl's debugger, ed, tclsh, a question."""
    asks = "import os; os.write(1, b'? '); os.read(0, 80)"
    with on_a_terminal(asks) as (pid, _):
        eventually(lambda: Ties(nobody).of((pid,)) == {pid: frozenset({Tie.TYPED_INTO})})


def test_the_kernel_names_the_other_end(tmp_path: Path) -> None:
    path = str(tmp_path / "server")
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(path)
        server.listen()
        client.connect(path)
        connection, _ = server.accept()
        inode, waiting = os.fstat(client.fileno()).st_ino, os.fstat(server.fileno()).st_ino
        assert peer_names({inode, waiting, 1}) == {inode: path.encode()}
        many = {inode, waiting, *range(1, 100)}  # those of others that are not asked for
        assert peer_names(many)[inode] == path.encode()
        assert waiting not in peer_names(many)
        with socket.socket(socket.AF_UNIX) as early:
            early.connect(path)  # not accepted
            inode = os.fstat(early.fileno()).st_ino
            assert peer_names({inode}) == {inode: UNSEEN}
            assert peer_names({inode, *range(1, 100)})[inode] == UNSEEN
        connection.close()


@pytest.mark.parametrize("damage", [b"", b"\0", b"\0" * 40, b"\xff" * 40])
def test_damaged_answers_of_the_kernel_end(damage: bytes) -> None:
    assert list(messages(damage)) is not None
    assert list(attributes(damage)) is not None


@pytest.fixture
def display(tmp_path: Path) -> Iterator[str]:
    """A server under the name of an X display."""
    path = tmp_path / ".X11-unix/X0"
    path.parent.mkdir()
    with serving(path):
        yield str(path)


@contextmanager
def serving(path: Path) -> Iterator[socket.socket]:
    """A server that accepts everybody, in a process of its own."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        pid = os.fork()
        if pid == 0:
            kept = []
            while True:
                kept.append(server.accept())
        try:
            yield server
        finally:
            os.kill(pid, 9)
            os.waitpid(pid, 0)


@contextmanager
def apart(option: str, code: str, *arguments: str) -> Iterator[int]:
    """A child in a namespace of its own."""
    python = [sys.executable, "-I", "-S", "-c", code, *arguments]
    command = ["unshare", "--map-root-user", option, *python]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        try:
            yield process.pid
        finally:
            process.kill()


def test_a_client_of_a_display_in_a_network_of_its_own_is_unknown_not_free(display: str) -> None:
    with apart("-n", CONNECTS, display) as pid:
        assert Ties(nobody).of((pid,)) == {pid: {Tie.UNKNOWN}}


def test_a_client_of_a_display_with_mounts_of_its_own_is_tied(display: str) -> None:
    with apart("-m", CONNECTS, display) as pid:
        eventually(lambda: Ties(nobody).of((pid,)) == {pid: {Tie.DISPLAY}})


def test_a_client_of_a_proxy_with_mounts_of_its_own_is_unknown_not_free(tmp_path: Path) -> None:
    path = tmp_path / "proxied"
    with serving(path):
        with apart("-m", CONNECTS, str(path)) as pid:
            eventually(lambda: peer_of(pid) == str(path).encode())  # once the server accepted it
            assert Ties(nobody).of((pid,)) == {pid: {Tie.UNKNOWN}}
        with child(CONNECTS, str(path)) as pid:
            eventually(lambda: Ties(nobody).of((pid,)) == {pid: frozenset()})


def peer_of(pid: int) -> bytes:
    """What its one socket is connected to."""
    targets = [str(each.readlink()) for each in Path(f"/proc/{pid}/fd").iterdir()]
    (inode,) = [int(each[8:-1]) for each in targets if each.startswith("socket:")]
    return peer_names({inode})[inode]


def test_a_server_that_has_not_accepted_yet_is_unknown(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "slow"))
        server.listen()
        with child(CONNECTS, str(tmp_path / "slow")) as pid:
            assert Ties(nobody).of((pid,)) == {pid: {Tie.UNKNOWN}}
            connection, _ = server.accept()
            assert Ties(nobody).of((pid,)) == {pid: frozenset()}
            connection.close()


@pytest.mark.parametrize("option", ["-n", "-m"])
def test_what_reaches_no_socket_from_its_namespace_is_free(option: str) -> None:
    with apart(option, SLEEPS) as pid:
        assert Ties(nobody).of((pid,)) == {pid: frozenset()}


def test_a_tcp_server_in_a_network_of_its_own_reaches_no_display() -> None:
    code = f"import socket; s = socket.create_server(('', 0)); {SLEEPS}"
    with apart("-n", code) as pid:
        assert Ties(nobody).of((pid,)) == {pid: frozenset()}


def test_a_pause_of_what_is_unknown_is_refused(display: str) -> None:
    system = LinuxSystem()
    with apart("-n", CONNECTS, display) as pid:
        target = Target(job_key="job", title="a job", processes=system.identify([pid]))
        for actuator in (StopActuator(system), FreezeActuator(system)):
            with pytest.raises(CannotPlan):
                actuator.plan(target)
        with pytest.raises(CannotPlan, match=Tie.UNKNOWN):
            StopActuator(system).plan(target)
    system.close()


def test_a_namespace_that_may_not_be_looked_up_is_unknown(tmp_path: Path) -> None:
    """As of a program that forbids to be looked into."""
    for place in ("self/ns", "50/ns", "50/fd", "50/net"):
        (tmp_path / place).mkdir(parents=True)
    (tmp_path / "50/stat").write_text("50 (x) S " + "0 " * 30)
    (tmp_path / "self/ns/net").symlink_to("net:[1]")
    (tmp_path / "50/fd/3").symlink_to("socket:[77]")
    (tmp_path / "50/ns/net").symlink_to("net:[2]")
    ties = Ties(nobody, unconnected, tmp_path)
    assert ties.of((50,)) == {50: frozenset()}  # net/unix has gone with the process
    (tmp_path / "50/net/unix").mkdir()  # reading it is refused
    assert ties.of((50,)) == {50: {Tie.UNKNOWN}}
    (tmp_path / "50/net/unix").rmdir()
    row = "0000000000000000: 00000003 00000000 00000000 0001 03 77\n"
    (tmp_path / "50/net/unix").write_text("Num RefCount Protocol Flags Type St Inode Path\n" + row)
    assert ties.of((50,)) == {50: {Tie.UNKNOWN}}

"""Ties to the person, found on real processes, sockets and terminals."""

import os
import pty
import socket
import subprocess
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from omnitray.platforms.linux.foreground import Ties, attributes, messages, peer_names
from omnitray.processes.process_roles import Tie
from support.children import eventually

CONNECTS = """
import socket, sys, time
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); print(flush=True); time.sleep(60)
"""
SLEEPS = "import time; print(flush=True); time.sleep(60)"


def nobody() -> frozenset[int]:
    return frozenset()


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


def test_an_owner_of_a_bus_name_is_tied() -> None:
    with child(SLEEPS) as pid:
        assert Ties(lambda: frozenset({pid})).of((pid,)) == {pid: frozenset({Tie.BUS_NAME})}


def test_without_a_look_at_sockets_nobody_counts_as_headless() -> None:
    def refuses() -> dict[int, bytes]:
        raise OSError

    assert Ties(nobody, refuses).of((1,)) == {1: frozenset({Tie.UNKNOWN})}


def test_a_process_that_is_gone_has_no_ties() -> None:
    with child(SLEEPS) as pid:
        pass
    eventually(lambda: not Path(f"/proc/{pid}").exists())
    assert Ties(nobody).of((pid,)) == {pid: frozenset()}


@contextmanager
def on_a_terminal() -> Iterator[tuple[int, int]]:
    """A sleeping process in the foreground of a terminal, and the terminal's descriptor."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-I", "-S", "-c", SLEEPS])  # noqa: S606 - no shell wanted
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


def test_the_kernel_names_the_other_end(tmp_path: Path) -> None:
    path = str(tmp_path / "server")
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(path)
        server.listen()
        client.connect(path)
        connection, _ = server.accept()
        inode = os.fstat(client.fileno()).st_ino
        assert peer_names()[inode] == path.encode()
        connection.close()


@pytest.mark.parametrize("damage", [b"", b"\0", b"\0" * 40, b"\xff" * 40])
def test_damaged_answers_of_the_kernel_end(damage: bytes) -> None:
    assert list(messages(damage)) is not None
    assert list(attributes(damage)) is not None

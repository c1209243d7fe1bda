"""Whose window is active, asked of a real X server with a window manager, and of a real sway."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

import pytest

from omnitray.platforms.linux.active_window import (
    ActiveWindow,
    SwayWindow,
    cookie_for,
    foreground,
    foreground_known,
    socket_path,
)
from omnitray.protector.exclusions.foreground import Foreground, NoForeground
from support.clock import FakeClock
from support.desktop import tool, wait_until

HOST = socket.gethostname()
PATIENCE_S = 20.0
COOKIE = "0123456789abcdef0123456789abcdef"


class Screen:
    """An X server of this test's own; ``name`` is what DISPLAY says."""

    def __init__(self, folder: Path, *more: str) -> None:
        self._folder = folder
        self._programs: list[subprocess.Popen[bytes]] = []
        read_end, write_end = os.pipe()
        arguments = [tool("Xvfb"), "-displayfd", str(write_end), "-nolisten", "tcp", *more]
        self.server = self._start(*arguments, pass_fds=(write_end,))
        os.close(write_end)
        with os.fdopen(read_end) as answer:
            self.name = f":{answer.readline().strip()}"
        self.environment = {**os.environ, "DISPLAY": self.name, "HOME": str(folder)}

    def start(self, *arguments: str) -> int:
        """A program with a window; its pid."""
        return self._start(tool(arguments[0]), *arguments[1:], env=self.environment).pid

    def manage(self) -> None:
        """Start a window manager; it gives the focus to windows that come after it."""
        ready = self._folder / "ready"
        self.start("openbox", "--sm-disable", "--startup", f"touch {ready}")
        wait_until(ready.exists, "the window manager runs")

    def _start(self, *arguments: str, **more: object) -> subprocess.Popen[bytes]:
        with (self._folder / "log").open("ab") as log:
            program = subprocess.Popen(  # type: ignore[call-overload] # by what the callers give
                arguments, stdout=log, stderr=log, start_new_session=True, **more
            )
        self._programs.append(program)
        return program  # type: ignore[no-any-return] # likewise

    def stop(self) -> None:
        """End everything, the last first."""
        for program in reversed(self._programs):
            with ExitStack() as stack:
                stack.callback(program.wait, 10)
                program.send_signal(signal.SIGCONT)
                program.kill()


@contextmanager
def screen(folder: Path, *more: str) -> Iterator[Screen]:
    """With a window manager on it."""
    ours = Screen(folder, *more)
    try:
        ours.manage()
        yield ours
    finally:
        ours.stop()


@contextmanager
def asking(environment: dict[str, str]) -> Iterator[Foreground]:
    window = foreground(environment)
    try:
        yield window
    finally:
        window.close()


def becomes(window: Foreground, pids: set[int]) -> None:
    wait_until(lambda: window.pids() == pids, f"{pids} is in front")


def xterm(ours: Screen, name: str) -> int:
    """A terminal with a shell command in it, whose window must not count."""
    return ours.start("xterm", "-T", name, "-e", "sleep", "600")


@pytest.mark.parametrize("more", [(), ("-extension", "X-Resource")])
def test_the_active_window_s_process_is_known_and_then_the_next_one(
    tmp_path: Path, more: tuple[str, ...]
) -> None:
    with screen(tmp_path, *more) as ours, asking({"DISPLAY": ours.name}) as window:
        first = xterm(ours, "first")
        becomes(window, {first})
        second = xterm(ours, "second")
        becomes(window, {second})
        command = [tool("xdotool"), "search", "--name", "first", "windowactivate"]
        subprocess.run(command, env=ours.environment, check=True, timeout=10)
        becomes(window, {first})
        os.kill(first, signal.SIGKILL)
        becomes(window, {second})
        os.kill(second, signal.SIGKILL)
        becomes(window, set())


def test_a_display_that_hangs_is_not_waited_for_and_taken_up_again(tmp_path: Path) -> None:
    with screen(tmp_path) as ours, asking({"DISPLAY": ours.name}) as window:
        first = xterm(ours, "first")
        becomes(window, {first})
        ours.server.send_signal(signal.SIGSTOP)
        with asking({"DISPLAY": ours.name}) as another:
            assert [another.pids() for _ in range(5)] == [frozenset()] * 5
            assert window.pids() == {first}
            ours.server.send_signal(signal.SIGCONT)
            becomes(another, {first})
        second = xterm(ours, "second")
        becomes(window, {second})


def test_a_display_that_is_gone_is_nobody_and_no_error(tmp_path: Path) -> None:
    with screen(tmp_path) as ours, asking({"DISPLAY": ours.name}) as window:
        becomes(window, {xterm(ours, "first")})
        ours.server.kill()
        becomes(window, set())
        assert window.pids() == frozenset()


def test_a_display_that_was_not_there_is_asked_again_later(tmp_path: Path) -> None:
    clock = FakeClock()
    tries: list[int] = []

    def refuses() -> socket.socket:
        tries.append(1)
        raise FileNotFoundError(tmp_path)

    window = ActiveWindow(refuses, bytes, HOST, clock.monotonic)
    for _ in range(5):
        assert window.pids() == frozenset()
        clock.advance(1.0)
    assert len(tries) == 1
    clock.advance(10.0)
    window.pids()
    assert len(tries) == 2


@pytest.mark.parametrize("shown", ["ours", "nobody's"])
def test_a_display_that_wants_a_cookie_gets_it(tmp_path: Path, shown: str) -> None:
    wanted = tmp_path / "wanted"
    for name in (f"{HOST}/unix:0", ":0"):  # the server takes every entry of its file
        command = [tool("xauth"), "-f", str(wanted), "add", name, ".", COOKIE]
        subprocess.run(command, check=True, capture_output=True, timeout=10)
    ours = Screen(tmp_path, "-auth", str(wanted))
    try:
        cookies = tmp_path / "cookies"
        command = [tool("xauth"), "-f", str(cookies), "add", ours.name, ".", COOKIE]
        subprocess.run(command, check=True, capture_output=True, timeout=10)
        ours.environment |= {"XAUTHORITY": str(cookies)}
        ours.manage()
        terminal = xterm(ours, "first")
        with asking(ours.environment) as window:
            becomes(window, {terminal})
        if shown == "nobody's":
            stranger = ours.environment | {"XAUTHORITY": str(tmp_path / "none")}
            with asking(stranger) as window:
                assert window.pids() == frozenset()
    finally:
        ours.stop()


@pytest.mark.parametrize("damage", [b"", b"\1", b"\1\0\0\5ab", b"\xff" * 9])
def test_a_damaged_file_of_cookies_holds_none(tmp_path: Path, damage: bytes) -> None:
    file = tmp_path / "cookies"
    file.write_bytes(damage)
    assert cookie_for(file, HOST, "0") == b""


@pytest.mark.parametrize("nonsense", [b"", b"\0" * 8, b"\1" * 8, b"\1" + b"\0" * 600, b"\xff" * 99])
def test_nonsense_from_a_display_is_nobody(nonsense: bytes) -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        theirs.sendall(nonsense)
        theirs.shutdown(socket.SHUT_WR)
        window = ActiveWindow(lambda: ours, bytes, HOST)
        assert window.pids() == frozenset()
        window.close()


@pytest.mark.parametrize(
    ("display", "place"),
    [
        (":0", "/tmp/.X11-unix/X0"),
        (":12.1", "/tmp/.X11-unix/X12"),
        ("unix:3", "/tmp/.X11-unix/X3"),
        ("localhost:10.0", None),
        ("", None),
        (":x", None),
    ],
)
def test_a_display_of_this_machine_has_a_socket(display: str, place: str | None) -> None:
    assert socket_path(display) == (Path(place) if place else None)


def test_it_is_told_what_can_be_known() -> None:
    assert foreground_known({"DISPLAY": ":0"}) == (
        "the X display tells whose window is active",
        "",
    )
    known, why_not = foreground_known({"DISPLAY": ":0", "WAYLAND_DISPLAY": "wayland-0"})
    assert known == ""
    assert "for X programs only" in why_not
    assert foreground_known({"SWAYSOCK": "/s"})[0].startswith("sway")
    assert foreground_known({"DISPLAY": "far:10"})[1].startswith("this display does not tell")
    gnome = {"WAYLAND_DISPLAY": "wayland-0", "XDG_CURRENT_DESKTOP": "ubuntu:GNOME"}
    why = "GNOME on Wayland does not tell other programs whose window is active"
    assert foreground_known(gnome) == ("", why)
    assert foreground_known({})[0].startswith("there is no display")
    assert isinstance(foreground({}), NoForeground)


# sway


NOBODY = 65534  # sway does not run as root


@pytest.fixture
def seat() -> Iterator[dict[str, str]]:
    """A real sway without a screen; the environment of its programs."""
    if shutil.which("sway") is None or shutil.which("foot") is None:
        pytest.skip("needs sway and foot")
    with tempfile.TemporaryDirectory() as name:
        run = Path(name)
        (run / "config").write_text("xwayland disable\n")
        environment = {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": name,
            "XDG_RUNTIME_DIR": name,
            "WLR_BACKENDS": "headless",
            "WLR_RENDERER": "pixman",
            "WLR_LIBINPUT_NO_DEVICES": "1",
        }
        if os.geteuid() == 0:
            os.chown(run, NOBODY, NOBODY)
        command = ["sway", "--config", str(run / "config")]
        with (run / "log").open("ab") as log, as_nobody(command, environment, log) as compositor:
            found = wait_until(lambda: list(run.glob("sway-ipc.*.sock")), "sway has its socket")
            screens = wait_until(lambda: list(run.glob("wayland-?")), "sway has its display")
            yield environment | {"SWAYSOCK": str(found[0]), "WAYLAND_DISPLAY": screens[0].name}
            compositor.terminate()


def as_nobody(
    command: list[str], environment: dict[str, str], log: IO[bytes]
) -> subprocess.Popen[bytes]:
    if os.geteuid() == 0:
        command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *command]
    return subprocess.Popen(
        command, env=environment, stdout=log, stderr=log, cwd=environment["HOME"]
    )


def test_sway_says_whose_window_has_the_focus(seat: dict[str, str], tmp_path: Path) -> None:
    with asking(seat) as window, (tmp_path / "log").open("ab") as log:
        assert isinstance(window, SwayWindow)
        assert window.pids() == frozenset()
        for _ in range(2):
            with as_nobody(["foot", "sleep", "600"], seat, log) as terminal:
                becomes(window, {terminal.pid})
                terminal.terminate()
            becomes(window, set())


TREE = (
    b'{"nodes":[{"nodes":[{"pid":7,"focused":false},{"pid":8,"focused":true,"name":"\xc3\xbc"}],'
    b'"floating_nodes":[]}],"focused":false,"pid":null}'
)


SERVES = """
import socket, sys
print(flush=True)
server = socket.socket(fileno=int(sys.argv[1]))
for answer in sys.argv[2:]:
    client, _ = server.accept()
    client.recv(14)
    client.sendall(bytes.fromhex(answer))
    client.close()
"""


@contextmanager
def served(folder: Path, *answers: bytes) -> Iterator[SwayWindow]:
    """Asks a stand-in that has these answers."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "sway"))
        server.listen()
        arguments = [str(server.fileno()), *(each.hex() for each in answers)]
        command = [sys.executable, "-I", "-S", "-c", SERVES, *arguments]
        with subprocess.Popen(
            command, pass_fds=(server.fileno(),), stdout=subprocess.PIPE
        ) as stand_in:
            assert stand_in.stdout is not None
            stand_in.stdout.readline()
            yield SwayWindow(folder / "sway", FakeClock().monotonic, PATIENCE_S)
            stand_in.kill()


def framed(payload: bytes, magic: bytes = b"i3-ipc") -> bytes:
    return magic + len(payload).to_bytes(4, "little") + (4).to_bytes(4, "little") + payload


def test_the_focus_is_found_deep_in_the_tree(tmp_path: Path) -> None:
    with served(tmp_path, framed(TREE)) as window:
        assert window.pids() == {8}


@pytest.mark.parametrize(
    "answer",
    [
        framed(TREE, b"i4-ipc"),
        framed(TREE)[:-5],
        framed(b"[1]"),
        framed(b"{}"),
        b"i3-ipc\xff\xff\xff\xff\4\0\0\0",
        b"x",
    ],
)
def test_nonsense_from_sway_is_nobody(tmp_path: Path, answer: bytes) -> None:
    with served(tmp_path, answer) as window:
        assert window.pids() == frozenset()


def test_a_sway_that_does_not_answer_is_not_waited_for(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "sway"))
        server.listen()
        window = SwayWindow(tmp_path / "sway")
        assert [window.pids() for _ in range(3)] == [frozenset()] * 3


def test_a_sway_that_is_gone_is_nobody(tmp_path: Path) -> None:
    assert SwayWindow(tmp_path / "nothing").pids() == frozenset()

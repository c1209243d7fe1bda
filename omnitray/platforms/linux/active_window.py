"""The graphical session: whether there is a display, and what tells whose window is active.

Sway is asked over its own socket (sway-ipc(7)), all else over the X display. On other Wayland
desktops the X display still tells of programs that run on it (XWayland); the windows of all others
are the compositor's secret, and no process counts as in front.
"""

import os
import socket
import struct
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from omnitray.base.process_environment import home
from omnitray.platforms.linux.x11 import ActiveWindow, connected, cookie_for, socket_path
from omnitray.protector.exclusions.foreground import Foreground, NoForeground

PATIENCE_S = 0.05
_FRESH_S = 0.2
_LATE_S = 2.0  # a compositor that is busy is left alone for so long
_AGAIN_AFTER_S = 10.0  # one that cannot be reached
_MAGIC = b"i3-ipc"
_GET_TREE = 4
_HEAD = struct.Struct("<6sII")  # magic, length of what follows, type
_MOST_BYTES = 8 << 20
_NOBODY: frozenset[int] = frozenset()
_SCREENS = ("WAYLAND_DISPLAY", "DISPLAY")


class Node(msgspec.Struct, frozen=True):
    """What is needed of the tree of windows."""

    focused: bool = False
    pid: int | None = None
    nodes: tuple["Node", ...] = ()
    floating_nodes: tuple["Node", ...] = ()


class SwayWindow:
    """``protector.exclusions.foreground.Foreground`` for sway; from one thread."""

    def __init__(
        self,
        path: Path,
        now: Callable[[], float] = time.monotonic,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._path = path
        self._now = now
        self._patience_s = patience_s
        self._known = _NOBODY
        self._not_before_s = float("-inf")

    def pids(self) -> frozenset[int]:
        """The process whose window has the focus."""
        now = self._now()
        if now >= self._not_before_s:
            try:
                self._known = _focused(self._tree(now + self._patience_s))
                self._not_before_s = now + _FRESH_S
            except TimeoutError:
                self._not_before_s = now + _LATE_S
            except (OSError, msgspec.MsgspecError, struct.error, RecursionError):
                self._not_before_s = now + _AGAIN_AFTER_S
                self._known = _NOBODY
        return self._known

    def close(self) -> None:
        """Does nothing: each question has a connection of its own."""

    def _tree(self, deadline_s: float) -> Node:
        with socket.socket(socket.AF_UNIX) as channel:
            channel.settimeout(self._patience_s)
            channel.connect(str(self._path))
            channel.sendall(_HEAD.pack(_MAGIC, 0, _GET_TREE))
            magic, length, _ = _HEAD.unpack(self._exactly(channel, _HEAD.size, deadline_s))
            if magic != _MAGIC or length > _MOST_BYTES:
                raise OSError("that is not sway")
            return msgspec.json.decode(self._exactly(channel, length, deadline_s), type=Node)

    def _exactly(self, channel: socket.socket, count: int, deadline_s: float) -> bytes:
        pieces, missing = [], count
        while missing:
            left_s = deadline_s - self._now()
            if left_s <= 0:
                raise TimeoutError
            channel.settimeout(left_s)
            piece = channel.recv(missing)
            if not piece:
                raise OSError("sway has hung up")
            pieces.append(piece)
            missing -= len(piece)
        return b"".join(pieces)


def _focused(node: Node) -> frozenset[int]:
    if node.focused:
        return frozenset({node.pid}) if node.pid else _NOBODY
    inside = (_focused(each) for each in (*node.nodes, *node.floating_nodes))
    return next((pids for pids in inside if pids), _NOBODY)


def foreground(environment: Mapping[str, str] = os.environ) -> Foreground:
    """What tells; one for each thread that asks."""
    if path := environment.get("SWAYSOCK"):
        return SwayWindow(Path(path))
    display = environment.get("DISPLAY", "")
    place = socket_path(display)
    if place is None:
        return NoForeground()
    host, number = socket.gethostname(), place.name.removeprefix("X")
    cookies = Path(environment.get("XAUTHORITY") or home() / ".Xauthority")
    return ActiveWindow(lambda: connected(place), lambda: cookie_for(cookies, host, number), host)


def foreground_known(environment: Mapping[str, str] = os.environ) -> tuple[str, str]:
    """What can be known of the active window, and what keeps us from the rest; for people."""
    if environment.get("SWAYSOCK"):
        return "sway tells whose window is active", ""
    display, wayland = environment.get("DISPLAY", ""), environment.get("WAYLAND_DISPLAY")
    if not display and not wayland:
        return "there is no display, and nothing is in front", ""
    desktop = environment.get("XDG_CURRENT_DESKTOP", "").rpartition(":")[2]
    name = f"{desktop} on Wayland" if desktop and wayland else "this display"
    if socket_path(display) is None:
        return "", f"{name} does not tell other programs whose window is active"
    if wayland:
        return "", f"{name} tells whose window is active for X programs only"
    return "the X display tells whose window is active", ""


def has_display(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether there is a screen to show something on."""
    return any(environment.get(name) for name in _SCREENS)

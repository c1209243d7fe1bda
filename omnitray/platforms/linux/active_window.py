"""The graphical session: whether there is a display, and what tells whose window is active.

Sway is asked over its own socket (sway-ipc(7)), all else over the X display. On other Wayland
desktops the X display still tells of programs that run on it (XWayland); the windows of all others
are the compositor's secret, and no process counts as in front.

The X protocol is spoken as far as that question takes (:class:`ActiveWindow`), over a socket of its
own and in steps, so that a display that hangs is waited for some hundredths of a second, once: an
answer that is late is taken up at one of the next questions.

    _NET_ACTIVE_WINDOW of the root  →  X-Resource: the client's pid, as the server sees it
                                    →  else _NET_WM_PID, where WM_CLIENT_MACHINE is this host

The server's word comes first: what a sandboxed program says of itself is its pid in the sandbox.
"""

import os
import select
import socket
import struct
import time
from collections.abc import Callable, Generator, Mapping
from pathlib import Path

import msgspec

from omnitray.base.bounded import read_bounded
from omnitray.base.process_environment import home
from omnitray.protector.exclusions.foreground import Foreground, NoForeground

_ANSWER_WITHIN_S = 0.03
_COOKIES_BYTES = 1 << 20
_LATE_PATIENCE_S = 0.005  # with a display that was late before
_FRESH_S = 0.2  # so long an answer stands
_AGAIN_AFTER_S = 10.0  # a display that cannot be reached is left alone for so long
_LITTLE_ENDIAN = 0x6C
_HEAD = 32
_ERROR, _REPLY, _GENERIC_EVENT = 0, 1, 35
_GET_PROPERTY, _INTERN_ATOM, _QUERY_EXTENSION = 20, 16, 98
_QUERY_CLIENT_IDS, _LOCAL_CLIENT_PID = 4, 2  # of X-Resource 1.2
_CARDINAL_BYTES = 4
_MOST_BYTES = 1 << 20
_LONGEST_NAME = 64  # of a machine, in four bytes

Steps = Generator[None, None, bytes]  # runs on when more bytes have come
Answers = Generator[frozenset[int] | None, None, None]
_NOBODY: frozenset[int] = frozenset()


class TroubleError(OSError):
    """The display refuses, or its answer cannot be parsed."""


class ActiveWindow:
    """``protector.exclusions.foreground.Foreground`` for a display; from one thread.

    ``connect`` gives a connected socket, ``cookie`` what the display wants to see, ``host`` is
    this machine's name.
    """

    def __init__(
        self,
        connect: Callable[[], socket.socket],
        cookie: Callable[[], bytes],
        host: str,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connect = connect
        self._cookie = cookie
        self._host = host
        self._now = now
        self._socket: socket.socket | None = None
        self._talk: Answers | None = None
        self._buffer = b""
        self._is_late = False
        self._known = _NOBODY
        self._known_until_s = float("-inf")
        self._not_before_s = float("-inf")

    def pids(self) -> frozenset[int]:
        """The process whose window is active; the last that was known where it takes too long."""
        now = self._now()
        if now < max(self._known_until_s, self._not_before_s):
            return self._known
        try:
            answer = self._ask(now + (_LATE_PATIENCE_S if self._is_late else _ANSWER_WITHIN_S))
        except (OSError, struct.error):
            self.close()
            self._not_before_s = now + _AGAIN_AFTER_S
            return self._known
        self._is_late = answer is None
        if answer is not None:
            self._known, self._known_until_s = answer, now + _FRESH_S
        return self._known

    def close(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            self._socket.close()
        self._socket, self._talk, self._buffer, self._known = None, None, b"", _NOBODY
        self._is_late = False

    def _ask(self, deadline_s: float) -> frozenset[int] | None:
        if self._socket is None or self._talk is None:
            self._socket = self._connect()
            self._socket.setblocking(False)
            self._talk = self._conversation()
        while (answer := next(self._talk)) is None:
            if not _is_readable(self._socket, max(0.0, deadline_s - self._now())):
                return None
            received = self._socket.recv(1 << 16)
            if not received:
                raise TroubleError("the display has hung up")
            self._buffer += received
        return answer

    # The conversation: every ``yield None`` waits for bytes, every other one is an answer.

    def _conversation(self) -> Answers:
        root = yield from self._greet()
        atoms = []
        for name in (b"_NET_ACTIVE_WINDOW", b"_NET_WM_PID", b"WM_CLIENT_MACHINE"):
            request = struct.pack("<BBHHH", _INTERN_ATOM, 0, 2 + _words(name), len(name), 0)
            reply = yield from self._reply(request + _padded(name))
            atoms.append(struct.unpack_from("<I", reply, 8)[0])
        name = b"X-Resource"
        request = struct.pack("<BBHHH", _QUERY_EXTENSION, 0, 2 + _words(name), len(name), 0)
        reply = yield from self._reply(request + _padded(name))
        resource = reply[9] if reply[8] else None
        while True:
            active = yield from self._number(root, atoms[0])
            if active:
                yield (yield from self._owner(active, resource, atoms[1], atoms[2]))
            else:
                yield _NOBODY

    def _greet(self) -> Generator[None, None, int]:
        """Introduce ourselves; the root window of the first screen."""
        cookie = self._cookie()
        name = b"MIT-MAGIC-COOKIE-1" if cookie else b""
        hello = struct.pack("<BxHHHHxx", _LITTLE_ENDIAN, 11, 0, len(name), len(cookie))
        self._send(hello + _padded(name) + _padded(cookie))
        head = yield from self._take(8)
        body = yield from self._take(4 * struct.unpack_from("<H", head, 6)[0])
        if head[0] != 1:
            raise TroubleError("the display does not let us in")
        vendor_bytes = struct.unpack_from("<H", body, 16)[0]
        formats = body[21]
        screens = 32 + vendor_bytes + -vendor_bytes % 4 + 8 * formats
        return int(struct.unpack_from("<I", body, screens)[0])

    def _owner(
        self, window: int, resource: int | None, pid_atom: int, machine_atom: int
    ) -> Generator[None, None, frozenset[int]]:
        try:
            pid = 0
            if resource is not None:
                request = struct.pack(
                    "<BBHIII", resource, _QUERY_CLIENT_IDS, 4, 1, window, _LOCAL_CLIENT_PID
                )
                reply = yield from self._reply(request)
                pid = _client_pid(reply)
            if not pid:
                machine = yield from self._property(window, machine_atom, _LONGEST_NAME)
                if machine.rstrip(b"\0").decode("ascii", "replace") == self._host:
                    pid = yield from self._number(window, pid_atom)
        except TroubleError:  # the window has gone meanwhile
            return _NOBODY
        return frozenset({pid}) if pid else _NOBODY

    def _number(self, window: int, atom: int) -> Generator[None, None, int]:
        value = yield from self._property(window, atom, 1)
        return int(struct.unpack("<I", value)[0]) if len(value) == _CARDINAL_BYTES else 0

    def _property(self, window: int, atom: int, words: int) -> Steps:
        request = struct.pack("<BBHIIIII", _GET_PROPERTY, 0, 6, window, atom, 0, 0, words)
        reply = yield from self._reply(request)
        count = struct.unpack_from("<I", reply, 16)[0] * (reply[1] // 8)
        return reply[_HEAD : _HEAD + count]

    def _reply(self, request: bytes) -> Steps:
        """The display's answer; events are skipped."""
        self._send(request)
        while True:
            head = yield from self._take(_HEAD)
            more = 0
            if head[0] in {_REPLY, _GENERIC_EVENT}:
                more = 4 * struct.unpack_from("<I", head, 4)[0]
            if more > _MOST_BYTES:
                raise TroubleError("the display's answer has no end")
            rest = yield from self._take(more)
            if head[0] == _ERROR:
                raise TroubleError(f"the display refuses: {head[1]}")
            if head[0] == _REPLY:
                return head + rest

    def _take(self, count: int) -> Steps:
        while len(self._buffer) < count:
            yield None
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken

    def _send(self, request: bytes) -> None:
        if self._socket is not None:
            self._socket.sendall(request)


def _client_pid(reply: bytes) -> int:
    """The pid in an answer to QueryClientIds; 0 where there is none."""
    if struct.unpack_from("<I", reply, 8)[0] == 0 or len(reply) < _HEAD + 16:
        return 0
    _, mask, length, pid = struct.unpack_from("<IIII", reply, _HEAD)
    return int(pid) if mask & _LOCAL_CLIENT_PID and length == _CARDINAL_BYTES else 0


def _is_readable(channel: socket.socket, seconds: float) -> bool:
    poll = select.poll()
    poll.register(channel, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def _words(text: bytes) -> int:
    return (len(text) + 3) // 4


def _padded(text: bytes) -> bytes:
    return text + b"\0" * (-len(text) % 4)


# Where the display is, and what it wants to see


def socket_path(display: str) -> Path | None:
    """The socket of ``:0`` or ``unix:0.0``; None for a display of another machine."""
    host, _, rest = display.rpartition(":")
    number = rest.partition(".")[0]
    if host not in {"", "unix"} or not number.isdigit():
        return None
    return Path(f"/tmp/.X11-unix/X{number}")  # noqa: S108 - where X servers put it


def connected(path: Path) -> socket.socket:
    """A connection, at once or not at all."""
    channel = socket.socket(socket.AF_UNIX)
    try:
        channel.setblocking(False)
        try:
            channel.connect(str(path))
        except FileNotFoundError:
            channel.connect(f"\0{path}")  # Linux' own names, which some servers use alone
    except OSError:
        channel.close()
        raise
    return channel


def cookie_for(path: Path, host: str, number: str) -> bytes:
    """The cookie for a display, out of an .Xauthority file; empty where there is none.

    Entries are (Xau library): family, then address, number, name and data, each with its length.
    """
    try:
        content = read_bounded(path, _COOKIES_BYTES)
    except OSError:
        return b""
    local, wild = 256, 65535
    while len(content) > 2:  # noqa: PLR2004 - a family
        family = struct.unpack_from(">H", content)[0]
        fields, content = _counted(content[2:], 4)
        address, shown, name, cookie = fields
        fits = family == wild or (family == local and address == host.encode())
        if fits and shown in {number.encode(), b""} and name == b"MIT-MAGIC-COOKIE-1":
            return cookie
    return b""


def _counted(content: bytes, count: int) -> tuple[list[bytes], bytes]:
    """So many byte strings, and the rest; empty ones where the file ends too early."""
    fields = []
    for _ in range(count):
        length = int.from_bytes(content[:2], "big")
        fields.append(content[2 : 2 + length])
        content = content[2 + length :]
    return fields, content


PATIENCE_S = 0.05
_SWAY_FRESH_S = 0.2
_LATE_S = 2.0  # a compositor that is busy is left alone for so long
_SWAY_AGAIN_AFTER_S = 10.0  # one that cannot be reached
_MAGIC = b"i3-ipc"
_GET_TREE = 4
_SWAY_HEADER = struct.Struct("<6sII")  # magic, length of what follows, type
_MOST_TREE_BYTES = 8 << 20
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
                self._not_before_s = now + _SWAY_FRESH_S
            except TimeoutError:
                self._not_before_s = now + _LATE_S
            except (OSError, msgspec.MsgspecError, struct.error, RecursionError):
                self._not_before_s = now + _SWAY_AGAIN_AFTER_S
                self._known = _NOBODY
        return self._known

    def close(self) -> None:
        """Does nothing: each question has a connection of its own."""

    def _tree(self, deadline_s: float) -> Node:
        with socket.socket(socket.AF_UNIX) as channel:
            channel.settimeout(self._patience_s)
            channel.connect(str(self._path))
            channel.sendall(_SWAY_HEADER.pack(_MAGIC, 0, _GET_TREE))
            magic, length, _ = _SWAY_HEADER.unpack(
                self._exactly(channel, _SWAY_HEADER.size, deadline_s)
            )
            if magic != _MAGIC or length > _MOST_TREE_BYTES:
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

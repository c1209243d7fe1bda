"""A pointer for a Wayland compositor: a client of its own that sends what a mouse would.

Two compositors take one from outside: sway by ``zwlr_virtual_pointer_manager_v1``, and KWin, with
its permission checks off, by ``org_kde_kwin_fake_input``. Of the protocol only what is needed is
spoken here: numbers, strings, and one round trip to know that all was taken.
"""

import socket
import struct
import time
from pathlib import Path

_LEFT, _RIGHT = 0x110, 0x111  # linux/input-event-codes.h
_DISPLAY, _REGISTRY = 1, 2
_SWAY, _KWIN = "zwlr_virtual_pointer_manager_v1", "org_kde_kwin_fake_input"
_PATIENCE_S = 10.0


class WaylandPointer:
    """Connected for as long as it lives: a compositor takes the pointer away with its client."""

    def __init__(self, place: Path, size: tuple[int, int]) -> None:
        self._size = size
        self._next_id = _REGISTRY + 1
        self._unread = b""
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(_PATIENCE_S)
        self._socket.connect(str(place))
        self._send(_DISPLAY, 1, _number(_REGISTRY))  # get_registry
        self._offered: dict[str, int] = {}
        self._round_trip()
        self.kind = next((each for each in (_SWAY, _KWIN) if each in self._offered), "")
        if not self.kind:
            raise OSError("this compositor takes no pointer from outside")
        self._pointer = self._made()

    def click(self, x: int, y: int, *, right: bool = False) -> None:
        """Move there, press and release; returns when the compositor has taken it."""
        button = _RIGHT if right else _LEFT
        self._move(x, y)
        self._round_trip()
        for state in (1, 0):
            self._press(button, state)
            self._round_trip()

    def _made(self) -> int:
        version = {_SWAY: 1, _KWIN: 3}[self.kind]
        words = _number(self._offered[self.kind]) + _string(self.kind) + _number(version)
        maker = self._new_id()
        self._send(_REGISTRY, 0, words + _number(maker))  # bind
        if self.kind == _KWIN:
            self._send(maker, 0, _string("omnitray tests") + _string("to click"))  # authenticate
            return maker
        pointer = self._new_id()
        self._send(maker, 0, _number(0) + _number(pointer))  # create_virtual_pointer, any seat
        return pointer

    def _move(self, x: int, y: int) -> None:
        if self.kind == _KWIN:
            self._send(self._pointer, 9, _number(x << 8) + _number(y << 8))  # 24.8 fixed point
            return
        self._send(self._pointer, 1, b"".join(map(_number, (_now(), x, y, *self._size))))
        self._send(self._pointer, 4)  # frame

    def _press(self, button: int, state: int) -> None:
        when = () if self.kind == _KWIN else (_now(),)
        self._send(self._pointer, 2, b"".join(map(_number, (*when, button, state))))
        if self.kind == _SWAY:
            self._send(self._pointer, 4)

    def _round_trip(self) -> None:
        """Ask for an answer and read up to it; raises OSError where the compositor objects."""
        callback = self._new_id()
        self._send(_DISPLAY, 0, _number(callback))
        while True:
            sender, event, body = self._event()
            if sender == _DISPLAY and event == 0:
                raise OSError(f"the compositor objects: {body[8:].decode(errors='replace')}")
            if sender == _REGISTRY and event == 0:
                name, length = struct.unpack_from("=II", body)
                self._offered[body[8 : 8 + length - 1].decode()] = name
            if sender == callback:
                return

    def _event(self) -> tuple[int, int, bytes]:
        head = self._read(8)
        sender, word = struct.unpack("=II", head)
        return sender, word & 0xFFFF, self._read((word >> 16) - 8)

    def _read(self, length: int) -> bytes:
        while len(self._unread) < length:
            more = self._socket.recv(65536)
            if not more:
                raise OSError("the compositor has hung up")
            self._unread += more
        taken, self._unread = self._unread[:length], self._unread[length:]
        return taken

    def _send(self, receiver: int, request: int, body: bytes = b"") -> None:
        size = 8 + len(body)
        self._socket.sendall(struct.pack("=II", receiver, size << 16 | request) + body)

    def _new_id(self) -> int:
        self._next_id += 1
        return self._next_id - 1


def _number(value: int) -> bytes:
    return struct.pack("=I", value & 0xFFFFFFFF)


def _string(text: str) -> bytes:
    raw = text.encode() + b"\0"
    return _number(len(raw)) + raw + b"\0" * (-len(raw) % 4)


def _now() -> int:
    return int(time.monotonic() * 1000) & 0xFFFFFFFF

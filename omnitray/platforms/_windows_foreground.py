"""Whose window is in front on Windows: GetForegroundWindow and its process.

Written from the documentation of user32, tested with a stand-in on Linux, never run there yet.
The windows of packaged applications belong to ApplicationFrameHost, which then is what counts.
"""

import ctypes
from typing import Any

from omnitray.protector.exclusions.foreground import Foreground, NoForeground


class ForegroundWindow:
    """``core.deciding.foreground.Foreground``; ``user32`` is that library or a stand-in."""

    def __init__(self, user32: Any) -> None:
        self._user32 = user32
        user32.GetForegroundWindow.restype = ctypes.c_void_p
        user32.GetWindowThreadProcessId.argtypes = [
            ctypes.c_void_p,
            ctypes.POINTER(ctypes.c_uint32),
        ]

    def pids(self) -> frozenset[int]:
        """The process of the window that is typed into; none while the focus moves."""
        window = self._user32.GetForegroundWindow()
        if not window:
            return frozenset()
        pid = ctypes.c_uint32(0)
        self._user32.GetWindowThreadProcessId(window, ctypes.byref(pid))
        return frozenset({pid.value}) if pid.value else frozenset()

    def close(self) -> None:
        """Nothing is kept open."""


def foreground() -> Foreground:
    """Over the real library; nobody where there is none."""
    windll = getattr(ctypes, "windll", None)
    return ForegroundWindow(windll.user32) if windll is not None else NoForeground()

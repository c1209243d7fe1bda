"""Who has a window on Windows: never paused. Never run there yet.

Every window at the top counts, visible or not: a message to all windows waits for each of them,
and one that is suspended would hold up the whole desktop. Sound cannot be told here.
"""

import ctypes
from ctypes import wintypes
from typing import Any

from omnitray.platforms._windows_kernel import prototyped
from omnitray.processes.process_roles import Tie

_NEXT = 2  # GW_HWNDNEXT
_MOST = 20_000  # windows come and go while we walk
PROTOTYPES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "GetTopWindow": (wintypes.HWND, (wintypes.HWND,)),
    "GetWindow": (wintypes.HWND, (wintypes.HWND, wintypes.UINT)),
    "GetWindowThreadProcessId": (wintypes.DWORD, (wintypes.HWND, ctypes.c_void_p)),
}


class WindowOwners:
    """Pids that own a window; ``user`` is user32 or a stand-in."""

    def __init__(self, user: Any) -> None:
        self._user = user

    def pids(self) -> frozenset[int]:
        """All of them now."""
        found: set[int] = set()
        window = self._user.GetTopWindow(None)
        for _ in range(_MOST):
            if not window:
                break
            pid = wintypes.DWORD()
            self._user.GetWindowThreadProcessId(window, ctypes.byref(pid))
            found.add(pid.value)
            window = self._user.GetWindow(window, _NEXT)
        return frozenset(found)


def readable(process: Any) -> frozenset[Tie]:
    """No tie that psutil could show; raises where the process may not be looked into."""
    process.exe()
    return frozenset()


def window_owners() -> WindowOwners:
    """Over the real user32."""
    load: Any = ctypes.WinDLL  # type: ignore[attr-defined,unused-ignore]  # there on Windows alone
    return WindowOwners(prototyped(load("user32"), PROTOTYPES))

"""What wakes the guard early on Windows: the system's own word that memory is short.

``CreateMemoryResourceNotification`` gives a handle that is signalled for as long as it is. Never
run there yet.
"""

import ctypes
from ctypes import wintypes
from typing import Any

from omnitray.platforms._windows_kernel import prototyped

_LOW = 0  # LowMemoryResourceNotification
PROTOTYPES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "CreateMemoryResourceNotification": (wintypes.HANDLE, (ctypes.c_int,)),
    "CloseHandle": (wintypes.BOOL, (wintypes.HANDLE,)),
}


class WindowsWakers:
    """``dll`` is kernel32 or a stand-in."""

    def __init__(self, dll: Any) -> None:
        self._dll = dll
        self._handle: int | None = None

    @staticmethod
    def zram_bytes() -> int:
        """Windows counts what it has compressed as a process of its own."""
        return 0

    def triggers(self) -> tuple[int, ...]:
        """The handle; opened at the first call, none where it is refused."""
        if self._handle is None:
            self._handle = int(self._dll.CreateMemoryResourceNotification(_LOW) or 0)
        return (self._handle,) if self._handle else ()

    def close(self) -> None:
        """Give it back."""
        handle, self._handle = self._handle, None
        if handle:
            self._dll.CloseHandle(handle)


def windows_wakers() -> WindowsWakers:
    """Over the real kernel32."""
    load: Any = ctypes.WinDLL  # type: ignore[attr-defined,unused-ignore]  # there on Windows alone
    return WindowsWakers(prototyped(load("kernel32"), PROTOTYPES))

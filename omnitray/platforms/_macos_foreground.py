"""Whose window is in front on macOS: NSWorkspace's frontmost application, through Objective-C.

Written from the documentation of NSWorkspace and the Objective-C runtime, tested with a stand-in
on Linux, never run there yet. NSWorkspace learns of changes in the main thread's run loop, which
the tray has; headless the answer may be an old one.
"""

import ctypes
import ctypes.util
from typing import Any

from omnitray.protector.exclusions.foreground import Foreground, NoForeground

_APPKIT = "/System/Library/Frameworks/AppKit.framework/AppKit"


class FrontmostApplication:
    """``core.deciding.foreground.Foreground``; ``objc`` is the runtime's library or a stand-in."""

    def __init__(self, objc: Any) -> None:
        self._objc = objc
        for name in ("objc_getClass", "sel_registerName", "objc_autoreleasePoolPush"):
            getattr(objc, name).restype = ctypes.c_void_p
        objc.objc_autoreleasePoolPop.argtypes = [ctypes.c_void_p]
        message = ctypes.cast(objc.objc_msgSend, ctypes.c_void_p).value or 0
        self._pointer = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)(message)
        self._number = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)(message)

    def pids(self) -> frozenset[int]:
        """The process of the application in front."""
        pool = self._objc.objc_autoreleasePoolPush()
        try:
            workspace = self._send(self._objc.objc_getClass(b"NSWorkspace"), b"sharedWorkspace")
            application = self._send(workspace, b"frontmostApplication")
            if not application:
                return frozenset()
            selector = self._objc.sel_registerName(b"processIdentifier")
            pid = self._number(application, selector)
            return frozenset({pid}) if pid > 0 else frozenset()
        finally:
            self._objc.objc_autoreleasePoolPop(pool)

    def close(self) -> None:
        """Nothing is kept open."""

    def _send(self, receiver: int | None, selector: bytes) -> int | None:
        """A message to nil is answered with nil."""
        sent = self._pointer(receiver, self._objc.sel_registerName(selector))
        return int(sent) if sent else None


def foreground() -> Foreground:
    """Over the real runtime; nobody where it cannot be loaded."""
    try:
        ctypes.CDLL(_APPKIT)  # brings NSWorkspace with it
        return FrontmostApplication(ctypes.CDLL(ctypes.util.find_library("objc") or "libobjc"))
    except OSError:
        return NoForeground()

"""Whose window is in front on macOS and Windows, over stand-ins for their libraries."""

import ctypes
from collections.abc import Callable
from typing import Any

from omnitray.platforms import _macos_foreground, _windows_foreground
from omnitray.platforms._macos_foreground import FrontmostApplication
from omnitray.platforms._windows_foreground import ForegroundWindow
from omnitray.protector.exclusions.foreground import NoForeground

WORKSPACE_CLASS, WORKSPACE, APPLICATION, POOL = 100, 200, 300, 400
MESSAGE = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)


def call(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that takes attributes, as one of a library does."""

    def called(*arguments: Any) -> Any:
        return function(*arguments)

    return called


class Runtime:
    """The Objective-C runtime with one workspace; ``pid`` None: no application is in front."""

    def __init__(self, pid: int | None) -> None:
        self.pools: list[int] = []
        self._selectors: list[bytes] = []
        answers = {
            (WORKSPACE_CLASS, b"sharedWorkspace"): WORKSPACE,
            (WORKSPACE, b"frontmostApplication"): APPLICATION if pid is not None else 0,
            (APPLICATION, b"processIdentifier"): pid or 0,
        }

        def message(receiver: int | None, selector: int | None) -> int:
            return answers.get((receiver or 0, self._selectors[(selector or 0) - 1]), 0)

        self.objc_msgSend = MESSAGE(message)
        self.objc_getClass = call(lambda name: WORKSPACE_CLASS if name == b"NSWorkspace" else 0)
        self.sel_registerName = call(self._register)
        self.objc_autoreleasePoolPush = call(self._push)
        self.objc_autoreleasePoolPop = call(self.pools.remove)

    def _register(self, name: bytes) -> int:
        self._selectors.append(name)
        return len(self._selectors)

    def _push(self) -> int:
        self.pools.append(POOL)
        return POOL


def test_the_frontmost_application_s_process_is_known() -> None:
    runtime = Runtime(4711)
    window = FrontmostApplication(runtime)
    assert window.pids() == {4711}
    assert runtime.pools == []
    window.close()


def test_without_an_application_in_front_it_is_nobody() -> None:
    assert FrontmostApplication(Runtime(None)).pids() == frozenset()


class User32:
    """A foreground window of a process; no window while the focus moves."""

    def __init__(self, window: int | None, pid: int) -> None:
        self.GetForegroundWindow = call(lambda: window)

        def process_of(_window: int, pid_out: Any) -> int:
            pid_out._obj.value = pid
            return 1

        self.GetWindowThreadProcessId = call(process_of)


def test_the_foreground_window_s_process_is_known() -> None:
    window = ForegroundWindow(User32(77, 4711))
    assert window.pids() == {4711}
    window.close()


def test_while_the_focus_moves_it_is_nobody() -> None:
    assert ForegroundWindow(User32(None, 4711)).pids() == frozenset()


def test_where_the_libraries_are_missing_nobody_tells() -> None:
    assert isinstance(_macos_foreground.foreground(), NoForeground)
    assert isinstance(_windows_foreground.foreground(), NoForeground)

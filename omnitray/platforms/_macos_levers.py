"""Levers of macOS: background QoS as ``taskpolicy -b`` sets it, nice, stop and continue.

Written from the manual pages setpriority(2) and taskpolicy(8), tested with stand-ins on Linux,
never run there yet. A background process is scheduled on efficiency cores, its I/O is throttled,
and without privilege it can be put back.
"""

import ctypes
import ctypes.util
import errno
import os
from collections.abc import Callable
from typing import Any

from omnitray.base.readings import ProcessIdentity
from omnitray.platforms._psutil_system import PsutilSystem
from omnitray.processes.process_roles import Tie
from omnitray.protector.actuators.actuator import Actuator
from omnitray.protector.actuators.priority import BackgroundActuator, NiceActuator
from omnitray.protector.actuators.signals import StopActuator
from omnitray.protector.actuators.system import AccessRefused, Gone, System

_PRIO_DARWIN_PROCESS = 4
_PRIO_DARWIN_BG = 0x1000
_FOREGROUND, _IN_BACKGROUND = 0, 1

Call = Callable[..., int]


class DarwinBackground:
    """``getpriority`` tells 0 or 1, ``setpriority`` takes 0 or PRIO_DARWIN_BG.

    ``set_priority`` and ``get_priority`` are the C library's, ``error`` gives errno.
    """

    value = _IN_BACKGROUND

    def __init__(self, get_priority: Call, set_priority: Call, error: Callable[[], int]) -> None:
        self._get = get_priority
        self._set = set_priority
        self._error = error

    def get(self, process: ProcessIdentity) -> int:
        """1 in the background, else 0."""
        found = self._get(_PRIO_DARWIN_PROCESS, process.pid)
        if found < 0:
            self._raise(process)
        return _IN_BACKGROUND if found else _FOREGROUND

    def set(self, process: ProcessIdentity, value: int) -> None:
        """Into the background or back."""
        wanted = _PRIO_DARWIN_BG if value == _IN_BACKGROUND else 0
        if self._set(_PRIO_DARWIN_PROCESS, process.pid, wanted) < 0:
            self._raise(process)

    def _raise(self, process: ProcessIdentity) -> None:
        code = self._error()
        if code == errno.ESRCH:
            raise Gone(f"process {process.pid} has ended")
        raise AccessRefused(f"process {process.pid}: {os.strerror(code)}")


def darwin_background() -> DarwinBackground:
    """Over the real C library."""
    libc = ctypes.CDLL(ctypes.util.find_library("c"), use_errno=True)
    return DarwinBackground(*prototyped(libc), ctypes.get_errno)


def prototyped(libc: Any) -> tuple[Call, Call]:
    """``getpriority`` and ``setpriority`` with the types of their manual page."""
    get, put = libc.getpriority, libc.setpriority
    get.restype, get.argtypes = ctypes.c_int, (ctypes.c_int, ctypes.c_uint)
    put.restype, put.argtypes = ctypes.c_int, (ctypes.c_int, ctypes.c_uint, ctypes.c_int)
    return get, put


def mac_system(**seams: Any) -> PsutilSystem:
    """Processes through psutil; nice is one-way unless we are root."""
    return PsutilSystem(ties_of, nice_returns=os.geteuid() == 0, **seams)


def mac_levers(system: System, background: DarwinBackground) -> tuple[Actuator, ...]:
    """In no order: which is preferred stands elsewhere."""
    return (BackgroundActuator(system, background), NiceActuator(system), StopActuator(system))


def ties_of(process: Any) -> frozenset[Tie]:
    """Programs in an application bundle have windows, sound or names in the system.

    Whether a terminal is being typed into cannot be told here, so the leader of a process group
    with a terminal counts as if it were.
    """
    ties = set()
    if ".app/Contents/" in (process.exe() or ""):
        ties.add(Tie.DISPLAY)
    if process.terminal() is not None and os.getpgid(process.pid) == process.pid:
        ties.add(Tie.TYPED_INTO)
    return frozenset(ties)

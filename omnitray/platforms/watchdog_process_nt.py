"""The guardian where there are no signals: resumes what OmniTray has suspended if OmniTray dies.

Run by path like ``guardian.py``, which stands beside it and says what it is told and by whom. The
end of the pipe is all that tells it of OmniTray's end: nobody else holds the other side.
"""

import ctypes
import importlib.util
import os
import sys
from typing import Any

_SUSPEND_RESUME = 0x0800 | 0x1000  # with PROCESS_QUERY_LIMITED_INFORMATION
_EPOCH = 116_444_736_000_000_000  # 1970 in hundreds of nanoseconds since 1601
_PER_TICK = 100_000  # of those in a hundredth of a second


def _beside() -> Any:
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "watchdog_process.py")  # noqa: PTH100, PTH118, PTH120 - pathlib would double the memory
    spec = importlib.util.spec_from_file_location("guardian", path)
    if spec is None or spec.loader is None:
        raise ImportError(path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


guardian = _beside()


class Resumer:
    """Resumes one process by a handle of that very one; ``dll`` and ``nt`` may be stand-ins."""

    def __init__(self, dll: Any, nt: Any) -> None:
        self._dll = dll
        self._nt = nt

    def resume(self, pid: int, start_ticks: int) -> str:
        """What became of it, in the journal's words."""
        handle = self._dll.OpenProcess(_SUSPEND_RESUME, False, pid)
        if not handle:
            return "gone"
        try:
            if abs(self._started(handle) - start_ticks) > 1:
                return "gone"
            return "failed" if self._nt.NtResumeProcess(handle) else "restored"
        finally:
            self._dll.CloseHandle(handle)

    def _started(self, handle: Any) -> int:
        times = [ctypes.c_uint64() for _ in range(4)]
        if not self._dll.GetProcessTimes(handle, *map(ctypes.byref, times)):
            return -1
        return round((times[0].value - _EPOCH) / _PER_TICK)


class NtGuardian(guardian.Guardian):  # type: ignore[misc,name-defined]  # loaded by path
    """The same, with another hand."""

    def __init__(self, journal: str, resumer: Resumer) -> None:
        super().__init__(journal)
        self._resumer = resumer

    def _continue(self, held: Any) -> str:
        return self._resumer.resume(held.pid, held.start_ticks)


def listen(keeper: Any, source: int) -> None:
    """Hear lines until ``quit`` or the end of the pipe; then let everything go."""
    pending = b""
    while chunk := os.read(source, 65536):
        *lines, pending = (pending + chunk).split(b"\n")
        if not all(keeper.hear(line.decode("utf-8", "replace").rstrip("\r")) for line in lines):
            return
    keeper.release_all()


def real_resumer() -> Resumer:
    """Over the real libraries, with handles as wide as they are."""
    load: Any = ctypes.WinDLL  # type: ignore[attr-defined,unused-ignore]  # there on Windows alone
    dll, nt = load("kernel32"), load("ntdll")
    wide = ctypes.c_void_p
    dll.OpenProcess.restype = wide
    dll.OpenProcess.argtypes = (ctypes.c_ulong, ctypes.c_int, ctypes.c_ulong)
    dll.CloseHandle.argtypes = (wide,)
    dll.GetProcessTimes.argtypes = (wide,) * 5
    nt.NtResumeProcess.argtypes = (wide,)
    return Resumer(dll, nt)


def main(arguments: list[str]) -> int:
    """Guard until there is nothing left to guard."""
    guardian.outlive_the_terminal()
    listen(NtGuardian(arguments[1], real_resumer()), sys.stdin.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

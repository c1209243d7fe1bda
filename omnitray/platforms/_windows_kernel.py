"""The calls of Windows that the levers need, each on that very process.

A handle is opened, the creation time read through it, and then it is used: what a handle names
cannot become another process. Handles are closed however the use ends. Never run there yet.
"""

import ctypes
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import wintypes
from typing import Any

from omnitray.base.readings import ProcessIdentity
from omnitray.platforms._psutil_processes import start_ticks
from omnitray.protector.actuators.system import AccessRefused, Gone

QUERY = 0x1000  # PROCESS_QUERY_LIMITED_INFORMATION
SUSPEND_RESUME, TERMINATE, SET_INFORMATION = 0x0800, 0x0001, 0x0200
_INTO_JOB = 0x0100 | TERMINATE | 0x0040  # PROCESS_SET_QUOTA, and PROCESS_DUP_HANDLE
_ANY_JOB_ACCESS = 0x1F001F
_SAME_ACCESS = 2
_NO_SUCH_PROCESS = 87  # ERROR_INVALID_PARAMETER, as OpenProcess says it
_ACCESS_DENIED = 5
_IS_TERMINATING = 0xC000010A
_EPOCH = 116_444_736_000_000_000  # 1970 in hundreds of nanoseconds since 1601
_POWER_THROTTLING = 4  # ProcessPowerThrottling
_THROTTLING = struct.Struct("<III")  # version, control mask, state mask
_EXECUTION_SPEED = 1
_MEMBERS, _RATE_CONTROL = 3, 15  # JobObjectBasicProcessIdList, JobObjectCpuRateControlInformation
_RATE = struct.Struct("<II")  # control flags, weight
_ENABLED_BY_WEIGHT = 0x1 | 0x2
_MOST_MEMBERS = 4096

_H, _D, _B, _P = wintypes.HANDLE, wintypes.DWORD, wintypes.BOOL, ctypes.c_void_p
PROTOTYPES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "OpenProcess": (_H, (_D, _B, _D)),
    "CloseHandle": (_B, (_H,)),
    "GetProcessTimes": (_B, (_H, _P, _P, _P, _P)),
    "TerminateProcess": (_B, (_H, wintypes.UINT)),
    "SetProcessInformation": (_B, (_H, ctypes.c_int, _P, _D)),
    "GetCurrentProcess": (_H, ()),
    "DuplicateHandle": (_B, (_H, _H, _H, _P, _D, _B, _D)),
    "CreateJobObjectW": (_H, (_P, wintypes.LPCWSTR)),
    "OpenJobObjectW": (_H, (_D, _B, wintypes.LPCWSTR)),
    "AssignProcessToJobObject": (_B, (_H, _H)),
    "SetInformationJobObject": (_B, (_H, ctypes.c_int, _P, _D)),
    "QueryInformationJobObject": (_B, (_H, ctypes.c_int, _P, _D, _P)),
}
NT_PROTOTYPES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "NtSuspendProcess": (ctypes.c_ulong, (_H,)),
    "NtResumeProcess": (ctypes.c_ulong, (_H,)),
}


def prototyped(dll: Any, prototypes: dict[str, tuple[Any, tuple[Any, ...]]]) -> Any:
    """Tell ctypes the types: without them a handle is cut to 32 bits."""
    for name, (result, arguments) in prototypes.items():
        function = getattr(dll, name)
        function.restype, function.argtypes = result, arguments
    return dll


class Kernel:
    """``dll`` is kernel32, ``nt`` ntdll, or stand-ins; ``error`` gives the last error's number."""

    def __init__(self, dll: Any, nt: Any, error: Callable[[], int]) -> None:
        self._dll = dll
        self._nt = nt
        self._error = error

    @contextmanager
    def held(self, identity: ProcessIdentity, access: int) -> Iterator[Any]:
        """A handle of that very process; raises Gone or AccessRefused."""
        handle = self._dll.OpenProcess(access | QUERY, False, identity.pid)
        if not handle:
            raise self._refusal(identity)
        try:
            self._require(handle, identity)
            yield handle
        finally:
            self._dll.CloseHandle(handle)

    def suspend(self, identity: ProcessIdentity) -> None:
        """Stop all its threads. The system counts: who does it twice must resume twice."""
        with self.held(identity, SUSPEND_RESUME) as handle:
            self._nt_worked(identity, self._nt.NtSuspendProcess(handle))

    def resume(self, identity: ProcessIdentity) -> None:
        """Take one suspension back."""
        with self.held(identity, SUSPEND_RESUME) as handle:
            self._nt_worked(identity, self._nt.NtResumeProcess(handle))

    def terminate(self, identity: ProcessIdentity) -> None:
        """End it: there is no asking first."""
        with self.held(identity, TERMINATE) as handle:
            self._worked(identity, self._dll.TerminateProcess(handle, 1))

    def set_eco(self, identity: ProcessIdentity, *, on: bool) -> None:
        """EcoQoS: efficient cores and clocks; off means that the system decides again."""
        mask = _EXECUTION_SPEED if on else 0
        state = _THROTTLING.pack(1, mask, mask)
        with self.held(identity, SET_INFORMATION) as handle:
            done = self._dll.SetProcessInformation(handle, _POWER_THROTTLING, state, len(state))
            self._worked(identity, done)

    def make_job(self, name: str) -> Any:
        """A named job object, made where it is not there; the caller closes it."""
        job = self._dll.CreateJobObjectW(None, name)
        if not job:
            raise AccessRefused(f"{name}: no job object (error {self._error()})")
        return job

    @contextmanager
    def job(self, name: str) -> Iterator[Any]:
        """A named job object that is there; raises Gone."""
        job = self._dll.OpenJobObjectW(_ANY_JOB_ACCESS, False, name)
        if not job:
            raise Gone(f"{name} has ended")
        try:
            yield job
        finally:
            self._dll.CloseHandle(job)

    def close(self, handle: Any) -> None:
        """Give a handle back."""
        self._dll.CloseHandle(handle)

    def take_in(self, job: Any, identity: ProcessIdentity) -> None:
        """Put a process into a job object; it never leaves again.

        It is given a handle of the job too: a job whose handles are all closed loses its name, and
        then the next start after a crash could not find it.
        """
        with self.held(identity, _INTO_JOB) as handle:
            self._worked(identity, self._dll.AssignProcessToJobObject(job, handle))
            own, copy = self._dll.GetCurrentProcess(), wintypes.HANDLE()
            self._dll.DuplicateHandle(own, job, handle, ctypes.byref(copy), 0, False, _SAME_ACCESS)

    def members(self, job: Any) -> frozenset[int]:
        """Pids of all that live in it, children too."""
        word = ctypes.sizeof(ctypes.c_void_p)
        buffer = ctypes.create_string_buffer(8 + word * _MOST_MEMBERS)
        if not self._dll.QueryInformationJobObject(job, _MEMBERS, buffer, len(buffer), None):
            return frozenset()
        (count,) = struct.unpack_from("<I", buffer, 4)
        pids = struct.unpack_from(f"<{count}{'Q' if word > 4 else 'I'}", buffer, 8)  # noqa: PLR2004 - bytes of a pointer
        return frozenset(pids)

    def weight(self, job: Any) -> int | None:
        """1 to 9, where 5 is the default; None where the control is off."""
        buffer = ctypes.create_string_buffer(_RATE.size)
        self._dll.QueryInformationJobObject(job, _RATE_CONTROL, buffer, _RATE.size, None)
        flags, weight = _RATE.unpack(buffer.raw)
        return weight if flags == _ENABLED_BY_WEIGHT else None

    def set_weight(self, job: Any, weight: int | None) -> bool:
        """None switches the control off."""
        rate = _RATE.pack(_ENABLED_BY_WEIGHT if weight is not None else 0, weight or 0)
        return bool(self._dll.SetInformationJobObject(job, _RATE_CONTROL, rate, len(rate)))

    def _require(self, handle: Any, identity: ProcessIdentity) -> None:
        times = [wintypes.FILETIME() for _ in range(4)]
        done = self._dll.GetProcessTimes(handle, *map(ctypes.byref, times))
        self._worked(identity, done)
        created, ended = _hundred_ns(times[0]), _hundred_ns(times[1])
        is_it = abs(start_ticks((created - _EPOCH) / 1e7) - identity.start_ticks) <= 1
        if ended or not is_it:
            raise Gone(f"process {identity.pid} has ended")

    def _worked(self, identity: ProcessIdentity, done: Any) -> None:
        if not done:
            raise self._refusal(identity)

    def _nt_worked(self, identity: ProcessIdentity, status: int) -> None:
        status &= 0xFFFFFFFF
        if status == _IS_TERMINATING:
            raise Gone(f"process {identity.pid} has ended")
        if status:
            raise AccessRefused(f"process {identity.pid}: status 0x{status:08x}")

    def _refusal(self, identity: ProcessIdentity) -> Gone | AccessRefused:
        code = self._error()
        if code == _NO_SUCH_PROCESS:
            return Gone(f"process {identity.pid} has ended")
        if code == _ACCESS_DENIED:
            return AccessRefused(f"process {identity.pid} may not be touched by us")
        return AccessRefused(f"process {identity.pid}: error {code}")


def _hundred_ns(time: wintypes.FILETIME) -> int:
    return int(time.dwHighDateTime) << 32 | int(time.dwLowDateTime)


def windows_kernel() -> Kernel:
    """Over the real libraries."""
    load: Any = ctypes.WinDLL  # type: ignore[attr-defined,unused-ignore]  # there on Windows alone
    last_error: Any = ctypes.get_last_error  # type: ignore[attr-defined,unused-ignore]  # likewise
    dll = prototyped(load("kernel32", use_last_error=True), PROTOTYPES)
    return Kernel(dll, prototyped(load("ntdll"), NT_PROTOTYPES), last_error)

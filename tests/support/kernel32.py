"""Stand-ins for Windows' libraries: processes, handles and job objects, and what they refuse."""

import ctypes
import struct
from typing import Any

EPOCH = 116_444_736_000_000_000
GONE, DENIED = 87, 5


class WindowsProcess:
    """One process; ``ticks`` are hundredths of a second since 1970."""

    def __init__(self, ticks: int) -> None:
        self.created = EPOCH + ticks * 100_000
        self.ended = 0
        self.suspended = 0
        self.exit_code: int | None = None
        self.eco: bytes | None = None


class Libraries:
    """kernel32 and ntdll in one. ``denied`` functions fail with ERROR_ACCESS_DENIED."""

    def __init__(self) -> None:
        self.processes: dict[int, WindowsProcess] = {}
        self.denied: set[str] = set()
        self.nt_status = 0
        self.open: dict[int, Any] = {}
        self.access: list[int] = []
        self.jobs: dict[str, dict[str, Any]] = {}
        self.error = 0
        self._next = 1 << 34  # wider than 32 bits, as a handle may be

    # Handles

    def OpenProcess(self, access: int, _inherit: object, pid: int) -> int:  # noqa: N802 - the C name
        if pid not in self.processes:
            return self._fails(GONE)
        if "OpenProcess" in self.denied:
            return self._fails(DENIED)
        self.access.append(access)
        return self._handle(self.processes[pid])

    def CloseHandle(self, handle: int) -> int:  # noqa: N802 - likewise
        del self.open[handle]
        return 1

    def GetCurrentProcess(self) -> int:  # noqa: N802 - likewise
        return -1

    def DuplicateHandle(self, _own: int, job: int, target: int, copy: Any, *_: Any) -> int:  # noqa: N802 - likewise
        self.open[job]["kept_by"].append(self.open[target])
        copy._obj.value = 1
        return 1

    # Processes

    def GetProcessTimes(self, handle: int, created: Any, ended: Any, *_: Any) -> int:  # noqa: N802 - likewise
        if "GetProcessTimes" in self.denied:
            return self._fails(DENIED)
        process = self.open[handle]
        for time, value in ((created, process.created), (ended, process.ended)):
            ctypes.memmove(time, struct.pack("<Q", value), 8)
        return 1

    def NtSuspendProcess(self, handle: int) -> int:  # noqa: N802 - likewise
        self.open[handle].suspended += not self.nt_status
        return self.nt_status

    def NtResumeProcess(self, handle: int) -> int:  # noqa: N802 - likewise
        self.open[handle].suspended -= not self.nt_status
        return self.nt_status

    def TerminateProcess(self, handle: int, code: int) -> int:  # noqa: N802 - likewise
        if "TerminateProcess" in self.denied:
            return self._fails(DENIED)
        self.open[handle].exit_code = code
        return 1

    def SetProcessInformation(self, handle: int, kind: int, data: bytes, size: int) -> int:  # noqa: N802 - likewise
        assert (kind, size) == (4, 12)
        if "SetProcessInformation" in self.denied:
            return self._fails(DENIED)
        self.open[handle].eco = data
        return 1

    # Job objects

    def CreateJobObjectW(self, _security: None, name: str) -> int:  # noqa: N802 - likewise
        if "CreateJobObjectW" in self.denied:
            return self._fails(DENIED)
        job = self.jobs.setdefault(name, {"members": [], "rate": bytes(8), "kept_by": []})
        return self._handle(job)

    def OpenJobObjectW(self, _access: int, _inherit: object, name: str) -> int:  # noqa: N802 - likewise
        job = self.jobs.get(name)
        if job is None or not (job["kept_by"] or job in self.open.values()):
            return self._fails(2)  # its last handle was closed: the name is gone
        return self._handle(job)

    def AssignProcessToJobObject(self, job: int, handle: int) -> int:  # noqa: N802 - likewise
        if "AssignProcessToJobObject" in self.denied:
            return self._fails(DENIED)
        self.open[job]["members"].append(self.open[handle])
        return 1

    def SetInformationJobObject(self, job: int, kind: int, data: bytes, size: int) -> int:  # noqa: N802 - likewise
        assert (kind, size) == (15, 8)
        if "SetInformationJobObject" in self.denied:
            return self._fails(DENIED)
        self.open[job]["rate"] = data
        return 1

    def QueryInformationJobObject(  # noqa: N802 - likewise
        self, job: int, kind: int, buffer: Any, size: int, _needed: None
    ) -> int:
        assert size == len(buffer)
        if kind == 15:
            buffer.raw = self.open[job]["rate"]
            return 1
        known = {id(process): pid for pid, process in self.processes.items()}
        pids = [known[id(each)] for each in self.open[job]["members"] if id(each) in known]
        packed = struct.pack(f"<II{len(pids)}Q", len(pids), len(pids), *pids)
        buffer[: len(packed)] = packed
        return 1

    def _handle(self, what: Any) -> int:
        self._next += 4
        self.open[self._next] = what
        return self._next

    def _fails(self, code: int) -> int:
        self.error = code
        return 0

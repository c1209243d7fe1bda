"""The levers of Windows over stand-ins for its libraries; never run there yet."""

import ctypes
from collections.abc import Callable
from ctypes import wintypes
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from omnitray.base.facts import Resource
from omnitray.base.readings import ProcessIdentity
from omnitray.platforms._windows_guard import WindowsWakers
from omnitray.platforms._windows_kernel import NT_PROTOTYPES, PROTOTYPES, Kernel, prototyped
from omnitray.platforms._windows_levers import (
    EcoBackground,
    JobObjects,
    WindowsSystem,
    windows_levers,
)
from omnitray.platforms._windows_ties import WindowOwners
from omnitray.processes.process_roles import Tie
from omnitray.protector.actuators.actuator import Actuator, Target
from omnitray.protector.actuators.cgroup import WeightActuator
from omnitray.protector.actuators.executor import ActionPerformer
from omnitray.protector.actuators.journal import ActionJournal
from omnitray.protector.actuators.results import ActionRequest, ActuationOutcome
from omnitray.protector.actuators.signals import StopActuator
from omnitray.protector.actuators.system import AccessRefused, Gone, Sign
from omnitray.protector.actuators.watchdog import NullWatchdog
from omnitray.protector.steps import ActuatorKind, EscalationStep
from support.clock import FakeClock
from support.kernel32 import Libraries, WindowsProcess

TICKS = 179_536_000_000
HAS_WINDOW = "process 4711 has a window or a tray icon"
WHO = ProcessIdentity(pid=4711, start_ticks=TICKS)


class Processes:
    """What psutil says of the stand-in's processes."""

    def __init__(self, libraries: Libraries) -> None:
        self._libraries = libraries

    def Process(self, pid: int) -> Any:  # noqa: N802 - psutil's name
        process = self._libraries.processes.get(pid)
        if process is None or process.exit_code is not None:
            raise psutil.NoSuchProcess(pid)
        status = psutil.STATUS_STOPPED if process.suspended > 0 else psutil.STATUS_RUNNING
        return SimpleNamespace(
            pid=pid,
            create_time=lambda: TICKS / 100,
            status=lambda: status,
            exe=lambda: f"C:/p{pid}.exe",
            children=lambda **_: [],
            nice=lambda *value: value[0] if value else 0x20,
        )


@pytest.fixture
def libraries() -> Libraries:
    libraries = Libraries()
    libraries.processes[WHO.pid] = WindowsProcess(TICKS)
    return libraries


@pytest.fixture
def kernel(libraries: Libraries) -> Kernel:
    return Kernel(libraries, libraries, lambda: libraries.error)


@pytest.fixture
def system(libraries: Libraries, kernel: Kernel) -> WindowsSystem:
    owners = WindowOwners(Desktop({}))
    return WindowsSystem(kernel, owners, system=Processes(libraries))


@pytest.fixture
def hands(system: WindowsSystem, tmp_path: Path) -> Callable[..., ActionPerformer]:
    def made(*levers: Actuator) -> ActionPerformer:
        return ActionPerformer(
            ActionJournal(tmp_path / "a.jsonl"), levers, system, FakeClock(), NullWatchdog()
        )

    return made


@pytest.fixture(autouse=True)
def _no_handle_stays_open(libraries: Libraries) -> Any:
    yield
    assert libraries.open == {}


class Desktop:
    """user32: windows by number, each with its pid, from the top down."""

    def __init__(self, windows: dict[int, int]) -> None:
        self._windows = windows

    def GetTopWindow(self, _parent: None) -> int:  # noqa: N802 - the C name
        return next(iter(self._windows), 0)

    def GetWindow(self, window: int, which: int) -> int:  # noqa: N802 - likewise
        assert which == 2
        order = [*self._windows, 0]
        return order[order.index(window) + 1]

    def GetWindowThreadProcessId(self, window: int, pid: Any) -> int:  # noqa: N802 - likewise
        pid._obj.value = self._windows[window]
        return 1


def order(rung: EscalationStep, resource: Resource = Resource.CPU) -> ActionRequest:
    target = Target(job_key="job", title="a job", processes=(WHO,))
    return ActionRequest(target=target, rung=rung, resource=resource, reason="a test")


def test_a_process_is_suspended_once_and_resumed(
    libraries: Libraries, system: WindowsSystem, hands: Callable[..., ActionPerformer]
) -> None:
    actions = hands(StopActuator(system))
    (done,) = actions.perform(order(EscalationStep.PAUSE))
    assert (done.outcome, libraries.processes[WHO.pid].suspended) == (ActuationOutcome.APPLIED, 1)
    system.send(WHO, Sign.STOP)
    assert libraries.processes[WHO.pid].suspended == 1
    (undone,) = actions.undo(done.action_id, "calm")
    assert (undone.outcome, libraries.processes[WHO.pid].suspended) == (
        ActuationOutcome.RESTORED,
        0,
    )
    assert set(libraries.access) == {0x0800 | 0x1000}


def test_an_end_terminates(libraries: Libraries, hands: Callable[..., ActionPerformer]) -> None:
    actions = hands()
    (done,) = actions.perform(order(EscalationStep.END))
    assert done.outcome is ActuationOutcome.APPLIED
    assert libraries.processes[WHO.pid].exit_code == 1
    assert actions.step().ended != ()


@pytest.mark.parametrize("act", ["suspend", "resume", "terminate"])
def test_another_process_with_that_pid_is_never_touched(
    libraries: Libraries, kernel: Kernel, act: str
) -> None:
    libraries.processes[WHO.pid] = WindowsProcess(TICKS + 2)
    with pytest.raises(Gone):
        getattr(kernel, act)(WHO)
    stranger = libraries.processes[WHO.pid]
    assert (stranger.suspended, stranger.exit_code) == (0, None)


@pytest.mark.parametrize("act", ["suspend", "resume", "terminate"])
def test_one_that_has_ended_is_gone_though_a_handle_can_be_had(
    libraries: Libraries, kernel: Kernel, act: str
) -> None:
    libraries.processes[WHO.pid].ended = 1
    with pytest.raises(Gone):
        getattr(kernel, act)(WHO)
    del libraries.processes[WHO.pid]
    with pytest.raises(Gone):
        getattr(kernel, act)(WHO)


@pytest.mark.parametrize("denied", ["OpenProcess", "GetProcessTimes", "TerminateProcess"])
def test_what_may_not_be_touched_is_refused_in_words(
    libraries: Libraries, kernel: Kernel, denied: str
) -> None:
    libraries.denied.add(denied)
    with pytest.raises(AccessRefused, match="process 4711 may not be touched by us"):
        kernel.terminate(WHO)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(0xC000010A, Gone), (0xC0000022, AccessRefused), (-1073741790, AccessRefused)],
)
def test_a_status_of_the_system_is_an_answer(
    libraries: Libraries, kernel: Kernel, status: int, kind: type[Exception]
) -> None:
    libraries.nt_status = status
    with pytest.raises(kind, match="has ended" if kind is Gone else "status 0xc0000022"):
        kernel.suspend(WHO)


def test_efficiency_mode_is_said_in_the_bytes_of_its_manual(
    libraries: Libraries, kernel: Kernel, system: WindowsSystem
) -> None:
    kernel.set_eco(WHO, on=True)
    assert libraries.processes[WHO.pid].eco == b"\x01\0\0\0\x01\0\0\0\x01\0\0\0"
    kernel.set_eco(WHO, on=False)
    assert libraries.processes[WHO.pid].eco == b"\x01\0\0\0" + bytes(8)
    libraries.denied.add("SetProcessInformation")
    EcoBackground(system, kernel).set(WHO, 0x40)  # the class alone, as on Windows 10


def test_a_job_objects_weight_is_set_and_taken_back(
    libraries: Libraries, system: WindowsSystem, hands: Callable[..., ActionPerformer]
) -> None:
    actions = hands(WeightActuator(system))
    (done,) = actions.perform(order(EscalationStep.SLOW_DOWN))
    assert done.lever is ActuatorKind.CPU_WEIGHT
    (job,) = libraries.jobs.values()
    assert (job["members"], job["rate"]) == (
        [libraries.processes[WHO.pid]],
        b"\x03\0\0\0\x01\0\0\0",
    )
    (undone,) = actions.undo(done.action_id, "calm")
    assert (undone.outcome, job["rate"]) == (ActuationOutcome.RESTORED, bytes(8))


def test_the_next_start_finds_the_job_object_by_its_name(
    libraries: Libraries,
    kernel: Kernel,
    system: WindowsSystem,
    hands: Callable[..., ActionPerformer],
    tmp_path: Path,
) -> None:
    hands(WeightActuator(system)).perform(order(EscalationStep.SLOW_DOWN))
    owners = WindowOwners(Desktop({}))
    after = WindowsSystem(kernel, owners, system=Processes(libraries))
    journal = ActionJournal(tmp_path / "a.jsonl")
    actions = ActionPerformer(journal, [WeightActuator(after)], after, FakeClock(), NullWatchdog())
    (back,) = actions.restore_after_crash()
    (job,) = libraries.jobs.values()
    assert (back.outcome, job["rate"]) == (ActuationOutcome.RESTORED, bytes(8))


@pytest.mark.parametrize("denied", ["AssignProcessToJobObject", "SetInformationJobObject"])
def test_a_job_object_that_refuses_is_no_lever(
    libraries: Libraries, system: WindowsSystem, hands: Callable[..., ActionPerformer], denied: str
) -> None:
    libraries.denied.add(denied)
    (done,) = hands(WeightActuator(system)).perform(order(EscalationStep.SLOW_DOWN))
    assert done.outcome is ActuationOutcome.FAILED


def test_a_job_objects_memory_limit_is_no_lever_and_that_is_said(kernel: Kernel) -> None:
    units = JobObjects(kernel)
    assert units.why_not() == ""
    assert "makes allocations fail" in units.why_not("memory")
    with pytest.raises(AccessRefused, match="a job object cannot do that"):
        units.freeze("omnitray-job-1.scope")
    assert units.members("omnitray-job-1.scope") == frozenset()


def test_who_owns_a_window_is_not_paused(
    libraries: Libraries, kernel: Kernel, hands: Callable[..., ActionPerformer]
) -> None:
    owners = WindowOwners(Desktop({70: 8, 71: WHO.pid, 72: WHO.pid}))
    assert owners.pids() == {8, WHO.pid}
    system = WindowsSystem(kernel, owners, system=Processes(libraries))
    assert system.ties_of((WHO.pid, 99)) == {WHO.pid: {Tie.DISPLAY}, 99: frozenset()}
    (done,) = hands(StopActuator(system)).perform(order(EscalationStep.PAUSE))
    assert done.others == {ActuatorKind.FREEZE: "not on this system", ActuatorKind.STOP: HAS_WINDOW}


def test_all_levers_are_there(system: WindowsSystem, kernel: Kernel) -> None:
    kinds = [lever.kind for lever in windows_levers(system, kernel)]
    wanted = [
        ActuatorKind.CPU_WEIGHT,
        ActuatorKind.BACKGROUND,
        ActuatorKind.IO_CLASS,
        ActuatorKind.STOP,
    ]
    assert kinds == wanted


def test_handles_are_as_wide_as_pointers() -> None:
    names = {**PROTOTYPES, **NT_PROTOTYPES}
    dll = prototyped(SimpleNamespace(**{name: SimpleNamespace() for name in names}), names)
    assert dll.OpenProcess.restype is wintypes.HANDLE
    assert ctypes.sizeof(wintypes.HANDLE) == ctypes.sizeof(ctypes.c_void_p)
    for name, (_, arguments) in names.items():
        assert getattr(dll, name).argtypes == arguments
    assert NT_PROTOTYPES["NtSuspendProcess"][0] is ctypes.c_ulong


def test_low_memory_wakes_by_a_handle_that_is_given_back() -> None:
    closed: list[int] = []
    dll = SimpleNamespace(
        CreateMemoryResourceNotification=lambda kind: 96 + kind, CloseHandle=closed.append
    )
    wakers = WindowsWakers(dll)
    assert (wakers.triggers(), wakers.zram_bytes()) == ((96,), 0)
    wakers.close()
    wakers.close()
    assert closed == [96]
    dll.CreateMemoryResourceNotification = lambda _kind: None
    assert WindowsWakers(dll).triggers() == ()

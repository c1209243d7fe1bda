"""The levers of macOS and Windows over stand-ins, and psutil's system over real children."""

import errno
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from omnitray.core.acting.background_lever import BackgroundLever
from omnitray.core.acting.deed import Order, Outcome
from omnitray.core.acting.guarding import NoGuard
from omnitray.core.acting.journal import Journal
from omnitray.core.acting.lever import Lever, Target
from omnitray.core.acting.priority_levers import NiceLever
from omnitray.core.acting.signal_levers import StopLever
from omnitray.core.acting.system import IO_IDLE, Gone, IoPriority, Refused, Sign
from omnitray.core.acting.unit_levers import WeightLever
from omnitray.core.actions import Actions
from omnitray.core.deciding.identity import Identity, LeverKind, Rung
from omnitray.core.facts import Resource
from omnitray.core.processes.ties import Tie
from omnitray.platforms._macos_levers import DarwinBackground
from omnitray.platforms._psutil_system import PsutilSystem
from omnitray.platforms._windows_levers import JobObjects, Kernel
from support.clock import FakeClock

WHO = Identity(pid=4711, start_ticks=1)
PATIENCE_S = 20.0


def eventually(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.005)


@contextmanager
def child() -> Iterator[subprocess.Popen[bytes]]:
    code = "import time; print(flush=True); time.sleep(60)"
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", code], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


def free(_process: object) -> frozenset[Tie]:
    return frozenset()


def actions(system: PsutilSystem, folder: Path, *levers: Lever) -> Actions:
    return Actions(Journal(folder / "actions.jsonl"), levers, system, FakeClock(), NoGuard())


def order(processes: tuple[Identity, ...], rung: Rung, resource: Resource = Resource.CPU) -> Order:
    target = Target(job_key="job", title="a job", processes=processes)
    return Order(target=target, rung=rung, resource=resource, reason="a test")


def test_psutil_stops_and_continues(tmp_path: Path) -> None:
    system = PsutilSystem(free)
    with child() as process:
        hands = actions(system, tmp_path, StopLever(system))
        (target,) = system.identify([process.pid])
        (done,) = hands.perform(order((target,), Rung.PAUSE))
        assert (done.outcome, system.is_stopped(target)) == (Outcome.APPLIED, True)
        (undone,) = hands.undo(done.action_id, "calm")
        assert undone.outcome is Outcome.RESTORED
        eventually(lambda: not system.is_stopped(target))


def test_psutil_ends_and_knows_that_it_has_ended(tmp_path: Path) -> None:
    system = PsutilSystem(free)
    with child() as process:
        hands = actions(system, tmp_path)
        target = system.identify([process.pid])
        hands.perform(order(target, Rung.END))
        eventually(lambda: bool(hands.step().ended))
        assert system.identify([process.pid]) == ()


def test_psutil_never_touches_a_recycled_pid() -> None:
    system = PsutilSystem(free)
    with child() as process:
        (real,) = system.identify([process.pid])
        other = Identity(pid=real.pid, start_ticks=real.start_ticks - 1)
        with pytest.raises(Gone):
            system.send(other, Sign.KILL)
        assert process.poll() is None


def test_psutil_finds_the_family() -> None:
    system = PsutilSystem(free)
    code = "import os, time; os.fork(); print(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline(), process.stdout.readline()]
        family = system.family(system.identify([process.pid]))
        for each in reversed(family):
            system.send(each, Sign.KILL)
    assert len(lines) == len(family) == 2
    assert family[0].pid == process.pid


def test_a_process_that_cannot_be_looked_into_is_tied() -> None:
    def shut(_process: object) -> frozenset[Tie]:
        raise PermissionError

    with child() as process:
        assert PsutilSystem(shut).ties_of((process.pid,)) == {process.pid: frozenset({Tie.UNKNOWN})}


@pytest.mark.parametrize(
    ("own", "seen"), [(0, IO_IDLE), (2, IoPriority(2, 2)), (1, IoPriority(2, 1))]
)
def test_the_lowest_io_priority_of_the_platform_is_the_idle_class(
    own: int, seen: IoPriority, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = PsutilSystem(free, io_idle=0)
    told: list[int] = []

    class Stub:
        def ionice(self, value: int | None = None) -> int:
            told.extend([] if value is None else [value])
            return own

    monkeypatch.setattr(system, "_process", lambda _identity: Stub())
    assert system.io_priority(WHO) == seen
    system.set_io_priority(WHO, seen)
    assert told == [own]


class Darwin:
    """setpriority and getpriority as the manual describes them."""

    def __init__(self) -> None:
        self.background: set[int] = set()
        self.code = 0

    def get(self, which: int, pid: int) -> int:
        assert which == 4
        return -1 if self.code else int(pid in self.background)

    def set(self, which: int, pid: int, value: int) -> int:
        assert which == 4
        assert value in {0, 0x1000}
        if self.code:
            return -1
        self.background.add(pid) if value else self.background.discard(pid)
        return 0

    def made(self) -> DarwinBackground:
        return DarwinBackground(self.get, self.set, lambda: self.code)


def test_macos_goes_to_the_background_and_back(tmp_path: Path) -> None:
    system, darwin = PsutilSystem(free), Darwin()
    with child() as process:
        lever = BackgroundLever(system, darwin.made())
        hands = actions(system, tmp_path, lever, NiceLever(system))
        (done,) = hands.perform(order(system.identify([process.pid]), Rung.SLOW_DOWN))
        assert (done.lever, darwin.background) == (LeverKind.BACKGROUND, {process.pid})
        hands.undo(done.action_id, "calm")
        assert darwin.background == set()


@pytest.mark.parametrize(("code", "kind"), [(errno.ESRCH, Gone), (errno.EPERM, Refused)])
def test_macos_says_what_the_library_says(code: int, kind: type[Exception]) -> None:
    darwin = Darwin()
    darwin.code = code
    with pytest.raises(kind):
        darwin.made().get(WHO)
    with pytest.raises(kind):
        darwin.made().set(WHO, 1)


class Kernel32:
    """What kernel32 would be told; ``absent`` pids cannot be opened."""

    def __init__(self) -> None:
        self.absent: set[int] = set()
        self.open_handles: set[int] = set()
        self.eco: dict[int, bytes] = {}
        self.jobs: dict[str, set[int]] = {}
        self.rates: dict[int, bytes] = {}

    def OpenProcess(self, _access: int, _inherit: object, pid: int) -> int:  # noqa: N802 - the C name
        if pid in self.absent:
            return 0
        self.open_handles.add(pid)
        return pid

    def CloseHandle(self, handle: int) -> int:  # noqa: N802 - likewise
        self.open_handles.remove(handle)
        return 1

    def SetProcessInformation(self, handle: int, kind: int, data: bytes, size: int) -> int:  # noqa: N802 - likewise
        assert (kind, size) == (4, 12)
        self.eco[handle] = data
        return 1

    def CreateJobObjectW(self, _security: None, name: str) -> int:  # noqa: N802 - likewise
        self.jobs.setdefault(name, set())
        return 1000 + list(self.jobs).index(name)

    def AssignProcessToJobObject(self, job: int, handle: int) -> int:  # noqa: N802 - likewise
        list(self.jobs.values())[job - 1000].add(handle)
        return 1

    def SetInformationJobObject(self, job: int, kind: int, data: bytes, size: int) -> int:  # noqa: N802 - likewise
        assert (kind, size) == (15, 8)
        self.rates[job] = data
        return 1


def test_windows_slows_down_by_a_job_objects_weight_and_back(tmp_path: Path) -> None:
    dll = Kernel32()
    with child() as process:
        units = JobObjects(Kernel(dll), lambda _pid: True)
        system = PsutilSystem(free, units)
        hands = actions(system, tmp_path, WeightLever(system))
        (done,) = hands.perform(order(system.identify([process.pid]), Rung.SLOW_DOWN))
        assert done.lever is LeverKind.CPU_WEIGHT
        assert list(dll.jobs.values()) == [{process.pid}]
        assert dll.rates == {1000: b"\x03\0\0\0\x01\0\0\0"}
        hands.undo(done.action_id, "calm")
        assert dll.rates == {1000: bytes(8)}
    assert dll.open_handles == set()


def test_windows_efficiency_mode_is_said_in_the_bytes_of_its_manual() -> None:
    dll = Kernel32()
    kernel = Kernel(dll)
    assert kernel.set_eco(7, on=True)
    assert dll.eco == {7: b"\x01\0\0\0\x01\0\0\0\x01\0\0\0"}
    assert kernel.set_eco(7, on=False)
    assert dll.eco == {7: b"\x01\0\0\0" + bytes(8)}
    dll.absent.add(8)
    assert not kernel.set_eco(8, on=True)


def test_windows_freezes_nothing() -> None:
    units = JobObjects(Kernel(Kernel32()), lambda _pid: True)
    with pytest.raises(Refused, match="a job object cannot do that"):
        units.freeze("omnitray-job-1.scope")

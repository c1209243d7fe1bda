"""The levers of macOS over stand-ins, and psutil's system over real children."""

import ctypes
import errno
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from omnitray.base.facts import Resource
from omnitray.base.readings import ProcessIdentity
from omnitray.platforms._macos_guard import MacWakers
from omnitray.platforms._macos_levers import DarwinBackground, prototyped
from omnitray.platforms._psutil_system import PsutilSystem
from omnitray.processes.process_roles import Tie
from omnitray.protector.actuators.actuator import Actuator, Target
from omnitray.protector.actuators.executor import ActionPerformer
from omnitray.protector.actuators.journal import ActionJournal
from omnitray.protector.actuators.priority import BackgroundActuator, NiceActuator
from omnitray.protector.actuators.results import ActionRequest, ActuationOutcome
from omnitray.protector.actuators.signals import StopActuator
from omnitray.protector.actuators.system import IO_IDLE, AccessRefused, Gone, IoPriority, Sign
from omnitray.protector.actuators.watchdog import NullWatchdog
from omnitray.protector.steps import ActuatorKind, EscalationStep
from support.children import child, eventually
from support.clock import FakeClock

WHO = ProcessIdentity(pid=4711, start_ticks=1)


def free(_process: object) -> frozenset[Tie]:
    return frozenset()


def actions(system: PsutilSystem, folder: Path, *levers: Actuator) -> ActionPerformer:
    return ActionPerformer(
        ActionJournal(folder / "actions.jsonl"), levers, system, FakeClock(), NullWatchdog()
    )


def order(
    processes: tuple[ProcessIdentity, ...], rung: EscalationStep, resource: Resource = Resource.CPU
) -> ActionRequest:
    target = Target(job_key="job", title="a job", processes=processes)
    return ActionRequest(target=target, rung=rung, resource=resource, reason="a test")


def test_psutil_stops_and_continues(tmp_path: Path) -> None:
    system = PsutilSystem(free)
    with child() as process:
        hands = actions(system, tmp_path, StopActuator(system))
        (target,) = system.identify([process.pid])
        (done,) = hands.perform(order((target,), EscalationStep.PAUSE))
        assert (done.outcome, system.is_stopped(target)) == (ActuationOutcome.APPLIED, True)
        (undone,) = hands.undo(done.action_id, "calm")
        assert undone.outcome is ActuationOutcome.RESTORED
        eventually(lambda: not system.is_stopped(target))


def test_psutil_ends_and_knows_that_it_has_ended(tmp_path: Path) -> None:
    system = PsutilSystem(free)
    with child() as process:
        hands = actions(system, tmp_path)
        target = system.identify([process.pid])
        hands.perform(order(target, EscalationStep.END))
        eventually(lambda: bool(hands.step().ended))
        assert system.identify([process.pid]) == ()


def test_psutil_never_touches_a_recycled_pid() -> None:
    system = PsutilSystem(free)
    with child() as process:
        (real,) = system.identify([process.pid])
        other = ProcessIdentity(pid=real.pid, start_ticks=real.start_ticks - 1)
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
        lever = BackgroundActuator(system, darwin.made())
        hands = actions(system, tmp_path, lever, NiceActuator(system))
        (done,) = hands.perform(order(system.identify([process.pid]), EscalationStep.SLOW_DOWN))
        assert (done.lever, darwin.background) == (ActuatorKind.BACKGROUND, {process.pid})
        hands.undo(done.action_id, "calm")
        assert darwin.background == set()


@pytest.mark.parametrize(("code", "kind"), [(errno.ESRCH, Gone), (errno.EPERM, AccessRefused)])
def test_macos_says_what_the_library_says(code: int, kind: type[Exception]) -> None:
    darwin = Darwin()
    darwin.code = code
    with pytest.raises(kind):
        darwin.made().get(WHO)
    with pytest.raises(kind):
        darwin.made().set(WHO, 1)


def test_macos_never_touches_a_recycled_pid(tmp_path: Path) -> None:
    system, darwin = PsutilSystem(free), Darwin()
    with child() as process:
        lever = BackgroundActuator(system, darwin.made())
        hands = actions(system, tmp_path, lever)
        (done,) = hands.perform(order(system.identify([process.pid]), EscalationStep.SLOW_DOWN))
        process.kill()
        process.wait()
        (undone,) = hands.undo(done.action_id, "calm")
        assert undone.outcome is ActuationOutcome.GONE
        assert darwin.background == {process.pid}


def test_macos_calls_are_told_their_types() -> None:
    libc = SimpleNamespace(getpriority=SimpleNamespace(), setpriority=SimpleNamespace())
    get, put = prototyped(libc)
    assert vars(get)["argtypes"] == (ctypes.c_int, ctypes.c_uint)
    assert vars(put)["argtypes"] == (ctypes.c_int, ctypes.c_uint, ctypes.c_int)


class Queue:
    """A kqueue as ``select`` has it."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.refuses = refuses
        self.wanted: list[object] = []
        self.taken = 0
        self.is_open = True

    def control(self, changes: list[object] | None, most: int, _timeout_s: float) -> list[object]:
        if self.refuses:
            raise OSError(errno.EINVAL, "Invalid argument")
        self.wanted += changes or []
        self.taken += most
        return []

    def fileno(self) -> int:
        return 7

    def close(self) -> None:
        self.is_open = False


def test_macos_is_woken_by_the_kernels_word_on_memory() -> None:
    queue = Queue()
    wakers = MacWakers(lambda: queue, lambda ident, **rest: (ident, rest))
    assert wakers.zram_bytes() == 0
    assert (wakers.triggers(), wakers.triggers()) == ((7,), (7,))
    assert queue.wanted == [(0, {"filter": -14, "flags": 0x25, "fflags": 0x6})]
    wakers.zram_bytes()
    assert queue.taken == 1
    wakers.close()
    wakers.close()
    assert not queue.is_open


def test_macos_without_that_filter_looks_by_itself() -> None:
    queue = Queue(refuses=True)
    wakers = MacWakers(lambda: queue, lambda ident, **rest: (ident, rest))
    assert wakers.triggers() == ()
    assert not queue.is_open


def test_where_start_times_are_of_the_calendar_every_boot_has_one_name() -> None:
    assert PsutilSystem(free).boot_id() == PsutilSystem(free).boot_id() != ""

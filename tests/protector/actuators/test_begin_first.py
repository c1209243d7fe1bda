"""Each change of a process stands in the journal before it is made, and none outlives a crash.

Random orders and undos on a random family, a system that refuses here and there, and a death at any
of its calls. A line of the journal has to name what is touched at the moment that it is touched.
"""

import itertools
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from omnitray.base.facts import ProcessIdentity, Resource
from omnitray.protector.actuators.executor import Executor
from omnitray.protector.actuators.system import AccessRefused, IoPriority, Sign, Unanswered
from omnitray.protector.model import (
    ActionState,
    EscalationStep,
    is_lever_of,
)
from support.deeds import Bench, action, job
from support.fake_system import FakeProcess, FakeSystem

SLOW, PAUSE = EscalationStep.SLOW_DOWN, EscalationStep.PAUSE
CALLS = ("set_nice", "set_autogroup_nice", "set_io_priority", "send")
UNIT_CALLS = ("adopt", "set_cpu_weight", "set_memory_high", "freeze", "thaw")


class Killed(BaseException):
    """As sudden as ``kill -9``."""


class Watched:
    """Stands before each call that changes something: is it written down, does it succeed?"""

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self.dies_at: int | None = None
        self.dies_before = True
        self.refused: dict[int, type[AccessRefused]] = {}
        self.calls = 0

    @contextmanager
    def over(self, system: FakeSystem) -> Iterator[None]:
        """Put it before the calls of this system."""
        places = [(system, name) for name in CALLS] + [(system.units, name) for name in UNIT_CALLS]
        real = [(where, name, getattr(where, name)) for where, name in places]
        for where, name, call in real:
            setattr(where, name, self._watching(name, call))
        try:
            yield
        finally:
            for where, name, call in real:
                setattr(where, name, call)

    def _watching(self, name: str, call: Callable[..., None]) -> Callable[..., None]:
        def watching(subject: Any, *more: Any) -> None:
            number, self.calls = self.calls, self.calls + 1
            # What has inherited a value gets it back with who had it first, by its descent.
            back = bool(more) and more[0] in {0, IoPriority(0), Sign.CONT}
            is_written = back or self._is_written(name, subject)
            assert is_written, f"{name} of {subject} is not in the journal"
            if self.dies_at == number and self.dies_before:
                raise Killed
            refusal = self.refused.get(number)
            if refusal is AccessRefused:
                raise AccessRefused("not now")
            call(subject, *more)
            if self.dies_at == number:
                raise Killed
            if refusal is not None:
                raise refusal("no answer in time")  # and it was done all the same

        return watching

    def _is_written(self, name: str, subject: Any) -> bool:
        lines = map(json.loads, self._journal.read_bytes().splitlines())
        changes = [each for line in lines if line["event"] == "begin" for each in line["changes"]]
        if isinstance(subject, str):
            return subject in {each.get("unit") for each in changes}
        if name == "set_autogroup_nice":
            return any(each.get("unit") == "50" for each in changes)
        return subject.pid in {each["process"]["pid"] for each in changes if "process" in each}


def state_of(system: FakeSystem) -> dict[str, Any]:
    """All that an actuator can change; an adopted process stays in its scope, at a fair weight.

    A scope without a process in it is gone.
    """
    living = [each for each in system.processes.values() if each.alive]
    units = system.units
    there = {each.unit for each in living if each.unit}
    return {
        "nice": {each.nice for each in living},
        "io": {each.io for each in living},
        "stopped": {each.identity.pid for each in living if each.stopped},
        "autogroup": set((system.autogroup or {}).values()) - {0},
        "weights": {units.weights.get(each) for each in there} - {None, 100},
        "limits": {units.limits.get(each) for each in there} - {None},
        "frozen": there & units.frozen,
    }


UNTOUCHED = {
    "nice": {0},
    "io": {IoPriority(0)},
    "stopped": set(),
    "autogroup": set(),
    "weights": set(),
    "limits": set(),
    "frozen": set(),
}
ORDERS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                (SLOW, Resource.CPU),
                (SLOW, Resource.MEMORY),
                (SLOW, Resource.DISK),
                (PAUSE, Resource.MEMORY),
                (PAUSE, Resource.CPU),
                "undo the first",
                "undo the last",
                "undo all",
                "look",
                "fork",
            ]
        ),
        st.sampled_from([50, 51, 52]),
    ),
    min_size=1,
    max_size=7,
)


class Story:
    """A bench on which orders and undos are carried out."""

    def __init__(self, folder: Path, levers: str) -> None:
        self.folder = folder
        self.bench = Bench(folder, sync=False)
        system = self.bench.system
        system.privileged = True  # whatever is done can be taken back
        system.autogroup = {} if levers == "autogroup" else None
        system.units.absent = "" if levers == "units" else "no units here"
        job(system)
        self.executor = Executor(self.bench.actions, self.bench.clock)
        self._numbers = itertools.count(1)
        self._pids = itertools.count(60)

    def tell(self, what: Any, pid: int) -> None:
        """Go one step on."""
        if isinstance(what, tuple):
            step, resource = what
            target = ProcessIdentity(pid=pid, start_ticks=100, exe=f"/usr/bin/p{pid}")
            name = f"t-{next(self._numbers)}"
            self.executor.carry_out([action((target,), step, resource, action_id=name)])
        elif what == "undo all":
            self.executor.undo_all("all of it")
        elif what == "look":
            self.executor.look()
        elif what == "fork":
            self._fork(pid)
        elif held := self.executor.active():
            self.executor.undo(held[0 if "first" in what else -1].action.id, "enough")

    def restart(self) -> None:
        """Another run on the same journal."""
        self.bench.journal.close()
        self.bench = self.bench.restarted(self.folder)
        self.executor = Executor(self.bench.actions, self.bench.clock)
        self.bench.actions.restore_after_crash()

    def check_held(self) -> None:
        """What is said to be held is in force, and in the journal, by an actuator of its own."""
        in_force = [each.action_id for each in self.bench.actions.active()]
        written = {each.began.id for each in self.bench.journal.records()}
        for each in self.executor.active():
            if each.state is ActionState.HELD:
                ours = [lever for lever in in_force if is_lever_of(each.action.id, lever)]
                assert ours, f"nothing stands behind {each.action.step} of {each.action.id}"
                assert set(ours) <= written

    def _fork(self, parent_pid: int) -> None:
        """A child has its parent's values; what stands still has no children."""
        system = self.bench.system
        parent: FakeProcess = system.processes[parent_pid]
        if parent.stopped or parent.unit in system.units.frozen:
            return
        child = system.add(next(self._pids), parent=parent_pid, start_ticks=200, session=50)
        child.nice, child.io, child.unit = parent.nice, parent.io, parent.unit


LEVERS = st.sampled_from(["units", "autogroup", "nice"])


@settings(max_examples=60, deadline=None)
@given(
    levers=LEVERS,
    orders=ORDERS,
    dies_at=st.integers(0, 20),
    dies_before=st.booleans(),
)
def test_a_death_at_any_call_leaves_nothing_to_the_next_start(
    levers: str, orders: list[tuple[Any, int]], dies_at: int, *, dies_before: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        story = Story(Path(folder), levers)
        watched = Watched(story.bench.journal.path)
        watched.dies_at, watched.dies_before = dies_at, dies_before
        with watched.over(story.bench.system):
            try:
                for what, pid in orders:
                    story.tell(what, pid)
                    story.check_held()
            except Killed:
                pass
        story.restart()
        assert state_of(story.bench.system) == UNTOUCHED
        assert story.bench.journal.unfinished("boot-1") == ()


@settings(max_examples=60, deadline=None)
@given(
    levers=LEVERS,
    orders=ORDERS,
    refused=st.dictionaries(
        st.integers(0, 15), st.sampled_from([AccessRefused, Unanswered]), max_size=3
    ),
)
def test_what_was_refused_or_never_answered_is_taken_back_as_well(
    levers: str, orders: list[tuple[Any, int]], refused: dict[int, type[AccessRefused]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        story = Story(Path(folder), levers)
        watched = Watched(story.bench.journal.path)
        watched.refused = refused
        with watched.over(story.bench.system):
            for what, pid in orders:
                story.tell(what, pid)
                story.check_held()
        story.restart()
        assert state_of(story.bench.system) == UNTOUCHED

"""Whatever happens in whatever order, what was held is let go, and nothing else is touched."""

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from omnitray.base.facts import Resource
from omnitray.protector.model import EscalationStep
from support.deeds import Bench, order
from support.fake_system import FakeProcess

REVERSIBLE = (EscalationStep.SLOW_DOWN, EscalationStep.PAUSE)


class Machine(RuleBasedStateMachine):
    """Jobs that fork, end and are meddled with, and a run that acts, undoes, crashes, restarts."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.bench = Bench(self.folder, sync=False)
        self.next_pid = 100
        self.strangers: list[FakeProcess] = []

    @initialize(units=st.booleans(), autogroup=st.booleans(), privileged=st.booleans())
    def begin(self, *, units: bool, autogroup: bool, privileged: bool) -> None:
        system = self.bench.system
        system.units.absent = "" if units else "no unified cgroup hierarchy here"
        system.autogroup = {} if autogroup else None
        system.privileged = privileged
        for session in (10, 20):
            self._fork(parent=1, session=session)
        self.stranger = system.add(5, session=5)

    @rule(which=st.integers(0, 50))
    def fork(self, which: int) -> None:
        parents = self._living()
        if parents:
            parent = parents[which % len(parents)]
            self._fork(parent=parent.identity.pid, session=parent.session)

    @rule(which=st.integers(0, 50))
    def end(self, which: int) -> None:
        living = self._living()
        if living:
            living[which % len(living)].alive = False

    @rule(which=st.integers(0, 50))
    def recycle(self, which: int) -> None:
        dead = [each for each in self.bench.system.processes.values() if not each.alive]
        if dead:
            pid = dead[which % len(dead)].identity.pid
            stranger = self.bench.system.add(pid, start_ticks=5000 + self.next_pid, session=5)
            stranger.stopped = True
            self.strangers.append(stranger)

    @rule(
        which=st.integers(0, 50),
        step=st.sampled_from(REVERSIBLE),
        resource=st.sampled_from(list(Resource)),
        dry_run=st.booleans(),
    )
    def act(self, which: int, step: EscalationStep, resource: Resource, *, dry_run: bool) -> None:
        living = self._living()
        if living:
            target = living[which % len(living)].identity
            self.bench.actions.perform(order([target], step, resource, dry_run=dry_run))

    @precondition(lambda self: self.bench.actions.active())
    @rule(which=st.integers(0, 50))
    def undo(self, which: int) -> None:
        active = self.bench.actions.active()
        self.bench.actions.undo(active[which % len(active)].action_id, "calm")

    @rule()
    def look(self) -> None:
        self.bench.clock.advance(1.0)
        self.bench.actions.step()

    @rule()
    def crash_and_restart(self) -> None:
        self.bench.journal.close()
        self.bench = self.bench.restarted(self.folder)
        self.bench.actions.restore_after_crash()
        self._assert_nothing_is_held()

    @invariant()
    def strangers_are_left_alone(self) -> None:
        for stranger in self.strangers:
            assert stranger.heard == []

    def teardown(self) -> None:
        self.bench.actions.undo_all("at exit")
        self.bench.journal.close()
        shutil.rmtree(self.folder)
        self._assert_nothing_is_held()

    def _assert_nothing_is_held(self) -> None:
        system = self.bench.system
        for process in self._living():
            assert not process.stopped
            assert process.io.io_class == 0
            assert process.nice == 0
        living_units = {process.unit for process in self._living()}
        assert not system.units.frozen & living_units
        held = {unit for unit, weight in system.units.weights.items() if weight not in {None, 100}}
        assert not held & living_units
        assert not {unit for unit, high in system.units.limits.items() if high} & living_units
        sessions = {process.session for process in self._living()}
        slowed = {session for session, nice in (system.autogroup or {}).items() if nice}
        assert not slowed & sessions

    def _living(self) -> list[FakeProcess]:
        ours = self.bench.system.processes.values()
        return [
            each for each in ours if each.alive and each not in self.strangers and each.session != 5
        ]

    def _fork(self, parent: int, session: int) -> None:
        self.bench.system.add(self.next_pid, parent=parent, session=session)
        self.next_pid += 1


Machine.TestCase.settings = settings(max_examples=120, stateful_step_count=30, deadline=None)
TestUndoing = Machine.TestCase

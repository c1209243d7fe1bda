"""Actuators by signal: stop and continue, and the end.

A stopped process that has a window, a sound stream or a name on the bus breaks things for
others, so only headless ones are stopped. The end has no way back.
"""

import contextlib
from collections.abc import Callable, Iterable

import msgspec

from omnitray.base.clock import Clock
from omnitray.base.facts import ProcessIdentity
from omnitray.processes.process_roles import ShellJob
from omnitray.protector.actuators.actuator import (
    ActuationPlan,
    AlreadyThere,
    Applied,
    CannotPlan,
    Fate,
    Restored,
    Target,
    Value,
    ValueActuator,
    ValueChange,
    process_of,
)
from omnitray.protector.actuators.cgroup import RUNNING, refuse_tied
from omnitray.protector.actuators.results import EndedProcess
from omnitray.protector.actuators.system import AccessRefused, Gone, Sign, System
from omnitray.protector.model import ActuatorKind

Spares = Callable[[ProcessIdentity], str]


class OriginSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Where what belongs to an end is born: sessions and units of its own, as they were before.

    ``others`` are pids that were in them and do not belong to it.
    """

    sessions: frozenset[int] = frozenset()
    groups: frozenset[str] = frozenset()
    others: frozenset[int] = frozenset()


class TerminationScope:
    """Finds all processes of the scope, again at each call."""

    def __init__(self, system: System, spares: Spares = lambda _who: "") -> None:
        self._system = system
        self._spares = spares
        self._asked: dict[ProcessIdentity, str] = {}

    def grounds(self, processes: Iterable[ProcessIdentity]) -> OriginSnapshot:
        """To be asked before any of them is touched: the dead have no session."""
        members = self._system.units.group_members
        family = self._system.family(processes)
        sessions = {process.pid for process in family if self._leads_session(process)}
        groups = {self._system.units.group_of(process) for process in family} - {""}
        inside = {group: members(group) for group in groups}
        there = {pid for session in sessions for pid in self._system.session_members(session)}
        # Read again, and last: what was born between the readings belongs to it.
        ours = {process.pid for process in (*family, *self._system.family(family))}
        alone = frozenset(group for group, pids in inside.items() if pids <= ours | there)
        return OriginSnapshot(
            sessions=frozenset(sessions), groups=alone, others=frozenset(there - ours)
        )

    def living(
        self,
        named: Iterable[ProcessIdentity],
        known: Iterable[ProcessIdentity],
        grounds: OriginSnapshot,
    ) -> tuple[ProcessIdentity, ...]:
        """All of it that lives, parents first. ``named`` were decided about and are not excluded.

        The others are looked up again: what was a shell a moment ago runs a program by now.
        """
        decided = set(named)
        others = self._as_they_are(each for each in known if each not in decided)
        found = self._system.family(dict.fromkeys((*decided, *others)))
        born = self._born(grounds) - {process.pid for process in found}
        if born:
            found = (*found, *self._system.family(self._system.identify(born)))
        spared = {each for each in found if each not in decided and self.why_spared(each)}
        if spared:
            spared |= set(self._system.family(spared)) - decided
        return tuple(dict.fromkeys(each for each in found if each not in spared))

    def why_spared(self, process: ProcessIdentity) -> str:
        """Why this one is not to be ended, empty where it may be; looked up once."""
        if process not in self._asked:
            self._asked[process] = self._spares(process)
        return self._asked[process]

    def forget(self) -> None:
        """Nothing is being ended any more."""
        self._asked.clear()

    def _as_they_are(self, known: Iterable[ProcessIdentity]) -> tuple[ProcessIdentity, ...]:
        """The same processes, with the program that each of them runs now."""
        starts = {process.pid: process.start_ticks for process in known}
        found = self._system.identify(starts)
        return tuple(each for each in found if each.start_ticks == starts[each.pid])

    def _born(self, grounds: OriginSnapshot) -> set[int]:
        pids = {pid for each in grounds.sessions for pid in self._system.session_members(each)}
        for group in grounds.groups:
            pids |= self._system.units.group_members(group)
        return pids - grounds.others

    def _leads_session(self, process: ProcessIdentity) -> bool:
        try:
            return self._system.session(process) == process.pid
        except Gone:
            return False


STOPPED = "stopped"
ENDED = "ended"
# A tenth of a second in all: on a busy processor a signal is acted on at its next turn.
_LOOKS, _LOOK_AGAIN_S = 50, 0.002
_STOPPED_AGAIN = "its terminal has stopped it again: type fg there"
_IN_THE_BACKGROUND = "it runs in the background of its terminal: type fg there"
_ROUNDS = 16  # more than a job that forks as fast as it can has needed


class StopActuator(ValueActuator):
    """SIGSTOP and SIGCONT. Parents are stopped first: what is stopped has no more children."""

    kind = ActuatorKind.STOP
    pauses = True

    def plan(self, target: Target) -> ActuationPlan:
        """Every running process of the family; descendants with ties are excluded."""
        refuse_tied(self._system, target.processes)
        family = self._family(target)
        ties = self._system.ties(family)
        stopped = self._readings(family, self._system.is_stopped)
        running = [process for process, is_stopped in stopped.items() if not is_stopped]
        if not running:
            raise AlreadyThere("all its processes are stopped")
        spared = tuple(f"process {pid} {min(tied)}: spared" for pid, tied in ties.items() if tied)
        changes = tuple(
            ValueChange(process=process, old=RUNNING, new=STOPPED)
            for process in running
            if not ties.get(process.pid)
        )
        if not changes:
            raise CannotPlan(spared[0])
        return ActuationPlan(lever=self.kind, changes=changes, notes=spared)

    def read_back(self, applied: Applied) -> bool:
        """Whether all stand still; a process on another processor needs a moment to notice."""
        for _ in range(_LOOKS):
            if super().read_back(applied):
                return True
            self._system.wait(_LOOK_AGAIN_S)
        return super().read_back(applied)

    def restore(
        self, changes: tuple[ValueChange, ...], kept: tuple[ValueChange, ...] = ()
    ) -> Restored:
        """Continue; what its shell holds back, or has put into the background, is said."""
        done = super().restore(changes, kept)
        fates = list(done.fates)
        notes = list(done.notes)
        for place, (change, fate) in enumerate(zip(changes, done.fates, strict=False)):
            if fate is Fate.RESTORED and (waits := self._waits_for_its_shell(change)) is not None:
                notes.append(_STOPPED_AGAIN if waits else _IN_THE_BACKGROUND)
                fates[place] = Fate.WAITS if waits else fate
        return Restored(fates=tuple(fates), notes=tuple(dict.fromkeys(notes)))

    def _waits_for_its_shell(self, change: ValueChange) -> bool | None:
        """Whether it stands again, for its terminal; None where no shell has it behind itself."""
        process = process_of(change)
        try:
            if self._system.shell_job(process) is not ShellJob.BACKGROUND:
                return None
            for _ in range(_LOOKS):  # it reads from its terminal as soon as it comes to run
                if self._system.is_stopped(process):
                    return True
                self._system.wait(_LOOK_AGAIN_S)
        except (Gone, AccessRefused):
            return None
        return False

    def _get(self, change: ValueChange) -> Value:
        return STOPPED if self._system.is_stopped(process_of(change)) else RUNNING

    def _set(self, change: ValueChange, value: Value) -> None:
        self._system.send(process_of(change), Sign.STOP if value == STOPPED else Sign.CONT)


class EndActuator(ValueActuator):
    """SIGTERM now; ``Endings`` sends SIGKILL by time.

    Everything is stopped first, so that it takes no more memory while it is looked through and
    has no child that is not seen. A stopped process cannot act on TERM: it is continued right
    after. A run that dies in between leaves it stopped until the next start.
    """

    kind = ActuatorKind.END

    def __init__(self, system: System, scope: TerminationScope) -> None:
        super().__init__(system)
        self._scope = scope

    @property
    def reversible(self) -> bool:
        """Never."""
        return False

    def plan(self, target: Target) -> ActuationPlan:
        """The named processes that live, and what they have started."""
        living = tuple(process for process in target.processes if self._system.is_there(process))
        if not living:
            raise CannotPlan("its processes have ended")
        family = self._scope.living(living, (), OriginSnapshot())
        changes = tuple(_end_of(process) for process in family)
        return ActuationPlan(lever=self.kind, changes=changes, reversible=False)

    def apply(self, plan: ActuationPlan) -> Applied:
        """Stop, scan again until no process is new, TERM, continue; frozen ones take only KILL."""
        failures: list[str] = []
        named = tuple(process_of(change) for change in plan.changes)
        everybody = self.hold(named, lambda: self._scope.living(named, (), OriginSnapshot()))
        reached = [each for each in everybody if self._tell(each, self._word_for(each), failures)]
        for process in reached:
            with contextlib.suppress(Gone, AccessRefused):
                self._system.send(process, Sign.CONT)
        return Applied(changes=tuple(map(_end_of, reached)), failures=tuple(failures))

    def hold(
        self, known: tuple[ProcessIdentity, ...], look: Callable[[], tuple[ProcessIdentity, ...]]
    ) -> tuple[ProcessIdentity, ...]:
        """Stop all, and scan again until no process is new: what is stopped starts nothing."""
        held: dict[ProcessIdentity, None] = {}
        new: tuple[ProcessIdentity, ...] = known
        for _ in range(_ROUNDS):
            for process in new:
                held[process] = None
                with contextlib.suppress(Gone, AccessRefused):  # then TERM or KILL will say so
                    self._stop(process)
            new = tuple(each for each in look() if each not in held)
            if not new:
                break
        return tuple(held)

    def _stop(self, process: ProcessIdentity) -> None:
        """All but what a shell waits for: it would say "Stopped" of what is about to end."""
        if self._system.shell_job(process) is ShellJob.NONE:
            self._system.send(process, Sign.STOP)

    def ask(self, processes: Iterable[ProcessIdentity]) -> None:
        """TERM for those that were born since."""
        for process in processes:
            self._tell(process, self._word_for(process), [])

    def kill(
        self,
        processes: tuple[ProcessIdentity, ...],
        grounds: OriginSnapshot,
        look: Callable[[], tuple[ProcessIdentity, ...]],
    ) -> None:
        """SIGKILL for all that still live; a unit of their own is ended as one by the kernel."""
        everybody = self.hold(processes, look)
        for group in grounds.groups:
            if self._system.units.group_members(group) <= {each.pid for each in everybody}:
                with contextlib.suppress(Gone, AccessRefused):  # signals do it as well
                    self._system.units.end_group(group)
        for process in everybody:
            self._tell(process, Sign.KILL, [])

    def living(self, changes: tuple[ValueChange, ...]) -> tuple[ValueChange, ...]:
        """Those that have not ended yet."""
        return tuple(change for change in changes if self._system.is_there(process_of(change)))

    def let_go(self, changes: tuple[ValueChange, ...]) -> None:
        """Continue what a run that died left stopped on its way to the end.

        So too what the victims had started since the journal's line: it was stopped with them, and
        is younger than each that stands there.
        """
        known = [process_of(change) for change in changes]
        youngest = max((each.start_ticks for each in known), default=0)
        born = (
            each
            for each in self._system.family(known)
            if each not in known and each.start_ticks >= youngest
        )
        for process in (*known, *born):
            with contextlib.suppress(Gone, AccessRefused):
                if self._system.is_stopped(process):
                    self._system.send(process, Sign.CONT)

    def read_back(self, applied: Applied) -> bool:
        """TERM leaves nothing to read: whether it helps is seen later."""
        del applied
        return True

    def restore(
        self, changes: tuple[ValueChange, ...], kept: tuple[ValueChange, ...] = ()
    ) -> Restored:
        """What has ended does not come back."""
        del kept
        return Restored(fates=(Fate.ONE_WAY,) * len(changes))

    def _get(self, change: ValueChange) -> Value:
        return RUNNING if self._system.is_there(process_of(change)) else ENDED

    def _tell(self, process: ProcessIdentity, sign: Sign, failures: list[str]) -> bool:
        """Whether the signal arrived; True for a process that has ended."""
        try:
            self._system.send(process, sign)
        except Gone:
            return True
        except AccessRefused as refused:
            failures.append(str(refused))
            return False
        return True

    def _word_for(self, process: ProcessIdentity) -> Sign:
        return Sign.KILL if self._system.units.is_held(process) else Sign.TERM


def _end_of(process: ProcessIdentity) -> ValueChange:
    return ValueChange(process=process, old=RUNNING, new=ENDED)


def stops_hand_over(system: System, pids: Iterable[int]) -> frozenset[int]:
    """Those of them whose stop would give their terminal's keyboard to a shell.

    None where jobs can be frozen: no shell sees that.
    """
    if not system.units.why_not():
        return frozenset()
    found = set()
    for identity in system.identify(pids):
        with contextlib.suppress(Gone):
            if system.shell_job(identity) is ShellJob.FOREGROUND:
                found.add(identity.pid)
    return frozenset(found)


KILL_AFTER_S = 10.0  # as ``docker stop``; systemd gives 90 s, which memory does not last
GIVE_UP_AFTER_S = 10.0  # after KILL: a process that is still there hangs in the kernel
STEP_S = 0.05  # relief is a matter of tenths of a second: nohang takes 0.31 to 0.41 s
LOOK_EVERY_S = 0.25  # for what was born since: a look reads all of /proc, some milliseconds


class _EndInProgress:
    """One end under way: ``named`` were decided about, ``signalled`` were sent TERM."""

    def __init__(
        self,
        title: str,
        named: tuple[ProcessIdentity, ...],
        signalled: tuple[ProcessIdentity, ...],
        grounds: OriginSnapshot,
    ) -> None:
        self.title = title
        self.named = named
        self.known: dict[tuple[int, int], ProcessIdentity] = {}
        self.take_in(signalled)
        self.began_with = len(self.known)
        self.grounds = grounds
        self.began_s = 0.0
        self.looked_s = 0.0
        self.killed_s: float | None = None

    def take_in(self, seen: Iterable[ProcessIdentity]) -> list[ProcessIdentity]:
        """Those that are new, or run another program than when they were seen last."""
        new = [each for each in seen if self.known.get((each.pid, each.start_ticks)) != each]
        self.known |= {(each.pid, each.start_ticks): each for each in new}
        return new

    def ended(self, action_id: str, now: float, *, survived: bool = False) -> EndedProcess:
        return EndedProcess(
            action_id=action_id,
            title=self.title,
            after_s=now - self.began_s,
            killed=self.killed_s is not None,
            survived=survived,
            born=len(self.known) - self.began_with,
        )


class Endings:
    """All ends under way."""

    def __init__(
        self, clock: Clock, system: System, lever: EndActuator, scope: TerminationScope
    ) -> None:
        self._clock = clock
        self._system = system
        self._lever = lever
        self._scope = scope
        self._open: dict[str, _EndInProgress] = {}

    def __len__(self) -> int:
        return len(self._open)

    def add(
        self,
        action_id: str,
        target: Target,
        signalled: Iterable[ProcessIdentity],
        grounds: OriginSnapshot,
    ) -> None:
        """TERM has just been sent to ``signalled``; ``grounds`` are from before that."""
        signalled = tuple(signalled)
        named = tuple(each for each in signalled if each in target.processes)
        ending = _EndInProgress(target.title, named, signalled, grounds)
        ending.began_s = ending.looked_s = self._clock.monotonic()
        self._open[action_id] = ending

    def step(self, *, hurry: bool = False) -> tuple[EndedProcess, ...]:
        """Kill what TERM did not end in time, at once where ``hurry``; tell what is over."""
        now = self._clock.monotonic()
        over = []
        for action_id, ending in list(self._open.items()):
            ended = self._look(action_id, ending, now, hurry=hurry)
            if ended is not None:
                del self._open[action_id]
                over.append(ended)
        if not self._open:
            self._scope.forget()
        return tuple(over)

    def _look(
        self, action_id: str, ending: _EndInProgress, now: float, *, hurry: bool
    ) -> EndedProcess | None:
        living = self._living(ending, now)
        if not living:
            return ending.ended(action_id, now)
        if ending.killed_s is None:
            if hurry or now - ending.began_s >= KILL_AFTER_S:
                self._kill(ending, living)
                ending.killed_s = now
            return None
        if now - ending.killed_s >= GIVE_UP_AFTER_S:
            return ending.ended(action_id, now, survived=True)
        return None

    def _living(self, ending: _EndInProgress, now: float) -> tuple[ProcessIdentity, ...]:
        living = tuple(each for each in ending.known.values() if self._system.is_there(each))
        if living and now - ending.looked_s < LOOK_EVERY_S:
            return living
        ending.looked_s = now
        living = self._everybody(ending)
        new = ending.take_in(living)
        if ending.killed_s is None:
            self._lever.ask(new)
        elif new:
            self._kill(ending, living)
        return living

    def _kill(self, ending: _EndInProgress, living: tuple[ProcessIdentity, ...]) -> None:
        self._lever.kill(living, ending.grounds, lambda: self._everybody(ending))

    def _everybody(self, ending: _EndInProgress) -> tuple[ProcessIdentity, ...]:
        return self._scope.living(ending.named, ending.known.values(), ending.grounds)

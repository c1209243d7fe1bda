"""Levers by signal: stop and continue, and the end.

A stopped process that has a window, a sound stream or a name on the bus breaks things for
others, so only headless ones are stopped. The end has no way back.
"""

import contextlib
from collections.abc import Callable, Iterable

from omnitray.processes.ties import Tie
from omnitray.protector.actuators.actuator import (
    AlreadyThere,
    Applied,
    CannotPlan,
    Change,
    Fate,
    Plan,
    Restored,
    Target,
    Value,
)
from omnitray.protector.actuators.cgroup import RUNNING, refuse_tied
from omnitray.protector.actuators.quarry import Grounds, Quarry
from omnitray.protector.actuators.system import Gone, Refused, Sign, System
from omnitray.protector.actuators.value_lever import ValueLever, process_of
from omnitray.protector.identity import Identity, LeverKind

STOPPED = "stopped"
ENDED = "ended"
_LOOKS = 50
_LOOK_AGAIN_S = 0.002
_ROUNDS = 16  # more than a job that forks as fast as it can has needed


class StopLever(ValueLever):
    """SIGSTOP and SIGCONT. Parents are stopped first: what is stopped has no more children."""

    kind = LeverKind.STOP
    pauses = True

    def plan(self, target: Target) -> Plan:
        """Every running process of the family; descendants that are tied are spared."""
        refuse_tied(self._system, target.processes)
        family = self._family(target)
        ties = self._system.ties(family)
        stopped = self._readings(family, self._system.is_stopped)
        changes = tuple(
            Change(process=process, old=RUNNING, new=STOPPED)
            for process, is_stopped in stopped.items()
            if not is_stopped and not ties.get(process.pid)
        )
        if not changes:
            raise AlreadyThere("all its processes are stopped")
        return Plan(lever=self.kind, changes=changes, notes=_spared(ties))

    def read_back(self, applied: Applied) -> bool:
        """Whether all stand still; a process on another processor needs a moment to notice."""
        for _ in range(_LOOKS):
            if super().read_back(applied):
                return True
            self._system.wait(_LOOK_AGAIN_S)
        return super().read_back(applied)

    def _get(self, change: Change) -> Value:
        return STOPPED if self._system.is_stopped(process_of(change)) else RUNNING

    def _set(self, change: Change, value: Value) -> None:
        self._system.send(process_of(change), Sign.STOP if value == STOPPED else Sign.CONT)


class EndLever(ValueLever):
    """SIGTERM now; whoever watches sends SIGKILL by time.

    Everything is stopped first, so that it takes no more memory while it is looked through and
    has no child that nobody sees. A stopped process cannot act on TERM: it is continued right
    after. A run that dies in between leaves it stopped until the next start.
    """

    kind = LeverKind.END

    def __init__(self, system: System, quarry: Quarry) -> None:
        super().__init__(system)
        self._quarry = quarry

    @property
    def reversible(self) -> bool:
        """Never."""
        return False

    def plan(self, target: Target) -> Plan:
        """The named processes that live, and what they have started."""
        living = tuple(process for process in target.processes if self._system.is_there(process))
        if not living:
            raise CannotPlan("its processes have ended")
        family = self._quarry.living(living, (), Grounds())
        changes = tuple(_end_of(process) for process in family)
        return Plan(lever=self.kind, changes=changes, reversible=False)

    def apply(self, plan: Plan) -> Applied:
        """Stop, look again until nobody is new, TERM, continue; the frozen hear only KILL."""
        failures: list[str] = []
        named = tuple(process_of(change) for change in plan.changes)
        everybody = self.hold(named, lambda: self._quarry.living(named, (), Grounds()))
        reached = [each for each in everybody if self._tell(each, self._word_for(each), failures)]
        for process in reached:
            with contextlib.suppress(Gone, Refused):
                self._system.send(process, Sign.CONT)
        return Applied(changes=tuple(map(_end_of, reached)), failures=tuple(failures))

    def hold(
        self, known: tuple[Identity, ...], look: Callable[[], tuple[Identity, ...]]
    ) -> tuple[Identity, ...]:
        """Stop all, and look again until nobody is new: what is stopped starts nothing."""
        held: dict[Identity, None] = {}
        new: tuple[Identity, ...] = known
        for _ in range(_ROUNDS):
            for process in new:
                held[process] = None
                with contextlib.suppress(Gone, Refused):  # then TERM or KILL will say so
                    self._system.send(process, Sign.STOP)
            new = tuple(each for each in look() if each not in held)
            if not new:
                break
        return tuple(held)

    def ask(self, processes: Iterable[Identity]) -> None:
        """TERM for those that were born since."""
        for process in processes:
            self._tell(process, self._word_for(process), [])

    def kill(
        self,
        processes: tuple[Identity, ...],
        grounds: Grounds,
        look: Callable[[], tuple[Identity, ...]],
    ) -> None:
        """SIGKILL for all that still live; a unit of their own is ended as one by the kernel."""
        everybody = self.hold(processes, look)
        for group in grounds.groups:
            if self._holds_only(group, everybody):
                with contextlib.suppress(Gone, Refused):  # signals do it as well
                    self._system.units.end_group(group)
        for process in everybody:
            self._tell(process, Sign.KILL, [])

    def living(self, changes: tuple[Change, ...]) -> tuple[Change, ...]:
        """Those that have not ended yet."""
        return tuple(change for change in changes if self._system.is_there(process_of(change)))

    def let_go(self, changes: tuple[Change, ...]) -> None:
        """Continue what a run that died left stopped on its way to the end."""
        for change in changes:
            with contextlib.suppress(Gone, Refused):
                if self._system.is_stopped(process_of(change)):
                    self._system.send(process_of(change), Sign.CONT)

    def read_back(self, applied: Applied) -> bool:
        """TERM leaves nothing to read: whether it helps is seen later."""
        del applied
        return True

    def restore(self, changes: tuple[Change, ...]) -> Restored:
        """What has ended does not come back."""
        return Restored(fates=(Fate.ONE_WAY,) * len(changes))

    def _get(self, change: Change) -> Value:
        return RUNNING if self._system.is_there(process_of(change)) else ENDED

    def _tell(self, process: Identity, sign: Sign, failures: list[str]) -> bool:
        """Whether it was reached; what ended meanwhile was."""
        try:
            self._system.send(process, sign)
        except Gone:
            return True
        except Refused as refused:
            failures.append(str(refused))
            return False
        return True

    def _word_for(self, process: Identity) -> Sign:
        return Sign.KILL if self._system.units.is_held(process) else Sign.TERM

    def _holds_only(self, group: str, processes: tuple[Identity, ...]) -> bool:
        return self._system.units.group_members(group) <= {each.pid for each in processes}


def _end_of(process: Identity) -> Change:
    return Change(process=process, old=RUNNING, new=ENDED)


def _spared(ties: dict[int, frozenset[Tie]]) -> tuple[str, ...]:
    return tuple(f"process {pid} {min(tied)}: spared" for pid, tied in ties.items() if tied)

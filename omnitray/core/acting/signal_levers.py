"""Levers by signal: stop and continue, and the end.

A stopped process that has a window, a sound stream or a name on the bus breaks things for
others, so only headless ones are stopped. The end has no way back.
"""

import contextlib

from omnitray.core.acting.lever import (
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
from omnitray.core.acting.system import Gone, Refused, Sign
from omnitray.core.acting.unit_levers import RUNNING, refuse_tied
from omnitray.core.acting.value_lever import ValueLever, process_of
from omnitray.core.deciding.identity import Identity, LeverKind
from omnitray.core.processes.ties import Tie

STOPPED = "stopped"
ENDED = "ended"
_LOOKS = 50
_LOOK_AGAIN_S = 0.002


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
    """SIGTERM now; whoever watches sends SIGKILL by time. Only the processes named, no others.

    A stopped process cannot act on TERM, so it is continued right after.
    """

    kind = LeverKind.END

    @property
    def reversible(self) -> bool:
        """Never."""
        return False

    def plan(self, target: Target) -> Plan:
        """The named processes that live."""
        living = tuple(process for process in target.processes if self._system.is_there(process))
        if not living:
            raise CannotPlan("its processes have ended")
        changes = tuple(Change(process=process, old=RUNNING, new=ENDED) for process in living)
        return Plan(lever=self.kind, changes=changes, reversible=False)

    def kill(self, changes: tuple[Change, ...]) -> tuple[str, ...]:
        """SIGKILL for those that still live; a sentence for each that could not be reached."""
        failures = []
        for change in changes:
            try:
                self._system.send(process_of(change), Sign.KILL)
            except Gone:
                continue
            except Refused as refused:
                failures.append(str(refused))
        return tuple(failures)

    def living(self, changes: tuple[Change, ...]) -> tuple[Change, ...]:
        """Those that have not ended yet."""
        return tuple(change for change in changes if self._system.is_there(process_of(change)))

    def read_back(self, applied: Applied) -> bool:
        """TERM leaves nothing to read: whether it helps is seen later."""
        del applied
        return True

    def restore(self, changes: tuple[Change, ...]) -> Restored:
        """What has ended does not come back."""
        return Restored(fates=(Fate.ONE_WAY,) * len(changes))

    def _get(self, change: Change) -> Value:
        return RUNNING if self._system.is_there(process_of(change)) else ENDED

    def _set(self, change: Change, value: Value) -> None:
        del value
        process = process_of(change)
        if self._is_frozen(process):
            self._system.send(process, Sign.KILL)  # all that a frozen process can hear
            return
        self._system.send(process, Sign.TERM)
        with contextlib.suppress(Gone):  # TERM may have worked already
            if self._system.is_stopped(process):
                self._system.send(process, Sign.CONT)

    def _is_frozen(self, process: Identity) -> bool:
        unit = self._system.units.unit_of(process)
        return unit is not None and self._system.units.is_frozen(unit)


def _spared(ties: dict[int, frozenset[Tie]]) -> tuple[str, ...]:
    return tuple(f"process {pid} {min(tied)}: spared" for pid, tied in ties.items() if tied)

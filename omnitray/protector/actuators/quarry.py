"""Whom an end means: the processes named, and everything that they start until they are gone.

A child is found by its parent; once that has ended, by the session or unit that it shares with
nobody else. What was there before and is none of it stays untouched, and so does what is protected
(``spares`` says why), with all that it has started.
"""

from collections.abc import Callable, Iterable

import msgspec

from omnitray.protector.actuators.system import Gone, System
from omnitray.protector.identity import Identity

Spares = Callable[[Identity], str]


class Grounds(msgspec.Struct, frozen=True, kw_only=True):
    """Where what belongs to an end is born: sessions and units of its own, as they were before.

    ``others`` are pids that were in them and do not belong to it.
    """

    sessions: frozenset[int] = frozenset()
    groups: frozenset[str] = frozenset()
    others: frozenset[int] = frozenset()


class Quarry:
    """Looks for all of it, each time anew."""

    def __init__(self, system: System, spares: Spares = lambda _who: "") -> None:
        self._system = system
        self._spares = spares
        self._asked: dict[Identity, str] = {}

    def grounds(self, processes: Iterable[Identity]) -> Grounds:
        """To be asked before any of them is touched: the dead have no session."""
        members = self._system.units.group_members
        family = self._system.family(processes)
        sessions = {process.pid for process in family if self._leads_session(process)}
        groups = {self._system.units.group_of(process) for process in family} - {""}
        inside = {group: members(group) for group in groups}
        there = {pid for session in sessions for pid in self._system.session_members(session)}
        # Read again, and last: who was born between the readings is one of it, not a stranger.
        ours = {process.pid for process in (*family, *self._system.family(family))}
        alone = frozenset(group for group, pids in inside.items() if pids <= ours | there)
        return Grounds(sessions=frozenset(sessions), groups=alone, others=frozenset(there - ours))

    def living(
        self, named: Iterable[Identity], known: Iterable[Identity], grounds: Grounds
    ) -> tuple[Identity, ...]:
        """All of it that lives, parents first. ``named`` were decided about and are not spared.

        The others are looked up anew: what was a shell a moment ago runs a program by now.
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

    def why_spared(self, process: Identity) -> str:
        """Why this one is not to be ended, empty where it may be; looked up once."""
        if process not in self._asked:
            self._asked[process] = self._spares(process)
        return self._asked[process]

    def forget(self) -> None:
        """Nothing is being ended any more."""
        self._asked.clear()

    def _as_they_are(self, known: Iterable[Identity]) -> tuple[Identity, ...]:
        """The same processes, with the program that each of them runs now."""
        starts = {process.pid: process.start_ticks for process in known}
        found = self._system.identify(starts)
        return tuple(each for each in found if each.start_ticks == starts[each.pid])

    def _born(self, grounds: Grounds) -> set[int]:
        pids = {pid for each in grounds.sessions for pid in self._system.session_members(each)}
        for group in grounds.groups:
            pids |= self._system.units.group_members(group)
        return pids - grounds.others

    def _leads_session(self, process: Identity) -> bool:
        try:
            return self._system.session(process) == process.pid
        except Gone:
            return False

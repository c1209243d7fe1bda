"""Ends under way: TERM becomes KILL by time, and an end is over when nobody of it is left.

What the victims start meanwhile belongs to the end. Looking for it means looking at every process
of the machine, so that is done some times a second and whenever nobody seems to be left; between
those looks only the known ones are asked. Whoever starts victims again from outside is the circuit
breaker's business.
"""

from collections.abc import Iterable

from omnitray.base.clock import Clock
from omnitray.protector.actuators.actuator import Target
from omnitray.protector.actuators.quarry import Grounds, Quarry
from omnitray.protector.actuators.results import Ended
from omnitray.protector.actuators.signals import EndLever
from omnitray.protector.actuators.system import System
from omnitray.protector.identity import Identity

KILL_AFTER_S = 10.0
GIVE_UP_AFTER_S = 10.0  # after KILL: a process that is still there hangs in the kernel
STEP_S = 0.05
LOOK_EVERY_S = 0.25


class _Ending:
    """One end under way. ``named`` were decided about; ``told`` have heard TERM, with the rest."""

    def __init__(
        self,
        title: str,
        named: tuple[Identity, ...],
        told: tuple[Identity, ...],
        grounds: Grounds,
    ) -> None:
        self.title = title
        self.named = named
        self.known: dict[tuple[int, int], Identity] = {}
        self.take_in(told)
        self.began_with = len(self.known)
        self.grounds = grounds
        self.began_s = 0.0
        self.looked_s = 0.0
        self.killed_s: float | None = None

    def take_in(self, seen: Iterable[Identity]) -> list[Identity]:
        """Those that are new, or run another program than when they were seen last."""
        new = [each for each in seen if self.known.get((each.pid, each.start_ticks)) != each]
        self.known |= {(each.pid, each.start_ticks): each for each in new}
        return new

    def ended(self, action_id: str, now: float, *, survived: bool = False) -> Ended:
        return Ended(
            action_id=action_id,
            title=self.title,
            after_s=now - self.began_s,
            killed=self.killed_s is not None,
            survived=survived,
            born=len(self.known) - self.began_with,
        )


class Endings:
    """All ends under way."""

    def __init__(self, clock: Clock, system: System, lever: EndLever, quarry: Quarry) -> None:
        self._clock = clock
        self._system = system
        self._lever = lever
        self._quarry = quarry
        self._open: dict[str, _Ending] = {}

    def __len__(self) -> int:
        return len(self._open)

    def add(
        self, action_id: str, target: Target, told: Iterable[Identity], grounds: Grounds
    ) -> None:
        """TERM has just been sent to ``told``; ``grounds`` are from before that."""
        told = tuple(told)
        named = tuple(each for each in told if each in target.processes)
        ending = _Ending(target.title, named, told, grounds)
        ending.began_s = ending.looked_s = self._clock.monotonic()
        self._open[action_id] = ending

    def step(self, *, hurry: bool = False) -> tuple[Ended, ...]:
        """Kill what TERM did not end in time, at once where ``hurry``; tell what is over."""
        now = self._clock.monotonic()
        over = []
        for action_id, ending in list(self._open.items()):
            ended = self._look(action_id, ending, now, hurry=hurry)
            if ended is not None:
                del self._open[action_id]
                over.append(ended)
        if not self._open:
            self._quarry.forget()
        return tuple(over)

    def _look(self, action_id: str, ending: _Ending, now: float, *, hurry: bool) -> Ended | None:
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

    def _living(self, ending: _Ending, now: float) -> tuple[Identity, ...]:
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

    def _kill(self, ending: _Ending, living: tuple[Identity, ...]) -> None:
        self._lever.kill(living, ending.grounds, lambda: self._everybody(ending))

    def _everybody(self, ending: _Ending) -> tuple[Identity, ...]:
        return self._quarry.living(ending.named, ending.known.values(), ending.grounds)

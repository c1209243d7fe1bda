"""Ends under way: TERM becomes KILL by time, and an end is over when the process is gone."""

from omnitray.core.acting.deed import Ended
from omnitray.core.acting.lever import Change
from omnitray.core.acting.signal_levers import EndLever
from omnitray.core.clock import Clock

KILL_AFTER_S = 10.0
GIVE_UP_AFTER_S = 10.0  # after KILL: a process that is still there hangs in the kernel
STEP_S = 0.05


class _Ending:
    """One end under way."""

    def __init__(self, title: str, changes: tuple[Change, ...], now: float) -> None:
        self.title = title
        self.changes = changes
        self.began_s = now
        self.killed_s: float | None = None

    def ended(self, action_id: str, now: float, *, survived: bool = False) -> Ended:
        return Ended(
            action_id=action_id,
            title=self.title,
            after_s=now - self.began_s,
            killed=self.killed_s is not None,
            survived=survived,
        )


class Endings:
    """All ends under way."""

    def __init__(self, clock: Clock, lever: EndLever) -> None:
        self._clock = clock
        self._lever = lever
        self._open: dict[str, _Ending] = {}

    def __len__(self) -> int:
        return len(self._open)

    def add(self, action_id: str, title: str, changes: tuple[Change, ...]) -> None:
        """TERM has just been sent."""
        self._open[action_id] = _Ending(title, changes, self._clock.monotonic())

    def step(self, *, hurry: bool = False) -> tuple[Ended, ...]:
        """Kill what TERM did not end in time, at once where ``hurry``; tell what is over."""
        now = self._clock.monotonic()
        over = []
        for action_id, ending in list(self._open.items()):
            ended = self._look(action_id, ending, now, hurry=hurry)
            if ended is not None:
                del self._open[action_id]
                over.append(ended)
        return tuple(over)

    def _look(self, action_id: str, ending: _Ending, now: float, *, hurry: bool) -> Ended | None:
        ending.changes = self._lever.living(ending.changes)
        if not ending.changes:
            return ending.ended(action_id, now)
        if ending.killed_s is None:
            if hurry or now - ending.began_s >= KILL_AFTER_S:
                self._lever.kill(ending.changes)
                ending.killed_s = now
            return None
        if now - ending.killed_s >= GIVE_UP_AFTER_S:
            return ending.ended(action_id, now, survived=True)
        return None

"""How long something small takes that a person would wait for: the figure that proves relief.

A short sleep, then a millisecond of work, as a key press that redraws a line: what comes on top
of the sleep is what the machine makes a person wait. Measured like that because averages of load
or pressure say nothing about one task.

What it would take on a quiet machine is not learned from the times it took: a program that starts
on a busy machine would take that load for quiet, and say afterwards that nothing has to wait. It is
the processor time of the same work, which waiting does not lengthen.
"""

from collections.abc import Callable

from omnitray.base.facts import Probe

_SLEEP_S = 0.002
_WORK_S = 0.001
_TRIES = 5  # odd: the one in the middle counts
_CALIBRATING_ROUNDS = 2000


class LatencyProbe:
    """Measures when asked: about 5 ms of processor time and 15 ms of waiting on a quiet machine.

    ``now_s`` is a clock that goes on while others run, ``used_s`` one that counts the processor
    time of this thread alone, ``sleep`` blocks; not for a thread that draws.
    """

    def __init__(
        self,
        now_s: Callable[[], float],
        used_s: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._now_s = now_s
        self._used_s = used_s
        self._sleep = sleep
        self._rounds = self._calibrated()
        self._quiet_ms = float("inf")

    def measure(self) -> Probe:
        """The median of some tries, beside what the work takes of a processor."""
        tries = [self._try_ms() for _ in range(_TRIES)]
        now_ms = sorted(took_ms for took_ms, _ in tries)[_TRIES // 2]
        # The least: caches that others have emptied make the same work take longer.
        self._quiet_ms = min(self._quiet_ms, *(used_ms for _, used_ms in tries))
        return Probe(now_ms=now_ms, quiet_ms=self._quiet_ms)

    def _try_ms(self) -> tuple[float, float]:
        due_s, used_s = self._now_s() + _SLEEP_S, self._used_s()
        self._sleep(_SLEEP_S)
        _work(self._rounds)
        return (self._now_s() - due_s) * 1000.0, (self._used_s() - used_s) * 1000.0

    def _calibrated(self) -> int:
        """How many rounds of work make a millisecond, by the fastest of some short tries.

        A fifth of a millisecond is often not interrupted on a busy machine either.
        """
        fastest_s = min(self._work_s() for _ in range(_TRIES))
        return max(1, round(_CALIBRATING_ROUNDS * _WORK_S / fastest_s)) if fastest_s > 0 else 1

    def _work_s(self) -> float:
        began_s = self._now_s()
        _work(_CALIBRATING_ROUNDS)
        return self._now_s() - began_s


def _work(rounds: int) -> int:
    total = 0
    for number in range(rounds):
        total += number * number % 7
    return total

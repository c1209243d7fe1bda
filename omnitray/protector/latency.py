"""How long something small takes that a person would wait for: the figure that proves relief.

A short sleep, then a millisecond of work, as a key press that redraws a line: what comes on top
of the sleep is what the machine makes a person wait. Measured like that because averages of load
or pressure say nothing about one task.
"""

from collections.abc import Callable

from omnitray.base.facts import Probe

_SLEEP_S = 0.002
_WORK_S = 0.001
_TRIES = 5  # odd: the one in the middle counts
_CALIBRATING_ROUNDS = 2000


class LatencyProbe:
    """Measures when asked: about 5 ms of processor time and 15 ms of waiting on a quiet machine.

    ``now_s`` is a clock that goes on while others run, ``sleep`` blocks; not for a thread that
    draws.
    """

    def __init__(self, now_s: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._now_s = now_s
        self._sleep = sleep
        self._rounds = self._calibrated()
        self._quiet_ms = self._measured_ms()

    def measure(self) -> Probe:
        """The median of some tries, beside the lowest that was ever measured."""
        now_ms = self._measured_ms()
        self._quiet_ms = min(self._quiet_ms, now_ms)
        return Probe(now_ms=now_ms, quiet_ms=self._quiet_ms)

    def _measured_ms(self) -> float:
        return sorted(self._try_ms() for _ in range(_TRIES))[_TRIES // 2]

    def _try_ms(self) -> float:
        due_s = self._now_s() + _SLEEP_S
        self._sleep(_SLEEP_S)
        _work(self._rounds)
        return (self._now_s() - due_s) * 1000.0

    def _calibrated(self) -> int:
        """How many rounds of work make a millisecond, by the fastest of some tries."""
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

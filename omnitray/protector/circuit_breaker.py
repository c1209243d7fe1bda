"""The circuit breaker on ends, and the wait after each. Frozen states, pure steps.

After an end nothing more is ended until the process is gone *and* its memory is back, and then
for 15 s: memory is free late (24 GB took seconds), and earlyoom ended two more programs in that
time. Three ends in ten minutes, an end that freed almost nothing, or a victim that
is back and as large again at once open the breaker: nothing is ended any more. After ten minutes
one end is let through; if that one is of use, the breaker closes.

Time asleep does not count: nothing on the machine changed in it, no answer was possible, and the
monotonic clock stands still in it on one system and goes on on another.
"""

import msgspec

from omnitray.base.facts import Job, MemoryFacts
from omnitray.protector.model import Action, AlarmReason, EndOutcome
from omnitray.protector.view import BreakerState

# A third end that is needed so soon says that ending does not help. While it is open the window
# passes: when one end is let through, none of those before counts any more.
ENDS_ALLOWED, WINDOW_S = 3, 600.0
OPEN_S = WINDOW_S
QUIET_S = 15.0  # 24 GB took seconds to come back, and earlyoom ended two more in them
_BACK_SHARE = 0.5  # of what was expected counts as back
_NOTHING_SHARE = 0.1  # less than this is almost nothing
_SETTLE_S = 10.0  # after it is gone: what has not come back by then does not
_STILL_RISING_S = 30.0  # but slow givers get longer while memory rises
_LOST_S = 30.0  # an end without a report
_RESPAWN_S = 10.0  # a pool replaces a worker within 0.1 s, a service manager within some seconds
_HURRY_AFTER_S = 0.5  # TERM has had its time when memory falls too fast to wait for it
TERM_S = 10.0  # what TERM has otherwise: as ``ending.KILL_AFTER_S``


class LastEnd(msgspec.Struct, frozen=True, kw_only=True):
    """The newest end. ``siblings`` are the like of it: same job, parent and name."""

    action_id: str
    at_s: float
    title: str
    began_bytes: int  # left when it was handed out
    before_bytes: int  # the least that was left until it was gone
    expected_bytes: int
    job_key: str
    parents: frozenset[int] = frozenset()
    names: frozenset[str] = frozenset()
    sibling_count: int = 0
    victims: frozenset[tuple[int, int]] = frozenset()
    known: frozenset[tuple[int, int]] = frozenset()
    gone_s: float | None = None
    settled_s: float | None = None
    others_bytes: int | None = None  # what all other processes held, at the last scan before
    eaten_bytes: int = 0  # what they have taken since, of what came back
    peak_bytes: int = 0
    peak_s: float = 0.0


class BreakerRecord(msgspec.Struct, frozen=True, kw_only=True):
    """``ends`` are the moments of those within the window, the oldest first."""

    state: BreakerState = BreakerState.CLOSED
    ends: tuple[float, ...] = ()
    opened_s: float = 0.0
    why: AlarmReason | None = None
    ending: LastEnd | None = None

    @property
    def ends_left(self) -> int:
        """How many more there may be now."""
        if self.state is BreakerState.OPEN:
            return 0
        return 1 if self.state is BreakerState.HALF_OPEN else ENDS_ALLOWED - len(self.ends)

    @property
    def until_s(self) -> float | None:
        """When an open breaker lets one end through again, in monotonic seconds."""
        return self.opened_s + OPEN_S if self.state is BreakerState.OPEN else None


def may_end(breaker: BreakerRecord, now_s: float) -> bool:
    """Whether something may be ended now."""
    ending = breaker.ending
    if ending is not None and (ending.settled_s is None or now_s - ending.settled_s < QUIET_S):
        return False
    return breaker.ends_left > 0


def began(
    breaker: BreakerRecord,
    action: Action,
    memory: MemoryFacts,
    job: Job,
    now_s: float,
    *,
    counts: bool = True,
) -> BreakerRecord:
    """An end is handed out; one that the person asked for is waited for, but does not count."""
    under_way = breaker.ending is not None and breaker.ending.settled_s is None
    if under_way and not counts:
        return breaker
    targets = {(target.pid, target.start_ticks) for target in action.targets}
    victims = [each for each in job.processes if (each.pid, each.start_ticks) in targets]
    parents = frozenset(each.ppid for each in victims)
    names = frozenset(each.name for each in victims)
    siblings = [each for each in job.processes if each.ppid in parents and each.name in names]
    left = _left(memory)
    ending = LastEnd(
        action_id=action.id,
        at_s=now_s,
        title=action.title,
        began_bytes=left,
        before_bytes=left,
        expected_bytes=action.expected_bytes,
        job_key=job.key,
        parents=parents,
        names=names,
        sibling_count=len(siblings),
        victims=frozenset(targets),
        known=frozenset((each.pid, each.start_ticks) for each in job.processes),
        peak_bytes=left,
        peak_s=now_s,
    )
    ends = (*breaker.ends, now_s) if counts else breaker.ends
    return msgspec.structs.replace(breaker, ends=ends, ending=ending)


def stepped(
    breaker: BreakerRecord,
    memory: MemoryFacts,
    ended: tuple[EndOutcome, ...],
    jobs: tuple[Job, ...],
    now_s: float,
) -> BreakerRecord:
    """Time has passed: what became of the newest end, and of the breaker."""
    breaker = _aged(breaker, now_s)
    ending = breaker.ending
    if ending is None:
        return breaker
    ending = _eaten(_seen(ending, _left(memory), ended, now_s), jobs)
    breaker = msgspec.structs.replace(breaker, ending=ending)
    if ending.gone_s is None:
        return breaker
    if breaker.state is not BreakerState.OPEN and _is_back(ending, jobs, now_s):
        breaker = _opened(breaker, AlarmReason.RESPAWNED, now_s)
    return _settled(breaker, ending, now_s) if ending.settled_s is None else breaker


def hurry(
    breaker: BreakerRecord,
    memory: MemoryFacts,
    floor_percent: float,
    now_s: float,
    *,
    ends: bool = False,
) -> bool:
    """Whether TERM has had its time: memory is down to half the floor, or will be before KILL.

    A fall that leaves enough for all the time that TERM has is the noise of other programs.
    ``ends``: something is ended, if only because the person asked for it during another end.
    """
    ending = breaker.ending if breaker.ending and breaker.ending.gone_s is None else None
    half_floor = memory.total_bytes * floor_percent / 200.0
    if (ends or ending) and memory.available_bytes <= half_floor:
        return True
    if ending is None:
        return False
    left, passed_s = _left(memory), now_s - ending.at_s
    if passed_s < _HURRY_AFTER_S or left > ending.before_bytes:  # or it rises again
        return False
    fallen_bps = (ending.began_bytes - left) / passed_s
    return left - fallen_bps * (TERM_S - passed_s) < half_floor


def put_off(breaker: BreakerRecord, seconds: float) -> BreakerRecord:
    """The machine has slept for so long: that time does not count."""
    ending = breaker.ending
    if ending is not None:
        ending = msgspec.structs.replace(
            ending,
            at_s=ending.at_s + seconds,
            gone_s=None if ending.gone_s is None else ending.gone_s + seconds,
            settled_s=None if ending.settled_s is None else ending.settled_s + seconds,
            peak_s=ending.peak_s + seconds,
        )
    return msgspec.structs.replace(
        breaker,
        ends=tuple(at_s + seconds for at_s in breaker.ends),
        opened_s=breaker.opened_s + seconds,
        ending=ending,
    )


def _aged(breaker: BreakerRecord, now_s: float) -> BreakerRecord:
    if breaker.state is BreakerState.OPEN and now_s - breaker.opened_s >= OPEN_S:
        return msgspec.structs.replace(breaker, state=BreakerState.HALF_OPEN, ends=())
    ends = tuple(at_s for at_s in breaker.ends if now_s - at_s < WINDOW_S)
    return msgspec.structs.replace(breaker, ends=ends)


def _seen(ending: LastEnd, left: int, ended: tuple[EndOutcome, ...], now_s: float) -> LastEnd:
    gone_s = ending.gone_s
    if gone_s is None:
        outcome = next((each for each in ended if each.action_id == ending.action_id), None)
        if outcome is not None or now_s - ending.at_s >= _LOST_S:
            gone_s = now_s
    if left < ending.before_bytes and ending.gone_s is None:  # it went on growing
        ending = msgspec.structs.replace(ending, before_bytes=left, peak_bytes=left, peak_s=now_s)
    rises = left > ending.peak_bytes
    return msgspec.structs.replace(
        ending,
        gone_s=gone_s,
        peak_bytes=max(left, ending.peak_bytes),
        peak_s=now_s if rises else ending.peak_s,
    )


def _eaten(ending: LastEnd, jobs: tuple[Job, ...]) -> LastEnd:
    """What others take while memory comes back was freed too: another hog is no useless end."""
    if not jobs:
        return ending
    others = sum(
        each.rss_bytes
        for job in jobs
        for each in job.processes
        if (each.pid, each.start_ticks) not in ending.victims
    )
    if ending.gone_s is None or ending.others_bytes is None:
        return msgspec.structs.replace(ending, others_bytes=others)
    eaten = max(ending.eaten_bytes, others - ending.others_bytes)
    return msgspec.structs.replace(ending, eaten_bytes=eaten)


def _settled(breaker: BreakerRecord, ending: LastEnd, now_s: float) -> BreakerRecord:
    """Whether memory is back, or will not come."""
    freed = ending.peak_bytes - ending.before_bytes + ending.eaten_bytes
    is_back = freed >= _BACK_SHARE * ending.expected_bytes
    waited_s = now_s - (ending.gone_s or now_s)
    still_rises = now_s - ending.peak_s < 1.0 and waited_s < _STILL_RISING_S
    if not is_back and (waited_s < _SETTLE_S or still_rises):
        return breaker
    done = msgspec.structs.replace(ending, settled_s=now_s)
    breaker = msgspec.structs.replace(breaker, ending=done)
    if breaker.state is BreakerState.OPEN:
        return breaker
    if freed < _NOTHING_SHARE * ending.expected_bytes:
        return _opened(breaker, AlarmReason.FREED_NOTHING, now_s)
    if len(breaker.ends) >= ENDS_ALLOWED:
        return _opened(breaker, AlarmReason.THREE_ENDS, now_s)
    if breaker.state is BreakerState.HALF_OPEN:
        return msgspec.structs.replace(breaker, state=BreakerState.CLOSED, why=None)
    return breaker


def _is_back(ending: LastEnd, jobs: tuple[Job, ...], now_s: float) -> bool:
    """Whether its parent has replaced it and the new one has already grown as large again.

    A pool replaces its worker within 100 ms: that alone says nothing about the use of the end.
    """
    if now_s - (ending.gone_s or now_s) > _RESPAWN_S:
        return False
    job = next((each for each in jobs if each.key == ending.job_key), None)
    if job is None:
        return False
    siblings = [
        each
        for each in job.processes
        if each.ppid in ending.parents and each.name in ending.names and each.state != "Z"
    ]
    new = [each for each in siblings if (each.pid, each.start_ticks) not in ending.known]
    held = sum(each.rss_bytes for each in new)
    is_large = held >= max(1.0, _BACK_SHARE * ending.expected_bytes)
    return len(siblings) >= ending.sibling_count and is_large


def _opened(breaker: BreakerRecord, why: AlarmReason, now_s: float) -> BreakerRecord:
    return msgspec.structs.replace(breaker, state=BreakerState.OPEN, opened_s=now_s, why=why)


def _left(memory: MemoryFacts) -> int:
    return memory.available_bytes + memory.swap_free_bytes

"""Notices that another program has ended a process; finds out which process, which program.

Two things call for a look, and both cost next to nothing: the kernel's own count of what it has
ended rises, or a process that was large is suddenly gone while an OOM daemon runs here. Only
then the journal is asked, twice at most, and never waited for: ``Logs.ask`` begins a search and
``Logs.answer`` gives what it found, some steps later.

The kernel's log is the machine's: it tells of every container, too. What was none of the processes
seen here, nor in a group of ours, is no news (see :meth:`ForeignWatch._is_ours`).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

import msgspec

from omnitray.base.amounts import size
from omnitray.base.facts import ProcessFacts, ProcessIdentity
from omnitray.protector.oom_events.daemons import OomDaemon
from omnitray.protector.oom_events.parse import (
    KERNEL,
    Because,
    ForeignEnd,
    UnnamedEnd,
    foreign_ends,
    printable,
)

LOOK_EVERY_S = 1.0
_ASK_AFTER_S = (1.0, 6.0)  # the writer of a journal has to wait for memory, too
_BACK_S = 15.0  # the line is older than our notice of it: a guard sleeps for 5 s at most
_KNOWN_FOR_S = 300.0  # so long the same end is not reported again
_LARGE_BYTES = 50 << 20
_MOST_WATCHED = 12
_LOOKS_BACK = 3  # what is large takes a while to go after it was ended
_NEAR_POINTS, _AT_POINTS = 5.0, 1.0  # from its line: a daemon may have acted; probably has
# Of what an ended process held, half was back within 0.1 s on the slowest machine measured.
_BACK_SHARE = 0.3
# The kernel ends for want of memory when a per cent or two is left; with so much it was a limit.
_NOT_SHORT_PERCENT = 15.0
_GIVEN_UP_AFTER_S = 20.0
_COMM = 15  # letters of a name in the kernel: TASK_COMM_LEN - 1

AnyEnd = ForeignEnd | UnnamedEnd


class LogFindings(msgspec.Struct, frozen=True, kw_only=True):
    """What a search has found. ``why_not``: why that may not be all, and what would help."""

    lines: tuple[str, ...] = ()
    why_not: str = ""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A log that tells of ends; ``why_not`` it cannot be read (empty where it can), what helps."""

    name: str
    why_not: str = ""
    remedy: str = ""


class LogScope(msgspec.Struct, frozen=True, kw_only=True):
    """What of a machine's log can concern us.

    ``sees_all``: no process of the machine is hidden from us, and its pids are ours. ``group``: the
    memory group that our processes are in, as the kernel names it; empty where that is not known.
    """

    sees_all: bool = True
    group: str = ""

    def holds(self, group: str) -> bool:
        """Whether this group is ours, below it or around it."""
        if not (group and self.group):
            return False
        return f"{group}/".startswith(f"{self.group}/") or self.group.startswith(f"{group}/")


class Logs(Protocol):
    """Where a platform tells of ends; nothing here waits."""

    def kills(self) -> int | None:
        """How many processes the kernel has ended for want of memory; None where it is silent."""
        ...

    def lines(self) -> tuple[str, ...]:
        """The new messages of the kernel's log; none where it may not be read."""
        ...

    def scope(self) -> LogScope:
        """What of it can concern us."""
        ...

    def ask(self, ago_s: float) -> None:
        """Begin to search the journal from so long ago on; nothing while a search goes on."""
        ...

    def answer(self) -> LogFindings | None:
        """What was found, once; None before that."""
        ...

    def close(self) -> None:
        """End a search, give everything back."""
        ...


class NoLogs:
    """For platforms without logs of ends."""

    def kills(self) -> int | None:
        """Not counted."""
        return None

    def lines(self) -> tuple[str, ...]:
        """None."""
        return ()

    def scope(self) -> LogScope:
        """Nothing is hidden."""
        return LogScope()

    def ask(self, ago_s: float) -> None:
        """Nothing to search."""

    def answer(self) -> LogFindings | None:
        """Nothing."""
        return None

    def close(self) -> None:
        """Nothing."""


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """What is so now: who else guards here, the scan where there was one, what memory is left.

    ``pressed``: something waits for memory. ``ours`` are pids that we have ended ourselves.
    """

    now_s: float
    available_percent: float
    available_bytes: int = 0
    swap_free_percent: float = 0.0  # 0 where there is none: it is as if it were used up
    pressed: bool = False
    processes: Sequence[ProcessFacts] = ()
    neighbours: tuple[OomDaemon, ...] = ()
    ours: frozenset[int] = frozenset()


class _Large(msgspec.Struct, frozen=True):
    identity: ProcessIdentity
    name: str
    rss_bytes: int


class _Low(msgspec.Struct, frozen=True):
    """The lowest of some moments: memory left, and free swap at the same moment."""

    percent: float = 100.0
    swap_percent: float = 100.0
    left_bytes: int = 0


class _Inquiry(msgspec.Struct):
    """An inquiry; ``counted``: the kernel's count rose, so there was an end for certain."""

    began_s: float
    counted: bool = False
    kernel_named: bool = False
    named: set[int] = msgspec.field(default_factory=set)
    asked: int = 0
    gone: list[_Large] = msgspec.field(default_factory=list)
    suspects: list[str] = msgspec.field(default_factory=list)
    before_bytes: int = 0  # what was left when it was lowest
    before_percent: float = 0.0
    why_not: str = ""

    @property
    def solved(self) -> bool:
        """Whether the author of every end is known."""
        gone = {each.identity.pid for each in self.gone}
        return (self.kernel_named or not self.counted) and gone <= self.named

    def learn(self, ends: Iterable[ForeignEnd]) -> None:
        """Take what logs have named."""
        for end in ends:
            self.kernel_named |= end.by == KERNEL
            if end.pid is not None:
                self.named.add(end.pid)


class ForeignWatch:
    """Looks once a second at most; from one thread."""

    def __init__(self, logs: Logs, is_there: Callable[[ProcessIdentity], bool]) -> None:
        self._logs = logs
        self._is_there = is_there
        self._looked_s = float("-inf")
        self._began_s: float | None = None
        self._kills = logs.kills()
        self._scope = logs.scope()
        self._seen: tuple[Sequence[ProcessFacts], ...] = ((), ())  # the last two scans
        self._large: dict[int, _Large] = {}
        self._lowest = [_Low()] * _LOOKS_BACK
        self._left_bytes = 0
        self._case: _Inquiry | None = None
        self._told: dict[tuple[str, int | str], float] = {}

    @property
    def inquires(self) -> bool:
        """Whether an answer is awaited: then look again soon."""
        return self._case is not None

    def observe(self, moment: Moment) -> tuple[AnyEnd, ...]:
        """Take a moment; what others have ended, as far as it is known by now."""
        now = moment.now_s
        self._began_s = now if self._began_s is None else self._began_s
        self._left_bytes = moment.available_bytes
        low = _Low(moment.available_percent, moment.swap_free_percent, moment.available_bytes)
        self._lowest[-1] = min(self._lowest[-1], low, key=lambda each: each.percent)
        self._watch(moment.processes)
        if now - self._looked_s < LOOK_EVERY_S:
            return ()
        self._looked_s = now
        self._notice(moment)
        named = foreign_ends(self._logs.lines())
        if self._case is not None:
            self._case.learn(named)
        ends: list[AnyEnd] = [*named, *self._inquire(now)]
        self._lowest = [*self._lowest[1:], low]
        return tuple(end for end in ends if self._is_ours(end) and self._is_news(end, now))

    def close(self) -> None:
        """Give everything back."""
        self._logs.close()

    def _is_ours(self, end: AnyEnd) -> bool:
        """Whether an end that the kernel tells of can concern who works here.

        A process that was seen, or one in a group of ours. For want of memory of the whole machine
        also one that came after the last scan, where none is hidden from us.
        """
        if isinstance(end, UnnamedEnd):
            return bool(end.gone) or end.because is not Because.LIMIT
        if end.by != KERNEL or end.pid is None:
            return True
        names = [each.name for scan in self._seen for each in scan if each.pid == end.pid]
        if self._scope.sees_all and (names or end.because is not Because.LIMIT):
            return True
        is_seen = end.name in {printable(name)[:_COMM] for name in names}
        return is_seen or self._scope.holds(end.group)

    def _watch(self, processes: Sequence[ProcessFacts]) -> None:
        """Remember the largest; those before them stay until it is seen whether they are gone."""
        if processes:
            self._seen = (self._seen[1], processes)
        largest = sorted(processes, key=lambda each: each.rss_bytes, reverse=True)
        for each in largest[:_MOST_WATCHED]:
            if each.rss_bytes >= _LARGE_BYTES:
                identity = ProcessIdentity(pid=each.pid, start_ticks=each.start_ticks)
                self._large[each.pid] = _Large(identity, each.name, each.rss_bytes)

    def _notice(self, moment: Moment) -> None:
        """Open an inquiry where something calls for one."""
        kills = self._logs.kills()
        rose = kills is not None and self._kills is not None and kills > self._kills
        self._kills = kills
        gone = [each for each in self._gone() if each.identity.pid not in moment.ours]
        suspects = [each for each in moment.neighbours if self._may_have_acted(each, moment)]
        if not rose and not (gone and (suspects or self._case)):
            return
        if self._case is None:
            low = self._low
            self._case = _Inquiry(moment.now_s, before_bytes=low.left_bytes)
            self._case.before_percent = low.percent
        self._case.counted |= rose
        self._case.gone += gone
        self._case.suspects += [each.name for each in suspects if self._is_at_its_line(each)]

    @property
    def _low(self) -> _Low:
        return min(self._lowest, key=lambda each: each.percent)

    def _gone(self) -> list[_Large]:
        gone = [each for each in self._large.values() if not self._is_there(each.identity)]
        for each in gone:
            del self._large[each.identity.pid]
        fewer = sorted(self._large.values(), key=lambda each: -each.rss_bytes)[:_MOST_WATCHED]
        self._large = {each.identity.pid: each for each in fewer}
        return gone

    def _may_have_acted(self, neighbour: OomDaemon, moment: Moment) -> bool:
        """A build's many processes come and go: that alone is no reason to search a journal."""
        line = neighbour.memory_percent
        near = line is not None and self._low.percent <= line + _NEAR_POINTS
        return neighbour.ends and (near or moment.pressed)

    def _is_at_its_line(self, neighbour: OomDaemon) -> bool:
        """Whether all that it waits for was so at one of the last moments: memory and swap."""
        line, low = neighbour.memory_percent, self._low
        if line is None or low.percent > line + _AT_POINTS:
            return False
        return low.swap_percent <= neighbour.swap_percent + _AT_POINTS

    def _inquire(self, now: float) -> Iterator[AnyEnd]:
        """Ask the journal, take its answer, and come to an end."""
        case, answer = self._case, self._logs.answer()
        if case is None:
            return
        if answer is not None:
            found = foreign_ends(answer.lines)
            case.learn(found)
            case.why_not = answer.why_not
            yield from found
        age_s = now - case.began_s
        if case.solved:
            self._case = None
        elif case.asked < len(_ASK_AFTER_S):
            if age_s >= _ASK_AFTER_S[case.asked]:
                case.asked += 1
                running_s = now - (self._began_s or now)
                self._logs.ask(min(age_s + _BACK_S, running_s))
        elif answer is not None or age_s >= _GIVEN_UP_AFTER_S:
            self._case = None
            yield from _as_far_as_known(case, self._left_bytes - case.before_bytes)

    def _is_news(self, end: AnyEnd, now: float) -> bool:
        """Whether it was not reported a moment ago: logs overlap, and a TERM may need a KILL."""
        self._told = {key: at_s for key, at_s in self._told.items() if now - at_s < _KNOWN_FOR_S}
        if isinstance(end, UnnamedEnd):
            return True
        key = (end.by, end.pid if end.pid is not None else end.name)
        is_news = key not in self._told
        self._told[key] = now
        return is_news


def _as_far_as_known(case: _Inquiry, back_bytes: int) -> Iterator[AnyEnd]:
    """What can be said where no log names a process; ``back_bytes`` of memory are free again.

    An exit by itself at a bad moment looks the same but for its memory: a small one is no guess.
    """
    if case.counted and not case.kernel_named:
        gone = tuple(f"{each.name} ({size(each.rss_bytes)})" for each in case.gone)
        limit = case.before_percent >= _NOT_SHORT_PERCENT
        because = Because.LIMIT if limit else Because.MEMORY_OUT
        yield UnnamedEnd(gone=gone, why_not=case.why_not, because=because)
    elif case.why_not and case.suspects:
        for each in case.gone:
            if each.identity.pid in case.named or back_bytes < _BACK_SHARE * each.rss_bytes:
                continue
            yield ForeignEnd(
                by=case.suspects[0],
                name=each.name,
                pid=each.identity.pid,
                rss_bytes=each.rss_bytes,
                unread=case.why_not,
            )

"""When somebody looks for who ended what, what is asked, and what is said in the end."""

from collections.abc import Sequence

import msgspec
import pytest

from omnitray.base.facts import ProcessFacts, ProcessIdentity, Severity
from omnitray.protector.notices import Notice, NoticeOver, foreign_notices
from omnitray.protector.oom_events.daemons import OomDaemon
from omnitray.protector.oom_events.parse import Because, ForeignEnd, UnnamedEnd
from omnitray.protector.oom_events.watch import AnyEnd, ForeignWatch, LogScope, Moment
from support.foreign import ToldLogs

MB = 1 << 20
EARLYOOM = OomDaemon(name="earlyoom", pid=9, does="ends", memory_percent=10.0, ends=True)
OOMD = OomDaemon(name="systemd-oomd", pid=9, does="ends units", ends=True)
ANANICY = OomDaemon(name="ananicy", pid=9, does="sets priorities")
TERMED = 'sending SIGTERM to process 70 uid 0 "hog": badness 974, VmRSS 295 MiB'
KILLED = "Out of memory: Killed process 70 (hog) total-vm:4kB, anon-rss:2048kB, file-rss:0kB"
CLOSED = "the journal is for some groups only"


class Desk:
    """Processes that live or not, and time that passes second by second."""

    def __init__(self, logs: ToldLogs, *neighbours: OomDaemon) -> None:
        self.logs = logs
        self.neighbours = neighbours
        self.now_s = 100.0
        self.left = 50.0  # per cent of 1000 MB
        self.swap_left = 0.0
        self.pressed = False
        self.dead: set[int] = set()
        self.ours: frozenset[int] = frozenset()
        self.watch = ForeignWatch(logs, lambda identity: not self.is_dead(identity))

    def is_dead(self, identity: ProcessIdentity) -> bool:
        return identity.pid in self.dead

    def look(self, *processes: ProcessFacts) -> tuple[AnyEnd, ...]:
        self.now_s += 1.0
        moment = Moment(
            now_s=self.now_s,
            available_percent=self.left,
            available_bytes=int(self.left * 10 * MB),
            swap_free_percent=self.swap_left,
            pressed=self.pressed,
            processes=processes,
            neighbours=self.neighbours,
            ours=self.ours,
        )
        return self.watch.observe(moment)

    def run(self, seconds: int) -> list[AnyEnd]:
        return [end for _ in range(seconds) for end in self.look()]


def process(pid: int, rss_mb: int, name: str = "hog") -> ProcessFacts:
    return ProcessFacts(
        pid=pid, ppid=1, start_ticks=pid, name=name, state="S", rss_bytes=rss_mb * MB
    )


def names(ends: Sequence[AnyEnd]) -> list[tuple[str, str]]:
    return [(end.by, end.name) for end in ends]


def test_what_the_kernel_log_says_is_told_at_once_and_once() -> None:
    desk = Desk(ToldLogs())
    desk.logs.new.append(KILLED)
    desk.logs.killed = 1
    assert names(desk.look()) == [("the kernel", "hog")]
    desk.logs.journal.append(KILLED)
    assert desk.run(30) == []
    assert desk.logs.asked == []


def test_a_term_that_needs_a_kill_is_one_end() -> None:
    desk = Desk(ToldLogs())
    desk.logs.killed = 1
    desk.logs.journal += [TERMED, TERMED.replace("TERM", "KILL").replace("295", "296"), KILLED]
    assert names(desk.run(10)) == [("earlyoom", "hog"), ("the kernel", "hog")]


def test_the_journal_is_asked_when_the_kernel_has_counted_an_end() -> None:
    desk = Desk(ToldLogs())
    assert desk.run(60) == []
    assert desk.logs.asked == []
    desk.logs.killed = 1
    desk.logs.journal.append(KILLED)
    assert names(desk.run(5)) == [("the kernel", "hog")]
    assert len(desk.logs.asked) == 1
    assert not desk.watch.inquires


def test_a_late_line_is_found_by_the_second_question() -> None:
    desk = Desk(ToldLogs())
    desk.logs.killed = 1
    assert desk.run(4) == []
    desk.logs.journal.append(KILLED)
    assert names(desk.run(6)) == [("the kernel", "hog")]
    assert len(desk.logs.asked) == 2


def test_the_journal_is_not_asked_about_what_was_before_our_time() -> None:
    desk = Desk(ToldLogs())
    desk.logs.killed = 1
    desk.run(3)
    assert max(desk.logs.asked) <= 2.0


def test_an_end_that_is_counted_and_not_named_is_told_with_what_is_gone() -> None:
    desk = Desk(ToldLogs(why_not=CLOSED))
    desk.left = 2.0
    desk.look(process(70, 300), process(71, 10))
    desk.dead = {70, 71}
    desk.logs.killed = 1
    (end,) = desk.run(20)
    assert end == UnnamedEnd(gone=("hog (315 MB)",), why_not=CLOSED)
    assert not desk.watch.inquires


def test_what_is_ended_while_memory_is_left_has_reached_the_limit_of_its_group() -> None:
    """A container's: the machine is short of nothing, so nothing pops up and nothing stays open."""
    desk = Desk(ToldLogs(why_not=CLOSED))
    desk.look(process(70, 300))
    desk.dead = {70}
    desk.logs.killed = 1
    (end,) = desk.run(20)
    gone = ("hog (315 MB)",)
    assert end == UnnamedEnd(gone=gone, why_not=CLOSED, because=Because.LIMIT)
    told, over = foreign_notices(end)
    assert isinstance(told, Notice)
    assert told.severity is Severity.INFO
    assert "its group reached its memory limit" in told.message
    assert over == NoticeOver(labels=told.labels)


def test_a_limit_that_took_nothing_that_was_seen_is_no_news() -> None:
    desk = Desk(ToldLogs(why_not=CLOSED))
    desk.look(process(70, 300))
    desk.logs.killed = 1
    assert desk.run(30) == []


MACHINE = LogScope(group="/user.slice/user-1000.slice")
CONTAINER = LogScope(sees_all=False, group="/docker/4f2a")
INNERMOST = LogScope(sees_all=False)
FULL = KILLED.replace("Out", "Memory cgroup out")


@pytest.mark.parametrize(
    ("scope", "line", "group", "seen", "told"),
    [
        (MACHINE, KILLED, "", "", True),  # it came and went between two scans
        (MACHINE, FULL, "/docker/4f2a", "", False),
        (MACHINE, FULL, "/docker/4f2a", "hog", True),
        (MACHINE, FULL, "/user.slice/user-1000.slice/run-1.scope", "", True),
        (CONTAINER, KILLED, "", "", False),
        (CONTAINER, KILLED, "", "bash", False),  # the same pid, in another namespace
        (CONTAINER, FULL, "/docker/77", "", False),
        (CONTAINER, FULL, "/docker/4f2a", "", True),
        (CONTAINER, FULL, "/docker", "", True),  # the limit of a group around ours
        (INNERMOST, FULL, "/docker/4f2a", "", False),
        (INNERMOST, KILLED, "", "hog", True),
    ],
)
def test_the_machine_s_log_is_news_where_it_is_about_what_runs_here(
    scope: LogScope, line: str, group: str, seen: str, *, told: bool
) -> None:
    logs = ToldLogs()
    logs.around = scope
    desk = Desk(logs)
    desk.look(process(1, 1, "init"), *([process(70, 10, seen)] if seen else []))
    if group:
        whose = f"oom_memcg={group},task_memcg={group},task=hog,pid=70,uid=0"
        logs.new.append(f"oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),{whose}")
    logs.new.append(line)
    logs.killed = 1
    assert names(desk.run(30)) == ([("the kernel", "hog")] if told else [])


def test_a_large_process_that_is_gone_at_the_line_of_a_guardian_is_looked_for() -> None:
    desk = Desk(ToldLogs(), EARLYOOM)
    desk.left = 9.0
    desk.look(process(70, 300))
    desk.dead, desk.left = {70}, 60.0
    desk.logs.journal.append(TERMED)
    assert desk.run(20) == [ForeignEnd(by="earlyoom", name="hog", pid=70, rss_bytes=295 * MB)]
    assert len(desk.logs.asked) == 1


def test_where_its_log_is_closed_the_guardian_is_suspected_and_it_is_said_so() -> None:
    desk = Desk(ToldLogs(why_not=CLOSED), EARLYOOM)
    desk.left = 9.0
    desk.look(process(70, 300))
    desk.dead, desk.left = {70}, 60.0
    (end,) = desk.run(20)
    assert isinstance(end, ForeignEnd)
    assert (end.by, end.pid, end.unread) == ("earlyoom", 70, CLOSED)


def test_no_guess_is_made_where_memory_was_low_and_swap_was_not() -> None:
    desk = Desk(ToldLogs(why_not=CLOSED), msgspec.structs.replace(EARLYOOM, swap_percent=10.0))
    desk.left, desk.swap_left = 9.0, 60.0
    desk.look(process(70, 300))
    desk.dead, desk.left = {70}, 60.0
    assert desk.run(20) == []


def test_no_guess_is_made_where_the_size_has_not_come_back() -> None:
    """An ordinary exit of what others go on using: a compiler whose next one starts at once."""
    desk = Desk(ToldLogs(why_not=CLOSED), EARLYOOM)
    desk.left = 9.0
    desk.look(process(70, 300))
    desk.dead, desk.left = {70}, 12.0
    assert desk.run(30) == []


def test_nobody_is_suspected_whose_log_is_open_and_silent() -> None:
    desk = Desk(ToldLogs(), EARLYOOM)
    desk.left = 9.0
    desk.look(process(70, 300))
    desk.dead = {70}
    assert desk.run(30) == []
    assert not desk.watch.inquires


@pytest.mark.parametrize(
    ("neighbours", "left", "pressed", "asks"),
    [
        ((EARLYOOM,), 60.0, True, True),
        ((EARLYOOM,), 60.0, False, False),
        ((EARLYOOM,), 14.0, False, True),
        ((OOMD,), 60.0, True, True),
        ((OOMD,), 9.0, False, False),
        ((ANANICY,), 9.0, True, False),
        ((), 9.0, True, False),
    ],
)
def test_a_journal_is_searched_only_where_somebody_may_have_acted(
    neighbours: tuple[OomDaemon, ...], left: float, *, pressed: bool, asks: bool
) -> None:
    desk = Desk(ToldLogs(), *neighbours)
    desk.left, desk.pressed = left, pressed
    desk.look(process(70, 300))
    desk.dead = {70}
    desk.run(30)
    assert bool(desk.logs.asked) is asks


def test_what_we_have_ended_ourselves_and_what_is_small_calls_for_nothing() -> None:
    desk = Desk(ToldLogs(why_not=CLOSED), EARLYOOM)
    desk.left, desk.ours = 9.0, frozenset({70})
    desk.look(process(70, 300), process(71, 10))
    desk.dead = {70, 71}
    assert desk.run(30) == []
    assert desk.logs.asked == []


def test_a_journal_that_never_answers_is_given_up() -> None:
    desk = Desk(ToldLogs(slow=True))
    desk.left = 2.0
    desk.logs.killed = 1
    (end,) = desk.run(60)
    assert isinstance(end, UnnamedEnd)
    assert not desk.watch.inquires


def test_where_the_kernel_does_not_count_its_log_is_read_all_the_same() -> None:
    desk = Desk(ToldLogs())
    desk.logs.killed = None
    desk.logs.new.append(KILLED)
    assert names(desk.run(30)) == [("the kernel", "hog")]


def test_it_looks_once_a_second_at_most() -> None:
    desk = Desk(ToldLogs())
    desk.look()
    desk.logs.new.append(KILLED)
    desk.now_s -= 0.5
    assert desk.look() == ()
    assert names(desk.look()) == [("the kernel", "hog")]

"""Borrowed levels and modes: overlaps, the person's word, and what is back in the end."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from omnitray.base.facts import Mode, MonitorLevel
from omnitray.base.leases import UNNAMED, Lease, Leases, ModeAndLevel, holder_name
from support.clock import FakeClock

CHOSEN = ModeAndLevel(Mode.DEV, None)


def _lease(name: str, level: MonitorLevel | None = None, mode: Mode | None = None) -> Lease:
    return Lease(id=name, level=level, mode=mode)


def test_the_most_watchful_level_counts_and_the_last_mode() -> None:
    leases = Leases(CHOSEN)
    leases.take(_lease("a", MonitorLevel.CRITICAL, Mode.TEST))
    leases.take(_lease("b", MonitorLevel.IDLE, Mode.PROD))
    assert leases.effective == ModeAndLevel(Mode.PROD, MonitorLevel.CRITICAL)


def test_when_one_of_two_ends_the_other_still_counts() -> None:
    leases = Leases(CHOSEN)
    leases.take(_lease("a", MonitorLevel.CRITICAL))
    leases.take(_lease("b", MonitorLevel.INTENSIVE))
    assert leases.release("a").level is MonitorLevel.INTENSIVE
    assert leases.release("b") == CHOSEN
    assert leases.release("b") == CHOSEN


def test_the_persons_word_wins_at_once_and_stays() -> None:
    leases = Leases(CHOSEN)
    leases.take(_lease("a", MonitorLevel.CRITICAL, Mode.TEST))
    assert leases.choose_level(MonitorLevel.IDLE) == ModeAndLevel(Mode.TEST, MonitorLevel.IDLE)
    assert leases.release("a") == ModeAndLevel(Mode.DEV, MonitorLevel.IDLE)


def test_a_lease_after_the_persons_word_counts_again() -> None:
    leases = Leases(CHOSEN)
    leases.choose_mode(Mode.PROD)
    assert leases.take(_lease("a", mode=Mode.TEST)).mode is Mode.TEST
    assert leases.release("a").mode is Mode.PROD


def test_the_holder_is_named_and_you_are_none() -> None:
    leases = Leases(CHOSEN)
    assert (leases.level_by, leases.mode_by) == ("", "")
    run = Lease(id="a", level=MonitorLevel.INTENSIVE, mode=Mode.TEST, by="pytest · ~/shop · run 3")
    leases.take(run)
    leases.take(Lease(id="b", level=MonitorLevel.CRITICAL, by="server api"))
    assert (leases.level_by, leases.mode_by) == ("server api", "pytest · ~/shop · run 3")
    leases.release("b")
    assert leases.level_by == "pytest · ~/shop · run 3"
    leases.choose_level(MonitorLevel.IDLE)
    assert (leases.level_by, leases.mode_by) == ("", "pytest · ~/shop · run 3")
    assert holder_name("a\nb\x1b[31m") == "a b [31m"
    assert holder_name(" ") == UNNAMED


def test_a_lease_ends_after_its_time_and_is_renewed_only_while_it_stands() -> None:
    clock = FakeClock()
    leases = Leases(CHOSEN, clock.monotonic)
    lease = Lease(id="server:api", level=MonitorLevel.CRITICAL, lasts_s=300.0)
    leases.take(lease)
    clock.advance(200.0)
    assert leases.end_due() == 100.0
    leases.take(lease, again=True)
    assert leases.end_due() == 300.0
    clock.advance(300.0)
    assert leases.end_due() is None
    assert leases.effective == CHOSEN
    assert leases.take(lease, again=True) == CHOSEN
    assert leases.take(lease).level is MonitorLevel.CRITICAL
    leases.choose_level(MonitorLevel.NORMAL)
    assert leases.end_due() is None
    assert leases.take(lease, again=True).level is MonitorLevel.NORMAL


class Borrowing(RuleBasedStateMachine):
    """Whatever happens, nobody is left with somebody else's loan."""

    def __init__(self) -> None:
        super().__init__()
        self.leases = Leases(CHOSEN)
        self.held: set[str] = set()
        self.person = CHOSEN

    @rule(
        name=st.sampled_from("abcd"),
        level=st.none() | st.sampled_from(MonitorLevel),
        mode=st.none() | st.sampled_from(Mode),
    )
    def take(self, name: str, level: MonitorLevel | None, mode: Mode | None) -> None:
        self.leases.take(_lease(name, level, mode))
        self.held.add(name)

    @rule(name=st.sampled_from("abcd"))
    def release(self, name: str) -> None:
        self.leases.release(name)
        self.held.discard(name)

    @rule(level=st.none() | st.sampled_from(MonitorLevel))
    def choose_level(self, level: MonitorLevel | None) -> None:
        self.leases.choose_level(level)
        self.person = ModeAndLevel(self.person.mode, level)
        assert self.leases.effective.level == level

    @rule(mode=st.sampled_from(Mode))
    def choose_mode(self, mode: Mode) -> None:
        self.leases.choose_mode(mode)
        self.person = ModeAndLevel(mode, self.person.level)
        assert self.leases.effective.mode == mode

    @invariant()
    def with_nobody_borrowing_the_persons_choice_counts(self) -> None:
        assert self.leases.chosen == self.person
        assert {lease.id for lease in self.leases.standing} <= self.held
        if not self.held:
            assert self.leases.effective == self.person


TestBorrowing = Borrowing.TestCase

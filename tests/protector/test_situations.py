"""Situations of real use, second by second: who is acted on, who must not be, and who is named.

A machine of 16 GB without swap. What a process holds follows from the time, unless it has been
paused or ended; the machine's memory follows from that. The guard foretells as it does in life.
"""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from omnitray.base.facts import GuardReading, Job, JobKind, Mode, ProcessFacts
from omnitray.base.policy import ProtectPolicy
from omnitray.processes.process_roles import Tie
from omnitray.protector import right_now
from omnitray.protector.context import DecisionContext
from omnitray.protector.guard import Guard
from omnitray.protector.model import (
    Action,
    ActionState,
    Alarm,
    AlarmReason,
    Decision,
    EscalationStep,
    Question,
)
from support.desk import Desk
from support.scenes import GB, details, facts, job, process, reading

Size = Callable[[float], float]  # gigabytes, by seconds
TOTAL, BASE = 16 * GB, 1.5  # the kernel and the desktop
STEP_S = 0.5


def steady(gigabytes: float) -> Size:
    return lambda _: gigabytes


def grows(by_s: float, start: float = 0.2, at_s: float = 5.0, most: float = 99.0) -> Size:
    """From ``at_s`` on by so many gigabytes a second."""
    return lambda now_s: min(most, start + max(0.0, now_s - at_s) * by_s)


class Part(msgspec.Struct):
    """A process of a situation; ``until_s``: it ends by itself then."""

    pid: int
    size: Size
    name: str = "python3"
    parent: int = 2000
    uid: int = 1000
    begins_s: float = 0.0
    until_s: float = 1e9
    exe: str = ""
    ties: frozenset[Tie] = frozenset()
    state: str = "S"


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """What runs, and what a person would want of it.

    ``may`` are the steps that a process may see; ``wanted``: one of these pids is acted on.
    ``named``: the job that an alarm names; ``unseen``: how much is held by no process.
    """

    name: str
    jobs: dict[str, tuple[Part, ...]]
    kinds: dict[str, JobKind] = {}
    may: dict[int, str] = {}  # by pid: letters of slow, pause, end
    wanted: tuple[int, ...] = ()
    named: str = ""
    unseen: Size = steady(0.0)
    seconds: float = 120.0
    mode: Mode = Mode.DEV
    said: AlarmReason | None = None
    foreground: frozenset[int] = frozenset()


_LETTERS = {"s": EscalationStep.SLOW_DOWN, "p": EscalationStep.PAUSE, "e": EscalationStep.END}


class Life:
    """A situation as it goes on under the protector."""

    def __init__(self, situation: Situation) -> None:
        self.situation = situation
        self.desk = Desk(situation.mode)
        self.guard = Guard(lambda: 0.0)
        self.decided: list[Decision] = []
        self.least = 100.0
        self._stopped: dict[int, float] = {}  # when
        self._ended: set[int] = set()

    def live(self) -> "Life":
        for turn in range(int(self.situation.seconds / STEP_S)):
            self._turn(turn * STEP_S)
        return self

    def context(self, now_s: float) -> DecisionContext:
        """The moment as it would be explained."""
        jobs, at, more = self._seen(now_s)
        seen = facts(*jobs, at=at, active=tuple(self.desk.active.values()), **more)
        return self.desk.protector.context(seen, self.desk.policy, self.desk.now_s)

    def _turn(self, now_s: float) -> None:
        jobs, at, more = self._seen(now_s)
        decided = self.desk.turn(*jobs, seconds=STEP_S, at=at, **more)
        self.decided += decided
        for each in decided:
            if isinstance(each, Action) and each.targets:
                self._obey(each, now_s)

    def _seen(self, now_s: float) -> tuple[tuple[Job, ...], GuardReading, dict[str, Any]]:
        jobs = tuple(self._jobs(now_s))
        held = sum(each.rss_bytes for each in jobs) / GB + self.situation.unseen(now_s)
        used = min(99.5, 100.0 * (BASE + held) * GB / TOTAL)
        self.least = min(self.least, 100.0 - used)
        at = reading(self.desk.now_s + STEP_S, used=used, total=TOTAL)
        policy = ProtectPolicy(mode=self.situation.mode)
        forecast = self.guard.observe(at, policy, held=bool(self.desk.active)).forecast
        own = {f"p{each.pid}": each.exe for each in self._parts() if each.exe}
        more: dict[str, Any] = {
            "memory_forecast": forecast,
            "details": details(jobs, **own),
            "ties": {each.pid: each.ties for each in self._parts() if each.ties},
            "foreground_pids": self.situation.foreground,
        }
        return jobs, at, more

    def _parts(self) -> list[Part]:
        return [each for parts in self.situation.jobs.values() for each in parts]

    def _obey(self, action: Action, now_s: float) -> None:
        pids = [each.pid for each in action.targets]
        if action.step is EscalationStep.PAUSE:
            self._stopped |= dict.fromkeys(pids, now_s)
            self.guard.acted()
        if action.step is EscalationStep.END:
            self._ended |= set(pids)
            self.guard.acted()
            self.desk.active[action.id] = msgspec.structs.replace(
                self.desk.active[action.id], state=ActionState.ENDING
            )

    def _jobs(self, now_s: float) -> list[Job]:
        found = []
        for key, parts in self.situation.jobs.items():
            alive = [
                self._process(each, now_s)
                for each in parts
                if each.begins_s <= now_s < each.until_s and each.pid not in self._ended
            ]
            if alive:
                kind = self.situation.kinds.get(key, JobKind.COMMAND)
                found.append(job(key, *alive, kind=kind, cpu=5.0))
        return found

    def _process(self, part: Part, now_s: float) -> ProcessFacts:
        of_s = min(now_s, self._stopped.get(part.pid, now_s))
        return process(
            part.pid,
            ppid=part.parent,
            name=part.name,
            uid=part.uid,
            state=part.state,
            rss_bytes=int(part.size(of_s) * GB),
        )

    @property
    def acted(self) -> dict[int, set[EscalationStep]]:
        """What was done, by pid."""
        done: dict[int, set[EscalationStep]] = {}
        for each in self.decided:
            if isinstance(each, Action):
                for target in each.targets:
                    done.setdefault(target.pid, set()).add(each.step)
        return done


INNOCENT = (Part(90, steady(3.0)),)
_BREEDER = [  # a worker that leaks, and is replaced each time that it has served enough
    Part(
        301 + number,
        grows(0.25, at_s=10.0 * number),
        name="gunicorn",
        parent=300,
        begins_s=10.0 * number,
        until_s=10.0 * number + 10.0,
    )
    for number in range(12)
]
SITUATIONS = (
    Situation(
        name="another user's hog; the person's jobs are steady",
        jobs={"theirs": (Part(70, grows(0.2), uid=1001),), "mine": INNOCENT},
        named="theirs",
    ),
    Situation(
        name="a tab of the browser in front leaks beside a job in a terminal",
        jobs={
            "browser": (
                Part(100, steady(1.0), "firefox", ties=frozenset({Tie.DISPLAY})),
                Part(101, grows(0.2), "Web Content", 100),
                Part(102, steady(0.5), "Web Content", 100),
            ),
            "mine": INNOCENT,
        },
        kinds={"browser": JobKind.APP},
        foreground=frozenset({100, 101, 102}),
        named="browser",
    ),
    Situation(
        name="a REPL that is typed into grows",
        jobs={
            "repl": (Part(110, grows(0.2), ties=frozenset({Tie.TYPED_INTO})),),
            "mine": INNOCENT,
        },
        named="repl",
    ),
    Situation(
        name="the parent of a pool grows, its workers are steady",
        jobs={
            "pool": (
                Part(120, grows(0.2)),
                *(Part(121 + each, steady(0.3), parent=120) for each in range(4)),
            ),
            "mine": INNOCENT,
        },
        may={120: "spe", **{121 + each: "s" for each in range(4)}},
        wanted=(120,),
    ),
    Situation(
        name="two workers of a pool grow, the parent is large and steady",
        jobs={
            "pool": (
                Part(120, steady(2.0)),
                *(Part(121 + each, grows(0.1), parent=120) for each in range(2)),
                *(Part(123 + each, steady(0.3), parent=120) for each in range(2)),
            ),
            "mine": INNOCENT,
        },
        may={120: "s", 121: "spe", 122: "spe", 123: "s", 124: "s"},
        wanted=(121, 122),
    ),
    Situation(
        name="a server's worker leaks and is replaced after so many requests",
        jobs={
            "server": (
                Part(300, steady(0.1), "gunicorn"),
                *(Part(320 + each, steady(0.1), "gunicorn", 300) for each in range(4)),
                *_BREEDER,
            ),
            "mine": INNOCENT,
        },
    ),
    Situation(
        name="eight workers of jest grow all together",
        jobs={
            "jest": (
                Part(400, steady(0.3), "node"),
                *(Part(401 + each, grows(0.03), "node", 400) for each in range(8)),
            ),
            "mine": INNOCENT,
        },
        kinds={"jest": JobKind.TEST_RUN},
        may={400: "s", **{401 + each: "spe" for each in range(8)}},
        wanted=tuple(401 + each for each in range(8)),
    ),
    Situation(
        name="a virtual machine is large and steady, a script leaks",
        jobs={
            "vm": (Part(500, steady(6.0), "qemu-system-x86", ties=frozenset({Tie.MACHINE})),),
            "mine": (Part(91, grows(0.2)),),
        },
        may={91: "spe"},
        wanted=(91,),
    ),
    Situation(
        name="a virtual machine's guest takes the memory that it was given",
        jobs={
            "vm": (
                Part(
                    500,
                    grows(0.3, most=11.3),
                    "qemu-system-x86",
                    ties=frozenset({Tie.MACHINE}),
                ),
            ),
            "mine": INNOCENT,
        },
        named="vm",
    ),
    Situation(
        name="a client fills a database",
        jobs={
            "redis": (Part(600, grows(0.2), "redis-server", exe="/usr/bin/redis-server"),),
            "client": (Part(601, steady(0.05)),),
            "mine": INNOCENT,
        },
        kinds={"redis": JobKind.SERVICE},
        named="redis",
    ),
    Situation(
        name="a container reaches its own limit again and again",
        jobs={
            "container": tuple(
                Part(
                    700 + each,
                    grows(0.1, at_s=5.0 * each),
                    begins_s=5.0 * each,
                    until_s=5.0 * each + 5.0,
                )
                for each in range(20)
            ),
            "mine": (Part(90, steady(9.0)),),
        },
    ),
    Situation(
        name="a script writes a huge file into memory beside a large steady job",
        jobs={"writer": (Part(800, steady(0.05)),), "mine": (Part(90, steady(5.0)),)},
        unseen=grows(0.2, start=0.0, most=9.0),
        said=AlarmReason.UNSEEN,
    ),
    Situation(
        name="the same, and a job beside it grows a little",
        jobs={
            "writer": (Part(800, steady(0.05)),),
            "mine": (Part(90, grows(0.01, start=4.0)),),
        },
        unseen=grows(0.2, start=0.0),
        seconds=53.0,  # then it is full
        said=AlarmReason.UNSEEN,
    ),
    Situation(
        name="a large file is copied: the cache fills, memory does not",
        jobs={"cp": (Part(810, steady(0.01), "cp", state="D"),), "mine": (Part(90, steady(9.0)),)},
    ),
    Situation(
        name="two thirds of memory are locked by a steady job, another leaks",
        jobs={"locked": (Part(900, steady(10.0)),), "leak": (Part(91, grows(0.1)),)},
        may={91: "spe"},
        wanted=(91,),
    ),
    Situation(
        name="a job loads its data and is steady then, another is steady all the time",
        jobs={"loads": (Part(910, grows(0.5, most=8.0)),), "mine": INNOCENT},
        may={910: "sp"},  # that it will stop is not to be known
    ),
    Situation(
        name="what leaks has ended by itself, and its memory comes back late",
        jobs={"leak": (Part(91, grows(0.3), until_s=38.0),), "mine": (Part(90, steady(4.0)),)},
        may={91: "sp"},
        unseen=lambda now_s: max(0.0, 9.0 - (now_s - 38.0) * 0.1) if now_s >= 38.0 else 0.0,
        said=None,
    ),
)


@pytest.fixture(scope="module", params=SITUATIONS, ids=lambda each: each.name)
def life(request: pytest.FixtureRequest) -> Life:
    return Life(request.param).live()


def test_only_those_are_acted_on_who_may_be(life: Life) -> None:
    allowed = {
        pid: {_LETTERS[letter] for letter in letters} for pid, letters in life.situation.may.items()
    }
    wrong = {pid: steps - allowed.get(pid, set()) for pid, steps in life.acted.items()}
    assert {pid: steps for pid, steps in wrong.items() if steps} == {}


def test_the_cause_is_acted_on_in_time(life: Life) -> None:
    if life.situation.wanted:
        held = {pid for pid, steps in life.acted.items() if steps - {EscalationStep.SLOW_DOWN}}
        assert held & set(life.situation.wanted)
        assert life.least > 2.0


def test_the_cause_that_is_left_alone_is_named_and_nobody_else(life: Life) -> None:
    alarms = [each for each in life.decided if isinstance(each, Alarm)]
    causes = {each.cause.job_key for each in alarms if each.cause}
    assert causes == ({life.situation.named} if life.situation.named else set())
    reasons = {each.reason for each in alarms if each.cause is None}
    assert reasons == ({life.situation.said} if life.situation.said else set())


def test_nobody_is_asked_about_who_is_not_the_cause(life: Life) -> None:
    """But for the last resort: memory is used up, and the cause may not be touched."""
    known = {*life.situation.may, *(each for each in life.situation.wanted)}
    asked = [each for each in life.decided if isinstance(each, Question) and each.cause is None]
    first = [each for each in asked if each.unanswered or each.is_first]
    assert [each.title for each in first if not {one.pid for one in each.targets} & known] == []


@pytest.mark.parametrize(
    ("exe", "steps"),
    [("/usr/bin/qemu-system-x86_64", set()), ("/home/me/qemu-system-x86_64", {"pause"})],
)
def test_an_emulated_machine_is_one_where_packages_put_such_a_program(
    exe: str, steps: set[str]
) -> None:
    """It holds no /dev/kvm; what is in its guest is lost all the same."""
    vm = Part(500, grows(0.3, most=11.3), "qemu-system-x86", exe=exe)
    life = Life(Situation(name="", jobs={"vm": (vm,), "mine": INNOCENT})).live()

    done = {each.value for each in life.acted.get(500, set())}
    assert done - {"slow_down"} == steps
    assert bool(done) is bool(steps)


def test_it_is_said_of_each_job_what_part_it_has_and_how_far_it_may_be_touched() -> None:
    """Five jobs of one machine at one moment: the leak has just been paused."""
    kinds = {"firefox": JobKind.APP, "redis": JobKind.SERVICE}
    jobs: dict[str, tuple[Part, ...]] = {
        "leak": (Part(91, grows(0.2)),),
        "theirs": (Part(70, grows(0.1), uid=1001),),
        "firefox": (Part(100, steady(1.0), "firefox", ties=frozenset({Tie.DISPLAY})),),
        "redis": (Part(600, steady(0.5), "redis-server", exe="/usr/bin/redis-server"),),
        "mine": INNOCENT,
    }
    life = Life(Situation(name="", jobs=jobs, kinds=kinds, seconds=25.0))
    life.live()
    now = {each.title: each for each in right_now.now(life.context(25.0)).considered}

    leak, theirs, steady_job = now["leak"], now["theirs"], now["mine"]
    assert leak.chosen
    assert (leak.cause_share or 0.0) == pytest.approx(2 / 3, abs=0.1)
    assert leak.may == "may be slowed down, paused and ended"
    assert EscalationStep.PAUSE in life.acted[91]
    assert leak.next_step == "If memory and swap were used up it would be ended"
    assert (theirs.cause_share or 0.0) == pytest.approx(1 / 3, abs=0.1)
    assert theirs.may == "left alone: belongs to another user"
    assert (theirs.verdict, theirs.next_step) == ("belongs to another user", "")
    assert now["firefox"].may.startswith("may be slowed down, no more: ")
    assert now["redis"].may == "left alone: a database"
    assert steady_job.cause_share == 0.0
    assert steady_job.may == leak.may
    assert steady_job.next_step.startswith("nothing would be done to it: ")

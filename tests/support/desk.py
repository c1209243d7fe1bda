"""A protector turn by turn, with hands that do at once what it says."""

from typing import Any

import msgspec

from omnitray.base.facts import (
    Forecast,
    GuardReading,
    Job,
    JobKind,
    Mode,
    Probe,
    ProtectState,
    Resource,
)
from omnitray.base.policy import ProtectPolicy
from omnitray.protector.model import (
    Action,
    ActionState,
    ActiveAction,
    Decision,
    EscalationStep,
    Question,
    Reply,
    Restore,
)
from omnitray.protector.protector import ResourceProtector
from omnitray.protector.view import Answer
from support.scenes import GB, MB, facts, job, process, reading

SLOW = Probe(now_ms=40.0, quiet_ms=5.0)
QUICK = Probe(now_ms=6.0, quiet_ms=5.0)


def build(cpu: float = 380.0) -> Job:
    workers = [process(101 + i, ppid=100, state="R") for i in range(4)]
    return job("make", process(100, name="make"), *workers, kind=JobKind.BUILD, cpu=cpu)


def growing(growth: float = 300.0 * MB, size: int = 8 * GB) -> Job:
    return job("pytest", process(200, rss_bytes=size), kind=JobKind.TEST_RUN, growth=growth)


def soon(high_s: float = 20.0) -> Forecast:
    return Forecast(
        resource=Resource.MEMORY, low_s=10.0, high_s=high_s, slope_bps=300.0 * MB, left_bytes=GB
    )


class Desk:
    """A protector, and hands that do at once what it says."""

    def __init__(self, mode: Mode = Mode.DEV, state: ProtectState = ProtectState.ON) -> None:
        self.protector = ResourceProtector("t")
        self.policy = ProtectPolicy(mode=mode, state=state)
        self.now_s = 100.0
        self.active: dict[str, ActiveAction] = {}
        self.said: list[Decision] = []

    def turn(
        self, *jobs: Job, seconds: float = 1.0, at: GuardReading | None = None, **more: Any
    ) -> list[Decision]:
        self.now_s += seconds
        now = msgspec.structs.replace(at or reading(), monotonic_s=self.now_s)
        seen = facts(*jobs, at=now, active=tuple(self.active.values()), **more)
        decided = self.protector.decide(seen, self.policy, self.now_s)
        for each in decided:
            self._do(each)
        self.said += decided
        return decided

    def turns(self, count: int, *jobs: Job, **more: Any) -> list[Decision]:
        return [each for _ in range(count) for each in self.turn(*jobs, **more)]

    def _do(self, decision: Decision) -> None:
        if isinstance(decision, Action) and decision.step is not EscalationStep.TELL:
            state = ActionState.ENDING if decision.step is EscalationStep.END else ActionState.HELD
            if decision.dry_run:
                state = ActionState.WATCHED
            self.active[decision.id] = ActiveAction(
                action=decision, state=state, since_s=self.now_s
            )
        elif isinstance(decision, Restore):
            del self.active[decision.action_id]


def actions(decided: list[Decision], step: EscalationStep | None = None) -> list[Action]:
    return [e for e in decided if isinstance(e, Action) and step in {None, e.step}]


def questions(decided: list[Decision]) -> list[Question]:
    return [each for each in decided if isinstance(each, Question)]


def restores(decided: list[Decision]) -> list[Restore]:
    return [each for each in decided if isinstance(each, Restore)]


BUSY = reading(cpu=96.0)
OVER = reading(used=86.0)


def asked() -> Desk:
    desk = Desk()
    desk.turn(growing(), at=reading(used=75.0), memory_forecast=soon())
    return desk


def say(desk: Desk, answer: Answer, key: str = "pytest") -> list[Decision]:
    reply = Reply(job_key=key, answer=answer)
    return desk.turn(growing(), at=reading(used=78.0), replies=(reply,))

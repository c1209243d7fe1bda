"""What the protector decides from, kept for a while: for a replay on another machine.

    facts, policy, decisions  →  ``Recorder.add``  →  ring of packed frames  →  :class:`Recording`

The ring holds the last two minutes, in a few hundred kilobytes: of 400 processes a frame takes
about 1.5 ms and 10 KB, and one comes only where the processes were looked at anyway. A recording
begins at a calm moment where there is one in the ring: nothing was held then, so that a protector
which has seen nothing before decides the same. One thread.
"""

import zlib
from collections import deque
from collections.abc import Sequence

import msgspec

from omnitray.base.conditions import is_memory_clear
from omnitray.base.facts import Resource
from omnitray.base.policy import ProtectPolicy
from omnitray.protector.model import (
    Action,
    Alarm,
    Decision,
    EscalationStep,
    Facts,
    ProtectReason,
    Question,
    Restore,
)

KEPT_S = 120.0
_MOST_BYTES = 4_000_000  # of the ring, packed: half of what the tray has left of its memory budget
_AFTER_S = 10.0  # so long after the last action a recording goes on: what came of it belongs to it
_LONGEST_S = 600.0  # an incident without an end is cut
LONGEST_ASKED_S = 3600.0


class Decided(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One decision, as far as two replays are compared by it."""

    kind: str
    job_key: str = ""
    step: EscalationStep | None = msgspec.field(default=None, name="rung")  # the word of the file
    resource: Resource | None = None
    reason: str = ""
    pids: tuple[int, ...] = ()
    action_id: str = ""


class Frame(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One call of ``decide``. ``policy`` None: that of the frame before.

    ``next_number`` is the one that the next decision gets; ``refused`` are the actions of this
    frame that the system refused.
    """

    now_s: float
    facts: Facts
    policy: ProtectPolicy | None = None
    decided: tuple[Decided, ...] = ()
    refused: tuple[str, ...] = ()
    next_number: int = 1


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """Packed frames, the oldest first. ``run`` stands in the ids, ``why`` for what it was kept."""

    run: str
    why: str
    name: str
    frames: tuple[bytes, ...]


class _PackedFrame(msgspec.Struct, frozen=True):
    at_s: float
    packed: bytes
    policy: ProtectPolicy
    calm: bool


def decided_of(decision: Decision) -> Decided:
    """What is compared of a decision."""
    if isinstance(decision, Action):
        return Decided(
            kind="clean" if decision.cleans else "action",
            job_key=decision.job_key,
            step=decision.step,
            resource=decision.resource,
            reason=decision.reason.value,
            pids=tuple(each.pid for each in decision.targets),
            action_id=decision.id,
        )
    if isinstance(decision, Restore):
        return Decided(kind="restore", reason=decision.reason.value, action_id=decision.action_id)
    if isinstance(decision, Question):
        pids = tuple(each.pid for each in decision.targets)
        key, reason = decision.job_key, decision.reason.value
        return Decided(kind="question", job_key=key, reason=reason, pids=pids)
    if isinstance(decision, Alarm):
        cause = decision.cause.job_key if decision.cause else ""
        return Decided(kind="alarm", job_key=cause, reason=decision.reason.value)
    return Decided(kind="withdrawn", action_id=decision.question_id)


def unpacked(packed: bytes) -> Frame:
    """A frame of the ring."""
    return msgspec.msgpack.decode(zlib.decompress(packed), type=Frame)


class Recorder:
    """The ring, and what is being recorded."""

    def __init__(self, run: str) -> None:
        self._run = run
        self._ring: deque[_PackedFrame] = deque()
        self._bytes = 0
        self._acted_s: float | None = None  # when an incident's last action was
        self._why = ""
        self._began_s = 0.0
        self._asked: list[tuple[str, float, float]] = []  # name, from, until
        self._number = 0

    @property
    def is_asked(self) -> bool:
        """Whether everything is recorded now on request: then the processes are scanned."""
        return bool(self._asked)

    def ask(self, now_s: float, for_s: float) -> str:
        """Record all from now on for so long; its name. Those before it are over."""
        name = self._new_name()
        self._asked = [(known, from_s, now_s) for known, from_s, _ in self._asked]
        self._asked.append((name, now_s, now_s + min(for_s, LONGEST_ASKED_S)))
        return name

    def add(
        self,
        facts: Facts,
        policy: ProtectPolicy,
        now_s: float,
        decisions: Sequence[Decision],
        next_number: int,
    ) -> None:
        """Keep one call of ``decide``."""
        frame = Frame(
            now_s=now_s,
            facts=facts,
            decided=tuple(map(decided_of, decisions)),
            next_number=next_number,
        )
        calm = is_memory_clear(facts.reading.memory, policy.limits) and not facts.active
        self._keep(frame, policy, calm=calm and not facts.replies)
        for each in decisions:
            if isinstance(each, Action | Alarm) and _is_worth_keeping(each):
                self._began_s = self._began_s if self._acted_s is not None else now_s
                self._acted_s = now_s
                self._why = _worse(self._why, each)

    def refused(self, action_id: str) -> None:
        """The system has refused this action of the newest frame."""
        newest = self._ring.pop()
        self._bytes -= len(newest.packed)
        frame = unpacked(newest.packed)
        frame = msgspec.structs.replace(frame, refused=(*frame.refused, action_id))
        self._keep(frame, newest.policy, calm=newest.calm)

    def take_due(self, now_s: float) -> tuple[Recording, ...]:
        """What is complete now: an incident that is over, or what was asked for."""
        due = []
        if self._acted_s is not None:
            over = now_s - self._acted_s >= _AFTER_S or now_s - self._began_s >= _LONGEST_S
            if over:
                due.append(self._cut(self._began_s, self._why, self._new_name()))
                self._acted_s, self._why = None, ""
        for name, from_s, until_s in list(self._asked):
            if now_s >= until_s:
                due.append(self._cut(from_s, "asked", name))
                self._asked.remove((name, from_s, until_s))
        self._forget(now_s)
        return tuple(due)

    def _new_name(self) -> str:
        self._number += 1
        return f"{self._run}-{self._number}"

    def _keep(self, frame: Frame, policy: ProtectPolicy, *, calm: bool) -> None:
        packed = zlib.compress(msgspec.msgpack.encode(frame), 1)
        self._ring.append(_PackedFrame(frame.now_s, packed, policy, calm))
        self._bytes += len(packed)

    def _forget(self, now_s: float) -> None:
        """Drop what is too old, but for what is being recorded; and what is too much."""
        from_s = now_s - KEPT_S
        if self._acted_s is not None:
            from_s = min(from_s, self._began_s - KEPT_S)
        from_s = min([from_s, *(began_s for _, began_s, _ in self._asked)])
        while self._ring and (self._ring[0].at_s < from_s or self._bytes > _MOST_BYTES):
            self._bytes -= len(self._ring.popleft().packed)

    def _cut(self, from_s: float, why: str, name: str) -> Recording:
        """From the last calm moment before, or as far back as the ring goes."""
        frames = list(self._ring)
        before = [place for place, each in enumerate(frames) if each.calm and each.at_s <= from_s]
        if why == "asked":
            place = next((at for at, each in enumerate(frames) if each.at_s >= from_s), 0)
        else:
            place = before[0] if before else 0
        frames = frames[place:]
        packed = [each.packed for each in frames]
        for number, each in enumerate(frames):
            if number == 0 or each.policy != frames[number - 1].policy:
                whole = msgspec.structs.replace(unpacked(each.packed), policy=each.policy)
                packed[number] = zlib.compress(msgspec.msgpack.encode(whole), 1)
        return Recording(run=self._run, why=why, name=name, frames=tuple(packed))


_WORSE = ("", EscalationStep.SLOW_DOWN, EscalationStep.TELL, "alarm", EscalationStep.PAUSE)


def _is_worth_keeping(decision: Action | Alarm) -> bool:
    """What a rule has slowed down always, or what only cleans caches, is no incident."""
    if isinstance(decision, Alarm):
        return True
    return not decision.cleans and decision.reason is not ProtectReason.RULE_ALWAYS


def _worse(known: str, decision: Action | Alarm) -> str:
    """The step that an incident is named after: the furthest."""
    now = "alarm" if isinstance(decision, Alarm) else decision.step.value
    order = [str(each) for each in (*_WORSE, EscalationStep.END)]
    return max(known, now, key=order.index)

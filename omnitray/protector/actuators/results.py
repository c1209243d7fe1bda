"""The facts of doing and undoing: what is ordered, what came of it, what is held now."""

import enum
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from omnitray.base.facts import Resource
from omnitray.protector.actuators.actuator import Fate, Restored, Target
from omnitray.protector.actuators.journal import Record
from omnitray.protector.model import Action, ActuatorKind, EscalationStep, hold_of

PIDS = "pids"  # in the evidence of an order: what it was for


class Initiator(enum.StrEnum):
    """Who wanted it."""

    PROTECTOR = "protector"
    PERSON = "person"
    API = "api"
    CLI = "cli"
    NEXT_START = "next_start"


class ActionRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done to which job, and why. ``evidence`` are the figures that spoke for it.

    ``action_id`` names it in the journal for good; empty: one is made.
    """

    target: Target
    step: EscalationStep
    resource: Resource
    reason: str
    evidence: dict[str, Any] = {}
    who: Initiator = Initiator.PROTECTOR
    action_id: str = ""
    dry_run: bool = False


class ActuationOutcome(enum.StrEnum):
    """What came of an order, or of taking it back; the words stand in the journal."""

    APPLIED = "applied"
    PARTLY = "partly"  # some processes refused, or had been changed from outside
    FAILED = "failed"
    WOULD_HAVE = "would_have"
    ALREADY = "already"  # it is so already: nothing was done
    ENDED = "ended"
    SURVIVED = "survived"  # KILL did not end it: it hangs in the kernel
    RESTORED = "restored"
    CHANGED = "changed"  # changed from outside since: left alone
    GONE = "gone"
    ONE_WAY = "one_way"
    WAITS = "waits"  # was continued, and stopped again by its terminal


class ActuationResult(msgspec.Struct, frozen=True, kw_only=True):
    """One actuator applied, or none: then ``lever`` is None and ``others`` says why for each.

    ``missing`` are those of them that this machine does not offer for any job.
    """

    action_id: str
    outcome: ActuationOutcome
    lever: ActuatorKind | None = None
    reversible: bool = True
    others: dict[str, str] = {}
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    took_s: float = 0.0

    @property
    def is_in_force(self) -> bool:
        """Whether something of it stands by our doing, and in the journal."""
        return not self.is_void and self.outcome is not ActuationOutcome.FAILED

    @property
    def is_void(self) -> bool:
        """Whether there was nothing to do: it is so already by another's doing, or has ended."""
        return self.outcome in {ActuationOutcome.ALREADY, ActuationOutcome.GONE}


def why_refused(done: Sequence[ActuationResult]) -> str:
    """Why it could not be done, where nothing of it could: each reason once.

    What this machine offers for no job is the reason only where there is no other: it says nothing
    about the job that a person has asked for.
    """
    if not done or any(each.is_in_force for each in done):
        return ""
    why = [note for each in done if each.lever for note in each.notes]
    why += [said for each in done for kind, said in each.others.items() if kind not in each.missing]
    why = why or [said for each in done for said in each.others.values()]
    return "; ".join(dict.fromkeys(why)) or "nothing here can do it"


_BACK = {
    ActuationOutcome.RESTORED: "restored",
    ActuationOutcome.PARTLY: "restored in part",
    ActuationOutcome.CHANGED: "left alone",
    ActuationOutcome.GONE: "it has ended",
    ActuationOutcome.ONE_WAY: "not restored",
    ActuationOutcome.WAITS: "continued",
    ActuationOutcome.FAILED: "could not be restored",
}


class UndoResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one action when it was undone."""

    action_id: str
    title: str
    lever: ActuatorKind
    outcome: ActuationOutcome
    notes: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """For people; where it was not simply restored, with the reason."""
        said = f"{self.title}: {_BACK[self.outcome]}"
        return f"{said}, {first_of(self.notes)}" if self.notes else said


def first_of(notes: tuple[str, ...]) -> str:
    """The first of several reasons, which differ by the process mostly, and how many more."""
    return "; ".join(notes[:1]) + (f" (and {len(notes) - 1} more)" if len(notes) > 1 else "")


class ActiveActuation(msgspec.Struct, frozen=True, kw_only=True):
    """An action in force. ``since`` is wall-clock seconds, ``means`` words for people."""

    record: Record
    since: float

    @property
    def action_id(self) -> str:
        """Its name in the journal."""
        return self.record.began.id


class EndedProcess(msgspec.Struct, frozen=True, kw_only=True):
    """The end of an end: gone after so long, by TERM or KILL; or not gone at all.

    ``born`` were started by the victims since, and ended with them.
    """

    action_id: str
    title: str
    after_s: float
    killed: bool
    survived: bool = False
    born: int = 0


class FollowUp(msgspec.Struct, frozen=True, kw_only=True):
    """What a look brought; ``next_s`` None means that nothing is left to look after."""

    next_s: float | None
    ended: tuple[EndedProcess, ...] = ()
    gone: tuple[str, ...] = ()  # ids of actions that hold no process any more
    let_run: tuple[str, ...] = ()  # those of them that were continued from outside
    guardian_replaced: bool = False


def sentences_of(undone: Iterable[UndoResult]) -> tuple[str, ...]:
    """What became of each hold: one sentence, however many steps and actuators it was made of."""
    alike: dict[tuple[str, str, tuple[str, ...]], UndoResult] = {}
    for each in undone:
        key = (hold_of(each.action_id), each.outcome, each.notes)
        # The shorter title is that of the whole job, the longer one names a part of it.
        alike[key] = min(alike.get(key, each), each, key=lambda one: len(one.title))
    return tuple(each.sentence for each in alike.values())


def order_for(action: Action, who: Initiator = Initiator.PROTECTOR) -> ActionRequest:
    """What the protector has decided, as an order."""
    target = Target(job_key=action.job_key, title=action.whom, processes=action.targets)
    evidence = msgspec.to_builtins(action.evidence)
    return ActionRequest(
        target=target,
        step=action.step,
        resource=action.resource,
        reason=action.reason,
        evidence={
            **evidence,
            "considered": msgspec.to_builtins(action.considered),
            PIDS: [each.pid for each in action.targets],
        },
        who=who,
        action_id=action.id,
        dry_run=action.dry_run,
    )


def lever_id(action_id: str, place: int) -> str:
    """The journal's name for one actuator of an action: the first has the action's own."""
    return f"{action_id}.{place + 1}" if place else action_id


def outcome_of(fates: Iterable[Fate]) -> ActuationOutcome:
    """One word for what became of several values."""
    seen = set(fates)
    if Fate.WAITS in seen:
        return ActuationOutcome.WAITS
    if not seen or seen == {Fate.GONE}:
        return ActuationOutcome.GONE
    if seen <= {Fate.RESTORED, Fate.HELD, Fate.GONE}:
        return ActuationOutcome.RESTORED
    if Fate.FAILED in seen:
        return ActuationOutcome.FAILED
    if seen & {Fate.RESTORED, Fate.HELD}:
        return ActuationOutcome.PARTLY
    return ActuationOutcome.CHANGED if Fate.CHANGED in seen else ActuationOutcome.ONE_WAY


def taken_back(record: Record, restored: Restored) -> UndoResult:
    """The fact for an action that was undone."""
    return UndoResult(
        action_id=record.began.id,
        title=record.began.title,
        lever=record.began.lever,
        outcome=outcome_of(restored.fates),
        notes=restored.notes,
    )

"""A lever: one means of acting on a job, and the way back.

The steps are separate so that the journal can stand between them: ``plan`` reads the old values
and says the new ones, ``apply`` does exactly that, ``restore`` goes back by compare-and-swap.
A plan is plain data: it is written to the journal and, after a crash, read from there.
"""

import enum
from typing import Protocol

import msgspec

from omnitray.protector.actuators.system import Refused
from omnitray.protector.identity import Identity, LeverKind

Value = int | str | None


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What a lever is to act on: the processes of a job, or some of them.

    They hold no terminal, shell or other parent that must not be touched: descendants count too.
    """

    job_key: str
    title: str
    processes: tuple[Identity, ...]


class Change(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One value of one process or unit. ``old`` None is the system's own default."""

    process: Identity | None = None
    unit: str = ""
    old: Value = None
    new: Value = None

    @property
    def subject(self) -> str:
        """``process 4711``, ``session 4711`` or the unit's name."""
        if self.process is None:
            return self.unit
        return f"session {self.unit}" if self.unit else f"process {self.process.pid}"


class Plan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a lever is going to change. ``reversible`` says whether it can be taken back here.

    ``adopts`` are processes that a new unit takes in first; they stay in it afterwards, with
    the default weight: what they came from cannot be entered again without privilege.
    ``notes`` are sentences: who was spared and why, what it cannot do.
    """

    lever: LeverKind
    changes: tuple[Change, ...]
    reversible: bool = True
    adopts: tuple[Identity, ...] = ()
    notes: tuple[str, ...] = ()


class Applied(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was changed, and a sentence for each thing that could not be."""

    changes: tuple[Change, ...] = ()
    failures: tuple[str, ...] = ()


class Fate(enum.StrEnum):
    """What became of one change when it was to be taken back."""

    RESTORED = "restored"
    GONE = "its process has ended"
    CHANGED = "somebody else has changed it since"
    ONE_WAY = "cannot be taken back without privilege"
    FAILED = "the system refused"


class Restored(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of each change, in the plan's order; ``notes`` are sentences for people."""

    fates: tuple[Fate, ...] = ()
    notes: tuple[str, ...] = ()


class Lever(Protocol):
    """One means. Beyond ``plan`` and ``prepare`` nothing raises: the answers say what failed."""

    @property
    def kind(self) -> LeverKind:
        """Which one it is."""
        ...

    def why_not(self, target: Target) -> str:
        """Empty where it works on this target, else one sentence."""
        ...

    @property
    def reversible(self) -> bool:
        """Whether what it does can be taken back here."""
        ...

    @property
    def pauses(self) -> bool:
        """Whether a guardian must know before it is applied."""
        ...

    def plan(self, target: Target) -> Plan:
        """Old and new values; raises CannotPlan where there is nothing to do, or Gone."""
        ...

    def prepare(self, plan: Plan) -> None:
        """Make ready what the plan needs, such as a scope; raises Refused or Gone."""
        ...

    def apply(self, plan: Plan) -> Applied:
        """Do what the plan says."""
        ...

    def read_back(self, applied: Applied) -> bool:
        """Whether the system now shows every new value."""
        ...

    def is_over(self, changes: tuple[Change, ...]) -> bool:
        """Whether everything that was changed has ended."""
        ...

    def is_let_go(self, changes: tuple[Change, ...]) -> bool:
        """Whether somebody else has changed all of it that still lives."""
        ...

    def set_back(self, changes: tuple[Change, ...]) -> None:
        """Set the old values whatever stands; for what is seen to have them."""
        ...

    def restore(self, changes: tuple[Change, ...]) -> Restored:
        """Go back to the old values wherever the new one still stands."""
        ...


class CannotPlan(Refused):
    """The lever does not work on this target; the text says why."""


class AlreadyThere(CannotPlan):
    """The target has what the lever would set, whoever set it."""

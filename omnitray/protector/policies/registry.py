"""The policies, in the order in which the protector asks them.

Answers come first, so that what a person said holds for all others; what can be undone is undone
before more is done; open questions are updated last.
"""

from typing import Protocol

from omnitray.protector.context import DecisionContext
from omnitray.protector.decisions import ProtectorState
from omnitray.protector.model import Decision
from omnitray.protector.policies.cpu import CpuPolicy
from omnitray.protector.policies.disk import DiskPolicy
from omnitray.protector.policies.memory import MemoryPolicy
from omnitray.protector.policies.questions import AnswerPolicy, QuestionPolicy
from omnitray.protector.policies.restore import RestorePolicy
from omnitray.protector.policies.rules import RulePolicy


class Policy(Protocol):
    """What the protector asks; made once, with the state that all policies share."""

    def __init__(self, state: ProtectorState) -> None: ...

    def decide(self, context: DecisionContext) -> list[Decision]:
        """What this policy decides at this moment."""
        ...


POLICIES: tuple[type[Policy], ...] = (
    AnswerPolicy,
    RestorePolicy,
    RulePolicy,
    MemoryPolicy,
    CpuPolicy,
    DiskPolicy,
    QuestionPolicy,
)

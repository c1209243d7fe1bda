"""What was told of actions, until it is over.

What was done to a job is over when none of it is in force any more; what was only told, because
nobody may be touched, as soon as the figure is under its limit again. An end stays told until
somebody has seen it.
"""

from collections.abc import Iterable

from omnitray.base.facts import Resource
from omnitray.protector.identity import Rung
from omnitray.protector.model import Action, ActionState, ActiveAction, GuardReading
from omnitray.protector.notices import NoticeOver, labels_of

IN_FORCE = {ActionState.HELD, ActionState.ENDING, ActionState.WATCHED}


class Stories:
    """The open ones; belongs to one thread."""

    def __init__(self) -> None:
        self._done: dict[str, Action] = {}
        self._told: dict[str, Action] = {}

    def begin(self, action: Action) -> None:
        """Something is done or told; what only would be done is over already."""
        if action.dry_run or action.rung is Rung.END:
            return
        (self._told if action.rung is Rung.TELL else self._done)[action.id] = action

    def over(self, active: Iterable[ActiveAction], reading: GuardReading) -> list[NoticeOver]:
        """Those that are over now; two about the same job and resource are one story."""
        in_force = {each.action.id for each in active if each.state in IN_FORCE}
        past = {key for key in self._done if key not in in_force}
        past |= {key for key, action in self._told.items() if _is_relieved(action, reading)}
        ended = [labels_of(action) for key, action in self._open.items() if key in past]
        for key in past:
            self._done.pop(key, None)
            self._told.pop(key, None)
        going_on = [labels_of(action) for action in self._open.values()]
        return [NoticeOver(labels=labels) for labels in ended if labels not in going_on]

    @property
    def _open(self) -> dict[str, Action]:
        return self._done | self._told


def _is_relieved(action: Action, reading: GuardReading) -> bool:
    """Whether what was told about is under its limit again, or cannot be read any more."""
    value = reading.memory.used_percent
    if action.resource is Resource.CPU:
        value = reading.cpu_percent or 0.0
    return value < action.evidence.threshold

"""How far and by which means: the words that decisions and actuators share."""

import enum


class EscalationStep(enum.StrEnum):
    """One step of the escalation, from a notice to the end of a process."""

    TELL = "tell"
    SLOW_DOWN = "slow_down"
    PAUSE = "pause"
    END = "end"


_JOINS = ".h"


def joined_id(hold: str, number: str) -> str:
    """A name for a further action of a hold: ``t-1.h7``; the first one's name is the hold's."""
    return f"{hold}{_JOINS}{number.rpartition('-')[2]}"


def hold_of(action_id: str) -> str:
    """The hold that an action, or one of its levers, belongs to: ``t-1`` of ``t-1.h7.2``."""
    return action_id.partition(".")[0]


def action_of(lever: str) -> str:
    """The action that one of its levers belongs to: ``t-1.h7`` of ``t-1.h7.2``."""
    action, _, place = lever.rpartition(".")
    return action if place.isdigit() and action else lever


def is_lever_of(action_id: str, lever: str) -> bool:
    """Whether the journal's name is that of one of the action's actuators, and of no other's."""
    rest = lever.removeprefix(action_id) if lever.startswith(action_id) else lever
    return not rest or (rest[0] == "." and rest[1:].isdigit())


class ActuatorKind(enum.StrEnum):
    """A means of acting on a job; the value stands in the journal."""

    CPU_WEIGHT = "cpu_weight"
    MEMORY_HIGH = "memory_high"
    FREEZE = "freeze"
    AUTOGROUP = "autogroup"
    BACKGROUND = "background"  # macOS and Windows: the system's own class for what can wait
    NICE = "nice"
    IO_CLASS = "io_class"
    STOP = "stop"
    END = "end"

"""How far and by which means: the words that decisions and actuators share."""

import enum


class EscalationStep(enum.StrEnum):
    """One step of the escalation, from a notice to the end of a process."""

    TELL = "tell"
    SLOW_DOWN = "slow_down"
    PAUSE = "pause"
    END = "end"


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

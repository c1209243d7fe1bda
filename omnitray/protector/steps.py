"""Who is acted on, how far, and by which means: the words that decisions and levers share."""

import enum


class EscalationStep(enum.StrEnum):
    """A step of the ladder."""

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

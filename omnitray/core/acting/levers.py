"""All levers over one system."""

from omnitray.core.acting.lever import Lever
from omnitray.core.acting.priority_levers import AutogroupLever, IoLever, NiceLever
from omnitray.core.acting.signal_levers import StopLever
from omnitray.core.acting.system import System
from omnitray.core.acting.unit_levers import FreezeLever, MemoryLever, WeightLever


def linux_levers(system: System) -> tuple[Lever, ...]:
    """What a Linux session has, as far as it works there."""
    return (
        WeightLever(system),
        MemoryLever(system),
        FreezeLever(system),
        AutogroupLever(system),
        NiceLever(system),
        IoLever(system),
        StopLever(system),
    )

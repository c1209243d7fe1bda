"""All levers over one system."""

from omnitray.protector.actuators.actuator import Lever
from omnitray.protector.actuators.cgroup import FreezeLever, MemoryLever, WeightLever
from omnitray.protector.actuators.priority import AutogroupLever, IoLever, NiceLever
from omnitray.protector.actuators.signals import StopLever
from omnitray.protector.actuators.system import System


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

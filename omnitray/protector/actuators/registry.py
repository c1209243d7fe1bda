"""All levers over one system."""

from omnitray.base.facts import Resource
from omnitray.protector.actuators.actuator import Lever
from omnitray.protector.actuators.cgroup import FreezeLever, MemoryLever, WeightLever
from omnitray.protector.actuators.priority import AutogroupLever, IoLever, NiceLever
from omnitray.protector.actuators.signals import StopLever
from omnitray.protector.actuators.system import System
from omnitray.protector.steps import LeverKind, Rung


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


Group = tuple[LeverKind, ...]

_PROCESSOR = (LeverKind.CPU_WEIGHT, LeverKind.AUTOGROUP, LeverKind.BACKGROUND, LeverKind.NICE)
_SLOW_DOWN: dict[Resource, tuple[Group, ...]] = {
    Resource.CPU: (_PROCESSOR,),
    Resource.MEMORY: (_PROCESSOR, (LeverKind.MEMORY_HIGH,)),
    Resource.DISK: ((LeverKind.IO_CLASS,),),
}


def levers_for(rung: Rung, resource: Resource) -> tuple[Group, ...]:
    """The groups to pull; none for a rung that only tells."""
    if rung is Rung.SLOW_DOWN:
        return _SLOW_DOWN[resource]
    if rung is Rung.PAUSE:
        return ((LeverKind.FREEZE, LeverKind.STOP),)
    return ((LeverKind.END,),) if rung is Rung.END else ()

"""All actuators over one system, and which are used for which step."""

from omnitray.base.facts import Resource
from omnitray.protector.actuators.actuator import Actuator
from omnitray.protector.actuators.cgroup import FreezeActuator, MemoryActuator, WeightActuator
from omnitray.protector.actuators.priority import AutogroupActuator, IoClassActuator, NiceActuator
from omnitray.protector.actuators.signals import StopActuator
from omnitray.protector.actuators.system import System
from omnitray.protector.steps import ActuatorKind, EscalationStep


def linux_actuators(system: System) -> tuple[Actuator, ...]:
    """What a Linux session has, as far as it works there."""
    return (
        WeightActuator(system),
        MemoryActuator(system),
        FreezeActuator(system),
        AutogroupActuator(system),
        NiceActuator(system),
        IoClassActuator(system),
        StopActuator(system),
    )


Group = tuple[ActuatorKind, ...]

_PROCESSOR = (
    ActuatorKind.CPU_WEIGHT,
    ActuatorKind.AUTOGROUP,
    ActuatorKind.BACKGROUND,
    ActuatorKind.NICE,
)
_SLOW_DOWN: dict[Resource, tuple[Group, ...]] = {
    Resource.CPU: (_PROCESSOR,),
    Resource.MEMORY: (_PROCESSOR, (ActuatorKind.MEMORY_HIGH,)),
    Resource.DISK: ((ActuatorKind.IO_CLASS,),),
}


def levers_for(step: EscalationStep, resource: Resource) -> tuple[Group, ...]:
    """The groups to apply; none for a step that only notifies."""
    if step is EscalationStep.SLOW_DOWN:
        return _SLOW_DOWN[resource]
    if step is EscalationStep.PAUSE:
        return ((ActuatorKind.FREEZE, ActuatorKind.STOP),)
    return ((ActuatorKind.END,),) if step is EscalationStep.END else ()

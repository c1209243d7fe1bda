"""Which levers a rung of the ladder pulls, in the order of preference.

Each group is tried from the left until one works on the job. For a share of the processors:
weights act wherever the kernel schedules by cgroup, autogroup where it schedules by session,
nice inside one of either. The freezer comes before SIGSTOP because a shell sees the latter and
takes its terminal back.
"""

from omnitray.base.facts import Resource
from omnitray.protector.identity import LeverKind, Rung

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

"""The system's own class for what can wait: background QoS on macOS, EcoQoS on Windows."""

from typing import Protocol

from omnitray.protector.actuators.actuator import AlreadyThere, Change, Plan, Target, Value
from omnitray.protector.actuators.system import Gone, System
from omnitray.protector.actuators.value_lever import ValueLever, process_of, whole
from omnitray.protector.identity import Identity, LeverKind


class Background(Protocol):
    """How a process is put there and back. Values are the platform's own numbers."""

    @property
    def value(self) -> int:
        """What stands for background."""
        ...

    def get(self, process: Identity) -> int:
        """Where it is; raises Gone or Refused."""
        ...

    def set(self, process: Identity, value: int) -> None:
        """Put it there; raises Gone or Refused."""
        ...


class BackgroundLever(ValueLever):
    """Each process of the family to the background and back; reversible without privilege."""

    kind = LeverKind.BACKGROUND

    def __init__(self, system: System, background: Background) -> None:
        super().__init__(system)
        self._background = background

    def plan(self, target: Target) -> Plan:
        """Every living process of the family that is not there yet."""
        new = self._background.value
        olds = self._readings(self._family(target), self._background.get)
        changes = tuple(
            Change(process=process, old=old, new=new) for process, old in olds.items() if old != new
        )
        if not changes:
            raise AlreadyThere("all its processes are in the background class")
        return Plan(lever=self.kind, changes=changes)

    def _get(self, change: Change) -> Value:
        return self._background.get(self._living(change))

    def _set(self, change: Change, value: Value) -> None:
        self._background.set(self._living(change), whole(value))

    def _living(self, change: Change) -> Identity:
        """The platform's calls take a bare pid: it is asked whose it is right before."""
        process = process_of(change)
        if not self._system.is_there(process):
            raise Gone(f"process {process.pid} has ended")
        return process

"""The service manager where there is none: says why not, and refuses the rest."""

from collections.abc import Iterable
from typing import NoReturn

from omnitray.protector.actuators.system import Refused
from omnitray.protector.identity import Identity


class NoUnits:
    """``core.system.Units`` that does nothing, correctly."""

    def __init__(self, why_not: str) -> None:
        self._why_not = why_not

    def why_not(self, controller: str = "") -> str:
        """Why there are none."""
        del controller
        return self._why_not

    def unit_of(self, process: Identity) -> str | None:
        """None: a process is in no unit."""
        del process
        return None

    def members(self, unit: str) -> frozenset[int]:
        """Nobody."""
        del unit
        return frozenset()

    def adopt(self, unit: str, processes: Iterable[Identity], description: str) -> NoReturn:
        """Refused."""
        del processes, description
        self._refuse(unit)

    def group_of(self, process: Identity) -> str:
        """None."""
        del process
        return ""

    def group_members(self, group: str) -> frozenset[int]:
        """Nobody."""
        del group
        return frozenset()

    def end_group(self, group: str) -> NoReturn:
        """Refused."""
        self._refuse(group)

    def is_held(self, process: Identity) -> bool:
        """Nothing is frozen here."""
        del process
        return False

    def cpu_weight(self, unit: str) -> NoReturn:
        """Refused."""
        self._refuse(unit)

    def set_cpu_weight(self, unit: str, weight: int | None) -> NoReturn:
        """Refused."""
        del weight
        self._refuse(unit)

    def memory_high(self, unit: str) -> NoReturn:
        """Refused."""
        self._refuse(unit)

    def set_memory_high(self, unit: str, limit_bytes: int | None) -> NoReturn:
        """Refused."""
        del limit_bytes
        self._refuse(unit)

    def memory_current(self, unit: str) -> NoReturn:
        """Refused."""
        self._refuse(unit)

    def is_frozen(self, unit: str) -> NoReturn:
        """Refused."""
        self._refuse(unit)

    def freeze(self, unit: str) -> NoReturn:
        """Refused."""
        self._refuse(unit)

    def thaw(self, unit: str) -> NoReturn:
        """Refused."""
        self._refuse(unit)

    def folder(self, unit: str) -> NoReturn:
        """Refused."""
        self._refuse(unit)

    def _refuse(self, unit: str) -> NoReturn:
        raise Refused(f"{unit}: {self._why_not}")

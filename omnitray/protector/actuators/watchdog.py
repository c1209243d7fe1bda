"""The seam to the process that continues what is paused if we die (``watchdog_process``)."""

from collections.abc import Iterable
from typing import Protocol


class ResumeWatchdog(Protocol):
    """Is notified before anything is paused and after it runs again."""

    def hold(
        self,
        action_id: str,
        processes: Iterable[tuple[int, int]] = (),
        cgroups: Iterable[tuple[int, str]] = (),
    ) -> None:
        """Watch processes, as (pid, start ticks), and cgroups, as (inode, folder)."""
        ...

    def release(self, action_id: str) -> None:
        """It is over; unknown ids are no fault."""
        ...

    def tend(self) -> bool:
        """Replace a watchdog that died; true when that was so."""
        ...


class NullWatchdog:
    """Where nothing can guard: the journal brings everything back at the next start."""

    def hold(
        self,
        action_id: str,
        processes: Iterable[tuple[int, int]] = (),
        cgroups: Iterable[tuple[int, str]] = (),
    ) -> None:
        """Nothing."""

    def release(self, action_id: str) -> None:
        """Nothing."""

    def tend(self) -> bool:
        """Never."""
        return False

"""The seam to other processes: everything that may be read from or done to one.

Each platform implements :class:`System`; tests have one of their own. Every function takes an
identity, never a bare pid, and raises :class:`Gone` when that very process is no longer there (its
pid may belong to another process by now) and :class:`AccessRefused`, with a sentence, when the
system does not let us.
"""

import enum
from collections.abc import Iterable
from typing import NoReturn, Protocol

import msgspec

from omnitray.base.facts import ProcessIdentity
from omnitray.processes.process_roles import ShellJob, Tie


class Gone(Exception):  # noqa: N818 - a fact, not an error of ours
    """The process, or the unit, has ended."""


class AccessRefused(Exception):  # noqa: N818 - as above
    """The system does not let us; the text says why."""


class Unanswered(AccessRefused):
    """The service that was asked has not answered in time, and may do so later."""


class OneWay(AccessRefused):
    """The system refuses, and always will without privilege."""


class Sign(enum.Enum):
    """What can be sent to a process."""

    TERM = "term"
    KILL = "kill"
    STOP = "stop"
    CONT = "cont"


class IoPriority(msgspec.Struct, frozen=True):
    """An I/O class (0 none, 1 real time, 2 best effort, 3 idle) and the level in it."""

    io_class: int
    level: int = 0


IO_IDLE = IoPriority(3)
IO_REALTIME = 1


class Units(Protocol):
    """The service manager of the session: named groups of processes with weights and limits."""

    def why_not(self, controller: str = "") -> str:
        """Empty where it can be used (for what ``controller`` does), else one sentence."""
        ...

    def unit_of(self, process: ProcessIdentity) -> str | None:
        """The unit that holds the process, None for what the manager does not hold."""
        ...

    def members(self, unit: str) -> frozenset[int]:
        """Pids in the unit; empty when it is gone."""
        ...

    def adopt(self, unit: str, processes: Iterable[ProcessIdentity], description: str) -> None:
        """Move processes into a scope of that name, made where it is not there."""
        ...

    def group_of(self, process: ProcessIdentity) -> str:
        """The unit's cgroup, as a place to look into without asking the manager; empty: none."""
        ...

    def limits_of(self, group: str) -> tuple[str, ...]:
        """The limits set for such a place or above it, which a move would leave behind."""
        ...

    def group_members(self, group: str) -> frozenset[int]:
        """Pids in such a place and below it; empty when it is gone."""
        ...

    def end_group(self, group: str) -> None:
        """Kill everything in it at once, also what is being started."""
        ...

    def is_held(self, process: ProcessIdentity) -> bool:
        """Whether a freezer holds it, so that it obeys nothing but KILL."""
        ...

    def cpu_weight(self, unit: str) -> int | None:
        """The weight set, None for the default."""
        ...

    def set_cpu_weight(self, unit: str, weight: int | None) -> None:
        """Set it, None for the default."""
        ...

    def memory_high(self, unit: str) -> int | None:
        """Bytes over which growth is throttled, None for no limit."""
        ...

    def set_memory_high(self, unit: str, limit_bytes: int | None) -> None:
        """Set it, None for no limit."""
        ...

    def memory_current(self, unit: str) -> int | None:
        """Bytes that the unit holds now."""
        ...

    def is_frozen(self, unit: str) -> bool:
        """Whether its freezer is closed."""
        ...

    def freeze(self, unit: str) -> None:
        """Stop every process in it where it stands."""
        ...

    def thaw(self, unit: str) -> None:
        """Let it go on."""
        ...

    def folder(self, unit: str) -> tuple[int, str]:
        """The inode and path of its cgroup: what the watchdog needs to thaw it without us."""
        ...


class System(Protocol):
    """What a platform can do to a process."""

    @property
    def units(self) -> Units:
        """The session's units; one that says why not where there are none."""
        ...

    def boot_id(self) -> str:
        """A name for this boot of the machine: identities of another one mean nothing."""
        ...

    def wait(self, seconds: float) -> None:
        """Let the system go on for a moment; a fake turns its clock."""
        ...

    def is_there(self, identity: ProcessIdentity) -> bool:
        """Whether that very process still lives (one that awaits its parent does not)."""
        ...

    def identify(self, pids: Iterable[int]) -> tuple[ProcessIdentity, ...]:
        """The identities of those pids that live."""
        ...

    def family(self, identities: Iterable[ProcessIdentity]) -> tuple[ProcessIdentity, ...]:
        """Those that still live, and their living descendants, parents first."""
        ...

    def ties(self, identities: Iterable[ProcessIdentity]) -> dict[int, frozenset[Tie]]:
        """By pid: what ties each to the person at the screen."""
        ...

    def send(self, identity: ProcessIdentity, sign: Sign) -> None:
        """Send a signal to that very process."""
        ...

    def is_stopped(self, identity: ProcessIdentity) -> bool:
        """Whether it is stopped by a signal."""
        ...

    def shell_job(self, identity: ProcessIdentity) -> ShellJob:
        """Whether a shell waits for it as a job of its terminal."""
        ...

    def nice(self, identity: ProcessIdentity) -> int:
        """Its nice value."""
        ...

    def set_nice(self, identity: ProcessIdentity, nice: int) -> None:
        """Set it; raises OneWay for going down without privilege."""
        ...

    def may_set_nice(self, identity: ProcessIdentity, nice: int) -> bool:
        """Whether that very process could be given this value, were it at the highest."""
        ...

    def io_priority(self, identity: ProcessIdentity) -> IoPriority:
        """Its I/O class."""
        ...

    def set_io_priority(self, identity: ProcessIdentity, priority: IoPriority) -> None:
        """Set it."""
        ...

    def session(self, identity: ProcessIdentity) -> int:
        """The id of its session."""
        ...

    def session_members(self, session: int) -> frozenset[int]:
        """Pids of the session's living processes."""
        ...

    def autogroup_why_not(self, identity: ProcessIdentity) -> str:
        """Empty where the kernel schedules the process by its session, else one sentence."""
        ...

    def autogroup_nice(self, identity: ProcessIdentity) -> int:
        """The nice value of its session's group."""
        ...

    def set_autogroup_nice(self, identity: ProcessIdentity, nice: int) -> None:
        """Set it, for the whole session."""
        ...


class NoUnits:
    """``core.system.Units`` that does nothing, correctly."""

    def __init__(self, why_not: str) -> None:
        self._why_not = why_not

    def why_not(self, controller: str = "") -> str:
        """Why there are none."""
        del controller
        return self._why_not

    def unit_of(self, process: ProcessIdentity) -> str | None:
        """None: a process is in no unit."""
        del process
        return None

    def members(self, unit: str) -> frozenset[int]:
        """None."""
        del unit
        return frozenset()

    def adopt(self, unit: str, processes: Iterable[ProcessIdentity], description: str) -> NoReturn:
        """Refused."""
        del processes, description
        self._refuse(unit)

    def group_of(self, process: ProcessIdentity) -> str:
        """None."""
        del process
        return ""

    def limits_of(self, group: str) -> tuple[str, ...]:
        """None."""
        del group
        return ()

    def group_members(self, group: str) -> frozenset[int]:
        """None."""
        del group
        return frozenset()

    def end_group(self, group: str) -> NoReturn:
        """Refused."""
        self._refuse(group)

    def is_held(self, process: ProcessIdentity) -> bool:
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
        raise AccessRefused(f"{unit}: {self._why_not}")

"""What can be done to processes through psutil, where there is no /proc: ``core.system.System``.

Written for macOS and Windows, tested with children and stand-ins on Linux, never run there yet.
psutil checks the start time and then acts on the pid: a window of microseconds that pidfds close
on Linux and nothing closes here.
"""

import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import psutil

from omnitray.base.facts import ProcessFacts
from omnitray.base.readings import ProcessIdentity
from omnitray.platforms._psutil_processes import start_ticks
from omnitray.processes.process_roles import Tie
from omnitray.protector.actuators.system import (
    IO_IDLE,
    AccessRefused,
    Gone,
    IoPriority,
    NoUnits,
    OneWay,
    Sign,
    Units,
)

_DEAD = {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}
_ACTS = {Sign.TERM: "terminate", Sign.KILL: "kill", Sign.STOP: "suspend", Sign.CONT: "resume"}
_BEST_EFFORT = 2

Answer = TypeVar("Answer")
TiesOf = Callable[[Any], frozenset[Tie]]


class PsutilSystem:
    """``ties_of`` says what ties a process, ``units`` is the platform's way to group them.

    ``io_idle`` is the platform's own number for the lowest I/O priority, None where it has none.
    """

    def __init__(
        self,
        ties_of: TiesOf,
        units: Units | None = None,
        *,
        nice_returns: bool = False,
        io_idle: int | None = None,
        system: Any = psutil,
    ) -> None:
        self._ties_of = ties_of
        self._units = units or NoUnits("this system has no units")
        self._nice_returns = nice_returns
        self._io_idle = io_idle
        self._system = system

    @property
    def units(self) -> Units:
        """The platform's groups."""
        return self._units

    @staticmethod
    def boot_id() -> str:
        """One name for all: start times are of the calendar here, so that no two boots share any.

        The moment of the boot would be none: it is worked out from the clock and moves with it.
        """
        return "by calendar"

    @staticmethod
    def wait(seconds: float) -> None:
        """Sleep."""
        time.sleep(seconds)

    def is_there(self, identity: ProcessIdentity) -> bool:
        """Whether that very process lives."""
        try:
            self._process(identity)
        except Gone:
            return False
        return True

    def identify(self, pids: Iterable[int]) -> tuple[ProcessIdentity, ...]:
        """The identities of those that live."""
        found = (self._identity(pid) for pid in sorted(pids))
        return tuple(each for each in found if each is not None)

    def family(self, identities: Iterable[ProcessIdentity]) -> tuple[ProcessIdentity, ...]:
        """Those that live and their descendants, parents first."""
        order: dict[int, ProcessIdentity] = {}
        given = [each for each in identities if self.is_there(each)]
        order.update({each.pid: each for each in given})
        for each in given:
            children = self._ask(each, lambda process: process.children(recursive=True))
            for child in self.identify(child.pid for child in children):
                order.setdefault(child.pid, child)
        return tuple(order.values())

    def ties(self, identities: Iterable[ProcessIdentity]) -> dict[int, frozenset[Tie]]:
        """What ties each to the person."""
        return self.ties_of(tuple(each.pid for each in identities))

    def ties_of(self, pids: tuple[int, ...]) -> dict[int, frozenset[Tie]]:
        """Likewise, for processes that a scan has just shown."""
        return {pid: self._tie(pid) for pid in pids}

    def send(self, identity: ProcessIdentity, sign: Sign) -> None:
        """By psutil's own names for it."""
        self._ask(identity, lambda process: getattr(process, _ACTS[sign])())

    def is_stopped(self, identity: ProcessIdentity) -> bool:
        """Whether it is stopped, or all its threads are."""
        status = self._ask(identity, lambda process: process.status())
        return bool(status == psutil.STATUS_STOPPED)

    def nice(self, identity: ProcessIdentity) -> int:
        """Its nice value."""
        return int(self._ask(identity, lambda process: process.nice()))

    def set_nice(self, identity: ProcessIdentity, nice: int) -> None:
        """Set it."""
        try:
            self._ask(identity, lambda process: process.nice(nice))
        except AccessRefused as refused:
            if self._nice_returns:
                raise
            raise OneWay(str(refused)) from refused

    def may_lower_nice(self) -> bool:
        """Whether a raised value can be taken back."""
        return self._nice_returns

    def may_set_nice(self, identity: ProcessIdentity, nice: int) -> bool:
        """Likewise: limits of single processes are not known here."""
        del identity, nice
        return self._nice_returns

    def io_priority(self, identity: ProcessIdentity) -> IoPriority:
        """Class 3 for the platform's lowest, else its own number as a level of class 2."""
        own = int(self._ask(identity, lambda process: process.ionice()))
        return IO_IDLE if own == self._io_idle else IoPriority(_BEST_EFFORT, own)

    def set_io_priority(self, identity: ProcessIdentity, priority: IoPriority) -> None:
        """Likewise."""
        own = self._io_idle if priority == IO_IDLE else priority.level
        if own is None:
            raise AccessRefused("this system has no I/O class")
        self._ask(identity, lambda process: process.ionice(own))

    def session(self, identity: ProcessIdentity) -> int:
        """Nobody is scheduled by session here."""
        del identity
        return 0

    def session_members(self, session: int) -> frozenset[int]:
        """Nobody is scheduled by session here."""
        del session
        return frozenset()

    def autogroup_why_not(self, identity: ProcessIdentity) -> str:
        """Only Linux has it."""
        del identity
        return "this system has no autogroup"

    def autogroup_nice(self, identity: ProcessIdentity) -> int:
        """Only Linux has it."""
        raise AccessRefused(self.autogroup_why_not(identity))

    def set_autogroup_nice(self, identity: ProcessIdentity, nice: int) -> None:
        """Only Linux has it."""
        del nice
        raise AccessRefused(self.autogroup_why_not(identity))

    def _tie(self, pid: int) -> frozenset[Tie]:
        try:
            return self._ties_of(self._system.Process(pid))
        except psutil.NoSuchProcess:
            return frozenset()
        except (psutil.Error, OSError):
            return frozenset({Tie.UNKNOWN})

    def _identity(self, pid: int) -> ProcessIdentity | None:
        try:
            process = self._system.Process(pid)
            started = start_ticks(process.create_time())
            if process.status() in _DEAD:
                return None
            return ProcessIdentity(pid=pid, start_ticks=started, exe=_exe(process))
        except psutil.Error:
            return None

    def _process(self, identity: ProcessIdentity) -> Any:
        """That very process; raises Gone."""
        try:
            process = self._system.Process(identity.pid)
            is_it = start_ticks(process.create_time()) == identity.start_ticks
            if is_it and process.status() not in _DEAD:
                return process
        except psutil.AccessDenied as error:
            raise AccessRefused(f"process {identity.pid} belongs to somebody else") from error
        except psutil.NoSuchProcess:
            pass
        raise Gone(f"process {identity.pid} has ended")

    def _ask(self, identity: ProcessIdentity, question: Callable[[Any], Answer]) -> Answer:
        process = self._process(identity)
        try:
            return question(process)
        except psutil.NoSuchProcess as error:
            raise Gone(f"process {identity.pid} has ended") from error
        except (psutil.AccessDenied, OSError, ValueError, AttributeError) as error:
            raise AccessRefused(f"process {identity.pid}: {error}") from error


def _exe(process: Any) -> str | None:
    try:
        return process.exe() or None
    except (psutil.Error, OSError):
        return None


def written_bytes(process: ProcessFacts) -> int | None:
    """What the process has written, None where the platform does not tell."""
    try:
        return int(psutil.Process(process.pid).io_counters().write_bytes)
    except (psutil.Error, OSError, AttributeError):
        return None

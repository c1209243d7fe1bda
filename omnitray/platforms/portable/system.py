"""What can be done to processes through psutil: ``protector.actuators.system.System``.

psutil checks the start time and then acts on the pid. A pidfd closes the window of microseconds
between the two on Linux (``platforms.linux``); here nothing does.
"""

import os
import time
from collections.abc import Callable, Iterable
from typing import Any, NoReturn, TypeVar

import psutil

from omnitray.base.facts import ProcessFacts, ProcessIdentity
from omnitray.platforms.portable.processes import (
    forget_terminals,
    nice_value,
    own_priority,
    session_of,
    start_ticks,
)
from omnitray.processes.process_roles import ShellJob, Tie
from omnitray.protector.actuators.system import (
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
_DELETED = " (deleted)"
_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")

Answer = TypeVar("Answer")
TiesOf = Callable[[Any], frozenset[Tie]]


class PsutilSystem:
    """``ties_of`` says what ties a process to the person.

    ``nice_returns`` says whether a raised nice value can be taken back: with privilege only, but
    on Windows, where any priority class of one's own processes can be set.
    """

    def __init__(
        self,
        ties_of: TiesOf | None = None,
        *,
        nice_returns: bool | None = None,
        system: Any = psutil,
    ) -> None:
        self._ties_of = ties_of or ties_without_display
        self._units = NoUnits("this platform has no units")
        if nice_returns is None:
            nice_returns = psutil.WINDOWS or os.geteuid() == 0
        self._nice_returns = nice_returns
        self._system = system

    @property
    def units(self) -> Units:
        """None."""
        return self._units

    @staticmethod
    def boot_id() -> str:
        """One name for all: start times are of the calendar here, so that no two boots share any.

        The moment of the boot would be none: it is worked out from the clock and moves with it.
        """
        return "by calendar"

    @staticmethod
    def wait(seconds: float) -> None:
        """Sleep for so many seconds."""
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
            try:
                children = self._ask(each, lambda process: process.children(recursive=True))
            except Gone:  # since it was looked for; what it left behind has another parent now
                order.pop(each.pid, None)
                continue
            for child in self.identify(child.pid for child in children):
                order.setdefault(child.pid, child)
        return tuple(order.values())

    def ties(self, identities: Iterable[ProcessIdentity]) -> dict[int, frozenset[Tie]]:
        """What ties each to the person."""
        return self.ties_of(tuple(each.pid for each in identities))

    def ties_of(self, pids: tuple[int, ...]) -> dict[int, frozenset[Tie]]:
        """The same for processes that a scan has just shown."""
        forget_terminals()
        return {pid: self._tie(pid) for pid in pids}

    def send(self, identity: ProcessIdentity, sign: Sign) -> None:
        """Act on that very process; anything but CONT only on the program that was decided about.

        On Windows TERM ends it without a question, as KILL does.
        """
        self._ask(identity, lambda process: self._act(process, identity, sign))

    @staticmethod
    def _act(process: Any, identity: ProcessIdentity, sign: Sign) -> None:
        now = identity.exe if sign is Sign.CONT else _exe(process)
        if now is not None and identity.exe is not None and not _same_program(now, identity.exe):
            raise AccessRefused(f"process {identity.pid} runs {now} now, not {identity.exe}")
        getattr(process, _ACTS[sign])()

    def is_stopped(self, identity: ProcessIdentity) -> bool:
        """Whether it is stopped, or all its threads are."""
        status = self._ask(identity, lambda process: process.status())
        return bool(status == psutil.STATUS_STOPPED)

    def nice(self, identity: ProcessIdentity) -> int:
        """The nice value of the process."""
        return nice_value(int(self._ask(identity, lambda process: process.nice())))

    def set_nice(self, identity: ProcessIdentity, nice: int) -> None:
        """Set the nice value of the process."""
        try:
            self._ask(identity, lambda process: process.nice(own_priority(nice)))
        except AccessRefused as refused:
            if self._nice_returns:
                raise
            raise OneWay(str(refused)) from refused

    def may_set_nice(self, identity: ProcessIdentity, nice: int) -> bool:
        """One answer for every process: limits of single ones are not known here."""
        del identity, nice
        return self._nice_returns

    def io_priority(self, identity: ProcessIdentity) -> NoReturn:
        """Refused: psutil has no I/O class that means the same everywhere."""
        raise AccessRefused(f"process {identity.pid}: this platform has no I/O class")

    def set_io_priority(self, identity: ProcessIdentity, priority: IoPriority) -> NoReturn:
        """Raises AccessRefused."""
        del priority
        self.io_priority(identity)

    def shell_job(self, identity: ProcessIdentity) -> ShellJob:
        """Not known here."""
        self._ask(identity, lambda process: process.pid)
        return ShellJob.NONE

    def session(self, identity: ProcessIdentity) -> int:
        """Its session's id; 0 where the system has none."""
        return self._ask(identity, lambda process: session_of(process.pid))

    def session_members(self, session: int) -> frozenset[int]:
        """Everything alive in the session."""
        if not session:
            return frozenset()
        pids = (pid for pid in self._system.pids() if session_of(pid) == session)
        return frozenset(each.pid for each in self.identify(pids))

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
            raise AccessRefused(f"process {identity.pid} belongs to another user") from error
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


def ties_without_display(process: Any) -> frozenset[Tie]:
    """What psutil can tell: a terminal's leader may be typed into, a display may be in use.

    Whether a process with a display in its environment has a window cannot be seen from outside,
    and what cannot be seen is UNKNOWN: such a process is never paused.
    """
    ties = set()
    if process.terminal() is not None and os.getpgid(process.pid) == process.pid:
        ties.add(Tie.TYPED_INTO)
    if any(process.environ().get(name) for name in _DISPLAYS):
        ties.add(Tie.UNKNOWN)
    return frozenset(ties)


def all_unknown(_process: Any) -> frozenset[Tie]:
    """Where every program may have windows: no process is paused."""
    return frozenset({Tie.UNKNOWN})


def _same_program(now: str, then: str) -> bool:
    """Whether the paths mean one program; Linux marks one whose file is gone."""
    return now.removesuffix(_DELETED) == then.removesuffix(_DELETED)


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

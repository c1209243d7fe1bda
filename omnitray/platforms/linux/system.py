"""What Linux can do to a process, each time to that very one.

A signal goes through a pidfd that was opened before the start time was read again, so it cannot
reach another process that got the pid. Priorities have no such door: the pidfd is held and the
identity checked right before, which leaves no time for the pid to be given to another process.
"""

import signal
import time
from collections.abc import Iterable
from pathlib import Path

from omnitray.base.dbus import PATIENCE_S, BlockingSessionBus, BusError
from omnitray.base.facts import ProcessIdentity
from omnitray.platforms.linux.foreground import Ties
from omnitray.platforms.linux.priority import Priorities
from omnitray.platforms.linux.proc import Proc
from omnitray.platforms.linux.units import UserUnits
from omnitray.processes.process_roles import Tie
from omnitray.protector.actuators.system import AccessRefused, Gone, Sign

_SIGNALS = {
    Sign.TERM: signal.SIGTERM,
    Sign.KILL: signal.SIGKILL,
    Sign.STOP: signal.SIGSTOP,
    Sign.CONT: signal.SIGCONT,
}


class LinuxSystem(Priorities):
    """The real system. Use it from one thread: it holds a connection to the session bus."""

    def __init__(self, root: Path = Path("/proc"), patience_s: float = PATIENCE_S) -> None:
        super().__init__(Proc(root), root)
        self._bus = BlockingSessionBus(patience_s)
        self._ties = Ties(self._owners, proc=root)
        self._units = UserUnits(self._bus, root, patience_s=patience_s)

    @property
    def units(self) -> UserUnits:
        """The user's own service manager."""
        return self._units

    def boot_id(self) -> str:
        """The kernel's name for this boot."""
        try:
            return (self._root / "sys/kernel/random/boot_id").read_text().strip()
        except OSError:
            return ""

    @staticmethod
    def wait(seconds: float) -> None:
        """Sleep."""
        time.sleep(seconds)

    def is_there(self, identity: ProcessIdentity) -> bool:
        """Whether that very process lives."""
        return self._proc.is_there(identity)

    def identify(self, pids: Iterable[int]) -> tuple[ProcessIdentity, ...]:
        """The identities of those pids that live."""
        return self._proc.identify(pids)

    def family(self, identities: Iterable[ProcessIdentity]) -> tuple[ProcessIdentity, ...]:
        """Those that live and their descendants."""
        return self._proc.family(identities)

    def ties(self, identities: Iterable[ProcessIdentity]) -> dict[int, frozenset[Tie]]:
        """What ties each to the person."""
        return self._ties.of(tuple(each.pid for each in identities))

    def ties_of(self, pids: tuple[int, ...]) -> dict[int, frozenset[Tie]]:
        """The same for processes that a scan has just shown."""
        return self._ties.of(pids)

    def send(self, identity: ProcessIdentity, sign: Sign) -> None:
        """Send under a pidfd; anything but CONT only to the program that was decided about."""
        with self._proc.held(identity) as pidfd:
            if sign is not Sign.CONT:
                self._proc.require_program(identity)
            try:
                signal.pidfd_send_signal(pidfd, _SIGNALS[sign])
            except ProcessLookupError as error:
                raise Gone(f"process {identity.pid} has ended") from error
            except PermissionError as error:
                raise AccessRefused(f"process {identity.pid} belongs to another user") from error

    def is_stopped(self, identity: ProcessIdentity) -> bool:
        """Whether a signal has stopped it, or will as soon as it comes back from the kernel."""
        state = self._proc.require(identity).state
        return state == "T" or self._proc.is_told_to_stop(identity) or self._proc.stops(identity)

    def session(self, identity: ProcessIdentity) -> int:
        """Its session's id."""
        return self._proc.require(identity).session

    def session_members(self, session: int) -> frozenset[int]:
        """Everything alive in the session."""
        return self._proc.session_members(session)

    def close(self) -> None:
        """Close the connection to the bus."""
        self._bus.close()

    def _owners(self) -> frozenset[int]:
        try:
            return self._bus.name_owners()
        except BusError:
            return frozenset()  # without a bus no process has a name on it

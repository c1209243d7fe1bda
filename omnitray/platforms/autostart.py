"""Starting at login, and running headless as a service of this user: what a platform can do.

Every answer about starting at login is read from the disk (or the registry); nothing is cached.
"""

import subprocess
from collections.abc import Callable, Sequence
from typing import NoReturn, Protocol

import msgspec

COMMAND_S = 30.0


class AutostartError(OSError):
    """It could not be changed; the text is one sentence for a person."""


class Autostart(Protocol):
    """Starts the program at login, or not."""

    def is_enabled(self) -> bool:
        """Whether the session would start us; False when it cannot be read."""
        ...

    def enable(self) -> None:
        """Start at login from now on; raises AutostartError."""
        ...

    def disable(self) -> None:
        """Do not start at login any more; raises AutostartError. Idempotent."""
        ...

    def heal(self) -> bool:
        """Repair an entry whose program is no longer there; True when it was repaired."""
        ...


class NoAutostart:
    """An :class:`Autostart` for a platform without one."""

    def is_enabled(self) -> bool:
        """Always False."""
        return False

    def enable(self) -> NoReturn:
        """Raises AutostartError."""
        raise AutostartError("this platform has no start at login")

    def disable(self) -> None:
        """Does nothing."""

    def heal(self) -> bool:
        """Always False."""
        return False


class ServiceReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was done or found, a phrase each; ``works`` False when a step failed."""

    works: bool = True
    done: tuple[str, ...] = ()


class Service(Protocol):
    """The service of this user."""

    def install(self) -> ServiceReport:
        """Write, enable and start it."""
        ...

    def remove(self) -> ServiceReport:
        """Stop, disable and remove it."""
        ...

    def status(self) -> ServiceReport:
        """Whether it is there and runs."""
        ...

    def is_installed(self) -> bool:
        """Whether it is there, running or not."""
        ...


class Ran(msgspec.Struct, frozen=True):
    """What a command said."""

    works: bool
    said: str


Runner = Callable[[Sequence[str]], Ran]


def run(command: Sequence[str]) -> Ran:
    """Run a command of the system; its first line of output."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=COMMAND_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Ran(works=False, said=f"{command[0]}: {error}")
    said = (done.stdout.strip() or done.stderr.strip()).partition("\n")[0]
    return Ran(works=done.returncode == 0, said=said)


def report(steps: Sequence[tuple[str, Ran]]) -> ServiceReport:
    """One phrase for each step; a step that failed says why."""
    phrases = tuple(
        phrase if ran.works else f"{phrase}: failed ({ran.said})" for phrase, ran in steps
    )
    return ServiceReport(works=all(ran.works for _, ran in steps), done=phrases)


class NoService:
    """A :class:`Service` for a platform without one."""

    _REPORT = ServiceReport(works=False, done=("this platform has no services of a user",))

    def install(self) -> ServiceReport:
        """A report that there are no services here."""
        return self._REPORT

    def remove(self) -> ServiceReport:
        """A report that there are no services here."""
        return self._REPORT

    def status(self) -> ServiceReport:
        """A report that there are no services here."""
        return self._REPORT

    def is_installed(self) -> bool:
        """Always False."""
        return False

"""Starting at login, running as a service of this user, the entry in the menu of programs.

What each platform's version can do.

Every answer about starting at login is read from the disk (or the registry); nothing is cached.

Desktops find a program's name and icon by the menu entry: in the menu, in the task bar, beside its
notifications. A distribution's package brings it along; after an installation by pip or pipx it is
written at the first start.
"""

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn, Protocol

import msgspec

from omnitray.base.durable import StorageError, make_folder, write_atomic

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


def write_entry(file: Path, content: bytes) -> None:
    """The file by which a session starts us; raises AutostartError."""
    try:
        make_folder(file.parent)
        write_atomic(file, content, follow=True)
    except StorageError as error:
        raise AutostartError(str(error)) from error


def remove_entry(file: Path) -> None:
    """It may be gone already; raises AutostartError."""
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        raise AutostartError(f"{file} cannot be removed: {error.strerror}") from error


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


class MenuEntry(Protocol):
    """The entry of this user."""

    def ensure(self) -> bool:
        """Write what is missing or out of date; True when something was. May raise OSError."""
        ...

    def present(self) -> tuple[Path, ...]:
        """The files that we have written and that are there."""
        ...

    def remove(self) -> tuple[Path, ...]:
        """Take them away; which they were. May raise OSError."""
        ...


class NoMenuEntry:
    """A :class:`MenuEntry` for a platform whose installer makes it."""

    def ensure(self) -> bool:
        """There is nothing to write."""
        return False

    def present(self) -> tuple[Path, ...]:
        """There is none."""
        return ()

    def remove(self) -> tuple[Path, ...]:
        """There is nothing to remove."""
        return ()

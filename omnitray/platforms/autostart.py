"""Starting at login: what each platform's version can do.

Every answer is read from the disk (or the registry); nothing is cached.
"""

from typing import NoReturn, Protocol


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
        """Never."""
        return False

    def enable(self) -> NoReturn:
        """Refused."""
        raise AutostartError("this platform has no start at login")

    def disable(self) -> None:
        """There is nothing to remove."""

    def heal(self) -> bool:
        """There is nothing to repair."""
        return False

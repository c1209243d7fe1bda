"""Starting at login: what each platform's version can do.

The truth is what stands on the disk (or in the registry), re-read each time; nothing is cached.
"""

from typing import Protocol


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

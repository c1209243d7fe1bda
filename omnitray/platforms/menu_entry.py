"""The entry in the desktop's menu of programs, with its icons: what each platform's version can do.

Desktops find a program's name and icon by it: in the menu, in the task bar, beside its
notifications. A distribution's package brings it along; after an installation by pip or pipx it is
written at the first start.
"""

from pathlib import Path
from typing import Protocol


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

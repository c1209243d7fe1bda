"""The one place where the running program's own process finds itself.

The program calls :func:`serve` with its facade when it is up and :func:`leave` when it stops; the
Python API looks here first and then needs no socket. Module state on purpose: the functions of
the Python API take no argument that could carry it.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from omnitray.api.facade import AppFacade

_doors: list["AppFacade"] = []


def serve(door: "AppFacade") -> None:
    """From now on the Python API of this process reaches this program directly."""
    _doors[:] = [door]


def leave() -> None:
    """Withdraw the facade."""
    _doors.clear()


def door() -> "AppFacade | None":
    """The program that runs in this process."""
    return _doors[0] if _doors else None

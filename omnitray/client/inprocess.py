"""The one place where the running program's own process finds itself.

The program calls :func:`serve` with its facade when it is up and :func:`leave` when it stops; the
Python API looks here first and then needs no socket. Module state on purpose: the functions of
the Python API take no argument that could carry it.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from omnitray.api.bodies import InstanceIdentity
    from omnitray.api.facade import AppFacade

_served: list["tuple[AppFacade, InstanceIdentity]"] = []


def serve(program: "AppFacade", identity: "InstanceIdentity") -> None:
    """From now on the Python API of this process reaches this program directly."""
    _served[:] = [(program, identity)]


def leave() -> None:
    """Withdraw the facade."""
    _served.clear()


def served() -> "tuple[AppFacade, InstanceIdentity] | None":
    """The program that runs in this process."""
    return _served[0] if _served else None

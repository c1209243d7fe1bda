"""``api.json``: where the running instance answers, and the token that opens it.

Written with 0600 into a folder of 0700, replaced at once, removed by its owner. Whether an
instance runs is asked at the port (``client.http``), not derived from process id or clock: in
another PID namespace, after a step of the clock or a resume they say nothing.

The run folder depends on the environment (``XDG_RUNTIME_DIR``, ``TMPDIR``, a ``/run/user`` that
appears later); the data folder does not. So the instance writes down in the data folder which run
folder it uses, and who does not find it at his own looks there. In the run folder it writes down
of which data it is: a copy of both, made while it runs, does not lead to the instance of another
home.

In the running program's own process nothing is looked up: the program calls :func:`serve` with its
facade when it is up and :func:`leave` when it stops; the Python API looks here first and then needs
no socket. Module state on purpose: the functions of the Python API take no argument that could
carry it.
"""

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from omnitray.base.bounded import open_regular
from omnitray.base.durable import write_atomic
from omnitray.base.paths import Paths, own_folder

POINTER = "run-folder"
OF_DATA = "data-folder"
MAX_BYTES = 4096


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """What the file says; ``started`` is RFC 3339."""

    url: str
    token: str
    pid: int
    started: str

    def __repr__(self) -> str:
        """Without the token: this may reach a log."""
        return f"Address(url={self.url!r}, pid={self.pid}, started={self.started!r})"


def write_address(path: Path, address: Address) -> None:
    """Put the file there, private from its first byte; raises OSError or StorageError."""
    own_folder(path.parent)
    write_atomic(path, msgspec.json.encode(address))


def write_pointer(paths: Paths) -> None:
    """Write down in the data and in the run folder which the other is; raises StorageError."""
    for place, leads_to in ((paths.data / POINTER, paths.run), (paths.run / OF_DATA, paths.data)):
        if _path_in(place) != leads_to:
            write_atomic(place, os.fsencode(leads_to))


def addresses(paths: Paths) -> list[Address]:
    """Where an instance may answer, the likeliest first."""
    folders = (each for each in run_folders(paths) if not _is_of_other_data(each, paths.data))
    found = (read_address(folder / paths.api_file.name) for folder in folders)
    return [each for each in found if each is not None]


def run_folders(paths: Paths) -> tuple[Path, ...]:
    """Where an instance of these data may have its socket."""
    return tuple(dict.fromkeys((paths.run, _path_in(paths.data / POINTER) or paths.run)))


def _is_of_other_data(run: Path, data: Path) -> bool:
    """Whether a run folder is that of an instance with other data, which are there."""
    named = _path_in(run / OF_DATA)
    if named is None or named == data:
        return False
    try:
        return not named.samefile(data)
    except OSError:
        return False  # the home was moved, or is another one in this namespace


def _path_in(place: Path) -> Path | None:
    try:
        with os.fdopen(open_regular(place, follow=False), "rb") as file:
            content = file.read(MAX_BYTES)
    except OSError:
        return None
    return Path(os.fsdecode(content)) if content else None


def read_address(path: Path) -> Address | None:
    """What the file says; None when there is none or it is not to trust."""
    return _read(path)


def remove_address(path: Path, token: str) -> None:
    """Take the file away if it is still ours: it holds our token."""
    address = _read(path)
    if address is not None and address.token == token:
        with contextlib.suppress(OSError):
            path.unlink()


def _read(path: Path) -> Address | None:
    try:
        handle = open_regular(path, follow=False)
        try:
            if _is_foreign(os.fstat(handle)):
                return None
            return msgspec.json.decode(os.read(handle, MAX_BYTES), type=Address)
        finally:
            os.close(handle)
    except (OSError, msgspec.DecodeError, UnicodeError):
        return None


def _is_foreign(found: os.stat_result) -> bool:
    """The file of another user would receive our requests."""
    if not hasattr(os, "getuid"):
        return False
    return found.st_uid != os.getuid()


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

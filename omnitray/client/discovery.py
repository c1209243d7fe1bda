"""``api.json``: where the running instance answers, and the token that opens it.

Written with 0600 into a folder of 0700, replaced at once, removed by its owner. A file whose
process is gone, or whose process id now belongs to a younger process, is stale and counts as none.
"""

import contextlib
import datetime as dt
import os
from pathlib import Path

import msgspec

from omnitray.base.bounded import open_regular
from omnitray.base.paths import own_folder

PRIVATE = 0o600
SLACK_S = 2.0  # the kernel's boot time is told in whole seconds
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
    """Put the file there, private from its first byte."""
    own_folder(path.parent)
    draft = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    handle = os.open(draft, flags, PRIVATE)
    try:
        try:
            os.write(handle, msgspec.json.encode(address))
            os.fsync(handle)
        finally:
            os.close(handle)
        draft.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise


def read_address(path: Path) -> Address | None:
    """The address of an instance that runs; None when there is none or the file is not to trust."""
    address = _read(path)
    return address if address is not None and _alive(address) else None


def remove_address(path: Path, pid: int) -> None:
    """Take the file away if it is still ours."""
    address = _read(path)
    if address is not None and address.pid == pid:
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
    """Somebody else's address would be given our requests."""
    if not hasattr(os, "getuid"):
        return False
    return found.st_uid != os.getuid()


def _alive(address: Address) -> bool:
    try:
        os.kill(address.pid, 0)
    except (OSError, OverflowError):
        return False
    born = born_at(address.pid)
    try:
        started = dt.datetime.fromisoformat(address.started).timestamp()
    except ValueError:
        return False
    return born is None or born <= started + SLACK_S


def born_at(pid: int) -> float | None:
    """When a process started (wall clock); None where the kernel does not say so in ``/proc``.

    Field 22 of ``/proc/PID/stat`` is ticks since boot, see proc(5).
    """
    try:
        ticks = int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[19])
        boot = Path("/proc/stat").read_text().partition("btime ")[2].split(None, 1)[0]
    except (OSError, ValueError, IndexError):
        return None
    return int(boot) + ticks / os.sysconf("SC_CLK_TCK")

"""The folder of a run, where its processes leave each other notes: timed-out tests, the server."""

import contextlib
import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from omnitray.base.durable import make_folder
from omnitray.pytest_plugin.reporter import FAULTS


def own_marks(above: Path) -> Path:
    """A folder for this process; removes those of processes that were killed, with their server.

    Where the state folder cannot be written, it is a temporary one.
    """
    try:
        make_folder(above)
    except FAULTS:
        return Path(tempfile.mkdtemp(prefix="omnitray-run-"))
    for folder in above.iterdir():
        if folder.name.isdecimal() and not Path(f"/proc/{folder.name}").exists():
            _end_server_of(folder)
            shutil.rmtree(folder, ignore_errors=True)
    own = above / str(os.getpid())
    make_folder(own)
    return own


def _end_server_of(folder: Path) -> None:
    """A run that was killed leaves its server, and that has the port of the next run's."""
    if (folder / "servers.json").exists():
        from omnitray.servers.local import end_left  # noqa: PLC0415 - only where one was left

        with contextlib.suppress(*FAULTS):
            end_left(folder)


def mark_of(marks: Path, nodeid: str) -> Path:
    """Where the processes of a run note that a test timed out."""
    name = nodeid.encode(errors="surrogatepass")
    return marks / hashlib.blake2b(name, digest_size=12).hexdigest()

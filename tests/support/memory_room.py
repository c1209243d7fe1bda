"""A small machine within this one: a cgroup whose memory limit stands for all the memory there is.

What runs in it can use up no more than that, and OmniTray, started in it, takes the limit for the
machine's: its default limits mean something, whatever others use meanwhile.
"""

import os
from pathlib import Path

import pytest

from support.desktop import tool, wait_until

_CGROUPS = Path("/sys/fs/cgroup")
_ENDS_WITHIN_S = 30.0


class MemoryRoom:
    """So many bytes; everything in it has to be ended before :meth:`end`."""

    def __init__(self, size_bytes: int) -> None:
        is_old = (_CGROUPS / "memory").is_dir()
        above = _CGROUPS / "memory" if is_old else _CGROUPS
        limit = "memory.limit_in_bytes" if is_old else "memory.max"
        self._folder = above / f"small-machine-{os.getpid()}"
        try:
            self._folder.mkdir()
            (self._folder / limit).write_text(str(size_bytes))
        except OSError as refused:
            pytest.skip(f"a memory limit of its own needs root and the controller: {refused}")
        entering = f'echo $$ > {self._folder}/cgroup.procs && exec "$@"'
        self.prefix = (tool("sh"), "-c", entering, "sh")

    def end(self) -> None:
        """Take it away once it is empty."""
        wait_until(self._is_empty, "everything in the room has ended", timeout_s=_ENDS_WITHIN_S)
        self._folder.rmdir()

    def _is_empty(self) -> bool:
        return not (self._folder / "cgroup.procs").read_text()

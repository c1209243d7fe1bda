"""One keeper a folder: a lock that ends with the process that holds it."""

import contextlib
import importlib
import importlib.util
import os
from pathlib import Path
from typing import Any

from omnitray.base.durable import CANNOT, open_owned

LOCK_NAME = ".lock"


class FolderLock:
    """``flock`` on a file in the folder; a file system that cannot lock gives it to everybody.

    There, that only one program of a person runs is what keeps two keepers apart.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK_NAME
        self._handle: int | None = None

    def acquire(self) -> bool:
        """Take it, or hold it further; False while another process or object has it."""
        if self._handle is not None:
            return True
        flags = os.O_RDWR | os.O_CREAT
        try:
            handle = open_owned(self._path, flags, follow=False)
        except OSError:
            return False
        if not _flock(handle):
            os.close(handle)
            return False
        self._handle = handle
        return True

    def release(self) -> None:
        """Give it back."""
        if self._handle is not None:
            with contextlib.suppress(OSError):  # closed all the same, see close(2)
                os.close(self._handle)
            self._handle = None


def _flock(handle: int) -> bool:
    if importlib.util.find_spec("fcntl") is None:
        return True
    fcntl: Any = importlib.import_module("fcntl")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno in CANNOT
    return True

"""This process itself on Windows: a lock on the first byte of a file. Never run there yet."""

import importlib
from typing import Any


def lock_file(descriptor: int, *, msvcrt: Any = None) -> bool:
    """Take an exclusive lock that the system drops with the process; False when it is taken."""
    locking = msvcrt or importlib.import_module("msvcrt")
    try:
        locking.locking(descriptor, locking.LK_NBLCK, 1)
    except OSError:
        return False
    return True

"""This process itself, where POSIX or the C library of Windows says how: a lock, a priority."""

import importlib
import os


def lock_file(descriptor: int) -> bool:
    """Take an exclusive lock that the kernel drops with the process; False when it is taken.

    ``flock`` where there is POSIX, else a lock on the file's first byte by ``msvcrt``.
    """
    try:
        fcntl = importlib.import_module("fcntl")
    except ImportError:
        return _lock_first_byte(descriptor)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lock_first_byte(descriptor: int) -> bool:
    msvcrt = importlib.import_module("msvcrt")
    try:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    except OSError:
        return False
    return True


def keep_own_priority() -> str | None:
    """Return to nice 0 where that is allowed; a sentence where it is not.

    Started at a lower priority (by a desktop's autostart, or from a shell that was), the program
    would stall just when it is needed. An unprivileged process cannot raise itself.
    """
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    if nice <= 0:
        return None
    try:
        os.setpriority(os.PRIO_PROCESS, 0, 0)
    except PermissionError:
        return f"started at priority {nice}, which only an administrator can raise again"
    return None

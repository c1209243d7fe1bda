"""This process itself, where there is POSIX: an advisory lock."""

import fcntl


def lock_file(descriptor: int) -> bool:
    """Take an exclusive lock that the kernel drops with the process; False when it is taken."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

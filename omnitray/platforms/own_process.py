"""This process itself, where POSIX says how: its priority."""

import os


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

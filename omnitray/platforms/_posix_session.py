"""Our own place among the processes, where there is POSIX."""

import os


def keep_own_priority() -> str | None:
    """Stay as responsive as the session lets us; a sentence where we are slowed down already.

    Started at a lower priority (by a desktop's autostart, or from a shell that was), the program
    would stall just when it is needed. An unprivileged process cannot raise itself, so it says so;
    it never lowers itself.
    """
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    if nice <= 0:
        return None
    try:
        os.setpriority(os.PRIO_PROCESS, 0, 0)
    except PermissionError:
        return f"started at priority {nice}, which only an administrator can raise again"
    return None

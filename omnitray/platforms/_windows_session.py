"""The session on Windows, and our own place in it. Never run there yet."""

import os
from collections.abc import Mapping
from typing import Any

import psutil

_SLOWED_DOWN = ("BELOW_NORMAL_PRIORITY_CLASS", "IDLE_PRIORITY_CLASS")


def has_display(environment: Mapping[str, str] = os.environ) -> bool:
    """Services and logins by ssh have no desktop."""
    return environment.get("SESSIONNAME", "Console") != "Services" and (
        "SSH_CONNECTION" not in environment
    )


def keep_own_priority(*, system: Any = psutil) -> str | None:
    """Back to normal, where we were started below it; a sentence where that is refused.

    The task scheduler starts at a priority below normal: such a monitor freezes under load.
    """
    own = system.Process()
    try:
        if own.nice() in {getattr(system, name) for name in _SLOWED_DOWN}:
            own.nice(system.NORMAL_PRIORITY_CLASS)
    except psutil.Error as error:
        return f"started below normal priority, which cannot be raised: {error}"
    return None

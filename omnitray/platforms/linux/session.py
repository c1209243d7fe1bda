"""The graphical session on Linux."""

import os
from collections.abc import Mapping

_SCREENS = ("WAYLAND_DISPLAY", "DISPLAY")


def has_display(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether there is a screen to show something on."""
    return any(environment.get(name) for name in _SCREENS)

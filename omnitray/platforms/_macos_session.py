"""The graphical session on macOS. Never run there yet."""

import os
from collections.abc import Mapping


def has_display(environment: Mapping[str, str] = os.environ) -> bool:
    """A login over the network has no window server."""
    return "SSH_CONNECTION" not in environment

"""``run/metrics.token``: opens ``/metrics`` and nothing else, and stays the same over restarts.

The run folder may go with the session; so the token is kept in the data folder as well.
"""

import base64
import os
from pathlib import Path

from omnitray.base.bounded import read_bounded
from omnitray.base.durable import write_atomic
from omnitray.base.paths import Paths

NAME = "metrics.token"
_BYTES = 32
_MOST_BYTES = 200


def metrics_token(paths: Paths) -> str:
    """The token, made at the first time; raises OSError, StorageError when it cannot be written."""
    places = (paths.run / NAME, paths.data / NAME)
    token = next((found for place in places if (found := _read(place))), "")
    if not token:
        token = base64.urlsafe_b64encode(os.urandom(_BYTES)).rstrip(b"=").decode()
    for place in places:
        if _read(place) != token:
            write_atomic(place, f"{token}\n".encode())
    return token


def _read(path: Path) -> str:
    try:
        return read_bounded(path, _MOST_BYTES, follow=False).decode("ascii").strip()
    except (OSError, ValueError):
        return ""

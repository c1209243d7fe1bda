"""Pauses in a small file, so that they survive the program."""

import logging
from pathlib import Path

from omnitray.base.durable import make_folder, write_atomic

log = logging.getLogger(__name__)


class SilenceFile:
    """A :class:`~omnitray.alerts.silences.SilenceMemory` at a path."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> bytes | None:
        """What was saved last; None where nothing was or it cannot be read."""
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            log.warning("the remembered pauses cannot be read: %s", error)
            return None

    def save(self, data: bytes) -> None:
        """Keep this instead; raises StorageError."""
        make_folder(self._path.parent)
        write_atomic(self._path, data)

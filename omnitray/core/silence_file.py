"""Pauses that outlive the program: one small file in the state folder."""

import logging
from pathlib import Path

from omnitray.core.durable import StorageError, write_atomic

log = logging.getLogger(__name__)


class SilenceFile:
    """A :class:`~omnitray.core.silences.SilenceMemory` on disk; losing it costs a pause."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> bytes | None:
        """What was saved last; None where there is nothing to be read."""
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            log.warning("pauses of notifications cannot be read: %s", error)
            return None

    def save(self, data: bytes) -> None:
        """Keep this instead; what cannot be kept holds until the program ends."""
        try:
            write_atomic(self._path, data)
        except StorageError as error:
            log.warning("pauses of notifications cannot be kept: %s", error)

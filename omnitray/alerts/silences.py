"""Pauses that the person asks for: of everything or of one alert, with an end.

They survive a restart through a :class:`SilenceMemory`. Within a run they are held against the
monotonic clock, so that setting the time neither ends nor prolongs them.
"""

import logging
from pathlib import Path
from typing import Protocol

import msgspec

from omnitray.alerts.decision import Reason
from omnitray.base.bounded import read_bounded
from omnitray.base.clock import Clock
from omnitray.base.durable import StorageError, make_folder, write_atomic

log = logging.getLogger(__name__)
EVERYTHING = ""
_MOST_BYTES = 1_000_000  # thousands of pauses


class Silence(msgspec.Struct, frozen=True, kw_only=True):
    """``fingerprint`` empty: all notifications. ``until`` is wall time in seconds."""

    fingerprint: str
    until: float
    duration_s: float


class SilenceMemory(Protocol):
    """Where silences outlive the program."""

    def load(self) -> bytes | None:
        """What was saved last, if anything."""
        ...

    def save(self, data: bytes) -> None:
        """Keep this instead."""
        ...


class ForgetfulMemory:
    """Keeps nothing: for tests and for a run without folders."""

    def load(self) -> bytes | None:
        """Nothing."""
        return None

    def save(self, data: bytes) -> None:
        """Nothing is kept."""


class Silences:
    """The silences in force."""

    def __init__(self, clock: Clock, memory: SilenceMemory) -> None:
        self._clock = clock
        self._memory = memory
        self._ends_m: dict[str, float] = {}
        self.fault = ""  # why the newest state is not saved, in a sentence
        self._known: dict[str, Silence] = {}
        for silence in self._remembered():
            # A clock that was set back must not make a pause longer than it was asked for.
            left_s = min(silence.until - clock.wall(), silence.duration_s)
            if left_s > 0:
                self._known[silence.fingerprint] = silence
                self._ends_m[silence.fingerprint] = clock.monotonic() + left_s

    def add(self, duration_s: float, fingerprint: str = EVERYTHING) -> float:
        """Pause; what comes back is the end in wall seconds."""
        until = self._clock.wall() + duration_s
        silence = Silence(fingerprint=fingerprint, until=until, duration_s=duration_s)
        self._known[fingerprint] = silence
        self._ends_m[fingerprint] = self._clock.monotonic() + duration_s
        self._save()
        return until

    def end(self, fingerprint: str) -> bool:
        """End one; False when there was none."""
        if self._ends_m.pop(fingerprint, None) is None:
            return False
        del self._known[fingerprint]
        self._save()
        return True

    def end_all(self) -> list[str]:
        """End all of them; the fingerprints concerned."""
        ended = list(self._ends_m)
        self._ends_m.clear()
        self._known.clear()
        if ended:
            self._save()
        return ended

    def take_expired(self, now_m: float) -> list[str]:
        """The fingerprints whose pause is over; they are forgotten then."""
        expired = [each for each, end_m in self._ends_m.items() if end_m <= now_m]
        for fingerprint in expired:
            del self._ends_m[fingerprint]
            del self._known[fingerprint]
        if expired:
            self._save()
        return expired

    def reason(self, fingerprint: str, now_m: float) -> Reason | None:
        """Why this alert is paused, if it is."""
        if self._ends_m.get(EVERYTHING, now_m) > now_m:
            return Reason.SNOOZED
        return Reason.SNOOZED_ALERT if self._ends_m.get(fingerprint, now_m) > now_m else None

    @property
    def all_until(self) -> float | None:
        """Until when everything is paused, in wall seconds."""
        silence = self._known.get(EVERYTHING)
        return silence.until if silence else None

    @property
    def next_m(self) -> float | None:
        """When the first one ends."""
        return min(self._ends_m.values(), default=None)

    def _remembered(self) -> list[Silence]:
        data = self._memory.load()
        if not data:
            return []
        try:
            return msgspec.json.decode(data, type=list[Silence])
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            log.warning("the remembered pauses are unreadable and forgotten: %s", error)
            return []

    def _save(self) -> None:
        try:
            self._memory.save(msgspec.json.encode(list(self._known.values())))
            self.fault = ""
        except StorageError as error:
            self.fault = f"{error}"
            log.warning("a pause holds only until the program ends: %s", error)


class SilenceFile:
    """A :class:`~omnitray.alerts.silences.SilenceMemory` at a path."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> bytes | None:
        """What was saved last; None where nothing was or it cannot be read."""
        try:
            return read_bounded(self._path, _MOST_BYTES)
        except FileNotFoundError:
            return None
        except OSError as error:
            log.warning("the remembered pauses cannot be read: %s", error)
            return None

    def save(self, data: bytes) -> None:
        """Keep this instead; raises StorageError."""
        make_folder(self._path.parent)
        write_atomic(self._path, data, follow=True)

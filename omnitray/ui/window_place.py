"""What the window remembers of itself: place, page, tables, and whether it said welcome.

No widgets: the tray reads it before there is a window.
"""

import logging
from pathlib import Path
from typing import Protocol

import msgspec

from omnitray.base.bounded import read_bounded

log = logging.getLogger(__name__)
_MOST_BYTES = 65_536


class TableState(msgspec.Struct, frozen=True, kw_only=True):
    """How the person has arranged a table; nothing in it is what the program would do itself.

    ``order`` has the logical columns from left to right. ``sort`` is a column, -1 for none.
    """

    widths: dict[int, float] = {}  # in widths of an M, by logical column
    order: tuple[int, ...] = ()
    sort: int = -1
    descending: bool = True


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """``geometry`` is Qt's own saved geometry in base64; empty means the default place.

    ``without_tray`` is what closing the window does where there is no tray: "background", "quit",
    or "" while the person has not been asked. ``tables`` is how each table was arranged.
    ``closed_notes`` are the notes that the person does not want to see again.
    """

    geometry: str = ""
    page: str = "overview"
    range_s: float = 300.0
    without_tray: str = ""
    tables: dict[str, TableState] = {}
    closed_notes: tuple[str, ...] = ()


class PlaceStore(Protocol):
    """Where a :class:`Place` is kept."""

    def load(self) -> Place:
        """The last place saved, or the default."""
        ...

    def save(self, place: Place) -> None:
        """Keep it; never raises."""
        ...


class NoPlaces:
    """Remembers within this run only."""

    def __init__(self) -> None:
        self._place = Place()

    def load(self) -> Place:
        """The last place saved in this run."""
        return self._place

    def save(self, place: Place) -> None:
        """Keep it in memory."""
        self._place = place


class FilePlaces:
    """A small JSON file. Losing it costs the window's place and nothing else: no fsync."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> Place:
        """The place in the file; the default where there is none or it cannot be read."""
        try:
            return msgspec.json.decode(read_bounded(self._path, _MOST_BYTES), type=Place)
        except FileNotFoundError:
            return Place()
        except (OSError, msgspec.DecodeError, ValueError) as fault:
            log.warning("The window's place could not be read: %s", fault)
            return Place()

    def save(self, place: Place) -> None:
        """Write beside, then rename; a fault is logged."""
        beside = self._path.with_suffix(".new")
        try:
            beside.write_bytes(msgspec.json.encode(place))
            beside.replace(self._path)
        except OSError as fault:
            log.warning("The window's place could not be kept: %s", fault)


class FirstStart:
    """Whether a person sees the program for the first time; ``kept`` is where that is noted.

    Who has settings knows the program already.
    """

    def __init__(self, kept: Path, settings_file: Path) -> None:
        self._kept = kept
        self._settings_file = settings_file

    def is_due(self) -> bool:
        """Whether the welcome was never shown; False where that cannot be known."""
        try:
            return not (self._kept.exists() or self._settings_file.exists())
        except OSError:
            return False

    def note(self) -> None:
        """It is shown now; a fault is logged, and it is shown once more at the next start."""
        try:
            self._kept.touch()
        except OSError as fault:
            log.warning("That the welcome was shown could not be kept: %s", fault)

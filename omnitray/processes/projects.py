"""Which project a folder belongs to: its git root, else the folder itself, as a person says it."""

from collections.abc import Callable
from pathlib import Path

_MOST = 1000  # folders remembered
_DEEPEST = 40


class Projects:
    """Answers from memory after the first time.

    ``is_remote`` says where looking may have to wait for another machine: such a folder is its own
    project, without a look.
    """

    def __init__(self, home: Path, is_remote: Callable[[str], bool]) -> None:
        self._home = home
        self._is_remote = is_remote
        self._known: dict[str, str | None] = {}

    def name(self, folder: str | None) -> str | None:
        """``~/shop``; None for the root folder and where nothing is known."""
        if not folder or folder == "/":
            return None
        if folder not in self._known:
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[folder] = self._short(self._root(folder))
        return self._known[folder]

    def _root(self, folder: str) -> Path:
        place = Path(folder)
        if self._is_remote(folder):
            return place
        for above in (place, *place.parents[:_DEEPEST]):
            # A repository of dot files in the home folder is not the project of all below it.
            if above == self._home and place != above:
                break
            if _is_repository(above):
                return above
        return place

    def _short(self, place: Path) -> str:
        if place == self._home:
            return "~"
        if place.is_relative_to(self._home):
            return f"~/{place.relative_to(self._home)}"
        return str(place)


def _is_repository(folder: Path) -> bool:
    try:
        return (folder / ".git").exists()  # a file in worktrees and submodules
    except OSError:
        return False

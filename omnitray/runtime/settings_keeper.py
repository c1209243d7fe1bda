"""Keeps the settings in force: loaded, changed by the person, taken up when the file changes."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
from PySide6.QtCore import QFileSystemWatcher, QObject, QTimer, Signal, Slot

from omnitray.base.durable import StorageError
from omnitray.base.policy import AlertPolicy
from omnitray.settings.check import set_value
from omnitray.settings.continuity import carry_over, without_table
from omnitray.settings.faults import Fault, Problem, shown
from omnitray.settings.file import (
    SERVER,
    WEBHOOK,
    Loaded,
    Stamp,
    line_of_table,
    load,
    remove_table,
    restore_tables,
    save,
    save_server,
    save_webhook,
    stamp_of,
)
from omnitray.settings.model import BY_KEY, Settings, value_of

log = logging.getLogger(__name__)
replace = msgspec.structs.replace

_THIS_RUN = "the change until OmniTray ends"
# Others write in steps (truncate, write, rename). Long beside the steps of one save, which follow
# each other as fast as the disk takes them; short for a person who waits to see the effect.
_QUIET_MS = 400
_AT_START = [key for key in BY_KEY if key.startswith("api.")]  # read once, when the program starts


class SettingsKeeper(QObject):
    """``changed(Loaded)`` whenever what is in force became different.

    What counts at the next start only is a problem of ``loaded`` until then.
    """

    changed = Signal(object)

    def __init__(self, path: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._path = path
        self.loaded: Loaded = load(path)
        self._started_with = self.loaded.settings
        self._seen: Stamp = self.loaded.stamp
        self._watcher = QFileSystemWatcher(self)
        self._watcher.directoryChanged.connect(self._on_touched)
        self._watcher.fileChanged.connect(self._on_touched)
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(_QUIET_MS)
        self._settle.timeout.connect(self.look)
        for problem in self.loaded.problems:
            log.warning("settings: %s", problem.sentence)

    def alert_policy(self) -> AlertPolicy:
        """What steers notifications now."""
        return self.loaded.settings.alert_policy()

    def in_force(self) -> tuple[dict[str, Any], dict[str, str]]:
        """The value of each key that counts now, and why those that may differ from the file do."""
        loaded = self.loaded
        values = {key: value_of(loaded.settings, key) for key in BY_KEY}
        values |= {key: value_of(self._started_with, key) for key in _AT_START}
        of_file = [each.fault for each in loaded.problems if each.key == "config.toml"]
        why = dict.fromkeys(loaded.kept, (*of_file, Fault.VANISHED)[0].value)
        return values, why | {p.key: p.fault.value for p in loaded.problems if p.key in BY_KEY}

    def declares(self, kind: str, name: str) -> str:
        """Where a ``[[server]]`` or ``[[webhook]]`` stands, for a sentence."""
        line = line_of_table(self._path, kind, name)
        where = f"line {line} of {self._path}" if line else f"{self._path}"
        return f"The {kind} {name} is declared in {where}"

    def watch(self) -> None:
        """Notice changes at once (and, by :meth:`look`, wherever the file system does not say)."""
        wanted = [str(path) for path in (self._path.parent, self._path) if path.exists()]
        watched = {*self._watcher.directories(), *self._watcher.files()}
        missing = [path for path in wanted if path not in watched]
        if missing:
            self._watcher.addPaths(missing)

    def stop(self) -> None:
        """Stop watching the file."""
        self._settle.stop()
        watched = [*self._watcher.directories(), *self._watcher.files()]
        if watched:
            self._watcher.removePaths(watched)

    @Slot()
    def look(self) -> None:
        """Take up the file once others have finished writing it; costs one stat."""
        self.watch()
        stamp = stamp_of(self._path)
        if stamp == self.loaded.stamp:
            self._seen = stamp
        elif stamp != self._seen:
            self._seen = stamp
            self._settle.start()
        elif not self._settle.isActive():
            found = carry_over(load(self._path), self.loaded)
            for problem in found.problems:
                log.warning("settings: %s", problem.sentence)
            self._take(found)

    def change(self, changes: Mapping[str, Any]) -> Problem | None:
        """Set and save; what cannot be saved holds until the end of the run and is a problem.

        A value that is not allowed changes nothing and comes back as the problem. What stays in
        force although it was removed from the file is written back.
        """
        try:
            restore_tables(self._path, self.loaded)
            saved = save(self._path, {**self._kept(), **changes})
        except (OSError, StorageError) as error:
            return self._only_in_memory(changes, _unsaved(f"{error}"))
        if isinstance(saved, Loaded):
            self._take(carry_over(saved, self.loaded, changes))
            return None
        if saved.fault in (Fault.BROKEN, Fault.UNREADABLE):
            return self._only_in_memory(changes, _unsaved(replace(saved, used="").sentence))
        return saved

    @Slot()
    def retry(self) -> None:
        """Save what counts for this run alone, because it could not be saved: there may be room."""
        if not any(each.fault is Fault.UNSAVED for each in self.loaded.problems):
            return
        kept = self._kept()
        try:
            restore_tables(self._path, self.loaded)
            saved = save(self._path, kept)
        except (OSError, StorageError):
            return  # it is a problem already
        if isinstance(saved, Loaded):
            log.info("settings: what could not be saved is saved now")
            self._take(carry_over(saved, self.loaded, kept))

    def change_server(self, server: Mapping[str, Any]) -> Problem | None:
        """Add a ``[[server]]``, or change fields of the one of that name, and save."""
        return self._change_file(lambda: save_server(self._path, server))

    def change_webhook(self, webhook: Mapping[str, Any]) -> Problem | None:
        """Add a ``[[webhook]]``, or change fields of the one of that name, and save."""
        return self._change_file(lambda: save_webhook(self._path, webhook))

    def remove_webhook(self, name: str) -> Problem | None:
        """Take a ``[[webhook]]`` out of the settings, and save."""
        return self._change_file(lambda: remove_table(self._path, WEBHOOK, name), (WEBHOOK, name))

    def remove_server(self, name: str) -> Problem | None:
        """Take a ``[[server]]`` out of what is in force and of the settings, and save."""
        return self._change_file(lambda: remove_table(self._path, SERVER, name), (SERVER, name))

    def _change_file(
        self, save_it: Callable[[], Loaded | Problem], removed: tuple[str, str] | None = None
    ) -> Problem | None:
        """Save; ``removed`` is the kind and the name of the table that this takes out."""
        kept = self._kept()
        try:
            restore_tables(self._path, self.loaded)
            if kept and self.loaded.kept_tables:  # the file is gone or empty: it is made again
                save(self._path, kept)
            saved = save_it()
        except (OSError, StorageError) as error:
            return _unsaved(f"{error}")
        if isinstance(saved, Problem):
            return saved
        if removed is None:
            self._take(carry_over(saved, self.loaded))
        else:
            self._take(carry_over(saved, without_table(self.loaded, *removed), removed[:1]))
        return None

    def _kept(self) -> dict[str, Any]:
        """What is in force although the file gives it no longer."""
        return {key: value_of(self.loaded.settings, key) for key in self.loaded.kept}

    def _only_in_memory(self, changes: Mapping[str, Any], why: Problem) -> Problem:
        settings = self.loaded.settings
        for key, value in changes.items():
            found = set_value(settings, key, value)
            if isinstance(found, Problem):
                return found
            settings = found
        log.warning("settings changed for this run only: %s", why.sentence)
        known = (each for each in self.loaded.problems if each.fault is not Fault.UNSAVED)
        problems = (*known, why)
        kept = self.loaded.kept | changes.keys()
        self._take(replace(self.loaded, settings=settings, problems=problems, kept=kept))
        return why

    def _take(self, found: Loaded) -> None:
        problems = (each for each in found.problems if each.fault is not Fault.LATER)
        found = replace(found, problems=(*problems, *self._later(found.settings)))
        if found != self.loaded:
            self.loaded = found
            self.changed.emit(found)

    def _later(self, settings: Settings) -> list[Problem]:
        """What the person has changed and must start OmniTray again for."""
        pairs = [
            (key, value_of(settings, key), value_of(self._started_with, key)) for key in _AT_START
        ]
        return [
            Problem(fault=Fault.LATER, key=key, found=shown(now), used=shown(before))
            for key, now, before in pairs
            if now != before
        ]

    @Slot()
    def _on_touched(self) -> None:
        self._seen = stamp_of(self._path)
        self._settle.start()


def _unsaved(why: str) -> Problem:
    return Problem(fault=Fault.UNSAVED, key="config.toml", hint=why, used=_THIS_RUN)


def sentences(problems: tuple[Problem, ...], most: int = 3) -> tuple[str, ...]:
    """The problems for the window, the first few in full."""
    shown = [problem.told() for problem in problems[:most]]
    if len(problems) > most:
        more = len(problems) - most
        noun = "problem" if more == 1 else "problems"
        shown.append(f"and {more} more {noun} in config.toml")
    return tuple(shown)

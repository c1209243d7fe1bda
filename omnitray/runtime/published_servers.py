"""Servers of test runs on the main thread: followed by their files, shown beside the watched ones.

They are the run's own: it starts them, raises their alerts and holds the level. Here they are only
looked at; a restart is handed on to the run.
"""

import logging
from pathlib import Path
from typing import Any

from PySide6.QtCore import QFileSystemWatcher, QObject, QTimer, Signal, Slot

from omnitray.base.paths import own_folder
from omnitray.servers.model import ServerView
from omnitray.servers.published import (
    PublishedServer,
    ask_to_restart,
    borrowings,
    moment_in_run,
    published,
)

log = logging.getLogger(__name__)

# A leader that is killed withdraws nothing: while there are any, they are looked after. 0.1 ms.
LEADERS_MS = 1000


class PublishedServers(QObject):
    """See the module. ``changed`` says one server's new view, ``removed`` that some are gone."""

    changed = Signal(object)  # ServerView
    removed = Signal()

    def __init__(self, folder: Path, parent: QObject) -> None:
        super().__init__(parent)
        self._folder = folder
        self._servers: tuple[PublishedServer, ...] = ()
        self._watcher = QFileSystemWatcher(self)
        self._watcher.directoryChanged.connect(self._look)
        self._leaders = QTimer(self, interval=LEADERS_MS)
        self._leaders.timeout.connect(self._look)

    def start(self) -> None:
        """Show those that are there, and follow them."""
        try:
            own_folder(self._folder)
        except OSError as error:
            log.warning("servers of test runs are not shown: %s", error)
            return
        self._watcher.addPath(str(self._folder))
        self._look()

    def stop(self) -> None:
        """Follow them no more."""
        self._leaders.stop()
        if watched := self._watcher.directories():
            self._watcher.removePaths(watched)

    def views(self) -> tuple[ServerView, ...]:
        """How they stand; on any thread."""
        return tuple(each.view for each in self._servers)

    def restart(self, name: str) -> ServerView:
        """Ask the run to restart it; raises OSError, and LookupError for an unknown name."""
        for each in self._servers:
            if each.view.name == name:
                ask_to_restart(self._folder, each)
                return each.view
        raise LookupError(name)

    def tests_at(self, server: str) -> tuple[str, dict[str, Any]]:
        """Which test of a run that borrows the server runs now, or ended last, in words and facts.

        Where several runs use it, the one that has a test running.
        """
        using = borrowings(self._folder, server)
        if not using:
            return "", {}
        one = max(using, key=lambda each: len(each.running))
        words, facts = moment_in_run(one.running, one.last)
        return words, {"run": one.run, "project": one.project, **facts}

    @Slot()
    def _look(self) -> None:
        before = {each.view.name: each.view for each in self._servers}
        self._servers = published(self._folder)
        now = {each.view.name: each.view for each in self._servers}
        for name, view in now.items():
            if before.get(name) != view:
                self.changed.emit(view)
        if before.keys() - now.keys():
            self.removed.emit()
        if not self._servers:
            self._leaders.stop()
        elif not self._leaders.isActive():
            self._leaders.start()

"""The live alert files: which there are, which go to the archive, and the cache over them.

Entries stand in the order in which they will be archived: what was stored in this run last, what
was found at the start by its last sight before that. So a wall clock that was set back never sends
a fresh alert to the archive.
"""

import contextlib
import os
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec

from omnitray.alerts.model import Alert
from omnitray.alerts.storage import files as alert_files
from omnitray.alerts.storage.archive import Archive, month_of
from omnitray.alerts.storage.files import (
    INDEX_NAME,
    FileMark,
    IndexEntry,
    encode_index,
    entry_of,
    mark_of,
    read_index,
)
from omnitray.base.bounded import NotRegularError, kind_of
from omnitray.base.durable import (
    StorageError,
    StorageFault,
    create_numbered,
    make_folder,
    set_aside,
    sweep,
    write_atomic,
)
from omnitray.base.paths import FolderLock
from omnitray.base.subscribers import OneShotReporter

_BATCH = 256  # alerts in memory while they are archived
_MOST_REFUSED = 1024  # looked at in one go before it is left for the next


class FolderScan(msgspec.Struct):
    """The sound alerts by id, those among them that had to be read, and what is not sound."""

    entries: dict[str, IndexEntry] = {}
    read: dict[str, Alert] = {}
    damaged: list[tuple[str, str]] = []  # file name and what is wrong with it
    foreign: list[tuple[str, str]] = []  # left alone: links, newer schemas, unreadable, doubles


def scan(folder: Path, known: Mapping[str, IndexEntry]) -> FolderScan:
    """Look through a folder; ``known`` is by file name. Raises OSError where there is none."""
    found = FolderScan()
    for name, mark in sorted(_marks(folder, found)):
        entry = known.get(name)
        if entry is not None and entry.mark == mark:
            _take(found, entry)
        else:
            _read(folder, name, mark, found)
    return found


def _marks(folder: Path, found: FolderScan) -> list[tuple[str, FileMark]]:
    marks = []
    with os.scandir(folder) as files:
        for file in files:
            if not alert_files.is_alert_name(file.name):
                continue
            try:
                status = file.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue  # archived by its keeper while we looked
            except OSError as error:
                found.foreign.append((file.name, error.strerror or "it cannot be looked at"))
                continue
            if kind := kind_of(status.st_mode):
                found.foreign.append((file.name, f"it is {kind}"))
            else:
                marks.append((file.name, mark_of(status)))
    return marks


def _read(folder: Path, name: str, mark: FileMark, found: FolderScan) -> None:
    try:
        alert = alert_files.read(folder / name)
    except alert_files.DamagedError as error:
        found.damaged.append((name, str(error)))
    except alert_files.FutureSchemaError as error:
        found.foreign.append((name, str(error)))
    except FileNotFoundError:
        pass  # archived by its keeper while we looked
    except OSError as error:
        found.foreign.append((name, error.strerror or "it cannot be read"))
    else:
        if _take(found, entry_of(alert, name, mark)):
            found.read[alert.id] = alert


def _take(found: FolderScan, entry: IndexEntry) -> bool:
    """Of two files with one id the later version counts."""
    other = found.entries.get(entry.id)
    if other is not None:
        older = min(other, entry, key=lambda each: (each.last_seen, each.mark.mtime_ns))
        found.foreign.append((older.file, "another file holds a later version of this alert"))
        if older is entry:
            return False
    found.entries[entry.id] = entry
    return True


class LiveAlertFiles:
    """The folder of live alerts. ``keep`` False: only add files, let others make order."""

    def __init__(self, folder: Path, live: int, sayings: OneShotReporter, *, keep: bool) -> None:
        self.folder = folder
        self.entries: dict[str, IndexEntry] = {}
        self._live = live
        self._sayings = sayings
        self._keep = keep
        self._lock = FolderLock(folder)
        # In the archive already, but the disk did not let the file go.
        self._kept_twice: dict[str, FileMark] = {}
        self._last_wanted: Path | None = None
        self._last_number = 0
        index = read_index(folder)
        archived = index.archive if index else ()
        self.archive = Archive(folder / "archive", folder / "quarantine", archived)
        self._indexed = index.alerts if index else None
        self._archived = archived

    def open(self, is_alive: Callable[[int], bool]) -> None:
        """Make the folder, sweep it, and learn what it holds."""
        with contextlib.suppress(StorageError):  # said when an alert cannot be written
            make_folder(self.folder)
        if self.is_keeper():
            sweep(self.folder, is_alive)
        if self._indexed:  # holds where the folder cannot be looked through
            self.entries = {each.id: each for each in self._indexed[::-1]}
        self.scan({each.file: each for each in self._indexed or ()})

    def close(self) -> None:
        """Let another process make order."""
        self._lock.release()

    def is_keeper(self) -> bool:
        """Whether this process makes order here (only one does)."""
        try:
            return self._keep and self._lock.acquire()
        except OSError:
            return False  # a folder that cannot be written keeps itself

    def write(self, alert: Alert) -> Path:
        """Write one file, not yet durable: the folder is to be synced after.

        Raises:
            StorageError: the disk refused.
        """
        try:
            return self._written(alert)
        except StorageError as error:
            if error.fault is not StorageFault.GONE:
                raise
        make_folder(self.folder)
        self._sayings.say("folder", f"{self.folder} had been removed and was made again")
        return self._written(alert)

    def write_surplus(self, fresh: list[Alert]) -> dict[str, Path]:
        """Of a flood all but the newest go straight to the archive: one write instead of many."""
        ordered = sorted(fresh, key=lambda each: each.state != "resolved")
        surplus = ordered[: max(0, len(fresh) - self._live)]
        if not surplus or not self.is_keeper():
            return {}
        try:
            return self.archive.append(surplus)
        except StorageError:
            return {}  # one by one, then: some may find room

    def trim(self, slack: int) -> None:
        """Move what is beyond the live number to the archive, once it is more than ``slack``.

        First the archive is durable, then the file goes: killed in between, the alert is in
        both, and the live one counts. A file goes only when what it holds is in the archive: one
        that cannot be read now (no descriptor, no memory, a fault of the disk) stays, and a younger
        one goes in its place. What is over goes before what is open: the next start learns from
        the live files alone what still holds.
        """
        surplus = len(self.entries) - self._live
        if surplus <= slack or not self.is_keeper():
            return
        oldest = deque(sorted(self.entries.values(), key=lambda each: each.state != "resolved"))
        refused = 0
        while surplus > 0 and oldest and refused < _MOST_REFUSED:
            batch = [oldest.popleft() for _ in range(min(surplus, _BATCH, len(oldest)))]
            gone = self._moved(batch)
            for entry in gone:
                del self.entries[entry.id]
            surplus -= len(gone)
            refused += len(batch) - len(gone)
        if not refused:
            self._sayings.over("unread", "every alert file can be read again")
            self._sayings.over("remove", "archived alert files can be removed again")

    def scan(self, known: dict[str, IndexEntry] | None = None) -> tuple[Alert, ...]:
        """Learn what the folder holds; the alerts that had to be read."""
        if known is None:
            known = {each.file: each for each in self.entries.values()}
        try:
            found = scan(self.folder, known)
        except (FileNotFoundError, NotADirectoryError):
            found = FolderScan()
        except OSError as error:  # no descriptor, a fault of the disk: what was known still holds
            self._sayings.say("scan", f"{self.folder} cannot be looked through: {error.strerror}")
            return ()
        self._sayings.over("scan", f"{self.folder} can be looked through again")
        self._sayings.say_each("an alert file is left alone", found.foreign)
        self._quarantine(found.damaged)
        kept = {id_: found.entries[id_] for id_ in self.entries if id_ in found.entries}
        added = [each for id_, each in found.entries.items() if id_ not in kept]
        added.sort(key=lambda each: each.last_seen)
        self.entries = kept | {each.id: each for each in added}
        return tuple(found.read.values())

    def write_index(self) -> None:
        """Write the cache, if it is not true any more."""
        if not self.is_keeper():
            return
        entries = tuple(sorted(self.entries.values(), key=lambda each: each.last_seen)[::-1])
        archived = tuple(self.archive.months())
        if (entries, archived) == (self._indexed, self._archived) and self._index_there():
            return
        with contextlib.suppress(StorageError):  # a cache; what matters is said elsewhere
            write_atomic(self.folder / INDEX_NAME, encode_index(entries, archived), sync=False)
            self._indexed, self._archived = entries, archived

    def _index_there(self) -> bool:
        return (self.folder / INDEX_NAME).exists()

    def _written(self, alert: Alert) -> Path:
        data = alert_files.encode(alert)
        entry = self.entries.get(alert.id)
        if entry is None:
            path = self._created(alert, data)
        else:
            path = self.folder / entry.file
            write_atomic(path, data, sync=False)
            del self.entries[alert.id]  # to become the last
        try:
            self.entries[alert.id] = entry_of(alert, path.name, mark_of(path.lstat()))
        except OSError as error:
            raise StorageError(path, error) from error
        return path

    def _created(self, alert: Alert, data: bytes) -> Path:
        wanted = self.folder / alert_files.file_name(alert)
        # In a flood thousands share a second: go on from the last number instead of from 2.
        first = self._last_number + 1 if wanted == self._last_wanted else 1
        path = create_numbered(wanted, data, sync=False, first=first)
        self._last_wanted = wanted
        self._last_number = int(path.stem.removeprefix(wanted.stem).removeprefix("_") or 1)
        return path

    def _moved(self, batch: list[IndexEntry]) -> list[IndexEntry]:
        """Archive a batch; those of it that are live no more."""
        gone: list[IndexEntry] = []
        read: dict[str, list[tuple[IndexEntry, Alert]]] = defaultdict(list)
        damaged: list[tuple[str, str]] = []
        foreign: list[tuple[str, str]] = []
        archived = [each for each in batch if self._kept_twice.get(each.id) == each.mark]
        for entry in (each for each in batch if each not in archived):
            try:
                alert = alert_files.read(self.folder / entry.file)
                read[month_of(alert)].append((entry, alert))
            except FileNotFoundError:
                gone.append(entry)
            except alert_files.DamagedError as error:
                damaged.append((entry.file, str(error)))
                gone.append(entry)
            except (alert_files.FutureSchemaError, NotRegularError, IsADirectoryError) as error:
                foreign.append((entry.file, getattr(error, "strerror", None) or str(error)))
                gone.append(entry)
            except (OSError, MemoryError) as error:
                self._unread(entry, error)
        self._quarantine(damaged)
        self._sayings.say_each("an alert file is left alone", foreign)
        for of_month in read.values():  # a month that cannot be written holds up no other
            with self._said(f"order:{of_month[0][0].first_seen[:7]}"):
                self.archive.append(alert for _, alert in of_month)
                archived += [entry for entry, _ in of_month]
        return gone + [entry for entry in archived if self._let_go(entry)]

    def _unread(self, entry: IndexEntry, error: OSError | MemoryError) -> None:
        why = getattr(error, "strerror", None) or "there is no memory"
        self._sayings.say(
            "unread", f"{entry.file} cannot be read now ({why}): it stays until it is archived"
        )

    def _let_go(self, entry: IndexEntry) -> bool:
        """Remove a file whose alert is archived; False where the disk refuses."""
        try:
            (self.folder / entry.file).unlink(missing_ok=True)
        except OSError as error:
            self._kept_twice[entry.id] = entry.mark
            self._sayings.say("remove", f"{entry.file} cannot be removed: {error.strerror}")
            return False
        self._kept_twice.pop(entry.id, None)
        return True

    def _quarantine(self, damaged: list[tuple[str, str]]) -> None:
        if not damaged or not self.is_keeper():
            return
        self._sayings.say_each("a damaged alert file was put into quarantine", damaged)
        for name, _ in damaged:
            with self._said():
                set_aside(self.folder / name, self.folder / "quarantine")

    @contextlib.contextmanager
    def _said(self, topic: str = "order") -> Iterator[None]:
        try:
            yield
        except (StorageError, OSError) as error:
            self._sayings.say(topic, f"the alert history cannot be kept in order: {error}")
        else:
            self._sayings.over(topic, "the alert history can be kept in order again")

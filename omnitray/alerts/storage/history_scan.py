"""What the folder really holds: the cache where it agrees, the files where it does not."""

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from omnitray.alerts.model import Alert
from omnitray.alerts.storage import files as alert_files
from omnitray.alerts.storage.alert_index import Entry, FileMark, entry_of, mark_of


class Scan(msgspec.Struct):
    """The sound alerts by id, those among them that had to be read, and what is not sound."""

    entries: dict[str, Entry] = {}
    read: dict[str, Alert] = {}
    damaged: list[tuple[str, str]] = []  # file name and what is wrong with it
    foreign: list[tuple[str, str]] = []  # left alone: links, newer schemas, unreadable, doubles


def scan(folder: Path, known: Mapping[str, Entry]) -> Scan:
    """Look through a folder; ``known`` is by file name. Raises OSError where there is none."""
    found = Scan()
    for name, mark in sorted(_marks(folder, found)):
        entry = known.get(name)
        if entry is not None and entry.mark == mark:
            _take(found, entry)
        else:
            _read(folder, name, mark, found)
    return found


def _marks(folder: Path, found: Scan) -> list[tuple[str, FileMark]]:
    marks = []
    with os.scandir(folder) as files:
        for file in files:
            if not alert_files.is_alert_name(file.name):
                continue
            if file.is_file(follow_symlinks=False):
                marks.append((file.name, mark_of(file.stat(follow_symlinks=False))))
            else:
                found.foreign.append((file.name, "it is not a regular file"))
    return marks


def _read(folder: Path, name: str, mark: FileMark, found: Scan) -> None:
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


def _take(found: Scan, entry: Entry) -> bool:
    """Of two files with one id the later version counts."""
    other = found.entries.get(entry.id)
    if other is not None:
        older = min(other, entry, key=lambda each: (each.last_seen, each.mark.mtime_ns))
        found.foreign.append((older.file, "another file holds a later version of this alert"))
        if older is entry:
            return False
    found.entries[entry.id] = entry
    return True

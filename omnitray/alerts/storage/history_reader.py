"""Answers over live files and archive, newest first; safe from any thread, never locks.

A reader works on a :class:`View` that the writer published. What has moved to the archive since is
found there; a version in a live file or in memory hides an archived one.
"""

import heapq
from collections.abc import Iterable
from pathlib import Path

import msgspec

from omnitray.alerts.model import Alert, timestamp
from omnitray.alerts.storage import files as alert_files
from omnitray.alerts.storage.alert_index import Entry
from omnitray.alerts.storage.archive import Archive, Head
from omnitray.alerts.storage.query import AlertQuery, fits


class View(msgspec.Struct, frozen=True):
    """What was live at one moment. ``unsaved`` are alerts that are in memory alone."""

    entries: dict[str, Entry] = {}
    unsaved: dict[str, Alert] = {}


class HistoryReader:
    """Reads what a history has written."""

    def __init__(self, folder: Path, archive: Archive) -> None:
        self._folder = folder
        self._archive = archive

    def query(self, view: View, query: AlertQuery) -> list[Alert]:
        """The page that was asked for.

        Memory is bounded by the page (``offset + limit`` alerts) and, a month at a time, by one
        small entry for each alert that matches; without a limit, by the answer.
        """
        if query.limit == 0:
            return []
        want = None if query.limit is None else query.offset + query.limit
        hidden = set(view.unsaved)
        found = [alert for alert in view.unsaved.values() if fits(alert, query)]
        found += self._live(view, query, want, hidden)
        for month in self._archive.months():
            found = _newest(found, want)
            if want is not None and len(found) >= want and found[-1].last_seen >= month.newest:
                break  # months come newest first: nothing further on can be newer
            if query.since is not None and month.newest < timestamp(query.since):
                break
            found += self._month(month.file, query, want, hidden)
        return _newest(found, want)[query.offset :]

    def get(self, view: View, id_: str) -> Alert | None:
        """One alert by its id."""
        if (unsaved := view.unsaved.get(id_)) is not None:
            return unsaved
        entry = view.entries.get(id_)
        if entry is not None and (alert := self.load(entry)) is not None:
            return alert
        archived = self._archive.find(id_)
        return archived[0] if archived else None

    def path_of(self, view: View, id_: str) -> Path | None:
        """The file that holds it: its own, or a month's archive."""
        if (entry := view.entries.get(id_)) is not None:
            return self._folder / entry.file
        if id_ in view.unsaved:
            return None
        archived = self._archive.find(id_)
        return archived[1] if archived else None

    def live(self, view: View, query: AlertQuery) -> list[Alert]:
        """Matching alerts that are not archived, newest first."""
        hidden = set(view.unsaved)
        found = [alert for alert in view.unsaved.values() if fits(alert, query)]
        return _newest(found + self._live(view, query, None, hidden), query.limit)

    def load(self, entry: Entry) -> Alert | None:
        """The alert of an entry; None where its file is gone, damaged or another's."""
        try:
            alert = alert_files.read(self._folder / entry.file)
        except (OSError, alert_files.DamagedError, alert_files.FutureSchemaError):
            return None
        return alert if alert.id == entry.id else None

    def _live(
        self, view: View, query: AlertQuery, want: int | None, hidden: set[str]
    ) -> list[Alert]:
        """Matching live alerts; ``hidden`` gets the ids whose archived versions are outdated."""
        entries = [each for id_, each in view.entries.items() if id_ not in hidden]
        hidden.update(view.entries)
        matching = sorted((each for each in entries if _may_fit(each, query)), key=_seen)[::-1]
        if want is not None and not query.text:
            matching = matching[:want]
        found = []
        for entry in matching:
            alert = self.load(entry)
            if alert is None:
                hidden.discard(entry.id)  # gone to the archive since the view was taken
            elif fits(alert, query):
                found.append(alert)
        return found

    def _month(
        self, file: str, query: AlertQuery, want: int | None, hidden: set[str]
    ) -> list[Alert]:
        if want is None or query.text:
            return _newest(self._read_through(file, query, hidden), want)
        matching: dict[str, tuple[str, int]] = {}  # id -> (last seen, line) of its latest version
        for number, head in self._archive.heads(file):
            if head.id not in hidden:
                matching.pop(head.id, None)
                if _may_fit(head, query):
                    matching[head.id] = (head.last_seen, number)
        chosen = {number for _, number in heapq.nlargest(want, matching.values())}
        return [alert for alert in self._archive.at(file, chosen) if fits(alert, query)]

    def _read_through(self, file: str, query: AlertQuery, hidden: set[str]) -> Iterable[Alert]:
        matching: dict[str, Alert] = {}
        for alert in self._archive.alerts(file):
            if alert.id not in hidden:
                matching.pop(alert.id, None)
                if fits(alert, query):
                    matching[alert.id] = alert
        return matching.values()


def _may_fit(entry: Entry | Head, query: AlertQuery) -> bool:
    """What an entry can tell about whether its alert fits: everything but the text."""
    if query.types and entry.type not in query.types:
        return False
    if query.severities and entry.severity not in query.severities:
        return False
    if query.states and entry.state not in query.states:
        return False
    # Stamps of one form sort as their times do, and comparing them costs nothing.
    after = query.since is None or entry.last_seen >= timestamp(query.since)
    return after and (query.until is None or entry.last_seen <= timestamp(query.until))


def _newest(alerts: Iterable[Alert], want: int | None) -> list[Alert]:
    if want is None:
        return sorted(alerts, key=_seen, reverse=True)
    return heapq.nlargest(want, alerts, key=_seen)


def _seen(each: Alert | Entry) -> tuple[str, str]:
    return each.last_seen, each.id

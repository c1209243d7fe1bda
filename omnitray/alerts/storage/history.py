"""The alert history: a file an alert, the newest 500 live, older ones in the archive.

``store()`` is durable on return; there are no threads here (``store.py`` has one). The truth is the
files. ``index.json`` is a cache over them, the entries in memory are another. One writer at a time
is the *keeper*: it archives, quarantines and writes the index; other processes only add files,
which ``refresh()`` picks up. What cannot be written stays in memory and is tried again by
``retry()``.

Which alerts that are in memory alone may go, where a disk refuses or hangs for long, says
:func:`bounded`. What the next start must know stays: an alert that is open, and one that is over
while its file still says that it is open. Of these the context and the message go first; all others
may go whole, the least severe and oldest first.

Files come under ``folder`` with the names of the design: ``alert_<epoch>_<type>.json``,
``index.json``, ``archive/``, ``quarantine/``. What else lies there is not touched.
"""

import heapq
import logging
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from omnitray.alerts.model import Alert
from omnitray.alerts.storage import files as alert_files
from omnitray.alerts.storage.archive import Archive, Head
from omnitray.alerts.storage.files import IndexEntry
from omnitray.alerts.storage.live_files import LiveAlertFiles
from omnitray.alerts.storage.query import AlertQuery, fits
from omnitray.base.amounts import context_removed
from omnitray.base.clock import Clock, timestamp
from omnitray.base.durable import StorageError, sync_folder
from omnitray.base.subscribers import OneShotReporter


class HistoryView(msgspec.Struct, frozen=True):
    """What was live at one moment. ``unsaved`` are alerts that are in memory alone."""

    entries: dict[str, IndexEntry] = {}
    unsaved: dict[str, Alert] = {}


class HistoryReader:
    """Reads what a history has written."""

    def __init__(self, folder: Path, archive: Archive) -> None:
        self._folder = folder
        self._archive = archive

    def query(self, view: HistoryView, query: AlertQuery) -> list[Alert]:
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

    def get(self, view: HistoryView, id_: str) -> Alert | None:
        """One alert by its id."""
        if (unsaved := view.unsaved.get(id_)) is not None:
            return unsaved
        entry = view.entries.get(id_)
        if entry is not None and (alert := self.load(entry)) is not None:
            return alert
        archived = self._archive.find(id_)
        return archived[0] if archived else None

    def path_of(self, view: HistoryView, id_: str) -> Path | None:
        """The file that holds it: its own, or a month's archive."""
        if (entry := view.entries.get(id_)) is not None:
            return self._folder / entry.file
        if id_ in view.unsaved:
            return None
        archived = self._archive.find(id_)
        return archived[1] if archived else None

    def live(self, view: HistoryView, query: AlertQuery) -> list[Alert]:
        """Matching alerts that are not archived, newest first."""
        hidden = set(view.unsaved)
        found = [alert for alert in view.unsaved.values() if fits(alert, query)]
        return _newest(found + self._live(view, query, None, hidden), query.limit)

    def load(self, entry: IndexEntry) -> Alert | None:
        """The alert of an entry; None where its file is gone, damaged or another's."""
        try:
            alert = alert_files.read(self._folder / entry.file)
        except (OSError, alert_files.DamagedError, alert_files.FutureSchemaError):
            return None
        return alert if alert.id == entry.id else None

    def _live(
        self, view: HistoryView, query: AlertQuery, want: int | None, hidden: set[str]
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


def _may_fit(entry: IndexEntry | Head, query: AlertQuery) -> bool:
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


def _seen(each: Alert | IndexEntry) -> tuple[str, str]:
    return each.last_seen, each.id


log = logging.getLogger(__name__)
LIVE = 500
OPEN = AlertQuery(states=frozenset({"firing", "acknowledged"}))
Stored = Path | StorageError
# In memory alone: a storm of five a second for some minutes, or 260 with the largest context.
MOST_UNSAVED = 2000
MOST_UNSAVED_BYTES = 16 * 1024 * 1024
BOUND_EVERY = 50  # refusals: looking through all of them takes 10 ms
_INDEX_EVERY_S = 1.0
_SLACK = 64  # archived together while alerts pour in: one gzip member instead of 64


def _is_running(pid: int) -> bool:
    import psutil  # noqa: PLC0415 - a command that adds one alert should not pay for it

    return psutil.pid_exists(pid)


class History:
    """The history in one folder, used by one thread; ``view`` and ``reader`` serve the others.

    ``report`` gets, once each, what a person should know: damaged files, a disk that refuses.
    ``is_alive`` tells whether a process runs, so that its torn files can be swept at once.
    ``keep`` False is for a process that only adds alerts.
    """

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        live: int = LIVE,
        *,
        report: Callable[[str], None] = log.warning,
        is_alive: Callable[[int], bool] = _is_running,
        keep: bool = True,
    ) -> None:
        self.folder = folder
        self._clock = clock
        self._sayings = OneShotReporter(report)
        self._shelf = LiveAlertFiles(folder, live, self._sayings, keep=keep)
        self._shelf.open(is_alive)
        self._unsaved: dict[str, Alert] = {}
        self._refused = 0  # writes since the unsaved ones were bounded
        self._index_m: float | None = None
        self.reader = HistoryReader(folder, self._shelf.archive)
        self.view = HistoryView()
        self._publish()

    # -- writing

    def store(self, alert: Alert) -> Path:
        """Write an alert, its own file again where it has one; durable on return.

        Raises:
            StorageError: the disk refused; the alert is kept in memory for ``retry``.
        """
        (stored,) = self.store_many([alert])
        if isinstance(stored, StorageError):
            raise stored
        return stored

    def store_many(self, alerts: Iterable[Alert]) -> list[Stored]:
        """The same for many with one sync of the folder: a path or an error for each."""
        batch = list(alerts)
        latest = {alert.id: alert for alert in batch}
        fresh = [each for id_, each in latest.items() if id_ not in self._shelf.entries]
        stored: dict[str, Stored] = dict(self._shelf.write_surplus(fresh))
        for id_, alert in latest.items():
            if id_ not in stored:
                stored[id_] = self._write(alert)
        self._sync(stored)
        self._remember(latest, stored)
        self._shelf.trim(_SLACK)
        self._publish()
        self._index_now_and_then()
        return [stored[alert.id] for alert in batch]

    def retry(self) -> int:
        """Try again what could not be written; how many alerts are still in memory alone."""
        if self._unsaved:
            self.store_many(list(self._unsaved.values()))
        return len(self._unsaved)

    def settle(self) -> None:
        """Make order while nothing goes on: exactly the live number of files, a true index."""
        self._shelf.trim(0)
        self._publish()
        self._index_m = self._clock.monotonic()
        self._shelf.write_index()

    def refresh(self) -> tuple[Alert, ...]:
        """Take in what others did to the folder; the alerts that they added or changed."""
        changed = self._shelf.scan()
        self._publish()
        return changed

    def close(self) -> None:
        """Make order and let another process do so from now on."""
        self.settle()
        self._shelf.close()

    # -- asking

    def query(self, query: AlertQuery) -> list[Alert]:
        """Matching alerts, newest first, over live files, memory and archive."""
        return self.reader.query(self.view, query)

    def get(self, id_: str) -> Alert | None:
        """One alert by its id."""
        return self.reader.get(self.view, id_)

    def path_of(self, id_: str) -> Path | None:
        """The file that holds it: its own or a month's archive; None where there is none."""
        return self.reader.path_of(self.view, id_)

    def says_open(self, id_: str) -> bool:
        """Whether the file of this alert says that it is open; what is in memory does not count."""
        entry = self.view.entries.get(id_)
        return entry is not None and entry.state != "resolved"

    def open_alerts(self) -> list[Alert]:
        """What is not resolved among the live ones, newest first."""
        return self.reader.live(self.view, OPEN)

    def versions(self) -> Iterator[Alert]:
        """Every stored version of every alert, of one alert the latest last; one at a time.

        The live ones are read first: what is archived during the reading is found in the archive.
        """
        live = [self.reader.load(entry) for entry in self.view.entries.values()]
        for file in self._shelf.archive.files():
            yield from self._shelf.archive.alerts(file)
        yield from (alert for alert in live if alert is not None)
        yield from self.view.unsaved.values()

    # -- how

    def _write(self, alert: Alert) -> Stored:
        try:
            return self._shelf.write(alert)
        except StorageError as error:
            return error

    def _sync(self, stored: dict[str, Stored]) -> None:
        if not any(isinstance(each, Path) for each in stored.values()):
            return
        try:
            sync_folder(self._shelf.folder)
        except StorageError as error:
            stored.update(dict.fromkeys(stored, error))

    def _remember(self, latest: dict[str, Alert], stored: dict[str, Stored]) -> None:
        failed = [each for each in stored.values() if isinstance(each, StorageError)]
        for id_, outcome in stored.items():
            if isinstance(outcome, StorageError):
                self._unsaved[id_] = latest[id_]
            else:
                self._unsaved.pop(id_, None)
        self._refused += len(failed)
        if self._refused >= BOUND_EVERY:
            self._refused = 0
            self._bound_unsaved()
        if failed:
            sentence = f"alerts are kept in memory until they can be written: {failed[0]}"
            self._sayings.say("disk", sentence)
        elif stored and not self._unsaved:
            self._sayings.over("disk", "alerts are written again, none was lost")

    def _bound_unsaved(self) -> None:
        """A disk may stay full for weeks: of what was never durable the least is dropped."""
        found = bounded(
            self._unsaved.values(), MOST_UNSAVED, MOST_UNSAVED_BYTES, says_open=self.says_open
        )
        for id_ in found.gone:
            del self._unsaved[id_]
        self._unsaved |= found.lighter
        if found.gone or found.lighter:
            self._sayings.say(
                "dropped", "the disk takes no alerts for so long that the least are let go"
            )

    def _index_now_and_then(self) -> None:
        now_m = self._clock.monotonic()
        if self._index_m is None or now_m - self._index_m >= _INDEX_EVERY_S:
            self._index_m = now_m
            self._shelf.write_index()

    def _publish(self) -> None:
        self.view = HistoryView(dict(self._shelf.entries), dict(self._unsaved))


LIGHT_TITLE = 200  # letters; a context and a message are what makes an alert large


class Bounded(msgspec.Struct, frozen=True):
    """The ids of those that go, and lighter versions of some that stay."""

    gone: frozenset[str]
    lighter: dict[str, Alert]


def bounded(
    alerts: Iterable[Alert],
    most: int,
    most_bytes: int,
    *,
    says_open: Callable[[str], bool] = lambda _: False,
) -> Bounded:
    """What is to go so that ``most`` alerts with ``most_bytes`` are left, as far as may be.

    ``says_open``: the file of the alert with this id says that it is open.
    """
    gone: set[str] = set()
    lighter: dict[str, Alert] = {}
    count = size = 0
    full = False
    for alert in sorted(alerts, key=_importance, reverse=True):
        needed = alert.state != "resolved" or says_open(alert.id)
        weight = weight_of(alert)
        full = full or count >= most or size + weight > most_bytes
        if full and not needed:
            gone.add(alert.id)
            continue
        if full:
            lighter[alert.id] = lightened(alert, weight)
            weight = weight_of(lighter[alert.id])
        count += 1
        size += weight
    return Bounded(frozenset(gone), lighter)


def weight_of(alert: Alert) -> int:
    """Its size as JSON; in memory it takes about three times as much."""
    try:
        return len(msgspec.json.encode(alert))
    except (TypeError, ValueError):  # the one that cannot be written is refused elsewhere
        return 0


def lightened(alert: Alert, weight: int) -> Alert:
    """Without what makes it large."""
    context = context_removed(f"the alert had {weight} bytes, and the disk takes nothing")
    if alert.context == context:
        return alert
    title = alert.title[:LIGHT_TITLE]
    return msgspec.structs.replace(alert, title=title, message="", context=context)


def _importance(alert: Alert) -> tuple[bool, int, str]:
    return alert.state != "resolved", alert.severity.rank, alert.last_seen

"""``data/outbox/``: a file a delivery, durable before the notification, gone once it arrived.

``NUMBER_NAME.json``, numbers in the order of events over all restarts. ``known.json`` is what each
receiver knows of open incidents: written before the file of a delivered event goes, so
that a crash between the two repeats an event and never forgets one. ``arrived.jsonl`` has what
arrived lately, for the detail of an alert after a restart; ``dropped.json`` how much was dropped
for a receiver that takes nothing. A file that cannot be read is set aside. What the disk refuses is
kept in memory.
"""

import contextlib
import logging
import os
import re
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from omnitray.alerts.channels.webhooks.model import WebhookEvent
from omnitray.alerts.channels.webhooks.plan import Known, learnt
from omnitray.base.bounded import read_bounded
from omnitray.base.durable import (
    StorageError,
    make_folder,
    open_owned,
    set_aside,
    sweep,
    sync_folder,
    write_atomic,
)

log = logging.getLogger(__name__)
MAX_BYTES = 200_000
KNOWN = "known.json"
ARRIVED = "arrived.jsonl"
DROPPED = "dropped.json"
MOST_ARRIVED = 2000  # as many as there are alerts whose deliveries are known; 70 bytes each
T = TypeVar("T")
FILE = re.compile(r"(\d{12})_[a-z0-9]+\.json")


class Arrival(msgspec.Struct, frozen=True):
    """An alert that a receiver has taken, at a wall time in seconds."""

    webhook: str
    alert_id: str
    at: float


class DroppedCount(msgspec.Struct, frozen=True):
    """How many deliveries a receiver does not get, since a wall time in seconds."""

    count: int
    since: float


class WebhookOutbox:
    """Used by one thread; ``known`` is by name of the receiver."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, Path] = {}  # event id -> file
        self.known: dict[str, Known] = {}
        self.pending: list[WebhookEvent] = []
        self.dropped: dict[str, DroppedCount] = {}  # by name of the receiver
        self.arrived: deque[Arrival] = deque(maxlen=MOST_ARRIVED)  # the oldest first
        self._lines = 0  # of their file
        self.fault = ""
        self._number = 0
        self._open()

    def next_number(self) -> int:
        """The number of the next event."""
        self._number += 1
        return self._number

    def add(self, events: Sequence[WebhookEvent]) -> None:
        """Make them durable, with one sync of the folder; what the disk refuses stays in memory."""
        if not events:
            return
        try:
            make_folder(self._folder)
            for event in events:
                path = self._folder / f"{event.number:012d}_{event.id[-8:]}.json"
                write_atomic(path, msgspec.json.encode(event), sync=False)
                self._files[event.id] = path
            sync_folder(self._folder)
        except StorageError as error:
            self._say(f"{error}")
        else:
            self.fault = ""
        for event in events:
            learnt(self.known.setdefault(event.webhook, {}), event)

    def remember(self, events: Sequence[WebhookEvent], at: float) -> None:
        """They arrived. Only words depend on it: what the disk refuses is not tried again."""
        found = [Arrival(each.webhook, each.alert.id, at) for each in events]
        path = self._folder / ARRIVED
        self.arrived.extend(found)
        self._lines += len(found)
        try:
            if self._lines > 2 * MOST_ARRIVED:
                write_atomic(path, _as_lines(self.arrived), sync=False)
                self._lines = len(self.arrived)
                return
            make_folder(self._folder)
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
            with os.fdopen(open_owned(path, flags, follow=False), "ab") as file:
                file.write(_as_lines(found))
        except (OSError, StorageError) as error:
            log.debug("what has arrived is not remembered: %s", error)

    def done(self, events: Iterable[WebhookEvent]) -> None:
        """They arrived, or were given up: what their receivers know is written, the files go."""
        try:
            self._write_known()
        except StorageError as error:
            self._say(f"{error}")
        for event in events:
            path = self._files.pop(event.id, None)
            if path is not None:
                try:
                    path.unlink(missing_ok=True)
                except OSError as error:  # the next start sends it once more
                    self._say(f"{path.name} cannot be removed: {error.strerror or error}")

    def drop(
        self,
        webhook: str,
        events: Sequence[WebhookEvent],
        staying: set[str],
        count: int,
        at: float,
    ) -> None:
        """The receiver does not get these; ``staying`` are the fingerprints of which others wait.

        It gets the rest if they repeat later, when there is room.
        """
        known = self.known.get(webhook, {})
        for event in events:
            if not event.begun and event.alert.fingerprint not in staying:
                known.pop(event.alert.fingerprint, None)
        self.done(events)
        before = self.dropped.get(webhook, DroppedCount(0, at))
        self._count_dropped(webhook, DroppedCount(before.count + count, before.since))

    def caught_up(self, webhook: str) -> None:
        """The receiver has taken all that waited: what was dropped is not sent any more."""
        if webhook in self.dropped:
            self._count_dropped(webhook, None)

    def _count_dropped(self, webhook: str, found: DroppedCount | None) -> None:
        if found is None:
            self.dropped.pop(webhook, None)
        else:
            self.dropped[webhook] = found
        try:
            make_folder(self._folder)
            write_atomic(self._folder / DROPPED, msgspec.json.encode(self.dropped), sync=False)
        except StorageError as error:
            self._say(f"{error}")

    def forget(self, webhook: str) -> None:
        """The receiver is not in the settings any more."""
        self.caught_up(webhook)
        if self.known.pop(webhook, None) is not None:
            try:
                self._write_known()
            except StorageError as error:
                self._say(f"{error}")

    def _write_known(self) -> None:
        make_folder(self._folder)
        write_atomic(self._folder / KNOWN, msgspec.json.encode(self.known))

    def _open(self) -> None:
        try:
            if not self._folder.is_dir():
                return
            sweep(self._folder, lambda _pid: False)
            paths = sorted(self._folder.iterdir())
        except (OSError, StorageError) as error:  # what waits there is sent after the next start
            self._say(f"{error}")
            return
        self.known = self._read_state(KNOWN, dict[str, Known])
        self.dropped = self._read_state(DROPPED, dict[str, DroppedCount])
        self._read_arrived()
        for path in paths:
            found = FILE.fullmatch(path.name)
            if found is None:
                continue
            self._number = max(self._number, int(found[1]))
            event = self._read(path)
            if event is not None:
                self._files[event.id] = path
                self.pending.append(event)
                learnt(self.known.setdefault(event.webhook, {}), event)

    def _read(self, path: Path) -> WebhookEvent | None:
        try:
            return msgspec.json.decode(read_bounded(path, MAX_BYTES), type=WebhookEvent)
        except (OSError, ValueError, msgspec.DecodeError, UnicodeError) as error:
            log.warning("a delivery cannot be read and is set aside: %s", type(error).__name__)
            try:
                set_aside(path, self._folder / "damaged")
            except StorageError as refused:
                self._say(f"{refused}")
            return None

    def _read_state(self, name: str, kind: type[dict[str, T]]) -> dict[str, T]:
        try:
            return msgspec.json.decode(read_bounded(self._folder / name, 10 * MAX_BYTES), type=kind)
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, msgspec.DecodeError, UnicodeError) as error:
            log.warning("%s of the outbox cannot be read: %s", name, type(error).__name__)
            return {}

    def _read_arrived(self) -> None:
        try:
            lines = read_bounded(self._folder / ARRIVED, 10 * MAX_BYTES).splitlines()
        except FileNotFoundError:
            return
        except OSError as error:
            log.warning("what has arrived before is not known: %s", error)
            return
        self._lines = len(lines)
        for line in lines:
            with contextlib.suppress(msgspec.MsgspecError):  # half a line of a full disk
                self.arrived.append(msgspec.json.decode(line, type=Arrival))

    def _say(self, sentence: str) -> None:
        if sentence != self.fault:
            log.warning("deliveries are kept in memory: %s", sentence)
        self.fault = sentence


def _as_lines(arrivals: Iterable[Arrival]) -> bytes:
    """Each begins a line: what a full disk has cut costs no other."""
    return b"".join(b"\n" + msgspec.json.encode(each) for each in arrivals)

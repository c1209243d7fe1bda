"""Alerts beyond the live ones: ``archive/alerts-YYYY-MM.jsonl.gz``, a gzip member an append.

The month is that of ``first_seen``, so that every version of an alert stands in the same file; a
later line is a later version. A torn file is repaired before anything is appended, many small
members are made into one now and then. Whatever the size of a file, or of what it unpacks to,
memory is bounded by the longest line.
"""

import contextlib
import gzip
import logging
import os
import re
import shutil
import zlib
from collections import defaultdict
from collections.abc import Collection, Generator, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from omnitray.alerts.model import Alert, State
from omnitray.alerts.storage.files import MonthMark, encode_line, mark_of
from omnitray.base.bounded import open_reader
from omnitray.base.durable import (
    StorageError,
    make_folder,
    open_owned,
    replacing,
    set_aside,
    sync_folder,
)
from omnitray.base.facts import AlertType, Severity

_CHUNK_BYTES = 1 << 16
_MAGIC = b"\x1f\x8b\x08"
_STEP_BYTES = 256
_LINE_BYTES = 16_000_000  # as much as a live file may have
# Of one file: 200,000 alerts of 1 kB are 0.2 GB. What unpacks to more is a bomb, and is damage.
_UNPACKED_BYTES = 2_000_000_000
_RESTARTS = 1000  # after damage; each costs a look at the next sign of a member
_GZIP = 31  # zlib's number for "gzip, window of 32 KiB"


class GzipLines:
    """Iterate once for the lines, each with its line break; then ask what was met."""

    def __init__(self, path: Path) -> None:
        self.members = 0
        self.damaged = False
        self._path = path
        self._rest = b""
        self._left = _UNPACKED_BYTES
        self._restarts = _RESTARTS

    def __iter__(self) -> Iterator[bytes]:
        """Stream; raises OSError, also for what is no regular file."""
        with open_reader(self._path, follow=False) as file:
            start: int | None = 0
            while start is not None:
                start = yield from self._sound_members(file, start)

    def _sound_members(self, file: BinaryIO, start: int) -> Generator[bytes, None, int | None]:
        """Read on from a member; where to go on after damage, None at the end."""
        file.seek(start)
        decoder = zlib.decompressobj(_GZIP)
        begun = False
        while chunk := file.read(_CHUNK_BYTES):
            while chunk:
                before = decoder.copy()
                try:
                    data = decoder.decompress(chunk, _CHUNK_BYTES)
                except zlib.error:
                    yield from self._lines(_up_to_the_damage(before, chunk))
                    return self._after_damage(file, start)
                yield from self._lines(data)
                self._left -= len(data)
                if len(self._rest) > _LINE_BYTES or self._left < 0:
                    return self._after_damage(file, start)
                begun, chunk = True, decoder.unused_data or decoder.unconsumed_tail
                if decoder.eof:
                    self._end_member()
                    start = file.tell() - len(chunk)
                    decoder, begun = zlib.decompressobj(_GZIP), False
        # A member without an end is torn, or damaged so that it swallowed those after it.
        return self._after_damage(file, start) if begun else None

    def _lines(self, data: bytes) -> Iterator[bytes]:
        lines = (self._rest + data).splitlines(keepends=True)
        self._rest = lines.pop() if lines and not lines[-1].endswith(b"\n") else b""
        yield from lines

    def _end_member(self) -> None:
        self.members += 1
        if self._rest:  # a member ends with a line break, unless something is wrong
            self.damaged, self._rest = True, b""

    def _after_damage(self, file: BinaryIO, start: int) -> int | None:
        self.damaged, self._rest = True, b""
        self._restarts -= 1
        if self._restarts < 0 or self._left < 0:
            return None
        file.seek(start + 1)
        at, held = start + 1, b""
        while chunk := file.read(_CHUNK_BYTES):
            held += chunk
            if (found := held.find(_MAGIC)) >= 0:
                return at + found
            kept = held[1 - len(_MAGIC) :]
            at, held = at + len(held) - len(kept), kept
        return None


def _up_to_the_damage(decoder: "zlib._Decompress", chunk: bytes) -> bytes:
    """What the chunk gives before it goes wrong."""
    found = b""
    for start in range(0, len(chunk), _STEP_BYTES):
        try:
            found += decoder.decompress(chunk[start : start + _STEP_BYTES], _CHUNK_BYTES)
        except zlib.error:
            break
    return found


_NAME = re.compile(r"alerts-\d{4}-\d{2}\.jsonl\.gz")
_MOST_MEMBERS = 48  # an archive of single-alert members is five times the size
_LEVEL = 6
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT


class Head(msgspec.Struct, frozen=True):
    """As much of an archived alert as filters and order need."""

    id: str
    type: AlertType
    severity: Severity
    state: State
    last_seen: str


log = logging.getLogger(__name__)
_head_decoder = msgspec.json.Decoder(Head)
_alert_decoder = msgspec.json.Decoder(Alert)


def month_of(alert: Alert) -> str:
    """The name of the file in which all versions of an alert stand."""
    return f"alerts-{alert.first_seen[:7]}.jsonl.gz"


class Archive:
    """The monthly files. One process appends; any number may read at the same time."""

    def __init__(self, folder: Path, quarantine: Path, known: Iterable[MonthMark] = ()) -> None:
        self.folder = folder
        self._quarantine = quarantine
        self._known = {each.file: each for each in known}
        self._unread: set[str] = set()
        self._members: dict[str, int] = {}  # of the files this process has looked through

    def append(self, alerts: Iterable[Alert]) -> dict[str, Path]:
        """Add alerts; durable on return. What comes back is where each id stands.

        Raises:
            StorageError: the disk refused; the files are as they were.
        """
        months: dict[str, list[Alert]] = defaultdict(list)
        for alert in alerts:
            months[month_of(alert)].append(alert)
        paths = {}
        for name, of_month in months.items():
            path = self.folder / name
            make_folder(self.folder)
            self._prepare(path)
            self._append(path, b"".join(encode_line(each) for each in of_month))
            paths.update(dict.fromkeys((each.id for each in of_month), path))
        return paths

    def months(self) -> list[MonthMark]:
        """The files, the one with the newest alert first."""
        marks = [self._mark(path) for path in self._paths()]
        return sorted((each for each in marks if each), key=lambda mark: mark.newest, reverse=True)

    def files(self) -> list[str]:
        """The names of the files, the oldest month first."""
        return sorted(path.name for path in self._paths())

    def heads(self, file: str) -> Iterator[tuple[int, Head]]:
        """Line number and head of each alert in a file, oldest line first."""
        for number, line in enumerate(self._lines(file)):
            # What cannot be read is a newer version's, perhaps.
            with contextlib.suppress(msgspec.MsgspecError, ValueError):
                yield number, _head_decoder.decode(line)

    def alerts(self, file: str) -> Iterator[Alert]:
        """The alerts of a file, oldest line first."""
        for line in self._lines(file):
            with contextlib.suppress(msgspec.MsgspecError, ValueError):
                yield _alert_decoder.decode(line)

    def at(self, file: str, numbers: Collection[int]) -> list[Alert]:
        """The alerts on these lines."""
        chosen = (line for number, line in enumerate(self._lines(file)) if number in numbers)
        return [alert for line in chosen if (alert := _parsed(line)) is not None]

    def find(self, id_: str) -> tuple[Alert, Path] | None:
        """The latest version of an alert, and its file."""
        wanted = msgspec.json.encode(id_)
        for path in sorted(self._paths(), reverse=True):
            versions = (line for line in self._lines(path.name) if wanted in line)
            alerts = [each for line in versions if (each := _parsed(line)) and each.id == id_]
            if alerts:
                return alerts[-1], path
        return None

    def _lines(self, file: str) -> Iterator[bytes]:
        try:
            yield from GzipLines(self.folder / file)
        except FileNotFoundError:
            return  # gone since it was listed
        except OSError as error:
            if file not in self._unread:
                log.warning("%s cannot be read to its end: %s", self.folder / file, error.strerror)
            self._unread.add(file)
        else:
            self._unread.discard(file)

    def _paths(self) -> list[Path]:
        try:
            return [each for each in self.folder.iterdir() if _NAME.fullmatch(each.name)]
        except OSError:
            return []

    def _mark(self, path: Path) -> MonthMark | None:
        try:
            mark = mark_of(path.stat())
        except OSError:
            return None
        known = self._known.get(path.name)
        if known is None or known.mark != mark:
            stamps = {head.id: head.last_seen for _, head in self.heads(path.name)}
            newest = max(stamps.values(), default="")
            known = MonthMark(file=path.name, count=len(stamps), newest=newest, mark=mark)
            if path.name not in self._unread:
                self._known[path.name] = known
        return known

    def _prepare(self, path: Path) -> None:
        if self._members.get(path.name, _MOST_MEMBERS) < _MOST_MEMBERS:
            return
        lines = GzipLines(path)
        try:
            worth_keeping = _latest_versions(lines)
        except FileNotFoundError:
            self._members[path.name] = 0
            return
        except OSError as error:
            raise StorageError(path, error) from error
        if lines.damaged or lines.members >= _MOST_MEMBERS:
            self._rewrite(path, worth_keeping, keep=lines.damaged)
            lines.members = 1
        self._members[path.name] = lines.members

    def _rewrite(self, path: Path, numbers: set[int], *, keep: bool) -> None:
        if keep:
            _copy_aside(path, self._quarantine)
        with replacing(path) as file, gzip.GzipFile("", "wb", _LEVEL, file, mtime=0) as packed:
            for number, line in enumerate(GzipLines(path)):
                if number in numbers:
                    packed.write(line)

    def _append(self, path: Path, lines: bytes) -> None:
        try:
            handle = open_owned(path, _FLAGS, follow=False)
            try:
                _write_or_undo(handle, gzip.compress(lines, _LEVEL, mtime=0))
            finally:
                os.close(handle)
        except OSError as error:
            self._members.pop(path.name, None)
            raise StorageError(path, error) from error
        sync_folder(self.folder)
        self._members[path.name] += 1


def _parsed(line: bytes) -> Alert | None:
    try:
        return _alert_decoder.decode(line)
    except (msgspec.MsgspecError, ValueError):
        return None  # a newer version's line; the head was readable, the rest is not for us


def _latest_versions(lines: Iterable[bytes]) -> set[int]:
    """The numbers of the lines that no later one replaces, and of those we cannot read."""
    latest: dict[str, int] = {}
    unreadable = set()
    for number, line in enumerate(lines):
        try:
            latest[_head_decoder.decode(line).id] = number
        except (msgspec.MsgspecError, ValueError):
            unreadable.add(number)
    return unreadable | set(latest.values())


def _write_or_undo(handle: int, data: bytes) -> None:
    before = os.fstat(handle).st_size
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(handle, view) :]
        os.fsync(handle)
    except OSError:
        os.ftruncate(handle, before)
        raise


def _copy_aside(path: Path, quarantine: Path) -> None:
    copy = path.with_name(f"{path.name}.damaged")
    with replacing(copy) as file, open_reader(path, follow=False) as damaged:
        shutil.copyfileobj(damaged, file, _CHUNK_BYTES)
    set_aside(copy, quarantine)

"""The undo journal, ``actions.jsonl``: what was done to which job, why, and the way back.

One JSON object a line, four kinds, distinguished by ``event``:

- ``begin``: written and synced before anything is touched: who, which job, which actuator, old and
  new values, reason and evidence. A second one with the same id adds values (children that a job
  started since).
- ``result``: what was really changed, or that nothing was.
- ``undone``: what became of it. The watchdog writes these too, when we are dead.

Whatever began, can be taken back and was not undone is unfinished: it is restored at the next
start. Identities of an earlier boot mean nothing and are not. A torn last line and damaged lines
are passed over and counted.

A disk that refuses costs no line (``journal_file.py``) and stops nothing: what it would stop is the
pause of the very writer that fills it, or the end that keeps the machine alive. The action says so.
"""

import contextlib
import errno
import logging
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from omnitray.base.bounded import read_bounded
from omnitray.base.durable import StorageError, make_folder, open_owned, write_atomic
from omnitray.protector.actuators.actuator import ValueChange
from omnitray.protector.model import ActuatorKind

_log = logging.getLogger(__name__)
_MOST_BYTES = 16 << 20  # it is compacted from half a megabyte on


class JournalFile:
    """Appends and reads lines; the watchdog may append to the same file."""

    def __init__(self, path: Path, spare: Path | None = None) -> None:
        self.path = path
        self.trouble = ""  # a sentence while the disk refuses
        self._spare = spare
        self._descriptor: int | None = None
        self._waiting = _ended_lines(_bytes_of(spare)) if spare else []
        self._seen: tuple[int, int] = (0, 0)  # inode, and up to where its lines were read

    def append(self, text: bytes, *, sync: bool) -> bool:
        """Write a line; durable on return where ``sync``. False where the disk refused."""
        self._waiting.append(text + b"\n")
        try:
            self._write(sync=sync)
        except (OSError, StorageError) as error:
            self._refused(error, text)
            return False
        self.trouble = ""
        return True

    def news(self) -> tuple[list[bytes], bool]:
        """Lines written since the last call, and whether the file is another: then all of it."""
        try:
            found = self.path.stat()
        except OSError:
            is_new, self._seen = self._seen != (0, 0), (0, 0)
            return [], is_new
        inode, at = self._seen
        is_new = inode != found.st_ino or found.st_size < at
        # Of a file that is too large the end is read: what is unfinished is recent.
        start = max(0 if is_new else at, found.st_size - _MOST_BYTES)
        written = _bytes_of(self.path, start) if found.st_size > start else b""
        whole = written[: written.rfind(b"\n") + 1]
        self._seen = (found.st_ino, start + len(whole))
        return whole.splitlines(), is_new

    def unended(self) -> list[bytes]:
        """What stands after the last line's end, and what waits to be written."""
        rest = _bytes_of(self.path, self._seen[1])
        return [text for text in (rest + b"\n" + b"".join(self._waiting)).split(b"\n") if text]

    def size(self) -> int:
        """In bytes; 0 where it is not there."""
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    def rewrite(self, data: bytes) -> bool:
        """Put this in its place; False where the disk refused and the old one stands."""
        try:
            write_atomic(self.path, data, follow=True)
        except StorageError as error:
            _log.warning("the journal of actions stays long: %s", error)
            return False
        self._waiting.clear()
        self._forget_spare()
        self.close()
        return True

    def close(self) -> None:
        """Close the file; the next line opens it again."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with contextlib.suppress(OSError):  # what matters was synced
                os.close(descriptor)

    def _write(self, *, sync: bool) -> None:
        if self._descriptor is None:
            self._descriptor = self._open()
        had_waited = len(self._waiting) > 1
        while self._waiting:
            if os.write(self._descriptor, self._waiting[0]) < len(self._waiting[0]):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self._waiting.pop(0)
        if sync:
            os.fsync(self._descriptor)
        if had_waited:
            self._forget_spare()

    def _refused(self, error: OSError | StorageError, text: bytes) -> None:
        reason = error.fault.value if isinstance(error, StorageError) else error.strerror
        if not self.trouble:
            _log.warning("the journal of actions cannot be written: %s", error)
        self.trouble = f"the journal cannot be written ({reason})"
        self.close()  # opening it again mends a line that was broken off
        if self._spare is not None:
            with contextlib.suppress(OSError):  # then it waits in memory alone
                _append(self._spare, text + b"\n")

    def _forget_spare(self) -> None:
        if self._spare is not None:
            with contextlib.suppress(OSError):
                self._spare.unlink()

    def _open(self) -> int:
        make_folder(self.path.parent)
        descriptor = open_owned(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT)
        if _is_torn(descriptor):
            os.write(descriptor, b"\n")
        return descriptor


def _bytes_of(path: Path, start: int = 0) -> bytes:
    try:
        return read_bounded(path, 2 * _MOST_BYTES, start=start)
    except OSError:
        return b""


def _ended_lines(data: bytes) -> list[bytes]:
    return [text + b"\n" for text in data.split(b"\n") if text]


def _append(path: Path, data: bytes) -> None:
    descriptor = open_owned(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(descriptor, data)
    finally:
        os.close(descriptor)


def _is_torn(descriptor: int) -> bool:
    """Whether the last line has no end: a write that a power cut broke off."""
    size = os.fstat(descriptor).st_size
    if size == 0:
        return False
    os.lseek(descriptor, size - 1, os.SEEK_SET)
    return os.read(descriptor, 1) != b"\n"


SCHEMA = 1
KEPT_RECORDS = (
    300  # the page shows 20, the API what it is asked for; 2 kB each on disk, 4 in memory
)
COMPACT_OVER_BYTES = 512 << 10


class Began(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", tag="begin"):
    """Before the act. ``at`` is UTC; ``who`` is ``protector``, ``person``, ``api`` or ``cli``.

    ``others`` says for each actuator before this one why it was not used.
    """

    v: int = SCHEMA
    id: str
    at: str
    boot: str = ""
    who: str = "protector"
    job: str
    title: str
    step: str = msgspec.field(name="rung")  # the word of the file
    lever: ActuatorKind
    changes: tuple[ValueChange, ...] = ()
    reversible: bool = True
    reason: str = ""
    evidence: dict[str, Any] = {}
    others: dict[str, str] = {}
    notes: tuple[str, ...] = ()
    dry_run: bool = False


class Result(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", tag="result"):
    """After the act. ``outcome`` is applied, partly, failed, would_have, ended or survived."""

    v: int = SCHEMA
    id: str
    at: str
    outcome: str
    changes: tuple[ValueChange, ...] | None = None
    notes: tuple[str, ...] = ()


class Undone(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", tag="undone"):
    """After the way back. ``outcome`` is restored, partly, changed, gone, one_way or failed."""

    v: int = SCHEMA
    id: str
    at: str
    outcome: str
    who: str = "protector"
    why: str = ""
    notes: tuple[str, ...] = ()


Line = Began | Result | Undone


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One action's lines put together, the additions of later ``begin`` lines included."""

    began: Began
    result: Result | None = None
    undone: Undone | None = None

    @property
    def changes(self) -> tuple[ValueChange, ...]:
        """What was changed, or may have been where the result never came."""
        if self.result is not None and self.result.changes is not None:
            return self.result.changes
        return self.began.changes

    @property
    def is_unfinished(self) -> bool:
        """Whether something is left to be taken back."""
        if self.result is not None and self.result.outcome in {"failed", "would_have"}:
            return False
        is_undone = self.undone is not None and self.undone.outcome != "failed"
        return self.began.reversible and not self.began.dry_run and not is_undone


class ActionJournal:
    """Appends lines and reads them back. Not for several writers but the watchdog.

    ``spare`` is where a line goes while the disk refuses it; see ``JournalFile``.
    """

    def __init__(self, path: Path, spare: Path | None = None) -> None:
        self._file = JournalFile(path, spare)
        self._decoder = msgspec.json.Decoder(Line)
        self._records: dict[str, Record] = {}
        self._shortest_bytes = 0
        self.damaged = 0

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self._file.path

    @property
    def trouble(self) -> str:
        """A sentence while the disk refuses it, else empty."""
        return self._file.trouble

    @property
    def is_long(self) -> bool:
        """Whether it is time to compact it."""
        return self._file.size() >= max(COMPACT_OVER_BYTES, 2 * self._shortest_bytes)

    def append(self, line: Line, *, sync: bool = True) -> bool:
        """Write one line; durable on return where ``sync``. False where the disk refused."""
        return self._file.append(msgspec.json.encode(line), sync=sync)

    def records(self) -> tuple[Record, ...]:
        """Every action, oldest first; one whose ``begin`` was lost is left out.

        Each line is read once: what a later call costs is what was written since.
        """
        texts, is_new = self._file.news()
        if is_new:
            self._records, self.damaged = {}, 0
        for line in self._lines(texts):
            _take_in(self._records, line)
        unended = self._file.unended()
        if not unended:
            return tuple(self._records.values())
        damaged, records = self.damaged, dict(self._records)
        for line in self._lines(unended):
            _take_in(records, line)
        self.damaged = damaged
        return tuple(records.values())

    def unfinished(self, boot: str) -> tuple[Record, ...]:
        """What has to be restored, of this boot, oldest first; none where no boot has a name."""
        return tuple(record for record in self._of_boot(boot) if record.is_unfinished)

    def open_ends(self, boot: str) -> tuple[Record, ...]:
        """Ends of this boot without a recorded outcome."""
        return tuple(
            record
            for record in self._of_boot(boot)
            if record.began.lever is ActuatorKind.END
            and (record.result is None or record.result.outcome in {"applied", "partly"})
        )

    def compact(self, boot: str) -> bool:
        """Keep the newest records and everything unfinished; true where the file was rewritten."""
        if not self.is_long:
            return False
        records = self.records()
        kept = [
            record
            for place, record in enumerate(records)
            if place >= len(records) - KEPT_RECORDS
            or (record.is_unfinished and record.began.boot == boot)
        ]
        is_done = self._file.rewrite(b"".join(_encoded(kept)))
        self._shortest_bytes = self._file.size()
        return is_done

    def close(self) -> None:
        """Close the file; the next line opens it again."""
        self._file.close()

    def _of_boot(self, boot: str) -> Iterator[Record]:
        return (record for record in self.records() if boot and record.began.boot == boot)

    def _lines(self, texts: Iterable[bytes]) -> Iterator[Line]:
        for text in texts:
            try:
                if text.strip():
                    yield self._decoder.decode(text)
            except (msgspec.MsgspecError, ValueError, RecursionError):  # ValueError: not UTF-8
                self.damaged += 1


def _take_in(records: dict[str, Record], line: Line) -> None:
    known = records.get(line.id)
    if isinstance(line, Began):
        records[line.id] = Record(began=line) if known is None else _added(known, line)
    elif known is None:
        return
    elif isinstance(line, Result):
        records[line.id] = msgspec.structs.replace(known, result=line)
    else:
        records[line.id] = msgspec.structs.replace(known, undone=line)


def _added(record: Record, more: Began) -> Record:
    """More of the same; or the next actuator, after one that has failed and left nothing."""
    if more.lever is not record.began.lever:
        return Record(began=more)
    began = msgspec.structs.replace(record.began, changes=record.began.changes + more.changes)
    return msgspec.structs.replace(record, began=began, result=None)


def _encoded(records: Iterable[Record]) -> Iterator[bytes]:
    for record in records:
        for line in (record.began, record.result, record.undone):
            if line is not None:
                yield msgspec.json.encode(line) + b"\n"

"""The undo journal, ``actions.jsonl``: what was done to whom, why, and the way back.

One JSON object a line, four kinds told apart by ``event``:

- ``begin``: written and synced before anything is touched: who, which job, which lever, old and
  new values, reason and evidence. A second one with the same id adds values (children that a job
  had meanwhile).
- ``result``: what was really changed, or that nothing was.
- ``undone``: what became of it. The guardian writes these too, when we are dead.

Whatever began, can be taken back and was not undone is unfinished: it is restored at the next
start. Identities of an earlier boot mean nothing and are not. A torn last line and damaged lines
are passed over and counted. A disk that refuses costs no line: it is kept and written later.
"""

import errno
import logging
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from omnitray.core.acting.lever import Change
from omnitray.core.deciding.identity import LeverKind
from omnitray.core.durable import PRIVATE_FILE, StorageError, make_folder, write_atomic

_log = logging.getLogger(__name__)
SCHEMA = 1
KEPT_RECORDS = 1000
COMPACT_OVER_BYTES = 2 << 20


class Began(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", tag="begin"):
    """Before the act. ``at`` is UTC; ``who`` is ``protector``, ``person``, ``api`` or ``cli``.

    ``others`` says for each lever that stood before this one why it was not taken.
    """

    v: int = SCHEMA
    id: str
    at: str
    boot: str = ""
    who: str = "protector"
    job: str
    title: str
    rung: str
    lever: LeverKind
    changes: tuple[Change, ...] = ()
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
    changes: tuple[Change, ...] | None = None
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
    def changes(self) -> tuple[Change, ...]:
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


class Journal:
    """Appends lines and reads them back. Not for several writers but the guardian."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None
        self._waiting: list[bytes] = []
        self.damaged = 0

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self._path

    def append(self, line: Line, *, sync: bool = True) -> bool:
        """Write one line; durable on return where ``sync``. False where the disk refused."""
        self._waiting.append(msgspec.json.encode(line) + b"\n")
        try:
            self._write(sync=sync)
        except (OSError, StorageError) as error:
            if len(self._waiting) == 1:
                _log.warning("the journal of actions cannot be written: %s", error)
            self.close()  # opening it again mends a line that was broken off
            return False
        return True

    def records(self) -> tuple[Record, ...]:
        """Every action, oldest first; one whose ``begin`` was lost is left out."""
        records: dict[str, Record] = {}
        for line in self._lines():
            known = records.get(line.id)
            if isinstance(line, Began):
                records[line.id] = Record(began=line) if known is None else _added(known, line)
            elif known is None:
                continue
            elif isinstance(line, Result):
                records[line.id] = msgspec.structs.replace(known, result=line)
            else:
                records[line.id] = msgspec.structs.replace(known, undone=line)
        return tuple(records.values())

    def unfinished(self, boot: str) -> tuple[Record, ...]:
        """What has to be restored, of this boot, oldest first."""
        return tuple(
            record
            for record in self.records()
            if record.is_unfinished and record.began.boot == boot
        )

    def open_ends(self, boot: str) -> tuple[Record, ...]:
        """Ends of this boot of which nobody has said how they ended."""
        return tuple(
            record
            for record in self.records()
            if record.began.lever is LeverKind.END
            and record.began.boot == boot
            and (record.result is None or record.result.outcome in {"applied", "partly"})
        )

    def compact(self, boot: str) -> bool:
        """Keep the newest records and everything unfinished; true where the file was rewritten."""
        try:
            if self._path.stat().st_size < COMPACT_OVER_BYTES:
                return False
        except OSError:
            return False
        records = self.records()
        kept = [
            record
            for place, record in enumerate(records)
            if place >= len(records) - KEPT_RECORDS
            or (record.is_unfinished and record.began.boot == boot)
        ]
        try:
            write_atomic(self._path, b"".join(_encoded(kept)))
        except StorageError as error:
            _log.warning("the journal of actions stays long: %s", error)
            return False
        self.close()
        return True

    def close(self) -> None:
        """Close the file; the next line opens it again."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _write(self, *, sync: bool) -> None:
        if self._descriptor is None:
            self._descriptor = self._open()
        while self._waiting:
            if os.write(self._descriptor, self._waiting[0]) < len(self._waiting[0]):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self._waiting.pop(0)
        if sync:
            os.fsync(self._descriptor)

    def _open(self) -> int:
        make_folder(self._path.parent)
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT
        descriptor = os.open(self._path, flags, PRIVATE_FILE)
        if _is_torn(descriptor):
            os.write(descriptor, b"\n")
        return descriptor

    def _lines(self) -> Iterator[Line]:
        decoder = msgspec.json.Decoder(Line)
        self.damaged = 0
        for text in self._texts():
            try:
                yield decoder.decode(text)
            except (msgspec.MsgspecError, ValueError, RecursionError):  # ValueError: not UTF-8
                self.damaged += 1

    def _texts(self) -> list[bytes]:
        try:
            written = self._path.read_bytes()
        except OSError:
            written = b""
        return [text for text in (written + b"".join(self._waiting)).split(b"\n") if text.strip()]


def _added(record: Record, more: Began) -> Record:
    began = msgspec.structs.replace(record.began, changes=record.began.changes + more.changes)
    return msgspec.structs.replace(record, began=began, result=None)


def _encoded(records: Iterable[Record]) -> Iterator[bytes]:
    for record in records:
        for line in (record.began, record.result, record.undone):
            if line is not None:
                yield msgspec.json.encode(line) + b"\n"


def _is_torn(descriptor: int) -> bool:
    """Whether the last line has no end: a write that a power cut broke off."""
    size = os.fstat(descriptor).st_size
    if size == 0:
        return False
    os.lseek(descriptor, size - 1, os.SEEK_SET)
    return os.read(descriptor, 1) != b"\n"

"""Recordings as files, and what a protector decides when it sees one again.

A file is JSON lines under xz: a header, then a frame a line, without anything personal
(``anonymizer``). The same recording gives the same decisions each time; where it began at a calm
moment, also those of the time when it was made.
"""

import lzma
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from omnitray.base.durable import write_atomic
from omnitray.base.policy import ProtectPolicy
from omnitray.protector.anonymizer import Anonymizer
from omnitray.protector.model import Action
from omnitray.protector.protector import ResourceProtector
from omnitray.protector.recorder import Decided, Frame, Recording, decided_of, unpacked

SUFFIX = ".jsonl.xz"
MOST_BYTES = 20_000_000  # of a file, packed; an hour of a busy desk takes 5 MB
# Frames repeat each other: they take a hundredth. A window of 8 MB instead of 1 MB saves nothing on
# tests/protector/recordings, and took 57 MB instead of 9 for as long as a recording was written.
# Preset 6 takes three times the processor time of 2, for a fifth fewer bytes.
_PACKING = [{"id": lzma.FILTER_LZMA2, "preset": 2, "dict_size": 1 << 20}]


class RecordingHead(msgspec.Struct, frozen=True, kw_only=True):
    """The first line of a file. ``home`` is the person's folder, as hidden as all else."""

    recording: int = 1
    run: str
    why: str
    home: str


class Replayed(msgspec.Struct, frozen=True):
    """One frame, what was decided when it was recorded and what is decided now."""

    frame: Frame
    then: tuple[Decided, ...]
    now: tuple[Decided, ...]


def packed_file(recording: Recording, home: str, salt: bytes | None = None) -> bytes:
    """A recording as a file holds it."""
    return b"".join(_packed(recording, home, salt or os.urandom(16)))


def _packed(recording: Recording, home: str, salt: bytes) -> Iterator[bytes]:
    hide = Anonymizer(salt)
    into = lzma.LZMACompressor(filters=_PACKING)
    header = RecordingHead(run=recording.run, why=recording.why, home=hide.text(home))
    yield into.compress(msgspec.json.encode(header))
    for packed in recording.frames:
        tree = msgspec.to_builtins(unpacked(packed), str_keys=True)
        yield into.compress(b"\n" + msgspec.json.encode(hide.tree(tree)))
    yield into.flush()


def save(recording: Recording, path: Path, home: str, is_wanted: Callable[[], bool]) -> bool:
    """Write it; False where that is wanted no longer. Raises StorageError."""
    parts = []
    for part in _packed(recording, home, os.urandom(16)):
        if not is_wanted():
            return False
        parts.append(part)
    write_atomic(path, b"".join(parts))
    return True


def load(data: bytes) -> tuple[RecordingHead, list[Frame]]:
    """A file; raises ValueError where it is no recording."""
    try:
        head, *lines = lzma.decompress(data).splitlines()
        header = msgspec.json.decode(head, type=RecordingHead)
        frames = [msgspec.json.decode(line, type=Frame) for line in lines]
    except (lzma.LZMAError, msgspec.MsgspecError, ValueError) as error:
        raise ValueError(f"this is no recording: {error}") from error
    return header, frames


def replay(header: RecordingHead, frames: Iterable[Frame], **more: Any) -> Iterator[Replayed]:
    """Decide again, frame by frame, with a protector that has seen nothing before.

    ``more`` goes to the protector: other program tables, for instance.
    """
    protector = ResourceProtector(header.run, home=header.home, **more)
    policy: ProtectPolicy | None = None
    for frame in frames:
        policy = _taken_up(protector, policy, frame.policy) or ProtectPolicy()
        protector.start_numbers_at(frame.next_number)
        decisions = protector.decide(frame.facts, policy, frame.now_s)
        for each in decisions:
            if isinstance(each, Action) and each.id in frame.refused:
                protector.refused(each)
        yield Replayed(frame, frame.decided, tuple(map(decided_of, decisions)))


def _taken_up(
    protector: ResourceProtector, before: ProtectPolicy | None, now: ProtectPolicy | None
) -> ProtectPolicy | None:
    """The policy in force; what was taken off the person's list counts no more, as in a run."""
    if now is not None and before is not None and set(before.protected) - set(now.protected):
        protector.allow(None)
    return now or before

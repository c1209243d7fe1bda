"""Judging what was found: measured, and either a candidate or left with the reason."""

import os
from collections.abc import Generator, Iterable
from pathlib import Path

import msgspec

from omnitray.cleanup.facts import CacheCandidate, CacheKind, CleanReason, FileId, Left
from omnitray.cleanup.walk import (
    TAG,
    FolderRefused,
    Found,
    Links,
    OpenFolder,
    RemovalScope,
    has_entry,
    identity_of,
    is_marked,
    opened,
    walk,
    walk_entry,
)

QUIET_S = 600.0  # a cache used within the last ten minutes may be needed by what runs now
SLICE = 2_000  # entries between two chances for the caller to do something else
REPOSITORIES = (".git", ".hg", ".svn")
Judged = CacheCandidate | Left | None


class Judge(msgspec.Struct, frozen=True, kw_only=True):
    """What a cache is judged by. ``device`` is that of the disk that is full."""

    home: str
    device: int
    now: float
    ground: RemovalScope

    def judge(self, found: CacheCandidate) -> Generator[None, None, Judged]:
        """Measure a candidate step by step; None where there is nothing to clean."""
        if found.path is None:
            return found
        try:
            return (yield from self._judge(found, found.path))
        except FolderRefused as refused:
            gone = refused.reason is CleanReason.REPLACED
            return None if gone else Left(name=found.name, path=found.path, reason=refused.reason)

    def _judge(self, found: CacheCandidate, path: str) -> Generator[None, None, Judged]:
        inside = path if found.kind is not CacheKind.TRASH else str(Path(path).parent)
        with opened(inside, self.ground) as held:
            if found.kind is CacheKind.MARKED:
                self._refuse_what_is_more_than_a_cache(held, path)
            if found.kind is CacheKind.TRASH:
                entries = walk_entry(held, Path(path).name, self.ground)
            else:
                entries = walk(held, self.ground)
            size = yield from measured(entries, self.ground)
            identity = size.identity if found.kind is CacheKind.TRASH else held.identity
            return self._verdict(found, identity, size)

    def _refuse_what_is_more_than_a_cache(self, held: OpenFolder, path: str) -> None:
        if not is_marked(held):
            raise FolderRefused(CleanReason.UNMARKED)
        if has_entry(held, "pyvenv.cfg"):  # uv and virtualenv mark environments
            raise FolderRefused(CleanReason.ENVIRONMENT)
        if any(has_entry(held, name) for name in REPOSITORIES):
            raise FolderRefused(CleanReason.REPOSITORY)
        # People mark folders of their own so that backups pass them by.
        place, home = Path(os.path.realpath(path)), Path(os.path.realpath(self.home))
        visible = place.parent == home and not place.name.startswith(".")
        if visible or home.is_relative_to(place):
            raise FolderRefused(CleanReason.TOO_BROAD)

    def _verdict(self, found: CacheCandidate, identity: FileId | None, size: "Size") -> Judged:
        if identity is None or not (size.files or size.in_use):
            return None
        if reason := self._reason_to_leave(found.kind, identity, size):
            return Left(name=found.name, path=found.path, reason=reason)
        return msgspec.structs.replace(
            found,
            identity=identity,
            size_bytes=size.size_bytes,
            files=size.files,
            used_at=found.used_at or size.used_at,
        )

    def _reason_to_leave(
        self, kind: CacheKind, identity: FileId, size: "Size"
    ) -> CleanReason | None:
        if identity.device != self.device:
            return CleanReason.OTHER_DISK
        careful = kind in {CacheKind.MARKED, CacheKind.TRASH}
        if careful and (size.in_use or identity in self.ground.in_use):
            return CleanReason.IN_USE
        worked_with = kind in {CacheKind.MARKED, CacheKind.TOOL}
        if worked_with and size.used_at > self.now - QUIET_S:
            return CleanReason.RECENT
        return None


class Size(msgspec.Struct, kw_only=True):
    """What a walk adds up to. ``identity`` is that of the last entry, the outermost."""

    size_bytes: int = 0
    files: int = 0
    used_at: float = 0.0
    in_use: bool = False
    identity: FileId | None = None


def measured(entries: Iterable[Found], ground: RemovalScope) -> Generator[None, None, Size]:
    """Add up a walk, with a pause after each slice."""
    size, links = Size(), Links()
    for number, found in enumerate(entries, 1):
        size.identity = identity_of(found.status)
        size.in_use = size.in_use or size.identity in ground.in_use
        if found.reason is None and found.name != TAG:
            size.size_bytes += links.freed_by(found)
            if not found.is_folder:  # listing a folder counts as using it
                size.files += 1
                size.used_at = max(size.used_at, found.status.st_atime, found.status.st_mtime)
        if number % SLICE == 0:
            yield
    return size

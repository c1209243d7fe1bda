"""What is said about cleaning: candidates, the plan that is shown first, progress, the result.

Sizes are what the disk really holds (allocated blocks), and what removing would really free: a
file with links elsewhere counts nothing.
"""

import enum
from typing import NamedTuple

import msgspec

from omnitray.base.facts import ReasonEnum


class FileId(NamedTuple):
    """What a file is, whatever it is called now."""

    device: int
    inode: int


class CacheKind(enum.StrEnum):
    """How a cache is known to be one, and so how it is cleaned."""

    MARKED = "marked"  # holds a valid CACHEDIR.TAG: emptied, the tag stays
    TOOL = "tool"  # cleaned by the command of the tool that owns it
    THUMBNAILS = "thumbnails"  # the desktop's previews: emptied
    TRASH = "trash"  # thrown away by the person long ago: removed, only when allowed


class CleanReason(ReasonEnum):
    """Why something was cleaned or left."""

    CLEANED = "cleaned", "Cleaned."
    PARTLY = "partly", "Cleaned in part: enough is free now."
    ENOUGH = "enough", "Left: enough is free already."
    IN_USE = "in_use", "Left: a program has it open."
    RECENT = "recent", "Left: it was used in the last minutes."
    OTHER_OWNER = "other_owner", "Left: it belongs to another user."
    OTHER_DISK = "other_disk", "Left: it is on another disk, so cleaning it would not help."
    MOUNT = "mount", "Left: something is mounted there."
    REPLACED = "replaced", "Left: it is no longer what was looked at."
    UNMARKED = "unmarked", "Left: it no longer carries a valid CACHEDIR.TAG."
    SPECIAL = "special", "Left: it is neither a file nor a folder."
    DENIED = "denied", "Left: the system does not allow it."
    TOO_DEEP = "too_deep", "Left: it is nested too deeply."
    ENVIRONMENT = "environment", "Left: programs run from it."
    REPOSITORY = "repository", "Left: it holds a repository."
    TOO_BROAD = "too_broad", "Left: it stands right in the home folder and may hold more."
    FAILED = "failed", "Left: the tool’s own command failed."


class CacheCandidate(msgspec.Struct, frozen=True, kw_only=True):
    """A cache that could be cleaned. ``used_at`` is wall time in seconds, the newest use found.

    ``size_bytes`` is None where only the tool knows. ``identity`` is what ``path`` was when it was
    looked at; nothing else is ever cleaned under that path.
    """

    name: str
    kind: CacheKind
    path: str | None = None
    identity: FileId | None = None
    size_bytes: int | None = None
    files: int = 0
    used_at: float | None = None
    command: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()  # further files that go with it (the trash's records)


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """Something that looked like a cache and is left alone, with the reason."""

    name: str
    reason: CleanReason
    path: str | None = None


class CleanPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What would be cleaned, in this order, until disk use is under ``target_percent``."""

    made_at: float
    used_percent: float
    target_percent: float
    candidates: tuple[CacheCandidate, ...] = ()
    left: tuple[Left, ...] = ()

    @property
    def size_bytes(self) -> int:
        """All that could be freed as far as it is known."""
        return sum(each.size_bytes or 0 for each in self.candidates)


class CleanProgress(msgspec.Struct, frozen=True, kw_only=True):
    """Where a run stands: the candidate at work, and what the whole run has freed so far."""

    name: str
    freed_bytes: int
    planned_bytes: int


class CleanOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one candidate; ``left`` counts the files in it that stayed, by reason."""

    name: str
    reason: CleanReason
    freed_bytes: int = 0
    removed: int = 0
    left: dict[CleanReason, int] = {}
    detail: str = ""  # what a tool said when its command failed


class CleanResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a run did."""

    before_percent: float
    after_percent: float
    outcomes: tuple[CleanOutcome, ...] = ()

    @property
    def freed_bytes(self) -> int:
        """All that was freed."""
        return sum(each.freed_bytes for each in self.outcomes)

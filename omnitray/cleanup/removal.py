"""Cleaning one candidate of a plan, step by step, and saying what became of it."""

from collections import Counter
from collections.abc import Callable, Generator, Iterable
from pathlib import Path

from omnitray.cleanup.cache_tools import Tools, freed_in
from omnitray.cleanup.facts import CacheCandidate, CacheKind, CleanOutcome, CleanReason
from omnitray.cleanup.plan import measured
from omnitray.cleanup.walk import (
    TAG,
    FolderRefused,
    Found,
    Links,
    RemovalScope,
    is_marked,
    opened,
    walk,
    walk_entry,
)

BATCH = 64  # removals between two looks at the disk, or so many bytes
BATCH_BYTES = 1 << 20

Removing = Generator[int, None, CleanOutcome]  # yields the bytes freed so far


class Remover:
    """Cleans one candidate at a time; ``is_enough`` asks the disk whether to stop."""

    def __init__(self, ground: RemovalScope, tools: Tools, is_enough: Callable[[], bool]) -> None:
        self._ground = ground
        self._tools = tools
        self._is_enough = is_enough

    def clean(self, candidate: CacheCandidate) -> Removing:
        """Clean it; whatever cannot be done is a reason, never an exception."""
        ways = {CacheKind.TOOL: self._ask_tool, CacheKind.TRASH: self._throw_out}
        try:
            return (yield from ways.get(candidate.kind, self._empty)(candidate))
        except FolderRefused as refused:
            return CleanOutcome(name=candidate.name, reason=refused.reason)

    def _empty(self, candidate: CacheCandidate) -> Removing:
        """Remove everything in it but its tag; the marked folder stays."""
        with opened(candidate.path or "", self._ground, candidate.identity) as held:
            marked = candidate.kind is CacheKind.MARKED
            if marked and not is_marked(held):
                raise FolderRefused(CleanReason.UNMARKED)
            entries = walk(held, self._ground)
            kept = (each for each in entries if each.held is not held or each.name != TAG)
            return (yield from self._remove(candidate.name, kept if marked else entries))

    def _throw_out(self, candidate: CacheCandidate) -> Removing:
        """Remove a thing from the trash, and then its record."""
        path = Path(candidate.path or "")
        with opened(str(path.parent), self._ground) as held:
            entries = walk_entry(held, path.name, self._ground, candidate.identity)
            outcome = yield from self._remove(candidate.name, entries, whole=True)
        if outcome.reason is CleanReason.CLEANED and not outcome.left:
            for note in candidate.notes:
                self._remove_file(Path(note))
        return outcome

    def _remove_file(self, path: Path) -> None:
        with opened(str(path.parent), self._ground) as held:
            for found in walk_entry(held, path.name, self._ground):
                if not found.is_folder and found.reason is None:
                    found.remove()

    def _remove(self, name: str, entries: Iterable[Found], *, whole: bool = False) -> Removing:
        """Remove entries in their order; ``whole`` does not stop in the middle."""
        left: Counter[CleanReason] = Counter()
        links, freed, removed, looked_at = Links(), 0, 0, 0
        for number, found in enumerate(entries, 1):
            reason = found.reason or found.remove()
            if reason is None:
                freed += links.freed_by(found)
                removed += 1
            elif found.reason is not None or not found.is_folder:  # a folder that is not empty
                left[reason] += 1  # says nothing beyond what stayed in it
            if number % BATCH == 0 or freed - looked_at >= BATCH_BYTES:
                looked_at = freed
                yield freed
                if not whole and self._is_enough():
                    return _outcome(name, CleanReason.PARTLY, freed, removed, left)
        return _outcome(name, CleanReason.CLEANED, freed, removed, left)

    def _ask_tool(self, candidate: CacheCandidate) -> Removing:
        before = yield from self._size(candidate)
        answer = self._tools.run(candidate.command)
        if answer.exit_code != 0:
            last = (answer.output.strip().splitlines() or [""])[-1]
            return CleanOutcome(name=candidate.name, reason=CleanReason.FAILED, detail=last)
        after = yield from self._size(candidate)
        said = freed_in(answer.output) if candidate.path is None else None
        freed = max(0, before - after) if said is None else said
        return CleanOutcome(name=candidate.name, reason=CleanReason.CLEANED, freed_bytes=freed)

    def _size(self, candidate: CacheCandidate) -> Generator[int, None, int]:
        if candidate.path is None:
            return 0
        try:
            with opened(candidate.path, self._ground) as held:
                steps = measured(walk(held, self._ground), self._ground)
                while True:
                    try:
                        next(steps)
                    except StopIteration as end:
                        return int(end.value.size_bytes)
                    yield 0
        except FolderRefused:  # the tool has removed the folder itself
            return 0


def _outcome(
    name: str, reason: CleanReason, freed: int, removed: int, left: Counter[CleanReason]
) -> CleanOutcome:
    return CleanOutcome(
        name=name, reason=reason, freed_bytes=freed, removed=removed, left=dict(left)
    )

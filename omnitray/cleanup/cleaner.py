"""Cleaning what can be made again when the disk is nearly full, and never anything else.

The map: ``search`` finds, measures and judges caches, ``Remover`` cleans one, ``walk`` makes sure
that nothing outside it is touched, ``facts`` holds
plan, progress and result.

A plan is made and shown first; cleaning follows it, the least recently used first, until the disk
is under its target. Both go in steps, so that the caller can show progress, do something else in
between, or stop (closing the generator leaves nothing half open). Commands of tools take as long
as they take: run this where nothing else has to wait. ``drop_caches`` is not among the means: it
frees memory that is free already.
"""

import os
from collections import Counter
from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from typing import TypeVar

import msgspec

from omnitray.base.clock import Clock, SystemClock
from omnitray.cleanup.facts import (
    CacheCandidate,
    CacheKind,
    CleanOutcome,
    CleanPlan,
    CleanProgress,
    CleanReason,
    CleanResult,
    FileId,
    Left,
)
from omnitray.cleanup.search import Judge, NoTools, Places, Tools, freed_in, measured, search
from omnitray.cleanup.walk import (
    TAG,
    FolderRefused,
    Found,
    Links,
    RemovalScope,
    device_of,
    is_marked,
    opened,
    walk,
    walk_entry,
)

BATCH = 64  # removals between two looks at the disk, or so many bytes
BATCH_BYTES = 1 << 20

Removing = Generator[int, None, CleanOutcome]  # yields the bytes freed so far
Value = TypeVar("Value")


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


class Disk(msgspec.Struct, frozen=True):
    """The file system that is full, by the folder it is mounted on."""

    mount: str = "/"

    def used_percent(self) -> float:
        """Its use as ``df`` computes it: of what an ordinary user can have."""
        figures = os.statvfs(self.mount)
        used = figures.f_blocks - figures.f_bfree
        reachable = used + figures.f_bavail
        return 100.0 * used / reachable if reachable else 0.0

    def device(self) -> int:
        """What tells its files from those of other file systems."""
        return Path(self.mount).stat().st_dev


class CacheCleaner:
    """Plans and cleans. Everything outside enters here.

    ``open_files`` lists what programs have open now (also the folders they work in); ``mount_of``
    tells mounts apart by an open descriptor; ``use`` asks how full a disk is, in per cent.
    """

    def __init__(
        self,
        places: Places,
        *,
        tools: Tools | None = None,
        clock: Clock | None = None,
        open_files: Callable[[], frozenset[FileId]] = frozenset,
        mount_of: Callable[[int], int] = device_of,
        use: Callable[[Disk], float] = Disk.used_percent,
    ) -> None:
        self._places = places
        self._tools = tools or NoTools()
        self._clock = clock or SystemClock()
        self._open_files = open_files
        self._mount_of = mount_of
        self._use = use

    def plan(self, disk: Disk, target_percent: float, *, allow_trash: bool = False) -> CleanPlan:
        """What would be cleaned, without touching anything; takes as long as it takes."""
        return drained(self.planning(disk, target_percent, allow_trash=allow_trash))

    def planning(
        self, disk: Disk, target_percent: float, *, allow_trash: bool = False
    ) -> Generator[None, None, CleanPlan]:
        """The same in steps."""
        now = self._clock.wall()
        judge = Judge(home=self._places.home, device=disk.device(), now=now, ground=self._ground())
        candidates: list[CacheCandidate] = []
        left: list[Left] = []
        for found in search(self._places, self._tools, now, allow_trash=allow_trash):
            yield
            if found is not None:
                judged = yield from judge.judge(found)
                if isinstance(judged, CacheCandidate):
                    candidates.append(judged)
                elif judged is not None:
                    left.append(judged)
        return CleanPlan(
            made_at=now,
            used_percent=self._use(disk),
            target_percent=target_percent,
            candidates=tuple(sorted(candidates, key=_least_recently_used)),
            left=tuple(left),
        )

    def clean(self, plan: CleanPlan, disk: Disk) -> CleanResult:
        """Clean as planned; takes as long as it takes."""
        return drained(self.cleaning(plan, disk))

    def cleaning(self, plan: CleanPlan, disk: Disk) -> Generator[CleanProgress, None, CleanResult]:
        """The same in steps: progress before each candidate and after each batch of files."""
        before = self._use(disk)
        remover = Remover(
            self._ground(), self._tools, lambda: self._use(disk) < plan.target_percent
        )
        outcomes: list[CleanOutcome] = []
        freed = 0
        for candidate in plan.candidates:
            if self._use(disk) < plan.target_percent:
                outcomes.append(CleanOutcome(name=candidate.name, reason=CleanReason.ENOUGH))
                continue
            yield CleanProgress(
                name=candidate.name, freed_bytes=freed, planned_bytes=plan.size_bytes
            )
            outcome = yield from _with_progress(remover.clean(candidate), candidate, plan, freed)
            freed += outcome.freed_bytes
            outcomes.append(outcome)
        return CleanResult(
            before_percent=before, after_percent=self._use(disk), outcomes=tuple(outcomes)
        )

    def _ground(self) -> RemovalScope:
        return RemovalScope(os.geteuid(), self._open_files(), self._mount_of)


def drained(steps: Generator[object, None, Value]) -> Value:
    """Take all steps at once."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            value: Value = end.value
            return value


def _with_progress(
    steps: Generator[int, None, CleanOutcome],
    candidate: CacheCandidate,
    plan: CleanPlan,
    freed: int,
) -> Generator[CleanProgress, None, CleanOutcome]:
    while True:
        try:
            here = next(steps)
        except StopIteration as end:
            outcome: CleanOutcome = end.value
            return outcome
        yield CleanProgress(
            name=candidate.name, freed_bytes=freed + here, planned_bytes=plan.size_bytes
        )


def _least_recently_used(candidate: CacheCandidate) -> tuple[bool, float, str]:
    """Unknown last: only a tool knows, and it cleans all of it."""
    return candidate.used_at is None, candidate.used_at or 0.0, candidate.name

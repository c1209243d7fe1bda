"""Cleaning what can be made again when the disk is nearly full, and never anything else.

The map: ``cache_search`` finds caches, ``cache_plan`` measures and judges them, ``cache_removal``
cleans one, ``cache_walk`` makes sure that nothing outside it is touched, ``cache_tools`` knows the
tools' own commands, ``cache_facts`` holds what is said about all this.

A plan is made and shown first; cleaning follows it, the least recently used first, until the disk
is under its target. Both go in steps, so that the caller can show progress, do something else in
between, or stop (closing the generator leaves nothing half open). Commands of tools take as long
as they take: run this where nothing else has to wait. ``drop_caches`` is not among the means: it
frees memory that is free already.
"""

import os
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TypeVar

import msgspec

from omnitray.base.clock import Clock, SystemClock
from omnitray.cleanup.cache_tools import NoTools, Tools
from omnitray.cleanup.facts import (
    CacheCandidate,
    CleanOutcome,
    CleanPlan,
    CleanProgress,
    CleanReason,
    CleanResult,
    FileId,
    Left,
)
from omnitray.cleanup.plan import Judge
from omnitray.cleanup.removal import Remover
from omnitray.cleanup.search import Places, search
from omnitray.cleanup.walk import RemovalScope, device_of

Value = TypeVar("Value")


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

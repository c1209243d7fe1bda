"""Finding caches: folders marked by CACHEDIR.TAG, the tools' own, thumbnails, and old trash.

Searching only reads. It keeps to the file system of each root, follows no links and looks at a
bounded number of folders. What is found here is judged in ``cache_plan``.
"""

import datetime as dt
import os
import stat
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import msgspec

from omnitray.base.bounded import read_bounded
from omnitray.cleanup.cache_tools import TOOLS, Tools, build_cache_bytes, folder_of
from omnitray.cleanup.facts import CacheCandidate, CacheKind
from omnitray.cleanup.walk import TAG

FOLDERS = 50_000  # looked at for each root
DEPTH = 8
_RECORD_BYTES = 65_536  # a path and a date
TRASH_AGE_S = 30 * 86400.0
CLOSED = frozenset({".git", ".hg", ".svn"})  # holds no caches, and many folders


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """Where to look: the person's home, cache and trash folders, and project folders."""

    home: str
    cache: str
    trash: str
    roots: tuple[str, ...] = ()


def places(home: Path, environ: dict[str, str], roots: tuple[str, ...] = ()) -> Places:
    """The places by the XDG base directory rules."""
    cache = environ.get("XDG_CACHE_HOME") or str(home / ".cache")
    data = environ.get("XDG_DATA_HOME") or str(home / ".local" / "share")
    return Places(home=str(home), cache=cache, trash=str(Path(data) / "Trash"), roots=roots)


def search(
    where: Places, tools: Tools, now_wall: float, *, allow_trash: bool
) -> Iterator[CacheCandidate | None]:
    """Candidates, not yet measured; None now and then so that a caller can do something else."""
    taken: set[str] = set()
    for candidate in _of_tools(where, tools):
        if candidate.path is not None:
            taken.add(os.path.realpath(candidate.path))
        yield candidate
    thumbnails = str(Path(where.cache) / "thumbnails")
    taken.add(os.path.realpath(thumbnails))
    yield CacheCandidate(name="thumbnails", kind=CacheKind.THUMBNAILS, path=thumbnails)
    for root in dict.fromkeys([where.cache, f"{where.home}/.cargo", *where.roots]):
        yield from _marked(root, where.home, taken)
    if allow_trash:
        yield from _old_trash(Path(where.trash), now_wall)


def _of_tools(where: Places, tools: Tools) -> Iterator[CacheCandidate]:
    for tool in TOOLS:
        if not tools.has(tool.clean[0]):
            continue
        folder = folder_of(tool, tools, Path(where.home))
        size = None
        if tool.size:
            answer = tools.run(tool.size)
            size = build_cache_bytes(answer.output) if answer.exit_code == 0 else None
            if not size:
                continue
        yield CacheCandidate(
            name=tool.name, kind=CacheKind.TOOL, path=folder, size_bytes=size, command=tool.clean
        )


def _marked(root: str, home: str, taken: set[str]) -> Iterator[CacheCandidate | None]:
    """Marked folders below a root, breadth first, not within one another nor within a tool's."""
    start = os.path.realpath(root)
    waiting = deque([(start, 0)])
    for _ in range(FOLDERS):
        if not waiting:
            return
        folder, depth = waiting.popleft()
        if folder in taken:
            continue
        names, folders = _listing(folder, start)
        if TAG in names and folder != start:
            taken.add(folder)
            yield CacheCandidate(name=_short(folder, home), kind=CacheKind.MARKED, path=folder)
        elif depth < DEPTH:
            waiting.extend((each, depth + 1) for each in folders)
        yield None


def _listing(folder: str, root: str) -> tuple[set[str], list[str]]:
    """Names in a folder, and those of its folders that are on the root's file system."""
    names: set[str] = set()
    folders: list[str] = []
    try:
        device = os.lstat(root).st_dev
        with os.scandir(folder) as entries:
            for entry in entries:
                names.add(entry.name)
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(status.st_mode) and status.st_dev == device:
                    folders.append(entry.path)
    except OSError:  # gone or closed to us: what was seen so far is enough
        pass
    return names, [each for each in folders if Path(each).name not in CLOSED]


def _short(folder: str, home: str) -> str:
    return f"~{folder[len(home) :]}" if folder.startswith(f"{home}/") else folder


def _old_trash(trash: Path, now_wall: float) -> Iterator[CacheCandidate]:
    try:
        records = sorted((trash / "info").glob("*.trashinfo"))
    except OSError:
        return
    for record in records:
        thrown = _thrown_away_at(record)
        if thrown is not None and now_wall - thrown > TRASH_AGE_S:
            thing = trash / "files" / record.name.removesuffix(".trashinfo")
            yield CacheCandidate(
                name=f"trash: {thing.name}",
                kind=CacheKind.TRASH,
                path=str(thing),
                used_at=thrown,
                notes=(str(record),),
            )


def _thrown_away_at(record: Path) -> float | None:
    """Wall seconds of ``DeletionDate=2026-11-22T13:21:27`` (local time), as freedesktop says."""
    try:
        lines = read_bounded(record, _RECORD_BYTES).decode(errors="replace").splitlines()
        dates = [line.partition("=")[2] for line in lines if line.startswith("DeletionDate=")]
        return dt.datetime.fromisoformat(dates[0]).astimezone().timestamp()
    except (OSError, ValueError, IndexError):
        return None

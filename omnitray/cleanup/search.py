"""Finding and judging caches: folders with a CACHEDIR.TAG, the tools' own, thumbnails, old trash.

Searching only reads. It keeps to the file system of each root, follows no links and looks at a
bounded number of folders. What is found is measured and judged: a candidate, or left with the
reason.

Some tools clean their own caches best: ``TOOLS`` has their commands. Cargo has no stable command
for it; its downloads carry a CACHEDIR.TAG and are found by that.
"""

import datetime as dt
import os
import re
import stat
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from pathlib import Path, PurePath
from typing import NamedTuple, Protocol

import msgspec

from omnitray.base.bounded import read_bounded
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


class CommandResult(msgspec.Struct, frozen=True):
    """What a program said and how it ended."""

    exit_code: int
    output: str


class Tools(Protocol):
    """Running other people's programs: found on PATH, no shell, no input, a time limit."""

    def has(self, name: str) -> bool:
        """Whether the program is there."""
        ...

    def run(self, command: Sequence[str]) -> CommandResult:
        """Run it to its end; one that could not run or ran too long has a code other than 0."""
        ...


class NoTools:
    """A machine without any of them."""

    def has(self, name: str) -> bool:
        """Always False."""
        del name
        return False

    def run(self, command: Sequence[str]) -> CommandResult:
        """Always "not found"."""
        return CommandResult(127, f"{command[0]}: not found")


class Tool(NamedTuple):
    """One cache of one tool. ``folder`` is relative to the home, for tools that do not say."""

    name: str
    clean: tuple[str, ...]
    where: tuple[str, ...] = ()  # the command that prints its folder
    folder: str | None = None
    size: tuple[str, ...] = ()  # the command that prints sizes, where there is no folder


TOOLS = (
    Tool("pip", ("pip", "cache", "purge"), ("pip", "cache", "dir"), ".cache/pip"),
    Tool("uv", ("uv", "cache", "clean"), ("uv", "cache", "dir"), ".cache/uv"),
    Tool(
        "npm",
        ("npm", "cache", "clean", "--force"),
        ("npm", "config", "get", "cache"),
        ".npm",
    ),
    Tool("pnpm", ("pnpm", "store", "prune"), ("pnpm", "store", "path"), ".local/share/pnpm/store"),
    Tool("yarn", ("yarn", "cache", "clean"), ("yarn", "cache", "dir"), ".cache/yarn"),
    Tool("go builds", ("go", "clean", "-cache"), ("go", "env", "GOCACHE"), ".cache/go-build"),
    Tool("go modules", ("go", "clean", "-modcache"), ("go", "env", "GOMODCACHE"), "go/pkg/mod"),
    Tool(
        "ccache",
        ("ccache", "--clear"),
        ("ccache", "--get-config", "cache_dir"),
        ".cache/ccache",
    ),
    Tool(
        "docker builds",
        ("docker", "builder", "prune", "--force"),
        size=("docker", "system", "df", "--format", "{{.Type}}\t{{.Reclaimable}}"),
    ),
)

_UNITS = {"B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}
_SIZE = re.compile(r"([\d.]+)\s*([kKMGT]?B)\b")


def folder_of(tool: Tool, tools: Tools, home: PurePath) -> str | None:
    """Where the tool keeps its cache: what it says, where that is a path, else where it does."""
    if tool.where:
        answer = tools.run(tool.where)
        said = answer.output.strip()
        if answer.exit_code == 0 and "\n" not in said and PurePath(said).is_absolute():
            return said
    return str(home / tool.folder) if tool.folder else None


def build_cache_bytes(output: str) -> int | None:
    """The reclaimable build cache in ``docker system df``'s answer."""
    for line in output.splitlines():
        if line.startswith("Build Cache"):
            return size_in(line)
    return None


def freed_in(output: str) -> int | None:
    """``Total reclaimed space: 1.2GB`` or ``Total: 1.2GB`` at the end of docker's answer."""
    totals = [line for line in output.splitlines() if line.startswith("Total")]
    return size_in(totals[-1]) if totals else None


def size_in(text: str) -> int | None:
    """The first size in a text, decimal units, in bytes."""
    found = _SIZE.search(text)
    return int(float(found.group(1)) * _UNITS[found.group(2).upper()]) if found else None


FOLDERS = 50_000  # looked at for each root
DEPTH = 8
_RECORD_BYTES = 65_536  # a path and a date
TRASH_AGE_S = 30 * 86400.0
CLOSED = frozenset({".git", ".hg", ".svn"})  # holds no caches, and many folders
QUIET_S = 600.0  # a cache used within the last ten minutes may be needed by what runs now
SLICE = 2_000  # entries between two chances for the caller to do something else
REPOSITORIES = (".git", ".hg", ".svn")
Judged = CacheCandidate | Left | None


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

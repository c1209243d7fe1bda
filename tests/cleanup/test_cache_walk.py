"""Nothing outside the folder is ever touched: links, mounts, owners, races, names, depth."""

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from omnitray.cleanup.cleaner import Remover, drained
from omnitray.cleanup.facts import (
    CacheCandidate,
    CacheKind,
    CleanOutcome,
    CleanReason,
    FileId,
)
from omnitray.cleanup.search import NoTools
from omnitray.cleanup.walk import FolderRefused, RemovalScope, identity_of, opened, walk
from support.trees import everything, marked, write


def ground(**known: FileId) -> RemovalScope:
    return RemovalScope(os.geteuid(), frozenset(known.values()))


def empty(folder: Path, on: RemovalScope | None = None) -> CleanOutcome:
    candidate = CacheCandidate(
        name="it",
        kind=CacheKind.MARKED,
        path=str(folder),
        identity=identity_of(folder.stat()),
    )
    return drained(Remover(on or ground(), NoTools(), lambda: False).clean(candidate))


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != "CACHEDIR.TAG")


def test_a_link_is_removed_and_what_it_points_to_is_not(tmp_path: Path) -> None:
    precious = write(tmp_path / "precious" / "thesis.txt")
    cache = marked(tmp_path / "cache")
    (cache / "to_file").symlink_to(precious)
    (cache / "to_folder").symlink_to(precious.parent)
    (cache / "sub" / "up").symlink_to("../..")
    (cache / "to_nothing").symlink_to("/not/there")
    empty(cache)
    assert left_in(cache) == []
    assert precious.exists()


def test_a_candidate_that_is_a_link_is_not_entered(tmp_path: Path) -> None:
    real = marked(tmp_path / "real")
    link = tmp_path / "link"
    link.symlink_to(real)
    with pytest.raises(FolderRefused) as caught, opened(str(link), ground()):
        pass
    assert caught.value.reason is CleanReason.REPLACED


def test_what_another_user_owns_is_left(tmp_path: Path) -> None:
    cache = marked(tmp_path / "cache", "mine")
    stranger = RemovalScope(os.geteuid() + 1)
    candidate = CacheCandidate(name="it", kind=CacheKind.MARKED, path=str(cache))
    outcome = drained(Remover(stranger, NoTools(), lambda: False).clean(candidate))
    assert outcome.reason is CleanReason.OTHER_OWNER
    assert left_in(cache) == ["mine"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_files_and_folders_of_others_within_are_left(tmp_path: Path) -> None:
    cache = marked(tmp_path / "cache", "mine", "theirs", "folder/mine too")
    os.chown(cache / "theirs", 12345, 12345)
    os.chown(cache / "folder", 12345, 12345)
    outcome = empty(cache)
    assert left_in(cache) == ["folder", "theirs"]
    assert outcome.left == {CleanReason.OTHER_OWNER: 2}


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Path]:
    """A marked cache with another file system mounted in it."""
    cache = marked(tmp_path / "cache", "mine")
    mount = cache / "mount"
    mount.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", mount], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("may not mount here")
    write(mount / "precious")
    yield cache
    subprocess.run(["umount", mount], check=True)


def test_what_is_mounted_in_a_cache_is_left(mounted: Path) -> None:
    outcome = empty(mounted)
    assert left_in(mounted) == ["mount"]
    assert (mounted / "mount" / "precious").exists()
    assert outcome.left == {CleanReason.MOUNT: 1}


def test_a_platform_can_tell_mounts_of_one_file_system_apart(tmp_path: Path) -> None:
    cache = marked(tmp_path / "cache", "mine", "bound/precious")
    bound = identity_of((cache / "bound").stat()).inode

    def mount_of(descriptor: int) -> int:
        return int(os.fstat(descriptor).st_ino == bound)

    outcome = empty(cache, RemovalScope(os.geteuid(), frozenset(), mount_of))
    assert (cache / "bound" / "precious").exists()
    assert outcome.left == {CleanReason.MOUNT: 1}


def test_a_folder_replaced_by_a_link_between_listing_and_opening_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    precious = write(tmp_path / "precious" / "thesis.txt")
    cache = marked(tmp_path / "cache", "sub/a")
    really_open = os.open

    def race(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path == "sub" and dir_fd is not None:
            (cache / "sub").rename(tmp_path / "moved")
            (cache / "sub").symlink_to(precious.parent)
        return really_open(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", race)
    outcome = empty(cache)
    assert precious.exists()
    assert (tmp_path / "moved" / "a").exists()
    assert outcome.left == {CleanReason.REPLACED: 1}


def test_a_folder_replaced_by_another_between_listing_and_opening_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = marked(tmp_path / "cache", "sub/a")
    other = write(tmp_path / "other" / "precious").parent
    really_open = os.open

    def race(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path == "sub" and dir_fd is not None:
            (cache / "sub").rename(tmp_path / "moved")
            other.rename(cache / "sub")
        return really_open(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", race)
    empty(cache)
    assert left_in(cache) == ["sub"]
    assert (cache / "sub" / "precious").exists()


def test_a_folder_moved_away_while_it_is_emptied_is_left_at_once(tmp_path: Path) -> None:
    cache = marked(tmp_path / "cache", *[f"sub/{number}" for number in range(10)])
    removed = 0
    with opened(str(cache), ground()) as held:
        for found in walk(held, ground()):
            if removed == 3 and (cache / "sub").exists():
                (cache / "sub").rename(tmp_path / "saved")
            removed += found.name != "CACHEDIR.TAG" and found.remove() is None
    assert len(left_in(tmp_path / "saved")) == 7


def test_a_file_replaced_since_it_was_looked_at_is_left(tmp_path: Path) -> None:
    cache = marked(tmp_path / "cache", "one")
    with opened(str(cache), ground()) as held:
        found = next(each for each in walk(held, ground()) if each.name == "one")
        (cache / "one").rename(tmp_path / "away")
        write(cache / "one")
        assert found.remove() is CleanReason.REPLACED
    assert (cache / "one").exists()


def test_what_vanishes_meanwhile_is_no_fault(tmp_path: Path) -> None:
    cache = marked(tmp_path / "cache", "one", "two")
    with opened(str(cache), ground()) as held:
        entries = list(walk(held, ground()))
        for name in ("one", "two"):
            (cache / name).unlink()
        assert {each.remove() for each in entries if each.name != "CACHEDIR.TAG"} == {None}


def test_sockets_and_pipes_are_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = marked(tmp_path / "cache", "one")
    os.mkfifo(cache / "pipe")
    monkeypatch.chdir(cache)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as ear:
        ear.bind("socket")
    outcome = empty(cache)
    assert left_in(cache) == ["pipe", "socket"]
    assert outcome.left == {CleanReason.SPECIAL: 2}


def test_hostile_names_are_names(tmp_path: Path) -> None:
    names = [
        "a\nb",
        "-rf",
        "*",
        "$(touch x)",
        " ",
        "\udcff\udcfe",
        "…\u202e",
        "x" * 255,
        "\\",
        "...",
    ]
    cache = marked(tmp_path / "cache", *names, *[f"folder/{name}" for name in names])
    outcome = empty(cache)
    assert left_in(cache) == []
    assert outcome.removed == 2 * len(names) + 1


def test_a_tree_deeper_than_descriptors_last_is_left_without_a_fault(tmp_path: Path) -> None:
    cache = marked(tmp_path / "cache", "one")
    folder = os.open(cache, os.O_RDONLY)
    for _ in range(400):
        os.mkdir("d", dir_fd=folder)
        below = os.open("d", os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = below
    os.close(folder)
    outcome = empty(cache)
    assert outcome.left == {CleanReason.TOO_DEEP: 1}
    assert left_in(cache) == ["d"]
    subprocess.run(["rm", "-r", cache], check=True)


def test_a_folder_that_may_not_be_listed_is_left(tmp_path: Path) -> None:
    cache = marked(tmp_path / "cache", "closed/a")
    found = [each for each in everything(cache) if each == b"closed/a"]
    os.chmod(cache / "closed", 0)  # noqa: PTH101 - as the kernel sees it
    outcome = empty(cache)
    os.chmod(cache, 0o700)  # noqa: PTH101 - likewise
    if os.geteuid() == 0:
        assert left_in(cache) == []  # root may
    else:
        assert outcome.left == {CleanReason.DENIED: len(found)}
        (cache / "closed").chmod(0o700)


NAMES = st.sampled_from(["a", "b", "CACHEDIR.TAG", "x\ny", "-", "é"])
PATHS = st.lists(NAMES, min_size=1, max_size=4)
ENTRIES = st.lists(
    st.tuples(PATHS, st.sampled_from(["file", "folder", "link out", "link up", "hard link"])),
    max_size=25,
)


def grow(root: Path, outside: Path, parts: list[str], kind: str) -> None:
    """Put something below the root unless something else is in the way."""
    path = root.joinpath(*parts)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if kind == "file":
            with path.open("xb") as file:  # never over the mark of a cache, also through a link
                file.write(b"cache")
        elif kind == "folder":
            path.mkdir()
        elif kind == "hard link":
            os.link(outside / "kept", path)
        else:
            path.symlink_to(outside if kind == "link out" else "..")
    except OSError:
        return


@given(entries=ENTRIES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nothing_outside_the_root_is_ever_removed(
    entries: list[tuple[list[str], str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    base = tmp_path_factory.mktemp("any")
    outside = base / "outside"
    write(outside / "kept")
    write(outside / "deep" / "kept too")
    cache = marked(base / "cache", "one")
    for parts, kind in entries:
        grow(cache, outside, parts, kind)
    before = everything(outside)
    outcome = empty(cache)
    assert everything(outside) == before
    assert outcome.left == {}
    assert left_in(cache) == []

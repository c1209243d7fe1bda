"""A home folder on a small disk with caches that may be cleaned, and everything that may not.

Built inside a world by its own paths, looked at from outside.
"""

import os
import time
from pathlib import Path

from support.desktop import tool
from support.world import World

TAG = "Signature: 8a477f597d28d172789f06886806bc55\n"
MB = 1_000_000
OLD_S = 90 * 86400
STRANGER = 12345  # a user that is not ours


class Traps:
    """``home`` is the disk's mount point in the world, ``folder`` is on another one."""

    HOLDS_OPEN = "import sys, time; held = open(sys.argv[1]); time.sleep(600)"

    def __init__(self, world: World, home: Path, folder: Path) -> None:
        self._world = world
        self._home = home
        self._seen = world.seen(home)
        self._cache = self._seen / ".cache"
        self.outside = folder / "victim"
        self.swapped = home / ".cache/oldest/parts"
        self.open_file = home / ".cache/in-use/index"
        self._guarded: dict[Path, int] = {}

    def lay(self) -> None:
        """Fill the disk to some 85 per cent, 30 MB of which can be made again."""
        self._lay_what_must_stay()
        oldest, old = self._marked("oldest", 3 * OLD_S), self._marked("old", 2 * OLD_S)
        for number in range(300):
            _write(oldest / "parts" / f"part-{number}", MB // 100, 3 * OLD_S)
        for number in range(27):
            _write(old / f"wheel-{number}", MB, 2 * OLD_S)
        _link(old / "link", self.outside)
        _link(oldest / "link", self.outside / "thesis")
        self._mount(old / "mounted")
        foreign = self._guard(old / "foreign/file", MB // 10)
        os.chown(foreign.parent, STRANGER, STRANGER)
        os.chown(foreign, STRANGER, STRANGER)

    def _lay_what_must_stay(self) -> None:
        self._guard(self.outside / "thesis", 10_000)
        for number in range(300):
            self._guard(self.outside / f"part-{number}", 100)
        self._guard(self._seen / "work/film", 45 * MB)
        self._guard(self._cache / "untagged/settings", MB // 10)
        fake = self._cache / "fake"
        self._guard(fake / "CACHEDIR.TAG", 100)
        self._guard(fake / "letters", MB // 10)
        self._marked("in-use", 4 * OLD_S)
        self._guard(self._world.seen(self.open_file), 2 * MB)
        self._marked("newest", OLD_S)
        self._guard(self._cache / "newest/later", 2 * MB)
        self._marked("environment", 4 * OLD_S)
        self._guard(self._cache / "environment/pyvenv.cfg", 100)
        self._guard(self._cache / "environment/bin/python", MB)

    def _marked(self, name: str, age_s: int) -> Path:
        folder = self._cache / name
        tag = folder / "CACHEDIR.TAG"
        _write(tag, 0, age_s)
        tag.write_text(TAG)
        return folder

    def _guard(self, path: Path, size_bytes: int) -> Path:
        """A file that has to be there afterwards as it is now."""
        age_s = OLD_S if "newest" in path.parts else 4 * OLD_S
        _write(path, size_bytes, age_s)
        self._guarded[path] = path.stat().st_size
        return path

    def _mount(self, seen: Path) -> None:
        seen.mkdir()
        inside = self._home / seen.relative_to(self._seen)
        self._world.run(tool("mount"), "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(inside))
        self._guard(seen / "file", MB // 10)

    @property
    def used_bytes(self) -> int:
        """Of the small disk."""
        disk = os.statvfs(self._seen)
        return (disk.f_blocks - disk.f_bfree) * disk.f_frsize

    @property
    def used_percent(self) -> float:
        """Likewise, as ``df`` says it."""
        disk = os.statvfs(self._seen)
        used = disk.f_blocks - disk.f_bfree
        return 100 * used / (used + disk.f_bavail)

    def harmed(self) -> list[str]:
        """What had to stay and has not."""
        return [
            str(path)
            for path, size in self._guarded.items()
            if not path.exists() or path.stat().st_size != size
        ]

    @property
    def wheels_left(self) -> int:
        """Of those 27 that can be made again and are not the oldest."""
        return len([*(self._cache / "old").glob("wheel-*")])


def _write(path: Path, size_bytes: int, age_s: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\0" * size_bytes)
    _age(path, age_s)


def _link(path: Path, target: Path) -> None:
    path.symlink_to(target)
    _age(path, 4 * OLD_S)


def _age(path: Path, age_s: int) -> None:
    """As if nobody had used it for so long."""
    then = time.time() - age_s
    os.utime(path, (then, then), follow_symlinks=False)

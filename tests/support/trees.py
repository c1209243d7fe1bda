"""Cache trees on a real disk, old enough to be cleaned, and a look at what is left."""

import os
from pathlib import Path

from omnitray.cleanup.walk import SIGNATURE, TAG

LONG_AGO = 1_600_000_000.0


def write(path: Path, size: int = 5000, used_at: float = LONG_AGO) -> Path:
    """A file that takes room and was last used long ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    os.utime(path, (used_at, used_at))
    return path


def marked(folder: Path, *names: str, used_at: float = LONG_AGO) -> Path:
    """A folder that says it is a cache, with files in it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / TAG).write_bytes(SIGNATURE + b"\n# a comment\n")
    for name in names or ("one", "sub/two"):
        write(folder / name, used_at=used_at)
    return folder


def everything(root: Path) -> dict[bytes, str]:
    """What is below a folder: relative names, and what each is or holds."""
    found: dict[bytes, str] = {}
    for folder, folders, files in os.walk(os.fsencode(root)):
        for name in folders + files:
            path = os.path.join(folder, name)  # noqa: PTH118 - names that are bytes
            found[os.path.relpath(path, os.fsencode(root))] = _content(path)
    return found


def _content(path: bytes) -> str:
    if os.path.islink(path):  # noqa: PTH114 - names that are bytes
        return f"link to {os.readlink(path)!r}"  # noqa: PTH115 - likewise
    if os.path.isfile(path):  # noqa: PTH113 - likewise
        with open(path, "rb") as file:  # noqa: PTH123 - likewise
            return file.read().hex()
    return "folder"

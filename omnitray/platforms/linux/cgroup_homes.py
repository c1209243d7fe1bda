"""Where the kernel keeps our own cgroup: the folders from it up to the mount, in each hierarchy.

Version 2 has one hierarchy, version 1 one for each controller or set of them; a machine may have
both. In a container the mount may begin at our group (cgroup_namespaces(7)).
"""

import re
from pathlib import Path

import msgspec

from omnitray.platforms.linux.files import read_once

_MOUNT = re.compile(rb"^\S+ \S+ \S+ (\S+) (\S+) .* - (cgroup2?) \S+ (\S+)$", re.MULTILINE)


class Home(msgspec.Struct, frozen=True, kw_only=True):
    """Where a controller keeps our group: the folders from our own up to its mount."""

    controllers: frozenset[bytes]  # empty for version 2
    folders: tuple[Path, ...]


def find_homes(root: Path) -> list[Home]:
    """Our group in each hierarchy that this process is in."""
    own = _own_groups(read_once(root / "proc/self/cgroup") or b"")
    mounts = read_once(root / "proc/self/mountinfo") or b""
    homes = []
    for fs_root, point, kind, options in _MOUNT.findall(mounts):
        names = frozenset(options.split(b",")) if kind == b"cgroup" else frozenset()
        group = next((path for key, path in own.items() if _is_for(key, names)), None)
        if group is not None:
            folders = _folders(root / point.decode(errors="replace").lstrip("/"), fs_root, group)
            homes.append(Home(controllers=names, folders=folders))
    return homes


def _own_groups(content: bytes) -> dict[frozenset[bytes], bytes]:
    groups = {}
    for line in content.split(b"\n"):
        _, _, rest = line.partition(b":")
        controllers, colon, path = rest.partition(b":")
        if colon:
            groups[frozenset(controllers.split(b",")) - {b""}] = path
    return groups


def _is_for(group: frozenset[bytes], options: frozenset[bytes]) -> bool:
    return group == options if not group or not options else group <= options


def _folders(mount: Path, fs_root: bytes, group: bytes) -> tuple[Path, ...]:
    """Our group's folder and all above it; in a container its mount may begin with our group."""
    prefix = fs_root.rstrip(b"/")
    below = group[len(prefix) :] if (group + b"/").startswith(prefix + b"/") else b""
    parts = [part for part in below.decode(errors="replace").split("/") if part]
    if ".." in parts or not mount.joinpath(*parts).is_dir():
        parts = []
    return tuple(mount.joinpath(*parts[:depth]) for depth in range(len(parts), -1, -1))

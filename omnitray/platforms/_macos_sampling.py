"""What counts on macOS. Never run there yet."""

import re
from collections.abc import Iterable
from typing import Any

from omnitray.platforms._psutil_sampling import PsutilMachine

_NETWORK = frozenset({"smbfs", "nfs", "afpfs", "webdav", "autofs", "devfs", "ftp"})
_CONTAINER = re.compile(r"^(/dev/disk\d+)")
_DOUBLE = re.compile(r"(lo|utun|awdl|llw|bridge|gif|stf|anpi|ap|vmnet|feth)\d")


def mac_machine(**seams: Any) -> PsutilMachine:
    """The machine, from psutil."""
    return PsutilMachine(choose_partitions, is_real, has_load=True, **seams)


def choose_partitions(partitions: Iterable[Any]) -> list[Any]:
    """One of each APFS container: its volumes share one free space. Images are read only."""
    chosen: dict[str, Any] = {}
    for each in sorted(partitions, key=lambda each: len(each.mountpoint)):
        sealed_root = each.mountpoint == "/"
        if each.fstype in _NETWORK or ("ro" in each.opts.split(",") and not sealed_root):
            continue
        container = _CONTAINER.match(each.device)
        chosen.setdefault(container[1] if container else each.device, each)
    return list(chosen.values())


def is_real(interface: str) -> bool:
    """Neither loopback nor a tunnel, a bridge or a radio that shares another's counter."""
    return not _DOUBLE.match(interface)

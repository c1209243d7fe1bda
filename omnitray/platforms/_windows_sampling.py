"""What counts on Windows. Never run there yet."""

from collections.abc import Iterable
from typing import Any

from omnitray.platforms._psutil_sampling import PsutilMachine

_DOUBLES = ("loopback", "vethernet", "isatap", "teredo", "local area connection*")


def windows_machine(**seams: Any) -> PsutilMachine:
    """The machine, from psutil."""
    return PsutilMachine(choose_partitions, is_real, has_load=False, **seams)


def choose_partitions(partitions: Iterable[Any]) -> list[Any]:
    """Drives of this machine with something in them."""
    return [
        each
        for each in partitions
        if each.fstype and not {"cdrom", "remote"} & set(each.opts.split(","))
    ]


def is_real(interface: str) -> bool:
    """Neither loopback nor a virtual switch or tunnel."""
    return not interface.lower().startswith(_DOUBLES)

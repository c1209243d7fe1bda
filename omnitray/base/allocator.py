"""glibc's allocator, told to hold less: memory that was freed goes back to the system.

By itself it makes up to eight arenas a processor, one for each thread that meets another there, and
keeps in each what is freed below something that lives. Where there is another C library nothing is
done.
"""

import ctypes
from typing import Any

_ARENA_MAX = -8  # M_ARENA_MAX, see mallopt(3)
_ARENAS = 2  # one thread runs at a time, except in the calls of libraries


def use_few_arenas() -> bool:
    """Have two arenas at most; False where that cannot be had. Before threads are started."""
    library = _glibc()
    return library is not None and bool(library.mallopt(_ARENA_MAX, _ARENAS))


def give_back() -> bool:
    """Give free pages of all arenas back to the system, in some milliseconds; whether it did."""
    library = _glibc()
    return library is not None and bool(library.malloc_trim(0))


def _glibc() -> Any:
    try:
        library = ctypes.CDLL(None)
    except (OSError, TypeError):  # systems that cannot name the program itself
        return None
    return library if hasattr(library, "mallopt") and hasattr(library, "malloc_trim") else None

"""What wakes the guard early on macOS: the kernel's word that memory is short.

A kqueue with the filter that libdispatch's memory pressure source uses (``EVFILT_MEMORYSTATUS`` in
the kernel's ``sys/event.h``): no privilege, and the queue itself turns readable. Never run there
yet.
"""

import contextlib
import select
from collections.abc import Callable
from typing import Any

_MEMORY_STATUS = -14  # EVFILT_MEMORYSTATUS
_PRESSURE = 0x2 | 0x4  # NOTE_MEMORYSTATUS_PRESSURE_WARN, _CRITICAL
_ADD, _CLEAR, _ENABLE = 0x1, 0x20, 0x4


class MacWakers:
    """``queue`` makes a kqueue, ``event`` an event for it: those of ``select``, or stand-ins."""

    def __init__(self, queue: Callable[[], Any], event: Callable[..., Any]) -> None:
        self._make_queue = queue
        self._event = event
        self._queue: Any = None

    def zram_bytes(self) -> int:
        """None: what is compressed counts as used already.

        It is asked at every reading, and that is when what the queue has told has been heard: taken
        out here, the queue is quiet until the next time.
        """
        if self._queue is not None:
            with contextlib.suppress(OSError):
                self._queue.control(None, 1, 0)
        return 0

    def triggers(self) -> tuple[int, ...]:
        """The queue's descriptor; none where the kernel does not take the filter."""
        if self._queue is None:
            with contextlib.suppress(OSError):
                self._queue = self._listening()
        return (self._queue.fileno(),) if self._queue is not None else ()

    def close(self) -> None:
        """Give it back."""
        queue, self._queue = self._queue, None
        if queue is not None:
            queue.close()

    def _listening(self) -> Any:
        queue = self._make_queue()
        wanted = self._event(
            0, filter=_MEMORY_STATUS, flags=_ADD | _CLEAR | _ENABLE, fflags=_PRESSURE
        )
        try:
            queue.control([wanted], 0, 0)
        except OSError:
            queue.close()
            raise
        return queue


def mac_wakers() -> MacWakers:
    """Over the real kqueue."""
    kqueue: Any = select.kqueue  # type: ignore[attr-defined,unused-ignore]  # there on BSDs alone
    kevent: Any = select.kevent  # type: ignore[attr-defined,unused-ignore]  # likewise
    return MacWakers(kqueue, kevent)

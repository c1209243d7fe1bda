"""What is left to protect with when the process has no file descriptor left.

Looking at processes needs descriptors. A leak in a library, a client that opens all that it may, or
a limit that somebody sets low (``ulimit -n``, ``prlimit``) must not blind the protector: a few are
held from the start and given back when nothing else is left.
"""

import errno
import os

USED_UP = frozenset({errno.EMFILE, errno.ENFILE})
# A scan has two open at once, a lever three, the journal one, and the monitor reads beside it.
_KEPT = 16


class DescriptorReserve:
    """Held by one thread, which calls :meth:`tend` before it needs descriptors."""

    def __init__(self) -> None:
        self._held: list[int] = []
        self.is_spent = False
        self._fill()

    def tend(self) -> bool:
        """Give the reserve away when none is left, take it back when there are some; its change.

        True when :attr:`is_spent` has changed.
        """
        was_spent = self.is_spent
        if self.is_spent:
            self._fill()
        elif not _one_is_left():
            self.close()
            self.is_spent = True
        return self.is_spent != was_spent

    def close(self) -> None:
        """Give them back."""
        for descriptor in self._held:
            os.close(descriptor)
        self._held.clear()

    def _fill(self) -> None:
        """All of them and one to spare, or none."""
        try:
            while len(self._held) <= _KEPT:
                self._held.append(os.open(os.devnull, os.O_RDONLY))
        except OSError as error:
            if error.errno not in USED_UP:
                raise
            self.close()
            self.is_spent = True
            return
        os.close(self._held.pop())
        self.is_spent = False


def _one_is_left() -> bool:
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return error.errno not in USED_UP
    return True

"""The secret that opens the local API: new at each start, changed on demand, never printed."""

import base64
import os
import threading
from collections.abc import Callable

BYTES = 32


def new_token() -> str:
    """Chance for a URL. As ``secrets`` makes it, which brings OpenSSL along: 4 MB."""
    return base64.urlsafe_b64encode(os.urandom(BYTES)).rstrip(b"=").decode()


class Token:
    """The token in force. Any thread may ask; comparing takes the same time for any input."""

    def __init__(self, make: Callable[[], str] = new_token) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._value = make()

    def __repr__(self) -> str:
        """Nothing that a log could keep."""
        return "Token(…)"

    def reveal(self) -> str:
        """The secret itself, for ``api.json`` alone."""
        with self._lock:
            return self._value

    def matches(self, offered: bytes) -> bool:
        """Whether somebody knows it."""
        import hmac  # noqa: PLC0415 - it brings OpenSSL along; who is never asked needs none

        return hmac.compare_digest(self.reveal().encode(), offered)

    def rotate(self) -> None:
        """From now on another one."""
        with self._lock:
            self._value = self._make()

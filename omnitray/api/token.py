"""The secret that opens the local API: new at each start, changed on demand, never printed.

A program proves that it knows the token without sending it: :func:`proof_of` a challenge. The port
is part of it, so that a program on another port gains nothing by relaying the challenge.
"""

import base64
import os
import re
import threading
from collections.abc import Callable

BYTES = 32
CHALLENGE_HEADER = "x-omnitray-challenge"
PROOF_HEADER = "x-omnitray-proof"
CHALLENGE = re.compile("[0-9a-f]{32}")


def new_token() -> str:
    """Chance for a URL. As ``secrets`` makes it, which brings OpenSSL along: 4 MB."""
    return base64.urlsafe_b64encode(os.urandom(BYTES)).rstrip(b"=").decode()


def new_challenge() -> str:
    """A question that was never asked before."""
    return os.urandom(16).hex()


def proof_of(token: str, port: int, challenge: str) -> str:
    """What only one who knows the token can answer to a challenge (HMAC-SHA256, RFC 2104)."""
    import hmac  # noqa: PLC0415 - it brings OpenSSL along; who is never asked needs none

    return hmac.digest(token.encode(), f"omnitray {port} {challenge}".encode(), "sha256").hex()


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
        """Whether the given text is the token."""
        import hmac  # noqa: PLC0415 - it brings OpenSSL along; who is never asked needs none

        return hmac.compare_digest(self.reveal().encode(), offered)

    def next(self) -> str:
        """One that could come next; the one in force stays until :meth:`take`."""
        return self._make()

    def take(self, value: str) -> None:
        """From now on this one."""
        with self._lock:
            self._value = value

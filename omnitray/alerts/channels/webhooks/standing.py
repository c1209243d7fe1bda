"""How a webhook stands, what a test brought, and what the person must know of it."""

import msgspec

from omnitray.base.facts import Severity


class WebhookView(msgspec.Struct, frozen=True, kw_only=True):
    """How a webhook stands; no address, no key. Times are wall seconds."""

    name: str
    kind: str
    severity: Severity
    resolved: bool
    paused: bool
    waiting: int
    state: str  # ready, delivered, waiting, failed, paused
    delivered_at: float | None = None
    next_at: float | None = None
    why: str = ""
    dropped: int = 0  # deliveries, since it last took all that waited
    kept_in: str = "file"  # address and key: settings, file or keyring


class WebhookTest(msgspec.Struct, frozen=True, kw_only=True):
    """What a receiver answered to a test."""

    name: str
    arrived: bool
    words: str
    body: str
    took_s: float
    at: float


class WebhookTrouble(msgspec.Struct, frozen=True, kw_only=True):
    """A receiver's alerts were given up or dropped, it was removed, or it answers again (``over``).

    ``removed`` is no fault: it says how many alerts waited for it.
    """

    name: str
    count: int = 0
    why: str = ""
    dropped: bool = False
    removed: bool = False
    over: bool = False

"""What is sent where, and what came back. Facts; none of them is logged with an address."""

import enum
import os
from typing import Literal

import msgspec

from omnitray.alerts.model import Alert
from omnitray.base.clock import timestamp
from omnitray.base.facts import AlertType, Severity

EVENT_SCHEMA = 1
Via = Literal["http", "smtp", "apprise"]


class EventAction(enum.StrEnum):
    """A step in the life of an incident, as the receiver gets it."""

    TRIGGER = "trigger"
    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"


class WebhookEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that one receiver is to hear: a file of the outbox.

    ``number`` orders the events of all receivers; ``id`` stays the same over all tries. ``begun``:
    an event of the same incident came before it, delivered or waiting.
    """

    schema: int = EVENT_SCHEMA
    id: str
    number: int
    webhook: str
    action: EventAction
    at: float
    alert: Alert
    begun: bool = False


class HttpCall(msgspec.Struct, frozen=True, kw_only=True):
    """A request for the process that sends; the fields that ``via`` does not need are empty."""

    via: Via = "http"
    method: str = "POST"
    url: str = ""
    headers: dict[str, str] = {}
    body: str = ""
    host: str = ""
    port: int = 0
    tls: Literal["", "starttls", "implicit"] = ""
    user: str = ""
    password: str = ""
    title: str = ""
    tone: str = ""
    events: tuple[str, ...] = ()  # the ids of the events that it carries

    def __repr__(self) -> str:
        """Without the address: this may reach a log."""
        return f"HttpCall(via={self.via!r}, events={self.events!r})"


class ReceiverAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What came back: a status and the beginning of a body, or a word for what went wrong."""

    status: int | None = None
    error: str = ""
    body: str = ""
    retry_after: str = ""
    took_s: float = 0.0


def sample_event(webhook: str, id_: str, at: float) -> WebhookEvent:
    """What "Send a test" sends: an alert that says that it is none."""
    seen = timestamp(at)
    alert = Alert(
        id=f"{int(at * 1000):012x}{os.urandom(5).hex()}",
        type=AlertType.CRITICAL,
        severity=Severity.INFO,
        state="firing",
        title="This is a test of OmniTray",
        message="Nothing is wrong. If you can read this, alerts arrive here.",
        source="monitor",
        fingerprint="omnitray-test",
        first_seen=seen,
        last_seen=seen,
    )
    action = EventAction.TRIGGER
    return WebhookEvent(id=id_, number=0, webhook=webhook, action=action, at=at, alert=alert)

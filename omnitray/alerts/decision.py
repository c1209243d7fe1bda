"""What the alert system says about an alert: decisions, and where they are handed over.

``AlertSystem`` makes a :class:`Decision` for everything that happens to an alert and gives both
to a :class:`Sink` (``channels/dispatch.py``), which takes them to the channels it names.
"""

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Protocol

import msgspec

from omnitray.alerts.channels.registry import Audience, of_audience
from omnitray.alerts.model import Alert
from omnitray.alerts.reasons import Reason
from omnitray.base.facts import AlertChannel

RECORD = of_audience(Audience.RECORD)
FEED = of_audience(Audience.FEED)
ATTENTION = of_audience(Audience.ATTENTION)
# Asked only by those who wait: of ten thousand alerts nobody waits for most, and a future is
# a dozen objects that the garbage collector would walk through.
Receipt = Callable[[], Future[Path]]
DURABLE = (AlertChannel.WEBHOOK,)  # keep on disk what they owe
EVERYWHERE = RECORD + FEED + ATTENTION


class Decision(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is to become of an alert now, and why.

    ``notify`` means that the person is told: the attention channels show ``title`` and ``body``.
    ``withdraw`` means that what they show in ``slot`` is taken back. A notification replaces the
    one with the same ``slot``; several alerts (``members``, their ids) may share one. ``at`` is
    wall time in seconds. ``suppressed`` is how many raises went untold since the last time.
    """

    reason: Reason
    alert_id: str
    fingerprint: str
    at: float
    channels: tuple[str, ...] = RECORD
    notify: bool = False
    withdraw: bool = False
    slot: str = ""
    title: str = ""
    body: str = ""
    members: tuple[str, ...] = ()
    suppressed: int = 0
    held: Reason | None = None  # what stands against telling anybody, whatever the settings say
    buttons: tuple[tuple[str, str], ...] = ()  # (key, label); none: the ones of an alert


class Outgoing(msgspec.Struct, frozen=True):
    """An alert on its way to the channels of its decision; ``receipt`` is the sink's."""

    alert: Alert
    decision: Decision
    receipt: Receipt | None = None

    @property
    def stored(self) -> Future[Path] | None:
        """Completes with the path when the alert is durable; None where nothing is stored.

        It fails with ``durable.StorageError`` when the disk refuses; the alert is then kept in
        memory and written later.
        """
        return self.receipt() if self.receipt is not None else None


class Tick(msgspec.Struct, frozen=True):
    """What a look at the clock brought about, already handed to the sink.

    ``next_delay_s`` is when to look again; None when nothing waits.
    """

    outgoing: tuple[Outgoing, ...]
    next_delay_s: float | None


class Sink(Protocol):
    """Takes alerts to their channels; never blocks and never raises."""

    def submit(self, alert: Alert, decision: Decision) -> Receipt | None:
        """Queue the alert for ``decision.channels``; the receipt is for who must know it stored."""
        ...

    def amend(self, alert: Alert) -> None:
        """Only the record says something else now, and nobody waits for it."""
        ...

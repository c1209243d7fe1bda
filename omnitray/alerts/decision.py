"""What the alert system says about an alert: decisions, and where they are handed over.

``AlertSystem`` makes a :class:`Decision` for everything that happens to an alert and gives both
to a :class:`Sink` (``channels/dispatch.py``), which takes them to the channels it names.

A :class:`Reason` has a word and a sentence for each. The window, the log, the API and the tests all
show these same words.
"""

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Protocol

import msgspec

from omnitray.alerts.channels.registry import Audience, of_audience
from omnitray.alerts.model import Alert
from omnitray.base.facts import AlertChannel, ReasonEnum


class Reason(ReasonEnum):
    """Why an alert was notified, held back, or changed."""

    # told
    NEW = "new", "Told at once: it is new and nothing like it came before."
    ESCALATED = "escalated", "Told at once: it became more severe."
    REFIRED = "refired", "Told: it came back after it had been resolved."
    REPEATED = "repeated", "Told again: it still stands after the repeat interval."
    RELEASED = "released", "Told late: what had held it back is over and it still stands."
    GROUPED = "grouped", "Told together with others of its kind."
    DIGEST = "digest", "Told in a digest: many notifications were shown in the last minutes."
    FLAPPING_NOTICE = "flapping_notice", "Told once: it keeps coming and going."
    REWORDED = "reworded", "Shown anew in its place: it says something else now."

    # waits
    GROUP_WAIT = "group_wait", "Waits a moment to be told together with others of its kind."
    OVER_BUDGET = "over_budget", "Waits for a digest: many notifications were shown just now."

    # held back
    DISABLED = "disabled", "Not told: notifications are switched off."
    BELOW_THRESHOLD = "below_threshold", "Not told: less severe than what the settings ask for."
    NOBODY_WAITS = "nobody_waits", "Not told: it is busy, and nobody is waiting for it."
    SNOOZED = "snoozed", "Not told: notifications are paused."
    SNOOZED_ALERT = "snoozed_alert", "Not told: this alert is paused."
    ACKNOWLEDGED = "acknowledged", "Not told: somebody has acknowledged it."
    SERVER_IS_DOWN = "server_is_down", "Not told: its server is known to be down."
    CRITICAL_STANDS = "critical_stands", "Not told: a critical alert is open already."
    FLAPPING = "flapping", "Not told: it keeps coming and going, and that has been said."
    REPEAT_FLOOR = "repeat_floor", "Not told: the same was told less than a minute ago."
    ASKED_ABOUT = "asked_about", "Not told: the question about it is on the screen."
    NOT_YET_DUE = "not_yet_due", "Not told: it is known and its repeat is not due yet."
    OTHER_TYPE = "other_type", "Not told: this webhook takes other types of alerts."
    ABOUT_ITSELF = "about_itself", "Not told: it is about this webhook itself."

    # life
    RESOLVED = "resolved", "It no longer holds."
    EXPIRED = "expired", "Closed: nothing was heard of it for a day."
    ONE_OFF = "one_off", "Closed: the command ended an hour ago; the history keeps it."
    CROWDED_OUT = "crowded_out", "Closed: too many alerts are open to follow this one further."
    ACKNOWLEDGED_NOW = "acknowledged_now", "Somebody has acknowledged it."
    SNOOZED_NOW = "snoozed_now", "Its notifications are paused from now on."
    RESTORED = "restored", "It was open when the program ended and is followed further."


# Nothing is told now, and this is why.
HOLDING = frozenset(each for each in Reason if each.sentence.startswith(("Not told", "Waits")))


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

    ``notify`` means that the person is notified: attention channels show ``title`` and ``body``.
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
    escalated: bool = False  # it has become worse since it was told, as severe as it may have been
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
        """Only the record says something else now, and no caller waits for it."""
        ...

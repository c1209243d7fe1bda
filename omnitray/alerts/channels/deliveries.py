"""What became of each alert on each channel: delivered, waiting until when, failed or not sent why.

Channels report from their own threads through :meth:`Deliveries.note`. The newest state of each
alert, channel and target is kept for the window, the API and doctor, bounded by ``most`` alerts;
what is new since the last look goes to the main thread in batches (:meth:`Deliveries.take`), which
writes into the alert's record which channels took it.
"""

import enum
import threading
from collections.abc import Callable, Iterable

import msgspec

from omnitray.base.amounts import count as said

MOST_ALERTS = 2000  # four times what has a file of its own; about 0.5 kB each


class DeliveryState(enum.StrEnum):
    """How it stands."""

    DELIVERED = "delivered"
    WAITING = "waiting"
    FAILED = "failed"
    NOT_SENT = "not_sent"  # it was decided so, for the reason in ``why``


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One alert on one channel; ``target`` is the webhook's name, empty for the other channels.

    ``at`` (wall seconds) is when this became so, ``next_at`` when it is tried again, ``why`` what
    went wrong last, or the reason that speaks against it.
    """

    alert_id: str
    channel: str
    state: DeliveryState
    at: float
    target: str = ""
    next_at: float | None = None
    why: str = ""


class Deliveries:
    """Thread-safe; ``wake`` is called when something is new and nothing new waited before."""

    def __init__(self, most: int = MOST_ALERTS) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._known: dict[str, dict[tuple[str, str], Delivery]] = {}
        self._latest: dict[str, Delivery] = {}
        self._fresh: list[Delivery] = []
        self.wake: Callable[[], None] = lambda: None

    def note(self, *news: Delivery) -> None:
        """Something became of an alert; on any thread."""
        if not news:
            return
        with self._lock:
            waits = bool(self._fresh)
            for each in news:
                self._keep(each)
        if not waits:
            self.wake()

    def hold(self, alert_id: str, channel: str, at: float, why: str, *, target: str = "") -> None:
        """It is not sent, for this reason; what was sent of it before stays known."""
        with self._lock:
            known = self._known.get(alert_id, {}).get((channel, target))
        if known is None or (known.state is DeliveryState.NOT_SENT and known.why != why):
            state = DeliveryState.NOT_SENT
            self.note(
                Delivery(
                    alert_id=alert_id, channel=channel, state=state, at=at, target=target, why=why
                )
            )

    def take(self) -> tuple[Delivery, ...]:
        """What is new since the last time."""
        with self._lock:
            fresh, self._fresh = tuple(self._fresh), []
        return fresh

    def of(self, alert_id: str) -> tuple[Delivery, ...]:
        """What is known of one alert, in order of channel and target."""
        with self._lock:
            known = self._known.get(alert_id, {})
            return tuple(known[key] for key in sorted(known))

    def latest(self, channel: str) -> Delivery | None:
        """What became last of an alert on a channel, whichever its target."""
        with self._lock:
            return self._latest.get(channel)

    def _keep(self, news: Delivery) -> None:
        key = (news.channel, news.target)
        known = self._known.setdefault(news.alert_id, {})
        known[key] = news
        if news.state is not DeliveryState.NOT_SENT:
            self._latest[news.channel] = news
        self._fresh.append(news)
        if len(self._known) > self._most:
            del self._known[next(iter(self._known))]


def delivered(
    channel: str, alert_ids: Iterable[str], at: float, *, target: str = ""
) -> tuple[Delivery, ...]:
    """They arrived."""
    state = DeliveryState.DELIVERED
    return tuple(
        Delivery(alert_id=each, channel=channel, target=target, state=state, at=at)
        for each in alert_ids
    )


def failed(
    channel: str, alert_ids: Iterable[str], at: float, why: str, *, target: str = ""
) -> tuple[Delivery, ...]:
    """They did not arrive."""
    state = DeliveryState.FAILED
    return tuple(
        Delivery(alert_id=each, channel=channel, target=target, state=state, at=at, why=why)
        for each in alert_ids
    )


class ChannelState(enum.StrEnum):
    """How a channel stands."""

    OPEN = "open"
    FAILED = "failed"
    NO_LISTENER = "no_listener"
    NOT_DECLARED = "not_declared"  # the settings name no receiver
    ABSENT = "absent"  # this machine has nothing for it


class ChannelView(msgspec.Struct, frozen=True, kw_only=True):
    """One channel; ``open`` False: this machine has nothing for it, or no client listens.

    ``clients`` counts those that listen, None where none can; ``receivers`` the webhooks of the
    settings. ``fault`` is what is wrong now.
    """

    name: str
    open: bool
    clients: int | None = None
    receivers: int | None = None
    waiting: int = 0
    fault: str = ""
    latest: Delivery | None = None

    @property
    def state(self) -> ChannelState:
        """The one word for it."""
        if self.fault:
            return ChannelState.FAILED
        if self.clients == 0:
            return ChannelState.NO_LISTENER
        if self.receivers == 0:
            return ChannelState.NOT_DECLARED
        return ChannelState.OPEN if self.open else ChannelState.ABSENT


def dropped(count: int) -> str:
    """How many deliveries a webhook does not get any more, in words; empty for none."""
    return f"{said(count, 'alert')} not sent, because too many wait" if count else ""


def standing(state: ChannelState, fault: str, clients: int | None, receivers: int | None) -> str:
    """How a channel stands, in words: for the command line and doctor."""
    match state:
        case ChannelState.FAILED:
            return fault
        case ChannelState.NO_LISTENER:
            return "nobody listens"
        case ChannelState.NOT_DECLARED:
            return "none declared"
        case ChannelState.ABSENT:
            return "this machine has nothing for it"
    if receivers is not None:
        return f"{receivers} receiver{'' if receivers == 1 else 's'}"
    return "open" if clients is None else f"{clients} listening"

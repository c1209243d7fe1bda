"""What waits for one receiver: in order, paced, gathered, and tried again. Steps, no threads.

``take`` says what is to be sent now, ``settle`` what the answers mean. The order of the events of
one incident is kept: a message that the receiver refuses holds up its incident, a receiver that
does not answer holds up everything, and neither holds up another receiver.
"""

import datetime as dt
import itertools
import math
import random
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from omnitray.alerts.channels.webhooks.kinds import KIND_FORMS, REFRESH_S, KindForm
from omnitray.alerts.channels.webhooks.model import EventAction, ReceiverAnswer, WebhookEvent
from omnitray.alerts.channels.webhooks.retry import (
    GIVE_UP_S,
    MOST_S,
    AnswerKind,
    back_off_s,
    verdict,
)
from omnitray.alerts.model import Alert
from omnitray.alerts.storage.history import weight_of
from omnitray.base.clock import Clock
from omnitray.settings.webhooks import WebhookSettings

GATHER_S = 1.0  # the first of a burst waits so long for the others
BATCH = 50
QUIET_LOOK_S = 60.0
# A laptop that wakes after four days has no network for some seconds, and a clock that was wrong is
# set: three days by the wall clock alone do not say that it was tried. The longest pause does.
TRIED_S = MOST_S
JUMP_S = 60.0  # the clocks of a machine that is awake differ by milliseconds a day
REFRESH = "refresh"
# What waits for a receiver that takes nothing: an alert every two minutes for the three days after
# which it is given up, or 260 with the largest context. Prometheus keeps 10,000 for Alertmanager
# (--alertmanager.notification-queue-capacity) and drops the oldest; ours are a file each.
MOST_OWED = 2000
MOST_OWED_BYTES = 16 * 1024 * 1024


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a batch: arrived, given up, and those that wait further."""

    arrived: tuple[WebhookEvent, ...] = ()
    given_up: tuple[WebhookEvent, ...] = ()


class TriedSince(NamedTuple):
    """Since when it has been tried by a machine that was awake, and the newest try."""

    since_m: float
    newest_m: float
    newest_wall: float

    @classmethod
    def at(cls, now_m: float, wall: float, before: "TriedSince | None") -> "TriedSince":
        """With a try of now: where the wall clock has jumped since the last one it begins here."""
        if before is None:
            return cls(now_m, now_m, wall)
        drift_s = (wall - before.newest_wall) - (now_m - before.newest_m)
        return cls(now_m if abs(drift_s) > JUMP_S else before.since_m, now_m, wall)


class ReceiverQueue:
    """Used under its owner's lock. ``chance`` spreads the back-off."""

    def __init__(
        self,
        webhook: WebhookSettings,
        clock: Clock,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.webhook = webhook
        self.form: KindForm = KIND_FORMS[webhook.kind]
        self.events: list[WebhookEvent] = []
        self.failures = 0
        self.words = ""  # what came last, where it was no success
        self.misconfigured = False
        self._clock = clock
        self._chance = chance
        self._next_m = 0.0
        self._held: dict[str, tuple[float, int]] = {}  # fingerprint -> until, failures
        self._open: dict[str, Alert] = {}
        self._under_way: frozenset[str] = frozenset()
        self._weights: dict[str, int] = {}  # of events, by id
        self._refresh_m = clock.monotonic() + REFRESH_S
        self._tried: TriedSince | None = None

    def make_room(
        self, events: Sequence[WebhookEvent]
    ) -> tuple[list[WebhookEvent], list[WebhookEvent]]:
        """Which of these may be added, and what leaves for the others: it waits no more."""
        self._weigh(events)
        gone = beyond([*self.events, *events], self._weights, self._under_way)
        dropped = [each for each in (*self.events, *events) if each.id in gone]
        self.events = [each for each in self.events if each.id not in gone]
        for each in dropped:
            del self._weights[each.id]
        return [each for each in events if each.id not in gone], dropped

    def add(self, events: Sequence[WebhookEvent]) -> None:
        """More events, in their order."""
        if not events:
            return
        if not self.events and self.form.gathers:
            self._next_m = max(self._next_m, self._clock.monotonic() + GATHER_S)
        self.events += events
        self._weigh(events)
        for event in events:
            self.watch(event.alert)

    def watch(self, alert: Alert) -> None:
        """An alert that is open, or is not any more: only those that are repeated are kept."""
        if not self.form.refreshes:
            return
        if alert.state == "resolved":
            self._open.pop(alert.fingerprint, None)
        else:
            self._open[alert.fingerprint] = alert

    def hurry(self) -> None:
        """Try at once."""
        self._next_m = 0.0
        self._held.clear()

    def take(self) -> tuple[WebhookEvent, ...]:
        """What is to be sent now; nothing while it rests."""
        now_m = self._clock.monotonic()
        if self.webhook.paused or now_m < self._next_m:
            return ()
        ready = self._ready(now_m)[:BATCH]
        self._under_way = frozenset(each.id for each in ready)
        if ready:
            return tuple(ready)
        if self._open and not self.events and now_m >= self._refresh_m:
            at = self._clock.wall()
            return tuple(
                WebhookEvent(
                    id=REFRESH,
                    number=0,
                    webhook=self.webhook.name,
                    action=EventAction.TRIGGER,
                    at=at,
                    alert=alert,
                )
                for alert in self._open.values()
            )
        return ()

    def next_delay_s(self) -> float | None:
        """When to ask again; None when nothing waits."""
        if self.webhook.paused:
            return None
        now_m = self._clock.monotonic()
        if self.events:
            rest_s = max(0.0, self._next_m - now_m)
            if self._ready(now_m):
                return rest_s
            held = [until for until, _ in self._held.values()]
            return max(rest_s, min([QUIET_LOOK_S, *(each - now_m for each in held)]))
        if self._open:
            return max(0.0, self._refresh_m - now_m, self._next_m - now_m)
        return None

    @property
    def next_at(self) -> float | None:
        """The wall clock of the next try, where something waits for one."""
        delay_s = self.next_delay_s() if self.events else None
        return None if delay_s is None else self._clock.wall() + delay_s

    def settle(
        self, batch: Sequence[Sequence[WebhookEvent]], answers: Sequence[ReceiverAnswer]
    ) -> Settled:
        """What follows from the answers; ``batch`` has the events of each call."""
        now_m, now = self._clock.monotonic(), self._clock.wall()
        self._tried = TriedSince.at(now_m, now, self._tried)
        old_at = now - GIVE_UP_S if now_m - self._tried.since_m >= TRIED_S else -math.inf
        self._next_m = now_m + self.form.pace_s
        arrived: list[WebhookEvent] = []
        given_up: list[WebhookEvent] = []
        for events, answer in zip(batch, answers, strict=False):
            found = verdict(answer, dt.datetime.fromtimestamp(now, dt.UTC))
            if found.kind is AnswerKind.DELIVERED:
                arrived += events
                self.failures, self.words, self.misconfigured = 0, "", False
                continue
            self.words = found.words
            self._under_way = frozenset()  # the sender stops at the first that does not arrive
            # A receiver that takes nothing is asked once an hour: all that is old goes at once.
            at_stake = events if found.kind is AnswerKind.UNWANTED else self.events
            given_up += [each for each in at_stake if each.number and each.at < old_at]
            if found.kind is AnswerKind.UNWANTED:
                self._hold(events, now_m)
                continue
            self.failures += 1
            self.misconfigured = found.kind is AnswerKind.MISCONFIGURED
            wait_s = found.wait_s if found.wait_s is not None else self._back_off_s(self.failures)
            self._next_m = now_m + max(wait_s, self.form.pace_s)
            break
        gone = {each.id for each in (*arrived, *given_up)}
        self.events = [each for each in self.events if each.id not in gone]
        for each in (*arrived, *given_up):
            self._held.pop(each.alert.fingerprint, None)
            self._weights.pop(each.id, None)
        self._refresh_m = now_m + REFRESH_S if arrived else self._refresh_m
        real = tuple(each for each in arrived if each.number)
        return Settled(arrived=real, given_up=tuple(given_up))

    def _weigh(self, events: Sequence[WebhookEvent]) -> None:
        for event in events:
            if event.id not in self._weights:
                self._weights[event.id] = weight_of(event.alert)

    def _ready(self, now_m: float) -> list[WebhookEvent]:
        """In order; behind one that waits, the others of its incident wait, too."""
        blocked: set[str] = set()
        ready = []
        local = dt.datetime.fromtimestamp(self._clock.wall()).astimezone().time()
        for event in self.events:
            key = event.alert.fingerprint
            until, _ = self._held.get(key, (0.0, 0))
            quiet = self.webhook.is_quiet(event.alert.severity, local)
            if key in blocked or now_m < until or quiet:
                blocked.add(key)
            else:
                ready.append(event)
        return ready

    def _hold(self, events: Sequence[WebhookEvent], now_m: float) -> None:
        for event in events:
            _, failures = self._held.get(event.alert.fingerprint, (0.0, 0))
            wait_s = self._back_off_s(failures + 1)
            self._held[event.alert.fingerprint] = (now_m + wait_s, failures + 1)

    def _back_off_s(self, failures: int) -> float:
        return back_off_s(failures, self._chance())


def beyond(
    events: Sequence[WebhookEvent], weights: Mapping[str, int], under_way: frozenset[str]
) -> set[str]:
    """The ids of those that leave so that the rest is within the limits, as far as may be. Pure.

    First what a later event of its incident makes old, then incidents that the receiver knows
    nothing of: the least severe first, of these those that are over, the oldest first. Of one that
    it knows, its end stays, or else the newest event: what was begun is always ended.
    """
    count, size = len(events), sum(weights[each.id] for each in events)
    gone: set[str] = set()
    if count <= MOST_OWED and size <= MOST_OWED_BYTES:
        return gone
    incidents: dict[str, list[WebhookEvent]] = {}
    for event in events:
        incidents.setdefault(event.alert.fingerprint, []).append(event)
    parts = [
        _parts(each)
        for each in sorted(incidents.values(), key=_importance)
        if under_way.isdisjoint(event.id for event in each)
    ]
    for leaving in itertools.chain((old for old, _ in parts), (new for _, new in parts)):
        for each in leaving:
            gone.add(each.id)
            count -= 1
            size -= weights[each.id]
        if count <= MOST_OWED and size <= MOST_OWED_BYTES:
            break
    return gone


def _importance(incident: Sequence[WebhookEvent]) -> tuple[int, bool, str]:
    worst = max(each.alert.severity.rank for each in incident)
    newest = incident[-1].alert
    return worst, newest.state != "resolved", newest.first_seen


def _parts(
    incident: Sequence[WebhookEvent],
) -> tuple[Sequence[WebhookEvent], Sequence[WebhookEvent]]:
    """What later events make old, and what the receiver knows nothing of. The rest stays."""
    ends = [n for n, each in enumerate(incident) if each.action is EventAction.RESOLVE]
    heard: Sequence[WebhookEvent] = ()
    unheard = incident
    if incident[0].begun:
        place = ends[0] if ends else len(incident) - 1
        heard, unheard = incident[:place], incident[place + 1 :]
    begins = [n for n, each in enumerate(unheard) if each.action is EventAction.TRIGGER]
    newest = begins[-1] if begins else 0
    return (*heard, *unheard[:newest]), unheard[newest:]

"""What is notified, and when: the state behind :func:`~omnitray.alerts.rules.judge`.

:class:`NotificationState` holds the pauses, the bursts, the budget, the inhibitors and the shared
notification slots; it turns an incident into a case, and a verdict into bookkeeping.

:class:`Inhibitors` are what something worse explains: SERVER_DOWN mutes TEST_* and SERVER_SLOW of
that server; CRITICAL mutes RESOURCE_CRITICAL while it is neither acknowledged nor older than
``inhibit_s``: a line typed yesterday on a command line must not hide a full disk today.
"""

from collections.abc import Callable, Iterable

from omnitray.alerts.decision import Reason
from omnitray.alerts.grouping import DIGEST_SLOT, Budget, Groups
from omnitray.alerts.incidents import Incident
from omnitray.alerts.model import without_numbers
from omnitray.alerts.rules import (
    OF_A_SERVER,
    TEST_TYPES,
    AlertTiming,
    NotificationCase,
    NotificationOutcome,
    NotificationVerdict,
    Trigger,
    judge,
)
from omnitray.alerts.silences import Silences
from omnitray.base.facts import AlertType
from omnitray.base.policy import AlertPolicy


class Inhibitors:
    """The open alerts that explain others."""

    def __init__(self, timing: AlertTiming) -> None:
        self._timing = timing
        self._down: dict[str, set[str]] = {}
        self._critical: dict[str, Incident] = {}

    def follow(self, incident: Incident) -> None:
        """Take an incident in or out, as it stands now."""
        alert = incident.alert
        if alert.type is AlertType.SERVER_DOWN and incident.server is not None:
            down = self._down.setdefault(incident.server, set())
            if alert.state == "resolved":
                down.discard(alert.fingerprint)
            else:
                down.add(alert.fingerprint)
            if not down:
                del self._down[incident.server]
        elif alert.type is AlertType.CRITICAL:
            self._critical[alert.fingerprint] = incident
            if not incident.firing:
                del self._critical[alert.fingerprint]

    def reason(self, incident: Incident, now_m: float) -> Reason | None:
        """What explains this incident, if anything does."""
        type_ = incident.alert.type
        if type_ in OF_A_SERVER:
            return Reason.SERVER_IS_DOWN if incident.server in self._down else None
        if type_ is AlertType.RESOURCE_CRITICAL and self._fresh_critical(now_m):
            return Reason.CRITICAL_STANDS
        return None

    def concerns(self, ended: Iterable[Incident]) -> Callable[[Incident], bool]:
        """Which incidents the end of these inhibitors concerns, as a test that costs the same."""
        servers: set[str | None] = set()
        critical = False
        for inhibitor in ended:
            if inhibitor.alert.type is AlertType.SERVER_DOWN:
                servers.add(inhibitor.server)
            else:
                critical = True

        def concerned(incident: Incident) -> bool:
            if incident.held is Reason.SERVER_IS_DOWN:
                return incident.server in servers
            return critical and incident.held is Reason.CRITICAL_STANDS

        return concerned

    def _fresh_critical(self, now_m: float) -> bool:
        limit_s = self._timing.inhibit_s
        return any(now_m - each.raised_m < limit_s for each in self._critical.values())


class NotificationState:
    """Bookkeeping of what the person has seen and what is pending."""

    def __init__(self, policy: AlertPolicy, timing: AlertTiming, silences: Silences) -> None:
        self.policy = policy
        self.silences = silences
        self.inhibitors = Inhibitors(timing)
        self.groups = Groups(timing)
        self.budget = Budget(timing)
        self._timing = timing
        self.asked_about: dict[str, str] = {}  # by question on the screen: the fingerprint
        self._slots: dict[str, dict[str, None]] = {}  # slot -> fingerprints it speaks of

    def verdict(
        self,
        incident: Incident,
        change: Trigger,
        now_m: float,
        *,
        flapping: bool = False,
        notify_now: bool = False,
        in_group: bool = False,
    ) -> NotificationVerdict:
        """What becomes of this incident now; ``in_group``: it has waited its time."""
        alert = incident.alert
        if not flapping:
            incident.flap_told = False
        case = NotificationCase(
            change=change,
            severity=alert.severity,
            acknowledged=alert.state == "acknowledged",
            snoozed=self.silences.reason(alert.fingerprint, now_m),
            inhibited=self.inhibitors.reason(incident, now_m),
            asked_about=alert.fingerprint in self.asked_about.values(),
            user_impact=alert.context.get("others_wait") is not False,
            flapping=flapping,
            flap_told=incident.flap_told,
            told_ago_s=None
            if incident.notified_mono_s is None
            else now_m - incident.notified_mono_s,
            told_rank=incident.told_rank,
            pending=incident.pending,
            recurs=alert.type not in TEST_TYPES,
            group_quiet=in_group or self.groups.quiet(_group(incident), now_m),
            budget_left=in_group or self.budget.left(now_m),
            notify_now=notify_now,
            flap_window_s=self._timing.flap_window_s,
        )
        return judge(case, self.policy)

    def held(self, incident: Incident, now_m: float, *, flapping: bool = False) -> Reason | None:
        """The reason not to notify now, whatever the desktop's settings are."""
        if (explained := self.inhibitors.reason(incident, now_m)) is not None:
            return explained
        return Reason.FLAPPING if flapping else None

    def wait(self, incident: Incident, outcome: NotificationOutcome, now_m: float) -> None:
        """Let it wait for its group or the digest."""
        if outcome is NotificationOutcome.GROUP:
            if not self.groups.join(_group(incident), incident.alert.fingerprint, now_m):
                _seen(incident, now_m)  # told of by the number
        else:
            self.budget.defer(incident.alert.fingerprint, now_m)

    def said_by_question(self, incident: Incident, now_m: float) -> str | None:
        """A question says it: the slot that is free for it, where the incident had one alone."""
        slot = self.let_go(incident) if self.stands_alone(incident) else None
        _seen(incident, now_m)
        return slot

    def stands_alone(self, incident: Incident) -> bool:
        """Whether a notification on the screen is about this incident and no other."""
        return self.speaks_of(incident.slot) == (incident.alert.fingerprint,)

    def told_one(self, incident: Incident, now_m: float, *, flapping: bool) -> None:
        """Note that it was sent on its own."""
        slot = incident.alert.id
        self.groups.told(_group(incident), slot, now_m)
        self._told(incident, slot, now_m)
        incident.flap_told = flapping
        incident.shown = without_numbers(incident.alert.title)
        self.budget.spend(now_m)

    def told_many(self, incidents: Iterable[Incident], slot: str, now_m: float) -> list[str]:
        """They were notified together; returns the slots without a member now."""
        left = [self._told(incident, slot, now_m) for incident in incidents]
        if slot != DIGEST_SLOT:
            self.budget.spend(now_m)
        return [each for each in left if each is not None]

    def let_go(self, incident: Incident) -> str | None:
        """It no longer needs the person: the slot to take back, if nothing else stands in it."""
        fingerprint = incident.alert.fingerprint
        self.groups.leave(_group(incident), fingerprint)
        self.budget.leave(fingerprint)
        return self._leave_slot(incident)

    def speaks_of(self, slot: str) -> tuple[str, ...]:
        """The fingerprints that the notification in this slot is about."""
        return tuple(self._slots.get(slot, ()))

    def restored(self, incident: Incident) -> None:
        """Note that it was sent before the program ended, and may be withdrawn."""
        if not incident.pending:
            self._slots.setdefault(incident.slot, {})[incident.alert.fingerprint] = None

    def next_m(self) -> list[float]:
        """When something that waits here is due."""
        every = (self.groups.next_m, self.budget.next_m, self.silences.next_m)
        return [each for each in every if each is not None]

    def _told(self, incident: Incident, slot: str, now_m: float) -> str | None:
        fingerprint = incident.alert.fingerprint
        self.groups.leave(_group(incident), fingerprint)
        self.budget.leave(fingerprint)
        left = self._leave_slot(incident) if incident.slot != slot else None
        self._slots.setdefault(slot, {})[fingerprint] = None
        incident.slot = slot
        _seen(incident, now_m)
        return left

    def _leave_slot(self, incident: Incident) -> str | None:
        speaks_of = self._slots.get(incident.slot)
        if speaks_of is None or incident.alert.fingerprint not in speaks_of:
            return None
        del speaks_of[incident.alert.fingerprint]
        if speaks_of:
            return None
        del self._slots[incident.slot]
        return incident.slot


def _seen(incident: Incident, now_m: float) -> None:
    incident.notified_mono_s = now_m
    incident.told_rank = incident.alert.severity.rank
    incident.pending = False
    incident.held = None


def _group(incident: Incident) -> str:
    return f"{incident.alert.type} {incident.alert.source}"

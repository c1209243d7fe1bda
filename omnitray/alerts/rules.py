"""Whether the person is notified: a pure function from a case to a verdict.

The order of the rules is their precedence: switched off, too mild, paused, acknowledged, explained
by something worse, flapping, too soon, not due; what passes all of them is shown now, in a group,
or in a digest.
"""

import enum

import msgspec

from omnitray.alerts.decision import Reason
from omnitray.base.facts import AlertType, Severity
from omnitray.base.policy import AlertPolicy

_ROUNDING_S = 1e-6  # an appointment is computed by adding what is subtracted here


class Trigger(enum.Enum):
    """What brought the case up."""

    NEW = "new"
    REFIRED = "refired"
    ESCALATED = "escalated"
    AGAIN = "again"  # raised once more while open
    DUE = "due"  # nothing happened, but time has passed or an obstacle has gone


class NotificationOutcome(enum.Enum):
    """Tell now, wait for the group or the digest, or leave it."""

    TELL = "tell"
    GROUP = "group"
    DIGEST = "digest"
    HOLD = "hold"


class NotificationVerdict(msgspec.Struct, frozen=True):
    """The outcome and its reason; ``again_in_s`` is when a held case should be judged again."""

    outcome: NotificationOutcome
    reason: Reason
    again_in_s: float | None = None


class NotificationCase(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the decision depends on. ``told_ago_s`` is None when it was never sent."""

    change: Trigger
    severity: Severity
    acknowledged: bool = False
    snoozed: Reason | None = None
    inhibited: Reason | None = None
    asked_about: bool = False  # a question on the screen says it
    user_impact: bool = True  # False: it is true, and makes no one wait
    flapping: bool = False
    flap_told: bool = False
    told_ago_s: float | None = None
    told_rank: int = -1
    pending: bool = True
    recurs: bool = True  # is repeated by the clock alone
    group_quiet: bool = True
    budget_left: bool = True
    notify_now: bool = False
    flap_window_s: float = 600.0


def judge(case: NotificationCase, policy: AlertPolicy) -> NotificationVerdict:
    """What becomes of the case."""
    if (obstacle := _obstacle(case, policy)) is not None:
        return NotificationVerdict(NotificationOutcome.HOLD, obstacle)
    if (early := _too_soon(case, policy)) is not None:
        return early
    if case.notify_now:
        return NotificationVerdict(NotificationOutcome.TELL, _told_because(case))
    if not case.budget_left:
        return NotificationVerdict(NotificationOutcome.DIGEST, Reason.OVER_BUDGET)
    if case.group_quiet or case.change is Trigger.ESCALATED:
        return NotificationVerdict(NotificationOutcome.TELL, _told_because(case))
    return NotificationVerdict(NotificationOutcome.GROUP, Reason.GROUP_WAIT)


def repeat_s(severity: Severity, policy: AlertPolicy) -> float:
    """How long a standing alert of this severity waits before it is sent again."""
    slow = policy.repeat_critical_s if severity is Severity.CRITICAL else policy.repeat_s
    return max(slow, policy.repeat_floor_s)


def _obstacle(case: NotificationCase, policy: AlertPolicy) -> Reason | None:
    if not policy.enabled:
        return Reason.DISABLED
    if case.severity.rank < policy.notify_from.rank and not case.notify_now:
        return Reason.BELOW_THRESHOLD
    if not case.user_impact and not case.notify_now:
        return Reason.NOBODY_WAITS
    if case.snoozed is not None:
        return case.snoozed
    if case.acknowledged:
        return Reason.ACKNOWLEDGED
    return Reason.ASKED_ABOUT if case.asked_about else case.inhibited


def _too_soon(case: NotificationCase, policy: AlertPolicy) -> NotificationVerdict | None:
    if case.change is Trigger.ESCALATED or case.severity.rank > case.told_rank >= 0:
        return None
    if case.flapping and case.flap_told:
        return NotificationVerdict(NotificationOutcome.HOLD, Reason.FLAPPING, case.flap_window_s)
    if case.told_ago_s is None:
        return None
    if case.told_ago_s < policy.repeat_floor_s - _ROUNDING_S:
        wait_s = policy.repeat_floor_s - case.told_ago_s
        return NotificationVerdict(
            NotificationOutcome.HOLD, Reason.REPEAT_FLOOR, wait_s if case.pending else None
        )
    if case.pending or case.notify_now:
        return None
    if case.told_ago_s < repeat_s(case.severity, policy) - _ROUNDING_S:
        return NotificationVerdict(NotificationOutcome.HOLD, Reason.NOT_YET_DUE)
    if case.change is Trigger.DUE and not case.recurs:
        return NotificationVerdict(NotificationOutcome.HOLD, Reason.NOT_YET_DUE)
    return None


def _told_because(case: NotificationCase) -> Reason:
    if case.flapping:
        return Reason.FLAPPING_NOTICE
    if case.change is Trigger.NEW:
        return Reason.NEW
    if case.change is Trigger.ESCALATED or case.severity.rank > case.told_rank >= 0:
        return Reason.ESCALATED
    if case.change is Trigger.REFIRED:
        return Reason.REFIRED
    return Reason.RELEASED if case.pending else Reason.REPEATED


DEFAULT_SEVERITY = {
    AlertType.PERMISSION_ERROR: Severity.CRITICAL,
    AlertType.SERVER_DOWN: Severity.CRITICAL,
    AlertType.SERVER_SLOW: Severity.WARNING,
    AlertType.RESOURCE_CRITICAL: Severity.CRITICAL,
    AlertType.TEST_TIMEOUT: Severity.CRITICAL,
    AlertType.TEST_FAILED: Severity.WARNING,
    AlertType.CRITICAL: Severity.CRITICAL,
}

TEST_TYPES = frozenset({AlertType.TEST_FAILED, AlertType.TEST_TIMEOUT})
INHIBITORS = frozenset({AlertType.SERVER_DOWN, AlertType.CRITICAL})
# What a server that is down explains.
OF_A_SERVER = TEST_TYPES | {AlertType.SERVER_SLOW}


class AlertTiming(msgspec.Struct, frozen=True, kw_only=True):
    """Durations in seconds, counts a window.

    Group waits follow Alertmanager's (30 s) scaled to a person in front of the screen.
    Flapping counts transitions as Nagios does, over time instead of over checks.
    """

    group_wait_s: float = 5.0  # doubled while the burst lasts
    group_wait_most_s: float = 30.0
    group_most: int = 300  # followed singly at a time; of a flood the rest is only counted
    flap_transitions: int = 5
    flap_window_s: float = 600.0
    budget: int = 12  # notifications a window, the rest goes into a digest
    budget_window_s: float = 300.0
    digest_floor_s: float = 60.0
    inhibit_s: float = 3600.0  # a CRITICAL that is not repeated stops muting others after this
    expire_s: float = 86400.0  # an alert without a source that is not repeated is closed
    # How a command of ``omnitray run`` ended is an event and no state: it stands for as long as a
    # person is likely to look for it and to start it again, and in the history after that.
    one_off_s: float = 3600.0
    most_open: int = 5_000  # 2.5 kB each; more than a person works through
    most_lately: int = 1_000  # resolved and still known as the same incident when they come back
    most_context_bytes: int = 16_000_000  # of all that are open, in memory
    remembered: int = 256  # decisions kept for questions about why

"""The alert system's figures that nobody sets in the file, with where they come from."""

import msgspec

from omnitray.base.facts import AlertType, Severity

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

    Group waits follow Alertmanager's (30 s) scaled to somebody who sits in front of the screen.
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
    inhibit_s: float = 3600.0  # a CRITICAL nobody repeats stops muting others after this
    expire_s: float = 86400.0  # an alert that nobody stands behind and nobody repeats is closed
    most_open: int = 20_000
    remembered: int = 256  # decisions kept for whoever asks why

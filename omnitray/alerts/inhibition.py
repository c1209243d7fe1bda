"""What something worse explains: a server that is down, a critical alert that is open.

SERVER_DOWN mutes TEST_* and SERVER_SLOW of that server; CRITICAL mutes RESOURCE_CRITICAL while it
is neither acknowledged nor older than ``inhibit_s``: a line typed yesterday on a command line must
not hide a full disk today.
"""

from collections.abc import Callable, Iterable

from omnitray.alerts.decision import Reason
from omnitray.alerts.incidents import Incident
from omnitray.alerts.rules import OF_A_SERVER, AlertTiming
from omnitray.base.facts import AlertType


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

"""The incidents that are followed: the open ones, and those resolved a short while ago.

An alert that comes back within the repeat floor, or that keeps coming and going, is the same
record again; later it is a new incident with a record of its own.
"""

from collections.abc import Callable, Iterable, Iterator

from omnitray.alerts.incident import Incident, Report, again, begin, first
from omnitray.alerts.model import Alert
from omnitray.alerts.rules import Change
from omnitray.alerts.timing import AlertTiming


class Incidents:
    """By fingerprint; in memory only, bounded by ``timing.most_open``."""

    def __init__(self, timing: AlertTiming) -> None:
        self._timing = timing
        self._open: dict[str, Incident] = {}  # the one that was raised longest ago comes first
        self._fingerprints: dict[str, str] = {}  # alert id -> fingerprint
        self._lately: dict[str, Incident] = {}  # resolved, the oldest first

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[Incident]:
        return iter(tuple(self._open.values()))

    def get(self, fingerprint: str) -> Incident | None:
        """The open incident of a fingerprint."""
        return self._open.get(fingerprint)

    def by_id(self, id_: str) -> Incident | None:
        """The open incident with this alert id."""
        return self._open.get(self._fingerprints.get(id_, ""))

    def chosen(self, fingerprints: Iterable[str]) -> list[Incident]:
        """The open incidents among these fingerprints."""
        found = (self._open.get(each) for each in fingerprints)
        return [incident for incident in found if incident is not None]

    def raised(
        self, report: Report, new_id: Callable[[], str], now_m: float, reopen_s: float
    ) -> tuple[Incident, Change]:
        """Take in a report."""
        incident = self._open.get(report.fingerprint)
        if incident is not None:
            worse = report.severity.rank > incident.alert.severity.rank
            change = Change.ESCALATED if worse else Change.AGAIN
            incident.alert = again(incident.alert, report)
            incident.owed = incident.owed or worse
        else:
            incident, change = self._fired(report, new_id, now_m, reopen_s)
        incident.raised_m = now_m
        self.follow(incident)
        return incident, change

    def follow(self, incident: Incident) -> None:
        """Keep as the one that was raised last."""
        fingerprint = incident.alert.fingerprint
        self._open.pop(fingerprint, None)
        self._open[fingerprint] = incident
        self._fingerprints[incident.alert.id] = fingerprint

    def close(self, incident: Incident, alert: Alert, now_m: float) -> None:
        """It is over."""
        incident.alert = alert
        incident.resolved_m = now_m
        incident.transits(now_m)
        del self._open[alert.fingerprint]
        del self._fingerprints[alert.id]
        self._lately.pop(alert.fingerprint, None)
        self._lately[alert.fingerprint] = incident

    def crowded_out(self) -> Incident | None:
        """The one to give up where there are too many."""
        if len(self._open) <= self._timing.most_open:
            return None
        return next(iter(self._open.values()))

    def prune(self, now_m: float, keep_s: float) -> None:
        """Forget what was resolved longer ago than ``keep_s``."""
        for fingerprint, incident in tuple(self._lately.items()):
            if now_m - (incident.resolved_m or 0.0) <= keep_s:
                break
            del self._lately[fingerprint]

    def flapping(self, incident: Incident, now_m: float) -> bool:
        """Whether it changed between firing and resolved too often lately."""
        window_s, limit = self._timing.flap_window_s, self._timing.flap_transitions
        return sum(now_m - each < window_s for each in incident.transitions) >= limit

    def _fired(
        self, report: Report, new_id: Callable[[], str], now_m: float, reopen_s: float
    ) -> tuple[Incident, Change]:
        before = self._lately.pop(report.fingerprint, None)
        if before is None:
            return begin(first(report, new_id()), now_m), Change.NEW
        before.transits(now_m)
        before.owed = True
        soon = now_m - (before.resolved_m or 0.0) < reopen_s
        if soon or self.flapping(before, now_m):
            before.alert = again(before.alert, report)
            return before, Change.REFIRED
        fresh = begin(first(report, new_id()), now_m)
        fresh.transitions = before.transitions
        return fresh, Change.NEW

"""One fingerprint's life in memory: pending, firing, acknowledged, resolved.

The record that others see is the frozen :class:`~omnitray.alerts.model.Alert`; what stands
beside it here is what the next decision needs. ``_m`` are monotonic seconds.
"""

import enum
from typing import Any

import msgspec

from omnitray.alerts.fingerprint import server_of
from omnitray.alerts.model import Alert
from omnitray.alerts.reasons import Reason
from omnitray.base.facts import AlertChannel, AlertType, Severity

_replace = msgspec.structs.replace
_TRANSITIONS_KEPT = 16
# Sources that watch what they report and resolve it themselves.
_STANDING = ("monitor", "protector", "server:")


class Phase(enum.Enum):
    """Pending: firing, and the person has not been told yet."""

    PENDING = "pending"
    FIRING = "firing"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Incident(msgspec.Struct, kw_only=True, gc=False):
    """``owed``: the person has not been told of the present firing and should be."""

    alert: Alert
    server: str | None
    raised_m: float
    told_m: float | None = None
    told_rank: int = -1
    fed_m: float | None = None
    resolved_m: float | None = None
    owed: bool = True
    held: Reason | None = None
    flap_told: bool = False
    slot: str = ""
    transitions: tuple[float, ...] = ()

    @property
    def phase(self) -> Phase:
        """Where it stands in its life."""
        if self.alert.state != "firing":
            return Phase(self.alert.state)
        return Phase.PENDING if self.owed else Phase.FIRING

    @property
    def firing(self) -> bool:
        """True while it holds and nobody has acknowledged it."""
        return self.alert.state == "firing"

    @property
    def watched(self) -> bool:
        """True where whoever raised it will resolve it."""
        return self.alert.source.startswith(_STANDING)

    def transits(self, now_m: float) -> None:
        """Remember a change between firing and resolved."""
        self.transitions = (*self.transitions[1 - _TRANSITIONS_KEPT :], now_m)


def begin(alert: Alert, now_m: float) -> Incident:
    """A fresh incident."""
    server = server_of(alert.source, alert.context)
    incident = Incident(alert=alert, server=server, raised_m=now_m, slot=alert.id)
    incident.transits(now_m)
    return incident


def restored(alert: Alert, now_m: float, silent_s: float) -> Incident:
    """An incident that was open when the program ended, last raised ``silent_s`` ago.

    It counts as told when the desktop was among its channels; the repeat interval starts anew.
    """
    told = AlertChannel.DESKTOP in alert.channels
    return Incident(
        alert=alert,
        server=server_of(alert.source, alert.context),
        raised_m=now_m - max(0.0, silent_s),
        told_m=now_m if told else None,
        told_rank=alert.severity.rank if told else -1,
        owed=not told,
        slot=alert.id,
    )


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody raised, cleaned: text that encodes and a context of JSON values."""

    type: AlertType
    title: str
    message: str
    severity: Severity
    source: str
    fingerprint: str
    context: dict[str, Any]
    seen: str


def again(alert: Alert, report: Report) -> Alert:
    """The record after one more raise: newest words, worst severity, one more count."""
    worse = report.severity.rank > alert.severity.rank
    return _replace(
        alert,
        severity=report.severity if worse else alert.severity,
        state="firing" if worse or alert.state == "resolved" else alert.state,
        title=report.title,
        message=report.message or alert.message,
        count=alert.count + 1,
        # The wall clock may have been set back; a record never ends before it began.
        last_seen=max(report.seen, alert.last_seen),
        resolved_at=None,
        context=report.context or alert.context,
        suppressed=alert.suppressed + 1,
    )


def first(report: Report, id_: str) -> Alert:
    """The record of a first raise."""
    return Alert(
        id=id_,
        type=report.type,
        severity=report.severity,
        state="firing",
        title=report.title,
        message=report.message,
        source=report.source,
        fingerprint=report.fingerprint,
        first_seen=report.seen,
        last_seen=report.seen,
        context=report.context,
        suppressed=1,
    )

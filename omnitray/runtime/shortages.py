"""Shortages as alerts: what monitor and protector say of a resource becomes one incident.

Main thread. The monitor's steps, the protector's notices and a person's acknowledgement go in; the
alert system gets one alert for each resource (``alerts.resource_incidents``).
"""

import os
from collections.abc import Callable, Mapping
from typing import Any

from omnitray.alerts.decision import Reason
from omnitray.alerts.model import Alert
from omnitray.alerts.resource_alerts import ResourceAlert, ResourceAlerts
from omnitray.alerts.resource_incidents import (
    MONITOR_PART,
    SOURCE,
    STAYS,
    Change,
    IncidentOver,
    IncidentPart,
    ResourceIncidents,
    resource_fingerprint,
    resource_labels,
)
from omnitray.alerts.system import AlertSystem
from omnitray.base.facts import AlertType, Mode, Probe, Resource
from omnitray.base.policy import Thresholds
from omnitray.monitor.monitor import MonitorStep
from omnitray.monitor.thresholds import Watched
from omnitray.protector.notices import MONITOR_WEIGHT, Notice


class Shortages:
    """Follows both, and raises and resolves."""

    def __init__(self, alerts: AlertSystem, bands: Thresholds, wall: Callable[[], float]) -> None:
        self._alerts = alerts
        self._monitor = ResourceAlerts(_left_open(alerts, bands), os.getpid())
        self._incidents = ResourceIncidents(wall)

    @property
    def others_wait(self) -> bool | None:
        """Whether others had to wait for a processor at the newest step; None: not known."""
        return self._monitor.others_wait

    def stepped(self, step: MonitorStep, mode: Mode, probe: Probe | None = None) -> None:
        """The monitor took a snapshot; ``probe`` is what the protector measured last."""
        for news in self._monitor.take(step, mode, probe):
            if isinstance(news, ResourceAlert):
                part = IncidentPart(
                    key=MONITOR_PART,
                    title=news.title,
                    message=news.message,
                    severity=news.severity,
                    context=news.context,
                    weight=MONITOR_WEIGHT,
                    others_wait=news.context["others_wait"] is True,
                )
                self._apply(self._incidents.say(news.watched, part))
            else:
                over = self._incidents.over(news.watched, MONITOR_PART)
                self._apply(over or IncidentOver(watched=news.watched))

    def say(self, notice: Notice, figures: Mapping[str, Any]) -> bool:
        """Take a notice of the protector; False where it is about no resource."""
        watched = _watched_in(notice.labels)
        if watched is None:
            return False
        if notice.only_of_culprit and not self._incidents.names(watched, notice.context["job"]):
            return True  # the journal has it; it has nothing to do with a shortage
        part = IncidentPart(
            key=_key(notice.labels),
            title=notice.title,
            message=notice.message,
            severity=notice.severity,
            context={**figures, **notice.context},
            weight=notice.weight,
            others_wait=notice.context.get("others_wait") is not False,
            stays=notice.stays,
            with_monitor=notice.with_monitor,
            done=notice.done,
            by_person=notice.labels.get("by") == "person",
            beside=notice.beside,
        )
        self._apply(self._incidents.say(watched, part))
        if notice.with_monitor and not self._incidents.stands(watched, MONITOR_PART):
            self.over(notice.labels)
        return True

    def over(self, labels: Mapping[str, str]) -> bool:
        """What a notice was about stands no longer; False where it was about no resource."""
        watched = _watched_in(labels)
        if watched is None:
            return False
        if (change := self._incidents.over(watched, _key(labels))) is not None:
            self._apply(change)
        return True

    def release(self) -> None:
        """The protector holds nothing (any more)."""
        for change in self._incidents.release():
            self._apply(change)

    def seen(self, alert: Alert) -> None:
        """An alert has been acknowledged: an end was waiting for that alone."""
        if alert.state != "acknowledged" or not alert.context.get(STAYS):
            return
        if (watched := _watched_by(alert)) is not None:
            change = self._incidents.seen(watched)
            if change is not None:
                self._apply(change)

    def _apply(self, change: Change) -> None:
        if isinstance(change, IncidentOver):
            self._alerts.resolve(resource_fingerprint(change.watched), Reason.RESOLVED)
            return
        self._alerts.raise_(
            AlertType.RESOURCE_CRITICAL,
            change.title,
            message=change.message,
            severity=change.severity,
            source=SOURCE,
            labels=resource_labels(change.watched),
            context=change.context,
            escalates=change.escalates,
        )


def _watched_in(labels: Mapping[str, str]) -> Watched | None:
    named = labels.get("resource")
    if named not in set(Resource):
        return None
    return Watched(Resource(named), labels.get("mount", ""))


def _watched_by(alert: Alert) -> Watched | None:
    """What an alert is the incident of, by its fingerprint; its context says the mount."""
    for resource in Resource:
        watched = Watched(resource, str(alert.context.get("mount", "")))
        if resource_fingerprint(watched) == alert.fingerprint:
            return watched
    return None


def _key(labels: Mapping[str, str]) -> str:
    return repr(sorted(labels.items()))


def _left_open(alerts: AlertSystem, bands: Thresholds) -> dict[Watched, float]:
    """What an earlier run left open, and under what it counts as over.

    One that speaks of an end stays until the person has seen it.
    """
    found = {}
    for alert in alerts.open_alerts():
        if alert.context.get(STAYS) or (watched := _watched_by(alert)) is None:
            continue
        band = getattr(bands, watched.resource.value)
        found[watched] = band.clears_under(band.warning)
    return found

"""The hub: the one object on the main thread that worker signals land on.

It hands facts on (to the tray, the window, the API) and carries intents out (mode, level, snooze,
acknowledge). It decides nothing: the meaning of a step stands in ``protector``, what is reported in
the alert system.
"""

import logging
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from omnitray.alerts.channels.notification import CloseReason
from omnitray.alerts.decision import Outgoing, Reason
from omnitray.alerts.model import Alert, fingerprint
from omnitray.alerts.storage.query import AlertQuery, fits
from omnitray.alerts.system import AlertSystem, Prompt
from omnitray.api.status import Status
from omnitray.base.clock import Clock
from omnitray.base.facts import (
    AlertMove,
    AlertType,
    Job,
    Mode,
    MonitorLevel,
    Probe,
    Severity,
    Snapshot,
)
from omnitray.base.leases import Lease, Leases, ModeAndLevel, asked_by
from omnitray.monitor.history import Report
from omnitray.monitor.levels import RHYTHMS, LevelChange
from omnitray.monitor.monitor import MonitorStep
from omnitray.monitor.sampler import OwnCostMeter
from omnitray.protector.notices import Notice, NoticeOver
from omnitray.runtime.bulk import AlertMoves
from omnitray.runtime.settings_keeper import SettingsKeeper, sentences
from omnitray.runtime.shortages import Shortages
from omnitray.settings.faults import Problem
from omnitray.settings.file import Loaded

log = logging.getLogger(__name__)

# A reading is overdue after three of its pauses and 5 s: a starved machine is late by one or two.
_LATE, _LATE_S = 3.0, 5.0
_GATHER_MS = 100  # alerts that change in a burst are shown together
_GATHER_MANY_MS = 500  # of thousands that are moved at once the progress is enough


class Hub(QObject):
    """Facts out, intents in; everything on the main thread."""

    status_changed = Signal(object)  # Status
    snapshot_taken = Signal(object)  # Snapshot
    jobs_changed = Signal(object)  # tuple[Job, ...]
    reported = Signal(object)  # Report
    alerts_changed = Signal(object)  # tuple[Alert, ...], the newest state of each
    level_changed = Signal(object)  # LevelChange
    mode_changed = Signal(object)  # Mode
    settings_changed = Signal(object)  # Loaded
    level_chosen = Signal(object, str)  # to the monitor's thread: level or None, and who asks
    policy_changed = Signal(object)  # to the monitor's thread: MonitorPolicy
    lease_lost = Signal()  # the connection of its holder has ended
    trouble_came = Signal()  # to the monitor's thread: look closely

    def __init__(
        self,
        *,
        clock: Clock,
        settings: SettingsKeeper,
        alerts: AlertSystem,
        cost: OwnCostMeter,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.alerts = alerts
        self._clock = clock
        self._settings = settings
        self._cost = cost
        self._shortages = Shortages(alerts, settings.loaded.settings.thresholds, clock.wall)
        self._leases = Leases(_choice(settings.loaded), clock.monotonic)
        self._leases_due = self._single_shot(self._end_leases)
        self._level_overrides = ""  # why the level is not the one that is asked for
        self.jobs: tuple[Job, ...] = ()
        self.snapshot: Snapshot | None = None
        self.level = settings.loaded.settings.chosen_level or MonitorLevel.NORMAL
        self._problems: dict[str, str] = {}
        self._holding: tuple[str, ...] = ()
        self._servers: tuple[str, ...] = ()
        self._protect_paused_until: float | None = None
        self._changed_alerts: dict[str, Alert] = {}
        self._gather = self._single_shot(self._show_alerts)
        self._refresh = self._single_shot(self.refresh)
        self._alert_timer = self._single_shot(self._on_alert_time)
        self._overdue = self._single_shot(self.refresh)
        self._probe: Probe | None = None
        self.moves = AlertMoves(alerts.move, self._arm_alerts, self)
        settings.changed.connect(self._on_settings_changed)
        alerts.subscribe(self._on_alert)
        self.status = self._read_status()

    @property
    def mode(self) -> Mode:
        """The policy in force."""
        return self._leases.effective.mode

    @property
    def level_asked_by(self) -> str:
        """Who has borrowed the level, empty where it is the person's choice."""
        return self._leases.level_by

    # Facts from the workers

    @Slot(object)
    def on_stepped(self, step: MonitorStep) -> None:
        """The monitor took a snapshot."""
        self.snapshot, self.jobs = step.snapshot, step.jobs
        self._level_overrides = step.level_overrides.value if step.level_overrides else ""
        for change in step.level_changes:
            self.on_level_changed(change)
        self._shortages.stepped(step, self.mode, self._probe)
        self.snapshot_taken.emit(step.snapshot)
        self.jobs_changed.emit(step.jobs)
        if step.report is not None:
            self._on_report(step.report)
        late_s = _LATE * RHYTHMS[self.level].look_s + 2 * _LATE_S
        self._overdue.start(round(late_s * 1000))
        self._settings.look()
        self.problem_over("monitor")
        self._arm_alerts()
        self.refresh()

    @Slot(object)
    def take_probe(self, probe: Probe) -> None:
        """The protector has measured how long a key press takes."""
        self._probe = probe

    @Slot(object)
    def on_level_changed(self, change: LevelChange) -> None:
        """The level in force is another."""
        log.info("level %s -> %s: %s", change.before, change.after, change.why)
        self.level = change.after
        self._level_overrides = change.overrides.value if change.overrides else ""
        self.level_changed.emit(change)
        self.refresh()

    @Slot(str)
    def on_monitor_failed(self, sentence: str) -> None:
        """Show that a step of the monitor failed."""
        self.note_problem("monitor", sentence)

    def note_problem(self, name: str, sentence: str) -> None:
        """Something is wrong with OmniTray itself; the newest sentence for a name counts.

        An empty one: it is right again.
        """
        if not sentence:
            self.problem_over(name)
        elif self._problems.get(name) != sentence:
            self._problems[name] = sentence
            self.refresh()

    def problem_over(self, name: str) -> None:
        """It is right again."""
        if self._problems.pop(name, None) is not None:
            self.refresh()

    # Intents

    def set_mode(self, mode: Mode) -> Problem | None:
        """Change the policy, here and in the settings file."""
        problem = self._settings.change({"mode": mode.value})
        self._take_choice(self._leases.choose_mode(mode))
        return problem

    def set_level(self, level: MonitorLevel | None) -> Problem | None:
        """Choose a level (None: automatic), here and in the settings file."""
        problem = self._settings.change({"level": level.value if level else "auto"})
        self._take_choice(self._leases.choose_level(level))
        return problem

    def take_lease(self, lease: Lease, *, again: bool = False) -> None:
        """Let a program borrow a level or a mode; ``again``: only where it has it still."""
        self._leases.take(lease, again=again)
        self._end_leases()

    def release_lease(self, lease_id: str, *, lost: bool = False) -> None:
        """It gives them back, or is gone (``lost``)."""
        self._take_choice(self._leases.release(lease_id))
        if lost:
            self.lease_lost.emit()

    def change_setting(self, key: str, value: Any) -> Problem | None:
        """Change one setting."""
        return self._settings.change({key: value})

    def raise_alert(
        self,
        kind: AlertType,
        title: str,
        *,
        message: str = "",
        severity: Severity | None = None,
        source: str = "api",
        labels: dict[str, str] | None = None,
        context: dict[str, Any] | None = None,
        escalates: bool = False,
    ) -> Outgoing:
        """Raise an alert of an API client."""
        figures = _figures(self.snapshot, self.level, self.mode)
        raised = self.alerts.raise_(
            kind,
            title,
            message=message,
            severity=severity,
            source=source,
            labels=labels,
            context={**figures, **(context or {})},
            escalates=escalates,
        )
        if raised.alert.severity is Severity.CRITICAL:
            self.trouble_came.emit()
        self._arm_alerts()
        return raised

    def resolve_alert(self, fingerprint_: str, reason: Reason) -> None:
        """Resolve an alert for its source; does nothing where it is not open."""
        self.alerts.resolve(fingerprint_, reason)
        self._arm_alerts()

    def show_servers(self, phrases: tuple[str, ...]) -> None:
        """The watched servers that are not as they should be, a phrase for each."""
        self._servers = phrases
        self.refresh()

    def raise_notice(self, notice: Notice) -> None:
        """Raise what the protector has to say; about a resource, as a part of its incident."""
        figures = _figures(self.snapshot, self.level, self.mode)
        if not self._shortages.say(notice, figures):
            self.alerts.raise_(
                notice.type,
                notice.title,
                message=notice.message,
                severity=notice.severity,
                source="protector",
                labels=notice.labels,
                context={**figures, **notice.context},
            )
        if notice.severity is Severity.CRITICAL:
            self.trouble_came.emit()
        self._arm_alerts()

    def notice_over(self, over: NoticeOver) -> None:
        """What the protector had to say is over."""
        if not self._shortages.over(over.labels):
            for kind in (AlertType.RESOURCE_CRITICAL, AlertType.CRITICAL):
                self.alerts.resolve(fingerprint(kind, "protector", over.labels), Reason.RESOLVED)
        self._arm_alerts()

    def nothing_held(self) -> None:
        """The protector holds nothing (any more): what was said of it is over; ends stay open."""
        self._shortages.release()

    def hold(self, phrases: tuple[str, ...]) -> None:
        """What the protector holds now, a phrase for each job."""
        self._holding = phrases
        self.refresh()

    def pause_protection(self, until: float | None) -> None:
        """The protector only watches until then (wall clock); None: as the settings say."""
        self._protect_paused_until = until
        self.refresh()

    def move_alert(
        self, alert_id: str, move: AlertMove, known: Alert | None = None
    ) -> Outgoing | None:
        """Acknowledge or resolve an alert; None when it is not open.

        ``known`` is what the history says of it, for one that is open there alone.
        """
        done = self.alerts.move(alert_id, move)
        if done is None and known is not None and self.alerts.follow(known):
            done = self.alerts.move(alert_id, move)
        self._arm_alerts()
        return done

    def move_open_alerts(self, query: AlertQuery, move: AlertMove) -> None:
        """Acknowledge or resolve all open alerts that pass a query, as ``moves`` does."""
        states = ("firing",) if move is AlertMove.ACKNOWLEDGE else ("firing", "acknowledged")

        def wanted(alert_id: str) -> bool:
            alert = self.alerts.get(alert_id)
            return alert is not None and alert.state in states and fits(alert, query)

        self.moves.add([alert.id for alert in self.alerts.open_alerts()], move, wanted)

    @Slot(str, object)
    def on_notification_closed(self, alert_id: str, reason: CloseReason) -> None:
        """One is gone from the screen: what was not taken back by us is not shown again."""
        if reason is not CloseReason.WITHDRAWN:
            self.alerts.closed(alert_id)

    def snooze(self, duration_s: float, alert_id: str | None = None) -> None:
        """Hold back the notifications of one alert, or all of them."""
        self.alerts.snooze(duration_s, alert_id)
        self._arm_alerts()
        self.refresh()

    def unsnooze(self) -> None:
        """End the snooze."""
        self.alerts.unsnooze()
        self._arm_alerts()
        self.refresh()

    def ask(self, prompt: Prompt) -> None:
        """Ask the person on the desktop, by the rules of every notification."""
        reason = self.alerts.ask(prompt)
        log.info("question %s: %s", prompt.id, reason.value)
        self._arm_alerts()

    def withdraw_question(self, prompt_id: str) -> None:
        """A question is answered or over."""
        self.alerts.withdraw(prompt_id)

    def stop(self) -> None:
        """No more timers; what came in is shown and stored. Idempotent."""
        self.moves.cancel()
        self._alert_timer.stop()
        self._gather.stop()
        self._refresh.stop()
        self._overdue.stop()
        self._settings.stop()
        self._leases_due.stop()

    # Inside

    @Slot()
    def refresh(self) -> None:
        """Say how things are, if they are different."""
        status = self._read_status()
        if status != self.status:
            self.status = status
            self.status_changed.emit(status)

    def _on_report(self, report: Report) -> None:
        log.debug("report: %s", report)
        self.reported.emit(report)

    def _on_alert(self, alert: Alert) -> None:
        self._changed_alerts[alert.id] = alert
        if not self._gather.isActive():
            self._gather.start(_GATHER_MANY_MS if self.moves.busy else _GATHER_MS)

    @Slot()
    def _show_alerts(self) -> None:
        changed, self._changed_alerts = tuple(self._changed_alerts.values()), {}
        for alert in changed:
            self._shortages.seen(alert)
        self.alerts_changed.emit(changed)
        self._refresh.start(0)  # in a turn of its own: with thousands both cost milliseconds

    @Slot()
    def _on_alert_time(self) -> None:
        self._arm_alerts()

    def _arm_alerts(self) -> None:
        delay_s = self.alerts.tick().next_delay_s
        if delay_s is None:
            self._alert_timer.stop()
        else:
            self._alert_timer.start(max(1, round(delay_s * 1000)))

    @Slot(object)
    def _on_settings_changed(self, loaded: Loaded) -> None:
        before, now = self._leases.chosen, _choice(loaded)
        self.alerts.set_policy(loaded.settings.alert_policy())
        self.policy_changed.emit(loaded.settings.monitor_policy())
        if now.level != before.level:
            self._leases.choose_level(now.level)
        if now.mode is not before.mode:
            self._leases.choose_mode(now.mode)
        self.settings_changed.emit(loaded)
        self._take_choice(self._leases.effective)

    @Slot()
    def _end_leases(self) -> None:
        """A lease that is given for a time ends by itself."""
        next_s = self._leases.end_due()
        if next_s is None:
            self._leases_due.stop()
        else:
            self._leases_due.start(max(1, round(next_s * 1000)))
        self._take_choice(self._leases.effective)

    def _take_choice(self, choice: ModeAndLevel) -> None:
        before = self.status
        if choice.level != before.asked_level:
            self.level_chosen.emit(choice.level, self._leases.level_by)
        self.refresh()
        if choice.mode is not before.mode:
            by = self._leases.mode_by
            log.info("mode %s -> %s%s", before.mode, choice.mode, by and f": {asked_by(by)}")
            self.mode_changed.emit(choice.mode)

    def _read_status(self) -> Status:
        loaded = self._settings.loaded
        return Status(
            mode=self._leases.effective.mode,
            level=self.level,
            chosen_level=self._leases.chosen.level,
            asked_level=self._leases.effective.level,
            level_reason=self._level_overrides or self._leases.level_reason,
            mode_asked_by=self._leases.mode_by,
            interval_s=RHYTHMS[self.level].look_s,
            snapshot=self.snapshot,
            overdue_s=self._overdue_s(),
            thresholds=loaded.settings.thresholds,
            others_wait=self._shortages.others_wait,
            open_alerts=self.alerts.open_alerts(),
            protect=loaded.settings.protect.state,
            protect_paused_until=self._protect_paused_until,
            holding=self._holding,
            notifications_paused_until=self.alerts.paused_until,
            own=self._cost.read(),
            servers=self._servers,
            problems=(*self._problems.values(), *sentences(loaded.problems)),
            settings_problems=tuple(each.told() for each in loaded.problems),
        )

    def _overdue_s(self) -> float:
        """How long no reading came that should have; zero while they come."""
        if self.snapshot is None:
            return 0.0
        silent_s = self._clock.monotonic() - self.snapshot.monotonic_s
        return silent_s if silent_s > _LATE * RHYTHMS[self.level].look_s + _LATE_S else 0.0

    def _single_shot(self, slot: Callable[[], None]) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.timeout.connect(slot)
        return timer


def _choice(loaded: Loaded) -> ModeAndLevel:
    return ModeAndLevel(loaded.settings.mode, loaded.settings.chosen_level)


def _figures(shot: Snapshot | None, level: MonitorLevel, mode: Mode) -> dict[str, Any]:
    """What every alert carries about the machine."""

    def rounded(value: float | None) -> float | None:
        return None if value is None else round(value, 1)

    return {
        "cpu": rounded(shot.cpu_percent) if shot else None,
        "memory": rounded(shot.memory_percent) if shot else None,
        "disk": rounded(shot.disk_percent) if shot else None,
        "level": level.value,
        "mode": mode.value,
    }

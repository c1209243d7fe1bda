"""A whole program behind the API's door, without a program.

Commands are carried out by a thread of its own, as the main thread would, and change the facts
that reads are answered from. Everything submitted is kept in ``commands``.
"""

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from omnitray.alerts.channels.base import Listeners
from omnitray.alerts.channels.deliveries import ChannelView, Delivery, DeliveryState
from omnitray.alerts.channels.webhooks.standing import WebhookTest, WebhookView
from omnitray.alerts.model import Alert
from omnitray.alerts.storage.query import AlertQuery, fits
from omnitray.api import facade as d
from omnitray.api import wire
from omnitray.api.status import Status
from omnitray.base.clock import epoch, timestamp
from omnitray.base.facts import (
    AlertType,
    DiskFacts,
    Job,
    JobKind,
    MemoryFacts,
    Mode,
    MonitorLevel,
    OwnCost,
    PressureFacts,
    PressurePair,
    ProcessFacts,
    ProtectState,
    Severity,
    Snapshot,
)
from omnitray.base.leases import Leases, ModeAndLevel
from omnitray.base.policy import ProtectPolicy, Thresholds
from omnitray.metrics.exposition import MetricTotals
from omnitray.protector.view import (
    ActionOutcome,
    BreakerView,
    Considered,
    Explanation,
    HeldAction,
    HoldKind,
    JournalLine,
    ProtectionView,
    QuestionView,
)
from omnitray.runs.model import RunRecord
from omnitray.servers.model import ServerExit, ServerState, ServerView
from omnitray.settings.model import BY_KEY, default_of
from omnitray.settings.servers import ServerSettings
from support import run_samples

R = TypeVar("R")
GIB = 1 << 30
MOMENT = epoch("2026-11-22T13:21:27.123Z")
INTERVALS = {
    MonitorLevel.IDLE: 30.0,
    MonitorLevel.NORMAL: 5.0,
    MonitorLevel.INTENSIVE: 1.0,
    MonitorLevel.CRITICAL: 0.5,
}


def snapshot(taken_at: float = MOMENT, cpu_percent: float | None = 34.2) -> Snapshot:
    return Snapshot(
        taken_at=taken_at,
        monotonic_s=taken_at - MOMENT,
        level=MonitorLevel.NORMAL,
        interval_s=5.0,
        cpu_percent=cpu_percent,
        cpu_per_core_percent=(30.0, 38.4),
        load=(0.8, 0.6, 0.5),
        memory=MemoryFacts(
            total_bytes=16 * GIB,
            available_bytes=6 * GIB,
            swap_total_bytes=2 * GIB,
            swap_free_bytes=2 * GIB,
        ),
        disks=(
            DiskFacts(
                mount="/",
                filesystem="ext4",
                total_bytes=500 * GIB,
                free_bytes=260 * GIB,
                used_percent=48.0,
            ),
        ),
        disk_read_bps=1024.0,
        disk_write_bps=2048.0,
        net_recv_bps=512.0,
        net_sent_bps=256.0,
        connections=42,
        pressure=PressureFacts(cpu=PressurePair(some_avg10=1.5)),
        processes=312,
        cost_s=0.0007,
    )


def alert(number: int = 1, severity: Severity = Severity.CRITICAL, **more: Any) -> Alert:
    fields: dict[str, Any] = {
        "id": f"a{number}",
        "type": AlertType.RESOURCE_CRITICAL,
        "severity": severity,
        "state": "firing",
        "title": "Memory is nearly full",
        "message": "91 % of 16 GiB are in use.",
        "source": "monitor",
        "fingerprint": f"f{number}",
        "first_seen": timestamp(MOMENT + number),
        "last_seen": timestamp(MOMENT + number),
        "context": {"cpu": 91.2, "memory": 74.0, "disk": 61.5, "level": "critical", "mode": "dev"},
        "channels": ("desktop", "file"),
    }
    return Alert(**{**fields, **more})


def job() -> Job:
    process = ProcessFacts(pid=4242, ppid=1, start_ticks=7, name="pytest", state="R")
    return Job(
        key="cmd:4242",
        name="pytest",
        project="~/shop",
        kind=JobKind.TEST_RUN,
        leader_pid=4242,
        processes=(process,),
        cpu_percent=180.0,
        rss_bytes=3 * GIB,
        growth_bps=1e6,
    )


def journal_line(outcome: ActionOutcome = ActionOutcome.REVERSIBLE) -> JournalLine:
    return JournalLine(
        action_id="x1",
        at=MOMENT,
        what="slowed down pytest · ~/shop",
        why="CPU 96 %, limit 75 %",
        outcome=outcome,
        steps=("slow_down",),
    )


def protection() -> ProtectionView:
    held = HeldAction(
        action_id="x1",
        job_key="cmd:4242",
        title="pytest · ~/shop",
        grip=HoldKind.SLOWED,
        since=MOMENT,
        means="autogroup 0 → 19",
        why="CPU 96 %, limit 75 %",
        pids=(4242,),
    )
    return ProtectionView(breaker=BreakerView(), held=(held,), journal=(journal_line(),))


def server(state: ServerState = ServerState.UP) -> ServerView:
    spec = ServerSettings(
        name="api",
        command=("uvicorn", "shop.main:app", "--port", "8000"),
        cwd="~/shop",
        health="http://127.0.0.1:8000/health",
        env={"SECRET": "never on the wire"},
    )
    return ServerView(
        name="api",
        state=state,
        owner="settings",
        spec=spec,
        pid=41877,
        url="http://127.0.0.1:8000",
        up_since_at=MOMENT,
        started_in_s=12.3456,
        restarts=1,
        last_exit=ServerExit(code=137, at=MOMENT, reason="killed for memory by the kernel"),
        log_file="/home/me/.local/state/omnitray/servers/api.log",
        usual_s=9.0,
    )


def explanation() -> Explanation:
    considered = (
        Considered(
            title="pytest gw3", rss_bytes=GIB, cpu_percent=98.0, verdict="first", chosen=True
        ),
        Considered(title="Firefox", rss_bytes=2 * GIB, verdict="has windows"),
    )
    text = "Nothing is over its limit; this is who would come first."
    return Explanation(action_id="", title="pytest gw3", text=text, considered=considered)


def question() -> QuestionView:
    return QuestionView(
        id="q1",
        job_key="cmd:4242",
        title="pytest · ~/shop takes the memory",
        text="It is paused. Memory would have been used up within 20 s.",
        unanswered="stays paused",
        paused=True,
    )


def delivery(channel: str) -> Delivery:
    return Delivery(alert_id="a1", channel=channel, state=DeliveryState.DELIVERED, at=MOMENT)


def a_webhook() -> WebhookView:
    return WebhookView(
        name="team",
        kind="slack",
        severity=Severity.CRITICAL,
        resolved=True,
        paused=False,
        waiting=2,
        state="waiting",
        next_at=MOMENT + 40,
        why="answered 503",
    )


class FakeDoor:
    """See the module. ``start`` and ``stop`` the thread that carries out."""

    def __init__(self) -> None:
        self._leases = Leases(ModeAndLevel(Mode.DEV, None))
        self._told = self._leases.effective
        self._work: queue.SimpleQueue[tuple[Any, Future[Any]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._carry_out_all, name="fake-main")
        self._receivers: list[d.Receiver] = []
        self.listeners = Listeners()
        self.metrics_db = Path("metrics-of-nobody.db")
        self.shots = [snapshot()]
        self.stored = [alert(1)]
        self.commands: list[Any] = []
        self.paused_until: float | None = None
        self.problems: tuple[str, ...] = ()
        self.settings_problems: tuple[str, ...] = ()
        self.in_force: dict[str, Any] = {}
        self.why_in_force: dict[str, str] = {}
        self.webhook_views = (a_webhook(),)
        self.server_views: tuple[ServerView, ...] = (server(),)
        self.totals_now = MetricTotals(
            alerts={("SERVER_DOWN", "critical"): 2}, actions={"pause": 1}
        )
        self.asked = [question()]
        self.protect = wire.ProtectionSettings(state=ProtectState.WATCH, protected=("code",))
        self.fault: Exception | None = None
        self.hold: threading.Event | None = None
        self._ways = self._ways_of_commands()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._work.put(None)
        self._thread.join(5)

    def status(self) -> Status:
        choice = self._leases.effective
        level = choice.level or MonitorLevel.NORMAL
        return Status(
            mode=choice.mode,
            level=level,
            chosen_level=self._leases.chosen.level,
            asked_level=choice.level,
            level_reason=self._leases.level_reason,
            mode_asked_by=self._leases.mode_by,
            interval_s=INTERVALS[level],
            snapshot=self.shots[-1] if self.shots else None,
            open_alerts=tuple(each for each in self.stored if each.state != "resolved"),
            notifications_paused_until=self.paused_until,
            holding=("pytest · ~/shop slowed down",),
            own=OwnCost(cpu_percent=0.1, rss_bytes=80_000_000),
            problems=self.problems,
            settings_problems=self.settings_problems,
        )

    def thresholds(self) -> Thresholds:
        return Thresholds()

    def protect_policy(self) -> ProtectPolicy:
        return ProtectPolicy(mode=self._leases.effective.mode)

    def snapshots(self, since: float) -> list[Snapshot]:
        return [shot for shot in self.shots if shot.taken_at >= since]

    def alerts(self, query: AlertQuery) -> list[Alert]:
        newest = sorted(self.stored, key=lambda each: each.last_seen, reverse=True)
        return [each for each in newest if fits(each, query)][: query.limit]

    def alert(self, alert_id: str) -> Alert | None:
        return next((each for each in self.stored if each.id == alert_id), None)

    def jobs(self) -> tuple[Job, ...]:
        return (job(),)

    def settings_in_force(self) -> wire.SettingsBody:
        values = {key: default_of(key) for key in BY_KEY}
        return wire.SettingsBody(values=values | self.in_force, why=self.why_in_force)

    def protection(self) -> ProtectionView:
        return protection()

    def questions(self) -> tuple[QuestionView, ...]:
        return tuple(self.asked)

    def explain(self) -> Explanation:
        return explanation()

    def runs(self) -> tuple[RunRecord, ...]:
        return run_samples.runs()[:2]

    def channels(self) -> tuple[ChannelView, ...]:
        return (
            ChannelView(name="desktop", open=True, latest=delivery("desktop")),
            ChannelView(name="file", open=True, waiting=2, fault="the disk is full"),
            ChannelView(name="vscode", open=False, clients=0),
        )

    def totals(self) -> MetricTotals:
        return self.totals_now

    @property
    def metrics_file(self) -> Path:
        return self.metrics_db

    def metrics_token(self) -> str:
        return "scraper"

    def webhooks(self) -> tuple[WebhookView, ...]:
        return self.webhook_views

    def deliveries(self, alert_id: str) -> tuple[Delivery, ...]:
        return (delivery("desktop"),) if alert_id == "a1" else ()

    def servers(self) -> tuple[ServerView, ...]:
        return self.server_views

    def server_log(self, name: str, lines: int) -> tuple[str, ...]:
        return ("INFO started", "[omnitray] 13:59:57 up after 12 s")[-lines:] if name else ()

    def submit(self, command: d.Command[R]) -> Future[R]:
        future: Future[R] = Future()
        self._work.put((command, future))
        return future

    def subscribe(self, receiver: d.Receiver) -> Callable[[], None]:
        self._receivers.append(receiver)
        return lambda: self._receivers.remove(receiver)

    def emit(self, event: d.Event) -> None:
        for receiver in tuple(self._receivers):
            receiver(event)

    def _carry_out_all(self) -> None:
        while (item := self._work.get()) is not None:
            command, future = item
            if self.hold is not None:
                self.hold.wait(5)
            if not future.set_running_or_notify_cancel():
                continue
            self.commands.append(command)
            try:
                future.set_result(self._carry_out(command))
            except Exception as error:  # noqa: BLE001 - it belongs to whoever asked
                future.set_exception(error)

    def _carry_out(self, command: Any) -> Any:
        if self.fault is not None:
            raise self.fault
        return self._ways[type(command)](command)

    def _ways_of_commands(self) -> dict[type, Callable[[Any], Any]]:
        free = wire.Done(done=("pytest · ~/shop runs at full speed again",))
        return {
            d.SetMode: lambda c: self._changed(self._leases.choose_mode(c.mode)),
            d.SetLevel: lambda c: self._changed(self._leases.choose_level(c.level)),
            d.BorrowLease: lambda c: self._changed(self._leases.take(c.lease)),
            d.ReleaseLease: lambda c: self._changed(self._leases.release(c.lease_id)),
            d.RaiseAlert: self._store,
            d.Acknowledge: lambda c: self._move(c.alert_id, state="acknowledged"),
            d.Resolve: lambda c: self._move(
                c.alert_id, state="resolved", resolved_at=timestamp(MOMENT)
            ),
            d.AnswerQuestion: self._answer,
            d.ActOnJob: self._act_on_job,
            d.SetProtection: self._set_protection,
            d.Quit: lambda _: wire.Done(done=("OmniTray ends",)),
            d.Snooze: self._snooze,
            d.OrderServer: self._order,
            d.WatchServer: lambda c: msgspec.structs.replace(
                server(ServerState.STARTING), name=c.spec.name, spec=c.spec, owner=c.owner
            ),
            d.TestWebhook: lambda c: WebhookTest(
                name=c.name, arrived=True, words="answered 200", body="ok", took_s=0.3, at=MOMENT
            ),
            d.ChangeWebhook: lambda c: wire.Done(done=(f"{c.name}: {c.verb}",)),
            d.Undo: lambda c: self._undo(c.action_id),
            d.UndoAll: lambda _: free,
            d.StartRecording: lambda _: wire.Done(done=("asked_t-1.jsonl.xz",)),
            d.FindRecording: lambda c: wire.RecordingState(name=c.name, state="written"),
            d.Clean: lambda c: wire.Done(
                done=("pip cache: 120 MB",), freed_bytes=120_000_000, dry_run=c.dry_run
            ),
        }

    def _answer(self, command: d.AnswerQuestion) -> wire.Done:
        found = [each for each in self.asked if each.id == command.question_id]
        if not found:
            detail = f"Nothing is asked under {command.question_id}; it may be answered or over."
            raise d.CommandRefused(d.Refusal.NOT_FOUND, detail)
        self.asked.remove(found[0])
        self.emit(d.QuestionChanged(found[0], open=False))
        return wire.Done(done=("pytest · ~/shop is slowed down.",))

    def _act_on_job(self, command: d.ActOnJob) -> wire.Done:
        if command.job not in {"cmd:4242", "4242", "shop"}:
            raise d.CommandRefused(d.Refusal.NOT_FOUND, f"No job is called {command.job}.")
        return wire.Done(done=("pytest · ~/shop is paused.",))

    def _set_protection(self, command: d.SetProtection) -> wire.ProtectionSettings:
        words = [each for each in self.protect.protected if each != command.remove]
        words += [command.add] if command.add else []
        state = command.state or self.protect.state
        self.protect = wire.ProtectionSettings(state=state, protected=tuple(words))
        if command.add == "sleper.py":
            near = ("python sleeper.py",)
            return msgspec.structs.replace(self.protect, unmatched=command.add, near=near)
        return self.protect

    def _snooze(self, command: d.Snooze) -> Status:
        until = time.time() + command.duration_s
        self.paused_until = until if command.duration_s else None
        return self.status()

    def _changed(self, choice: ModeAndLevel) -> Status:
        before, self._told = self._told, choice
        status = self.status()
        if choice.mode is not before.mode:
            self.emit(d.ModeChanged(choice.mode))
        if choice.level is not before.level:
            self.emit(d.LevelChanged(status.level, choice.level, status.interval_s))
        return status

    def _store(self, new: d.RaiseAlert) -> Alert:
        stored = alert(
            len(self.stored) + 1,
            new.severity or Severity.CRITICAL,
            type=new.type,
            title=new.title,
            message=new.message,
            source=new.source,
            context=new.context,
        )
        self.stored.append(stored)
        self.emit(d.AlertChanged(stored))
        return stored

    def _move(self, alert_id: str, **fields: Any) -> Alert:
        for index, each in enumerate(self.stored):
            if each.id == alert_id:
                self.stored[index] = msgspec.structs.replace(each, **fields)
                self.emit(d.AlertChanged(self.stored[index]))
                return self.stored[index]
        raise d.CommandRefused(d.Refusal.NOT_FOUND, f"There is no alert {alert_id}.")

    def _order(self, command: d.OrderServer) -> ServerView:
        if command.name != "api":
            raise d.CommandRefused(d.Refusal.NOT_FOUND, f"There is no server {command.name}.")
        stopped = (
            ServerState.STOPPED if command.verb in {"stop", "remove"} else ServerState.STARTING
        )
        self.emit(d.ServerChanged(server(stopped)))
        return server(stopped)

    def _undo(self, action_id: str) -> wire.Done:
        if action_id == "gone":
            raise d.CommandRefused(
                d.Refusal.NOT_NOW, "The job has ended; there is nothing to undo."
            )
        if action_id != "x1":
            raise d.CommandRefused(d.Refusal.NOT_FOUND, f"There is no action {action_id}.")
        self.emit(d.Acted(journal_line(ActionOutcome.UNDONE)))
        return wire.Done(done=("pytest · ~/shop runs at full speed again",))

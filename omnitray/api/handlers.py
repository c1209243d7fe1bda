"""One function an endpoint: from a call to the body of the answer.

Reads touch the latest facts alone. Writes hand a command to the facade and answer when it has been
carried out, with the new state.
"""

import asyncio
import datetime as dt
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

import msgspec

from omnitray.alerts.model import Alert
from omnitray.alerts.storage.query import AlertQuery
from omnitray.api import bodies, facade
from omnitray.api.facade import (
    Acknowledge,
    ActOnJob,
    AnswerQuestion,
    AppFacade,
    Clean,
    Command,
    CommandRefused,
    FindRecording,
    Quit,
    RaiseAlert,
    Refusal,
    Resolve,
    SetLevel,
    SetMode,
    SetProtection,
    Snooze,
    StartRecording,
    Undo,
    UndoAll,
)
from omnitray.api.gate import COMMAND_TIMEOUT_S
from omnitray.api.requests import (
    AlertsQuery,
    LogQuery,
    NewAlert,
    NewAnswer,
    NewClean,
    NewJobAction,
    NewLevel,
    NewMode,
    NewProtection,
    NewRecording,
    NewServer,
    NewSnooze,
    RunsQuery,
    SnapshotsQuery,
)
from omnitray.api.status import Status
from omnitray.api.wire import (
    Actions,
    ActiveAlerts,
    Alerts,
    Done,
    ExplanationBody,
    Health,
    Jobs,
    LevelState,
    Liveness,
    ModeState,
    ProtectionSettings,
    Questions,
    RecordingState,
    Runs,
    ServerBody,
    ServerLogBody,
    Servers,
    SettingsBody,
    Snapshots,
    SnoozeState,
    StatusBody,
    TokenBody,
)
from omnitray.base.durable import StorageError
from omnitray.base.facts import MonitorLevel
from omnitray.servers.model import Owner
from omnitray.settings.servers import ServerFault, server_of_table

R = TypeVar("R")
LEVEL_LOOKS, LEVEL_LOOK_S = 50, 0.01


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One request, already judged and read."""

    door: AppFacade
    identity: bodies.InstanceIdentity
    rotate: Callable[[], None]
    wall: Callable[[], float]
    new_code: Callable[[], str] = str
    trusted: bool
    id: str = ""
    query: Any = None
    body: Any = None


async def health(call: Call) -> Health | Liveness:
    """CPU, memory and disk with their limits; without a token only that it runs."""
    return bodies.health_body(call.door) if call.trusted else Liveness()


async def status(call: Call) -> StatusBody:
    """Monitor, protector and alerts together."""
    return bodies.status_body(call.door, call.identity)


async def active_alerts(call: Call) -> ActiveAlerts:
    """The critical ones that are open, and the 20 latest."""
    latest = await _query(call, AlertQuery(limit=bodies.LATEST))
    return bodies.active_body(call.door.status().open_alerts, latest)


async def alerts(call: Call) -> Alerts:
    """Alerts of the history and its archive, the newest first."""
    wanted: AlertsQuery = call.query
    found = await _query(call, wanted.as_query())
    return Alerts(count=len(found), alerts=found)


async def recent_snapshots(call: Call) -> Snapshots:
    """The readings of the last minutes, the oldest first."""
    wanted: SnapshotsQuery = call.query
    since = call.wall() - dt.timedelta(minutes=wanted.minutes).total_seconds()
    shots = [bodies.snapshot_body(each) for each in call.door.snapshots(since)]
    return Snapshots(minutes=wanted.minutes, count=len(shots), snapshots=shots)


async def actions(call: Call) -> Actions:
    """What the protector holds and did."""
    return bodies.actions_body(call.door.protection())


async def jobs(call: Call) -> Jobs:
    """The jobs of the last scan, the heaviest first."""
    found = [bodies.job_body(each) for each in call.door.jobs()]
    return Jobs(count=len(found), jobs=found)


async def explain(call: Call) -> ExplanationBody:
    """Who would be acted on now, in what order, and why; changes nothing."""
    found = await asyncio.to_thread(call.door.explain)
    return bodies.body_of(ExplanationBody, found)


async def raise_alert(call: Call) -> Alert:
    """Raise an alert; answers when it is durable."""
    new: NewAlert = call.body
    return await _carry_out(
        call,
        RaiseAlert(
            type=new.type,
            title=new.title,
            message=new.message,
            severity=new.severity,
            source=new.source,
            context=new.context,
        ),
    )


async def set_mode(call: Call) -> ModeState:
    """Set the protector's mode."""
    new: NewMode = call.body
    state = await _carry_out(call, SetMode(mode=new.mode))
    return bodies.mode_state(state, call.door.protect_policy())


async def set_level(call: Call) -> LevelState:
    """Set the monitor's level."""
    new: NewLevel = call.body
    level = None if new.level == "auto" else MonitorLevel(new.level)
    state = await _carry_out(call, SetLevel(level=level))
    return bodies.level_state(await level_in_force(call.door, state))


async def acknowledge(call: Call) -> Alert:
    """Acknowledge an alert."""
    return await _carry_out(call, Acknowledge(alert_id=call.id))


async def resolve(call: Call) -> Alert:
    """Say that it is over."""
    return await _carry_out(call, Resolve(alert_id=call.id))


async def snooze(call: Call) -> SnoozeState:
    """Hold notifications back for a while; 0 ends it."""
    new: NewSnooze = call.body
    state = await _carry_out(call, Snooze(duration_s=new.duration_s))
    return SnoozeState(until=bodies.moment(state.notifications_paused_until))


async def undo(call: Call) -> Done:
    """Take one action back."""
    return await _carry_out(call, Undo(action_id=call.id))


async def undo_all(call: Call) -> Done:
    """Take back everything that can be."""
    return await _carry_out(call, UndoAll())


async def questions(call: Call) -> Questions:
    """What the protector asks now."""
    asked = call.door.questions()
    return Questions(questions=tuple(bodies.question_body(each) for each in asked))


async def answer_question(call: Call) -> Done:
    """Answer an open question."""
    new: NewAnswer = call.body
    answer = bodies.answer_of(new.answer)
    return await _carry_out(call, AnswerQuestion(question_id=call.id, answer=answer))


async def act_on_job(call: Call) -> Done:
    """Slow down, pause, resume, end or protect a job."""
    new: NewJobAction = call.body
    answer = None if new.action == "resume" else bodies.answer_of(new.action)
    return await _carry_out(call, ActOnJob(job=new.job, answer=answer))


async def settings_in_force(call: Call) -> SettingsBody:
    """The settings that are in force, which the file may not say."""
    return call.door.settings_in_force()


async def protection(call: Call) -> ProtectionSettings:
    """What the protector may do, and what it never touches."""
    return await _carry_out(call, SetProtection())


async def set_protection(call: Call) -> ProtectionSettings:
    """Change the state or the list of protected programs."""
    new: NewProtection = call.body
    change = SetProtection(state=new.state, add=new.add.strip(), remove=new.remove.strip())
    return await _carry_out(call, change)


async def quit_program(call: Call) -> Done:
    """End the program once this is answered."""
    return await _carry_out(call, Quit())


async def record(call: Call) -> Done:
    """Record what the protector decides from."""
    new: NewRecording = call.body
    return await _carry_out(call, StartRecording(for_s=new.for_s))


async def recording(call: Call) -> RecordingState:
    """What became of a recording that was asked for."""
    return await _carry_out(call, FindRecording(name=call.id))


async def clean(call: Call) -> Done:
    """Clean regenerable caches, or only say what that would free."""
    new: NewClean = call.body
    return await _carry_out(call, Clean(dry_run=new.dry_run))


async def rotate_token(call: Call) -> TokenBody:
    """Make a new token, write it to ``api.json`` and close all sockets."""
    try:
        await asyncio.to_thread(call.rotate)
    except (OSError, StorageError) as error:
        detail = f"the new token could not be written down, the old one stays: {error}"
        raise CommandRefused(Refusal.NOT_STORED, detail) from error
    return TokenBody()


async def settled(future: Future[R]) -> R:
    """What a command answered. Giving up waiting does not take the command back."""
    waiting = asyncio.shield(asyncio.wrap_future(future))
    return await asyncio.wait_for(waiting, COMMAND_TIMEOUT_S)


async def level_in_force(door: AppFacade, state: Status) -> Status:
    """The status once the monitor's own thread has taken a choice up, or after a moment."""
    for _ in range(LEVEL_LOOKS):
        if state.level in (state.asked_level or MonitorLevel.NORMAL, MonitorLevel.CRITICAL):
            break
        await asyncio.sleep(LEVEL_LOOK_S)
        state = door.status()
    return state


async def _carry_out(call: Call, command: Command[R]) -> R:
    return await settled(call.door.submit(command))


async def _query(call: Call, query: AlertQuery) -> list[Alert]:
    """In a thread of its own: the archive is read from disk."""
    return await asyncio.to_thread(call.door.alerts, query)


async def servers(call: Call) -> Servers:
    """All watched servers."""
    found = tuple(bodies.server_body(each) for each in call.door.servers())
    return Servers(count=len(found), servers=found)


async def runs(call: Call) -> Runs:
    """The newest runs; read from their files, so on another thread."""
    wanted: RunsQuery = call.query
    found = (await asyncio.to_thread(call.door.runs))[: wanted.limit]
    return Runs(count=len(found), runs=tuple(bodies.run_body(each) for each in found))


async def server_log(call: Call) -> ServerLogBody:
    """The last lines of a server's log."""
    wanted: LogQuery = call.query
    view = next((each for each in call.door.servers() if each.name == call.id), None)
    if view is None:
        raise facade.CommandRefused(facade.Refusal.NOT_FOUND, f"There is no server {call.id}.")
    lines = await asyncio.to_thread(call.door.server_log, call.id, wanted.lines)
    return ServerLogBody(name=view.name, log_file=view.log_file, lines=lines)


async def watch_server(call: Call) -> ServerBody:
    """Watch and start a server that no settings declare."""
    new: NewServer = call.body
    fields = msgspec.to_builtins(new)
    owner: Owner = fields.pop("owner")
    try:
        spec = server_of_table(fields)
    except ServerFault as fault:
        raise msgspec.ValidationError(f"{fault}") from fault
    return bodies.server_body(
        await settled(call.door.submit(facade.WatchServer(spec=spec, owner=owner)))
    )


async def start_server(call: Call) -> ServerBody:
    """Start a server; answers with how it stands then."""
    return await _order(call, "start")


async def stop_server(call: Call) -> ServerBody:
    """End a server and its whole tree."""
    return await _order(call, "stop")


async def restart_server(call: Call) -> ServerBody:
    """End a server and start it again."""
    return await _order(call, "restart")


async def remove_server(call: Call) -> ServerBody:
    """End a server that no settings declare, and watch it no more."""
    return await _order(call, "remove")


async def _order(call: Call, verb: facade.ServerVerb) -> ServerBody:
    return bodies.server_body(
        await settled(call.door.submit(facade.OrderServer(name=call.id, verb=verb)))
    )

"""The alerts of a run: through the OmniTray that runs, else into the files of its history.

Called in a process of its own after the run has ended: its failure changes nothing for the run.
"""

import contextlib
from typing import Any

import msgspec

from omnitray.alerts.model import Alert
from omnitray.base.amounts import size
from omnitray.base.clock import SystemClock, timestamp
from omnitray.base.durable import StorageError
from omnitray.base.facts import AlertType, JobKind, Severity
from omnitray.client.http import NotRunning, RequestFailed
from omnitray.client.sync import Client
from omnitray.processes.naming import name_command, unwrapped
from omnitray.runs.budget import PAUSE_S, PAUSES
from omnitray.runs.history import RunHistory
from omnitray.runs.left_sessions import take_of_run
from omnitray.runs.records import command_text, words_of
from omnitray.runs.words import took

SOURCE = "cli"
LONGEST_TITLE = 40  # characters: a notification's title shows some 60, the project stands there too
_BY_PROGRAM = frozenset({JobKind.TEST_RUN, JobKind.BUILD, JobKind.AGENT, JobKind.APP})
FAULTS = (OSError, NotRunning, RequestFailed, StorageError, msgspec.MsgspecError, ValueError)
KEPT = (
    *("id", "command", "project", "exit_code", "signal", "took_s", "peak_bytes"),
    *("last_peak_bytes", "memory_budget_bytes", "cpu_budget_percent", "timeout_s"),
)


def report(kind: str, record: dict[str, Any]) -> None:
    """``paused`` and ``ended`` raise an alert, ``passed`` ends those of earlier runs.

    ``freed`` and ``over`` only end what says what the run is doing now: it does so no longer.
    """
    with contextlib.suppress(*FAULTS):  # who could be told of it?
        client = Client()
        if kind == "paused":
            _raise(client, kind, record)
            if _state(client, record["id"]) == "ended":  # its end came first, and found nothing
                _resolve(client, record, now_only=True)
            return
        _resolve(client, record, now_only=kind != "passed")
        # Failed tests are reported by the pytest plugin itself.
        if kind == "ended" and not record.get("tests"):
            take_of_run(client.paths.state, record["id"])
            _raise(client, kind, record)


def _raise(client: Client, kind: str, record: dict[str, Any]) -> None:
    type_, severity, title, message = _words(kind, record)
    context = {key: record[key] for key in KEPT if record.get(key) is not None}
    context["run"] = context.pop("id", None)
    if kind == "paused":
        context["now"] = True
    client.raise_(type_, title, message, severity=severity, source=SOURCE, context=context)


def _state(client: Client, run: str) -> str:
    """``running``, ``ended``, ``lost``; empty where nothing is remembered of it."""
    found = next((each for each in RunHistory(client.paths.data).runs() if each.id == run), None)
    return "" if found is None else "lost" if found.lost else found.state


def title_of(command: str) -> tuple[str, bool]:
    """What a person calls a command, and whether it is a test run.

    A test run, a build or an agent by the name of its program, whatever stands around it (a shell,
    ``env``, ``uv run``); another command as it was typed, without what stands before it.
    """
    words = words_of(command)
    found = name_command(words, "")
    if found.kind in _BY_PROGRAM:
        return found.name, found.kind is JobKind.TEST_RUN
    text = command_text(unwrapped(words)) or command
    return (text if len(text) <= LONGEST_TITLE else f"{text[: LONGEST_TITLE - 1]}…"), False


def _words(kind: str, record: dict[str, Any]) -> tuple[AlertType, Severity, str, str]:
    title, is_test = title_of(record["command"])
    what = f"{record['name'] or title} in {record['project']}"
    budget = record.get("memory_budget_bytes")
    if kind == "paused":
        held = f"{size(record['peak_bytes'])} of {size(budget or 0)}"
        then = (
            f"After {PAUSES} times without relief it is ended. Give it more with --memory, or "
            "--no-kill to have it only held."
            if record.get("may_end", True)
            else "It is not ended (--no-kill): free memory, give it more with --memory, or end it."
        )
        still = f"its largest process stands still for up to {PAUSE_S:.0f} s at a time"
        title = f"{what} is held at its memory budget"
        message = f"It holds {held}: {still}. {then}"
        return AlertType.RESOURCE_CRITICAL, Severity.WARNING, title, message
    took_s, verdict = took(record["took_s"]), record["verdict"]
    peak = size(record["peak_bytes"])
    if verdict == "timed out":
        limit = took(record.get("timeout_s") or 0.0)
        type_ = AlertType.TEST_TIMEOUT if is_test else AlertType.CRITICAL
        message = f"It reached its limit of {limit} and was ended: {record['command']}"
        return type_, Severity.WARNING, f"{what} timed out", message
    if verdict in {"ended at its memory budget", "killed for memory"}:
        held = f"{peak} of a budget of {size(budget)}" if budget else peak
        message = f"It held up to {held}, after {took_s}: {record['command']}"
        title = f"{what} was {verdict}"
        return AlertType.RESOURCE_CRITICAL, Severity.CRITICAL, title, message
    type_ = AlertType.TEST_FAILED if is_test else AlertType.CRITICAL
    message = f"It {verdict} after {took_s}: {record['command']}"
    if record["peak_bytes"]:
        message = f"It {verdict} after {took_s}, with a peak of {peak}: {record['command']}"
    if verdict.startswith("ended by"):
        message = f"It was {verdict} after {took_s}: {record['command']}"
    return type_, Severity.WARNING, f"{what} fails", message


def _resolve(client: Client, record: dict[str, Any], *, now_only: bool) -> None:
    """End the alerts of this command: all of them, or those that say what a run is doing now.

    One of a run that lost its wrapper is over with the next run of the command; what another one
    that goes on is doing stays.
    """
    for alert in client.alerts(states=("firing", "acknowledged"), limit=500):
        run = alert.context.get("run")
        same = all(alert.context.get(key) == record[key] for key in ("project", "command"))
        if alert.source != SOURCE or not same or not run:
            continue
        is_now = alert.context.get("now") is True
        if is_now and run != record.get("id") and _state(client, run) == "running":
            continue
        if is_now or not now_only:
            _end(client, alert)


def _end(client: Client, alert: Alert) -> None:
    if client.running:
        client.resolve(alert.id)
        return
    from omnitray.alerts.storage.history import History  # noqa: PLC0415 - only when none runs

    ended = msgspec.structs.replace(
        alert, state="resolved", resolved_at=timestamp(SystemClock().wall())
    )
    History(client.paths.alerts, SystemClock(), keep=False).store(ended)

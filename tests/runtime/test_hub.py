"""Hub and door on the real alert system, store and settings file; the workers are told."""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from omnitray.alerts.storage.query import AlertQuery
from omnitray.api import facade
from omnitray.api.status import Mood, sentence
from omnitray.base.durable import StorageError
from omnitray.base.facts import (
    AlertMove,
    AlertType,
    Mode,
    MonitorLevel,
    ProcessIdentity,
    Resource,
    Severity,
)
from omnitray.base.leases import Lease
from omnitray.base.paths import Paths
from omnitray.monitor.levels import LevelChange, LevelReason
from omnitray.monitor.thresholds import AlarmLevel, Transition
from omnitray.protector.actuators.actuator import ValueChange
from omnitray.protector.actuators.journal import ActionJournal, Began
from omnitray.protector.model import ActuatorKind, EscalationStep
from omnitray.protector.notices import Notice
from omnitray.protector.view import (
    ActionOutcome,
    Explanation,
    JournalLine,
    ProtectionView,
)
from omnitray.runs.left_sessions import take_left
from omnitray.runtime.alerting import DiedSessions
from support.alerting import an_alert
from support.hub_program import Program


@pytest.fixture
def program(tmp_path: Path, qtbot: QtBot) -> Iterator[Program]:
    assert qtbot
    ours = Program(tmp_path)
    yield ours
    ours.end()


def answer(qtbot: QtBot, future: Future[Any]) -> Any:
    qtbot.waitUntil(future.done, timeout=5000)
    return future.result()


def moved(after: AlarmLevel, before: AlarmLevel) -> Transition:
    return Transition(resource=Resource.CPU, before=before, after=after, value=97.0, threshold=85.0)


def test_a_resource_incident_is_raised_shown_and_resolved(program: Program, qtbot: QtBot) -> None:
    with qtbot.waitSignal(program.hub.alerts_changed):
        program.step(moved(AlarmLevel.CRITICAL, AlarmLevel.CLEAR))
    assert sentence(program.hub.status).mood is Mood.CRITICAL
    (alert,) = program.store.query(AlertQuery())
    assert alert.source == "monitor"
    assert alert.context["level"] == "normal"
    program.step(moved(AlarmLevel.CLEAR, AlarmLevel.CRITICAL))
    qtbot.waitUntil(lambda: program.store.query()[0].state == "resolved")
    assert sentence(program.hub.status).mood is Mood.GOOD


def test_the_mode_goes_into_the_file_and_comes_back_from_it(
    program: Program, qtbot: QtBot, tmp_path: Path
) -> None:
    with qtbot.waitSignal(program.hub.mode_changed) as changed:
        assert program.hub.set_mode(Mode.TEST) is None
    assert changed.args == [Mode.TEST]
    assert (tmp_path / "config.toml").read_text() == 'mode = "test"\n'
    (tmp_path / "config.toml").write_text('mode = "prod"\nlevel = "idle"\n')
    with qtbot.waitSignal(program.hub.level_chosen) as chosen:
        program.settings.look()
    assert chosen.args == [MonitorLevel.IDLE, ""]
    assert program.hub.status.mode is Mode.PROD


def test_borrowed_levels_and_modes_are_given_back_and_the_file_never_sees_them(
    program: Program, tmp_path: Path
) -> None:
    program.hub.take_lease(Lease(id="a", level=MonitorLevel.INTENSIVE, by="server api"))
    program.hub.take_lease(Lease(id="b", mode=Mode.PROD, by="pytest · ~/shop · run 3"))
    borrowed = program.hub.status
    program.hub.release_lease("a")
    program.hub.release_lease("b")
    back = program.hub.status
    assert (borrowed.asked_level, borrowed.mode) == (MonitorLevel.INTENSIVE, Mode.PROD)
    assert borrowed.level_reason == "asked for by server api"
    assert borrowed.mode_asked_by == "pytest · ~/shop · run 3"
    assert borrowed.chosen_level is None  # the person's own choice, which is checked in the menu
    assert (back.asked_level, back.mode) == (None, Mode.DEV)
    assert (back.level_reason, back.mode_asked_by) == ("automatic", "")
    assert not (tmp_path / "config.toml").exists()


def test_a_problem_of_our_own_is_shown_until_it_is_over(program: Program) -> None:
    program.step()
    program.hub.note_problem("disk", "The disk is full")
    told = sentence(program.hub.status)
    program.hub.problem_over("disk")
    assert (told.mood, told.headline) == (Mood.WARNING, "The disk is full")
    assert sentence(program.hub.status).headline == "All good"


def test_an_alert_left_open_by_the_last_run_is_closed_once_it_no_longer_holds(
    program: Program, qtbot: QtBot, tmp_path: Path
) -> None:
    program.step(moved(AlarmLevel.CRITICAL, AlarmLevel.CLEAR))
    program.end()
    second = Program(tmp_path)
    assert [each.state for each in second.hub.status.open_alerts] == ["firing"]
    second.step()
    qtbot.waitUntil(lambda: second.store.query()[0].state == "resolved")
    second.end()


def test_what_was_told_of_holding_is_over_when_nothing_is_held_and_an_end_stays_open(
    program: Program, qtbot: QtBot
) -> None:
    for step in ("pause", "end"):
        program.hub.raise_notice(
            Notice(
                type=AlertType.RESOURCE_CRITICAL,
                title=f"{step} pytest",
                message="",
                severity=Severity.WARNING,
                labels={"resource": "memory", "job": "pytest", "rung": step},
                context={"rung": step},
                weight=1,
                stays=step == "end",
            )
        )
    program.hub.nothing_held()
    (left,) = program.alerts.open_alerts()
    assert left.title == "end pytest"
    assert program.hub.move_alert(left.id, AlertMove.ACKNOWLEDGE) is not None
    qtbot.waitUntil(lambda: program.alerts.open_alerts() == ())


def test_the_door_raises_durably_and_answers_with_what_is_stored(
    program: Program, qtbot: QtBot
) -> None:
    heard: list[facade.Event] = []
    leave = program.door.subscribe(heard.append)
    with qtbot.waitSignal(program.hub.trouble_came):
        future = program.door.submit(
            facade.RaiseAlert(type=AlertType.CRITICAL, title="it burns", context={"room": "7"})
        )
        alert = answer(qtbot, future)
    assert program.store.path_of(alert.id) is not None
    assert alert.severity is Severity.CRITICAL
    assert alert.context["mode"] == "dev"
    assert [type(event) for event in heard] == [facade.AlertChanged]
    seen = answer(qtbot, program.door.submit(facade.Acknowledge(alert_id=alert.id)))
    assert seen.state == "acknowledged"
    over = answer(qtbot, program.door.submit(facade.Resolve(alert_id=alert.id)))
    assert over.state == "resolved"
    leave()


@pytest.mark.parametrize(
    ("command", "state"), [(facade.Acknowledge, "acknowledged"), (facade.Resolve, "resolved")]
)
def test_what_is_open_in_the_archive_alone_is_moved_too(
    program: Program, qtbot: QtBot, command: Any, state: str
) -> None:
    left = an_alert(7)
    answer(qtbot, program.store.submit(left))
    assert program.alerts.open_alerts() == ()
    seen = answer(qtbot, program.door.submit(command(alert_id=left.id)))
    assert (seen.id, seen.state) == (left.id, state)
    qtbot.waitUntil(lambda: program.store.query()[0].state == state)
    over = answer(qtbot, program.door.submit(facade.Resolve(alert_id=left.id)))
    assert over.state == "resolved"
    again = answer(qtbot, program.door.submit(facade.Acknowledge(alert_id=left.id)))
    assert again.state == "resolved"


def test_the_door_changes_mode_level_and_pauses_and_says_what_stands(
    program: Program, qtbot: QtBot
) -> None:
    status = answer(qtbot, program.door.submit(facade.SetMode(mode=Mode.TEST)))
    assert status.mode is Mode.TEST
    status = answer(qtbot, program.door.submit(facade.SetLevel(level=MonitorLevel.IDLE)))
    assert status.chosen_level is MonitorLevel.IDLE
    status = answer(qtbot, program.door.submit(facade.Snooze(duration_s=60)))
    assert status.notifications_paused_until is not None
    status = answer(qtbot, program.door.submit(facade.Snooze(duration_s=0)))
    assert status.notifications_paused_until is None


def test_the_door_refuses_what_cannot_be_done(program: Program, qtbot: QtBot) -> None:
    with pytest.raises(facade.CommandRefused, match="There is no alert nobody"):
        answer(qtbot, program.door.submit(facade.Acknowledge(alert_id="nobody")))
    with pytest.raises(facade.CommandRefused, match="not here"):
        answer(qtbot, program.door.submit(facade.Clean()))
    assert answer(qtbot, program.door.submit(facade.UndoAll())).done == ("nothing",)


def test_the_door_reads_what_is_known(program: Program) -> None:
    step = program.step()
    assert program.door.snapshots(0.0)[-1].taken_at == step.snapshot.taken_at
    assert program.door.status() is program.hub.status
    assert program.door.jobs() == ()
    assert program.door.protect_policy().mode is Mode.DEV
    program.hub.on_level_changed(
        LevelChange(
            before=MonitorLevel.NORMAL,
            after=MonitorLevel.CRITICAL,
            reason=LevelReason.CRITICAL_ALERT,
        )
    )
    assert program.door.status().level is MonitorLevel.CRITICAL
    assert program.door.thresholds().cpu.warning == 70
    assert program.door.explain().text == "Nothing is short."


def _line(number: int, outcome: ActionOutcome = ActionOutcome.REVERSIBLE) -> JournalLine:
    return JournalLine(
        action_id=f"x{number}", at=float(number), what="paused make", why="memory", outcome=outcome
    )


def test_every_action_of_this_run_and_every_way_back_is_an_event(program: Program) -> None:
    heard: list[facade.Event] = []
    program.door.subscribe(heard.append)
    earlier, first, second = _line(1), _line(2), _line(3)
    explained = Explanation(action_id="x2", title="make", text="It grows.")
    says = program.protection.view_changed.emit
    says(ProtectionView(journal=(first, earlier), explanations=(explained,)))
    assert heard == [facade.Acted(first)]  # the earlier one belongs to an earlier run
    says(ProtectionView(journal=(second, first, earlier)))
    says(ProtectionView(journal=(second, first, earlier)))
    undone = (_line(3, ActionOutcome.UNDONE), _line(2, ActionOutcome.UNDONE), earlier)
    says(ProtectionView(journal=undone))
    wanted = [first, second, undone[1], undone[0]]
    assert heard == [facade.Acted(each) for each in wanted]


def test_mode_and_level_are_events_also_where_only_the_choice_is_another(
    program: Program,
) -> None:
    heard: list[facade.Event] = []
    program.door.subscribe(heard.append)
    program.hub.set_mode(Mode.PROD)
    program.hub.set_level(MonitorLevel.NORMAL)  # in force already, but chosen now
    program.hub.on_level_changed(
        LevelChange(
            before=MonitorLevel.NORMAL,
            after=MonitorLevel.CRITICAL,
            reason=LevelReason.CRITICAL_ALERT,
            overrides=LevelReason.CRITICAL_ALERT,
        )
    )
    assert heard == [
        facade.ModeChanged(Mode.PROD),
        facade.LevelChanged(MonitorLevel.NORMAL, MonitorLevel.NORMAL, 5.0, "chosen by you"),
        facade.LevelChanged(
            MonitorLevel.CRITICAL, MonitorLevel.NORMAL, 0.5, "a critical alert was raised"
        ),
    ]


@pytest.mark.expect_log("for this run only", "holds only until")
def test_what_could_not_be_saved_counts_and_is_refused_with_the_reason(
    program: Program, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, *_: object, **__: object) -> None:
        raise StorageError(path, OSError(errno.ENOSPC, "full"))

    monkeypatch.setattr("omnitray.settings.file.write_atomic", full)
    monkeypatch.setattr("omnitray.alerts.silences.write_atomic", full)
    commands: tuple[facade.Command[Any], ...] = (
        facade.SetMode(mode=Mode.PROD),
        facade.SetLevel(level=MonitorLevel.IDLE),
        facade.Snooze(duration_s=600),
    )
    for command in commands:
        future = program.door.submit(command)
        qtbot.waitUntil(future.done)
        error = future.exception()
        assert isinstance(error, facade.CommandRefused)
        assert error.refusal is facade.Refusal.NOT_STORED
        assert "the disk is full" in error.detail
        assert "until OmniTray ends" in error.detail
    status = program.hub.status
    assert (status.mode, status.chosen_level) == (Mode.PROD, MonitorLevel.IDLE)
    assert status.notifications_paused_until is not None
    monkeypatch.undo()
    future = program.door.submit(facade.Snooze(duration_s=0))
    qtbot.waitUntil(future.done)
    assert future.result().notifications_paused_until is None


DIES = """
import os, pathlib, signal, sys
from omnitray.runs.left_sessions import note_session
from omnitray.runs.tree import start_of
marks = pathlib.Path(sys.argv[1]) / "pytest" / str(os.getpid())
marks.mkdir(parents=True)
note_session(marks, "3", "/srv/shop", "pytest · /srv/shop · run 3")
print(start_of(os.getpid()), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def dies(state: Path, **more: str) -> ProcessIdentity:
    """A session that was killed; nothing has waited for it when this returns."""
    environ = {key: text for key, text in os.environ.items() if key != "OMNITRAY_RUN"}
    words = [sys.executable, "-c", DIES, str(state)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, env={**environ, **more}) as process:
        assert process.stdout is not None
        start = int(process.stdout.readline())
    assert process.returncode == -signal.SIGKILL
    return ProcessIdentity(pid=process.pid, start_ticks=start, exe=None)


@pytest.mark.parametrize("who", ["somebody", "OmniTray"])
def test_a_test_session_that_is_killed_is_said_at_once_and_once(
    program: Program, tmp_path: Path, qtbot: QtBot, who: str
) -> None:
    paths = Paths(tmp_path, tmp_path / "data", tmp_path / "state", tmp_path / "run")
    sessions = DiedSessions(program.hub, paths)
    program.hub.take_lease(Lease(id="1", mode=Mode.TEST))
    dead = dies(paths.state)
    if who == "OmniTray":
        began = Began(
            id="a", at="2026-11-28T10:00:00.000Z", boot="b", who="protector", job="job",
            title="pytest", step=EscalationStep.END, lever=ActuatorKind.END, reversible=False,
            changes=(ValueChange(process=dead, old="running", new="ended"),),
            reason="memory runs out",
        )  # fmt: skip
        ActionJournal(paths.actions_journal).append(began)
    program.hub.release_lease("1", lost=True)
    qtbot.waitUntil(lambda: bool(program.store.query()))
    sessions.look()
    (alert,) = program.store.query()
    assert alert.title == "Test session died: pytest · /srv/shop · run 3"
    assert (alert.type, alert.source, alert.count) == (AlertType.CRITICAL, "pytest", 1)
    assert ("OmniTray has ended it (memory runs out)" in alert.message) is (who == "OmniTray")
    assert list(take_left(paths.state)) == []  # the next session finds nothing to say
    sessions.stop()


def test_how_a_session_ended_is_left_to_the_command_that_has_started_it(tmp_path: Path) -> None:
    dies(tmp_path, OMNITRAY_RUN="1.0-2")
    assert list(take_left(tmp_path, runs_too=False)) == []
    assert [each.command_run for each in take_left(tmp_path)] == ["1.0-2"]


def test_a_note_that_is_no_file_or_has_no_end_holds_up_no_look(tmp_path: Path) -> None:
    dies(tmp_path)
    fifo, folder, endless = (tmp_path / "pytest" / each / "session.json" for each in "abc")
    for each in (fifo, folder, endless):
        each.parent.mkdir()
    os.mkfifo(fifo)
    folder.mkdir()
    endless.touch()
    os.truncate(endless, 1 << 40)
    assert len(list(take_left(tmp_path))) == 1

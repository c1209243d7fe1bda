"""What every facade of the program does, held by the real one and by the fake alike.

The tests of the API run on ``support/fake_door.py``; what they rely on is proved here of
``runtime/api_facade.py`` as well.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pytestqt.qtbot import QtBot

from omnitray.alerts.storage.query import AlertQuery
from omnitray.api import facade as api
from omnitray.api import wire
from omnitray.base.facts import AlertType, Mode, MonitorLevel, Severity
from omnitray.base.leases import Lease
from omnitray.base.paths import Paths
from omnitray.runtime.api_facade import ProgramFacade
from support.fake_door import FakeDoor
from support.hub_program import Program

RAISED = api.RaiseAlert(
    type=AlertType.CRITICAL, title="it burns", message="in room 7", context={"room": "7"}
)


class Asker:
    """A facade and what it has said; waits for answers as a caller on another thread would."""

    def __init__(self, facade: api.AppFacade, qtbot: QtBot) -> None:
        self.facade = facade
        self.events: list[api.Event] = []
        self.end: Callable[[], None] = facade.subscribe(self.events.append)
        self._qtbot = qtbot

    def ask(self, command: api.Command[Any]) -> Any:
        future = self.facade.submit(command)
        self._qtbot.waitUntil(future.done, timeout=5000)
        return future.result()

    def refusal(self, command: api.Command[Any]) -> api.Refusal:
        with pytest.raises(api.CommandRefused) as refused:
            self.ask(command)
        return refused.value.refusal

    def of(self, kind: type[api.Event]) -> list[api.Event]:
        return [each for each in self.events if isinstance(each, kind)]


def real(folder: Path) -> Iterator[api.AppFacade]:
    program = Program(folder)
    yield program.door
    program.end()


def fake(_: Path) -> Iterator[api.AppFacade]:
    door = FakeDoor()
    door.start()
    yield door
    door.stop()


@pytest.fixture(params=[real, fake], ids=lambda each: each.__name__)
def asker(request: pytest.FixtureRequest, tmp_path: Path, qtbot: QtBot) -> Iterator[Asker]:
    made = request.param(tmp_path)
    yield Asker(next(made), qtbot)
    assert next(made, None) is None


def test_a_mode_is_set_and_said_once(asker: Asker) -> None:
    assert asker.ask(api.SetMode(mode=Mode.TEST)).mode is Mode.TEST
    assert asker.facade.status().mode is Mode.TEST
    assert asker.facade.protect_policy().mode is Mode.TEST
    asker.ask(api.SetMode(mode=Mode.TEST))
    assert asker.of(api.ModeChanged) == [api.ModeChanged(Mode.TEST)]


def test_an_alert_is_found_by_its_id_and_no_other_is(asker: Asker) -> None:
    raised = asker.ask(RAISED)
    assert asker.facade.alert(raised.id) == raised
    assert asker.facade.alert("a9999") is None


def test_a_level_is_chosen_and_given_up(asker: Asker) -> None:
    chosen = asker.ask(api.SetLevel(level=MonitorLevel.IDLE))
    assert chosen.chosen_level is MonitorLevel.IDLE
    assert asker.ask(api.SetLevel(level=None)).chosen_level is None
    said = asker.of(api.LevelChanged)
    assert said
    assert said[-1] == api.LevelChanged(
        asker.facade.status().level, None, asker.facade.status().interval_s
    )


def test_a_lease_changes_the_mode_until_it_is_released(asker: Asker) -> None:
    before = asker.facade.status().mode
    lease = Lease(id="run-1", mode=Mode.PROD)
    assert asker.ask(api.BorrowLease(lease=lease)).mode is Mode.PROD
    assert asker.ask(api.ReleaseLease(lease_id="run-1")).mode is before
    assert asker.of(api.ModeChanged) == [api.ModeChanged(Mode.PROD), api.ModeChanged(before)]


def test_notifications_pause_and_go_on(asker: Asker) -> None:
    assert asker.ask(api.Snooze(duration_s=60)).notifications_paused_until is not None
    assert asker.ask(api.Snooze(duration_s=0)).notifications_paused_until is None


def test_an_alert_is_stored_when_it_is_answered_and_moves_through_its_states(asker: Asker) -> None:
    raised = asker.ask(RAISED)
    assert (raised.type, raised.title, raised.message) == (
        AlertType.CRITICAL,
        "it burns",
        "in room 7",
    )
    assert raised.severity is Severity.CRITICAL
    assert raised.state == "firing"
    assert raised.context["room"] == "7"
    listed = {each.id: each for each in asker.facade.alerts(AlertQuery())}
    assert listed[raised.id] == raised
    assert asker.ask(api.Acknowledge(alert_id=raised.id)).state == "acknowledged"
    over = asker.ask(api.Resolve(alert_id=raised.id))
    assert over.state == "resolved"
    assert over.resolved_at
    states = [each.alert.state for each in asker.of(api.AlertChanged)]  # type: ignore[union-attr]
    assert states == ["firing", "acknowledged", "resolved"]


def test_what_is_not_there_is_refused_as_not_found(asker: Asker) -> None:
    assert asker.refusal(api.Acknowledge(alert_id="nothing")) is api.Refusal.NOT_FOUND
    assert asker.refusal(api.Resolve(alert_id="nothing")) is api.Refusal.NOT_FOUND


def test_everything_can_be_read_at_any_time(asker: Asker) -> None:
    facade = asker.facade
    assert facade.explain().text
    assert facade.thresholds().cpu
    assert isinstance(facade.jobs(), tuple)
    assert facade.snapshots(float("inf")) == []
    assert facade.protection().breaker.state
    assert isinstance(asker.ask(api.UndoAll()), wire.Done)


def test_who_has_unsubscribed_is_sent_nothing_more(asker: Asker) -> None:
    asker.end()
    asker.ask(api.SetMode(mode=Mode.TEST))
    asker.ask(RAISED)
    assert asker.events == []


def test_the_token_of_the_metrics_comes_back_as_it_was(
    qtbot: QtBot, tmp_path: Path, expect_log: Callable[..., None]
) -> None:
    """The run folder went with a logout, the disk was full, both files were edited."""
    expect_log("the token of /metrics cannot be written")
    assert qtbot
    program = Program(tmp_path / "program")
    data, run = tmp_path / "data", tmp_path / "run"
    data.mkdir()
    run.write_text("no folder")
    door = ProgramFacade(
        msgspec.structs.replace(program.parts, paths=Paths(tmp_path, data, tmp_path, run))
    )
    token = door.metrics_token()
    assert len(token) >= 40, "it counts, though no file can be read yet"
    run.unlink()
    run.mkdir()
    for gone in (run, data):
        shutil.rmtree(gone)
        gone.mkdir()
        (run / "metrics.token").write_text("another\n")
        assert door.metrics_token() == token
        assert {(each / "metrics.token").read_text() for each in (data, run)} == {f"{token}\n"}
    program.end()

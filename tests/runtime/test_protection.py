"""What the person asks for on its way: main thread, the protector's thread, and what is told."""

import gc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from omnitray.alerts.channels.dispatch import Dispatcher
from omnitray.alerts.storage.history import History
from omnitray.alerts.storage.store import AlertStore
from omnitray.alerts.system import AlertSystem
from omnitray.base.facts import Mode, ProtectState
from omnitray.cleanup.cleaner import CacheCleaner
from omnitray.monitor.sampler import OwnCostMeter
from omnitray.protector.inspection import JobInspection, JobInspector
from omnitray.protector.view import ActionFeedback, Protected, WayBack
from omnitray.runtime.cleaning import Cleaning
from omnitray.runtime.hub import Hub
from omnitray.runtime.protection import ProtectionFacade
from omnitray.runtime.protection_worker import Engine, ProtectWorker
from omnitray.runtime.settings_keeper import SettingsKeeper
from omnitray.runtime.workers import InspectionThread, RecordingThread
from support.protect_desk import ProtectDesk, hog


class Program:
    """The protection with all that it needs, over faked processes."""

    def __init__(self, folder: Path) -> None:
        self.desk = ProtectDesk(folder)
        self.config = folder / "config.toml"
        self.settings = SettingsKeeper(self.config)
        store = AlertStore(History(folder / "alerts", self.desk.clock), self.desk.clock)
        self.dispatcher = Dispatcher(store, {}, self.desk.clock)
        policy = self.settings.loaded.settings.alert_policy()
        alerts = AlertSystem(self.desk.clock, policy, self.dispatcher, open_alerts=())
        self.hub = Hub(
            clock=self.desk.clock,
            settings=self.settings,
            alerts=alerts,
            cost=OwnCostMeter(self.desk.clock, lambda: 0.0, lambda: 60_000_000),
        )
        self.looking = InspectionThread(_unused)
        self.protection = ProtectionFacade(
            self.hub,
            settings=self.settings,
            build=self.engine,
            cleaning=Cleaning(_no_cleaner, self.hub),
            looking=self.looking,
            recordings=RecordingThread(folder / "recordings", "/home/me", self.hub),
            clock=self.desk.clock,
        )
        self.hub.jobs = self.jobs = (hog(self.desk.scan()),)

    def engine(self) -> Engine:
        bench = self.desk.bench
        return Engine(
            self.desk.protecting, bench.actions, bench.journal, self.desk.source, lambda: ()
        )

    @property
    def protected(self) -> tuple[str, ...]:
        return self.settings.loaded.settings.protect.protected


def _no_cleaner() -> CacheCleaner:
    raise AssertionError("nothing is cleaned here")


def _unused() -> JobInspector:
    raise AssertionError("nobody looks here")


@pytest.fixture
def swept() -> Iterator[None]:
    """Qt's objects are to be destroyed on this thread, not wherever Python next collects."""
    gc.collect()
    gc.disable()
    yield
    gc.collect()
    gc.enable()


@pytest.fixture
def program(swept: None, tmp_path: Path, qtbot: QtBot) -> Iterator[Program]:  # noqa: ARG001 - order
    made = Program(tmp_path)
    with qtbot.waitSignal(made.protection.view_changed):
        made.protection.start()
    yield made
    made.protection.stop()
    made.hub.stop()
    assert made.dispatcher.close()


def told(qtbot: QtBot, program: Program, ask: Callable[[], object]) -> ActionFeedback:
    with qtbot.waitSignal(program.protection.told) as caught:
        ask()
    (said,) = caught.args
    assert isinstance(said, ActionFeedback)
    return said


def press(qtbot: QtBot, program: Program, action: str) -> ActionFeedback:
    return told(qtbot, program, lambda: program.protection.act_on_job("hogs", action))


def test_a_press_is_done_and_told_and_undone_with_the_page_following(
    program: Program, qtbot: QtBot
) -> None:
    done = press(qtbot, program, "pause")
    assert done.way_back is WayBack.UNDO
    assert [each.job_key for each in program.protection.view.held] == ["hogs"]
    back = told(qtbot, program, lambda: program.protection.undo(done.action_id))
    assert back.sentence == "hog · ~/shop runs as before."
    assert program.protection.view.held == ()


def test_what_is_let_run_and_cannot_be_slowed_down_is_said_to_run(
    program: Program, qtbot: QtBot
) -> None:
    program.desk.bench.system.privileged = False
    press(qtbot, program, "pause")
    said = press(qtbot, program, "slow_down")
    assert said.sentence == (
        "hog · ~/shop could not be slowed down: nice could not be given back by this user."
        " It is paused no more."
    )
    assert not any(each.stopped for each in program.desk.processes)


def test_resume_gives_back_everything_on_the_job(program: Program, qtbot: QtBot) -> None:
    press(qtbot, program, "slow_down")
    press(qtbot, program, "pause")
    press(qtbot, program, "resume")
    assert not any(each.stopped for each in program.desk.processes)
    assert program.protection.view.held == ()
    assert press(qtbot, program, "resume").sentence == "Nothing was held any more."


def test_undo_all_works_and_is_told_while_no_window_was_ever_open(
    program: Program, qtbot: QtBot
) -> None:
    press(qtbot, program, "pause")
    assert program.hub.status.holding == ("hog · ~/shop paused",)
    assert "runs as before" in told(qtbot, program, program.protection.undo_all).sentence
    assert not program.hub.status.holding


def test_protecting_goes_into_the_settings_and_unprotecting_takes_it_out(
    program: Program, qtbot: QtBot
) -> None:
    said = press(qtbot, program, "protect")
    assert said.sentence == "Everything in ~/shop is never touched from now on."
    assert said.way_back is WayBack.UNPROTECT
    assert list(program.protected) == ["~/shop"]
    assert "left alone: protected by you" in press(qtbot, program, "pause").sentence
    said = press(qtbot, program, "unprotect")
    assert said.sentence == (
        "hog · ~/shop is protected by you no longer: ~/shop was taken off the list."
    )
    assert not program.protected
    assert press(qtbot, program, "pause").way_back is WayBack.UNDO


def test_unprotecting_takes_off_what_means_the_job_and_nothing_else(
    program: Program, qtbot: QtBot
) -> None:
    program.hub.change_setting("protect.protected", ["~/other", "hog", "ho?"])
    badge = Protected(job_key="hogs", why="", by_person=True, words=("hog", "ho?"))
    program.looking.newest = JobInspection(protected={"hogs": badge})
    press(qtbot, program, "unprotect")
    assert list(program.protected) == ["~/other"]


def test_what_is_taken_off_the_list_in_the_settings_is_touched_again(
    program: Program, qtbot: QtBot
) -> None:
    press(qtbot, program, "protect")
    program.hub.change_setting("protect.protected", [])
    assert press(qtbot, program, "pause").way_back is WayBack.UNDO
    assert program.desk.protecting.excluded_jobs == {}


@pytest.mark.expect_log("config.toml|settings")
def test_a_list_that_cannot_be_kept_is_said_to_be_so(program: Program, qtbot: QtBot) -> None:
    press(qtbot, program, "protect")
    program.config.write_text("this is no settings file")
    program.settings.look()
    said = press(qtbot, program, "unprotect")
    assert "config.toml" in said.sentence


def test_a_pause_is_known_to_the_tray_until_it_is_over(program: Program, qtbot: QtBot) -> None:
    program.protection.pause_for(3600.0)
    until = program.desk.clock.wall() + 3600.0
    assert program.hub.status.protect_paused_until == until
    assert "Only watching" in press(qtbot, program, "pause").sentence
    program.protection.set_state(ProtectState.ON)
    assert not program.hub.status.protect_paused_until
    assert press(qtbot, program, "pause").way_back is WayBack.UNDO


def test_watch_and_off_are_said_in_words(program: Program, qtbot: QtBot) -> None:
    program.protection.set_state(ProtectState.WATCH)
    assert "Only watching" in press(qtbot, program, "pause").sentence
    program.protection.set_state(ProtectState.OFF)
    assert "Protection is off" in press(qtbot, program, "end").sentence
    assert all(each.heard == [] for each in program.desk.processes)
    assert program.protection.view.mode is Mode.DEV


def test_who_does_not_run_says_so(program: Program, qtbot: QtBot) -> None:
    worker = ProtectWorker(program.engine, program.desk.clock)
    with qtbot.waitSignal(worker.told) as caught:
        worker.take_undo(None)
    assert caught.args[0].sentence == "The protector does not run, so nothing was done."

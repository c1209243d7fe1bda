"""A keyring that hangs holds nothing up: what a person does with webhooks goes on beside."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import pytest
from pytestqt.qtbot import QtBot

from omnitray.api import facade, wire
from omnitray.base.keyring import KeyringError
from omnitray.base.paths import find_paths
from omnitray.runtime.alerting import Alerting
from omnitray.runtime.webhooks import Webhooks
from omnitray.settings.faults import Problem
from support.clock import FakeClock
from support.hub_program import Program

ADDRESS = "https://hooks.example/services/T0/verysecretpart"
FIELDS = {"name": "team", "kind": "json", "url": ADDRESS}
BLINK_S = 0.5  # far below what the keyring below takes


class HungKeyring:
    """Answers when it is let go: as it is set up."""

    def __init__(self) -> None:
        self.entries: dict[str, str] = {}
        self.free = threading.Event()
        self.refusal = ""
        self.threads: set[str] = set()

    def __call__(self, _patience_s: float) -> "HungKeyring":
        return self

    def __enter__(self) -> Self:
        self.threads.add(threading.current_thread().name)
        self.free.wait(20)
        if self.refusal:
            raise KeyringError(self.refusal)
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def read(self, entry: str) -> str:
        return self.entries[entry]

    def write(self, entry: str, _label: str, text: str) -> None:
        self.entries[entry] = text

    def remove(self, entry: str) -> None:
        self.entries.pop(entry, None)


@pytest.fixture
def hung(monkeypatch: pytest.MonkeyPatch) -> Iterator[HungKeyring]:
    keyring = HungKeyring()
    for module in ("webhook_secrets", "webhooks"):
        monkeypatch.setattr(f"omnitray.settings.{module}.keyring", keyring)
    yield keyring
    keyring.free.set()


@pytest.fixture
def webhooks(qtbot: QtBot, tmp_path: Path, hung: HungKeyring) -> Iterator[Webhooks]:
    del qtbot, hung
    program = Program(tmp_path)
    paths = find_paths({"OMNITRAY_HOME": str(tmp_path / "home")})
    alerting = Alerting(paths, FakeClock(), program.settings)
    made = Webhooks(program.hub, program.settings, alerting, tmp_path / "webhooks")
    yield made
    made.stop()
    alerting.stop()
    alerting.dispatcher.close()
    program.end()


def seconds_of(act: Callable[[], Any]) -> tuple[float, Any]:
    start = time.monotonic()
    found = act()
    return time.monotonic() - start, found


def declared(qtbot: QtBot, webhooks: Webhooks, hung: HungKeyring) -> str:
    """The webhook is there, its address in the keyring; the entry's name."""
    hung.free.set()
    done = webhooks.declare(FIELDS)
    qtbot.waitUntil(done.done)
    assert done.result() is None
    hung.free.clear()
    (entry,) = hung.entries
    return entry


def test_adding_one_waits_beside_and_ends_in_the_keyring(
    qtbot: QtBot, webhooks: Webhooks, hung: HungKeyring
) -> None:
    heard: list[tuple[str, Problem | None]] = []
    webhooks.declared.connect(lambda name, problem: heard.append((name, problem)))
    took_s, done = seconds_of(lambda: webhooks.declare(FIELDS))
    assert took_s < BLINK_S
    assert not done.done()
    hung.free.set()
    qtbot.waitUntil(done.done)
    assert heard == [("team", None)]
    assert list(hung.entries.values()) == [ADDRESS]
    assert [each.name for each in webhooks.views()] == ["team"]
    assert hung.threads == {"webhook-secrets"}


def test_without_a_keyring_a_file_takes_it_and_the_person_is_told_what_fails(
    qtbot: QtBot, webhooks: Webhooks, hung: HungKeyring, tmp_path: Path
) -> None:
    hung.refusal = "the keyring does not answer"
    hung.free.set()
    done = webhooks.declare(FIELDS)
    qtbot.waitUntil(done.done)
    assert done.result() is None
    assert len(list((tmp_path / "webhooks").iterdir())) == 1

    refused = webhooks.declare(FIELDS, "keyring")
    qtbot.waitUntil(refused.done)
    problem = refused.result()
    assert problem is not None
    assert "the keyring does not answer" in problem.told()


def test_moving_one_answers_when_the_keyring_has(
    qtbot: QtBot, webhooks: Webhooks, hung: HungKeyring
) -> None:
    entry = declared(qtbot, webhooks, hung)
    took_s, moved = seconds_of(
        lambda: webhooks.change(facade.ChangeWebhook(name="team", verb="file"))
    )
    assert took_s < BLINK_S
    hung.free.set()
    qtbot.waitUntil(moved.done)
    assert moved.result() == wire.Done(
        done=("team: address and key are in a file that only you can read now",)
    )
    qtbot.waitUntil(lambda: entry not in hung.entries)


def test_moving_one_that_cannot_be_read_is_refused(
    qtbot: QtBot, webhooks: Webhooks, hung: HungKeyring
) -> None:
    declared(qtbot, webhooks, hung)
    hung.refusal = "the keyring is locked"
    hung.free.set()
    moved = webhooks.change(facade.ChangeWebhook(name="team", verb="file"))
    assert not isinstance(moved, wire.Done)
    qtbot.waitUntil(moved.done)
    error = moved.exception()
    assert isinstance(error, facade.CommandRefused)
    assert (error.refusal, error.detail) == (facade.Refusal.NOT_NOW, "the keyring is locked")


def test_removing_one_is_done_at_once_and_what_stays_is_told(
    qtbot: QtBot,
    webhooks: Webhooks,
    hung: HungKeyring,
    expect_log: Callable[..., None],
) -> None:
    expect_log("stays in the keyring: the keyring is locked")
    entry = declared(qtbot, webhooks, hung)
    told: list[str] = []
    webhooks.told.connect(told.append)
    took_s, problem = seconds_of(lambda: webhooks.remove("team"))
    assert (took_s < BLINK_S, problem) == (True, None)
    assert webhooks.views() == ()
    hung.refusal = "the keyring is locked"
    hung.free.set()
    qtbot.waitUntil(lambda: bool(told))
    assert told == [f"The entry {entry} stays in the keyring: the keyring is locked."]


def test_pausing_asks_no_keyring(qtbot: QtBot, webhooks: Webhooks, hung: HungKeyring) -> None:
    declared(qtbot, webhooks, hung)
    hung.threads.clear()
    assert webhooks.change(facade.ChangeWebhook(name="team", verb="pause")) == wire.Done(
        done=("team: paused",)
    )
    assert webhooks.change(facade.ChangeWebhook(name="team", verb="resume")) == wire.Done(
        done=("team: sends again",)
    )
    assert hung.threads == set()


def test_the_end_waits_for_what_is_under_way_and_for_nothing_that_hangs(
    webhooks: Webhooks, hung: HungKeyring
) -> None:
    done = webhooks.declare(FIELDS)
    threading.Timer(0.1, hung.free.set).start()
    webhooks.stop()
    assert done.result(0) is None
    assert [each.name for each in webhooks.views()] == ["team"]

    hung.free.clear()
    webhooks.declare(FIELDS | {"name": "other"})
    took_s, _ = seconds_of(webhooks.stop)
    assert took_s < 2.0


def unsettled(folder: Path) -> list[str]:
    found = folder / ".webhooks-unsettled"
    return [each.name for each in found.iterdir()] if found.is_dir() else []


def test_an_end_while_the_keyring_hangs_leaves_an_entry_to_the_next_start_alone(
    qtbot: QtBot,
    webhooks: Webhooks,
    hung: HungKeyring,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("omnitray.runtime.webhooks._STOP_S", 0.05)
    webhooks.declare(FIELDS)
    qtbot.waitUntil(lambda: unsettled(tmp_path) != [])
    (thread,) = webhooks._beside
    webhooks.stop()
    hung.free.set()  # the service takes it although we have ended
    thread.join(20)
    assert list(hung.entries) == unsettled(tmp_path) != []


@pytest.mark.parametrize("named", [True, False])
def test_the_next_start_takes_away_what_no_settings_name(
    qtbot: QtBot, webhooks: Webhooks, hung: HungKeyring, tmp_path: Path, *, named: bool
) -> None:
    entry = declared(qtbot, webhooks, hung)
    hung.free.set()
    qtbot.waitUntil(lambda: unsettled(tmp_path) == [])  # the settings name it
    other = "team.secret-0123abcd" if named else entry
    hung.entries |= {other: "x", "mine": "of a person"}
    if not named:
        webhooks._settings.remove_webhook("team")  # as if it had ended before the entry went
    file = tmp_path / "webhooks" / "team.url-00000000"
    file.parent.mkdir(exist_ok=True)
    file.touch()
    for each in (entry, other, "mine", file.name):
        (tmp_path / ".webhooks-unsettled" / each).touch()
    webhooks.start()
    qtbot.waitUntil(lambda: unsettled(tmp_path) == ["mine"])
    assert not file.exists()
    assert sorted(hung.entries) == sorted(["mine", *([entry] if named else [])])


@pytest.mark.expect_log("stays in the keyring: the keyring is locked")
def test_what_a_locked_keyring_has_not_let_go_is_taken_away_by_a_later_start(
    qtbot: QtBot, webhooks: Webhooks, hung: HungKeyring, tmp_path: Path
) -> None:
    declared(qtbot, webhooks, hung)
    hung.refusal = "the keyring is locked"
    hung.free.set()
    told: list[str] = []
    webhooks.told.connect(told.append)
    webhooks.remove("team")
    qtbot.waitUntil(lambda: told != [])
    webhooks.start()
    webhooks.stop()
    assert len(hung.entries) == 1
    hung.refusal = ""
    webhooks.start()
    qtbot.waitUntil(lambda: hung.entries == {})
    webhooks.stop()
    assert unsettled(tmp_path) == []

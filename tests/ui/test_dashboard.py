"""The menu's dashboard: the address that the command prints, or a sentence that says why not."""

import sys

import pytest
from pytestqt.qtbot import QtBot

from omnitray.ui.dashboard import NO_ANSWER, DashboardAsker


def asking(*command: str) -> DashboardAsker:
    asker = DashboardAsker()
    asker.command = (sys.executable, "-c", *command)
    return asker


def test_the_address_of_the_command_is_found_once(qtbot: QtBot) -> None:
    asker = asking("print('http://127.0.0.1:8137/dashboard?code=x')")
    with qtbot.waitSignal(asker.found, timeout=20_000) as found:
        asker.ask()
        asker.ask()  # pressed twice: one browser
    assert found.args == ["http://127.0.0.1:8137/dashboard?code=x"]


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("import sys; sys.exit('omnitray: The local API is off.')", "The local API is off."),
        ("raise SystemExit(1)", NO_ANSWER),
    ],
)
def test_what_went_wrong_is_a_sentence(qtbot: QtBot, code: str, sentence: str) -> None:
    asker = asking(code)
    with qtbot.waitSignal(asker.failed, timeout=20_000) as failed:
        asker.ask()
    assert failed.args == [sentence]


def test_a_command_that_cannot_be_started_is_said(qtbot: QtBot) -> None:
    asker = DashboardAsker()
    asker.command = ("/nowhere/python", "-m", "omnitray")
    with qtbot.waitSignal(asker.failed, timeout=20_000) as failed:
        asker.ask()
    assert failed.args == [NO_ANSWER]


def test_it_ends_with_the_program(qtbot: QtBot) -> None:
    asker = asking("import time; time.sleep(60)")
    with qtbot.assertNotEmitted(asker.failed):
        asker.ask()
        asker.stop()
        asker.stop()

"""The program around its servers."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from support.hub_program import Program


@pytest.fixture
def program(tmp_path: Path, qtbot: QtBot) -> Iterator[Program]:
    del qtbot
    made = Program(tmp_path)
    yield made
    assert made.door._servers.stop()
    made.end()

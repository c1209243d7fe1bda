"""Whatever the other end says, a command ends with one line and a status.

Each reply of the API and each frame of the WebSocket is replaced by other types, sizes and orders.
"""

import sys
from pathlib import Path

import pytest

from omnitray.cli import parser
from support.command_line import commands
from support.lying import lying
from support.refusing import refusing

COMMANDS = commands()
BODIES = {
    "nothing": b"",
    "null": b"null",
    "a list": b"[]",
    "an empty object": b"{}",
    "a text": b'"up"',
    "a number": b"-1e400",
    "cut off": b'{"mode": "de',
    "no JSON": b"<html>502</html>",
    "no UTF-8": b'{"mode": "\xff\xfe"}',
    "a thousand levels": b"[" * 1000 + b"]" * 1000,
    "a megabyte": b'"' + b"x" * (1 << 20) + b'"',
    "lists of everything": b'{"jobs": [1], "alerts": [null], "actions": {}, "questions": ["x"]}',
    "other fields": b'{"mode": 7, "level": [], "alerts": "x", "snapshot": 1, "done": null}',
}
FRAMES: dict[str, list[str | bytes]] = {
    "nothing": [],
    "no hello": ['{"event": "alert", "type": "alert"}'],
    "null": ["null"] * 3,
    "a list": ["[]", "[[]]"],
    "numbers": ["1", "-1e400", "NaN"],
    "bytes": [b"\x00\xff" * 10],
    "cut off": ['{"event": "hel'],
    "a thousand levels": ["[" * 1000],
    "two megabytes": ['{"event": "' + "x" * (2 << 20) + '"}'],
    "unknown events": ['{"event": "future", "type": "future", "data": 1}'] * 50,
    "hello of other types": ['{"event": "hello", "type": "hello", "version": 1, "pid": "x"}'] * 2,
    "an alert of other types": ['{"event": "alert", "type": "alert", "data": [1], "id": 7}'],
}


@pytest.fixture
def api_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OMNITRAY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home" / "run" / "api.json"


def ends_well(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """With a known status, and one line at most beside what it shows."""
    status = parser.main(words)
    said = capsys.readouterr()
    assert status in {0, 1}
    assert "Traceback" not in said.err
    assert len(said.err.splitlines()) <= 1
    assert status == 0 or said.err or said.out


@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize("status", [200, 404])
def test_a_reply_of_another_kind_is_one_line(
    kind: str, status: int, api_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with refusing(api_file, status, BODIES[kind] or b" "):
        for command in COMMANDS.values():
            if command.name not in {"doctor", "service", "completion"}:  # they ask nothing
                ends_well(command.words, capsys)


@pytest.mark.parametrize("words", [("status", "--watch"), ("alerts", "--follow")], ids=" ".join)
@pytest.mark.parametrize("kind", FRAMES)
@pytest.mark.parametrize("close_code", [1000, 1011])
def test_a_frame_of_another_kind_is_one_line(
    words: tuple[str, ...],
    kind: str,
    close_code: int,
    api_file: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with lying(api_file, FRAMES[kind], close_code):
        ends_well(words, capsys)
    assert sys.exc_info() == (None, None, None)

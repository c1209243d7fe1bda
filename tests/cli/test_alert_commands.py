"""Alerts on the command line: their ids, without anybody running, and when the other end stops."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from omnitray.api import facade as d
from omnitray.base.facts import AlertType
from omnitray.cli import parser
from support import fake_door
from support.api_server import Running
from support.hanging import hanging
from support.refusing import refusing

ROOT = Path(__file__).parent.parent.parent
Captured = pytest.CaptureFixture[str]


@pytest.fixture
def hung(home: Path) -> Iterator[None]:
    with hanging(home / "run" / "api.json"):
        yield


@pytest.mark.usefixtures("home")
def test_an_alert_that_nobody_takes_is_in_the_history(capsys: Captured) -> None:
    assert parser.main(["alert", "SERVER_DOWN", "shop is down", "--severity", "info"]) == 0
    raised = capsys.readouterr()
    assert raised.err.count("\n") == 1
    assert "no OmniTray answers; the alert is in the history" in raised.err
    assert parser.main(["alerts", "--active", "--type", "SERVER_DOWN", "--since", "1h"]) == 0
    listed = capsys.readouterr()
    assert listed.out.startswith(raised.out.split()[0][-6:])
    assert "info  firing  SERVER_DOWN  shop is down" in listed.out
    assert "read from its files" in listed.err
    assert parser.main(["alerts", "--severity", "critical"]) == 0
    assert capsys.readouterr().out == "no alerts\n"


@pytest.mark.usefixtures("hung")
def test_an_alert_that_a_hanging_one_was_handed_is_not_written_a_second_time(
    home: Path, capsys: Captured
) -> None:
    assert parser.main(["alert", "SERVER_DOWN", "shop is down"]) == 1
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert "has not answered for 0.2 s; it has the request" in said.err
    assert not list(home.rglob("alert_*.json"))
    assert parser.main(["status"]) == 1
    assert capsys.readouterr().err.endswith("has not answered for 0.2 s\n")
    assert parser.main(["alerts"]) == 0
    assert "read from its files" in capsys.readouterr().err


@pytest.mark.parametrize("status", [401, 403, 408, 409, 429, 500, 502, 503])
def test_a_refused_alert_is_still_an_alert(status: int, home: Path, capsys: Captured) -> None:
    with refusing(home / "run" / "api.json", status):
        assert parser.main(["alert", "SERVER_DOWN", "shop is down"]) == 0
    said = capsys.readouterr()
    assert said.err.count("\n") == 1
    assert f"OmniTray refused ({status}: not now); the alert is in the history" in said.err
    assert len(list(home.rglob("alert_*.json"))) == 1


@pytest.mark.parametrize("status", [400, 404, 413, 422])
def test_an_alert_that_is_wrong_is_refused(status: int, home: Path, capsys: Captured) -> None:
    with refusing(home / "run" / "api.json", status):
        assert parser.main(["alert", "SERVER_DOWN", "shop is down"]) == 1
    assert capsys.readouterr().err == "omnitray: not now\n"
    assert not list(home.rglob("alert_*.json"))


@pytest.mark.parametrize("body", [b"[", b"{}", b"\xff\xfe", b'{"id": 5}'])
def test_an_answer_that_makes_no_sense_is_a_refusal(
    body: bytes, home: Path, capsys: Captured
) -> None:
    with refusing(home / "run" / "api.json", 200, body):
        assert parser.main(["alert", "SERVER_DOWN", "shop is down"]) == 0
        assert "another version of OmniTray" in capsys.readouterr().err
        assert parser.main(["status"]) == 1
    assert len(list(home.rglob("alert_*.json"))) == 1


def test_export_takes_the_files_where_the_running_one_refuses(home: Path, capsys: Captured) -> None:
    assert parser.main(["alert", "CRITICAL", "disk is failing"]) == 0
    with refusing(home / "run" / "api.json", 429):
        assert parser.main(["export", str(home / "history.jsonl")]) == 0
    assert "OmniTray refused (429: not now); read from its files" in capsys.readouterr().err
    assert len((home / "history.jsonl").read_bytes().splitlines()) == 1


def test_the_files_answer_as_the_api_does(home: Path, capsys: Captured) -> None:
    assert parser.main(["alert", "CRITICAL", "disk is failing", "--json"]) == 0
    raised = json.loads(capsys.readouterr().out)
    assert parser.main(["alerts", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"count": 1, "alerts": [raised]}
    assert parser.main(["export", str(home / "history.jsonl")]) == 0
    assert json.loads((home / "history.jsonl").read_text()) == raised


def test_an_id_may_be_its_beginning_or_its_end(api: Running, capsys: Captured) -> None:
    whole, other = "01a204169d6f59003165d3", "01a204169d6f77777765d4"
    api.door.stored += [fake_door.alert(2, id=whole), fake_door.alert(3, id=other)]
    assert parser.main(["ack", whole[-6:]]) == 0
    assert capsys.readouterr().out.startswith("acknowledged")
    assert parser.main(["resolve", other[:14]]) == 0
    assert {each.id: each.state for each in api.door.stored}[other] == "resolved"
    assert parser.main(["ack", whole[:12]]) == 2
    assert "fits 2 alerts" in capsys.readouterr().err
    assert parser.main(["ack", "5d3"]) == 1


def test_what_does_not_go_to_a_terminal_is_whole(api: Running, capsys: Captured) -> None:
    title = "x" * 200
    api.door.stored.append(fake_door.alert(2, title=title))
    assert parser.main(["alerts"]) == 0
    assert title in capsys.readouterr().out


def test_the_follower_says_that_omnitray_has_stopped(api: Running) -> None:
    code = (
        "import sys; from omnitray.cli.parser import main; sys.exit(main(['alerts', '--follow']))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as follower:
        assert follower.stdout is not None
        _when_listening(api)
        api.door.emit(d.AlertChanged(fake_door.alert(3, type=AlertType.SERVER_DOWN)))
        assert "SERVER_DOWN" in follower.stdout.readline()
        assert api.server.stop(5)
        _, err = follower.communicate(timeout=10)
    assert (follower.returncode, err) == (1, "omnitray: OmniTray has stopped\n")


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("text", ["gimp, ~/work", '["gimp", "~/work"]', "['gimp','~/work']"])
def test_a_list_is_typed_with_commas_or_as_in_the_file(text: str, capsys: Captured) -> None:
    assert parser.main(["settings", "protect.protected", text]) == 0
    assert capsys.readouterr().out == 'protect.protected = ["gimp", "~/work"]\n'


def _when_listening(api: Running) -> None:
    tick = threading.Event()
    for _ in range(1000):
        if api.server.clients:
            return
        tick.wait(0.01)
    raise AssertionError("nobody listens")


@pytest.mark.parametrize("words", [["alerts"], ["export", "out.csv"]], ids=" ".join)
def test_a_history_that_cannot_be_read_is_not_an_empty_one(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    (tmp_path / "home").write_text("no folder")
    monkeypatch.setenv("OMNITRAY_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    assert parser.main(words) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("omnitray: the history cannot be read: ")
    assert said.err.count("\n") == 1
    assert not (tmp_path / "out.csv").exists()

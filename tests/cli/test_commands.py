"""Every sub-command, against the real server: what it prints, and how it exits."""

import csv
import importlib.util
import io
import json
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest

from omnitray.api import facade as d
from omnitray.api import wire
from omnitray.base.facts import AlertType, Mode, MonitorLevel, Severity
from omnitray.base.paths import find_paths, typed
from omnitray.cli import parser
from omnitray.protector.view import Answer, Effect, HoldKind
from omnitray.settings.faults import Fault
from support import fake_door
from support.api_server import Running
from support.command_line import Run, commands

ROOT = Path(__file__).parent.parent.parent

TALKING = [
    ("status",),
    ("status", "--watch"),
    ("mode",),
    ("mode", "test"),
    ("level",),
    ("level", "idle"),
    ("alerts", "--follow"),
    ("ack", "a1"),
    ("resolve", "a1"),
    ("snooze", "1h"),
    ("actions",),
    ("jobs",),
    ("top",),
    ("undo",),
    ("explain",),
    ("clean", "--dry-run"),
    ("questions",),
    ("answer", "q1", "pause"),
    ("pause", "shop"),
    ("resume", "shop"),
    ("slow", "shop"),
    ("end", "shop"),
    ("protect",),
    ("protect", "add", "code"),
    ("quit",),
    ("token",),
    ("token", "--rotate"),
]


@pytest.mark.parametrize("words", TALKING, ids=" ".join)
def test_with_nobody_running_one_line_says_what_to_do(
    omnitray: Run, words: tuple[str, ...]
) -> None:
    outcome = omnitray(*words)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == f"omnitray: OmniTray is not running; start it with: {typed()}\n"


def test_with_the_api_switched_off_the_line_says_that(omnitray: Run, home: Path) -> None:
    (home / "config").mkdir()
    (home / "config" / "config.toml").write_text("[api]\nenabled = false\n")
    assert "api.enabled true" in omnitray("status").err
    assert omnitray("status", "--json").json["error"] == "not_running"


@pytest.mark.usefixtures("api")
def test_status_is_a_page(omnitray: Run) -> None:
    lines = omnitray("status").out.splitlines()
    assert lines[0] == "Memory is nearly full"
    assert "CPU       34 %   load 0.80 0.60 0.50" in lines
    assert "Mode      dev    CPU limit 75 %, memory limit 80 %" in lines


JSON = {
    ("status",): "/status",
    ("alerts", "--limit", "100"): "/alerts?limit=100",
    ("actions",): "/actions",
    ("jobs",): "/jobs",
    ("explain",): "/explain",
}


@pytest.mark.parametrize("words", JSON, ids=" ".join)
def test_json_is_the_apis_own_object(api: Running, omnitray: Run, words: tuple[str, ...]) -> None:
    asked = api.ask("GET", "/api/monitoring" + JSON[words]).json
    assert omnitray(*words, "--json").json == asked


def test_mode_and_level_are_shown_and_set(api: Running, omnitray: Run) -> None:
    assert omnitray("mode").out == "dev\n"
    assert omnitray("mode", "test").out == "mode test: CPU limit 85 %, memory limit 85 %\n"
    assert omnitray("mode", "--json").json["limits"]["cpu_percent"] == 85.0
    assert omnitray("level", "idle").out == "level idle (chosen by you), looks every 30 s\n"
    assert omnitray("level", "auto").out == "level normal (automatic), looks every 5 s\n"
    assert omnitray("level", "--json").json["chosen_level"] == "auto"
    assert api.door.commands[0] == d.SetMode(mode=Mode.TEST)
    assert api.door.commands[-1] == d.SetLevel(level=None)


def test_alerts_are_raised_listed_and_moved(api: Running, omnitray: Run) -> None:
    title = "shop is \x1b[31mdown " + "x" * 200
    raised = omnitray("alert", "SERVER_DOWN", title, "--message", "m", "--severity", "warning")
    assert raised.code == 0
    assert "\x1b" not in raised.out
    listed = omnitray("alerts", "--type", "SERVER_DOWN").out
    assert "warning  firing  shop is ?[31mdown " in listed
    assert listed.rstrip().endswith("xxx")
    assert "…" in listed
    assert omnitray("ack", "a1").out == "acknowledged: Memory is nearly full\n"
    assert omnitray("resolve", "a1").out == "resolved: Memory is nearly full\n"
    assert "Memory" not in omnitray("alerts", "--active").out
    assert omnitray("alerts", "--since", "2h", "--text", "nothing").out == "no alerts\n"
    unknown = omnitray("ack", "a9")
    assert (unknown.code, unknown.err) == (1, "omnitray: There is no alert a9.\n")
    assert omnitray("ack", "a9", "--json").json["error"] == "not_found"
    assert api.door.stored[1].title == title


@pytest.mark.usefixtures("api")
def test_notifications_are_snoozed(omnitray: Run) -> None:
    assert "held back until" in omnitray("snooze", "1h30m").out
    assert omnitray("snooze", "0").out == "notifications come again\n"
    assert omnitray("snooze", "1h", "--json").json["until"].endswith("Z")


def test_record_brings_the_file_to_where_it_is_wanted(
    omnitray: Run, api: Running, home: Path, tmp_path: Path
) -> None:
    folder = home / "data" / "recordings"
    folder.mkdir(parents=True)
    (folder / "asked_t-1.jsonl.xz").write_bytes(b"1234")
    wanted = tmp_path / "mine.jsonl.xz"
    made = omnitray("record", "--for", "0.01s", str(wanted), "--json")
    assert made.json == {"file": str(wanted), "bytes": 4}
    assert wanted.read_bytes() == b"1234"
    assert omnitray("record", str(wanted)).code == 1
    assert api.door.commands == [
        d.StartRecording(for_s=0.01),
        d.FindRecording(name="asked_t-1.jsonl.xz"),
    ]


def test_record_says_why_no_file_came(
    omnitray: Run, api: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    why = "the recording could not be written: cannot write /x: the disk is full"
    failed = wire.RecordingState(name="asked_t-1.jsonl.xz", state="failed", why=why)
    monkeypatch.setitem(api.door._ways, d.FindRecording, lambda _: failed)
    made = omnitray("record", "--for", "1h", str(tmp_path / "mine.jsonl.xz"))
    assert (made.code, made.err) == (1, f"omnitray: {why}\n")


def test_record_refuses_a_missing_folder_before_it_records(
    omnitray: Run, api: Running, tmp_path: Path
) -> None:
    refused = omnitray("record", str(tmp_path / "no" / "mine.jsonl.xz"))
    assert refused.code == 1
    assert f"there is no folder {tmp_path / 'no'}; make it first" in refused.err
    assert api.door.commands == []


@pytest.mark.parametrize("words", [("mine.json",), ("--for", "2h", "x.jsonl.xz")])
def test_record_refuses_what_is_no_place_or_too_long(omnitray: Run, words: tuple[str, ...]) -> None:
    assert omnitray("record", *words).code == 2


@pytest.mark.usefixtures("api")
def test_the_protector_is_asked_and_taken_back(omnitray: Run) -> None:
    assert "slowed down pytest" in omnitray("actions").out
    assert "MEMORY  CPU OF 1 CORE  JOB\n1.1 GB  " in omnitray("explain").out
    jobs = omnitray("jobs").out
    assert "4242" in jobs
    assert jobs.endswith(" · 1 process\n")
    assert omnitray("undo").out == "pytest · ~/shop runs at full speed again\n"
    assert omnitray("undo", "x1").code == 0
    gone = omnitray("undo", "gone")
    assert (gone.code, gone.err) == (1, "omnitray: The job has ended; there is nothing to undo.\n")
    assert "would free 120 MB" in omnitray("clean", "--dry-run").out
    assert "freed 120 MB" in omnitray("clean").out


def test_questions_are_shown_and_answered(api: Running, omnitray: Run) -> None:
    shown = omnitray("questions")
    assert (shown.code, shown.err) == (0, "")
    assert "q1  pytest · ~/shop takes the memory" in shown.out
    assert "without an answer: stays paused" in shown.out
    assert "omnitray answer q1 slow_down|pause|end|leave_alone|never_touch" in shown.out
    assert omnitray("answer", "q1", "slow_down").code == 0
    (answered,) = [each for each in api.door.commands if isinstance(each, d.AnswerQuestion)]
    assert answered == d.AnswerQuestion(question_id="q1", answer=Answer.SLOW_DOWN)
    assert omnitray("questions").out.strip() == "nothing is asked"
    again = omnitray("answer", "q1", "never_touch")
    assert again.code == 1
    assert "Nothing is asked under q1" in again.err


@pytest.mark.parametrize(
    ("word", "answer"),
    [("pause", Answer.PAUSE), ("slow", Answer.SLOW_DOWN), ("end", Answer.END), ("resume", None)],
)
def test_a_job_is_acted_on_by_name(
    api: Running, omnitray: Run, word: str, answer: Answer | None
) -> None:
    assert omnitray(word, "shop").code == 0
    assert api.door.commands[-1] == d.ActOnJob(job="shop", answer=answer)
    refused = omnitray(word, "nobody")
    assert refused.code == 1
    assert "No job is called nobody" in refused.err


def test_what_may_be_acted_on_is_shown_and_changed(api: Running, omnitray: Run) -> None:
    assert omnitray("protect").out.splitlines() == [
        "protection is only watching",
        "  never touched: code",
    ]
    assert omnitray("protect", "on").out.startswith("protection is on")
    assert "never touched: ~/shop" in omnitray("protect", "add", "~/shop").out
    slip = " ".join(omnitray("protect", "add", "sleper.py").out.split())
    assert slip.endswith('now; it is kept. Did you mean "python sleeper.py"?')
    omnitray("protect", "remove", "sleper.py")
    assert "code" not in omnitray("protect", "remove", "code").out
    assert api.door.protect.protected == ("~/shop",)
    assert omnitray("protect", "add").code == 2
    assert omnitray("protect", "on", "code").code == 2


def test_the_program_is_ended(api: Running, omnitray: Run) -> None:
    assert omnitray("quit").code == 0
    assert isinstance(api.door.commands[-1], d.Quit)


@pytest.mark.parametrize(
    ("grip", "sentence"),
    [
        (HoldKind.PAUSED, "pytest · ~/shop (pid 4242) is paused: CPU 96 %, limit 75 %"),
        (HoldKind.WOULD, "pytest · ~/shop (pid 4242) would be held: CPU 96 %, limit 75 %"),
    ],
)
def test_what_is_held_is_a_sentence(
    api: Running, omnitray: Run, monkeypatch: pytest.MonkeyPatch, grip: HoldKind, sentence: str
) -> None:
    view = fake_door.protection()
    held = msgspec.structs.replace(view.held[0], grip=grip)
    shown = msgspec.structs.replace(view, held=(held,))
    monkeypatch.setattr(api.door, "protection", lambda: shown)
    assert omnitray("actions").out.splitlines()[0] == sentence


def test_what_is_held_is_explained_with_who_was_spared_and_what_it_did(
    api: Running, omnitray: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = fake_door.protection()
    effects = (Effect(name="Time to relief", figure="0.40 s"),)
    told = msgspec.structs.replace(
        fake_door.explanation(), action_id=view.held[0].action_id, effects=effects
    )
    shown = msgspec.structs.replace(view, explanations=(told,))
    monkeypatch.setattr(api.door, "protection", lambda: shown)
    out = omnitray("actions").out
    assert "spared: Firefox (has windows)" in out
    assert "Time to relief: 0.40 s" in out
    assert omnitray("actions", "--json").json["explanations"][0]["text"] == told.text


@pytest.mark.parametrize("ending", ["csv", "json", "jsonl"])
def test_the_history_is_exported(api: Running, omnitray: Run, tmp_path: Path, ending: str) -> None:
    api.door.stored.append(fake_door.alert(2, title="=HYPERLINK(1)", type=AlertType.TEST_FAILED))
    file = tmp_path / f"history.{ending}"
    assert omnitray("export", str(file)).out.startswith("2 alerts written")
    text = file.read_text(encoding="utf-8")
    if ending == "csv":
        assert next(csv.DictReader(io.StringIO(text)))["title"] == "'=HYPERLINK(1)"
    elif ending == "json":
        assert len(json.loads(text)) == 2
    else:
        assert [json.loads(line)["id"] for line in text.splitlines()] == ["a2", "a1"]


@pytest.mark.usefixtures("api")
def test_an_export_that_cannot_be_written_fails(omnitray: Run, tmp_path: Path) -> None:
    outcome = omnitray("export", str(tmp_path / "no" / "such" / "folder.csv"))
    assert (outcome.code, outcome.out) == (1, "")
    assert "cannot write" in outcome.err
    assert "make it first" in outcome.err


@pytest.mark.usefixtures("api")
def test_an_export_replaces_a_file_only_when_told_to(omnitray: Run, tmp_path: Path) -> None:
    file = tmp_path / "history.csv"
    file.touch()  # as mktemp leaves it: nothing that could be lost
    assert omnitray("export", str(file)).code == 0
    file.write_text("mine")
    refused = omnitray("export", str(file))
    assert (refused.code, refused.out, file.read_text()) == (1, "", "mine")
    assert "is there already; --force replaces it" in refused.err
    assert omnitray("export", str(file), "--force").code == 0
    assert file.read_text().startswith("id,")


def test_what_is_in_force_is_shown_beside_what_the_file_says(omnitray: Run, api: Running) -> None:
    assert "in force" not in omnitray("settings", "api.port").err
    api.door.in_force = {"api.port": 9123, "level": "critical", "protect.state": "watch"}
    api.door.why_in_force = {"api.port": Fault.LATER.value}
    one = omnitray("settings", "api.port")
    assert one.out.startswith("api.port = 8137\n")
    assert f"api.port: in force is 9123: {Fault.LATER.value}" in one.err
    table = omnitray("settings")
    assert 'in force: "watch"' in table.out
    assert 'level: in force is "critical": OmniTray has not taken up the file yet' in table.err
    assert omnitray("settings", "level", "--json").json == {
        "level": "auto",
        "in_force": {
            "level": {"value": "critical", "why": "OmniTray has not taken up the file yet"}
        },
    }


@pytest.mark.usefixtures("api")
def test_a_setting_that_counts_at_the_next_start_says_so(omnitray: Run) -> None:
    assert "counts when OmniTray is started again" in omnitray("settings", "api.port", "9").err
    assert omnitray("settings", "thresholds.cpu.warning", "71").err == ""


def test_the_token_is_never_printed(api: Running, omnitray: Run) -> None:
    before = api.address.token
    for words in (("token",), ("token", "--json"), ("token", "--rotate"), ("doctor",), ("status",)):
        outcome = omnitray(*words)
        assert before not in outcome.out + outcome.err
        assert api.address.token not in outcome.out + outcome.err
    assert api.address.token != before


def test_settings_are_shown_and_changed_without_a_running_instance(
    omnitray: Run, home: Path
) -> None:
    assert "thresholds.cpu.warning" in omnitray("settings").out
    assert omnitray("settings", "api.port", "9000").out == "api.port = 9000\n"
    assert omnitray("settings", "api.port", "--json").json == {"api.port": 9000}
    assert "from 0 to 65535" in omnitray("settings", "api.port").out
    assert (home / "config" / "config.toml").read_text() == "[api]\nport = 9000\n"
    refused = omnitray("settings", "api.port", "high")
    assert (refused.code, refused.out) == (1, "")
    assert "allowed: a whole number from 0 to 65535" in refused.err
    assert "did you mean api.port" in omnitray("settings", "api.prot").err
    assert omnitray("settings", "api.port", "default").out == "api.port = 8137\n"


TABLES = """
[[server]]
name = "api"
command = ["uvicorn", "shop:app"]
env = { KEY = "hidden" }

[[webhook]]
name = "team"
kind = "slack"
url = "https://hooks.slack.com/services/hidden"
"""


def test_the_tables_of_the_file_are_settings_too_but_for_their_secrets(
    omnitray: Run, home: Path
) -> None:
    for key in ("server", "webhook"):
        none = omnitray("settings", key)
        assert (none.code, " ".join(none.out.split()).startswith(f"no [[{key}]] in ")) == (0, True)
    (home / "config").mkdir(exist_ok=True)
    (home / "config" / "config.toml").write_text(TABLES)
    server, webhook = omnitray("settings", "server"), omnitray("settings", "webhook")
    assert 'server: name = "api", command = ["uvicorn", "shop:app"]' in server.out
    assert 'webhook: name = "team", kind = "slack", from = "critical"' in webhook.out
    assert "hidden" not in server.out + webhook.out
    assert omnitray("settings", "server", "--json").json["server"][0]["name"] == "api"
    assert "server" in omnitray("settings").out.split()
    assert "edit " in omnitray("settings", "server", "api").err
    assert "did you mean server?" in omnitray("settings", "servers").err


def test_the_beginning_of_a_key_shows_all_settings_below_it(omnitray: Run) -> None:
    keys = [line.split()[0] for line in omnitray("settings", "thresholds.cpu").out.splitlines()]
    assert "thresholds.cpu.warning" in keys
    assert all(key.startswith("thresholds.cpu.") for key in keys)


@pytest.mark.parametrize(
    "words",
    [
        ("mode", "production"),
        ("level", "fast"),
        ("snooze",),
        ("snooze", "soon"),
        ("snooze", "-5m"),
        ("snooze", "8d"),
        ("alert", "CRITICAL", " "),
        ("alert", "CRITICAL", "x", "--source", ""),
        ("alert", "CRITICAL", "x" * 16_385),
        ("alert", "CRITICAL", "x\udcff"),
        ("export", "history.xlsx"),
        ("export", "history"),
        ("settings", "protect.protected", '["a"'),
        ("alert", "NOPE", "x"),
        ("alert", "CRITICAL"),
        ("alerts", "--since", "whenever"),
        ("alerts", "--limit", "0"),
        ("completion", "tcsh"),
        ("service",),
        ("nonsense",),
    ],
    ids=" ".join,
)
@pytest.mark.usefixtures("api")
def test_wrong_usage_exits_with_two(omnitray: Run, words: tuple[str, ...]) -> None:
    outcome = omnitray(*words)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err


def test_version_and_help_need_nothing(omnitray: Run) -> None:
    assert omnitray("--version").out == "omnitray 0.1.0\n"
    assert omnitray("--help").code == 0
    assert omnitray("alerts", "--help").code == 0


def test_without_a_command_the_program_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    class App:
        @staticmethod
        def main(*, headless: bool, verbose: bool) -> int:
            calls.append((headless, verbose))
            return 7

    monkeypatch.setitem(sys.modules, "omnitray.app", App)
    monkeypatch.setattr("omnitray.app", App, raising=False)
    assert parser.main(["--headless", "--verbose"]) == 7
    assert parser.main([]) == 7
    assert parser.main_tray() == 7
    assert calls == [(True, True), (False, False), (False, False)]


def test_follow_prints_alerts_as_they_come(api: Running, home: Path) -> None:
    asked = ("--type", "server_down", "--severity", "warning", "--active", "--text", "shop till")
    follower = _start(home, "alerts", "--follow", *asked)
    assert follower.stdout is not None
    _when_listening(api)
    wanted = fake_door.alert(
        3, type=AlertType.SERVER_DOWN, severity=Severity.WARNING, title="till of the shop"
    )
    others: tuple[dict[str, Any], ...] = (
        {"type": AlertType.CRITICAL},
        {"severity": Severity.CRITICAL},
        {"state": "resolved"},
        {"title": "the shop"},
    )
    for number, other in enumerate(others):
        other_one = msgspec.structs.replace(wanted, id=f"other{number}", **other)
        api.door.emit(d.AlertChanged(other_one))
    api.door.emit(d.AlertChanged(wanted))
    assert follower.stdout.readline().endswith("SERVER_DOWN  till of the shop\n")
    follower.terminate()
    follower.communicate(timeout=10)


def test_what_was_is_not_what_comes(omnitray: Run) -> None:
    for words in (("--since", "1h"), ("--until", "now")):
        outcome = omnitray("alerts", "--follow", *words)
        assert outcome.code == 2
        assert "--follow prints what comes" in outcome.err


def test_watch_prints_the_status_again_at_each_change(api: Running, home: Path) -> None:
    watcher = _start(home, "status", "--watch", "--json")
    assert watcher.stdout is not None
    assert json.loads(watcher.stdout.readline())["mode"] == "dev"
    api.ask("POST", "/api/monitoring/mode", {"mode": "prod"})
    assert json.loads(watcher.stdout.readline())["mode"] == "prod"
    assert api.server.stop(5)
    out, err = watcher.communicate(timeout=10)
    assert watcher.returncode == 1
    assert '"error":"' in out.splitlines()[-1]
    assert err == ""


def test_watch_prints_a_line_on_a_pipe_and_only_when_it_says_something_else(
    api: Running, home: Path
) -> None:
    watcher = _start(home, "status", "--watch")
    assert watcher.stdout is not None
    first = watcher.stdout.readline()
    assert re.match(r"\d\d:\d\d:\d\d  .+ · \d+ alerts? open$", first)
    for title in ("same", "same", "same"):  # news that change nothing on the line
        api.door.emit(d.AlertChanged(fake_door.alert(2, title=title)))
    assert api.server.stop(5)
    out, err = watcher.communicate(timeout=10)
    assert (out, watcher.returncode) == ("", 1)
    assert err.startswith("omnitray: OmniTray ")


def test_a_pipe_that_closes_early_is_no_fault(api: Running, home: Path) -> None:
    api.door.stored += [fake_door.alert(n) for n in range(2, 400)]
    lister = _start(home, "alerts", "--limit", "400")
    assert lister.stdout is not None
    lister.stdout.readline()
    lister.stdout.close()
    lister.wait(10)
    assert lister.stderr is not None
    assert lister.stderr.read() == ""
    lister.stderr.close()


def test_a_sub_command_loads_nothing_heavy(api: Running, home: Path) -> None:
    """Nor ``typing_extensions``, which is there: msgspec takes it, and it takes ``inspect``."""
    del api
    assert importlib.util.find_spec("typing_extensions") is not None
    heavy = {"PySide6", "psutil", "asyncio", "uvicorn", "starlette"}
    heavy |= {"typing_extensions", "inspect", "ast", "logging"}
    code = (
        "import sys; from omnitray.cli.parser import main; main(['status']);"
        f"print(*(set(sys.modules) & {heavy}))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert run.stdout.splitlines()[-1] == ""
    assert home.exists()


def _start(home: Path, *words: str) -> "subprocess.Popen[str]":
    code = "import sys; from omnitray.cli.parser import main; sys.exit(main(sys.argv[1:]))"
    assert find_paths().config.parent == home
    return subprocess.Popen(
        [sys.executable, "-c", code, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def _when_listening(api: Running) -> None:
    tick = threading.Event()
    for _ in range(1000):
        if api.server.clients:
            return
        tick.wait(0.01)
    raise AssertionError("nobody listens")


def test_levels_and_modes_of_the_parser_are_those_of_the_core() -> None:
    assert tuple(Mode) == parser.MODES
    assert (*MonitorLevel, "auto") == parser.LEVELS
    assert tuple(AlertType) == parser.TYPES


def test_an_unknown_option_shows_the_usage_of_its_command(omnitray: Run) -> None:
    for name, command in commands().items():
        wrong = omnitray(*command.words, "--foo")
        assert wrong.code == 2
        assert wrong.err.startswith(f"usage: omnitray {name} "), name
        assert "unrecognized arguments: --foo" in wrong.err


@pytest.mark.usefixtures("api")
def test_a_word_that_there_is_not_is_refused_with_those_that_there_are(
    omnitray: Run, api: Running
) -> None:
    by = omnitray("history", "--by", "week")
    assert "'week' is not allowed; allowed: minute, hour, day, month" in by.err
    for path, body in (("/mode", {"mode": "x"}), ("/level", {"level": "x"})):
        refused = api.ask("POST", f"/api/monitoring{path}", body).json
        field = path.strip("/")
        assert refused["detail"].startswith(f"{field}: 'x' is not allowed; allowed: ")
    query = api.ask("GET", "/api/monitoring/alerts?severity=CRIT").json
    assert query["detail"] == ("severity: 'CRIT' is not allowed; allowed: info, warning, critical.")

"""What the doctor finds, and the remedy it names."""

import os
from pathlib import Path

import msgspec
import pytest

from omnitray.base.dbus import BusReply
from omnitray.base.paths import Paths, find_paths
from omnitray.cli import doctor
from omnitray.cli.doctor import Finding, FindingVerdict, ok, run
from omnitray.protector.oom_events.watch import Source
from omnitray.servers.model import ServerState
from support.api_server import running
from support.hanging import hanging


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return find_paths({"OMNITRAY_HOME": str(tmp_path)})


def _verdicts(findings: list[Finding]) -> dict[str, FindingVerdict]:
    return {finding.topic: finding.verdict for finding in findings}


def test_every_finding_is_one_line_and_a_bad_one_names_a_remedy(paths: Paths) -> None:
    findings = run(paths, environ={})
    assert findings
    for finding in findings:
        assert "\n" not in finding.sentence
        assert finding.verdict is FindingVerdict.OK or finding.remedy


def test_it_looks_at_everything_without_making_anything(paths: Paths) -> None:
    topics = set(_verdicts(run(paths, environ={})))
    assert {"OmniTray", "Qt", "instance", "settings", "run folder", "pressure", "syslog"} <= topics
    assert not paths.config.exists()


def test_what_a_running_one_says_of_itself_is_told(paths: Paths) -> None:
    with running(paths.run.parent) as server:
        server.door.problems = ("the disk is full",)
        found = list(doctor.instance(paths))
    assert [each.verdict for each in found] == [FindingVerdict.OK, FindingVerdict.WARN]
    assert found[1].found == "the disk is full"


def test_what_a_webhook_does_not_get_any_more_is_told_with_its_number(paths: Paths) -> None:
    with running(paths.run.parent) as server:
        (view,) = server.door.webhooks()
        server.door.webhook_views = (msgspec.structs.replace(view, dropped=1204),)
        found = [each for each in doctor.channels(paths) if each.topic == "webhook team"]
    assert [each.verdict for each in found] == [FindingVerdict.WARN]
    assert "1 204 alerts not sent, because too many wait" in found[0].found.replace("\u2009", " ")


@pytest.mark.parametrize(
    ("state", "given_up", "words"),
    [
        (ServerState.UP, False, "ok up"),
        (ServerState.STOPPED, False, "ok stopped"),
        (ServerState.DOWN, False, "warn down: no answer"),
        (ServerState.CRASH_LOOP, True, "warn crash loop: no answer"),
    ],
)
def test_a_server_that_is_not_as_it_should_be_is_a_finding(
    paths: Paths, state: ServerState, words: str, *, given_up: bool
) -> None:
    with running(paths.run.parent) as server:
        (view, *_) = server.door.servers()
        server.door.server_views = (
            msgspec.structs.replace(view, state=state, detail="no answer", given_up=given_up),
        )
        (found,) = doctor.servers(paths)
    assert f"{found.verdict} {found.found}" == words
    assert found.verdict is FindingVerdict.OK or found.remedy.endswith(f"server log {view.name}")


def test_a_running_one_that_does_not_answer_is_told(paths: Paths) -> None:
    with hanging(paths.api_file):
        (found,) = doctor.instance(paths)
    assert found.verdict is FindingVerdict.FAIL
    assert "runs, but does not answer" in found.found


def test_a_file_where_a_folder_is_needed_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    found = list(doctor.folders(find_paths({"OMNITRAY_HOME": str(tmp_path / "file")})))
    assert {each.verdict for each in found} == {FindingVerdict.FAIL}
    assert "file is a file, and a folder is needed" in found[0].sentence


def test_mistakes_in_the_settings_are_warnings_with_their_lines(paths: Paths) -> None:
    paths.create()
    paths.config_file.write_text('mode = "production"\nlvel = 1\n')
    found = list(doctor.settings(paths))
    assert [finding.verdict for finding in found] == [FindingVerdict.WARN, FindingVerdict.WARN]
    assert found[0].found.startswith("line 1: mode")


def test_an_open_folder_and_one_that_is_not_ours_are_told(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths.create()
    paths.data.chmod(0o755)
    monkeypatch.setattr(os, "getuid", lambda: 4242)
    verdicts = _verdicts(list(doctor.folders(paths)))
    assert verdicts["data folder"] is FindingVerdict.WARN
    assert verdicts["run folder"] is FindingVerdict.FAIL
    assert verdicts["config folder"] is FindingVerdict.OK


def test_damaged_alerts_are_counted(paths: Paths) -> None:
    paths.create()
    paths.quarantine.mkdir()
    (paths.quarantine / "alert_1_X.json").write_text("{")
    assert [finding.verdict for finding in doctor.history(paths)] == [
        FindingVerdict.WARN,
        FindingVerdict.OK,
    ]


def test_pressure_is_there_or_it_says_how_to_get_it(tmp_path: Path) -> None:
    (finding,) = doctor.pressure(tmp_path)
    assert (finding.verdict, "psi=1" in finding.remedy) == (FindingVerdict.WARN, True)
    (tmp_path / "pressure").mkdir()
    (tmp_path / "pressure" / "memory").write_text("some avg10=0.00")
    assert [each.verdict for each in doctor.pressure(tmp_path)] == [FindingVerdict.OK]


def test_syslog_and_limits(tmp_path: Path) -> None:
    (tmp_path / "log").touch()
    assert doctor.syslog((str(tmp_path / "log"),))[0].verdict is FindingVerdict.OK
    assert doctor.syslog((str(tmp_path / "no"),))[0].verdict is FindingVerdict.WARN
    (tmp_path / "memory.max").write_text(str(512 << 20))
    assert "537 MB" in list(doctor.limits(tmp_path))[-1].found


@pytest.mark.parametrize(
    ("environ", "found"),
    [
        ({}, "no screen"),
        ({"DISPLAY": ":0"}, "X11 :0"),
        ({"WAYLAND_DISPLAY": "wayland-0", "DISPLAY": ":0"}, "Wayland wayland-0, X11 :0"),
    ],
)
def test_the_screen_is_named(environ: dict[str, str], found: str) -> None:
    (finding,) = doctor.display(environ)
    assert finding.found.startswith(found)


class Bus:
    """A session bus that answers what it is told to."""

    lost = False

    def __init__(self, answers: dict[str, BusReply]) -> None:
        self.answers = answers

    def ask(self, *call: object) -> BusReply | None:
        return self.answers.get(str(call[4]))


NONE = BusReply(error="org.freedesktop.DBus.Error.ServiceUnknown", body=("nobody",))


def _desktop(monkeypatch: pytest.MonkeyPatch, **answers: BusReply) -> dict[str, Finding]:
    bus = Bus(answers)
    monkeypatch.setattr(doctor, "ask", bus.ask)
    found = [doctor.tray(bus, {}), *doctor.notifications(bus)]  # type: ignore[arg-type]
    return {finding.topic: finding for finding in found}


def test_a_tray_host_and_a_daemon_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    found = _desktop(
        monkeypatch,
        Get=BusReply(error=None, body=(("b", True),)),
        GetServerInformation=BusReply(error=None, body=("dunst", "knopwob", "1.9", "1.2")),
        GetCapabilities=BusReply(error=None, body=(["body", "actions"],)),
    )
    assert found["tray"].found == "StatusNotifier host"
    assert found["notifications"].found == "dunst 1.9 (knopwob): actions, body"


def test_what_is_missing_is_said_with_what_happens_instead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = _desktop(monkeypatch, Get=NONE, GetServerInformation=NONE)
    assert "the window opens instead" in found["tray"].found
    assert found["notifications"].found == "no daemon: nobody"
    silent = _desktop(monkeypatch)
    assert silent["notifications"].found == "no daemon: does not answer"
    headless = _desktop(monkeypatch, Get=BusReply(error=None, body=(("b", False),)))
    assert headless["tray"].verdict is FindingVerdict.WARN


def test_a_daemon_without_buttons_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    found = _desktop(
        monkeypatch,
        Get=NONE,
        GetServerInformation=BusReply(error=None, body=("x", "y", "1", "1.2")),
        GetCapabilities=BusReply(error=None, body=(["body"],)),
    )
    assert found["notifications"].found == "no buttons on notifications"


def test_the_protectors_own_look_comes_last_and_a_fault_of_a_check_is_a_finding(
    paths: Paths,
) -> None:
    def broken() -> list[Finding]:
        raise OSError("gone")

    assert run(paths, levers=lambda: [ok("levers", "nice")], environ={})[-1].found == "nice"
    assert run(paths, levers=broken, environ={})[-1].found == "could not be looked at: gone"


@pytest.mark.parametrize(
    ("known", "verdict"),
    [
        (("the X display tells whose window is active", ""), FindingVerdict.OK),
        (("", "this Wayland desktop tells it of X programs only"), FindingVerdict.WARN),
    ],
)
def test_whether_the_foreground_is_known_is_told(
    known: tuple[str, str], verdict: FindingVerdict
) -> None:
    assert doctor._foreground(*known).verdict is verdict


def test_a_log_that_is_closed_is_told_with_the_remedy() -> None:
    closed = doctor._log(Source(name="journal", why_not="it is closed", remedy="join the group"))
    assert closed.sentence == "journal: it is closed; join the group"
    assert doctor._log(Source(name="journal")).verdict is FindingVerdict.OK


def test_of_a_running_instance_its_own_words_about_the_settings_count(
    paths: Paths, home: Path
) -> None:
    (home / "config").mkdir(parents=True, exist_ok=True)
    paths.config_file.write_text("mode = ")
    with running(home) as server:
        said = "config.toml: the file is not valid TOML; using what was in force before"
        server.door.problems = server.door.settings_problems = (said,)
        assert [each.found for each in doctor.settings(paths)] == [said]
        assert [each.verdict for each in doctor.instance(paths)] == [FindingVerdict.OK]
        paths.config_file.unlink()
        assert [each.found for each in doctor.settings(paths)] == [said]

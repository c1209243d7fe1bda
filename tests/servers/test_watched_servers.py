"""Watched servers on the main thread: their alerts, and the level that an outage asks for."""

import pytest
from pytestqt.qtbot import QtBot

from omnitray.api import facade
from omnitray.base.facts import AlertType, MonitorLevel
from omnitray.servers.model import AlertNews
from omnitray.servers.timing import BACKOFF_MAX_S, HURRY_S, LIMITS_S
from omnitray.settings.continuity import AS_BEFORE
from omnitray.settings.file import load
from omnitray.settings.servers import ServerSettings
from support.clock import FakeClock
from support.hub_program import Program

DOWN = AlertNews(server="api", type=AlertType.SERVER_DOWN, title="Server “api” is down")


def test_an_outage_hurries_the_monitor_for_minutes_and_names_the_server(program: Program) -> None:
    servers, hub = program.door._servers, program.hub
    clock = FakeClock()  # of the leases alone: the store's own has to run on
    hub._leases._now = clock.monotonic
    assert LIMITS_S[-1] + BACKOFF_MAX_S <= HURRY_S  # while it is tried again the hurry goes on

    def asked() -> tuple[MonitorLevel | None, str]:
        hub._end_leases()
        return hub.status.asked_level, hub.status.level_reason

    hurry = (MonitorLevel.CRITICAL, "asked for by server api, which is down")
    servers._on_news(DOWN)
    assert asked() == hurry
    clock.advance(HURRY_S - 1.0)
    servers._on_news(DOWN)
    clock.advance(HURRY_S - 1.0)
    assert asked() == hurry
    clock.advance(1.0)
    assert asked() == (None, "automatic")
    assert len(program.hub.alerts.open_alerts()) == 1  # the server is down all the same


def test_what_you_choose_during_an_outage_stays_until_the_next(program: Program) -> None:
    servers, hub = program.door._servers, program.hub
    servers._on_news(DOWN)
    hub.set_level(MonitorLevel.IDLE)
    servers._on_news(DOWN)
    assert (hub.status.asked_level, hub.status.level_reason) == (
        MonitorLevel.IDLE,
        "chosen by you",
    )
    servers._on_news(AlertNews(server="api", type=AlertType.SERVER_DOWN, resolved=True))
    servers._on_news(DOWN)
    assert hub.status.asked_level is MonitorLevel.CRITICAL


@pytest.mark.expect_log("settings: ")
def test_a_server_from_a_terminal_is_removed_and_one_of_the_settings_says_where_it_stands(
    program: Program, qtbot: QtBot
) -> None:
    servers = program.door._servers
    spec = ServerSettings(name="other", command=("no-such-program",))
    servers.watch(facade.WatchServer(spec=spec, owner="serve")).result(20)
    servers.order("other", "remove").result(20)
    qtbot.waitUntil(lambda: servers.views() == ())
    assert servers.declare({"name": "web", "command": ["no-such-program"]}) is None
    with pytest.raises(facade.CommandRefused) as refused:
        servers.order("web", "remove")
    path = servers._settings._path
    line = path.read_text().splitlines().index("[[server]]") + 1
    assert refused.value.detail == (
        f"The server web is declared in line {line} of {path}; remove it there."
    )
    path.unlink()  # it stays in force, and there is no line to take out
    servers._settings.look()
    servers._settings._settle.stop()
    servers._settings.look()
    assert servers._settings.loaded.servers != ()
    servers.order("web", "remove").result(20)
    qtbot.waitUntil(lambda: servers.views() == ())
    assert load(path).servers == servers._settings.loaded.servers == ()
    assert servers.stop()


@pytest.mark.expect_log("settings: ")
def test_a_server_with_a_slip_in_its_table_runs_on_and_ends_when_it_is_taken_out(
    program: Program, qtbot: QtBot
) -> None:
    servers, settings = program.door._servers, program.door._servers._settings
    path = settings._path

    def write(text: str) -> None:
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text)
        settings.look()
        settings._settle.stop()
        settings.look()

    sleeps = """command = ["sleep", "600"]\n"""
    web = f"""[[server]]\nname = "web"\n{sleeps}autostart = true\n"""
    write(web)
    qtbot.waitUntil(
        lambda: [each.pid is not None for each in servers.views()] == [True], timeout=20_000
    )
    pid = servers.views()[0].pid
    for slip in ("restart = 7\n", 'resart = "never"\n', 'health = "nonsense"\n'):
        write(web + slip)
        (problem,) = settings.loaded.problems
        assert problem.used == AS_BEFORE
        assert [each.name for each in settings.loaded.servers] == ["web"]
    write(web.replace("web", "We b"))  # it does not say which it is
    assert [each.name for each in settings.loaded.servers] == ["web"]
    servers.order("web", "start").result(20)  # after all that was told before
    assert servers.views()[0].pid == pid  # nothing has ended it
    write(f"""[[server]]\nname = "other"\n{sleeps}restart = 7\n""")  # another has a fault
    assert settings.loaded.servers == ()
    qtbot.waitUntil(lambda: servers.views() == (), timeout=20_000)
    assert servers.stop()


def test_alerts_about_servers_that_were_removed_meanwhile_end_and_those_of_clients_stay(
    program: Program, qtbot: QtBot
) -> None:
    hub = program.hub
    hub.raise_alert(DOWN.type, DOWN.title, source=DOWN.source, labels=DOWN.labels)
    hub.raise_alert(AlertType.SERVER_DOWN, "my own words", source="server:api")
    program.door._servers.start()
    qtbot.waitUntil(lambda: len(hub.alerts.open_alerts()) == 1)
    assert hub.alerts.open_alerts()[0].title == "my own words"

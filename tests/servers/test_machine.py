"""The state machine of one server, with a clock that the test turns."""

import itertools
import random

import pytest

from omnitray.base.facts import AlertType, ProcessIdentity, Severity
from omnitray.servers.machine import ServerMachine
from omnitray.servers.model import (
    AlertNews,
    EffectKind,
    PermissionFault,
    PortOwner,
    Probed,
    ProbeResult,
    Remembered,
    ServerExit,
    ServerState,
)
from omnitray.settings.servers import ServerSettings
from support.server_bench import CRASH, HEALTH, OK, REFUSED, TIMEOUT, Bench


def test_a_start_is_good_when_health_answers_and_its_time_is_learnt() -> None:
    bench = Bench()
    bench.up(after_s=3.0)
    view = bench.machine.view
    assert view.started_in_s == pytest.approx(3.0, abs=0.4)
    assert view.usual_s == view.started_in_s
    assert view.up_since_at is not None
    assert bench.raised == []


def test_an_exit_while_starting_is_reported_at_once_with_code_and_log() -> None:
    bench = Bench()
    bench.answer = REFUSED
    bench.machine.start()
    bench.run(0.2)
    bench.crash(ServerExit(code=3, reason="exit 3"), ("one", "ImportError: shop"))
    down = bench.raised[0]
    assert (down.type, down.title) == (AlertType.SERVER_DOWN, "Server “api” is down")
    assert "ImportError: shop" in down.message
    assert down.context["exit_code"] == 3
    assert down.context["log_tail"] == ["one", "ImportError: shop"]
    assert bench.stands() is ServerState.RESTARTING


def test_three_refused_probes_of_five_are_down() -> None:
    bench = Bench()
    bench.up()
    for answer, state in (
        (REFUSED, ServerState.UP),
        (OK, ServerState.UP),
        (REFUSED, ServerState.UP),
        (OK, ServerState.UP),
        (REFUSED, ServerState.RESTARTING),
    ):
        bench.answer = answer
        bench.run(5.0)
        assert bench.stands() is state
        if state is ServerState.RESTARTING:
            assert AlertType.SERVER_DOWN in bench.open


def test_timeouts_count_half_but_three_without_an_answer_between_are_down() -> None:
    bench = Bench(restart="never")
    bench.up()
    for _ in range(6):  # late now and then: never more than 1.5 of 5
        for answer in (TIMEOUT, OK):
            bench.answer = answer
            bench.run(5.0)
    assert bench.stands() is ServerState.UP
    bench.answer = TIMEOUT
    bench.run(15.0)
    assert bench.stands() is ServerState.DOWN


def test_what_is_down_and_answers_again_is_up_and_resolved() -> None:
    bench = Bench(restart="never")
    bench.up()
    bench.answer = REFUSED
    bench.run(15.0)
    assert bench.stands() is ServerState.DOWN
    assert EffectKind.END_TREE not in bench.effects
    bench.answer = OK
    bench.run(5.0)
    assert bench.stands() is ServerState.UP
    assert bench.open == set()


def test_a_paused_process_is_down_and_not_ended() -> None:
    bench = Bench()
    bench.up()
    bench.answer = Probed(result=ProbeResult.TIMEOUT, paused=True)
    bench.run(20.0)
    assert bench.stands() is ServerState.DOWN
    assert "paused" in bench.raised[0].message
    assert EffectKind.END_TREE not in bench.effects


def test_alive_but_not_ready_gets_90_120_180_and_240_s_and_then_no_more() -> None:
    bench = Bench()
    bench.answer = REFUSED
    bench.machine.start()
    bench.run(900.0)
    waits = [b - a for a, b in itertools.pairwise(bench.spawns_m)]
    assert waits == pytest.approx([90.0 + 1, 120.0 + 2, 180.0 + 4])
    assert bench.stands() is ServerState.CRASH_LOOP
    assert bench.open == {AlertType.SERVER_DOWN, AlertType.SERVER_SLOW}  # until it is ready


def test_the_limit_is_learnt_from_the_last_starts() -> None:
    bench = Bench()
    for _ in range(3):
        bench.machine.starts.add(40.0)
    assert bench.machine.start_limit_s == 70.0
    for _ in range(20):
        bench.machine.starts.add(0.5)
    assert bench.machine.start_limit_s == 30.0
    for _ in range(20):
        bench.machine.starts.add(500.0)
    assert bench.machine.start_limit_s == 240.0


def test_a_slow_start_is_reported_once_and_resolved_when_ready() -> None:
    bench = Bench(start_limit_s=200.0)
    bench.answer = REFUSED
    bench.machine.start()
    bench.run(89.0)
    assert (bench.stands(), bench.raised) == (ServerState.STARTING, [])
    bench.run(60.0)
    assert bench.stands() is ServerState.SLOW
    assert [each.type for each in bench.raised] == [AlertType.SERVER_SLOW]
    bench.answer = OK
    bench.run(2.0)
    assert bench.stands() is ServerState.UP
    assert bench.open == set()


def test_a_start_is_slow_at_twice_the_usual() -> None:
    bench = Bench()
    for _ in range(5):
        bench.machine.starts.add(10.0)
    bench.answer = REFUSED
    bench.machine.start()
    bench.run(19.9)
    assert bench.stands() is ServerState.STARTING
    bench.run(0.2)
    assert bench.stands() is ServerState.SLOW
    assert "usually takes 10 s" in bench.raised[0].message


def test_the_fifth_failure_in_ten_minutes_stops_it_with_one_alert() -> None:
    bench = Bench()
    bench.up()
    delays = []
    for _ in range(5):
        bench.run(60.0)  # each lived for a minute: that excuses nothing
        at = bench.clock.monotonic()
        bench.crash()
        bench.run(30.0)
        delays.append(bench.spawns_m[-1] - at)
    assert delays[:4] == pytest.approx([1.0, 2.0, 4.0, 8.0])
    assert bench.stands() is ServerState.CRASH_LOOP
    loops = [each for each in bench.raised if each.escalates]
    assert len(loops) == 1
    assert loops[0].context["restart"] == "api"
    assert bench.open == {AlertType.SERVER_DOWN}
    bench.run(86_400.0)
    assert len(bench.spawns_m) == 5


@pytest.mark.parametrize("act", ["start", "restart", "project_changed"])
def test_a_person_or_a_changed_file_ends_a_crash_loop(act: str) -> None:
    bench = Bench()
    bench.up()
    for _ in range(5):
        bench.crash()
        bench.run(20.0)
    assert bench.stands() is ServerState.CRASH_LOOP
    getattr(bench.machine, act)()
    bench.run(2.0)
    assert bench.stands() is ServerState.UP
    assert bench.open == set()
    bench.crash()
    bench.run(1.0)
    assert bench.stands() is not ServerState.CRASH_LOOP


def test_five_minutes_of_health_reset_the_back_off() -> None:
    bench = Bench()
    bench.up()
    for _ in range(3):
        bench.crash()
        bench.run(10.0)
    bench.run(300.0)
    at = bench.clock.monotonic()
    bench.crash()
    bench.run(5.0)
    assert bench.spawns_m[-1] - at == pytest.approx(1.0)


def test_stopping_is_term_then_kill_after_ten_seconds() -> None:
    bench = Bench()
    bench.up()
    bench.lingers = True
    bench.effects.clear()
    bench.machine.stop()
    bench.carry_out()
    assert bench.effects == [EffectKind.END_TREE]
    assert bench.stands() is ServerState.STOPPED
    bench.run(9.9)
    assert bench.effects == [EffectKind.END_TREE]
    bench.run(0.2)
    assert bench.effects == [EffectKind.END_TREE, EffectKind.KILL_TREE]
    assert bench.machine.view.pid is None
    bench.run(3600.0)
    assert len(bench.spawns_m) == 1


def test_a_start_while_it_is_being_stopped_waits_for_the_end() -> None:
    bench = Bench()
    bench.up()
    bench.lingers = True
    bench.machine.stop()
    bench.machine.start()
    bench.run(5.0)
    assert len(bench.spawns_m) == 1
    bench.run(6.0)
    assert len(bench.spawns_m) == 2
    assert bench.stands() is ServerState.UP


def test_a_restart_waits_for_the_tree_and_not_for_the_back_off() -> None:
    bench = Bench()
    bench.up()
    bench.machine.restart()
    bench.carry_out()
    assert bench.stands() is ServerState.RESTARTING
    bench.run(1.0)
    assert (bench.stands(), len(bench.spawns_m)) == (ServerState.UP, 2)
    assert bench.raised == []


def test_the_rest_of_a_tree_ends_before_the_next_start() -> None:
    bench = Bench()
    bench.up()
    bench.lingers = True
    bench.crash()
    bench.run(9.0)
    assert len(bench.spawns_m) == 1
    bench.run(2.0)
    assert len(bench.spawns_m) == 2


@pytest.mark.parametrize(
    ("restart", "found", "state"),
    [
        ("on-failure", ServerExit(code=0), ServerState.STOPPED),
        ("always", ServerExit(code=0), ServerState.RESTARTING),
        ("never", ServerExit(code=0), ServerState.STOPPED),
        ("on-failure", ServerExit(code=2), ServerState.RESTARTING),
        ("on-failure", ServerExit(signal="SIGKILL"), ServerState.RESTARTING),
        ("on-failure", ServerExit(reason="not known"), ServerState.RESTARTING),
        ("never", ServerExit(code=2), ServerState.DOWN),
    ],
)
def test_the_restart_policy(restart: str, found: ServerExit, state: ServerState) -> None:
    bench = Bench(restart=restart)
    bench.up()
    bench.crash(found)
    assert bench.stands() is state
    assert [each.type for each in bench.raised] == [AlertType.SERVER_DOWN]
    mild = state is ServerState.STOPPED
    assert bench.raised[0].severity is (Severity.WARNING if mild else None)


def test_an_exit_before_it_was_ready_is_a_failure_whatever_its_code() -> None:
    bench = Bench()
    bench.answer = REFUSED
    bench.machine.start()
    bench.run(0.5)
    bench.crash(ServerExit(code=0))
    assert bench.stands() is ServerState.RESTARTING


def test_a_taken_port_is_named_and_tried_again_when_it_may_be_free() -> None:
    bench = Bench()
    bench.machine.start()
    bench.machine.tick()
    assert EffectKind.SPAWN in bench.machine.take_effects()
    owner = PortOwner(pid=812, name="nginx")
    bench.machine.port_taken(owner, 8000)
    bench.carry_out()
    view = bench.machine.view
    assert (view.state, view.detail) == (ServerState.FOREIGN, "nginx (process 812)")
    assert view.last_exit is None  # nothing has ended
    assert "nginx (process 812)" in bench.raised[0].message
    bench.machine.port_taken(owner, 8000)
    bench.carry_out()
    assert len(bench.raised) == 1
    bench.run(6.0)
    assert bench.stands() is ServerState.UP
    assert bench.open == set()


def test_a_good_answer_of_another_process_is_not_up() -> None:
    bench = Bench()
    bench.answer = Probed(result=ProbeResult.OK, taken_by=PortOwner(pid=9, name="other"))
    bench.machine.start()
    bench.run(3.0)
    assert bench.stands() is ServerState.FOREIGN


def test_a_watch_only_server_is_never_started_and_its_loss_is_reported() -> None:
    bench = Bench(watch_only=True)
    bench.answer = REFUSED
    bench.run(60.0)
    assert (bench.stands(), bench.raised) == (ServerState.STOPPED, [])
    bench.answer = Probed(result=ProbeResult.OK, owner_pid=77)
    bench.run(5.0)
    assert (bench.stands(), bench.machine.view.pid) == (ServerState.UP, 77)
    bench.answer = REFUSED
    bench.run(15.0)
    assert bench.stands() is ServerState.DOWN
    assert [each.type for each in bench.raised] == [AlertType.SERVER_DOWN]
    bench.answer = OK
    bench.run(5.0)
    assert bench.stands() is ServerState.UP
    assert (bench.open, bench.spawns_m) == (set(), [])


def test_a_permission_fault_has_an_alert_of_its_own() -> None:
    bench = Bench()
    bench.answer = REFUSED
    bench.machine.start()
    bench.run(0.2)
    fault = PermissionFault(
        what="It may not read /srv/key.pem.",
        path="/srv/key.pem",
        mode="0600",
        owner="root",
        remedy="Give it to your user.",
    )
    bench.machine.exited(CRASH, fault, ("Permission denied",))
    bench.carry_out()
    found = {each.type: each for each in bench.raised}
    assert set(found) == {AlertType.PERMISSION_ERROR, AlertType.SERVER_DOWN}
    told = found[AlertType.PERMISSION_ERROR]
    assert "mode 0600 and belongs to root" in told.message
    assert told.context["path"] == "/srv/key.pem"
    bench.answer = OK
    bench.run(2.0)
    assert bench.stands() is ServerState.UP
    assert bench.open == set()


@pytest.mark.parametrize("act", ["start", "changed", "settings"])
def test_what_cannot_be_started_is_tried_again_when_something_has_changed(act: str) -> None:
    bench = Bench()
    bench.machine.start()
    bench.machine.not_spawned("the program serve was not found", None, for_good=True)
    bench.carry_out()
    bench.run(3600.0)
    assert (bench.stands(), bench.spawns_m) == (ServerState.DOWN, [])
    assert bench.said == ["the program serve was not found"]
    (news,) = bench.raised
    assert (news.type, news.title) == (AlertType.SERVER_DOWN, "Server “api” cannot be started")
    assert news.message.startswith("The program serve was not found. Install what is missing")
    if act == "start":
        bench.machine.start()
    elif act == "changed":
        bench.machine.project_changed()
    else:
        bench.machine.set_spec(
            ServerSettings(name="api", command=("other",), health=HEALTH, watch_only=False)
        )
    bench.run(2.0)
    assert (bench.stands(), bench.open) == (ServerState.UP, set())


def test_a_stopped_server_that_could_not_be_started_waits_for_nothing() -> None:
    bench = Bench()
    bench.machine.start()
    bench.machine.not_spawned("the program serve was not found", None, for_good=True)
    bench.machine.stop()
    bench.machine.project_changed()
    bench.run(60.0)
    assert bench.stands() is ServerState.STOPPED


def test_an_adopted_server_keeps_its_time_and_teaches_nothing() -> None:
    bench = Bench()
    bench.machine.adopted(ProcessIdentity(pid=5, start_ticks=9), 123.0, Remembered())
    bench.run(1.0)
    view = bench.machine.view
    assert (view.state, view.up_since_at, view.pid) == (ServerState.UP, 123.0, 5)
    assert bench.machine.starts.known == ()


def test_what_the_last_run_left_open_is_closed_by_the_first_good_news() -> None:
    bench = Bench()
    bench.up()
    assert {each.type for each in bench.closed} == {
        AlertType.SERVER_DOWN,
        AlertType.SERVER_SLOW,
        AlertType.PERMISSION_ERROR,
    }


HOUR_S = 3600.0


def test_a_crash_loop_of_1000_hours() -> None:
    """It dies 20 s after each start; somebody presses Restart once an hour."""
    bench = Bench()
    rng = random.Random(7)  # noqa: S311 - a repeatable simulation
    bench.machine = ServerMachine(bench.machine.spec, "settings", bench.clock, chance=rng.random)
    for _ in range(1000):
        began = bench.clock.monotonic()
        before = len(bench.spawns_m)
        bench.machine.restart()
        while bench.stands() is not ServerState.CRASH_LOOP:
            bench.run(2.0)
            if bench.stands() is ServerState.UP:
                bench.run(18.0)
                bench.crash()
        starts = bench.spawns_m[before:]
        gaps = [b - a for a, b in itertools.pairwise(starts)]
        assert len(starts) == 5
        for number, gap in enumerate(gaps):
            plain = 2.0**number
            assert 18.0 + plain * 0.8 <= gap <= 24.0 + plain * 1.2
        bench.run(HOUR_S - (bench.clock.monotonic() - began))
    assert len(bench.spawns_m) == 5000
    assert bench.clock.monotonic() == pytest.approx(1000.0 + 1000 * HOUR_S, rel=1e-3)


def test_a_crash_loop_left_alone_for_1000_hours_is_one_alert_and_five_starts() -> None:
    bench = Bench()
    announced: list[AlertNews] = []
    bench.up()
    for _ in range(1000):
        if bench.stands() is ServerState.UP:
            bench.crash()
        bench.run(HOUR_S / 60 if len(bench.spawns_m) < 5 else HOUR_S)
        announced += [each for each in bench.raised if each.escalates and each not in announced]
    assert len(bench.spawns_m) == 5
    assert len(announced) == 1


def test_a_server_that_dies_every_quarter_of_an_hour_is_restarted_for_100_hours() -> None:
    bench = Bench()
    bench.up()
    for _ in range(400):
        bench.run(900.0)
        bench.crash()
        bench.run(1.5)
        assert bench.stands() is ServerState.UP
    assert len(bench.spawns_m) == 401

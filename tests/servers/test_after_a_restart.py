"""What a server is after OmniTray was restarted: its state agrees with its alert."""

import pytest

from omnitray.base.facts import AlertType, ProcessIdentity
from omnitray.servers import memory
from omnitray.servers.model import (
    ENDED_BY_ITSELF,
    TROUBLED,
    Probed,
    ProbeResult,
    Remembered,
    ServerState,
)
from support.server_bench import OK, REFUSED, Bench

LIVES = ProcessIdentity(pid=5, start_ticks=9)


def _gone(
    state: ServerState, *, watch_only: bool = False, same_boot: bool = True, **facts: object
) -> memory.Standing:
    wanted = state is not ServerState.STOPPED
    return memory.without_process(
        Remembered(state=state, **facts),  # type: ignore[arg-type]
        wanted=wanted,
        watch_only=watch_only,
        same_boot=same_boot,
    )


@pytest.mark.parametrize("same_boot", [True, False])
@pytest.mark.parametrize("state", sorted(TROUBLED))
def test_what_had_an_open_alert_is_never_shown_as_stopped(
    state: ServerState, *, same_boot: bool
) -> None:
    standing = _gone(state, same_boot=same_boot, detail="exit 3", since_at=5.0)
    assert standing.state in TROUBLED
    assert standing.wanted
    if state is ServerState.CRASH_LOOP:
        assert (standing.state, standing.detail, standing.since_at) == (state, "exit 3", 5.0)
        assert not standing.starts


@pytest.mark.parametrize(
    ("state", "same_boot", "starts"),
    [
        (ServerState.RESTARTING, True, True),
        (ServerState.FOREIGN, True, True),
        (ServerState.STARTING, True, True),
        (ServerState.RESTARTING, False, False),
        (ServerState.STARTING, False, False),
        (ServerState.DOWN, True, False),
        (ServerState.CRASH_LOOP, True, False),
        (ServerState.STOPPED, True, False),
    ],
)
def test_what_was_under_way_goes_on_and_nothing_else_is_started(
    state: ServerState, *, same_boot: bool, starts: bool
) -> None:
    assert _gone(state, same_boot=same_boot).starts is starts


@pytest.mark.parametrize("same_boot", [True, False])
def test_a_deliberately_stopped_server_stays_stopped(*, same_boot: bool) -> None:
    assert _gone(ServerState.STOPPED, same_boot=same_boot) == memory.Standing()
    ended = _gone(ServerState.STOPPED, same_boot=same_boot, detail=ENDED_BY_ITSELF)
    assert (ended.detail, ended.wanted) == (ENDED_BY_ITSELF, False)


def test_a_watch_only_server_that_was_lost_meanwhile_is_reported() -> None:
    bench = Bench(watch_only=True)
    bench.machine.stand(_gone(ServerState.UP, watch_only=True))
    bench.answer = REFUSED
    bench.run(11.0)
    assert bench.stands() is ServerState.DOWN
    assert bench.open == {AlertType.SERVER_DOWN}


def test_a_watch_only_server_that_is_down_still_is_until_it_answers() -> None:
    bench = Bench(watch_only=True)
    bench.machine.stand(_gone(ServerState.DOWN, watch_only=True))
    bench.answer = REFUSED
    bench.run(60.0)
    assert (bench.stands(), bench.raised) == (ServerState.DOWN, [])
    bench.answer = OK
    bench.run(5.0)
    assert bench.stands() is ServerState.UP
    assert [each.type for each in bench.closed].count(AlertType.SERVER_DOWN) == 1


def test_a_crash_loop_waits_for_a_person_and_its_alert_for_the_server() -> None:
    bench = Bench()
    bench.machine.stand(_gone(ServerState.CRASH_LOOP, detail="exit 3"))
    bench.run(3600.0)
    assert (bench.stands(), bench.spawns_m) == (ServerState.CRASH_LOOP, [])
    assert bench.machine.view.given_up
    assert bench.machine.waits_for_change
    bench.answer = REFUSED
    bench.machine.start()
    bench.run(1.0)
    assert bench.stands() is ServerState.STARTING
    assert [(each.title, each.escalates) for each in bench.raised] == [
        ("Server “api” is down", False)
    ]
    assert AlertType.SERVER_DOWN not in {each.type for each in bench.closed}
    bench.answer = OK
    bench.run(2.0)
    assert (bench.stands(), bench.open) == (ServerState.UP, set())


def test_a_program_that_is_not_there_is_tried_again_when_it_changed() -> None:
    bench = Bench()
    bench.machine.stand(_gone(ServerState.DOWN, cannot_start=True))
    assert bench.machine.waits_for_change
    bench.machine.project_changed()
    bench.run(2.0)
    assert bench.stands() is ServerState.UP


def test_a_slow_start_is_still_slow_and_a_start_keeps_its_clock() -> None:
    bench = Bench()
    slow = Remembered(state=ServerState.SLOW, started_at=bench.clock.wall() - 95.0)
    bench.machine.adopted(LIVES, None, slow)
    bench.answer = REFUSED
    bench.run(5.0)
    assert (bench.stands(), bench.raised) == (ServerState.SLOW, [])
    bench = Bench()
    starting = Remembered(state=ServerState.STARTING, started_at=bench.clock.wall() - 60.0)
    bench.machine.adopted(LIVES, None, starting)
    bench.answer = REFUSED
    bench.run(29.0)
    assert bench.stands() is ServerState.STARTING
    bench.run(3.0)
    assert bench.stands() is ServerState.SLOW


def test_a_server_that_was_up_and_does_not_answer_any_more_is_down_after_three_probes() -> None:
    bench = Bench()
    bench.machine.adopted(LIVES, 123.0, Remembered(state=ServerState.UP))
    bench.answer = REFUSED
    bench.run(15.0)
    assert AlertType.SERVER_DOWN in bench.open


def test_a_paused_server_is_still_down_and_one_that_hangs_on_is_started_again() -> None:
    bench = Bench()
    bench.machine.adopted(LIVES, None, Remembered(state=ServerState.DOWN, detail="paused"))
    bench.answer = Probed(result=ProbeResult.TIMEOUT, paused=True)
    bench.run(60.0)
    assert (bench.stands(), bench.raised, bench.effects) == (ServerState.DOWN, [], [])
    bench.answer = REFUSED
    bench.run(20.0)
    assert len(bench.spawns_m) == 1


def test_a_port_that_is_taken_still_says_nothing_new() -> None:
    bench = Bench()
    bench.machine.adopted(LIVES, None, Remembered(state=ServerState.FOREIGN, detail="x"))
    assert bench.stands() is ServerState.FOREIGN


def test_an_outage_is_one_incident_until_the_server_is_up() -> None:
    bench = Bench()
    bench.up()
    closed_before = len(bench.closed)
    for _ in range(5):
        bench.crash()
        assert [each.type for each in bench.closed[closed_before:]] == []
        bench.answer = REFUSED
        bench.run(20.0)
    assert bench.stands() is ServerState.CRASH_LOOP
    assert AlertType.SERVER_DOWN in bench.open

import asyncio
import logging

import pytest

from omnitray.alerts.decision import Reason
from omnitray.alerts.model import Alert
from omnitray.alerts.rules import AlertTiming
from omnitray.base.facts import AlertChannel, AlertType, Severity
from omnitray.base.policy import AlertPolicy
from support.alerting import World, an_alert
from support.clock import FakeClock

DOWN, SLOW = AlertType.SERVER_DOWN, AlertType.SERVER_SLOW
FAILED, TIMEOUT = AlertType.TEST_FAILED, AlertType.TEST_TIMEOUT
RESOURCE, CRITICAL = AlertType.RESOURCE_CRITICAL, AlertType.CRITICAL


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize(
    ("type_", "severity"),
    [
        (FAILED, Severity.WARNING),
        (SLOW, Severity.WARNING),
        (TIMEOUT, Severity.CRITICAL),
        (DOWN, Severity.CRITICAL),
        (AlertType.PERMISSION_ERROR, Severity.CRITICAL),
        (RESOURCE, Severity.CRITICAL),
        (CRITICAL, Severity.CRITICAL),
    ],
)
def test_every_type_has_its_severity(world: World, type_: AlertType, severity: Severity) -> None:
    assert world.alerts.raise_(type_, "x").alert.severity is severity


def test_a_new_alert_is_told_at_once_and_goes_everywhere(world: World) -> None:
    raised = world.alerts.raise_(CRITICAL, "out of order", message="since noon")
    assert raised.decision.reason is Reason.NEW
    assert raised.decision.notify
    assert (raised.decision.title, raised.decision.body) == ("out of order", "since noon")
    assert raised.decision.channels == (
        "file",
        "syslog",
        "websocket",
        "vscode",
        "webhook",
        "desktop",
    )
    assert raised.alert.channels == ("file",)  # the others are named once they have taken it
    assert raised.alert.suppressed == 0


def test_editors_hear_at_once_which_tests_still_fail(world: World) -> None:
    def raised(*failed: str) -> bool:
        context = {"project": "/shop", "failed": [{"nodeid": each} for each in failed]}
        told = world.alerts.raise_(FAILED, "tests fail", context=context)
        return "vscode" in told.decision.channels

    assert raised("a", "b")
    assert not raised("a", "b")  # a repeat within the floor
    assert raised("b")
    assert len(world.alerts.open_alerts()) == 1  # whichever of them comes first


def test_a_record_names_the_channels_that_took_it(world: World) -> None:
    raised = world.alerts.raise_(CRITICAL, "out of order")
    world.alerts.took(raised.alert.id, "vscode")
    world.alerts.took(raised.alert.id, "desktop")
    world.alerts.took(raised.alert.id, "desktop")
    assert [each.channels for each in world.sink.amended] == [
        ("file", "vscode"),
        ("desktop", "file", "vscode"),
    ]
    over = world.alerts.resolve(raised.alert.fingerprint)
    assert over is not None
    assert over.alert.channels == ("desktop", "file", "vscode")
    world.alerts.took(raised.alert.id, "syslog")  # resolved a moment ago: its record says so, too
    assert world.sink.amended[-1].state == "resolved"
    assert world.sink.amended[-1].channels == ("desktop", "file", "syslog", "vscode")
    world.alerts.took("nobody", "desktop")
    assert len(world.sink.amended) == 3


def test_a_record_that_the_disk_refused_does_not_name_the_file(world: World) -> None:
    raised = world.alerts.raise_(CRITICAL, "out of order")
    world.alerts.refused(raised.alert.id, "file")
    kept = world.alerts.get(raised.alert.id)
    assert kept is not None
    assert kept.channels == ()
    world.alerts.took(raised.alert.id, "file")
    kept = world.alerts.get(raised.alert.id)
    assert kept is not None
    assert kept.channels == ("file",)


def test_the_same_again_is_the_same_record_and_is_not_told(world: World) -> None:
    first = world.alerts.raise_(CRITICAL, "worker 3 lost")
    world.clock.advance(5)
    second = world.alerts.raise_(CRITICAL, "worker 4 lost", message="newer")
    assert second.alert.id == first.alert.id
    assert second.alert.count == 2
    assert second.alert.last_seen > first.alert.last_seen
    assert second.alert.first_seen == first.alert.first_seen
    assert second.decision.reason is Reason.REPEAT_FLOOR
    assert len(world.sink.told) == 1


def test_a_standing_fault_is_told_hourly_when_critical_and_says_how_often_it_came(
    world: World,
) -> None:
    world.alerts.raise_(CRITICAL, "disk fails", source="monitor")
    for _ in range(61):
        world.pass_(60)
        world.alerts.raise_(CRITICAL, "disk fails", source="monitor")
    assert [decision.reason for decision in world.sink.told] == [Reason.NEW, Reason.REPEATED]
    assert world.sink.told[-1].suppressed == 59
    assert "59 × more" in world.sink.told[-1].body


def test_a_warning_is_repeated_after_four_hours_even_when_nobody_raises_it_again(
    world: World,
) -> None:
    world.alerts.raise_(SLOW, "server takes long", source="server:shop")
    world.pass_(4 * 3600 - 1)
    assert len(world.sink.told) == 1
    world.pass_(2)
    assert [decision.reason for decision in world.sink.told] == [Reason.NEW, Reason.REPEATED]


def test_a_failed_test_is_not_repeated_by_the_clock(world: World) -> None:
    world.alerts.raise_(FAILED, "test_x failed", source="pytest")
    world.pass_(20 * 3600)
    assert len(world.sink.told) == 1


def test_worse_is_told_at_once_and_severity_never_falls(world: World) -> None:
    world.alerts.raise_(RESOURCE, "memory", severity=Severity.WARNING)
    worse = world.alerts.raise_(RESOURCE, "memory", severity=Severity.CRITICAL)
    milder = world.alerts.raise_(RESOURCE, "memory", severity=Severity.INFO)
    assert worse.decision.reason is Reason.ESCALATED
    assert worse.decision.escalated
    assert not milder.decision.escalated
    world.alerts.snooze(60.0)  # holds notifications back, and no webhook
    again = world.alerts.raise_(RESOURCE, "memory", severity=Severity.CRITICAL, escalates=True)
    assert (again.decision.reason, again.decision.escalated) == (Reason.SNOOZED, True)
    assert milder.alert.severity is Severity.CRITICAL
    assert not milder.decision.notify


def test_resolving_closes_the_notification_and_the_record(world: World) -> None:
    raised = world.alerts.raise_(DOWN, "shop is down", source="server:shop")
    world.clock.advance(30)
    done = world.alerts.resolve(raised.alert.fingerprint)
    assert done is not None
    assert (done.alert.state, done.decision.reason) == ("resolved", Reason.RESOLVED)
    assert done.alert.resolved_at is not None
    assert done.alert.resolved_at > done.alert.first_seen
    assert world.sink.withdrawn == [raised.decision.slot]
    assert world.alerts.open_alerts() == ()
    assert world.alerts.resolve(raised.alert.fingerprint) is None


def test_it_is_a_new_incident_when_it_comes_back_later(world: World) -> None:
    first = world.alerts.raise_(DOWN, "shop is down")
    world.alerts.resolve(first.alert.fingerprint)
    world.pass_(3600)
    again = world.alerts.raise_(DOWN, "shop is down")
    assert again.alert.id != first.alert.id
    assert again.decision.reason is Reason.NEW


def test_it_is_the_same_incident_when_it_comes_back_at_once_and_told_after_the_floor(
    world: World,
) -> None:
    first = world.alerts.raise_(DOWN, "shop is down")
    world.pass_(10)
    world.alerts.resolve(first.alert.fingerprint)
    world.pass_(10)
    again = world.alerts.raise_(DOWN, "shop is down")
    assert again.alert.id == first.alert.id
    assert (again.alert.state, again.alert.resolved_at) == ("firing", None)
    assert again.decision.reason is Reason.REPEAT_FLOOR
    world.pass_(41)
    assert [decision.reason for decision in world.sink.told] == [Reason.NEW, Reason.RELEASED]


def test_each_outage_of_a_server_has_a_record_with_its_own_title(world: World) -> None:
    titles = ("“shop” is down", "“shop” finds its port taken")
    ids = []
    for title in titles:
        raised = world.alerts.raise_(DOWN, title, source="server:shop")
        again = world.alerts.raise_(DOWN, title, source="server:shop")
        assert (again.alert.id, again.alert.count) == (raised.alert.id, 2)  # the same outage
        ids.append(raised.alert.id)
        world.alerts.resolve(raised.alert.fingerprint)
        world.pass_(5)
    kept = world.sink.on_disk()
    assert [kept[each].title for each in ids] == list(titles)
    assert {kept[each].state for each in ids} == {"resolved"}
    assert [decision.reason for decision in world.sink.told] == [Reason.NEW]  # one pop-up


def test_what_keeps_coming_and_going_is_said_once(world: World) -> None:
    ids = set()
    for _ in range(30):
        raised = world.alerts.raise_(SLOW, "shop is slow", source="server:shop")
        ids.add(raised.alert.id)
        world.pass_(61)
        world.alerts.resolve(raised.alert.fingerprint)
        world.pass_(61)
    reasons = [decision.reason for decision in world.sink.told]
    assert reasons == [Reason.NEW, Reason.NEW, Reason.FLAPPING_NOTICE]
    assert len(ids) <= 3


def test_acknowledged_stays_silent_until_it_gets_worse(world: World) -> None:
    raised = world.alerts.raise_(SLOW, "slow", source="server:shop")
    done = world.alerts.acknowledge(raised.alert.id)
    assert done is not None
    assert done.alert.state == "acknowledged"
    assert world.sink.withdrawn == [raised.decision.slot]
    world.pass_(10 * 3600)
    again = world.alerts.raise_(SLOW, "slow", source="server:shop")
    assert again.decision.reason is Reason.ACKNOWLEDGED
    worse = world.alerts.raise_(SLOW, "slow", source="server:shop", severity=Severity.CRITICAL)
    assert (worse.alert.state, worse.decision.notify) == ("firing", True)
    assert world.alerts.acknowledge("nobody") is None


def test_a_pause_holds_everything_back_and_what_still_stands_is_told_when_it_ends(
    world: World,
) -> None:
    until = world.alerts.snooze(900)
    assert until == world.clock.wall() + 900 == world.alerts.paused_until
    gone = world.alerts.raise_(DOWN, "a is down", source="server:a")
    stands = world.alerts.raise_(CRITICAL, "smoke")
    assert stands.decision.reason is Reason.SNOOZED
    world.pass_(100)
    world.alerts.resolve(gone.alert.fingerprint)
    assert world.sink.told == []
    world.pass_(801)
    assert world.titles == ["smoke"]
    assert world.alerts.paused_until is None


def test_a_pause_can_be_ended_early(world: World) -> None:
    world.alerts.snooze(9000)
    world.alerts.raise_(CRITICAL, "smoke")
    world.alerts.unsnooze()
    world.pass_(0)
    assert world.titles == ["smoke"]


def test_one_alert_can_be_paused_and_reminds_afterwards(world: World) -> None:
    raised = world.alerts.raise_(CRITICAL, "smoke")
    assert world.alerts.snooze(3000, raised.alert.id) == world.clock.wall() + 3000
    assert world.sink.withdrawn == [raised.decision.slot]
    other = world.alerts.raise_(DOWN, "shop is down")
    assert other.decision.notify
    world.pass_(3001)
    assert world.titles == ["smoke", "shop is down", "smoke"]
    assert world.alerts.snooze(10, "nobody") is None


class Memory:
    def __init__(self) -> None:
        self.data: bytes | None = None

    def load(self) -> bytes | None:
        return self.data

    def save(self, data: bytes) -> None:
        self.data = data


def test_pauses_survive_a_restart_and_a_clock_set_back_does_not_prolong_them() -> None:
    memory, clock = Memory(), FakeClock()
    World(silences=memory, clock=clock).alerts.snooze(600)
    clock.advance(300)
    clock.jump_wall(-86400)
    later = World(silences=memory, clock=clock)
    assert later.alerts.raise_(CRITICAL, "x").decision.reason is Reason.SNOOZED
    later.pass_(601)
    assert later.alerts.raise_(DOWN, "y").decision.reason is Reason.NEW


@pytest.mark.expect_log("remembered pauses are unreadable")
def test_unreadable_pauses_are_forgotten_with_a_word() -> None:
    memory = Memory()
    memory.data = b"\xff{"
    assert World(silences=memory).alerts.paused_until is None


def test_a_burst_of_failed_tests_becomes_one_notification_in_the_first_ones_place(
    world: World,
) -> None:
    raised = [
        world.alerts.raise_(FAILED, f"test_{name} failed", source="pytest")
        for name in "abcdefghijkl"
    ]
    assert [each.decision.reason for each in raised] == [Reason.NEW] + [Reason.GROUP_WAIT] * 11
    world.pass_(5.1)
    assert world.titles == ["test_a failed", "12 tests failed"]
    assert "and 9 more" in world.sink.told[1].body
    assert world.sink.told[1].slot == world.sink.told[0].slot
    assert len(world.sink.on_disk()) == 12
    for each in raised[:-1]:
        world.alerts.resolve(each.alert.fingerprint)
    assert world.sink.withdrawn == []
    world.alerts.resolve(raised[-1].alert.fingerprint)
    assert world.sink.withdrawn == [world.sink.told[0].slot]


def test_what_is_over_before_its_group_was_told_is_never_told(world: World) -> None:
    world.alerts.raise_(FAILED, "test_a failed")
    second = world.alerts.raise_(FAILED, "test_b failed")
    world.alerts.resolve(second.alert.fingerprint)
    world.pass_(60)
    assert world.titles == ["test_a failed"]


def test_a_long_burst_is_told_ever_more_seldom_and_a_quiet_time_starts_anew(world: World) -> None:
    for number in range(60):
        word = "".join(chr(97 + int(digit)) for digit in str(number))
        world.alerts.raise_(FAILED, f"test_{word} failed")
        world.pass_(1)
    assert len(world.sink.told) <= 5
    world.pass_(120)
    assert world.alerts.raise_(FAILED, "test_new failed").decision.notify


def test_a_server_that_is_down_explains_its_tests_and_no_others(world: World) -> None:
    down = world.alerts.raise_(DOWN, "shop is down", source="server:shop")
    for type_ in (FAILED, TIMEOUT, SLOW):
        muted = world.alerts.raise_(type_, f"{type_}", source="pytest", context={"server": "shop"})
        assert muted.decision.reason is Reason.SERVER_IS_DOWN
    other = world.alerts.raise_(FAILED, "test", source="pytest", context={"server": "bank"})
    assert other.decision.notify
    world.alerts.resolve(down.alert.fingerprint)
    world.pass_(60)
    # It is slow still, and that is no longer explained; the tests have failed because of it.
    assert world.titles == ["shop is down", "test", "SERVER_SLOW"]


def test_a_critical_alert_explains_resource_alerts_until_it_is_taken_care_of(world: World) -> None:
    critical = world.alerts.raise_(CRITICAL, "on fire")
    muted = world.alerts.raise_(RESOURCE, "memory", source="monitor")
    assert muted.decision.reason is Reason.CRITICAL_STANDS
    world.alerts.acknowledge(critical.alert.id)
    world.pass_(61)
    assert world.titles == ["on fire", "memory"]


def test_an_old_critical_alert_explains_nothing_any_more(world: World) -> None:
    world.alerts.raise_(CRITICAL, "yesterday's news", source="cli")
    world.pass_(3601)
    assert world.alerts.raise_(RESOURCE, "memory", source="monitor").decision.notify


def test_what_is_too_mild_is_stored_and_fed_but_not_shown() -> None:
    world = World(notify_from=Severity.CRITICAL)
    raised = world.alerts.raise_(FAILED, "test_x failed")
    assert raised.decision.reason is Reason.BELOW_THRESHOLD
    assert AlertChannel.DESKTOP not in raised.decision.channels
    assert AlertChannel.WEBSOCKET in raised.decision.channels
    assert raised.alert.id in world.sink.on_disk()
    assert "desktop" not in raised.alert.channels


def test_switched_off_means_stored_only(world: World) -> None:
    world.alerts.set_policy(AlertPolicy(enabled=False))
    raised = world.alerts.raise_(CRITICAL, "x")
    assert raised.decision.reason is Reason.DISABLED
    assert raised.alert.id in world.sink.on_disk()


def test_notify_now_passes_severity_group_and_budget_but_not_the_floor() -> None:
    world = World(notify_from=Severity.CRITICAL)
    for name in ("a", "b", "c"):
        asked = world.alerts.raise_(RESOURCE, name, severity=Severity.INFO, notify_now=True)
        assert asked.decision.notify
    again = world.alerts.raise_(RESOURCE, "a", severity=Severity.INFO, notify_now=True)
    assert again.decision.reason is Reason.REPEAT_FLOOR


def test_too_many_notifications_go_into_a_digest() -> None:
    world = World(timing=AlertTiming(budget=3))
    for name in "abcdefgh":
        world.alerts.raise_(DOWN, f"{name} is down", source=f"server:{name}")
    assert len(world.sink.told) == 3
    for _ in range(5):  # looked at meanwhile, as the program does for others
        world.pass_(10)
        world.alerts.tick()
    assert len(world.sink.told) == 3
    world.pass_(11)
    assert world.titles[3:] == ["5 servers down"]
    assert world.sink.told[3].reason is Reason.DIGEST
    world.alerts.raise_(DOWN, "i is down", source="server:i")
    world.pass_(30)
    assert len(world.sink.told) == 4  # a minute between two digests
    world.pass_(31)
    assert len(world.sink.told) == 5


def test_repeats_within_the_floor_reach_the_file_only(world: World) -> None:
    world.alerts.raise_(CRITICAL, "x")
    heard: list[int] = []
    world.alerts.subscribe(lambda alert: heard.append(alert.count))
    for _ in range(10):
        assert world.alerts.raise_(CRITICAL, "x").decision.channels == (AlertChannel.FILE,)
    world.clock.advance(61)
    assert AlertChannel.WEBSOCKET in world.alerts.raise_(CRITICAL, "x").decision.channels
    assert heard == [12]


def test_open_alerts_are_followed_further_after_a_restart_without_being_told_again() -> None:
    told = an_alert(1, type=CRITICAL, severity=Severity.CRITICAL, channels=("desktop", "file"))
    world = World(open_alerts=[told])
    world.pass_(60)
    assert world.sink.told == []
    again = world.alerts.get(told.id)
    assert again == told
    world.alerts.resolve(told.fingerprint)
    assert world.sink.on_disk()[told.id].state == "resolved"
    assert world.sink.withdrawn == [told.id]


def test_what_was_written_while_the_program_did_not_run_is_told_at_the_start() -> None:
    world = World(open_alerts=[an_alert(1, title="test_x failed", channels=("file",))])
    world.pass_(1)
    assert world.titles == ["test_x failed"]


def test_of_two_open_records_of_one_fingerprint_the_older_is_closed() -> None:
    older = an_alert(1, fingerprint="f")
    newer = an_alert(2, fingerprint="f", last_seen="2027-01-01T00:00:00.000Z")
    world = World(open_alerts=[newer, older])
    assert [alert.id for alert in world.alerts.open_alerts()] == [newer.id]
    assert world.sink.on_disk()[older.id].state == "resolved"


def test_what_nobody_stands_behind_is_closed_after_a_day(world: World) -> None:
    left = world.alerts.raise_(FAILED, "test_x failed", source="pytest")
    watched = world.alerts.raise_(RESOURCE, "memory", source="monitor")
    world.pass_(86_401)
    assert [alert.id for alert in world.alerts.open_alerts()] == [watched.alert.id]
    assert world.sink.on_disk()[left.alert.id].state == "resolved"


def test_how_a_command_ended_is_closed_after_an_hour_and_what_a_run_does_now_is_not(
    world: World,
) -> None:
    ended = world.alerts.raise_(CRITICAL, "false fails", source="cli", context={"run": "r-1"})
    context = {"run": "r-2", "now": True}
    held = world.alerts.raise_(RESOURCE, "leak is held", source="cli", context=context)
    typed = world.alerts.raise_(DOWN, "shop does not answer", source="cli")
    world.pass_(3_590)
    assert len(world.alerts.open_alerts()) == 3
    world.pass_(11)
    assert {each.id for each in world.alerts.open_alerts()} == {held.alert.id, typed.alert.id}
    assert world.sink.on_disk()[ended.alert.id].state == "resolved"
    assert Reason.ONE_OFF in {each.reason for each in world.alerts.decisions()}


def test_too_many_open_ones_are_closed_oldest_first() -> None:
    world = World(timing=AlertTiming(most_open=3))
    raised = [world.alerts.raise_(FAILED, f"test_{name}") for name in "abcde"]
    assert len(world.alerts.open_alerts()) == 3
    assert world.sink.on_disk()[raised[0].alert.id].state == "resolved"
    assert Reason.CROWDED_OUT in {each.reason for each in world.alerts.decisions()}


def test_large_contexts_leave_memory_oldest_first_and_stay_in_their_files() -> None:
    world = World(timing=AlertTiming(most_context_bytes=10_000))
    context = {"text": "x" * 4000}
    raised = [world.alerts.raise_(FAILED, f"test_{name}", context=context) for name in "abcd"]
    kept = {alert.title: alert.context for alert in world.alerts.open_alerts()}
    assert [kept[f"test_{name}"] == context for name in "abcd"] == [False, False, True, True]
    why = "it has 4011 bytes, and too many large ones are open; it is in the alert's file"
    assert kept["test_a"] == {"context_removed": why}
    assert world.sink.on_disk()[raised[0].alert.id].context == context
    for each in raised[2:]:
        world.alerts.resolve(each.alert.fingerprint)
    world.alerts.raise_(FAILED, "test_e", context=context)
    world.alerts.raise_(FAILED, "test_f", context=context)
    kept = {alert.title: alert.context for alert in world.alerts.open_alerts()}
    assert kept["test_e"] == kept["test_f"] == context


def test_of_many_resolved_ones_the_oldest_are_forgotten() -> None:
    world = World(timing=AlertTiming(most_lately=2))
    first = [world.alerts.raise_(FAILED, f"test_{name}") for name in "abc"]
    for each in first:
        world.alerts.resolve(each.alert.fingerprint)
    again = [world.alerts.raise_(FAILED, f"test_{name}") for name in "abc"]
    same = [new.alert.id == old.alert.id for new, old in zip(again, first, strict=True)]
    assert same == [False, True, True]


def test_what_was_resolved_stays_known_when_time_passes(world: World) -> None:
    raised = world.alerts.raise_(FAILED, "test_x")
    world.alerts.resolve(raised.alert.fingerprint)
    world.pass_(10)
    world.alerts.raise_(FAILED, "test_other")
    assert world.alerts.raise_(FAILED, "test_x").alert.id == raised.alert.id


def test_what_is_raised_again_within_a_day_is_not_closed_as_stale(world: World) -> None:
    world.alerts.raise_(FAILED, "test_x", source="pytest")
    world.pass_(82_800)
    world.alerts.raise_(FAILED, "test_x", source="pytest")
    world.pass_(82_800)
    assert len(world.alerts.open_alerts()) == 1


def test_a_clock_set_back_never_makes_an_alert_end_before_it_began(world: World) -> None:
    raised = world.alerts.raise_(CRITICAL, "x")
    world.clock.jump_wall(-86_400)
    again = world.alerts.raise_(CRITICAL, "x")
    assert again.alert.last_seen >= again.alert.first_seen
    done = world.alerts.resolve(raised.alert.fingerprint)
    assert done is not None
    assert done.alert.resolved_at is not None
    assert done.alert.resolved_at >= done.alert.first_seen


def test_hostile_text_and_context_are_stored_all_the_same(world: World) -> None:
    context = {"deep": object(), "bytes": b"\xff", "nan": float("nan"), "lone": "\ud800"}
    raised = world.alerts.raise_(CRITICAL, "\ud800 مرحبا" + "x" * 30_000, context=context)
    assert len(raised.alert.title) == 20_000
    raised.alert.title.encode()
    assert raised.alert.context


@pytest.mark.expect_log("callback .* failed")
def test_a_subscriber_that_raises_stops_nobody(world: World) -> None:
    heard: list[Alert] = []

    def broken(_alert: Alert) -> None:
        raise ValueError("broken")

    world.alerts.subscribe(broken)
    leave = world.alerts.subscribe(heard.append)
    world.alerts.raise_(CRITICAL, "x")
    leave()
    world.alerts.raise_(DOWN, "y")
    assert [alert.title for alert in heard] == ["x"]


def test_a_coroutine_function_hears_on_its_own_loop(world: World) -> None:
    async def listen() -> str:
        heard: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        async def callback(alert: Alert) -> None:
            heard.set_result(alert.title)

        world.alerts.subscribe(callback)
        await asyncio.to_thread(world.alerts.raise_, CRITICAL, "x")
        return await asyncio.wait_for(heard, 10)

    assert asyncio.run(listen()) == "x"


def test_every_decision_has_a_sentence_and_is_remembered(world: World) -> None:
    world.alerts.raise_(CRITICAL, "x")
    world.alerts.raise_(CRITICAL, "x")
    assert [each.reason for each in world.alerts.decisions()] == [Reason.REPEAT_FLOOR, Reason.NEW]
    assert all(reason.sentence.endswith(".") for reason in Reason)
    logging.getLogger(__name__).info("%s", world.alerts.decisions()[0].reason.sentence)


def test_looks_at_the_clock_come_to_an_end_whatever_the_rounding(world: World) -> None:
    world.alerts.raise_(CRITICAL, "x", source="server:a")
    for seconds in (4017.032528107654, 0.1 + 0.2, 1e-9):
        world.alerts.snooze(seconds)
        world.pass_(90_000.0)
    assert world.alerts.paused_until is None

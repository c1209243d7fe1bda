"""Whatever happens in whatever order, the promises of the alert system hold."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from omnitray.alerts.decision import Decision, Reason
from omnitray.alerts.model import Alert, server_of
from omnitray.alerts.rules import OF_A_SERVER, AlertTiming
from omnitray.base.facts import AlertType, Severity
from omnitray.base.policy import AlertPolicy
from support.alerting import World

TYPES = st.sampled_from(AlertType)
SEVERITIES = st.sampled_from(Severity)
SERVERS = st.sampled_from(["server:a", "server:b", "pytest"])
NAMES = st.sampled_from(["one", "two", "three"])
FLOOR_S = 60.0


class AlertMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.world = World(timing=AlertTiming(budget=4, most_open=12))
        self.raised: set[str] = set()
        self.seen = 0
        self.told: dict[str, tuple[float, int]] = {}  # fingerprint -> when, how severe
        self.versions: dict[str, Alert] = {}

    @rule(type_=TYPES, severity=SEVERITIES, source=SERVERS, name=NAMES, now=st.booleans())
    def raise_one(
        self, type_: AlertType, severity: Severity, source: str, name: str, *, now: bool
    ) -> None:
        raised = self.world.alerts.raise_(
            type_, name, severity=severity, source=source, notify_now=now
        )
        self.raised.add(raised.alert.id)
        if raised.decision.notify:
            self._not_inhibited(raised.alert)
            assert self.world.alerts.paused_until is None

    @rule(seconds=st.floats(0.0, 200.0))
    def wait(self, seconds: float) -> None:
        self.world.clock.advance(seconds)
        self.world.alerts.tick()

    @rule(seconds=st.sampled_from([5.0, 61.0, 700.0, 4000.0, 90_000.0]))
    def wait_attentively(self, seconds: float) -> None:
        self.world.pass_(seconds)

    @rule(seconds=st.floats(-1e5, 1e5))
    def set_the_clock(self, seconds: float) -> None:
        self.world.clock.jump_wall(seconds)

    @precondition(lambda self: self.world.alerts.open_alerts())
    @rule(data=st.data())
    def resolve(self, data: st.DataObject) -> None:
        alert = data.draw(st.sampled_from(self.world.alerts.open_alerts()))
        done = self.world.alerts.resolve(alert.fingerprint)
        assert done is not None
        assert not done.decision.notify

    @precondition(lambda self: self.world.alerts.open_alerts())
    @rule(data=st.data())
    def acknowledge(self, data: st.DataObject) -> None:
        alert = data.draw(st.sampled_from(self.world.alerts.open_alerts()))
        assert self.world.alerts.acknowledge(alert.id) is not None

    @rule(seconds=st.floats(1.0, 5000.0))
    def snooze(self, seconds: float) -> None:
        self.world.alerts.snooze(seconds)

    @rule()
    def unsnooze(self) -> None:
        self.world.alerts.unsnooze()

    @precondition(lambda self: self.world.alerts.open_alerts())
    @rule(data=st.data(), seconds=st.floats(1.0, 5000.0))
    def snooze_one(self, data: st.DataObject, seconds: float) -> None:
        alert = data.draw(st.sampled_from(self.world.alerts.open_alerts()))
        assert self.world.alerts.snooze(seconds, alert.id) is not None

    @invariant()
    def nothing_is_told_twice_within_the_floor(self) -> None:
        sink, seen = self.world.sink, self.seen
        self.seen = len(sink.got)
        for (alert, decision), at_m in zip(sink.got[seen:], sink.at_m[seen:], strict=True):
            if decision.notify and decision.members == (alert.id,):
                self._told(alert, at_m)
            self._monotone(alert, decision)

    @invariant()
    def every_raise_is_on_its_way_to_disk(self) -> None:
        assert self.raised <= self.world.sink.on_disk().keys()

    @invariant()
    def open_in_memory_is_open_on_disk(self) -> None:
        written = self.world.sink.on_disk()
        for alert in self.world.alerts.open_alerts():
            assert written[alert.id].state == alert.state
            assert written[alert.id].count == alert.count

    @invariant()
    def there_is_always_a_next_look(self) -> None:
        delay_s = self.world.alerts.next_delay_s()
        assert delay_s is None or delay_s >= 0

    def _told(self, alert: Alert, now_m: float) -> None:
        at_m, rank = self.told.get(alert.fingerprint, (-FLOOR_S, -1))
        assert alert.severity.rank > rank or now_m - at_m >= FLOOR_S - 1e-3
        self.told[alert.fingerprint] = (now_m, alert.severity.rank)

    def _monotone(self, alert: Alert, decision: Decision) -> None:
        before = self.versions.get(alert.id)
        if before is not None:
            assert alert.count >= before.count
            assert alert.severity.rank >= before.severity.rank
            assert alert.last_seen >= before.last_seen
            assert alert.first_seen == before.first_seen
            assert (alert.type, alert.fingerprint) == (before.type, before.fingerprint)
        assert (alert.resolved_at is None) == (alert.state != "resolved")
        assert decision.reason in Reason
        self.versions[alert.id] = alert

    def _not_inhibited(self, alert: Alert) -> None:
        server = server_of(alert.source, alert.context)
        for other in self.world.alerts.open_alerts():
            down = other.type is AlertType.SERVER_DOWN
            same = server is not None and server_of(other.source, other.context) == server
            assert not (alert.type in OF_A_SERVER and down and same)


TestAlertMachine = AlertMachine.TestCase


def test_a_flood_of_outages_of_a_server_is_one_record() -> None:
    world = World()

    def outages(number: int, each_s: float) -> list[str]:
        ids = []
        for _ in range(number):
            raised = world.alerts.raise_(
                AlertType.SERVER_DOWN, "“shop” is down", source="server:shop"
            )
            ids.append(raised.alert.id)
            world.alerts.resolve(raised.alert.fingerprint)
            world.pass_(each_s)
        return ids

    flood = outages(50, 10.0)
    assert len(set(flood)) == len(set(flood[:8])) == 8
    assert world.sink.on_disk()[flood[-1]].count == 43
    world.pass_(600)
    assert len(set(outages(20, 80.0))) == 20  # so many, and no more, in the long run


def test_what_was_told_alone_leaves_the_screen_when_a_digest_tells_it_again() -> None:
    world = World(timing=AlertTiming(budget=2))
    alone = [
        world.alerts.raise_(AlertType.SERVER_DOWN, f"{n} is down", source=f"server:{n}")
        for n in "ab"
    ]
    world.pass_(AlertPolicy().repeat_critical_s - 20)
    assert world.sink.withdrawn == []
    for name in "cd":
        world.alerts.raise_(AlertType.SERVER_DOWN, f"{name} is down", source=f"server:{name}")
    world.pass_(120)
    assert world.sink.told[-1].reason is Reason.DIGEST
    assert set(world.sink.withdrawn) == {each.decision.slot for each in alone}

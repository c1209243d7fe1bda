"""An alert system with a sink that remembers."""

from collections.abc import Callable, Iterable
from itertools import count
from pathlib import Path

from omnitray.alerts.channels.base import ChannelParts, Listeners
from omnitray.alerts.channels.deliveries import Deliveries
from omnitray.alerts.channels.notification import Notification
from omnitray.alerts.decision import Decision, Receipt
from omnitray.alerts.model import Alert
from omnitray.alerts.rules import AlertTiming
from omnitray.alerts.silences import SilenceMemory
from omnitray.alerts.system import AlertSystem
from omnitray.base.clock import timestamp
from omnitray.base.facts import AlertChannel, AlertType, Severity
from omnitray.base.paths import Paths
from omnitray.base.policy import AlertPolicy
from support.clock import FakeClock

START = 1_795_353_687.0


class RecordingSink:
    """Remembers what it was given; nothing becomes durable."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.got: list[tuple[Alert, Decision]] = []
        self.at_m: list[float] = []
        self.amended: list[Alert] = []

    def submit(self, alert: Alert, decision: Decision) -> Receipt | None:
        self.got.append((alert, decision))
        self.at_m.append(self._clock.monotonic())
        return None

    def amend(self, alert: Alert) -> None:
        self.amended.append(alert)

    @property
    def told(self) -> list[Decision]:
        """What the person was shown."""
        return [decision for _, decision in self.got if decision.notify]

    @property
    def withdrawn(self) -> list[str]:
        """The slots that were taken back."""
        return [decision.slot for _, decision in self.got if decision.withdraw]

    def on_disk(self) -> dict[str, Alert]:
        """The last version of each alert that went to the file."""
        return {a.id: a for a, decision in self.got if AlertChannel.FILE in decision.channels}


class World:
    """A clock, a sink and an alert system that tells of everything from warnings up."""

    def __init__(
        self,
        *,
        notify_from: Severity = Severity.WARNING,
        enabled: bool = True,
        timing: AlertTiming | None = None,
        open_alerts: Iterable[Alert] = (),
        silences: SilenceMemory | None = None,
        clock: FakeClock | None = None,
    ) -> None:
        numbers = count(1)
        self.clock = clock or FakeClock()
        self.sink = RecordingSink(self.clock)
        self.alerts = AlertSystem(
            self.clock,
            AlertPolicy(notify_from=notify_from, enabled=enabled),
            self.sink,
            ids=lambda: f"id{next(numbers)}",
            open_alerts=open_alerts,
            silences=silences,
            timing=timing,
        )

    def pass_(self, seconds: float) -> None:
        """Time passes, and whenever the alert system wants to look at the clock it does."""
        end = self.clock.monotonic() + seconds
        looks = 0
        while (delay_s := self.alerts.next_delay_s()) is not None:
            if self.clock.monotonic() + delay_s > end:
                break
            self.clock.advance(delay_s)
            self.alerts.tick()
            looks += 1
            assert looks < 2000, "it looks at the clock without end"
        self.clock.advance(max(0.0, end - self.clock.monotonic()))

    @property
    def titles(self) -> list[str]:
        """The titles of what the person was shown."""
        return [decision.title for decision in self.sink.told]


def an_alert(number: int = 1, *, at: float = START, **changes: object) -> Alert:
    """A sound alert; ``number`` makes its id and fingerprint."""
    stamp = timestamp(at)
    fields: dict[str, object] = {
        "id": f"{number:012x}",
        "type": AlertType.TEST_FAILED,
        "severity": Severity.WARNING,
        "state": "firing",
        "title": f"test number {number} failed",
        "message": "assert 1 == 2",
        "source": "pytest",
        "fingerprint": f"{number:016x}",
        "first_seen": stamp,
        "last_seen": stamp,
    }
    return Alert(**(fields | changes))  # type: ignore[arg-type]  # fields of mixed types by name


class QuietScreen:
    """A screen that remembers what it was to show; ``told`` is the channel's to set."""

    def __init__(self) -> None:
        self.shown: list[Notification] = []
        self.closed: list[str] = []
        self.told: Callable[[Notification, str], None] = lambda _notification, _why: None

    def show(self, notification: Notification) -> None:
        self.shown.append(notification)

    def close(self, slot: str) -> None:
        self.closed.append(slot)


def channel_parts(
    folder: Path,
    clock: FakeClock,
    deliveries: Deliveries | None = None,
    screen: QuietScreen | None = None,
) -> ChannelParts:
    """What channels are opened with, all of it under one folder."""
    return ChannelParts(
        clock=clock,
        paths=Paths(folder, folder, folder, folder),
        deliveries=deliveries or Deliveries(),
        listeners=Listeners(),
        screen=screen or QuietScreen(),
    )

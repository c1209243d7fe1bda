"""A program to be killed: raises and resolves alerts, and says of each when it is certain.

Arguments: the folder, the receiver's address, a number to begin with, how many (0: without end).
Lines on standard output: ``firing TITLE``, ``resolved TITLE``, ``idle`` once all is delivered.
"""

import os
import sys
import time
from pathlib import Path

from omnitray.alerts.channels.base import ChannelParts, Listeners
from omnitray.alerts.channels.deliveries import Deliveries
from omnitray.alerts.channels.dispatch import Dispatcher
from omnitray.alerts.channels.registry import CHANNELS
from omnitray.alerts.channels.webhooks import retry
from omnitray.alerts.channels.webhooks.channel import WebhookChannel
from omnitray.alerts.decision import Outgoing
from omnitray.alerts.storage.history import History
from omnitray.alerts.storage.store import AlertStore
from omnitray.alerts.system import AlertSystem
from omnitray.base.clock import SystemClock
from omnitray.base.facts import AlertChannel, AlertType, Severity
from omnitray.base.paths import Paths
from omnitray.base.policy import AlertPolicy
from omnitray.settings.webhooks import WebhookSettings
from support.alerting import QuietScreen

LONG_S = 60.0
# The first wait after a failure, 5 s in the program: many lives are killed in a bearable time.
retry.FIRST_S = float(os.environ.get("OMNITRAY_BENCH_RETRY_S", retry.FIRST_S))


def main(folder: Path, url: str, first: int, count: int) -> None:
    clock = SystemClock()
    deliveries = Deliveries()
    store = AlertStore(History(folder / "alerts", clock), clock, deliveries=deliveries)
    dispatcher = Dispatcher(store, {}, clock, deliveries=deliveries)
    parts = ChannelParts(
        clock=clock,
        paths=Paths(folder, folder, folder, folder),
        deliveries=deliveries,
        listeners=Listeners(),
        screen=QuietScreen(),
        webhooks=(WebhookSettings(name="team", kind="json", url=url),),
    )
    dispatcher.open(parts, [each for each in CHANNELS if each.name == AlertChannel.WEBHOOK])
    alerts = AlertSystem(
        clock,
        AlertPolicy(),
        dispatcher,
        open_alerts=store.open_alerts(),
        channels=dispatcher.channels,
    )
    number = first
    while not count or number < first + count:
        title = f"alert {'abcdefghij'[number % 10]}{'abcdefghij'[number // 10 % 10]} {number}"
        labels = {"n": str(number)}
        raised = alerts.raise_(
            AlertType.CRITICAL, title, severity=Severity.CRITICAL, source="cli", labels=labels
        )
        certain(raised, f"firing {title}")
        if number % 2:
            over = alerts.resolve(raised.alert.fingerprint)
            if over is not None:
                certain(over, f"resolved {title}")
        number += 1
    channel = dispatcher.durable
    while isinstance(channel, WebhookChannel) and any(each.waiting for each in channel.views()):
        time.sleep(0.02)
    say("idle")
    sys.stdin.read()


def certain(outgoing: Outgoing, line: str) -> None:
    stored = outgoing.stored
    if stored is not None:
        stored.result(LONG_S)
        say(line)


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))

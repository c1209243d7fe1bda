"""What receivers do, and ``kill -9`` at 200 moments of a program that sends to one of them.

``OMNITRAY_BENCH_KILLS=100`` makes it fewer. The folders are killed side by side, and what failed is
tried again after half a second.

Beforehand each kind of receiver misbehaves in each way, twice, before it takes what waits.
"""

import os
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import NamedTuple

from omnitray.alerts.channels.deliveries import Deliveries
from omnitray.alerts.channels.webhooks import retry
from omnitray.alerts.channels.webhooks.channel import WebhookChannel
from omnitray.alerts.decision import Decision, Reason
from omnitray.base.clock import SystemClock, timestamp
from omnitray.base.facts import Severity
from omnitray.settings.webhooks import WebhookKind, WebhookSettings
from support.alerting import an_alert
from support.bench import Row, table
from support.ram import ram_folder
from support.receivers import Behaviour, StandIn, stand_in
from support.side_by_side import tell
from support.webhook_kills import AWAY, Outcome, after_kills

KILLS = int(os.environ.get("OMNITRAY_BENCH_KILLS", "200"))
KILLS_A_FOLDER = 10  # then a new one: what is left over is delivered after each
SIDE_BY_SIDE = 5  # most of a life is spent waiting

KEY = "routing-key"
RETRY_S = 0.5  # the first wait, 5 s in the program
AT_A_TIME = 4  # ways; each has a process for every kind
TIMES = 2  # so often each misbehaves
ALERTS = 3  # for each receiver; each begins and ends
PATIENCE_S = 300.0
ADDRESSES: Mapping[WebhookKind, str] = {
    "slack": "/key",
    "discord": "/key",
    "teams": "/key",
    "telegram": "/botkey/sendMessage?chat_id=1",
    "ntfy": "/topic",
    "pagerduty": "/key",
    "alertmanager": "",
    "json": "/key",
}


def _ways() -> dict[str, Behaviour]:
    """Each way to misbehave; the date is of now."""
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    return {
        "2xx at once": Behaviour(204, ""),
        "400": Behaviour(400),
        "404": Behaviour(404),
        "429, `Retry-After: 2`": Behaviour(429, "", (("Retry-After", "2"),)),
        "429, `Retry-After` as a date": Behaviour(429, "", (("Retry-After", soon),)),
        "500": Behaviour(500),
        "302 to another host": Behaviour(302, "", (("Location", "http://127.0.0.1:1/"),)),
        "does not answer": Behaviour(-2),
        "closes without an answer": Behaviour(0),
        "closes in the middle of it": Behaviour(-1),
        "answers what is no HTTP": Behaviour(0, raw=b"SSH-2.0-OpenSSH_9.2\r\n" * 9),
    }


class Met(NamedTuple):
    """Of all kinds together: ``events`` were to be told, ``told`` were."""

    way: str
    events: int
    told: int
    requests: int
    refused: int


def _met(way: str, how: Behaviour) -> Met:
    """All kinds of receivers that misbehave in one way."""
    clock = SystemClock()
    with ExitStack() as stack:
        channel = WebhookChannel(stack.enter_context(ram_folder()), clock, Deliveries())
        receivers = {kind: stack.enter_context(stand_in()) for kind in ADDRESSES}
        for each in receivers.values():
            each.script = [how] * TIMES
        hooks = [
            WebhookSettings(name=kind, kind=kind, url=each.url + ADDRESSES[kind], secret=KEY)
            for kind, each in receivers.items()
        ]
        channel.configure(hooks).result(PATIENCE_S)
        for number in range(1, ALERTS + 1):
            _put(channel, number, clock.wall(), over=False)
        for number in range(1, ALERTS + 1):
            _put(channel, number, clock.wall(), over=True)
        end = time.monotonic() + PATIENCE_S
        while any(each.waiting for each in channel.views()) and time.monotonic() < end:
            time.sleep(0.1)
        channel.stop()
        channel.join(10)
        for each in receivers.values():
            each.release.set()
        told = sum(_told(kind, each) for kind, each in receivers.items())
        requests = sum(len(each.got) for each in receivers.values())
        taken = sum(len(each.taken) for each in receivers.values())
    return Met(way, 2 * ALERTS * len(ADDRESSES), told, requests, requests - taken)


def _put(channel: WebhookChannel, number: int, at: float, *, over: bool) -> None:
    ended = {"state": "resolved", "resolved_at": timestamp(at)} if over else {}
    alert = an_alert(
        number, at=at, severity=Severity.CRITICAL, title=f"event {number} of it", **ended
    )
    reason = Reason.RESOLVED if over else Reason.NEW
    told = Decision(reason=reason, alert_id=alert.id, fingerprint=alert.fingerprint, at=at)
    channel.put(alert, told).result(PATIENCE_S)


def _told(kind: str, receiver: StandIn) -> int:
    """How many begins and ends stand in what was taken."""
    texts = [each.body.replace("\\\\", "") for each in receiver.taken]
    found = 0
    for number in range(1, ALERTS + 1):
        alert = an_alert(number)
        title = f"event {number} of it"
        if kind == "alertmanager":  # an incident's newest state stands for all before
            found += 2 * any(f"Over: {title}" in text for text in texts)
            continue
        if kind in ("pagerduty", "json"):
            texts_of_it = [text for text in texts if alert.fingerprint in text]
            steps = [("trigger", "alert.firing"), ("resolve", "alert.resolved")]
        else:
            texts_of_it = texts
            steps = [(f"▲ {title}", f'"title":"{title}"'), (f"Over: {title}",) * 2]
        for marks in steps:
            found += any(mark in text for text in texts_of_it for mark in marks)
    return found


def _matrix() -> str:
    ways = _ways()
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        met = list(pool.map(_met, ways, ways.values()))
    lines = [
        "| the receivers | to be told | told | requests | of them not taken |",
        "|---|---|---|---|---|",
    ]
    lines += [f"| {m.way} | {m.events} | {m.told} | {m.requests} | {m.refused} |" for m in met]
    return "\n".join(lines)


def _one(seed: int) -> Outcome:
    with ram_folder() as folder:
        return after_kills(folder, KILLS_A_FOLDER, seed)


def main() -> None:
    """Print the section."""
    retry.FIRST_S = RETRY_S
    tell(f"what receivers do: {len(_ways())} ways")
    print("## Webhooks: what receivers do\n")
    print(
        f"Receivers of {len(ADDRESSES)} kinds ({', '.join(ADDRESSES)}) misbehave {TIMES} times in "
        f"one way and then take what waits. To be told are the beginning and the end of {ALERTS} "
        "alerts for each; chats get what waits as one message, Alertmanager the newest state.\n"
    )
    print(_matrix() + "\n")
    start = time.monotonic()
    found = Outcome(0, 0, [], 0, [])
    os.environ["OMNITRAY_BENCH_RETRY_S"] = str(RETRY_S)
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        waiting = [pool.submit(_one, seed) for seed in range(KILLS // KILLS_A_FOLDER)]
        for number, each in enumerate(as_completed(waiting), start=1):
            found = found.with_(each.result())
            tell(f"{number * KILLS_A_FOLDER} kills, {found.certain:,} events")
    print(f"## Webhooks killed at {KILLS} moments\n")
    print(
        f"`kill -9` at {KILLS} random moments of a program that raises and resolves alerts as fast "
        "as they become durable, with one receiver of JSON behind a real socket, which answers 503 "
        f"at the start of {AWAY:.0%} of the lives. What was reported as durable is compared with "
        f"what arrived. It took {(time.monotonic() - start) / 60:.0f} minutes.\n"
    )
    print(
        table(
            [
                Row("events reported as durable", f"{found.certain:,}"),
                Row("arrivals", f"{found.arrived:,}"),
                Row("of these never arrived", f"{len(found.missing)}", "0", not found.missing),
                Row("incidents out of order", f"{len(found.unordered)}", "0", not found.unordered),
                Row(
                    "arrivals that repeat one that was under way",
                    f"{found.repeats}",
                    f"{KILLS}, one a kill",
                    found.repeats <= KILLS,
                ),
            ]
        )
    )

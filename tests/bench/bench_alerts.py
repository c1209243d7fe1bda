"""Alerts without the program around them: what a raise costs, how fast it is durable, a flood."""

import gc
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from omnitray.alerts.channels.dispatch import Dispatcher
from omnitray.alerts.decision import Decision, Receipt
from omnitray.alerts.model import Alert
from omnitray.alerts.storage.history import History
from omnitray.alerts.storage.query import AlertQuery
from omnitray.alerts.storage.store import AlertStore
from omnitray.alerts.system import AlertSystem
from omnitray.base.clock import SystemClock
from omnitray.base.facts import AlertType, Culprit, Severity
from omnitray.base.policy import AlertPolicy
from support.alerting import START, an_alert
from support.bench import Row, Spread, spread, table, within

RAISES = 5_000
STORES = 300
FLOOD = 10_000
ARCHIVED = 5_000
CONTEXT = {"cpu": 91.2, "memory": 74.0, "culprits": [Culprit(job="x", cpu=480.0, rss_bytes=1)]}
CHANCE = random.Random(20261122)  # noqa: S311 - chance, not a secret


class Nowhere:
    """A sink that costs nothing."""

    def submit(self, _alert: Alert, _decision: Decision) -> Receipt | None:
        return None

    def amend(self, _alert: Alert) -> None:
        pass


def main() -> None:
    """Print the section."""
    sys.stdout.write("## Alerts\n\n")
    sys.stdout.write(table(rows()) + "\n")


def rows() -> list[Row]:
    """All figures."""
    with tempfile.TemporaryDirectory(prefix="omnitray-bench-") as name:
        folder = Path(name)
        return [
            *_raising(),
            *_storing(folder / "a"),
            *_flood(folder / "b"),
            *_opening(folder / "c"),
        ]


def _raising() -> list[Row]:
    alerts = AlertSystem(SystemClock(), AlertPolicy(notify_from=Severity.INFO), Nowhere())
    same = _each(RAISES, lambda _: alerts.raise_(AlertType.CRITICAL, "x", message="on fire"))
    words = _words(RAISES)
    distinct = _each(
        RAISES, lambda n: alerts.raise_(AlertType.TEST_FAILED, words[n], context=CONTEXT)
    )
    return [
        within("raising a known alert", same.median * 1e6, 100, "µs", told=_us(same)),
        within("raising a new alert", distinct.median * 1e6, 100, "µs", told=_us(distinct)),
    ]


def _storing(folder: Path) -> list[Row]:
    history = History(folder, SystemClock())
    alone = _each(STORES, lambda n: history.store(an_alert(n, at=START + n)))
    history.close()
    store, dispatcher, alerts = _program(folder)
    words = _words(STORES)

    def raise_and_wait(number: int) -> None:
        raised = alerts.raise_(AlertType.TEST_FAILED, words[number], context=CONTEXT)
        if (stored := raised.stored) is not None:
            stored.result(30)

    through = _each(STORES, raise_and_wait)
    dispatcher.close()
    del store
    return [
        Row("storing an alert, durable on return", alone.scaled(1e3).told("ms", 2)),
        Row("raised → reported as stored", through.scaled(1e3).told("ms", 2)),
    ]


def _flood(folder: Path) -> list[Row]:
    store, dispatcher, alerts = _program(folder)
    words = _words(FLOOD)
    gc.collect()
    gc.freeze()  # as the program does once it is built
    begun = time.perf_counter()
    calls = _each(FLOOD, lambda n: alerts.raise_(AlertType.TEST_FAILED, words[n], context=CONTEXT))
    raised_s = time.perf_counter() - begun
    alerts.raise_(AlertType.CRITICAL, "the last one").stored.result(120)  # type: ignore[union-attr]  # a file channel is there
    durable_s = time.perf_counter() - begun
    time.sleep(alerts.next_delay_s() or 0.0)  # until the group of all of them is told
    begun = time.perf_counter()
    alerts.tick()
    tick_s = time.perf_counter() - begun
    found = len(store.query(AlertQuery()))
    dispatcher.close(30)
    worst_ms = calls.worst * 1e3
    return [
        Row(f"a flood of {FLOOD:,} different alerts: raised", f"{raised_s:.1f} s"),
        Row("… all of them durable", f"{durable_s:.1f} s"),
        within("… longest that one call held its thread", worst_ms, 50, "ms"),
        within("… telling of it", tick_s * 1e3, 50, "ms"),
        Row(
            "… found in the history afterwards", f"{found:,}", f"{FLOOD + 1:,}", found == FLOOD + 1
        ),
    ]


def _opening(folder: Path) -> list[Row]:
    clock = SystemClock()
    history = History(folder, clock)
    history.store_many(an_alert(n, at=START + n) for n in range(ARCHIVED + 500))
    history.close()
    opened = _each(20, lambda _: History(folder, clock, keep=False))
    history = History(folder, clock)
    newest = _each(50, lambda _: history.query(AlertQuery(limit=20)))
    everything = _each(5, lambda _: history.query(AlertQuery()))
    text = _each(5, lambda _: history.query(AlertQuery(text="number 77", limit=100)))
    history.close()
    held = f"500 live and {ARCHIVED:,} archived"
    return [
        within(f"opening a history of {held}", opened.median * 1e3, 200, "ms", told=_ms(opened)),
        Row("… its 20 newest", _ms(newest)),
        within("… all of it", everything.median * 1e3, 200, "ms", told=_ms(everything)),
        Row("… a search for words in all of it", _ms(text)),
    ]


def _program(folder: Path) -> tuple[AlertStore, Dispatcher, AlertSystem]:
    clock = SystemClock()
    store = AlertStore(History(folder, clock), clock)
    dispatcher = Dispatcher(store, {}, clock)
    return store, dispatcher, AlertSystem(clock, AlertPolicy(notify_from=Severity.INFO), dispatcher)


def _each(times: int, do: Callable[[int], object]) -> Spread:
    figures = []
    for number in range(times):
        begun = time.perf_counter()
        do(number)
        figures.append(time.perf_counter() - begun)
    return spread(figures)


def _words(count: int) -> list[str]:
    return ["".join(CHANCE.choices("abcdefghijklmnopqrstuvwxyz", k=9)) for _ in range(count)]


def _us(figures: Spread) -> str:
    return figures.scaled(1e6).told("µs", 0)


def _ms(figures: Spread) -> str:
    return figures.scaled(1e3).told("ms")


if __name__ == "__main__":
    main()

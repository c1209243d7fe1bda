import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from omnitray.alerts.model import Alert, State
from omnitray.alerts.storage import store as store_module
from omnitray.alerts.storage.history import History
from omnitray.alerts.storage.query import AlertQuery
from omnitray.alerts.storage.store import AlertStore
from omnitray.base.clock import SystemClock
from omnitray.base.durable import StorageError, StorageFault
from support.alerting import START, an_alert
from support.clock import FakeClock

LONG_S = 20.0


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def history(tmp_path: Path, said: list[str]) -> History:
    return History(tmp_path / "alerts", SystemClock(), live=50, report=said.append)


@pytest.fixture
def store(history: History) -> Iterator[AlertStore]:
    store = AlertStore(history, SystemClock())
    yield store
    assert store.close(LONG_S)


def test_a_submitted_alert_is_on_disk_when_its_future_is_done(store: AlertStore) -> None:
    path = store.submit(an_alert(1)).result(LONG_S)
    assert path.exists()
    assert store.path_of(an_alert(1).id) == path
    assert store.get(an_alert(1).id) == an_alert(1)
    assert store.open_alerts() == [an_alert(1)]


def test_closing_writes_what_waits_and_then_refuses(history: History, tmp_path: Path) -> None:
    store = AlertStore(history, SystemClock())
    store.submit(an_alert(1)).result(LONG_S)
    waiting = store.submit(an_alert(1, count=2), urgent=False)
    assert store.close(LONG_S)
    assert waiting.result(0).exists()
    assert isinstance(store.submit(an_alert(2)).exception(0), KeyError)
    assert store.stored(an_alert(1).id).result(0) == waiting.result(0)
    again = History(tmp_path / "alerts", SystemClock())
    assert [alert.count for alert in again.query(AlertQuery())] == [2]


class Gate:
    """Holds the writer until it is opened."""

    def __init__(self, history: History, monkeypatch: pytest.MonkeyPatch) -> None:
        self.batches: list[int] = []
        self.opened = threading.Event()
        self.reached = threading.Event()
        real = history.store_many

        def store_many(alerts: list[Alert]) -> list[Path | StorageError]:
            self.reached.set()
            assert self.opened.wait(LONG_S)
            self.batches.append(len(alerts))
            return real(alerts)

        monkeypatch.setattr(history, "store_many", store_many)


def test_what_waits_can_be_asked_for_and_is_written_in_one_batch_newest_version_only(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(history, monkeypatch)
    store = AlertStore(history, SystemClock())
    futures = [store.submit(an_alert(0))]
    assert gate.reached.wait(LONG_S)
    for number in range(1, 30):
        futures += [store.submit(an_alert(number, count=count)) for count in (1, 2, 3)]
    assert len(store.query()) == 30
    found = store.get(an_alert(7).id)
    assert found is not None
    assert found.count == 3
    assert store.path_of(an_alert(7).id) is None
    gate.opened.set()
    assert len({future.result(LONG_S) for future in futures}) == 30
    assert gate.batches == [1, 29]
    assert store.close(LONG_S)


def test_a_storm_of_one_alert_is_written_once_a_second_at_most(store: AlertStore) -> None:
    store.submit(an_alert(1)).result(LONG_S)
    futures = [store.submit(an_alert(1, count=n), urgent=False) for n in range(2, 500)]
    assert futures[-1].result(LONG_S).exists()
    assert store.statistics().written <= 3
    found = store.get(an_alert(1).id)
    assert found is not None
    assert found.count == 499


def test_a_refusing_disk_fails_the_future_and_is_tried_again(
    history: History, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("omnitray.alerts.storage.store._RETRY_S", 0.01)
    refusing = threading.Event()
    refusing.set()
    real: Callable[[int], None] = __import__("os").fsync

    def sync(handle: int) -> None:
        if refusing.is_set():
            raise OSError(28, "No space left on device")
        real(handle)

    monkeypatch.setattr("omnitray.base.durable.os.fsync", sync)
    store = AlertStore(history, SystemClock())
    assert isinstance(store.submit(an_alert(1)).exception(LONG_S), StorageError)
    assert store.get(an_alert(1).id) == an_alert(1)
    assert store.statistics().fault is not None
    refusing.clear()
    assert store.submit(an_alert(2)).result(LONG_S).exists()
    assert store.close(LONG_S)
    assert len(said) == 2
    assert store.path_of(an_alert(1).id) is not None


@pytest.mark.expect_log("cannot be written")
def test_an_alert_that_cannot_be_encoded_costs_the_others_nothing(store: AlertStore) -> None:
    poison = an_alert(2, context={"x": object()})
    futures = [store.submit(each) for each in (an_alert(1), poison, an_alert(3))]
    assert futures[0].result(LONG_S).exists()
    assert isinstance(futures[1].exception(LONG_S), TypeError)
    assert futures[2].result(LONG_S).exists()


def test_many_threads_may_ask_while_alerts_pour_in(store: AlertStore) -> None:
    wrong: list[object] = []
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            found = store.query(AlertQuery(limit=20))
            if len({alert.id for alert in found}) != len(found):
                wrong.append(found)
            store.get(an_alert(3).id)

    askers = [threading.Thread(target=ask) for _ in range(3)]
    for asker in askers:
        asker.start()
    futures = [store.submit(an_alert(number, at=START + number)) for number in range(400)]
    for future in futures:
        future.result(LONG_S)
    done.set()
    for asker in askers:
        asker.join(LONG_S)
    assert wrong == []
    assert len(store.query()) == 400


def test_order_is_made_when_it_is_quiet(
    store: AlertStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("omnitray.alerts.storage.store._SETTLE_S", 0.0)
    for number in range(60):
        store.submit(an_alert(number, at=START + number)).result(LONG_S)
    store.refresh().result(LONG_S)
    store.submit(an_alert(61, at=START + 61)).result(LONG_S)
    store.refresh().result(LONG_S)
    assert len(list((tmp_path / "alerts").glob("alert_*.json"))) == 50


def test_what_another_process_wrote_is_picked_up(store: AlertStore, tmp_path: Path) -> None:
    other = History(tmp_path / "alerts", SystemClock(), keep=False)
    other.store(an_alert(5))
    assert store.refresh().result(LONG_S) == (an_alert(5),)
    assert store.query() == [an_alert(5)]


@pytest.mark.expect_log("could not be put in order")
def test_a_fault_while_making_order_does_not_end_the_writing(
    history: History, store: AlertStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise ValueError("broken")

    with monkeypatch.context() as patch:
        patch.setattr("omnitray.alerts.storage.store._SETTLE_S", 0.0)
        patch.setattr(history, "settle", broken)
        assert store.submit(an_alert(1)).result(LONG_S).exists()
        store.refresh().result(LONG_S)
        assert store.submit(an_alert(2)).result(LONG_S).exists()
        store.refresh().result(LONG_S)


class HangingDisk:
    """A disk whose writes do not come back until it is let go; a clock that says that it hangs."""

    def __init__(self, history: History, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = FakeClock()
        self.gate = Gate(history, monkeypatch)
        self.said: list[str] = []
        self.store = AlertStore(history, self.clock, report=self.said.append)

    def hang(self, first: Alert) -> None:
        self.store.put(first)
        assert self.gate.reached.wait(LONG_S)
        self.clock.advance(store_module.HANGS_S + 1.0)


@pytest.fixture
def hanging_disk(history: History, monkeypatch: pytest.MonkeyPatch) -> Iterator[HangingDisk]:
    monkeypatch.setattr(store_module, "MOST_UNSAVED", 100)
    monkeypatch.setattr(store_module, "MOST_UNSAVED_BYTES", 200_000)
    disk = HangingDisk(history, monkeypatch)
    yield disk
    disk.gate.opened.set()
    assert disk.store.close(LONG_S)


def test_while_a_write_hangs_what_waits_is_bounded_and_what_is_open_is_known(
    hanging_disk: HangingDisk, said: list[str], tmp_path: Path
) -> None:
    store = hanging_disk.store
    hanging_disk.hang(an_alert(0))
    firing = {number for number in range(1, 3000) if number % 100 == 1}
    for number in range(1, 3000):
        state: State = "firing" if number in firing else "resolved"
        store.put(an_alert(number, at=START + number, state=state, message="m" * 900))
        assert store.statistics().waiting <= 151
    assert {int(alert.id, 16) for alert in store.open_alerts()} == firing | {0}
    assert store.statistics().fault is not None
    assert "does not answer" in str(store.statistics().fault)
    assert ["does not answer" in each for each in hanging_disk.said] == [True, False]
    hanging_disk.gate.opened.set()
    assert store.stored(an_alert(2901).id).result(LONG_S).exists()
    assert store.close(LONG_S)
    assert sum("answers again" in each for each in hanging_disk.said) == 1
    again = History(tmp_path / "alerts", SystemClock(), live=500, report=said.append)
    assert {int(alert.id, 16) for alert in again.open_alerts()} == firing | {0}
    again.close()


def test_while_a_write_hangs_large_alerts_lose_their_context_and_stay(
    hanging_disk: HangingDisk,
) -> None:
    store = hanging_disk.store
    hanging_disk.hang(an_alert(0))
    for number in range(1, 120):
        store.put(an_alert(number, at=START + number, context={"large": "x" * 20_000}))
    found = store.open_alerts()
    assert len(found) == 120
    assert sum(len(msgspec.json.encode(alert)) for alert in found) <= 200_000 + 50 * 21_000
    assert found[0].context == {"large": "x" * 20_000}
    assert "context_removed" in found[-2].context


def test_what_is_over_is_not_let_go_while_its_file_says_that_it_is_open(
    hanging_disk: HangingDisk, tmp_path: Path, said: list[str]
) -> None:
    store = hanging_disk.store
    hanging_disk.gate.opened.set()
    for number in range(1, 20):
        store.submit(an_alert(number, at=START + number)).result(LONG_S)
    hanging_disk.gate.opened.clear()
    hanging_disk.gate.reached.clear()
    hanging_disk.hang(an_alert(0))
    for number in range(20):
        store.put(an_alert(number, at=START + number, state="resolved", message="m" * 900))
    for number in range(100, 900):
        store.put(an_alert(number, at=START + number, state="resolved", message="m" * 900))
    assert store.open_alerts() == []
    hanging_disk.gate.opened.set()
    assert store.close(LONG_S)
    again = History(tmp_path / "alerts", SystemClock(), live=500, report=said.append)
    assert again.open_alerts() == []
    again.close()


def test_who_waits_for_an_alert_that_is_let_go_hears_of_it(hanging_disk: HangingDisk) -> None:
    store = hanging_disk.store
    hanging_disk.hang(an_alert(0))
    waiting = [
        store.submit(an_alert(number, at=START + number, state="resolved"))
        for number in range(1, 300)
    ]
    refused = [each.exception(0) for each in waiting if each.done()]
    assert len(refused) >= 150
    assert all(isinstance(each, StorageError) for each in refused)
    assert {each.fault for each in refused if isinstance(each, StorageError)} == {
        StorageFault.HANGS
    }
    hanging_disk.gate.opened.set()
    assert all(each.result(LONG_S).exists() for each in waiting if not each.exception(LONG_S))


def test_all_who_wait_for_one_alert_wait_for_one_thing(hanging_disk: HangingDisk) -> None:
    hanging_disk.hang(an_alert(0))
    assert len({id(hanging_disk.store.stored(an_alert(0).id)) for _ in range(100)}) == 1


def test_a_flood_on_a_disk_that_works_loses_nothing(hanging_disk: HangingDisk) -> None:
    store = hanging_disk.store
    store.put(an_alert(0))
    assert hanging_disk.gate.reached.wait(LONG_S)
    for number in range(1, 1000):
        store.put(an_alert(number, at=START + number, state="resolved"))
    assert store.statistics().waiting == 1000
    assert store.statistics().fault is None

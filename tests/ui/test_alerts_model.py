import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester

from omnitray.alerts.storage.query import AlertQuery
from omnitray.base.clock import timestamp
from omnitray.base.facts import AlertType, Severity
from omnitray.ui.pages.alerts.model import ALERT, PAGE, AlertsModel
from omnitray.ui.pages.alerts.text import AlertColumn, times
from support import samples
from support.samples import NOW, ListedAlerts

FATAL = QAbstractItemModelTester.FailureReportingMode.Fatal


@pytest.fixture
def source(qapp: object) -> ListedAlerts:  # noqa: ARG001 - a model needs the application
    return ListedAlerts(samples.many_alerts(450))


@pytest.fixture
def model(source: ListedAlerts) -> AlertsModel:
    made = AlertsModel(source, lambda: NOW)
    QAbstractItemModelTester(made, FATAL, made)
    made.ask(AlertQuery())
    return made


def ids(model: AlertsModel) -> list[str]:
    return [model.index(row, 0).data(ALERT).id for row in range(model.rowCount())]


def test_pages_are_fetched_as_they_are_wanted(model: AlertsModel, source: ListedAlerts) -> None:
    assert model.rowCount() == PAGE
    model.fetch_page()
    model.fetch_page()
    assert model.rowCount() == 450
    assert not model.has_more
    assert [query.offset for query in source.asked] == [0, PAGE, 2 * PAGE]
    assert len(set(ids(model))) == 450


def test_a_new_alert_comes_on_top_and_does_not_upset_the_pages(
    model: AlertsModel, source: ListedAlerts
) -> None:
    new = samples.alert(9999, -5, AlertType.CRITICAL, Severity.CRITICAL, "New", "")
    source.alerts.insert(0, new)
    model.take([new])
    assert ids(model)[0] == new.id
    model.fetch_page()
    model.fetch_page()
    assert len(ids(model)) == len(set(ids(model))) == 451


def test_an_alert_seen_again_moves_up_in_its_row(model: AlertsModel) -> None:
    old = model.index(120, 0).data(ALERT)
    again = msgspec.structs.replace(old, last_seen=timestamp(NOW + 1), count=2)
    model.take([again])
    assert ids(model)[0] == old.id
    assert model.rowCount() == PAGE
    assert model.index(0, 0).data(ALERT).count == 2


def test_a_change_of_state_stays_in_place(model: AlertsModel) -> None:
    old = model.index(7, 0).data(ALERT)
    model.take([msgspec.structs.replace(old, state="acknowledged")])
    assert model.index(7, AlertColumn.STATE).data() == "acknowledged"


def test_an_alert_that_no_longer_fits_the_filter_goes(model: AlertsModel) -> None:
    model.ask(AlertQuery(states=frozenset({"resolved"})))
    first = model.index(0, 0).data(ALERT)
    count = model.rowCount()
    model.take([msgspec.structs.replace(first, state="firing")])
    assert model.rowCount() == count - 1
    assert first.id not in ids(model)


def test_an_alert_that_does_not_fit_is_not_shown(model: AlertsModel) -> None:
    model.ask(AlertQuery(text="number 3"))
    before = ids(model)
    model.take([samples.alert(9999, -5, AlertType.CRITICAL, Severity.CRITICAL, "New", "")])
    assert ids(model) == before


def test_every_cell_has_words_for_a_screen_reader(model: AlertsModel) -> None:
    for column in AlertColumn:
        words = model.index(0, column).data(Qt.ItemDataRole.AccessibleTextRole)
        assert words


def test_many_newer_versions_are_one_change_and_keep_their_rows() -> None:
    alerts = samples.many_alerts(50)
    model = AlertsModel(ListedAlerts(alerts), lambda: NOW)
    model.ask(AlertQuery())
    told: list[tuple[int, int]] = []
    model.dataChanged.connect(lambda first, last: told.append((first.row(), last.row())))
    before = [each.id for each in map(model.alert_at, range(50)) if each]
    model.take([msgspec.structs.replace(each, state="acknowledged") for each in alerts])
    assert told == [(0, 49)]
    assert [each.id for each in map(model.alert_at, range(50)) if each] == before


def test_many_that_come_go_and_change_are_in_order_and_none_twice() -> None:
    alerts = samples.many_alerts(60)
    model = AlertsModel(ListedAlerts(alerts[20:]), lambda: NOW)
    model.ask(AlertQuery(states=frozenset(["firing", "acknowledged"])))
    gone = [msgspec.structs.replace(each, state="resolved") for each in alerts[20:40]]
    model.take([*alerts[:20], *gone])
    rows = [each for each in map(model.alert_at, range(model.rowCount())) if each]
    seen = [each.last_seen for each in rows]
    assert seen == sorted(seen, reverse=True)
    wanted = [each.id for each in (*alerts[:20], *alerts[40:]) if each.state != "resolved"]
    assert sorted(each.id for each in rows) == sorted(wanted)


@pytest.mark.parametrize(
    ("source", "lasted_s", "said"),
    [
        ("monitor", 190.0, "for 3 min"),
        ("monitor", 2 * 3600.0 + 300.0, "for 2 h"),
        ("pytest", 190.0, "64 times"),
    ],
)
def test_a_state_that_has_not_ended_is_one_and_says_how_long(
    source: str, lasted_s: float, said: str
) -> None:
    alert = msgspec.structs.replace(
        samples.alerts()[0],
        source=source,
        count=64,
        first_seen=timestamp(NOW - lasted_s),
        last_seen=timestamp(NOW),
    )
    assert times(alert) == said
    assert times(msgspec.structs.replace(alert, count=1)) == ""

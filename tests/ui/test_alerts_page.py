from pathlib import Path

import msgspec
import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QFontMetrics, QGuiApplication, QHelpEvent
from PySide6.QtWidgets import (
    QApplication,
    QLabel,
    QPushButton,
    QStyleOptionViewItem,
    QToolTip,
    QWidget,
)
from pytestqt.qtbot import QtBot

from omnitray.alerts.storage.query import AlertQuery
from omnitray.base.clock import timestamp
from omnitray.base.facts import AlertType, Severity
from omnitray.protector.view import ActionOutcome, JournalLine, ProtectionView
from omnitray.ui import formats
from omnitray.ui.pages.alerts import text
from omnitray.ui.pages.alerts.delegate import AlertDelegate, two_lines
from omnitray.ui.pages.alerts.page import NONE_FIT, NONE_YET, AlertsPage
from omnitray.ui.pages.alerts.text import AlertColumn
from omnitray.ui.widgets.export import completed
from omnitray.ui.widgets.labels import Paragraph
from support import samples
from support.fitting import cut_off
from support.keys import CTRL, click, press, type_text
from support.pages import page_context
from support.samples import NOW, ListedAlerts
from support.shown import plain


class Opened:
    """The page over the sample alerts, with what it asked for."""

    def __init__(self, qtbot: QtBot, source: ListedAlerts) -> None:
        self.source = source
        self.suffixes: list[str] = []
        self.page = AlertsPage(page_context(source), self.ask)
        self.page.reload()
        qtbot.addWidget(self.page)
        self.page.resize(900, 560)
        with qtbot.waitExposed(self.page):
            self.page.show()
        self.asked: list[tuple[object, ...]] = []
        for name in ("acknowledge", "resolve", "snooze", "open_file", "export"):
            getattr(self.page.context.intents, f"{name}_requested").connect(
                lambda *values, name=name: self.asked.append((name, *values))
            )

    def ask(self, parent: QWidget, suffix: str) -> str:  # noqa: ARG002 - the shape of the seam
        self.suffixes.append(suffix)
        return f"/tmp/out.{suffix}"

    def said(self) -> str:
        """All words of the detail panel."""
        labels = self.page.detail.findChildren(QLabel)
        return "\n".join(plain(label.text()) for label in labels if label.isVisibleTo(self.page))


@pytest.fixture
def opened(qtbot: QtBot) -> Opened:
    return Opened(qtbot, ListedAlerts(samples.alerts()))


def test_the_newest_alert_is_shown_with_its_context_and_culprits(opened: Opened) -> None:
    said = opened.said()
    assert "Memory 93 %: pytest · ~/shop" in said
    assert "RESOURCE_CRITICAL · monitor · first" in said
    assert "pytest gw3" in said
    assert "pid 41213" in said
    assert "98 % · 9.8 GB" in said
    assert "resumed by you" in said


def test_a_title_without_room_keeps_who_it_was_and_its_tooltip_has_all(
    opened: Opened, qtbot: QtBot
) -> None:
    long = "CPU 100 %: python3 -m very.long.name.of.a.module --with --many --options · ~/shop"
    alert = samples.alert(9, 1, AlertType.RESOURCE_CRITICAL, Severity.WARNING, long, "")
    opened.page.take_alerts([alert])
    view, delegate = opened.page.view, opened.page.view.itemDelegate()
    assert isinstance(delegate, AlertDelegate)
    index = opened.page.model.index(0, AlertColumn.ALERT)
    option = QStyleOptionViewItem()
    option.rect, option.font = view.visualRect(index), view.font()
    assert delegate.cut_text(option, index) == long
    place = option.rect.center()
    event = QHelpEvent(QEvent.Type.ToolTip, place, view.viewport().mapToGlobal(place))
    assert delegate.helpEvent(event, view, option, index)
    qtbot.waitUntil(lambda: plain(QToolTip.text()).replace("\n", "") == long)
    QToolTip.hideText()
    option.rect.setWidth(4000)
    assert delegate.cut_text(option, index) == ""


def test_a_title_too_long_for_a_line_takes_the_one_below(opened: Opened) -> None:
    metrics = QFontMetrics(opened.page.view.font())
    title = "Would have slowed down python mutate.py · /tmp/mut"
    room = metrics.horizontalAdvance("Would have slowed down pyth")
    assert two_lines(title, metrics, room) == (
        "Would have slowed down",
        "python mutate.py · /tmp/mut",
    )
    assert two_lines("short", metrics, room) == ("short", "")
    assert two_lines("x" * 200, metrics, room) == ("x" * 200, "")


def test_the_name_of_a_culprit_stands_whole_above_its_figures(opened: Opened) -> None:
    name = "python3 -m a.module.with.a.rather.long.name · ~/a/project/with/a/name"
    figure = "107 % of one core, 56 % of what is in use"
    context: dict[str, object] = {"culprits": [{"job": name, "figure": figure, "pid": 7}]}
    kind, severity = AlertType.RESOURCE_CRITICAL, Severity.WARNING
    alert = samples.alert(9, 1, kind, severity, "CPU", "", context=context)
    opened.page.take_alerts([alert])
    opened.page.view.setCurrentIndex(opened.page.model.index(0, 0))
    words = opened.page.detail.findChildren(Paragraph)
    named = next(each for each in words if each.accessibleName() == name)
    figures = next(each for each in words if each.accessibleName() == f"{figure} · pid 7")
    QApplication.processEvents()
    assert named.geometry().bottom() < figures.geometry().top()
    assert cut_off(opened.page.detail) == []


def test_typing_filters_after_a_short_pause(opened: Opened, qtbot: QtBot) -> None:
    type_text(opened.page.filter.text, "timed out")
    qtbot.waitUntil(lambda: opened.page.model.rowCount() == 1)
    assert "test_import_big" in opened.said()


def test_each_selector_narrows_the_query(opened: Opened) -> None:
    page = opened.page
    for choice, value in (
        (page.filter.kind, AlertType.SERVER_DOWN),
        (page.filter.severity, Severity.CRITICAL),
        (page.filter.state, "firing"),
        (page.filter.time, 3600.0),
    ):
        choice.show_value(value)
    page.reload()
    assert page.query() == AlertQuery(
        types=frozenset({AlertType.SERVER_DOWN}),
        severities=frozenset({Severity.CRITICAL}),
        states=frozenset({"firing"}),
        since=NOW - 3600,
    )
    assert page.model.rowCount() == 1


def test_an_empty_filter_says_so_and_offers_the_way_back(opened: Opened, qtbot: QtBot) -> None:
    type_text(opened.page.filter.text, "nothing of the kind")
    qtbot.waitUntil(lambda: opened.page.model.rowCount() == 0)
    assert opened.page.empty.isVisible()
    assert opened.page.empty.text() == NONE_FIT
    click(opened.page.show_all)
    assert opened.page.model.rowCount() == len(samples.alerts())
    assert not opened.page.empty.isVisible()


def test_an_empty_history_says_what_would_be_there(qtbot: QtBot) -> None:
    opened = Opened(qtbot, ListedAlerts())
    assert opened.page.empty.text() == NONE_YET
    assert not opened.page.show_all.isVisible()
    assert not opened.page.detail.acknowledge.isVisible()


def test_buttons_and_keys_carry_the_alert_that_is_shown(opened: Opened) -> None:
    click(opened.page.detail.acknowledge)
    opened.page.view.setFocus()
    press(opened.page.view, Qt.Key.Key_O)
    press(opened.page.view, Qt.Key.Key_A)
    assert opened.asked == [
        ("acknowledge", ("a00002",)),
        ("open_file", "a00002"),
        ("acknowledge", ("a00002",)),
    ]


def test_resolve_has_a_button_and_a_key(opened: Opened) -> None:
    click(opened.page.detail.resolve)
    opened.page.view.setFocus()
    press(opened.page.view, Qt.Key.Key_R)
    assert opened.asked == [("resolve", ("a00002",)), ("resolve", ("a00002",))]


def test_all_selected_alerts_are_acted_on_and_the_buttons_say_how_many(opened: Opened) -> None:
    firing = [each.id for each in opened.source.alerts if each.state == "firing"]
    still_open = [each.id for each in opened.source.alerts if each.state != "resolved"]
    opened.page.view.setFocus()
    press(opened.page.view, Qt.Key.Key_A, CTRL)
    detail = opened.page.detail
    assert detail.acknowledge.text() == f"Acknowledge {len(firing)}"
    assert detail.resolve.text() == f"Resolve {len(still_open)}"
    click(detail.acknowledge)
    click(detail.resolve)
    (first, acknowledged), (second, resolved) = opened.asked
    assert (first, second) == ("acknowledge", "resolve")  # one request each, however many
    assert isinstance(acknowledged, tuple)
    assert isinstance(resolved, tuple)
    assert sorted(acknowledged) == sorted(firing)
    assert sorted(resolved) == sorted(still_open)


def test_a_selection_follows_the_alerts_that_end_meanwhile(opened: Opened) -> None:
    opened.page.view.selectAll()
    for each in opened.source.alerts:
        opened.page.take_alerts([msgspec.structs.replace(each, state="resolved")])
    assert opened.page.detail.resolve.text() == "Resolve"
    assert not opened.page.detail.resolve.isEnabled()


def test_snoozing_until_tomorrow_ends_at_eight_in_the_morning(opened: Opened) -> None:
    hour, night = opened.page.detail.snooze_menu.actions()
    hour.trigger()
    night.trigger()
    assert opened.asked[0] == ("snooze", "a00002", 3600.0)
    kind, alert_id, seconds = opened.asked[1]
    assert (kind, alert_id) == ("snooze", "a00002")
    assert isinstance(seconds, float)
    assert 3600 <= seconds <= 29 * 3600


def test_a_resolved_alert_can_be_neither_acknowledged_nor_snoozed(opened: Opened) -> None:
    opened.page.select("a00006")
    assert not opened.page.detail.acknowledge.isEnabled()
    assert not opened.page.detail.resolve.isEnabled()
    assert not opened.page.detail.snooze.isEnabled()


def test_copy_puts_everything_on_the_clipboard(opened: Opened) -> None:
    opened.page.view.setFocus()
    press(opened.page.view, Qt.Key.Key_C, CTRL)
    text = QGuiApplication.clipboard().text()
    assert text.startswith("Memory 93 %: pytest · ~/shop\nRESOURCE_CRITICAL")
    assert "pytest gw1 pid 41210 97 % · 2.1 GB" in text


def test_export_carries_the_filter_in_force_and_the_path(opened: Opened) -> None:
    json, csv = opened.page.export_menu.actions()
    json.trigger()
    csv.trigger()
    assert opened.suffixes == ["json", "csv"]
    assert opened.asked == [
        ("export", AlertQuery(), "/tmp/out.json"),
        ("export", AlertQuery(), "/tmp/out.csv"),
    ]


def test_details_of_an_alert_are_found_behind_a_filter_and_far_down(qtbot: QtBot) -> None:
    opened = Opened(qtbot, ListedAlerts(samples.many_alerts(900)))
    opened.page.filter.text.setText("number 3")
    opened.page.reload()
    opened.page.select("a00777")
    assert opened.page.detail.alert is not None
    assert opened.page.detail.alert.id == "a00777"
    assert opened.page.filter.text.text() == ""


def test_details_of_an_unknown_alert_leave_the_page_in_order(opened: Opened) -> None:
    opened.page.select("gone")
    assert opened.page.model.rowCount() == len(samples.alerts())


def test_the_panel_follows_the_alert_that_changes(opened: Opened) -> None:
    alert = opened.page.detail.alert
    assert alert is not None
    opened.page.take_alerts([msgspec.structs.replace(alert, state="acknowledged")])
    assert "acknowledged" in [pill.accessibleName() for pill in opened.page.detail.pills()]
    assert not opened.page.detail.acknowledge.isEnabled()


def test_a_new_alert_does_not_take_the_selection_away(opened: Opened) -> None:
    opened.page.select("a00005")
    new = samples.alert(99, -5, AlertType.CRITICAL, Severity.CRITICAL, "New", "")
    opened.page.take_alerts([new])
    assert opened.page.detail.alert is not None
    assert opened.page.detail.alert.id == "a00005"
    assert opened.page.view.currentIndex().row() == 5


def test_arrow_keys_walk_through_the_history(opened: Opened) -> None:
    opened.page.view.setFocus()
    press(opened.page.view, Qt.Key.Key_Down)
    assert "Server “api” is down" in opened.said()


def test_scrolling_down_fetches_page_after_page_before_the_end_is_seen(qtbot: QtBot) -> None:
    opened = Opened(qtbot, ListedAlerts(samples.many_alerts(500)))
    assert len(opened.source.asked) == 1
    opened.page.view.setFocus()
    for _ in range(4):
        press(opened.page.view, Qt.Key.Key_End)
    assert opened.page.model.rowCount() == 500
    assert "Alert number 499" in opened.said()


def test_what_else_the_context_holds_is_said_in_words(qtbot: QtBot) -> None:
    context: dict[str, object] = {"others_wait": True, "threshold": 85.0}
    alert = samples.alert(1, 0, AlertType.CRITICAL, Severity.INFO, "t", "", context=context)
    said = Opened(qtbot, ListedAlerts([alert])).said()
    assert "Somebody feels it\nyes" in said
    assert "Threshold\n85" in said


def test_the_codes_of_the_protector_are_shown_in_words(qtbot: QtBot) -> None:
    context: dict[str, object] = {"rung": "slow_down", "reason": "memory_over"}
    alert = samples.alert(1, 0, AlertType.CRITICAL, Severity.INFO, "t", "", context=context)
    said = Opened(qtbot, ListedAlerts([alert])).said()
    assert "Step\nslowed down" in said
    assert "Reason\nmemory is over the limit, and it is a good part of the cause" in said


def test_what_is_not_known_is_left_out_and_lists_stand_in_lines(qtbot: QtBot) -> None:
    context: dict[str, object] = {
        "server": "my_api",
        "state": "crash_loop",
        "pid": None,
        "signal": None,
        "log_tail": ["boot", "ValueError: bad", *(f"line {number}" for number in range(20))],
        "limits": {"cpu_percent": 80.0, "since": None},
    }
    alert = samples.alert(1, 0, AlertType.SERVER_DOWN, Severity.INFO, "t", "", context=context)
    rows = dict(text.measured(alert))
    assert rows["Server"] == "my_api"
    assert rows["State"] == "crash loop"
    assert rows["Log tail"].splitlines()[:2] == ["… 2 more above", "line 0"]
    assert rows["Limits"] == "Cpu percent: 80"
    assert not {"Pid", "Signal"} & set(rows)
    assert "None" not in Opened(qtbot, ListedAlerts([alert])).said()
    assert "  Log tail:\n    … 2 more above\n    line 0" in text.as_text(alert, NOW)


def test_what_was_done_has_its_time_who_asked_and_what_became_of_it(qtbot: QtBot) -> None:
    at = NOW - 300.0
    entries = [
        {"at": timestamp(at), "what": "paused make", "by": "you", "action_id": "t-1.a"},
        {"at": timestamp(at + 60.0), "what": "ended jest", "action_id": "t-2.a"},
        {"at": "some day", "what": "of another program"},
    ]
    context: dict[str, object] = {"actions": entries}
    alert = samples.alert(1, 0, AlertType.CRITICAL, Severity.INFO, "t", "", context=context)
    held = JournalLine(
        action_id="t-1", at=at, what="paused make", why="", outcome=ActionOutcome.REVERSIBLE
    )
    back = msgspec.structs.replace(held, outcome=ActionOutcome.UNDONE, undone_at=at + 90.0)
    paused = f"{formats.clock_time(at)} paused make · you"
    opened = Opened(qtbot, ListedAlerts([alert]))
    assert paused in plain(opened.said())
    for line, became in (
        (held, "in force"),
        (back, f"given back {formats.clock_time(at + 90.0)}"),
        (msgspec.structs.replace(back, undone_at=None), "ended meanwhile"),
    ):
        opened.page.context.facts.view = ProtectionView(journal=(line,))
        opened.page.show_view()
        assert f"{paused} · {became}" in plain(opened.said())
    assert f"{formats.clock_time(at + 60.0)} ended jest" in plain(opened.said())
    assert "of another program" in opened.said()
    assert "paused make · you · ended meanwhile" in opened.page.detail.copied_text()


@pytest.mark.parametrize("at", ["some day", "0001-01-01T00:00:00+10:00", 12, None])
def test_what_was_done_is_shown_without_a_time_that_is_none(at: object) -> None:
    context: dict[str, object] = {"actions": [{"at": at, "what": "of another program"}]}
    alert = samples.alert(1, 0, AlertType.CRITICAL, Severity.INFO, "t", "", context=context)
    assert text.done(alert, NOW) == ["of another program"]


def test_a_reason_that_somebody_else_wrote_is_shown_as_it_is(qtbot: QtBot) -> None:
    context: dict[str, object] = {"reason": "the server_said so"}
    alert = samples.alert(1, 0, AlertType.CRITICAL, Severity.INFO, "t", "", context=context)
    assert "Reason\nthe server_said so" in Opened(qtbot, ListedAlerts([alert])).said()


def test_an_export_never_replaces_a_file_that_was_not_asked_about(tmp_path: Path) -> None:
    there = tmp_path / "alerts.csv"
    there.write_text("precious")
    asked: list[Path] = []

    def refuse(whole: Path) -> bool:
        asked.append(whole)
        return False

    assert completed(str(tmp_path / "alerts"), "csv", refuse) == ""
    assert asked == [there]
    assert completed(str(tmp_path / "alerts"), "csv", lambda _: True) == str(there)
    assert completed(str(tmp_path / "new"), "csv", refuse) == str(tmp_path / "new.csv")
    assert completed(str(there), "csv", refuse) == str(there)  # the dialog has asked about it
    assert completed("", "csv", refuse) == ""
    assert asked == [there]


def test_the_tab_key_comes_to_the_buttons_one_after_the_other(opened: Opened) -> None:
    seen: list[str] = []
    opened.page.view.setFocus()
    for _ in range(5):
        focused = opened.page.window().focusWidget()
        assert focused is not None
        press(focused, Qt.Key.Key_Tab)
        focused = opened.page.window().focusWidget()
        assert isinstance(focused, QPushButton)
        seen.append(focused.text())
    assert seen == ["Acknowledge", "Resolve", "Snooze ▾", "Open file", "Copy"]

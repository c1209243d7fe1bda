import base64

import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QSignalSpy
from PySide6.QtWidgets import QAbstractButton, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from omnitray.api.status import Status
from omnitray.base.facts import AlertType, Mode, MonitorLevel, Severity
from omnitray.protector.view import ProtectionView
from omnitray.settings.model import Settings
from omnitray.ui.pages.alerts.page import AlertsPage
from omnitray.ui.pages.overview import OverviewPage
from omnitray.ui.pages.processes.page import ProcessesPage
from omnitray.ui.pages.protection.page import ProtectionPage
from omnitray.ui.pages.registry import PAGES
from omnitray.ui.shell import HOW_TO_GET_ONE, NO_TRAY, NO_TRAY_HINT, NO_TRAY_NOTE
from omnitray.ui.theme import DARK, Theme
from omnitray.ui.tray.menu import MainMenu
from omnitray.ui.window import MainWindow
from omnitray.ui.window_place import NoPlaces, Place
from support import samples
from support.clock import FakeClock
from support.keys import CTRL, click, press
from support.pages import built
from support.samples import ListedAlerts

NAMES = [page.name for page in PAGES]


@pytest.fixture
def places() -> NoPlaces:
    return NoPlaces()


@pytest.fixture
def window(qtbot: QtBot, places: NoPlaces) -> MainWindow:
    clock = FakeClock()
    clock.jump_wall(samples.NOW - clock.wall())
    made = MainWindow(
        ListedAlerts(samples.alerts()),
        places=places,
        clock=clock,
        theme=Theme(Qt.ColorScheme.Light),
    )
    qtbot.addWidget(made)
    return made


def feed(window: MainWindow) -> None:
    window.show_settings(Settings())
    window.set_history(samples.snapshots())
    window.set_alert_history(samples.alerts())
    window.show_jobs(samples.jobs())
    window.show_actions(samples.protection())
    window.show_status(samples.status())


def shown(window: MainWindow, qtbot: QtBot) -> MainWindow:
    with qtbot.waitExposed(window):
        window.show_now()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    return window


def test_pages_are_built_when_they_are_first_shown_and_get_the_newest_facts(
    window: MainWindow, qtbot: QtBot
) -> None:
    feed(window)
    shown(window, qtbot)
    assert window.pages.count() == 1
    window.show_page("processes")
    assert window.pages.count() == 2
    processes = built(window, ProcessesPage)
    assert processes.model.rowCount() == len(samples.jobs())


@pytest.mark.parametrize(("number", "page"), list(enumerate(NAMES, start=1)))
def test_ctrl_and_a_figure_turn_to_a_page(
    window: MainWindow, qtbot: QtBot, number: int, page: str
) -> None:
    shown(window, qtbot)
    press(window, Qt.Key(Qt.Key.Key_0 + number), CTRL)
    assert window.page == page


def test_the_status_is_said_in_a_sentence_and_the_selectors_follow(window: MainWindow) -> None:
    window.show_status(samples.status(mode=Mode.PROD, chosen_level=MonitorLevel.INTENSIVE))
    assert window.header.headline.accessibleName() == "Memory 93 %: pytest · ~/shop and 1 more"
    assert window.header.mode.value == Mode.PROD
    assert window.header.level.value == MonitorLevel.INTENSIVE
    held = samples.status(level=MonitorLevel.CRITICAL, level_reason="asked for by server api")
    window.show_status(held)
    assert window.header.level.value is None  # yours is automatic
    assert "critical, asked for by server api" in window.header.level.accessibleDescription()
    assert window.footer.words.text().startswith("OmniTray itself: 0.12 % of one core · 71 MB")


def test_alerts_that_wait_are_counted_in_the_sidebar(window: MainWindow) -> None:
    window.show_status(samples.status())
    buttons = window.sidebar.findChildren(QAbstractButton)
    assert "Alerts, 2 waiting" in [each.accessibleName() for each in buttons]
    window.show_status(Status())
    assert "Alerts" in [each.accessibleName() for each in buttons]


def test_selectors_ask_and_do_not_set(window: MainWindow, qtbot: QtBot) -> None:
    shown(window, qtbot)
    window.show_status(Status(mode=Mode.DEV))
    modes, levels = (
        QSignalSpy(window.intents.mode_requested),
        QSignalSpy(window.intents.level_requested),
    )
    click(window.header.mode.findChildren(QAbstractButton)[1])
    window.header.level.chosen.emit(None)
    assert modes.at(0) == [Mode.TEST]
    assert levels.at(0) == [None]


def test_a_notification_opens_on_its_very_alert(window: MainWindow, qtbot: QtBot) -> None:
    feed(window)
    shown(window, qtbot)
    window.show_alert_details("a00006")
    assert window.page == "alerts"
    alerts = built(window, AlertsPage)
    assert alerts.detail.alert is not None
    assert alerts.detail.alert.id == "a00006"


def test_an_alert_that_is_raised_reaches_the_open_history_and_the_charts(
    window: MainWindow, qtbot: QtBot
) -> None:
    feed(window)
    shown(window, qtbot)
    window.show_page("alerts")
    new = samples.alert(77, -1, AlertType.CRITICAL, Severity.CRITICAL, "New", "")
    window.show_alerts([new])
    alerts, overview = built(window, AlertsPage), built(window, OverviewPage)
    assert alerts.model.row_of(new.id) == 0
    chart = overview.cards["CPU"].chart
    chart.point_at(-1.0)
    qtbot.waitUntil(lambda: " · New" in chart.crosshair_text())


def test_nothing_is_painted_while_the_window_is_hidden(window: MainWindow, qtbot: QtBot) -> None:
    feed(window)
    shown(window, qtbot)
    overview = built(window, OverviewPage)
    charts = [card.chart for card in overview.cards.values()]
    qtbot.waitUntil(lambda: all(chart.paints for chart in charts))
    window.close()
    before = [chart.paints for chart in charts]
    window.add_snapshot(msgspec.structs.replace(samples.snapshots(3)[-1], monotonic_s=90_005.0))
    qtbot.wait(30)
    assert [chart.paints for chart in charts] == before


def test_what_came_while_hidden_is_there_at_the_next_show(window: MainWindow, qtbot: QtBot) -> None:
    feed(window)
    last = samples.snapshots(3)[-1]
    window.add_snapshot(
        msgspec.structs.replace(
            last, monotonic_s=90_005.0, taken_at=samples.NOW + 5, cpu_percent=77.0
        )
    )
    shown(window, qtbot)
    overview = built(window, OverviewPage)
    assert overview.cards["CPU"].value.text() == "77 %"


def test_the_window_remembers_page_range_and_geometry(
    window: MainWindow, qtbot: QtBot, places: NoPlaces
) -> None:
    shown(window, qtbot)
    overview = built(window, OverviewPage)
    overview.range.chosen.emit(900.0)
    window.resize(780, 650)  # the offscreen screen is 800 by 800
    window.show_page("alerts")
    window.close()
    kept = places.load()
    assert kept.page == "alerts"
    assert kept.range_s == 900.0
    again = MainWindow(ListedAlerts(), places=places)
    qtbot.addWidget(again)
    assert again.page == "alerts"
    assert (again.width(), again.height()) == (780, 650)
    again.show_page("overview")
    assert built(again, OverviewPage).range.value == 900.0


@pytest.mark.parametrize(
    "place",
    [
        Place(geometry="not base64 !", page="nowhere", range_s=-3.0),
        Place(geometry=base64.b64encode(b"x" * 40).decode()),
    ],
)
def test_a_place_that_makes_no_sense_gives_the_default(qtbot: QtBot, place: Place) -> None:
    places = NoPlaces()
    places.save(place)
    window = MainWindow(ListedAlerts(), places=places)
    qtbot.addWidget(window)
    assert window.page == "overview"
    assert (window.width(), window.height()) == (960, 640)
    assert built(window, OverviewPage).range.value == 300.0


def test_ctrl_f_goes_to_the_filter_of_the_page(window: MainWindow, qtbot: QtBot) -> None:
    shown(window, qtbot)
    window.show_page("processes")
    press(window, Qt.Key.Key_F, CTRL)
    qtbot.waitUntil(built(window, ProcessesPage).filter.hasFocus)


def test_ctrl_f_on_a_page_without_a_filter_searches_the_alerts(
    window: MainWindow, qtbot: QtBot
) -> None:
    shown(window, qtbot)
    press(window, Qt.Key.Key_F, CTRL)
    assert window.page == "alerts"


def test_escape_clears_the_filter_then_hides_the_window(window: MainWindow, qtbot: QtBot) -> None:
    shown(window, qtbot)
    window.show_page("processes")
    assert window.pages.page is not None
    field = window.pages.page.search
    assert isinstance(field, QLineEdit)
    field.setText("py")
    press(field, Qt.Key.Key_Escape)
    assert field.text() == ""
    assert window.isVisible()
    press(field, Qt.Key.Key_Escape)
    assert not window.isVisible()


def test_f5_asks_the_history_again(window: MainWindow, qtbot: QtBot) -> None:
    source = ListedAlerts()
    made = MainWindow(source)
    qtbot.addWidget(made)
    shown(made, qtbot)
    made.show_page("alerts")
    asked = len(source.asked)
    press(made, Qt.Key.Key_F5)
    assert len(source.asked) == asked + 1
    assert window is not made


def test_a_job_opened_on_the_overview_is_chosen_among_the_processes(
    window: MainWindow, qtbot: QtBot
) -> None:
    feed(window)
    shown(window, qtbot)
    window.intents.job_opened.emit(samples.jobs()[1])
    assert window.page == "processes"
    job = built(window, ProcessesPage).view.selected_job()
    assert job is not None
    assert job.name == "cargo build"


def test_a_banner_says_one_sentence_and_may_have_a_button(window: MainWindow, qtbot: QtBot) -> None:
    shown(window, qtbot)
    pressed = QSignalSpy(window.intents.banner_action_requested)
    window.show_banner("There is no tray here.", "How to get one")
    assert window.banner.isVisible()
    click(window.banner.findChildren(QAbstractButton)[0])
    assert pressed.count() == 1
    window.show_banner("")
    assert not window.banner.isVisible()


def test_a_note_is_one_line_with_its_details_in_a_tooltip(window: MainWindow, qtbot: QtBot) -> None:
    shown(window, qtbot)
    window.resize(960, 640)
    window.show_banner(NO_TRAY, HOW_TO_GET_ONE, NO_TRAY_HINT, NO_TRAY_NOTE)
    qtbot.waitUntil(lambda: window.banner.words.width() > 0)
    line = window.banner.words.fontMetrics().height()
    assert window.banner.words.heightForWidth(window.banner.words.width()) < 2 * line
    assert "gnome-shell-extension-appindicator" in window.banner.words.accessibleDescription()


def test_a_note_that_was_closed_is_not_shown_again(
    window: MainWindow, qtbot: QtBot, places: NoPlaces
) -> None:
    shown(window, qtbot)
    window.show_banner(NO_TRAY, HOW_TO_GET_ONE, NO_TRAY_HINT, NO_TRAY_NOTE)
    click(
        next(each for each in window.banner.findChildren(QAbstractButton) if each.text() == "Close")
    )
    assert places.load().closed_notes == (NO_TRAY_NOTE,)
    again = MainWindow(ListedAlerts(), places=places)
    qtbot.addWidget(again)
    shown(again, qtbot)
    again.show_banner(NO_TRAY, HOW_TO_GET_ONE, NO_TRAY_HINT, NO_TRAY_NOTE)
    assert not again.banner.isVisible()
    again.show_banner("Something else is to be said")
    assert again.banner.isVisible()


def test_a_question_is_asked_on_every_page_and_answered_once(
    window: MainWindow, qtbot: QtBot
) -> None:
    shown(window, qtbot)
    given = QSignalSpy(window.intents.answer_given)
    window.show_question(samples.question())
    window.show_page("settings")
    assert window.question.isVisible()
    click(window.question.buttons[0])
    assert given.at(0) == ["q1", "slow_down"]


def test_the_window_turns_dark_while_it_is_open(qtbot: QtBot) -> None:
    theme = Theme(Qt.ColorScheme.Light)
    window = MainWindow(ListedAlerts(), theme=theme)
    qtbot.addWidget(window)
    theme.colours = DARK
    theme.changed.emit()
    assert DARK.window in window.styleSheet()


@pytest.mark.parametrize("page", NAMES)
def test_everything_that_takes_the_focus_has_a_name(
    window: MainWindow, qtbot: QtBot, page: str
) -> None:
    feed(window)
    shown(window, qtbot)
    window.show_page(page)
    nameless = [
        widget
        for widget in window.findChildren(QWidget)
        if widget.isVisible()
        and widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        and not widget.accessibleName()
        and not (isinstance(widget, QAbstractButton) and widget.text())
    ]
    assert nameless == []


def test_the_whole_window_can_be_walked_with_the_tab_key(window: MainWindow, qtbot: QtBot) -> None:
    feed(window)
    shown(window, qtbot)
    seen: set[int] = set()
    for _ in range(40):
        press(window, Qt.Key.Key_Tab)
        focus = window.focusWidget()
        if focus is not None:
            seen.add(id(focus))
    # pages, mode, level, range, four charts, jobs: groups are one stop, arrows move inside them
    assert len(seen) >= 9


def test_a_flood_of_alerts_marks_the_charts_once(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed(window)
    shown(window, qtbot)
    window.show_page("alerts")
    overview, alerts = built(window, OverviewPage), built(window, AlertsPage)
    qtbot.wait(150)  # the markers of the history itself
    marked: list[int] = []
    monkeypatch.setattr(overview, "show_marks", lambda: marked.append(len(window.facts.marked)))
    for alert in reversed(samples.many_alerts(1500)):
        window.show_alerts([alert])
    qtbot.waitUntil(lambda: bool(marked))
    assert marked == [200]
    assert alerts.model.row_of("a00000") >= 0


def test_a_list_that_nobody_sees_is_left_alone_and_catches_up(
    window: MainWindow, qtbot: QtBot
) -> None:
    feed(window)
    shown(window, qtbot)
    window.show_page("processes")
    processes = built(window, ProcessesPage)
    window.show_page("settings")
    window.show_jobs(samples.jobs()[:2])
    assert processes.model.rowCount() == len(samples.jobs())
    window.show_page("processes")
    assert processes.model.rowCount() == 2
    window.close()
    window.show_jobs(samples.jobs()[:1])
    assert processes.model.rowCount() == 2
    window.show_now()
    assert processes.model.rowCount() == 1


def test_a_closer_look_is_asked_for_by_who_shows_jobs_and_only_in_sight(
    window: MainWindow, qtbot: QtBot
) -> None:
    asked: list[tuple[object, str, bool]] = []
    with qtbot.waitExposed(window):
        window.show()
    window.intents.inspection_wanted.connect(lambda *wanted: asked.append(wanted))
    window.pages.looks.interval_ms = 0
    window.show_jobs(samples.jobs())
    assert asked == [(samples.jobs(), "", False)]  # who is protected, and no figures
    window.show_page("alerts")
    asked.clear()
    window.show_jobs(samples.jobs())
    assert asked == []
    window.show_page("processes")
    built(window, ProcessesPage).select("vite:38110")
    assert asked[-1] == (samples.jobs(), "vite:38110", True)
    window.hide()
    asked.clear()
    window.show_jobs(samples.jobs())
    assert asked == []
    window.show()
    qtbot.waitUntil(lambda: len(asked) > 0)


def test_ending_from_the_protection_page_asks_where_all_its_processes_are_listed(
    window: MainWindow,
) -> None:
    window.show_jobs(samples.jobs())
    window.show_page("protection")
    window.intents.jobs_end_asked.emit(("gone:1",))
    assert built(window, ProtectionPage).told.words.text() == "It has ended already."
    window.intents.jobs_end_asked.emit(("pytest:41207",))
    assert window.page == "processes"
    question = built(window, ProcessesPage).question
    assert question is not None
    assert question.text() == "End pytest · ~/shop, 9 processes?"
    question.close()


def test_the_menu_in_the_header_has_all_that_the_menu_of_the_icon_has(
    window: MainWindow, qtbot: QtBot
) -> None:
    icon = MainMenu(window.intents, lambda: False)
    mine = {each.text().partition("\t")[0] for each in window.menu.menu.actions()}
    assert {each.text() for each in icon.menu.actions()} - mine == {"Show window"}
    shown(window, qtbot)
    click(window.header.menu)
    qtbot.waitUntil(window.menu.menu.isVisible)
    window.menu.menu.hide()
    icon.discard()


def test_ctrl_q_quits_and_ctrl_w_closes(window: MainWindow, qtbot: QtBot) -> None:
    shown(window, qtbot)
    asked = QSignalSpy(window.intents.quit_requested)
    press(window, Qt.Key.Key_Q, CTRL)
    assert asked.count() == 1
    press(window, Qt.Key.Key_W, CTRL)
    assert not window.isVisible()


@pytest.mark.parametrize(
    ("answer", "quits", "visible"),
    [("Keep running", 0, False), ("Quit OmniTray", 1, True), ("Leave it open", 0, True)],
)
def test_closing_without_a_tray_asks_what_that_means(
    window: MainWindow, qtbot: QtBot, answer: str, quits: int, *, visible: bool
) -> None:
    shown(window, qtbot)
    asked = QSignalSpy(window.intents.quit_requested)
    window.has_tray = False
    window.close()
    assert window.isVisible()
    assert window.close_question is not None
    click(next(each for each in window.close_question.buttons() if each.text() == answer))
    assert asked.count() == quits
    assert window.isVisible() == visible


def test_what_closing_means_is_asked_once(
    window: MainWindow, qtbot: QtBot, places: NoPlaces
) -> None:
    places.save(Place(without_tray="background"))
    made = MainWindow(ListedAlerts(), places=places)
    qtbot.addWidget(made)
    shown(made, qtbot)
    made.has_tray = False
    made.close()
    assert not made.isVisible()
    assert places.load().without_tray == "background"
    assert window.close_question is None


def test_the_end_of_the_program_asks_nothing(window: MainWindow, qtbot: QtBot) -> None:
    shown(window, qtbot)
    window.has_tray = False
    window.end()
    assert not window.isVisible()


def read(window: MainWindow, cpu_percent: float, **changes: object) -> None:
    """Another reading, and what else is different with it."""
    shot = samples.status().snapshot
    assert shot is not None
    shot = msgspec.structs.replace(shot, processes=round(cpu_percent))
    window.show_status(samples.status(snapshot=shot, **changes))


def test_figures_of_the_status_are_shown_once_a_second_and_its_state_at_once(
    window: MainWindow,
) -> None:
    read(window, 11)
    window.pages.shown_ms = 60_000
    read(window, 22)
    assert "11 processes" in window.footer.words.text()
    read(window, 33, mode=Mode.PROD)
    assert "33 processes" in window.footer.words.text()
    assert window.header.mode.value is Mode.PROD
    window.pages.shown_ms = 0
    read(window, 44, mode=Mode.PROD)
    assert "44 processes" in window.footer.words.text()


def test_what_is_held_is_listed_at_once_and_other_figures_in_their_time(
    window: MainWindow, qtbot: QtBot
) -> None:
    feed(window)
    window.show_page("overview")
    shown(window, qtbot)
    window.show_actions(ProtectionView())
    view = built(window, OverviewPage).jobs_model
    window.pages._lists.interval_ms = 60_000
    window.show_jobs(samples.jobs()[:1])
    assert view.rowCount() > 1
    window.show_actions(samples.protection())
    assert view.rowCount() == 1


def test_where_the_processor_is_short_of_time_the_window_takes_less_of_it(
    window: MainWindow,
) -> None:
    calm, *_ = samples.snapshots()
    window.show_page("overview")

    def paces(cpu_percent: float, level: MonitorLevel) -> list[int]:
        shot = msgspec.structs.replace(calm, cpu_percent=cpu_percent, level=level)
        window.add_snapshot(shot)
        pages = window.pages
        return [pages._readings.interval_ms, pages._lists.interval_ms, pages.looks.interval_ms]

    at_rest = paces(20.0, MonitorLevel.NORMAL)
    assert min(at_rest) >= 1000
    closely = paces(20.0, MonitorLevel.CRITICAL)
    short = paces(97.0, MonitorLevel.CRITICAL)
    assert all(now >= then for now, then in zip(closely, at_rest, strict=True))
    assert all(now >= then for now, then in zip(short, closely, strict=True))
    assert at_rest[:2] < closely[:2] < short[:2]

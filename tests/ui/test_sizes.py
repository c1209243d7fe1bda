"""Nothing is cut, whatever the font: sizes follow from it, and captions give way before figures."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QImage
from PySide6.QtWidgets import QAbstractButton, QApplication, QPushButton, QRadioButton
from pytestqt.qtbot import QtBot

from omnitray.ui.shell import HOW_TO_GET_ONE, NO_TRAY, NO_TRAY_HINT, NO_TRAY_NOTE
from omnitray.ui.theme import LIGHT, Theme
from omnitray.ui.widgets.choice import ChoiceButton, Segments, Switch
from omnitray.ui.widgets.labels import Paragraph
from omnitray.ui.widgets.pills import Pill, PillLabel, fitting_pill, pill_width
from omnitray.ui.widgets.sidebar import PageButton
from omnitray.ui.window import MainWindow
from support import samples
from support.fitting import (
    POINTS,
    SCALES,
    cut_off,
    cut_on_pages,
    enlarged,
    faults_on_pages,
    with_longer_words,
)
from support.keys import click
from support.sample_window import NAMES, empty_window, sample_window

TESTS = Path(__file__).parent.parent
SMALLEST = (560, 400)
PATH = os.pathsep.join((str(TESTS.parent), str(TESTS)))


@pytest.fixture(params=POINTS)
def points(request: pytest.FixtureRequest, qapp: QApplication) -> Iterator[int]:
    before = qapp.font()
    font = QFont(before)
    font.setPointSize(request.param)
    qapp.setFont(font)
    yield request.param
    qapp.setFont(before)


@contextmanager
def read_from(app: QApplication, side: Qt.LayoutDirection) -> Iterator[None]:
    before = app.layoutDirection()
    app.setLayoutDirection(side)
    try:
        yield
    finally:
        app.setLayoutDirection(before)


def shown(qtbot: QtBot, name: str = "", size: tuple[int, int] | None = None) -> MainWindow:
    window = sample_window(name)
    window.show_question(samples.question())
    qtbot.addWidget(window)
    if size is not None:
        window.resize(*size)
        window.show()
        qtbot.wait(10)
    return window


@pytest.mark.parametrize("points", [9, 24], indirect=True)
@pytest.mark.parametrize("kind", ["long", "path", "right to left"])
def test_names_of_others_cut_nothing_whatever_they_are(
    qtbot: QtBot, points: int, kind: str
) -> None:
    window = shown(qtbot, NAMES[kind])
    enlarged(window, points)
    window.show()
    assert cut_on_pages(window) == []


def test_no_words_and_no_figure_are_cut_nor_are_words_as_long_as_in_german(
    qtbot: QtBot, points: int
) -> None:
    window = shown(qtbot)
    enlarged(window, points)
    window.show()
    assert cut_on_pages(window) == []
    with_longer_words(window)
    assert cut_on_pages(window) == []


def test_nothing_is_cut_at_other_scales() -> None:
    """Qt reads the scale once: each is a process of its own."""
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "support.fitting", str(points), kind],
            env={**os.environ, "QT_SCALE_FACTOR": str(scale), "PYTHONPATH": PATH},
            stdout=subprocess.PIPE,
            text=True,
        )
        for scale, points, kind in SCALES
    ]
    found = [each.communicate()[0] for each in started]
    assert [each.returncode for each in started] == [0] * len(SCALES)
    assert [json.loads(each) for each in found] == [[]] * len(SCALES)


def test_the_smallest_window_shows_every_figure(qtbot: QtBot) -> None:
    window = shown(qtbot, size=(560, 400))
    window.show_question(None)
    assert cut_on_pages(window) == []
    assert (window.width(), window.height()) == (560, 400)


@pytest.mark.parametrize("points", [9, 13], indirect=True)
def test_before_anything_has_happened_the_smallest_window_cuts_nothing(
    qtbot: QtBot, points: int
) -> None:
    window = empty_window()
    qtbot.addWidget(window)
    window.resize(560, 400)
    window.show()
    assert faults_on_pages(window) == []
    assert points == QApplication.font().pointSize()


@pytest.mark.parametrize("points", [9, 18], indirect=True)
def test_the_note_about_the_tray_takes_a_fifth_of_the_smallest_window_at_most(
    qtbot: QtBot, points: int
) -> None:
    window = shown(qtbot, size=(560, 400))
    window.show_question(None)
    window.show_page("runs")
    window.show_banner(NO_TRAY, HOW_TO_GET_ONE, NO_TRAY_HINT, NO_TRAY_NOTE)
    qtbot.waitUntil(lambda: 0 < window.banner.height() <= window.height() / 5)
    assert [each for each in cut_off(window) if NO_TRAY[:7] in each] == []
    assert window.banner.action.isVisible() == (points == 9)
    assert [each.text() for each in window.banner.menu.actions()] == [HOW_TO_GET_ONE]
    with qtbot.waitSignal(window.intents.banner_action_requested):
        window.banner.menu.actions()[0].trigger()
    assert window.banner.close_button.accessibleName() == "Close"
    click(window.banner.close_button)
    assert not window.banner.isVisible()


@pytest.mark.parametrize(
    ("points", "size", "kind", "turned"),
    [
        (9, SMALLEST, "path", False),
        (13, SMALLEST, "right to left", True),
        (18, SMALLEST, "plain", False),
        (18, SMALLEST, "long", False),
        (18, (960, 640), "plain", False),
        (24, SMALLEST, "plain", False),
        (24, SMALLEST, "path", True),
    ],
    indirect=["points"],
)
def test_in_any_window_a_page_scrolls_one_way_in_one_place_and_stays_readable(
    qtbot: QtBot,
    qapp: QApplication,
    points: int,
    size: tuple[int, int],
    kind: str,
    turned: bool,  # noqa: FBT001 - a parameter
) -> None:
    """Words wrap, columns go whole, tools fold into a menu: nothing is cut, no bar beside a bar."""
    sides = Qt.LayoutDirection
    with read_from(qapp, sides.RightToLeft if turned else sides.LeftToRight):
        window = shown(qtbot, NAMES[kind], size)
        assert window.question.height() < window.height() / 2
        assert cut_off(window.question) == []
        window.show_question(None)
        assert faults_on_pages(window) == []
        assert (window.width(), window.height()) == size
    assert points == QApplication.font().pointSize()


def test_read_from_right_to_left_nothing_is_cut_and_parts_stand_beside_each_other(
    qtbot: QtBot, qapp: QApplication
) -> None:
    with read_from(qapp, Qt.LayoutDirection.RightToLeft):
        window = shown(qtbot, NAMES["right to left"], size=(960, 640))
        assert cut_on_pages(window) == []
        window.show_page("processes")
        pages = window.sidebar.findChildren(PageButton)
        alerts = next(each for each in pages if each.text() == "Alerts")
        left = alerts.grab().toImage()
        assert alerts.accessibleName() == "Alerts, 2 waiting"
        assert turned_words(window) == []
        assert at_the_far_end(window) == []
    # The badge stands at the other end of the row from the words.
    assert _has_colour(
        left.copy(0, 0, left.height(), left.height()),
        LIGHT.critical_back,
    )


def test_choices_without_room_are_a_menu_of_the_same(qtbot: QtBot) -> None:
    segments = Segments("Time", [(1, "1 min"), (5, "5 min"), (60, "1 hour")])
    qtbot.addWidget(segments)
    segments.show_value(5)
    segments.resize(segments.sizeHint())
    segments.show()
    assert all(each.isVisible() for each in segments.findChildren(QRadioButton))
    segments.resize(segments.minimumSizeHint())
    assert not any(each.isVisible() for each in segments.findChildren(QRadioButton))
    menu = segments.findChild(ChoiceButton)
    assert isinstance(menu, ChoiceButton)
    assert menu.isVisible()
    assert menu.accessibleName() == "Time: 5 min"
    with qtbot.waitSignal(segments.chosen) as chosen:
        menu.menu_of_choices.actions()[2].trigger()
    assert chosen.args == [60]
    assert segments.value == 60


def test_words_of_a_pill_without_room_take_more_lines(qtbot: QtBot) -> None:
    pill = PillLabel(
        Theme(Qt.ColorScheme.Light), Pill("full in 11 to 15 days", "warning", "diamond")
    )
    qtbot.addWidget(pill)
    wide, least = pill.sizeHint().width(), pill.minimumSizeHint().width()
    assert least < wide / 2
    assert pill.heightForWidth(wide) == pill.sizeHint().height()
    assert pill.heightForWidth(least) > 2 * pill.sizeHint().height()


def test_a_pill_in_a_cell_without_room_is_its_shape_alone(qapp: QApplication) -> None:
    pill = Pill("starting", "neutral", "half")
    wide = round(pill_width(pill, qapp.font()))
    assert fitting_pill(pill, qapp.font(), wide) == pill
    assert fitting_pill(pill, qapp.font(), wide - 1) == pill._replace(word="")


def test_read_from_right_to_left_a_switch_says_its_word(qtbot: QtBot, qapp: QApplication) -> None:
    with read_from(qapp, Qt.LayoutDirection.RightToLeft):
        switch = Switch()
        qtbot.addWidget(switch)
        switch.resize(switch.sizeHint())
        drawn = switch.grab().toImage()
    beside = range(switch.height() * 2, drawn.width())  # the track is less than twice as wide
    assert len({drawn.pixel(x, y) for x in beside for y in range(drawn.height())}) > 1


def turned_words(window: MainWindow) -> list[str]:
    """Words of buttons and entries that Qt would lay out backwards: "?Why", "min 5"."""
    buttons = [QAbstractButton.text(each) for each in window.findChildren(QPushButton)]
    segments = [each.text() for each in window.findChildren(QRadioButton)]
    window.menu.menu.aboutToShow.emit()
    entries = [each.text() for each in window.menu.menu.actions() if not each.menu()]
    found = [*buttons, *segments, *entries]
    assert "\u2068Why?\u2069" in found
    plain = (each for each in found if each.strip("⋯▲▼←→") and "\t" not in each)
    return [each for each in plain if not each.startswith("\u2068")]


def at_the_far_end(window: MainWindow) -> list[str]:
    """Paragraphs that begin at the left in a window that is read from the right."""
    found = window.findChildren(Paragraph)
    assert found
    return [each.text() for each in found if each.alignment() & Qt.AlignmentFlag.AlignLeft]


def _has_colour(image: QImage, name: str) -> bool:
    wanted = QColor(name).rgb()
    spots = ((x, y) for x in range(image.width()) for y in range(image.height()))
    return any(image.pixel(x, y) == wanted for x, y in spots)


def test_a_narrow_window_has_drawings_for_pages_and_a_menu_for_the_mode(qtbot: QtBot) -> None:
    window = shown(qtbot, size=(560, 400))
    narrow = window.sidebar.width()
    assert not window.header.mode.isVisible()
    assert window.header.mode_menu.isVisible()
    window.resize(1100, 700)
    qtbot.waitUntil(lambda: window.sidebar.width() > 2 * narrow)
    assert window.header.mode.isVisible()
    assert not window.header.mode_menu.isVisible()


_SHOWN_ONCE = """
from PySide6.QtWidgets import QApplication
app = QApplication([])
from support.sample_window import sample_window
window = sample_window("")
window.show_now()
app.processEvents()
free, least = window.screen().availableGeometry(), window.minimumSize()
print(window.width() <= free.width() and window.height() <= free.height(), free.width(), end=" ")
print(least.width() <= free.width() and least.height() <= free.height())
"""


def test_on_a_screen_of_few_points_the_window_is_no_larger_than_it_and_can_shrink() -> None:
    """Twice the dots an inch leave the offscreen screen of 800 pixels half of them."""
    done = subprocess.run(
        [sys.executable, "-c", _SHOWN_ONCE],
        env={**os.environ, "QT_FONT_DPI": "192", "PYTHONPATH": PATH},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["True", "400", "True"]


def test_the_window_is_never_larger_than_the_screen(qtbot: QtBot) -> None:
    window = shown(qtbot)
    window.resize(5000, 4000)
    window.show_now()
    free = window.screen().availableGeometry()
    assert window.width() <= free.width()
    assert window.height() <= free.height()

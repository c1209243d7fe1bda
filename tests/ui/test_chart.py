import itertools
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QCoreApplication, QSize, Qt
from PySide6.QtGui import QAccessible
from pytestqt.qtbot import QtBot

from omnitray.ui import formats
from omnitray.ui.charts.background import PERCENT, RATE, axis_labels, time_labels, time_places
from omnitray.ui.charts.chart import Chart
from omnitray.ui.charts.paint import Curve, Mark, Shade
from omnitray.ui.charts.series import TimeAxis, Track
from omnitray.ui.theme import Theme
from support.keys import point, press
from support.samples import NOW


class Drawn:
    """A chart of one or two curves with a sample every 5 s."""

    def __init__(self, qtbot: QtBot, *, curves: int = 1, percent: bool = True) -> None:
        self.axis = TimeAxis()
        self.tracks = [Track() for _ in range(curves)]
        words = ("read", "write")
        drawn = [
            Curve(words[n], "first", track, dashed=n > 0) for n, track in enumerate(self.tracks)
        ]
        self.chart = Chart(
            Theme(Qt.ColorScheme.Light),
            self.axis,
            drawn,
            name="CPU" if percent else "Disk",
            say=formats.percent if percent else formats.rate,
            scale=PERCENT if percent else RATE,
        )
        self.second = 0
        qtbot.addWidget(self.chart)
        self.chart.resize(QSize(420, 140))

    def add(self, *values: float | None) -> None:
        self.second += 5
        at_s = self.axis.place(self.second, NOW + self.second)
        for track, value in zip(self.tracks, values, strict=True):
            track.add(at_s, value, 5.0)
        self.chart.refresh()


@pytest.fixture
def drawn(qtbot: QtBot) -> Drawn:
    return Drawn(qtbot)


@pytest.fixture
def _screen_reader() -> Iterator[None]:
    before = QAccessible.isActive()
    QAccessible.setActive(True)
    yield
    QAccessible.setActive(before)


def test_a_hidden_chart_paints_nothing_and_does_no_work(drawn: Drawn, qtbot: QtBot) -> None:
    for value in (10.0, 20.0, 30.0):
        drawn.add(value)
    qtbot.wait(20)
    assert drawn.chart.paints == 0
    assert drawn.chart.accessibleDescription() == ""


def test_a_minimised_window_paints_nothing(drawn: Drawn, qtbot: QtBot) -> None:
    drawn.chart.show()
    qtbot.waitUntil(lambda: drawn.chart.paints > 0)
    drawn.chart.showMinimized()
    qtbot.waitUntil(drawn.chart.isMinimized)
    qtbot.wait(20)
    before = drawn.chart.paints
    drawn.add(50.0)
    qtbot.wait(20)
    assert drawn.chart.paints == before


@pytest.mark.usefixtures("_screen_reader")
def test_a_screen_reader_hears_now_and_highest(drawn: Drawn, qtbot: QtBot) -> None:
    for value in (43.0, 91.0, 43.0):
        drawn.add(value)
    drawn.chart.show()
    qtbot.waitUntil(lambda: drawn.chart.paints > 0)
    at = formats.clock_time(NOW + 10, seconds=False)
    assert drawn.chart.accessibleName() == "CPU chart"
    assert drawn.chart.accessibleDescription() == f"CPU: now 43 %, highest 91 % at {at}"


def test_two_curves_are_told_apart_by_their_words(qtbot: QtBot) -> None:
    disk = Drawn(qtbot, curves=2, percent=False)
    disk.add(84_000_000.0, None)
    assert "read now 84 MB/s" in disk.chart.summary()
    assert "write no reading yet" in disk.chart.summary()


def test_a_share_keeps_its_scale_and_a_rate_fits(qtbot: QtBot) -> None:
    share, rate = Drawn(qtbot), Drawn(qtbot, percent=False)
    for each in (share, rate):
        with qtbot.waitExposed(each.chart):
            each.chart.show()
    share.add(3.0)
    rate.add(130_000_000.0)
    assert share.chart.top == 100.0
    assert rate.chart.top == 200_000_000.0


@pytest.mark.usefixtures("_screen_reader")
def test_the_crosshair_steps_by_samples_on_the_keyboard(drawn: Drawn, qtbot: QtBot) -> None:
    for value in (10.0, 20.0, 30.0):
        drawn.add(value)
    with qtbot.waitExposed(drawn.chart):
        drawn.chart.show()
    press(drawn.chart, Qt.Key.Key_Left)
    assert drawn.chart.crosshair_text().endswith("30 %")
    press(drawn.chart, Qt.Key.Key_Left)
    assert drawn.chart.crosshair_text().endswith("20 %")
    press(drawn.chart, Qt.Key.Key_Home)
    assert drawn.chart.crosshair_text().endswith("10 %")
    press(drawn.chart, Qt.Key.Key_End)
    assert drawn.chart.crosshair_text().startswith(formats.clock_time(NOW + 15))
    qtbot.waitUntil(lambda: drawn.chart.accessibleDescription().startswith("CPU at "))
    press(drawn.chart, Qt.Key.Key_Escape)
    assert drawn.chart.crosshair_text() == ""


def test_the_crosshair_follows_the_mouse_and_leaves_with_it(drawn: Drawn, qtbot: QtBot) -> None:
    drawn.add(10.0)
    with qtbot.waitExposed(drawn.chart):
        drawn.chart.show()
    right = drawn.chart.plot().right()
    point(drawn.chart, round(right) - 1, 40)
    qtbot.waitUntil(lambda: drawn.chart.crosshair_text().endswith("10 %"))
    point(drawn.chart, 3, 40)
    qtbot.waitUntil(lambda: drawn.chart.crosshair_text() == "")


def test_the_crosshair_says_where_no_sample_was_taken(drawn: Drawn) -> None:
    drawn.add(10.0)
    drawn.second += 100
    drawn.add(20.0)
    drawn.chart.point_at(50.0)
    assert drawn.chart.crosshair_text().endswith("no sample")


def test_the_crosshair_names_an_alert_that_fired_there(drawn: Drawn) -> None:
    drawn.add(10.0)
    drawn.chart.set_marks([Mark(drawn.axis.now_s, critical=True, text="Server down")])
    drawn.chart.point_at(0.0)
    assert drawn.chart.crosshair_text().endswith("Server down")


def test_a_neutral_mark_has_another_look_than_one_of_the_chart(drawn: Drawn) -> None:
    drawn.add(10.0)
    drawn.chart.resize(400, 200)
    looks = []
    for neutral in (True, False):
        mark = Mark(drawn.axis.now_s - 100.0, critical=True, text="x", neutral=neutral)
        drawn.chart.set_marks([mark])
        looks.append(drawn.chart.grab().toImage())
    drawn.chart.set_marks([])
    bare = drawn.chart.grab().toImage()
    assert looks[0] != looks[1]
    assert bare not in looks


def test_the_line_breaks_on_screen_where_there_was_no_sample(drawn: Drawn, qtbot: QtBot) -> None:
    for _ in range(10):
        drawn.add(50.0)
    drawn.second += 100
    for _ in range(10):
        drawn.add(50.0)
    drawn.chart.show()
    qtbot.waitUntil(lambda: drawn.chart.paints > 0)
    image = drawn.chart.grab().toImage()
    plot = drawn.chart.plot()
    ratio = image.devicePixelRatio()
    pixel_s = plot.width() / 300.0

    def coloured(ago_s: float) -> bool:
        x = round((plot.right() - ago_s * pixel_s) * ratio)
        rows = range(round((plot.center().y() - 2) * ratio), round((plot.center().y() + 3) * ratio))
        return any(image.pixelColor(x, y).hsvSaturation() > 60 for y in rows)

    assert coloured(20.0)
    assert not coloured(95.0)
    assert coloured(165.0)


def test_axis_labels_choose_their_unit() -> None:
    assert axis_labels(100.0, "%") == (("0", "50", "100"), "%")
    assert axis_labels(200_000_000.0, "B/s") == (("0", "100", "200"), "MB/s")
    assert axis_labels(5000.0, "B/s") == (("0", "2.5", "5"), "kB/s")
    assert axis_labels(20.0, "B/s") == (("0", "10", "20"), "B/s")


def test_time_labels_are_round() -> None:
    assert time_labels(300.0) == ["−5 min", "−4", "−3", "−2", "−1", "now"]
    assert time_labels(60.0) == ["−60 s", "−45", "−30", "−15", "now"]
    assert time_labels(3600.0) == ["−60 min", "−45", "−30", "−15", "now"]


def test_a_picture_that_would_move_by_less_than_a_pixel_stays(drawn: Drawn, qtbot: QtBot) -> None:
    drawn.chart.set_range(3600.0)
    drawn.add(10.0)
    drawn.chart.show()
    qtbot.waitUntil(lambda: drawn.chart.paints > 0)
    before = drawn.chart.paints
    drawn.add(11.0)  # 5 s of an hour: half a pixel
    qtbot.wait(20)
    assert drawn.chart.paints == before
    drawn.add(12.0)
    qtbot.waitUntil(lambda: drawn.chart.paints == before + 1)


@pytest.mark.parametrize("room", [60.0, 120.0, 200.0, 320.0, 900.0])
@pytest.mark.parametrize("letter", [6.0, 11.0, 15.0])
def test_times_below_a_chart_never_touch(room: float, letter: float) -> None:
    for range_s in (60.0, 300.0, 900.0, 3600.0):
        widths = [len(each) * letter for each in time_labels(range_s)]
        places = time_places(widths, room, letter)
        assert places[-1] == room - widths[-1]
        shown = [
            (left, left + wide)
            for left, wide in zip(places, widths, strict=True)
            if left is not None
        ]
        assert all(end + letter <= start for (_, end), (start, _) in itertools.pairwise(shown))
        if room > 2 * sum(widths):
            assert None not in places


def test_the_same_marks_shades_and_thresholds_are_not_painted_again(
    drawn: Drawn, qtbot: QtBot
) -> None:
    shades = (Shade(0.0, None, "make slowed", paused=False),)
    drawn.add(10.0)
    drawn.chart.show()
    drawn.chart.set_thresholds(70, 85)
    drawn.chart.set_shades(shades)
    qtbot.waitUntil(lambda: drawn.chart.paints > 0)
    QCoreApplication.processEvents()
    before = drawn.chart.paints
    drawn.chart.set_thresholds(70, 85)
    drawn.chart.set_shades(list(shades))
    drawn.chart.set_marks([])
    QCoreApplication.processEvents()
    assert drawn.chart.paints == before
    drawn.chart.set_shades([])
    qtbot.waitUntil(lambda: drawn.chart.paints > before)

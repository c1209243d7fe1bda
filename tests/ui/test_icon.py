import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QImage
from pytestqt.qtbot import QtBot

from omnitray.api.status import Mood, Status
from omnitray.base.facts import MemoryFacts, MonitorLevel, Snapshot
from omnitray.ui.tray.icon import (
    TRAY_SIZES,
    IconFacts,
    Panel,
    draw_icon,
    icon_facts,
    layout,
    level_pixels,
    likely_panel,
    tray_icon,
)

SIZES = [round(size * ratio) for size in TRAY_SIZES for ratio in (1, 1.25, 1.5, 2)]
BACKGROUNDS = {"dark": QColor("#2b2f33"), "light": QColor("#f1f2f3")}

pytestmark = pytest.mark.usefixtures("qapp")


def facts(cpu: int | None = 34, memory: int | None = 60, mood: Mood = Mood.GOOD) -> IconFacts:
    return IconFacts(cpu_percent=cpu, memory_percent=memory, mood=mood)


def contrast(one: QColor, other: QColor) -> float:
    """WCAG 2 contrast ratio."""

    def luminance(colour: QColor) -> float:
        parts = [colour.redF(), colour.greenF(), colour.blueF()]
        linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def pixels(image: QImage) -> set[tuple[int, int, int, int]]:
    return {
        QColor.fromRgba(image.pixel(x, y)).getRgb()  # type: ignore[misc]
        for x in range(image.width())
        for y in range(image.height())
    }


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("badged", [True, False])
def test_everything_lies_inside_and_nothing_overlaps(size: int, badged: bool) -> None:  # noqa: FBT001
    plan = layout(size, badged=badged)
    (left, top, width, height), (left2, top2, width2, height2) = plan.gauges
    assert left >= 0
    assert top >= 1
    assert left + width < left2
    assert left2 + width2 <= size
    assert max(top + height, top2 + height2) < size
    assert min(width, height2) - 2 * plan.stroke >= 2
    if badged:
        assert top2 + height2 < plan.badge[1]


@pytest.mark.parametrize("size", SIZES)
def test_gauges_are_drawn_in_whole_pixels(size: int) -> None:
    """No blended edge: every pixel is one of the four colours, or nothing."""
    drawn = pixels(draw_icon(facts(), Panel.DARK, size))
    assert len(drawn) == 5
    assert {alpha for *_rgb, alpha in drawn} == {0, 255}


@pytest.mark.parametrize("panel", list(Panel))
def test_moods_differ_in_shape_when_all_colour_is_taken_away(panel: Panel) -> None:
    grey = {
        bytes(
            draw_icon(facts(mood=mood), panel, 22)
            .convertToFormat(QImage.Format.Format_Grayscale8)
            .constBits()
        )
        for mood in Mood
        if mood is not Mood.BLIND
    }
    assert len(grey) == 4
    blind = draw_icon(facts(None, None, Mood.BLIND), panel, 22)
    assert blind != draw_icon(facts(0, 0), panel, 22)


@pytest.mark.parametrize("panel", list(Panel))
@pytest.mark.parametrize("background", list(BACKGROUNDS))
def test_gauges_can_be_read_on_either_panel(panel: Panel, background: str) -> None:
    """Outline or trough stands out from the panel, and levels from the trough."""
    image = draw_icon(facts(50, 50), panel, 64)
    plan = layout(64, badged=False)
    left, top, width, height = plan.gauges[0]
    outline = QColor(image.pixel(left, top + height // 2))
    trough = QColor(image.pixel(left + width // 2, top + plan.stroke + 1))
    ground = BACKGROUNDS[background]
    assert max(contrast(outline, ground), contrast(trough, ground)) >= 4.5
    for gauge_left, *_rest in plan.gauges:
        level = QColor(image.pixel(gauge_left + width // 2, top + height - plan.stroke - 2))
        assert contrast(level, trough) >= 3


@given(st.integers(0, 100), st.integers(4, 64))
def test_a_level_shows_what_is_and_never_full_or_empty_when_it_is_not(
    percent: int, height: int
) -> None:
    level = level_pixels(percent, height)
    assert (level == 0) == (percent == 0)
    assert (level == height) == (percent == 100)
    assert level_pixels(min(100, percent + 1), height) >= level


@given(st.floats(allow_nan=False) | st.none())
def test_any_figure_becomes_a_step_between_0_and_100(cpu: float | None) -> None:
    shot = Snapshot(taken_at=0, monotonic_s=0, level=MonitorLevel.NORMAL, cpu_percent=cpu)
    step = icon_facts(Status(snapshot=shot)).cpu_percent
    assert step is None if cpu is None else step in range(0, 101, 2)


def test_small_changes_do_not_change_the_picture() -> None:
    def at(cpu: float) -> IconFacts:
        memory = MemoryFacts(total_bytes=100, available_bytes=50)
        shot = Snapshot(
            taken_at=0, monotonic_s=0, level=MonitorLevel.NORMAL, cpu_percent=cpu, memory=memory
        )
        return icon_facts(Status(snapshot=shot))

    assert at(40.1) == at(40.7)
    assert at(40.1) != at(43.0)


def test_without_a_snapshot_the_icon_is_blind() -> None:
    assert icon_facts(Status()) == facts(None, None, Mood.BLIND)


@pytest.mark.parametrize("ratio", [1.0, 1.25, 1.5, 2.0])
def test_the_icon_has_a_drawing_for_each_size_and_ratio(qtbot: QtBot, ratio: float) -> None:
    assert qtbot is not None
    icon = tray_icon(facts(), Panel.DARK, ratio)
    for size in TRAY_SIZES:
        drawn = icon.pixmap(QSize(size, size), ratio).toImage()
        assert drawn.width() == round(size * ratio)
        assert len(pixels(drawn)) == 5  # not scaled: no blended pixel


@pytest.mark.parametrize(("place", "ratio"), [(11, 2.0), (28, 1.0), (22, 1.0), (12, 1.25)])
def test_the_size_that_a_tray_has_given_us_is_not_scaled(place: int, ratio: float) -> None:
    drawn = tray_icon(facts(), Panel.DARK, ratio, place).pixmap(QSize(place, place), ratio)
    assert drawn.width() == round(place * ratio)
    assert len(pixels(drawn.toImage())) == 5


def test_only_plasma_s_panel_is_expected_to_be_light() -> None:
    assert likely_panel(light_scheme=True, desktop="KDE") is Panel.LIGHT
    assert likely_panel(light_scheme=False, desktop="KDE") is Panel.DARK
    assert likely_panel(light_scheme=True, desktop="ubuntu:GNOME") is Panel.DARK
    assert likely_panel(light_scheme=True, desktop="") is Panel.DARK

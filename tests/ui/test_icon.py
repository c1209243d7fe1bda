import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QRect, QSize
from PySide6.QtGui import QColor, QImage, QPainter
from pytestqt.qtbot import QtBot

from omnitray.api.status import Status
from omnitray.base.facts import MemoryFacts, MonitorLevel, ProtectState, Snapshot
from omnitray.settings.model import TrayShow
from omnitray.ui.tray.badge import Badge, badge_of
from omnitray.ui.tray.icon import (
    TRAY_SIZES,
    IconFacts,
    Panel,
    draw_icon,
    icon_facts,
    layout,
    level_pixels,
    tray_icon,
)
from omnitray.ui.tray.panel import luminances, panel_of, reserved

SIZES = [round(size * ratio) for size in TRAY_SIZES for ratio in (1, 1.25, 1.5, 2)]
BACKGROUNDS = {"dark": QColor("#2b2f33"), "light": QColor("#f1f2f3")}

pytestmark = pytest.mark.usefixtures("qapp")


STYLES: tuple[TrayShow, ...] = ("bars", "figure", "graph", "glyph")


def facts(
    cpu: int | None = 34,
    memory: int | None = 60,
    badge: Badge = Badge.NONE,
    show: TrayShow = "bars",
) -> IconFacts:
    trail = (20, 40, 60, 80) if show == "graph" and cpu is not None else ()
    return IconFacts(cpu_percent=cpu, memory_percent=memory, badge=badge, show=show, trail=trail)


def read(status: Status) -> Status:
    """The same status with a reading."""
    shot = Snapshot(taken_at=0, monotonic_s=0, level=MonitorLevel.NORMAL, cpu_percent=34)
    return msgspec.structs.replace(status, snapshot=shot)


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
    assert min(width, width2) - 2 * plan.stroke >= 2


@pytest.mark.parametrize("size", SIZES)
def test_gauges_keep_their_height_under_a_badge_and_stay_in_sight(size: int) -> None:
    plain, badged = layout(size, badged=False), layout(size, badged=True)
    assert [gauge[3] for gauge in badged.gauges] == [gauge[3] for gauge in plain.gauges]
    assert [gauge[1] for gauge in badged.gauges] == [gauge[1] for gauge in plain.gauges]
    memory = badged.gauges[1][0] + badged.stroke  # the first pixel inside of the gauge
    assert memory < badged.badge[0] - badged.stroke  # left of the badge and its ring


@pytest.mark.parametrize("size", SIZES)
def test_gauges_are_drawn_in_whole_pixels(size: int) -> None:
    """No blended edge: every pixel is one of the four colours, or nothing."""
    drawn = pixels(draw_icon(facts(), Panel.DARK, size))
    assert len(drawn) == 5
    assert {alpha for *_rgb, alpha in drawn} == {0, 255}


@pytest.mark.parametrize("show", STYLES)
@pytest.mark.parametrize("panel", list(Panel))
@pytest.mark.parametrize("size", [16, 22, 64])
def test_states_differ_in_shape_when_all_colour_is_taken_away(
    panel: Panel, show: TrayShow, size: int
) -> None:
    """By what is drawn and what is not: a tenth of the badge's place, at least."""
    outlines = [outline(facts(badge=badge, show=show), panel, size) for badge in Badge]
    side = layout(size, badged=True, show=show).badge[2]
    for number, one in enumerate(outlines):
        for other in outlines[number + 1 :]:
            differing = sum(a != b for a, b in zip(one, other, strict=True))
            assert differing >= max(3, side * side / 12)


def outline(shown: IconFacts, panel: Panel, size: int) -> list[int]:
    """The picture in three greys."""
    grey = draw_icon(shown, panel, size)
    ground = QImage(size, size, QImage.Format.Format_ARGB32)
    ground.fill(BACKGROUNDS[panel.value])
    painter = QPainter(ground)
    grey.setDevicePixelRatio(1)
    painter.drawImage(0, 0, grey)
    painter.end()
    levels = ground.convertToFormat(QImage.Format.Format_Grayscale8)
    return [levels.pixelColor(x, y).red() // 86 for y in range(size) for x in range(size)]


@pytest.mark.parametrize(
    ("status", "badge"),
    [
        (Status(), Badge.BLIND),
        (read(Status()), Badge.NONE),
        (read(Status(protect=ProtectState.OFF)), Badge.OFF),
        (read(Status(protect=ProtectState.WATCH)), Badge.WATCH),
        (read(Status(protect_paused_until=9.0)), Badge.WATCH),
        (read(Status(notifications_paused_until=9.0)), Badge.QUIET),
        (read(Status(notifications_paused_until=9.0, protect=ProtectState.OFF)), Badge.OFF),
        (read(Status(holding=("pytest slowed",), protect=ProtectState.OFF)), Badge.HOLDING),
        (read(Status(problems=("a disk is full",), protect=ProtectState.OFF)), Badge.WARNING),
    ],
)
def test_the_badge_says_what_needs_the_person_most(status: Status, badge: Badge) -> None:
    assert badge_of(status) is badge


@pytest.mark.parametrize("show", STYLES)
def test_each_style_fits_its_square_and_says_when_nothing_was_read(show: TrayShow) -> None:
    for size in SIZES:
        seen = draw_icon(facts(show=show), Panel.DARK, size)
        blind = draw_icon(facts(None, None, show=show), Panel.DARK, size)
        assert seen.width() == seen.height() == size
        assert (seen == blind) == (show == "glyph")


def test_each_style_shows_only_what_it_draws() -> None:
    status = read(Status())
    assert icon_facts(status, "figure").cpu_percent == 34
    assert icon_facts(status, "glyph") == icon_facts(read(Status(servers=("x",))), "glyph")
    assert icon_facts(status, "graph", (None, 40.3)).trail == (None, 40)
    assert icon_facts(status, "bars", (None, 40.3)).trail == ()


@pytest.mark.parametrize("percent", [0, 7, 34, 88, 99, 100])
def test_a_figure_is_never_cut(percent: int) -> None:
    """Its dark ink stays off the edges; only the light halo around it may touch them."""
    for size in SIZES:
        image = draw_icon(facts(percent, show="figure"), Panel.LIGHT, size)
        ends = (0, size - 1)
        edges = [image.pixelColor(x, y) for x in ends for y in range(size)]
        edges += [image.pixelColor(x, y) for y in ends for x in range(size)]
        assert all(each.alpha() < 128 or each.lightness() > 128 for each in edges)


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
    assert icon_facts(Status()) == facts(None, None, Badge.BLIND)


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


@pytest.mark.parametrize(
    ("desktop", "light_scheme", "panel"),
    [
        ("KDE", True, Panel.LIGHT),
        ("KDE", False, Panel.DARK),
        ("MATE", True, Panel.LIGHT),
        ("ubuntu:GNOME", True, Panel.DARK),
        ("XFCE", True, Panel.DARK),
        ("sway", True, Panel.DARK),
        ("", True, Panel.DARK),
    ],
)
def test_without_a_look_at_it_the_panel_is_the_desktop_s_default(
    desktop: str,
    light_scheme: bool,  # noqa: FBT001
    panel: Panel,
) -> None:
    assert panel_of("auto", light_scheme=light_scheme, desktop=desktop) is panel


def test_the_setting_counts_more_than_what_was_seen_and_that_more_than_the_desktop() -> None:
    for seen in Panel:
        found = panel_of("auto", light_scheme=True, desktop="GNOME", measured=seen)
        assert found is seen
        chosen = panel_of("light", light_scheme=False, desktop="KDE", measured=seen)
        assert chosen is Panel.LIGHT


def test_the_panel_is_what_windows_are_kept_out_of() -> None:
    whole, free = QRect(0, 0, 800, 600), QRect(0, 24, 800, 546)
    assert reserved(whole, free) == [QRect(0, 0, 800, 24), QRect(0, 570, 800, 30)]
    assert reserved(whole, whole) == []
    assert reserved(whole, QRect(50, 0, 750, 600)) == [QRect(0, 0, 50, 600)]


@pytest.mark.parametrize(("colour", "share"), [("#ffffff", 1.0), ("#000000", 0.0)])
def test_luminance_is_that_of_wcag(colour: str, share: float) -> None:
    image = QImage(40, 4, QImage.Format.Format_RGB32)
    image.fill(QColor(colour))
    assert luminances(image) == pytest.approx([share] * 256)
    assert luminances(QImage()) == []

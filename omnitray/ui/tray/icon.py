"""The tray icon's drawing: CPU and memory in one of four styles, and a badge for the state.

Everything is laid out in whole device pixels by :func:`layout` (pure), so that each size is a
drawing of its own and nothing is scaled: a 22 px icon on a 150 % screen is a drawing of 33 px.
Lines are drawn in the ink of the panel on a ground of their own, so that they can be read even on
a panel that is not what it was taken for. Gauges keep their height under a badge: they become
narrower, and of the memory level at least a strip stays in sight. Colours are Okabe and Ito's.
"""

import enum
from collections.abc import Callable

import msgspec
from PySide6.QtCore import QPointF, QRect, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QGuiApplication,
    QIcon,
    QImage,
    QPainter,
    QPainterPath,
    QPen,
    QPixmap,
)

from omnitray.api.status import Status
from omnitray.settings.model import TrayShow
from omnitray.ui.tray.badge import Badge, Ink, badge_of, draw_badge

STEP_PERCENT = 2
TRAY_SIZES = (16, 22, 24, 32, 48, 64)
GLYPH_PERCENT = (40, 66)  # the plain glyph always shows the same two levels


class Panel(enum.Enum):
    """What the icon stands on."""

    LIGHT = "light"
    DARK = "dark"


class IconFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the icon shows, in steps; equal facts are equal pictures.

    ``trail`` is CPU over the last minute, the oldest first, None where nothing was read; only the
    graph has one.
    """

    cpu_percent: int | None
    memory_percent: int | None
    badge: Badge = Badge.NONE
    show: TrayShow = "bars"
    trail: tuple[int | None, ...] = ()


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """Where things are, in device pixels: ``gauges`` as (left, top, width, height)."""

    size: int
    stroke: int
    gauges: tuple[tuple[int, int, int, int], tuple[int, int, int, int]]
    badge: tuple[int, int, int]  # left, top, size


INKS = {
    Panel.DARK: Ink(QColor("#E4E8EC"), QColor("#23282D"), QColor("#56B4E9"), QColor("#E69F00")),
    Panel.LIGHT: Ink(QColor("#3A4047"), QColor("#FAFBFC"), QColor("#0072B2"), QColor("#D55E00")),
}


def icon_facts(
    status: Status, show: TrayShow = "bars", trail: tuple[float | None, ...] = ()
) -> IconFacts:
    """The visible part of a status in a style."""
    shot, badge = status.snapshot, badge_of(status)
    cpu = shot.cpu_percent if shot else None
    if show == "figure":
        return IconFacts(cpu_percent=_stepped(cpu, 1), memory_percent=None, badge=badge, show=show)
    if show == "graph":
        columns = tuple(_stepped(each) for each in trail)
        return IconFacts(
            cpu_percent=None, memory_percent=None, badge=badge, show=show, trail=columns
        )
    if show == "glyph":
        return IconFacts(cpu_percent=None, memory_percent=None, badge=badge, show=show)
    return IconFacts(
        cpu_percent=_stepped(cpu),
        memory_percent=_stepped(shot.memory_percent if shot else None),
        badge=badge,
    )


def tray_icon(facts: IconFacts, panel: Panel, ratio: float = 1.0, place: int = 0) -> QIcon:
    """The icon with a drawing for each of ``TRAY_SIZES``, also at the screen's ``ratio``.

    ``place`` is the logical size that the tray has given us, where that is known; 0 elsewhere.
    """
    icon = QIcon()
    for scale in sorted({1.0, ratio}):
        for size in TRAY_SIZES:
            icon.addPixmap(QPixmap.fromImage(draw_icon(facts, panel, size, scale)))
    if place >= TRAY_SIZES[0] // 2 and (place, ratio) not in [(each, 1.0) for each in TRAY_SIZES]:
        icon.addPixmap(QPixmap.fromImage(draw_icon(facts, panel, place, ratio)))
    return icon


def draw_icon(facts: IconFacts, panel: Panel, size: int, ratio: float = 1.0) -> QImage:
    """One drawing of ``size`` logical pixels."""
    plan = layout(round(size * ratio), badged=facts.badge is not Badge.NONE, show=facts.show)
    image = QImage(plan.size, plan.size, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    ink = INKS[panel]
    _STYLES[facts.show](painter, plan, facts, ink)
    draw_badge(painter, facts.badge, QRect(*plan.badge, plan.badge[2]), plan.stroke, ink)
    painter.end()
    image.setDevicePixelRatio(ratio)
    return image


def layout(size: int, *, badged: bool, show: TrayShow = "bars") -> Layout:
    """The places of everything in a drawing of ``size`` device pixels.

    A badge and its ring leave a strip of the memory gauge uncovered over its whole height. The
    graph has its badge on the left, where the oldest readings are; a figure has a smaller one.
    """
    stroke = max(1, round(size / 20))
    margin = max(1, round(size / 16))
    gap = max(1, round(size / 12))
    width = (size - 2 * margin - gap) // 2
    left = (size - 2 * width - gap) // 2
    height = size - 2 * margin
    badge = 2 * round(size * (0.24 if show == "figure" else 0.26))
    if badged and show in ("bars", "glyph"):
        strip = max(1, round(size / 11))
        left, gap = 0, stroke
        width = max(size - badge - 2 * stroke - gap - strip, 2 * stroke + 2)
    return Layout(
        size=size,
        stroke=stroke,
        gauges=((left, margin, width, height), (left + width + gap, margin, width, height)),
        badge=(0 if show == "graph" else size - badge, size - badge, badge),
    )


def level_pixels(percent: int, height: int) -> int:
    """Filled pixels of a gauge: a figure over 0 shows, one under 100 is not full."""
    if percent <= 0:
        return 0
    if percent >= 100:  # noqa: PLR2004 - per cent
        return height
    return min(max(1, round(height * percent / 100)), height - 1)


def _draw_bars(painter: QPainter, plan: Layout, facts: IconFacts, ink: Ink) -> None:
    _draw_gauge(painter, plan, plan.gauges[0], facts.cpu_percent, ink, ink.cpu)
    _draw_gauge(painter, plan, plan.gauges[1], facts.memory_percent, ink, ink.memory)


def _draw_glyph(painter: QPainter, plan: Layout, _facts: IconFacts, ink: Ink) -> None:
    for place, percent in zip(plan.gauges, GLYPH_PERCENT, strict=True):
        _draw_gauge(painter, plan, place, percent, ink, ink.outline)


def _draw_figure(painter: QPainter, plan: Layout, facts: IconFacts, ink: Ink) -> None:
    """CPU in per cent, as large as fits; above the badge where there is one."""
    text = "––" if facts.cpu_percent is None else str(facts.cpu_percent)
    free = plan.size - 2 * plan.stroke
    room = (plan.badge[1] if facts.badge is not Badge.NONE else plan.size) - 2 * plan.stroke
    shape = _shape_of("88" if len(text) < 3 else text, plan.size)  # noqa: PLR2004 - 100 is longer
    box = shape.boundingRect()
    scale = min(free / box.width(), room / box.height())
    line = box.height() * scale
    drawn = _shape_of(text, plan.size)
    middle = drawn.boundingRect().center()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(QPointF(plan.size / 2, plan.stroke + line / 2 + (room - line) / 2))
    painter.scale(scale, scale)
    painter.translate(-middle)
    halo = QPen(ink.trough, 2 * plan.stroke / scale, j=Qt.PenJoinStyle.RoundJoin)
    painter.strokePath(drawn, halo)
    painter.fillPath(drawn, ink.outline)
    painter.resetTransform()


def _draw_graph(painter: QPainter, plan: Layout, facts: IconFacts, ink: Ink) -> None:
    """CPU over the last minute in whole columns; the newest on the right."""
    (left, top, _width, height), (other, _top, width, _height) = plan.gauges
    whole = left, top, other + width - left, height
    inner = _draw_frame(painter, plan.stroke, whole, ink)
    columns = max(1, len(facts.trail))
    for place in range(inner.width()):
        percent = facts.trail[place * columns // inner.width()] if facts.trail else None
        if percent is None:
            continue
        filled = level_pixels(percent, inner.height())
        bottom = inner.top() + inner.height()
        painter.fillRect(inner.left() + place, bottom - filled, 1, filled, ink.cpu)
    if all(each is None for each in facts.trail):
        _draw_dash(painter, plan.stroke, inner, ink)


_STYLES: dict[TrayShow, Callable[[QPainter, Layout, IconFacts, Ink], None]] = {
    "bars": _draw_bars,
    "figure": _draw_figure,
    "graph": _draw_graph,
    "glyph": _draw_glyph,
}


def _shape_of(text: str, pixels: int) -> QPainterPath:
    font = QFont(QGuiApplication.font())
    font.setPixelSize(max(1, pixels))
    font.setWeight(QFont.Weight.DemiBold)
    shape = QPainterPath()
    shape.addText(0, 0, font, text)
    return shape


def _draw_gauge(
    painter: QPainter,
    plan: Layout,
    place: tuple[int, int, int, int],
    percent: int | None,
    ink: Ink,
    colour: QColor,
) -> None:
    inner = _draw_frame(painter, plan.stroke, place, ink)
    if percent is None:
        _draw_dash(painter, plan.stroke, inner, ink)
    else:
        filled = level_pixels(percent, inner.height())
        painter.fillRect(inner.adjusted(0, inner.height() - filled, 0, 0), colour)


def _draw_frame(
    painter: QPainter, stroke: int, place: tuple[int, int, int, int], ink: Ink
) -> QRect:
    """An outline around a trough; what is inside."""
    left, top, width, height = place
    cut = max(1, stroke // 2)
    # Two rectangles make an outline with its corners cut, without anti-aliasing.
    painter.fillRect(left + cut, top, width - 2 * cut, height, ink.outline)
    painter.fillRect(left, top + cut, width, height - 2 * cut, ink.outline)
    inner = QRect(left + stroke, top + stroke, width - 2 * stroke, height - 2 * stroke)
    painter.fillRect(inner, ink.trough)
    return inner


def _draw_dash(painter: QPainter, stroke: int, inner: QRect, ink: Ink) -> None:
    top = inner.top() + (inner.height() - stroke) // 2
    dash = QRect(inner.left(), top, inner.width(), stroke)
    pad = stroke if inner.width() > 3 * stroke else 0
    painter.fillRect(dash.adjusted(pad, 0, -pad, 0), ink.outline)


def _stepped(percent: float | None, step: int = STEP_PERCENT) -> int | None:
    if percent is None:
        return None
    return step * round(min(100.0, max(0.0, percent)) / step)

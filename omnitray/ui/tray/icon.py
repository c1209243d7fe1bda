"""The tray icon's drawing: two gauges, CPU and memory, and a badge for the mood.

Everything is laid out in whole device pixels by :func:`layout` (pure), so that each size is a
drawing of its own and nothing is scaled: a 22 px icon on a 150 % screen is a drawing of 33 px.
The gauges are outlined against the panel and filled against the outline, so that they can be read
even on a panel that is not what it was taken for. The mood is told by the badge's shape
(:mod:`omnitray.ui.tray.icon`), not by colour alone. Colours are Okabe and Ito's.
"""

import enum

import msgspec
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QColor, QIcon, QImage, QPainter, QPen, QPixmap, QPolygon

from omnitray.api.status import Mood, Status, sentence

_AMBER, _RED, _BLUE = QColor("#E69F00"), QColor("#C8102E"), QColor("#0072B2")
_BLACK, _WHITE = QColor("#1B1E22"), QColor("#FFFFFF")


def has_badge(mood: Mood) -> bool:
    """Whether this mood is told by a badge."""
    return mood in (Mood.WARNING, Mood.CRITICAL, Mood.HOLDING)


def draw_badge(painter: QPainter, mood: Mood, place: QRect, ring: int) -> None:
    """Draw the badge of ``mood`` into ``place``; nothing for a mood without one."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if mood is Mood.WARNING:
        wide = place.adjusted(-2 * ring, 0, 0, 0)
        _draw_shape(painter, _triangle(wide), ring, _AMBER)
        _draw_mark(painter, wide.adjusted(0, wide.height() // 4, 0, 0), _BLACK)
    elif mood is Mood.CRITICAL:
        _draw_shape(painter, _octagon(place), ring, _RED)
        _draw_mark(painter, place, _WHITE)
    elif mood is Mood.HOLDING:
        _draw_disc(painter, place, ring)
        _draw_bars(painter, place)


def _draw_shape(painter: QPainter, shape: QPolygon, ring: int, colour: QColor) -> None:
    _cut(painter, ring)
    painter.drawPolygon(shape)
    _ink(painter, colour)
    painter.drawPolygon(shape)


def _draw_disc(painter: QPainter, place: QRect, ring: int) -> None:
    _cut(painter, ring)
    painter.drawEllipse(place)
    _ink(painter, _BLUE)
    painter.drawEllipse(place)


def _draw_mark(painter: QPainter, place: QRect, colour: QColor) -> None:
    thick = 2 * max(1, round(place.width() / 16))  # even, as the badge is: it stands in the middle
    pad = max(1, round(place.height() * 0.16))
    gap = max(1, thick // 2)
    left = place.left() + (place.width() - thick) // 2
    stem = place.height() - 2 * pad - gap - thick
    painter.fillRect(left, place.top() + pad, thick, stem, colour)
    painter.fillRect(left, place.top() + pad + stem + gap, thick, thick, colour)


def _draw_bars(painter: QPainter, place: QRect) -> None:
    thick = max(2, round(place.width() / 6))
    half_gap = max(1, round(place.width() / 16))
    pad = round(place.height() * 0.26)
    middle = place.left() + place.width() // 2
    for left in (middle - half_gap - thick, middle + half_gap):
        painter.fillRect(left, place.top() + pad, thick, place.height() - 2 * pad, _WHITE)


def _cut(painter: QPainter, ring: int) -> None:
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Clear)
    painter.setPen(QPen(_BLACK, 2 * ring, j=Qt.PenJoinStyle.MiterJoin))
    painter.setBrush(_BLACK)


def _ink(painter: QPainter, colour: QColor) -> None:
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceOver)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)


def _triangle(place: QRect) -> QPolygon:
    left, top, width, height = place.left(), place.top(), place.width(), place.height()
    return QPolygon(
        [
            QPoint(left, top + height),
            QPoint(left + width // 2 - 1, top),
            QPoint(left + width // 2 + 1, top),
            QPoint(left + width, top + height),
        ]
    )


def _octagon(place: QRect) -> QPolygon:
    left, top, side = place.left(), place.top(), place.width()
    cut = round(side * 0.29)  # a regular octagon: 1 / (2 + sqrt 2)
    far = side - cut
    corners = (
        (cut, 0),
        (far, 0),
        (side, cut),
        (side, far),
        (far, side),
        (cut, side),
        (0, far),
        (0, cut),
    )
    return QPolygon([QPoint(left + x, top + y) for x, y in corners])


STEP_PERCENT = 2
TRAY_SIZES = (16, 22, 24, 32, 48, 64)


class Panel(enum.Enum):
    """What the icon stands on."""

    LIGHT = "light"
    DARK = "dark"


class IconFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the icon shows, in steps of ``STEP_PERCENT``; equal facts are equal pictures."""

    cpu_percent: int | None
    memory_percent: int | None
    mood: Mood


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """Where things are, in device pixels: ``gauges`` as (left, top, width, height)."""

    size: int
    stroke: int
    gauges: tuple[tuple[int, int, int, int], tuple[int, int, int, int]]
    badge: tuple[int, int, int]  # left, top, size


class _Ink(msgspec.Struct, frozen=True):
    outline: QColor
    trough: QColor
    cpu: QColor
    memory: QColor


_INKS = {
    Panel.DARK: _Ink(QColor("#E4E8EC"), QColor("#23282D"), QColor("#56B4E9"), QColor("#E69F00")),
    Panel.LIGHT: _Ink(QColor("#3A4047"), QColor("#FAFBFC"), QColor("#0072B2"), QColor("#D55E00")),
}


def icon_facts(status: Status) -> IconFacts:
    """The visible part of a status."""
    shot = status.snapshot
    return IconFacts(
        cpu_percent=_stepped(shot.cpu_percent if shot else None),
        memory_percent=_stepped(shot.memory_percent if shot else None),
        mood=sentence(status).mood,
    )


def likely_panel(*, light_scheme: bool, desktop: str) -> Panel:
    """The panel to expect, given ``XDG_CURRENT_DESKTOP``.

    Plasma's panel follows the colour scheme; the panels of other desktops are dark by default.
    """
    return Panel.LIGHT if light_scheme and "KDE" in desktop.split(":") else Panel.DARK


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
    plan = layout(round(size * ratio), badged=has_badge(facts.mood))
    image = QImage(plan.size, plan.size, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    ink = _INKS[panel]
    _draw_gauge(painter, plan, plan.gauges[0], facts.cpu_percent, ink, ink.cpu)
    _draw_gauge(painter, plan, plan.gauges[1], facts.memory_percent, ink, ink.memory)
    draw_badge(painter, facts.mood, QRect(*plan.badge, plan.badge[2]), plan.stroke)
    painter.end()
    image.setDevicePixelRatio(ratio)
    return image


def layout(size: int, *, badged: bool) -> Layout:
    """The places of everything in a drawing of ``size`` device pixels.

    The memory gauge ends above the badge, where there is one: a badge hides no figure.
    """
    stroke = max(1, round(size / 20))
    margin = max(1, round(size / 16))
    gap = max(1, round(size / 12))
    width = (size - 2 * margin - gap) // 2
    left = (size - 2 * width - gap) // 2
    height = size - 2 * margin
    badge = 2 * round(size * 0.28)
    beside = size - badge - 2 * stroke - margin if badged else height
    return Layout(
        size=size,
        stroke=stroke,
        gauges=((left, margin, width, height), (left + width + gap, margin, width, beside)),
        badge=(size - badge, size - badge, badge),
    )


def level_pixels(percent: int, height: int) -> int:
    """Filled pixels of a gauge: a figure over 0 shows, one under 100 is not full."""
    if percent <= 0:
        return 0
    if percent >= 100:  # noqa: PLR2004 - per cent
        return height
    return min(max(1, round(height * percent / 100)), height - 1)


def _draw_gauge(
    painter: QPainter,
    plan: Layout,
    place: tuple[int, int, int, int],
    percent: int | None,
    ink: _Ink,
    colour: QColor,
) -> None:
    left, top, width, height = place
    stroke = plan.stroke
    cut = max(1, stroke // 2)
    # Two rectangles make an outline with its corners cut, without anti-aliasing.
    painter.fillRect(left + cut, top, width - 2 * cut, height, ink.outline)
    painter.fillRect(left, top + cut, width, height - 2 * cut, ink.outline)
    inner = QRect(left + stroke, top + stroke, width - 2 * stroke, height - 2 * stroke)
    painter.fillRect(inner, ink.trough)
    if percent is None:
        dash = QRect(inner.left(), top + (height - stroke) // 2, inner.width(), stroke)
        painter.fillRect(dash.adjusted(stroke, 0, -stroke, 0), ink.outline)
    else:
        filled = level_pixels(percent, inner.height())
        painter.fillRect(inner.adjusted(0, inner.height() - filled, 0, 0), colour)


def _stepped(percent: float | None) -> int | None:
    if percent is None:
        return None
    return STEP_PERCENT * round(min(100.0, max(0.0, percent)) / STEP_PERCENT)

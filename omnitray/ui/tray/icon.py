"""The tray icon's drawing: two gauges, CPU and memory, and a badge for the mood.

Everything is laid out in whole device pixels by :func:`layout` (pure), so that each size is a
drawing of its own and nothing is scaled: a 22 px icon on a 150 % screen is a drawing of 33 px.
The gauges are outlined against the panel and filled against the outline, so that they can be read
even on a panel that is not what it was taken for. The mood is told by the badge's shape
(:mod:`omnitray.ui.tray.icon_badge`), not by colour alone. Colours are Okabe and Ito's.
"""

import enum

import msgspec
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QIcon, QImage, QPainter, QPixmap

from omnitray.base.status import Mood, Status, sentence
from omnitray.ui.tray.icon_badge import draw_badge, has_badge

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

"""The badge in the icon's corner: a shape for each state that is not plain "all good".

Filled signs in colour ask for attention (triangle, octagon, disc with two bars); signs in the ink
of the panel say that OmniTray itself is restrained: a disc with a slash is off, an eye only
watches, a square with a Z keeps notifications back, a diamond has no reading. Each differs from
the others by its outline, so that it is recognised without colour; a ring of nothing around it
keeps it apart from what it covers.
"""

import enum
from collections.abc import Callable

import msgspec
from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPolygon

from omnitray.api.status import Mood, Status, sentence
from omnitray.base.facts import ProtectState

# Okabe and Ito's amber and blue; a red that keeps 5.9 : 1 to the white of its mark.
_AMBER, _RED, _BLUE = QColor("#E69F00"), QColor("#C8102E"), QColor("#0072B2")
_BLACK, _WHITE = QColor("#1B1E22"), QColor("#FFFFFF")


class Badge(enum.StrEnum):
    """What the corner of the icon says."""

    NONE = "all good"
    WARNING = "warning"
    CRITICAL = "critical"
    HOLDING = "slowed or paused"
    BLIND = "no reading"
    OFF = "protection off"
    WATCH = "only watching"
    QUIET = "notifications paused"


class Ink(msgspec.Struct, frozen=True):
    """The colours of one panel: lines, what they stand on, and the two levels."""

    outline: QColor
    trough: QColor
    cpu: QColor
    memory: QColor


_OF_MOOD = {
    Mood.BLIND: Badge.BLIND,
    Mood.CRITICAL: Badge.CRITICAL,
    Mood.HOLDING: Badge.HOLDING,
    Mood.WARNING: Badge.WARNING,
}


def badge_of(status: Status) -> Badge:
    """What needs the person most; what restrains OmniTray itself where nothing does."""
    if (badge := _OF_MOOD.get(sentence(status).mood)) is not None:
        return badge
    if status.protect is ProtectState.OFF:
        return Badge.OFF
    if status.protect is ProtectState.WATCH or status.protect_paused_until is not None:
        return Badge.WATCH
    return Badge.NONE if status.notifications_paused_until is None else Badge.QUIET


def draw_badge(painter: QPainter, badge: Badge, place: QRect, ring: int, ink: Ink) -> None:
    """Draw the badge into ``place``; nothing for ``NONE``."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if badge is not Badge.NONE:
        _DRAWINGS[badge](painter, place, ring, ink)


def _draw_warning(painter: QPainter, place: QRect, ring: int, _ink: Ink) -> None:
    _draw_sign(painter, _triangle(place), ring, _AMBER)
    _draw_mark(painter, place.adjusted(0, place.height() // 4, 0, 0), _BLACK)


def _draw_critical(painter: QPainter, place: QRect, ring: int, _ink: Ink) -> None:
    _draw_sign(painter, _octagon(place), ring, _RED)
    _draw_mark(painter, place, _WHITE)


def _draw_holding(painter: QPainter, place: QRect, ring: int, _ink: Ink) -> None:
    _draw_sign(painter, _disc(place), ring, _BLUE)
    _draw_bars(painter, place)


def _draw_blind(painter: QPainter, place: QRect, ring: int, ink: Ink) -> None:
    box, thick = QRectF(place), _thick(place)
    middle = box.center()
    diamond = QPainterPath(QPointF(middle.x(), box.top()))
    for corner in (
        QPointF(box.right(), middle.y()),
        QPointF(middle.x(), box.bottom()),
        QPointF(box.left(), middle.y()),
    ):
        diamond.lineTo(corner)
    diamond.closeSubpath()
    _draw_sign(painter, diamond, ring, ink.outline)
    reach = box.width() * 0.22
    _draw_line(painter, middle - QPointF(reach, 0), middle + QPointF(reach, 0), thick, ink.trough)


def _draw_off(painter: QPainter, place: QRect, ring: int, ink: Ink) -> None:
    _draw_sign(painter, _disc(place), ring, ink.outline)
    middle, reach = QRectF(place).center(), place.width() * 0.27
    _draw_line(
        painter,
        middle + QPointF(-reach, reach),
        middle + QPointF(reach, -reach),
        _thick(place),
        ink.trough,
    )


def _draw_watch(painter: QPainter, place: QRect, ring: int, ink: Ink) -> None:
    box = QRectF(place).adjusted(0, place.height() * 0.16, 0, -place.height() * 0.16)
    middle = box.center()
    lid = box.height() * 0.5  # a quadratic curve goes half way to its control point
    eye = QPainterPath(QPointF(box.left(), middle.y()))
    eye.quadTo(QPointF(middle.x(), box.top() - lid), QPointF(box.right(), middle.y()))
    eye.quadTo(QPointF(middle.x(), box.bottom() + lid), QPointF(box.left(), middle.y()))
    _draw_sign(painter, eye, ring, ink.outline)
    pupil = place.width() * 0.19
    _fill(painter, ink.trough)
    painter.drawEllipse(middle, pupil, pupil)


def _draw_quiet(painter: QPainter, place: QRect, ring: int, ink: Ink) -> None:
    square = QPainterPath()
    square.addRoundedRect(QRectF(place), place.width() * 0.16, place.width() * 0.16)
    _draw_sign(painter, square, ring, ink.outline)
    pad = max(1, round(place.width() * 0.22))
    inner = place.adjusted(pad, pad, -pad, -pad)
    thick = max(1, round(place.width() / 8))
    painter.fillRect(inner.left(), inner.top(), inner.width(), thick, ink.trough)
    bottom = inner.top() + inner.height() - thick
    painter.fillRect(inner.left(), bottom, inner.width(), thick, ink.trough)
    half = thick / 2
    _draw_line(
        painter,
        QPointF(inner.left() + half, bottom + half),
        QPointF(inner.left() + inner.width() - half, inner.top() + half),
        thick,
        ink.trough,
    )


_DRAWINGS: dict[Badge, Callable[[QPainter, QRect, int, Ink], None]] = {
    Badge.WARNING: _draw_warning,
    Badge.CRITICAL: _draw_critical,
    Badge.HOLDING: _draw_holding,
    Badge.BLIND: _draw_blind,
    Badge.OFF: _draw_off,
    Badge.WATCH: _draw_watch,
    Badge.QUIET: _draw_quiet,
}


def _draw_sign(painter: QPainter, shape: QPainterPath, ring: int, colour: QColor) -> None:
    """Cut the shape and a ring around it out of what is there, then fill it."""
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Clear)
    painter.setPen(QPen(_BLACK, 2 * ring, j=Qt.PenJoinStyle.MiterJoin))
    painter.setBrush(_BLACK)
    painter.drawPath(shape)
    _fill(painter, colour)
    painter.drawPath(shape)


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


def _draw_line(
    painter: QPainter, start: QPointF, end: QPointF, thick: float, colour: QColor
) -> None:
    painter.setPen(QPen(colour, thick, c=Qt.PenCapStyle.FlatCap))
    painter.drawLine(start, end)


def _thick(place: QRect) -> float:
    return max(1.6, place.width() / 6)


def _fill(painter: QPainter, colour: QColor) -> None:
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceOver)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)


def _disc(place: QRect) -> QPainterPath:
    shape = QPainterPath()
    shape.addEllipse(QRectF(place))
    return shape


def _triangle(place: QRect) -> QPainterPath:
    left, top, width, height = place.left(), place.top(), place.width(), place.height()
    return _closed(
        [
            QPoint(left, top + height),
            QPoint(left + width // 2 - 1, top),
            QPoint(left + width // 2 + 1, top),
            QPoint(left + width, top + height),
        ]
    )


def _octagon(place: QRect) -> QPainterPath:
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
    return _closed([QPoint(left + x, top + y) for x, y in corners])


def _closed(corners: list[QPoint]) -> QPainterPath:
    shape = QPainterPath()
    shape.addPolygon(QPolygon(corners))
    shape.closeSubpath()
    return shape

"""The badge in the icon's corner: a shape for each mood that a person should notice.

A triangle warns, an octagon is critical (both with an exclamation mark, drawn in whole pixels), a
disc with two bars means that something is held. All good and no reading have no badge: the
gauges themselves say that. A ring around the badge is cut out of what lies below it.
"""

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygon

from omnitray.base.status import Mood

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

"""Small drawings instead of letters from a font that may not be there: crisp at every scale.

Each is drawn in a square of 16 units into the rectangle given, in one colour.
"""

from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPolygonF

_UNITS = 16.0
_Draw = Callable[[QPainter], None]


def draw(painter: QPainter, name: str, rect: QRectF, colour: QColor) -> None:
    """Draw a glyph by name."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(rect.topLeft())
    painter.scale(rect.width() / _UNITS, rect.height() / _UNITS)
    pen = QPen(colour, 1.5)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    GLYPHS[name](painter)
    painter.restore()


def _line(painter: QPainter, *points: tuple[float, float]) -> None:
    painter.drawPolyline(QPolygonF([QPointF(x, y) for x, y in points]))


def _shape(painter: QPainter, *points: tuple[float, float]) -> None:
    painter.drawPolygon(QPolygonF([QPointF(x, y) for x, y in points]))


def _fill(painter: QPainter) -> None:
    painter.setBrush(painter.pen().color())


def _overview(painter: QPainter) -> None:
    painter.drawRoundedRect(QRectF(2, 3, 12, 10), 1.5, 1.5)
    _line(painter, (4.2, 10), (6.5, 7), (8.8, 9), (11.8, 5.8))


def _processes(painter: QPainter) -> None:
    for y in (4, 8, 12):
        _line(painter, (2.5, y), (3, y))
        _line(painter, (6, y), (13.5, y))


def _protection(painter: QPainter) -> None:
    path = QPainterPath(QPointF(8, 1.8))
    path.lineTo(13.2, 3.8)
    path.cubicTo(13.4, 9.2, 11.4, 12.4, 8, 14.2)
    path.cubicTo(4.6, 12.4, 2.6, 9.2, 2.8, 3.8)
    path.closeSubpath()
    painter.drawPath(path)


def _alerts(painter: QPainter) -> None:
    _shape(painter, (8, 2.4), (14.2, 13.2), (1.8, 13.2))


def _settings(painter: QPainter) -> None:
    for y, knob in ((4, 10.5), (8, 5), (12, 9)):
        _line(painter, (2, y), (knob - 1.9, y))
        _line(painter, (knob + 1.9, y), (14, y))
        painter.drawEllipse(QPointF(knob, y), 1.7, 1.7)


def _check(painter: QPainter) -> None:
    _line(painter, (3.6, 8.4), (6.8, 11.6), (12.6, 4.8))


def _warning(painter: QPainter) -> None:
    _line(painter, (8, 3), (8, 9.4))
    _fill(painter)
    painter.drawEllipse(QPointF(8, 12.8), 0.4, 0.4)


def _critical(painter: QPainter) -> None:
    _fill(painter)
    _shape(painter, (8, 3.4), (13, 12), (3, 12))


def _holding(painter: QPainter) -> None:
    _line(painter, (8, 3), (8, 12.4))
    _line(painter, (4.2, 8.8), (8, 12.6), (11.8, 8.8))


def _blind(painter: QPainter) -> None:
    _fill(painter)
    for x in (3.4, 8, 12.6):
        painter.drawEllipse(QPointF(x, 8), 0.6, 0.6)


def _paused(painter: QPainter) -> None:
    _fill(painter)
    painter.drawRect(QRectF(4.6, 4, 1.6, 8))
    painter.drawRect(QRectF(9.8, 4, 1.6, 8))


def _diamond(painter: QPainter) -> None:
    _fill(painter)
    _shape(painter, (8, 2.6), (13.4, 8), (8, 13.4), (2.6, 8))


def _dot(painter: QPainter) -> None:
    _fill(painter)
    painter.drawEllipse(QPointF(8, 8), 4, 4)


def _cross(painter: QPainter) -> None:
    _line(painter, (4.4, 4.4), (11.6, 11.6))
    _line(painter, (11.6, 4.4), (4.4, 11.6))


def _ring(painter: QPainter) -> None:
    painter.drawEllipse(QPointF(8, 8), 4, 4)


def _servers(painter: QPainter) -> None:
    for y in (2.6, 8.8):
        painter.drawRoundedRect(QRectF(2, y, 12, 4.8), 1.2, 1.2)
        _line(painter, (4.6, y + 2.4), (5.2, y + 2.4))


def _runs(painter: QPainter) -> None:
    painter.drawRoundedRect(QRectF(2, 3, 12, 10), 1.5, 1.5)
    _line(painter, (4.6, 6.2), (6.6, 8), (4.6, 9.8))
    _line(painter, (8.2, 10), (11, 10))


def _trends(painter: QPainter) -> None:
    _line(painter, (2.4, 2.6), (2.4, 13.4), (13.8, 13.4))
    _line(painter, (5, 10.4), (7.6, 7.2), (9.6, 8.8), (13.2, 4.4))
    _line(painter, (10.6, 4.2), (13.4, 4.2), (13.4, 7))


def _channels(painter: QPainter) -> None:
    """A paper plane."""
    _shape(painter, (14, 2.4), (2, 7), (6.6, 9.2), (9, 13.8))
    _line(painter, (6.6, 9.2), (14, 2.4))


def _half(painter: QPainter) -> None:
    """A circle that is half full: on its way."""
    painter.drawEllipse(QPointF(8, 8), 4.6, 4.6)
    _fill(painter)
    painter.drawPie(QRectF(3.4, 3.4, 9.2, 9.2), -90 * 16, 180 * 16)


def _loop(painter: QPainter) -> None:
    painter.drawArc(QRectF(3.4, 3.4, 9.2, 9.2), 60 * 16, 290 * 16)
    _line(painter, (8.4, 2.2), (11.2, 4.2), (8.8, 6.4))


GLYPHS: dict[str, _Draw] = {
    "overview": _overview,
    "processes": _processes,
    "protection": _protection,
    "alerts": _alerts,
    "settings": _settings,
    "check": _check,
    "warning": _warning,
    "critical": _critical,
    "holding": _holding,
    "blind": _blind,
    "paused": _paused,
    "diamond": _diamond,
    "dot": _dot,
    "cross": _cross,
    "ring": _ring,
    "servers": _servers,
    "runs": _runs,
    "trends": _trends,
    "channels": _channels,
    "half": _half,
    "loop": _loop,
}

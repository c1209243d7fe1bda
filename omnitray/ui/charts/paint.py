"""What is drawn over the ground of a chart: curves, marks, the crosshair and its words.

Pens are one device pixel wide: the raster engine draws an antialiased polyline of that width ten
times faster than a wider one. A curve is drawn as thin ones side by side, one more than the screen
has device pixels to a point, so that data is heavier than the thresholds, which have one each.
"""

from collections.abc import Iterable, Sequence

import msgspec
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPolygonF, QTransform

from omnitray.ui.charts.series import Track
from omnitray.ui.charts.trace import Trace
from omnitray.ui.theme import Colours

MARK = 5.0  # half the width of a triangle
_SHADE = 0.55
_SHADE_LINES = 3  # names that begin close together stand one below the other
_DASH = (4.0, 3.0)
_PAD = 6.0
_ASIDE = 8.0


class Curve(msgspec.Struct, frozen=True):
    """One line: its word, the field of the palette it is drawn in, and its numbers."""

    name: str
    colour: str
    track: Track
    dashed: bool = False


class Mark(msgspec.Struct, frozen=True):
    """A triangle where an alert fired; ``at_s`` is a place on the time axis.

    A neutral one is about something else than what the chart shows: hollow, without its colour.
    """

    at_s: float
    critical: bool
    text: str
    neutral: bool = False


class Shade(msgspec.Struct, frozen=True):
    """A stretch of time in which a job was held; places on the time axis, None: until now."""

    from_s: float
    to_s: float | None
    text: str
    paused: bool


class ChartView(msgspec.Struct, frozen=True, kw_only=True):
    """Which stretch of time and values is seen where, in which colours."""

    plot: QRectF
    now_s: float
    range_s: float
    top: float
    ratio: float
    colours: Colours

    @property
    def column_s(self) -> float:
        """The time that one pixel spans."""
        return self.range_s / max(1.0, self.plot.width())

    def x(self, at_s: float) -> float:
        """Where a moment lies."""
        return self.plot.right() - (self.now_s - at_s) / self.range_s * self.plot.width()

    def y(self, value: float) -> float:
        """Where a value lies."""
        return self.plot.bottom() - min(max(value / self.top, 0.0), 1.0) * self.plot.height()

    def transform(self, down: float) -> QTransform:
        """From seconds and values to pixels, ``down`` pixels lower."""
        wide, high = self.plot.width() / self.range_s, self.plot.height() / self.top
        left = self.plot.right() - self.now_s * wide
        return QTransform(wide, 0.0, 0.0, -high, left, self.plot.bottom() + down)


def paint_curves(
    painter: QPainter, view: ChartView, curves: Iterable[Curve], traces: Iterable[Trace]
) -> None:
    """Draw every curve, inside the plot."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setClipRect(view.plot.adjusted(0, -1, 1, 1))
    for curve, trace in zip(curves, traces, strict=True):
        painter.setPen(_pen(view.colours, curve))
        found = trace.polygons(view.now_s - view.range_s, view.now_s, view.column_s)
        for step in range(round(view.ratio) + 1):
            painter.save()
            painter.setTransform(view.transform(step / view.ratio), combine=True)
            for polygon in found:
                if polygon.size() > 1:
                    painter.drawPolyline(polygon)
                elif step == 0:  # a lone sample is as wide as it can be seen
                    painter.drawLine(*_around(polygon.first(), view.column_s))
            painter.restore()
    painter.restore()


def _around(point: QPointF, column_s: float) -> tuple[QPointF, QPointF]:
    return point - QPointF(column_s, 0), point + QPointF(column_s, 0)


def paint_shades(painter: QPainter, view: ChartView, shades: Iterable[Shade]) -> None:
    """Draw a ground behind the curves where a job was held, with its name where that has room.

    The names come after all grounds, each on one of its own: no other shade and no threshold runs
    through them.
    """
    painter.save()
    painter.setClipRect(view.plot)
    seen = [(shade, box) for shade in shades if (box := _shaded(view, shade)) is not None]
    for shade, box in seen:
        front, back = _shade_colours(view, shade)
        back.setAlphaF(_SHADE)
        painter.fillRect(box, back)
        painter.setPen(QPen(front, 1))
        painter.drawLine(box.topLeft(), box.bottomLeft())
    metrics, line = QFontMetricsF(painter.font()), 0
    for shade, box in seen:
        words = box.adjusted(_PAD / 2, MARK + line * metrics.height(), -_PAD / 2, 0)
        if words.width() > metrics.horizontalAdvance("MMM"):
            shown = metrics.elidedText(shade.text, Qt.TextElideMode.ElideRight, words.width())
            words.setHeight(metrics.height())
            words.setWidth(min(words.width(), metrics.horizontalAdvance(shown) + 1))
            front, back = _shade_colours(view, shade)
            painter.fillRect(words, back)
            painter.setPen(front)
            painter.drawText(words, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft, shown)
            line = (line + 1) % _SHADE_LINES
    painter.restore()


def _shaded(view: ChartView, shade: Shade) -> QRectF | None:
    """The part of the plot that it takes; None where it is out of sight."""
    left = max(view.x(shade.from_s), view.plot.left())
    right = view.plot.right() if shade.to_s is None else view.x(shade.to_s)
    if right < view.plot.left() or left > view.plot.right():
        return None
    return QRectF(left, view.plot.top(), max(2.0, right - left), view.plot.height())


def _shade_colours(view: ChartView, shade: Shade) -> tuple[QColor, QColor]:
    front, back = view.colours.tone("critical" if shade.paused else "warning")
    return QColor(front), QColor(back)


def paint_marks(painter: QPainter, view: ChartView, marks: Iterable[Mark]) -> None:
    """Draw a triangle at the top for every alert in view."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    foot = view.plot.top() + MARK - 1
    for mark in marks:
        x = view.x(mark.at_s)
        if view.plot.left() <= x <= view.plot.right():
            _dress_mark(painter, view.colours, mark)
            tip = QPointF(x, foot - 1.8 * MARK)
            feet = QPointF(x - MARK, foot), QPointF(x + MARK, foot)
            painter.drawPolygon(QPolygonF([*feet, tip]))
    painter.restore()


def _dress_mark(painter: QPainter, colours: Colours, mark: Mark) -> None:
    if mark.neutral:
        painter.setPen(QPen(QColor(colours.muted), 1))
        painter.setBrush(QColor(colours.card))
        return
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colours.critical_line if mark.critical else colours.warning_line))


def paint_crosshair(
    painter: QPainter, view: ChartView, curves: Sequence[Curve], at_s: float
) -> None:
    """Draw the line at a moment and a dot on every curve."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    x = _inside(view, at_s)
    painter.setPen(QPen(QColor(view.colours.muted), 1))
    painter.drawLine(QPointF(x, view.plot.top()), QPointF(x, view.plot.bottom()))
    painter.setPen(Qt.PenStyle.NoPen)
    for curve in curves:
        reading = curve.track.nearest(at_s, view.column_s)
        if reading:
            painter.setBrush(QColor(getattr(view.colours, curve.colour)))
            painter.drawEllipse(QPointF(x, view.y(reading.value)), 3, 3)
    painter.restore()


def paint_bubble(painter: QPainter, view: ChartView, at_s: float, text: str) -> None:
    """Draw the words beside the crosshair, on the side where there is room."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    metrics = QFontMetricsF(painter.font())
    x = _inside(view, at_s)
    width = min(metrics.horizontalAdvance(text) + 2 * _PAD, view.plot.width())
    fits = x + _ASIDE + width <= view.plot.right()
    left = max(view.plot.left(), x + _ASIDE if fits else x - _ASIDE - width)
    box = QRectF(left, view.plot.top() + 2, width, metrics.height() + 4)
    painter.setPen(QPen(QColor(view.colours.control_border), 1))
    painter.setBrush(QColor(view.colours.card))
    painter.drawRoundedRect(box, 4, 4)
    painter.setPen(QColor(view.colours.text))
    inner = box.adjusted(_PAD, 0, -_PAD, 0)
    shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, inner.width() + 1)
    painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter, shown)
    painter.restore()


def paint_empty(painter: QPainter, view: ChartView) -> None:
    """Say what will be here."""
    painter.setPen(QColor(view.colours.muted))
    lower = view.plot.adjusted(0, view.plot.height() / 2, 0, 0)  # between two lines of the grid
    painter.drawText(lower, Qt.AlignmentFlag.AlignCenter, "Readings will appear here")


def _pen(colours: Colours, curve: Curve) -> QPen:
    pen = QPen(QColor(getattr(colours, curve.colour)), 1)
    pen.setCosmetic(True)
    if curve.dashed:
        pen.setDashPattern(_DASH)
    return pen


def _inside(view: ChartView, at_s: float) -> float:
    return min(max(view.x(at_s), view.plot.left()), view.plot.right())

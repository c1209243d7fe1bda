"""What lies behind the lines of a chart: grid, thresholds and labels, painted into a pixmap."""

from collections.abc import Sequence

import msgspec
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QPixmap

from omnitray.ui import formats
from omnitray.ui.theme import Colours

_TICKS = {60.0: 4, 300.0: 5, 900.0: 3, 3600.0: 4}  # so that the labels are round
_MINUTE_S = 60.0
_THRESHOLD_DASH = (5.0, 4.0)
_RATE_UNITS = ((1e9, "GB/s"), (1e6, "MB/s"), (1e3, "kB/s"), (1.0, "B/s"))
_SIZE_UNITS = tuple((factor, unit.removesuffix("/s")) for factor, unit in _RATE_UNITS)


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """The axis of values: fixed at ``top``, or fitted but never under ``floor``."""

    unit: str  # "%", or "B/s" which is given in kB, MB or GB
    top: float | None = None
    floor: float = 1.0


PERCENT = Scale(unit="%", top=100.0)
RATE = Scale(unit="B/s", floor=1_000_000.0)


class ChartBackground(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the picture depends on, so that it can be kept until one of it changes."""

    size: QSize
    ratio: float
    plot: QRectF
    top: float
    unit: str
    range_s: float
    thresholds: tuple[float, float] | None


def paint_ground(ground: ChartBackground, colours: Colours, font: QFont) -> QPixmap:
    """The ground as a pixmap in the pixels of the screen."""
    pixmap = QPixmap(ground.size * ground.ratio)
    pixmap.setDevicePixelRatio(ground.ratio)
    pixmap.fill(QColor(colours.card))
    painter = QPainter(pixmap)
    painter.setFont(font)
    _paint_values(painter, ground, colours)
    _paint_times(painter, ground, colours)
    if ground.thresholds:
        _paint_thresholds(painter, ground, colours, ground.thresholds)
    painter.end()
    return pixmap


def axis_labels(top: float, unit: str) -> tuple[tuple[str, str, str], str]:
    """Labels for 0, the middle and the top, and their unit: ``("0", "100", "200"), "MB/s"``."""
    if unit in {"B", "B/s"}:
        units = _RATE_UNITS if unit == "B/s" else _SIZE_UNITS
        factor, unit = next(pair for pair in units if top >= pair[0] or pair[0] == 1.0)
        top /= factor
    return ("0", formats.number(top / 2), formats.number(top)), unit


def time_labels(range_s: float) -> list[str]:
    """From the oldest to now: ``−5 min``, ``−4``, … ``now``."""
    ticks = _TICKS.get(range_s, 4)
    short = range_s <= _MINUTE_S
    unit, scale = ("s", 1.0) if short else ("min", _MINUTE_S)
    steps = [range_s / scale * (1 - index / ticks) for index in range(ticks)]
    first, *others = [f"−{step:g}" for step in steps]
    return [f"{first} {unit}", *others, "now"]


def _paint_values(painter: QPainter, ground: ChartBackground, colours: Colours) -> None:
    metrics = QFontMetricsF(painter.font())
    labels, unit = axis_labels(ground.top, ground.unit)
    for index, label in enumerate(labels):
        y = _snap(ground.plot.bottom() - ground.plot.height() * index / 2, ground.ratio)
        painter.setPen(QPen(QColor(colours.grid), 1))
        painter.drawLine(QPointF(ground.plot.left(), y), QPointF(ground.plot.right(), y))
        painter.setPen(QColor(colours.muted))
        if index == 1 and ground.plot.height() / 2 < metrics.height():
            continue  # it would stand on its neighbours
        top = max(0.0, y - metrics.height() / 2)
        box = QRectF(0, top, ground.plot.left() - 6, metrics.height())
        painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, label)
    if unit == "%":
        return  # the figure in the head line says so
    corner = QPointF(ground.plot.left() + 3, ground.plot.top() + metrics.ascent() + 2)
    painter.drawText(corner, unit)


def _paint_times(painter: QPainter, ground: ChartBackground, colours: Colours) -> None:
    metrics = QFontMetricsF(painter.font())
    painter.setPen(QColor(colours.muted))
    labels = time_labels(ground.range_s)
    baseline = ground.plot.bottom() + metrics.ascent() + 4
    widths = [metrics.horizontalAdvance(label) for label in labels]
    places = time_places(widths, ground.plot.width(), metrics.horizontalAdvance("0"))
    for label, place in zip(labels, places, strict=True):
        if place is not None:
            painter.drawText(QPointF(ground.plot.left() + place, baseline), label)


def time_places(widths: Sequence[float], room: float, between: float) -> list[float | None]:
    """The left edges of labels at equal distances; None for one that would touch another.

    The newest stays, then the oldest; of those between them as many as have ``between`` free.
    """
    steps = len(widths) - 1
    middles = [room * index / steps for index in range(steps + 1)]
    lefts = [middle - width / 2 for middle, width in zip(middles, widths, strict=True)]
    lefts[0], lefts[-1] = 0.0, room - widths[-1]
    found: list[float | None] = [None] * len(widths)
    found[-1] = lefts[-1]
    end, last = 0.0, lefts[-1] - between
    for index in range(steps):
        free = lefts[index] >= end and lefts[index] + widths[index] <= last
        if free:
            found[index] = lefts[index]
            end = lefts[index] + widths[index] + between
    return found


def _paint_thresholds(
    painter: QPainter, ground: ChartBackground, colours: Colours, thresholds: tuple[float, float]
) -> None:
    for value, name in zip(thresholds, (colours.warning_line, colours.critical_line), strict=True):
        pen = QPen(QColor(name), 1)
        pen.setDashPattern(_THRESHOLD_DASH)
        painter.setPen(pen)
        share = min(value / ground.top, 1.0)
        y = _snap(ground.plot.bottom() - ground.plot.height() * share, ground.ratio)
        painter.drawLine(QPointF(ground.plot.left(), y), QPointF(ground.plot.right(), y))


def _snap(position: float, ratio: float) -> float:
    """The middle of a device pixel, so that a line of one pixel is sharp."""
    return (int(position * ratio) + 0.5) / ratio

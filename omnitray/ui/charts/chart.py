"""A line chart on a true time axis, drawn with QPainter.

The map: ``series`` the numbers, ``chart_ground`` what lies behind (a cached pixmap),
``chart_paint`` what is redrawn, ``chart_words`` what is said; here the widget: scale, crosshair.
"""

from collections.abc import Callable, Iterable, Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import (
    QAccessible,
    QFocusEvent,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from omnitray.ui import formats
from omnitray.ui.charts.background import ChartBackground, Scale, paint_ground
from omnitray.ui.charts.paint import (
    MARK,
    ChartView,
    Curve,
    Mark,
    Shade,
    paint_bubble,
    paint_crosshair,
    paint_curves,
    paint_empty,
    paint_marks,
    paint_shades,
)
from omnitray.ui.charts.series import AutoScale, Reading, TimeAxis
from omnitray.ui.charts.trace import Trace
from omnitray.ui.theme import Theme, line_height, text_font, width_of


class ChartWords:
    """The words of one chart; ``say`` puts a value with its unit."""

    def __init__(
        self,
        name: str,
        axis: TimeAxis,
        curves: Sequence[Curve],
        say: Callable[[float | None], str],
    ) -> None:
        self._name, self._axis, self._curves, self._say = name, axis, curves, say

    def summary(self, range_s: float) -> str:
        """``CPU: now 43 %, highest 91 % at 14:02`` over the range."""
        parts = [self._summary_of(curve, range_s) for curve in self._curves]
        return f"{self._name}: " + "; ".join(parts)

    def at(self, at_s: float, column_s: float, marks: Iterable[Mark]) -> str:
        """``14:02:11 · 43 %``, and the alerts that fired within a triangle's width."""
        parts = [formats.clock_time(self._axis.wall(at_s))]
        for curve in self._curves:
            reading = curve.track.nearest(at_s, column_s)
            parts.append(self._word(curve) + (self._say(reading.value) if reading else "no sample"))
        reach_s = MARK * column_s
        parts.extend(mark.text for mark in marks if abs(mark.at_s - at_s) <= reach_s)
        return " · ".join(parts)

    def highest_value(self, range_s: float) -> float:
        """The highest value of all curves in the range; 0 where there is none."""
        readings = [self._highest(curve, range_s) for curve in self._curves]
        return max((reading.value for reading in readings if reading), default=0.0)

    def _summary_of(self, curve: Curve, range_s: float) -> str:
        newest, highest = curve.track.newest, self._highest(curve, range_s)
        if newest is None or highest is None:
            return f"{self._word(curve)}no reading yet"
        moment = formats.clock_time(self._axis.wall(highest.at_s), seconds=False)
        now, most = self._say(newest.value), self._say(highest.value)
        return f"{self._word(curve)}now {now}, highest {most} at {moment}"

    def _highest(self, curve: Curve, range_s: float) -> Reading | None:
        return curve.track.highest(self._axis.now_s - range_s, self._axis.now_s)

    def _word(self, curve: Curve) -> str:
        return f"{curve.name} " if len(self._curves) > 1 else ""


_LABEL_SCALE = 0.78
_WIDE = 56  # figures side by side
_HIGH, _LOW = 8.5, 6.0  # lines of labels: three values, the times, and air between them


class Chart(QWidget):
    """A chart of one or two curves. ``top`` fixes the scale at 0 to ``top``; None lets it fit.

    Call :meth:`refresh` after the tracks have got new samples.
    """

    accessible_role = QAccessible.Role.Graphic

    def __init__(
        self,
        theme: Theme,
        axis: TimeAxis,
        curves: Sequence[Curve],
        *,
        name: str,
        say: Callable[[float | None], str],
        scale: Scale,
    ) -> None:
        super().__init__()
        self._theme, self._axis, self._curves = theme, axis, tuple(curves)
        self._traces = tuple(Trace(curve.track) for curve in self._curves)
        self._name, self._scale = name, scale
        self._words = ChartWords(name, axis, self._curves, say)
        self.say = say
        self._auto = AutoScale(scale.floor)
        self.range_s = 300.0
        self._thresholds: tuple[float, float] | None = None
        self._marks: tuple[Mark, ...] = ()
        self._shades: tuple[Shade, ...] = ()
        self._cross_s: float | None = None
        self._ground: QPixmap | None = None
        self._ground_key: object = None
        self._painted_s: float | None = None
        self.paints = 0  # counted, so that a test can see that nothing is painted in vain
        self.setAccessibleName(f"{name} chart")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setMouseTracking(True)
        # Its ground covers all of it: Qt would paint card, page and window below it each time.
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setLayoutDirection(Qt.LayoutDirection.LeftToRight)  # as time runs on every chart
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setFont(text_font(self.font(), _LABEL_SCALE))

    # -- what it shows

    @property
    def top(self) -> float:
        """The top of the axis now."""
        return self._scale.top or self._auto.top

    @property
    def newest(self) -> float | None:
        """The newest value of the first curve."""
        reading = self._curves[0].track.newest
        return reading.value if reading else None

    def set_range(self, seconds: float) -> None:
        """How far back the axis reaches."""
        if seconds != self.range_s:
            self.range_s = seconds
            self.reset()

    def set_thresholds(self, warning: float, critical: float) -> None:
        """Where the two dashed lines lie."""
        if self._thresholds != (warning, critical):
            self._thresholds = (warning, critical)
            self.update()

    def set_marks(self, marks: Sequence[Mark]) -> None:
        """Where alerts fired."""
        if (found := tuple(marks)) != self._marks:
            self._marks = found
            self.update()

    def set_shades(self, shades: Sequence[Shade]) -> None:
        """When jobs were held."""
        if (found := tuple(shades)) != self._shades:
            self._shades = found
            self.update()

    def reset(self) -> None:
        """Fit the scale to another range or another history."""
        self._auto.reset()
        self._painted_s = None
        self.refresh()

    def refresh(self) -> None:
        """Take up new samples; costs nothing while it is hidden."""
        if not self.isVisible() or self.window().isMinimized():
            return
        if self._scale.top is None:
            self._auto.fit(self._words.highest_value(self.range_s), self._axis.now_s, self.range_s)
        if self._painted_s is None or self._axis.now_s - self._painted_s >= self._column_s():
            self.update()  # a picture that would move by less than a pixel can stay

    def summary(self) -> str:
        """``CPU: now 43 %, highest 91 % at 14:02``; for two curves each with its word."""
        return self._words.summary(self.range_s)

    def crosshair_text(self) -> str:
        """``14:02:11 · 43 %`` under the crosshair, or an empty string."""
        if self._cross_s is None:
            return ""
        said = self._words.at(self._cross_s, self._column_s(), self._marks)
        held = (
            shade.text
            for shade in self._shades
            if shade.from_s <= self._cross_s and (shade.to_s is None or self._cross_s <= shade.to_s)
        )
        return " · ".join((said, *dict.fromkeys(held)))

    # -- geometry

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Wide and low."""
        return QSize(width_of(self.font(), "0") * _WIDE, line_height(self.font(), _HIGH))

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Low enough for a small screen."""
        return QSize(width_of(self.font(), "0") * _WIDE // 3, line_height(self.font(), _LOW))

    def plot(self) -> QRectF:
        """The area inside the axes."""
        metrics = QFontMetricsF(self.font())
        left = metrics.horizontalAdvance("100") + 8
        bottom = metrics.height() + 4
        return QRectF(left, MARK + 1, self.width() - left - 2, self.height() - bottom - MARK - 1)

    def _column_s(self) -> float:
        return self.range_s / max(1.0, self.plot().width())

    # -- painting

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002, N802 - Qt's name and shape
        """Draw ground, lines, marks and crosshair."""
        self.paints += 1
        self._painted_s = self._axis.now_s
        painter = QPainter(self)
        view = self._view()
        painter.drawPixmap(0, 0, self._ground_pixmap(view.plot))
        paint_shades(painter, view, self._shades)
        paint_curves(painter, view, self._curves, self._traces)
        paint_marks(painter, view, self._marks)
        if self._cross_s is not None:
            paint_crosshair(painter, view, self._curves, self._cross_s)
            paint_bubble(painter, view, self._cross_s, self.crosshair_text())
        elif all(curve.track.newest is None for curve in self._curves):
            paint_empty(painter, view)
        self._describe()

    def _view(self) -> ChartView:
        return ChartView(
            plot=self.plot(),
            now_s=self._axis.now_s,
            range_s=self.range_s,
            top=self.top,
            ratio=self.devicePixelRatioF(),
            colours=self._theme.colours,
        )

    def _ground_pixmap(self, plot: QRectF) -> QPixmap:
        ground = ChartBackground(
            size=self.size(),
            ratio=self.devicePixelRatioF(),
            plot=plot,
            top=self.top,
            unit=self._scale.unit,
            range_s=self.range_s,
            thresholds=self._thresholds,
        )
        key = (ground, self._theme.colours, self.font().key())
        if self._ground is None or key != self._ground_key:
            self._ground = paint_ground(ground, self._theme.colours, self.font())
            self._ground_key = key
        return self._ground

    # -- words

    def _describe(self) -> None:
        if not QAccessible.isActive():
            return  # nothing on this desktop reads it
        text = self.summary()
        if self._cross_s is not None:
            text = f"{self._name} at {self.crosshair_text()}"
        if text != self.accessibleDescription():
            self.setAccessibleDescription(text)

    # -- the crosshair by mouse and keyboard

    def point_at(self, ago_s: float) -> None:
        """Put the crosshair so many seconds before now."""
        self._cross(self._axis.now_s - ago_s)

    def _cross(self, at_s: float | None) -> None:
        self._cross_s = at_s
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Put the crosshair under the mouse."""
        plot = self.plot()
        x = event.position().x()
        inside = plot.left() <= x <= plot.right()
        ago_s = (plot.right() - x) / plot.width() * self.range_s
        self._cross(self._axis.now_s - ago_s if inside else None)

    def leaveEvent(self, event: object) -> None:  # noqa: ARG002, N802 - Qt's name and shape
        """Take the crosshair away."""
        self._cross(None)

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """Take the crosshair away."""
        self._cross(None)
        super().focusOutEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Arrows step by a sample, Home and End to the ends, Esc takes the crosshair away."""
        if event.key() == Qt.Key.Key_Escape and self._cross_s is not None:
            self._cross(None)
        elif (step := _STEPS.get(Qt.Key(event.key()))) is not None:
            self._cross(self._stepped(step))
        else:
            super().keyPressEvent(event)

    def _stepped(self, step: float) -> float | None:
        times = self._curves[0].track.times
        start_s = self._axis.now_s - self.range_s
        seen = [at_s for at_s in times if at_s >= start_s]
        if not seen:
            return None
        if self._cross_s is None:
            return seen[-1]
        here = min(range(len(seen)), key=lambda i: abs(seen[i] - (self._cross_s or 0.0)))
        return seen[int(min(max(here + step, 0), len(seen) - 1))]


_STEPS = {
    Qt.Key.Key_Left: -1,
    Qt.Key.Key_Right: 1,
    Qt.Key.Key_PageUp: -20,
    Qt.Key.Key_PageDown: 20,
    Qt.Key.Key_Home: -1e9,
    Qt.Key.Key_End: 1e9,
}

"""On or off: a switch that says its state in a word, painted so that it looks the same anywhere."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy

from omnitray.ui.theme import text_font

_TRACK = QSize(32, 18)
_SPACE = 8


class Switch(QAbstractButton):
    """A checkable button; its colours come from the palette."""

    def __init__(self) -> None:
        super().__init__()
        self.setCheckable(True)
        self.setFont(text_font(self.font()))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Track and word."""
        metrics = QFontMetrics(self.font())
        width = _TRACK.width() + _SPACE + metrics.horizontalAdvance("off") + 4
        return QSize(width, max(_TRACK.height() + 4, metrics.height()))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002, N802 - Qt's name and shape
        """Draw track, knob and word."""
        roles, palette = QPalette.ColorRole, self.palette()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        on = self.isChecked()
        ground = palette.color(roles.Accent if on else roles.PlaceholderText)
        box = QRectF(1, (self.height() - _TRACK.height()) / 2, _TRACK.width(), _TRACK.height())
        edge = QPen(palette.color(roles.Text), 1) if self.hasFocus() else Qt.PenStyle.NoPen
        painter.setPen(edge)
        painter.setBrush(ground)
        radius = _TRACK.height() / 2
        painter.drawRoundedRect(box, radius, radius)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(palette.color(roles.Base)))
        middle = box.right() - radius if on else box.left() + radius
        painter.drawEllipse(QPointF(middle, box.center().y()), radius - 3, radius - 3)
        painter.setPen(palette.color(roles.Text))
        words = QRectF(box.right() + _SPACE, 0, self.width(), self.height())
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, "on" if on else "off")

"""Pills: a word with a shape on a soft ground, painted by delegates and shown as widgets."""

from typing import NamedTuple

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QAccessible, QColor, QFont, QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from omnitray.base.facts import Severity
from omnitray.protector.view import ActionOutcome, HoldKind
from omnitray.ui.theme import Colours, Theme, Tone, text_font
from omnitray.ui.widgets import glyphs
from omnitray.ui.widgets.labels import plain_tooltip

_PAD = 5.0  # above and below the word, together
_SIDE = 7.0
_GLYPH = 0.75  # of the height of a line
_SPACE = 4.0
PILL_SCALE = 0.88


class Pill(NamedTuple):
    """What a pill says: a word, a tone, a shape ("" for none)."""

    word: str
    tone: Tone
    glyph: str = ""


RUNNING = Pill("running", "good", "dot")
STOPPED = Pill("paused", "critical", "paused")
GRIPS = {
    HoldKind.SLOWED: Pill(HoldKind.SLOWED, "warning", "holding"),
    HoldKind.PAUSED: Pill(HoldKind.PAUSED, "critical", "paused"),
    HoldKind.ENDING: Pill(HoldKind.ENDING, "critical", "cross"),
    HoldKind.WOULD: Pill(HoldKind.WOULD, "neutral", "ring"),
}
PROTECTED = Pill("protected", "neutral", "protection")
OUTCOMES = {
    ActionOutcome.REVERSIBLE: Pill(ActionOutcome.REVERSIBLE, "neutral"),
    ActionOutcome.UNDONE: Pill(ActionOutcome.UNDONE, "good", "check"),
    ActionOutcome.ENDED: Pill(ActionOutcome.ENDED, "critical", "cross"),
    ActionOutcome.WOULD_HAVE: Pill(ActionOutcome.WOULD_HAVE, "neutral", "ring"),
    ActionOutcome.FAILED: Pill(ActionOutcome.FAILED, "warning", "warning"),
    ActionOutcome.FINAL: Pill(ActionOutcome.FINAL, "neutral"),
}
STATES = {
    "firing": Pill("firing", "critical"),
    "acknowledged": Pill("acknowledged", "neutral"),
    "resolved": Pill("resolved", "good"),
}
SEVERITIES = {
    Severity.CRITICAL: Pill("", "critical", "critical"),
    Severity.WARNING: Pill("", "warning", "diamond"),
    Severity.INFO: Pill("", "neutral", "dot"),
}


def pill_font(base: QFont) -> QFont:
    """A little smaller than the text around it."""
    return text_font(base, PILL_SCALE, bold=True)


def pill_width(pill: Pill, font: QFont) -> float:
    """How wide a pill is in :func:`pill_font`."""
    width = 2 * _SIDE + (_glyph_side(font) if pill.glyph else 0.0)
    if pill.word:
        width += QFontMetricsF(font).horizontalAdvance(pill.word)
    return width + (_SPACE if pill.word and pill.glyph else 0.0)


def _glyph_side(font: QFont) -> float:
    return round(_GLYPH * QFontMetricsF(font).height())


def pill_height(font: QFont) -> float:
    """How high a pill is in :func:`pill_font`."""
    return QFontMetricsF(font).height() + _PAD


def paint_pill(painter: QPainter, pill: Pill, at: QPointF, font: QFont, colours: Colours) -> None:
    """Draw a pill; ``at`` is the middle of its left edge."""
    front, back = (QColor(name) for name in colours.tone(pill.tone))
    height = pill_height(font)
    box = QRectF(at.x(), at.y() - height / 2, pill_width(pill, font), height)
    painter.save()
    painter.setLayoutDirection(Qt.LayoutDirection.LeftToRight)  # "3 failed", from right to left too
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(back)
    painter.drawRoundedRect(box, 5, 5)
    left = box.left() + _SIDE
    if pill.glyph:
        side = _glyph_side(font)
        spot = QRectF(left, box.center().y() - side / 2, side, side)
        glyphs.draw(painter, pill.glyph, spot, front)
        left += side + _SPACE
    painter.setPen(front)
    painter.setFont(font)
    painter.drawText(box.adjusted(left - box.left(), 0, 0, 0), _MIDDLE, pill.word)
    painter.restore()


_MIDDLE = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)


class PillLabel(QWidget):
    """A pill as a widget; ``hint`` is the whole of what it stands for."""

    accessible_role = QAccessible.Role.StaticText

    def __init__(self, theme: Theme, pill: Pill, hint: str = "") -> None:
        super().__init__()
        self._theme = theme
        self._pill = pill
        self.setAccessibleName(hint or pill.word)
        plain_tooltip(self, hint or pill.word)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def show_pill(self, pill: Pill, hint: str = "") -> None:
        """Show another one."""
        if pill != self._pill:
            self._pill = pill
            self.setAccessibleName(hint or pill.word)
            plain_tooltip(self, hint or pill.word)
            self.updateGeometry()
            self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """As large as the pill."""
        font = pill_font(self.font())
        return QSize(round(pill_width(self._pill, font)) + 1, round(pill_height(font)) + 2)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002, N802 - Qt's name and shape
        """Draw the pill."""
        painter = QPainter(self)
        at, font = QPointF(0, self.height() / 2), pill_font(self.font())
        paint_pill(painter, self._fitting(font), at, font, self._theme.colours)

    def _fitting(self, font: QFont) -> Pill:
        too_wide = pill_width(self._pill, font) - self.width()
        if too_wide <= 0:
            return self._pill
        metrics = QFontMetricsF(font)
        room = metrics.horizontalAdvance(self._pill.word) - too_wide
        word = metrics.elidedText(self._pill.word, Qt.TextElideMode.ElideRight, room)
        return self._pill._replace(word=word)

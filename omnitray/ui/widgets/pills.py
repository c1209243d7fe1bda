"""Pills: a word with a shape on a soft ground, painted by delegates and shown as widgets."""

import math
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


def fitting_pill(pill: Pill, font: QFont, width: float) -> Pill:
    """Its shape alone where its word has no room: the tooltip has the word."""
    too_wide = pill.glyph and round(pill_width(pill, font)) > width
    return pill._replace(word="") if too_wide else pill


def _glyph_side(font: QFont) -> float:
    return round(_GLYPH * QFontMetricsF(font).height())


def pill_height(font: QFont) -> float:
    """How high a pill is in :func:`pill_font`."""
    return QFontMetricsF(font).height() + _PAD


def paint_pill(painter: QPainter, pill: Pill, at: QPointF, font: QFont, colours: Colours) -> None:
    """Draw a pill; ``at`` is the middle of its left edge."""
    height = pill_height(font)
    box = QRectF(at.x(), at.y() - height / 2, pill_width(pill, font), height)
    _paint(painter, pill, box, font, colours)


def _paint(painter: QPainter, pill: Pill, box: QRectF, font: QFont, colours: Colours) -> None:
    """Draw it into a box; its words take as many lines as they need."""
    front, back = (QColor(name) for name in colours.tone(pill.tone))
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
    painter.drawText(box.adjusted(left - box.left(), 0, 0, 0), _WRAPPED, pill.word)
    painter.restore()


_MIDDLE = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
_WRAPPED = int(_MIDDLE) | int(Qt.TextFlag.TextWordWrap)


class PillLabel(QWidget):
    """A pill as a widget; ``hint`` is the whole of what it stands for."""

    accessible_role = QAccessible.Role.StaticText

    def __init__(self, theme: Theme, pill: Pill, hint: str = "") -> None:
        super().__init__()
        self._theme = theme
        self._pill = pill
        self.setAccessibleName(hint or pill.word)
        plain_tooltip(self, hint or pill.word)
        policy = QSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

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

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """So narrow that its longest word fits."""
        font = pill_font(self.font())
        words = (self._pill._replace(word=each) for each in self._pill.word.split() or [""])
        width = round(max(pill_width(each, font) for each in words)) + 1
        return QSize(width, self.sizeHint().height())

    def hasHeightForWidth(self) -> bool:  # noqa: N802 - Qt's name
        """Its words take more lines where there is little width."""
        return True

    def heightForWidth(self, width: int) -> int:  # noqa: N802 - Qt's name
        """With as many lines as it takes."""
        if width >= self.sizeHint().width():
            return self.sizeHint().height()
        font = pill_font(self.font())
        room = width - 1 - pill_width(self._pill._replace(word="…"), font)
        room += QFontMetricsF(font).horizontalAdvance("…")
        box = QRectF(0, 0, max(1.0, room), 100_000)
        words = QFontMetricsF(font).boundingRect(box, _WRAPPED, self._pill.word)
        return math.ceil(words.height() + _PAD) + 2

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002, N802 - Qt's name and shape
        """Draw the pill, over several lines where it has no room for one."""
        painter, font = QPainter(self), pill_font(self.font())
        box = QRectF(0, 0, self.width() - 1, self.height() - 2)
        if self.width() >= self.sizeHint().width():
            height = pill_height(font)
            box = QRectF(0, (self.height() - height) / 2, pill_width(self._pill, font), height)
        _paint(painter, self._pill, box, font, self._theme.colours)

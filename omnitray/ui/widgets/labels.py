"""Labels that show foreign text as text: plain, on one line, elided where there is no room."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from omnitray.ui.formats import one_line, unbroken
from omnitray.ui.theme import line_height, text_font

_DOT = " · "


def label(text: str = "", *, scale: float = 1.0, bold: bool = False, muted: bool = False) -> QLabel:
    """A plain text label that wraps."""
    made = QLabel()
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setText(text)
    _dress(made, scale=scale, bold=bold, muted=muted)
    return made


def paragraph(text: str = "", *, scale: float = 1.0, muted: bool = False) -> "Paragraph":
    """A plain text label that wraps and can be copied from."""
    made = Paragraph(text, scale=scale, muted=muted)
    made.setTextInteractionFlags(
        Qt.TextInteractionFlag.TextSelectableByMouse
        | Qt.TextInteractionFlag.TextSelectableByKeyboard
    )
    # Text that can be selected would otherwise be a stop of the Tab key on the way to the buttons.
    made.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
    return made


class Paragraph(QLabel):
    """A plain text that wraps, but never between a figure and its unit."""

    def __init__(self, text: str = "", *, scale: float = 1.0, muted: bool = False) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)
        _dress(self, scale=scale, bold=False, muted=muted)
        self.setText(text)

    def setText(self, text: str) -> None:  # noqa: N802 - Qt's name
        """Show a text."""
        super().setText(unbroken(text))


class ElidedLabel(QLabel):
    """One line that gives way: an ellipsis stands for what has no room, the tooltip has the whole.

    The end goes; with ``middle`` its middle, for titles that end in who it was. ``drop_front`` is
    for a line of parts of which the first are shown elsewhere too; ``hint`` explains its figures.
    """

    def __init__(
        self,
        text: str = "",
        *,
        scale: float = 1.0,
        bold: bool = False,
        muted: bool = False,
        drop_front: bool = False,
        middle: bool = False,
        hint: str = "",
    ) -> None:
        super().__init__()
        self._hint = hint
        self._drop_front = drop_front
        self._mode = Qt.TextElideMode.ElideMiddle if middle else Qt.TextElideMode.ElideRight
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        _dress(self, scale=scale, bold=bold, muted=muted)
        self.setText(text)

    def setText(self, text: str) -> None:  # noqa: N802 - Qt's name
        """Show a text, made harmless."""
        line = one_line(text)
        if line != self.text():
            super().setText(line)
            self.setAccessibleName(line)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """As narrow as it must be."""
        return QSize(0, QFontMetrics(self.font()).height())

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002, N802 - Qt's name and shape
        """Draw the text as far as it fits."""
        painter = QPainter(self)
        line = self._fitting()
        whole = "" if line == self.text() else self.text()
        hint = " ".join(words for words in (whole, self._hint) if words)
        self.setToolTip(escaped(hint) if hint else "")
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(self.rect(), int(self.alignment()), line)

    def _fitting(self) -> str:
        """The text as far as it fits; with ``drop_front`` its first parts go first."""
        metrics, line = QFontMetrics(self.font()), self.text()
        while self._drop_front and _DOT in line and metrics.horizontalAdvance(line) > self.width():
            line = line.partition(_DOT)[2]
        return metrics.elidedText(line, self._mode, self.width())


def plain_tooltip(widget: QWidget, text: str) -> None:
    """Set a tooltip that is never read as markup."""
    widget.setToolTip(escaped(text))


def escaped(text: str) -> str:
    """A tooltip's text that is never read as markup."""
    # Qt guesses whether a tooltip is rich text; escaped and marked as such, it need not guess.
    harmless = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"<span>{harmless}</span>"


def _dress(widget: QLabel, *, scale: float, bold: bool, muted: bool) -> None:
    base: QFont = widget.font()
    widget.setFont(text_font(base, scale, bold=bold))
    # A layout that is short of height would take it from lines of text first.
    widget.setMinimumHeight(line_height(widget.font()))
    widget.setProperty("muted", muted)

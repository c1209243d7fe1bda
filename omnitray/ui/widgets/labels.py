"""Labels that show foreign text as text: plain, on one line, elided where there is no room."""

import html
import re
from collections.abc import Iterator

from PySide6.QtCore import QEvent, QSize, Qt, Slot
from PySide6.QtGui import (
    QContextMenuEvent,
    QFont,
    QFontMetrics,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QResizeEvent,
)
from PySide6.QtWidgets import QLabel, QMenu, QPushButton, QSizePolicy, QStyle, QWidget

from omnitray.ui.formats import (
    breakable,
    in_isolate,
    one_line,
    runs_right_to_left,
    unbroken,
    without_marks,
)
from omnitray.ui.theme import line_height, text_font

_DOT = " · "
_TOOLTIP_LETTERS = 80  # about 500 pixels at 10 pt
_PARTS = re.compile("[^ \u200b]*(?:[ \u200b]+|$)")


def label(text: str = "", *, scale: float = 1.0, bold: bool = False, muted: bool = False) -> QLabel:
    """A plain text label that wraps."""
    made = QLabel()
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setText(text)
    _dress(made, scale=scale, bold=bold, muted=muted)
    return made


def heading(text: str, *, scale: float = 1.0) -> "Paragraph":
    """A bold line above a part of a page; it wraps where it has no room."""
    made = Paragraph(text, scale=scale)
    made.setFont(text_font(made.font(), bold=True))
    return made


def paragraph(text: str = "", *, scale: float = 1.0, muted: bool = False) -> "Paragraph":
    """A plain text label that wraps and can be copied from."""
    made = Paragraph(text, scale=scale, muted=muted)
    made.setTextInteractionFlags(_SELECTABLE)
    # Text that can be selected would otherwise be a stop of the Tab key on the way to the buttons.
    made.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
    return made


_SELECTABLE = (
    Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
)
_CLICKABLE = (
    Qt.TextInteractionFlag.LinksAccessibleByMouse | Qt.TextInteractionFlag.LinksAccessibleByKeyboard
)
_ADDRESS = re.compile(r"https?://[^\s<>\"'\u2018-\u201f]*[^\s<>\"'\u2018-\u201f.,;:!?)\]}]")


class Paragraph(QLabel):
    """A plain text that wraps: long words break, a figure stays with its unit.

    What is copied from it is the text as it was given.
    """

    def __init__(self, text: str = "", *, scale: float = 1.0, muted: bool = False) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)
        self._given: str | None = None
        _dress(self, scale=scale, bold=False, muted=muted)
        self.setText(text)

    def setText(self, text: str) -> None:  # noqa: N802 - Qt's name
        """Show a text."""
        if text != self._given:
            self._given = text
            self.setAccessibleName(text)
            super().setText(self.shown(text))

    def shown(self, text: str) -> str:
        """The text as it is laid out."""
        return breakable(unbroken(text))

    def copy(self) -> None:
        """Put what is selected on the clipboard."""
        QGuiApplication.clipboard().setText(without_marks(self.selectedText()))

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Copy without the marks that tell where a line may end."""
        if event.matches(QKeySequence.StandardKey.Copy) and self.hasSelectedText():
            self.copy()
        else:
            super().keyPressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Offer the selection to the middle button as it was given, too."""
        super().mouseReleaseEvent(event)
        clipboard = QGuiApplication.clipboard()
        if self.hasSelectedText() and clipboard.supportsSelection():
            clipboard.setText(without_marks(self.selectedText()), clipboard.Mode.Selection)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802 - Qt's name
        """Copy what is selected, else all of it."""
        if not self.textInteractionFlags() & Qt.TextInteractionFlag.TextSelectableByMouse:
            super().contextMenuEvent(event)
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Copy", self.copy).setEnabled(self.hasSelectedText())
        whole = self._given or ""
        menu.addAction("Copy all", lambda: QGuiApplication.clipboard().setText(whole))
        menu.popup(event.globalPos())


class LinkedParagraph(Paragraph):
    """A text of others in which web addresses can be clicked; nothing else in it is markup.

    ``linkActivated`` carries the address.
    """

    def setText(self, text: str) -> None:  # noqa: N802 - Qt's name
        """Show a text; one without an address is no stop of the Tab key."""
        linked = _ADDRESS.search(text) is not None
        self.setTextFormat(Qt.TextFormat.RichText if linked else Qt.TextFormat.PlainText)
        self.setTextInteractionFlags(_SELECTABLE | _CLICKABLE if linked else _SELECTABLE)
        focus = Qt.FocusPolicy
        self.setFocusPolicy(focus.StrongFocus if linked else focus.ClickFocus)
        super().setText(text)

    def shown(self, text: str) -> str:
        """Markup that says no more than the text, where there is an address in it."""
        if _ADDRESS.search(text) is None:
            return super().shown(text)
        # Qt would take the colour from the application, which knows nothing of the look; of what
        # the style sheet gives to a palette, this is the accent.
        colour = self.palette().color(QPalette.ColorRole.Highlight).name()
        parts, end = [], 0
        for found in _ADDRESS.finditer(text):
            parts.append(self._plain(text[end : found.start()]))
            address = found[0]
            link = f'<a href="{html.escape(address)}" style="color: {colour}">'
            parts.append(f"{link}{self._plain(address)}</a>")
            end = found.end()
        parts.append(self._plain(text[end:]))
        return f'<span style="white-space: pre-wrap">{"".join(parts)}</span>'

    def _plain(self, text: str) -> str:
        return html.escape(super().shown(text))

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Links follow the look."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and self._given is not None:
            shown = self.shown(self._given)
            if shown != self.text():
                QLabel.setText(self, shown)


class Headline(QLabel):
    """A sentence over at most two lines; of one that needs more, words in its middle give way."""

    def __init__(self, *, scale: float) -> None:
        super().__init__()
        self._given = ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)
        _dress(self, scale=scale, bold=True, muted=False)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """One line, as narrow as it must be."""
        return QSize(0, line_height(self.font()))

    def setText(self, text: str) -> None:  # noqa: N802 - Qt's name
        """Show a sentence, made harmless."""
        line = one_line(text)
        if line != self._given:
            self._given = line
            self.setAccessibleName(line)
            self._fit(self.width())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Take two lines where one does not do."""
        super().resizeEvent(event)
        self._fit(event.size().width())

    def _fit(self, width: int) -> None:
        shown = breakable(unbroken(self._given))
        if width > 0 and self._lines(shown, width) > _HEADLINES:
            fewer = (breakable(unbroken(each)) for each in fewer_words(self._given))
            fitting = (each for each in fewer if self._lines(each, width) <= _HEADLINES)
            shown = next(fitting, None) or self._with_fewer_letters(width)
        if shown != self.text():
            super().setText(shown)
            whole = without_marks(shown) == self._given
            self.setToolTip("" if whole else tooltip_text(self._given))
        lines = max(1, min(_HEADLINES, self._lines(shown, width)))
        self.setFixedHeight(line_height(self.font(), lines) + 1)

    def _with_fewer_letters(self, width: int) -> str:
        """Where one word alone, a path for instance, needs more than there is."""
        metrics, room = QFontMetrics(self.font()), float(_HEADLINES * width)
        shown = self._given
        while room > width and self._lines(shown, width) > _HEADLINES:
            shown = metrics.elidedText(self._given, Qt.TextElideMode.ElideMiddle, int(room))
            shown, room = breakable(unbroken(shown)), room * _TIGHTER
        return shown

    def _lines(self, text: str, width: int) -> int:
        metrics = QFontMetrics(self.font())
        box = metrics.boundingRect(0, 0, width, 100_000, int(Qt.TextFlag.TextWordWrap), text)
        return round(box.height() / metrics.lineSpacing())


def fewer_words(sentence: str) -> Iterator[str]:
    """The sentence with ever fewer words around its middle; it keeps the first and the last two.

    It begins in what it is about and ends in how many more there are.
    """
    words = sentence.split(" ")
    tail = max(2, len(words) // 3)
    for kept in range(len(words) - tail - 1, 0, -1):
        yield " ".join([*words[:kept], "…", *words[-tail:]])
    for kept in range(tail - 1, 1, -1):
        yield " ".join([words[0], "…", *words[-kept:]])


_HEADLINES = 2  # more would take the page its room
_TIGHTER = 0.94


class ElidedLabel(QLabel):
    """One line that gives way: an ellipsis stands for what has no room, the tooltip has the whole.

    The end goes; with ``middle`` its middle, for titles that end in who it was. ``drops`` is for a
    line of parts joined by dots: whole parts go from its end. With ``whole`` nothing of a part is
    shown that does not fit, so that a figure is never cut; ``hint`` explains it.
    """

    def __init__(
        self,
        text: str = "",
        *,
        scale: float = 1.0,
        bold: bool = False,
        muted: bool = False,
        drops: bool = False,
        whole: bool = False,
        middle: bool = False,
        hint: str = "",
    ) -> None:
        super().__init__()
        self._hint, self._tip = hint, ""
        self._drops, self._whole = drops, whole
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
        if hint != self._tip:
            self._tip = hint
            self.setToolTip(tooltip_text(hint))
        painter.setPen(self.palette().color(self.foregroundRole()))
        # By what is said, not by where it stands: a figure keeps its unit behind it.
        ways = Qt.LayoutDirection
        turned = runs_right_to_left(line)
        painter.setLayoutDirection(ways.RightToLeft if turned else ways.LeftToRight)
        side = QStyle.visualAlignment(self.layoutDirection(), self.alignment())
        painter.drawText(self.rect(), int(side | Qt.AlignmentFlag.AlignAbsolute), line)

    def _fitting(self) -> str:
        """The text as far as it fits; with ``drops`` whole parts of it go first."""
        metrics, line = QFontMetrics(self.font()), self.text()
        while self._drops and _DOT in line and metrics.horizontalAdvance(line) > self.width():
            line = line.rpartition(_DOT)[0]
        if self._whole and metrics.horizontalAdvance(line) > self.width():
            return ""
        return metrics.elidedText(line, self._mode, self.width())


class TextButton(QPushButton):
    """A push button whose words run in their own direction: "Why?" does not become "?Why"."""

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self.setText(text)

    def setText(self, text: str) -> None:  # noqa: N802 - Qt's name
        """Show words."""
        super().setText(in_own_direction(text))

    def text(self) -> str:
        """The words as they were given."""
        shown = super().text()
        return without_marks(shown) if self.isRightToLeft() else shown


class TextMenu(QMenu):
    """A menu whose entries run in their own direction."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.aboutToShow.connect(self._on_about_to_show)

    @Slot()
    def _on_about_to_show(self) -> None:
        if not self.isRightToLeft():
            return
        for action in self.actions():
            if not action.isSeparator():
                words, tab, keys = action.text().partition("\t")
                action.setText(f"{in_own_direction(words)}{tab}{keys}")


def in_own_direction(text: str) -> str:
    """Words of a button or an entry, which Qt lays out in the direction of the window."""
    right_to_left = QGuiApplication.layoutDirection() == Qt.LayoutDirection.RightToLeft
    return in_isolate(text) if right_to_left else text


def plain_tooltip(widget: QWidget, text: str) -> None:
    """Set a tooltip that is never read as markup, and the same as the description."""
    widget.setToolTip(tooltip_text(text))
    widget.setAccessibleDescription(text)


def tooltip_text(text: str) -> str:
    """A text that Qt does not take for markup, in lines that are not wider than a screen."""
    # Qt guesses: what follows "<" is no name of a tag then, and the mark cannot be seen.
    harmless = breakable(text).replace("<", "<\u2060")
    lines = (_in_lines(line) for line in harmless.splitlines())
    return "\n".join(lines)


def _in_lines(words: str) -> str:
    """Break a plain line of a tooltip, which Qt would leave as one."""
    # A zero width space is a place to break, too; it stays at the end of its line, unseen.
    found, line = [], ""
    for part in _PARTS.findall(words):
        if len(line) + len(part) > _TOOLTIP_LETTERS and line:
            found.append(line)
            line = ""
        line += part
    return "\n".join([*found, line])


def _dress(widget: QLabel, *, scale: float, bold: bool, muted: bool) -> None:
    if QGuiApplication.layoutDirection() == Qt.LayoutDirection.RightToLeft:
        # Qt goes by the words: English ones would stand at the far end from what they belong to.
        start = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignAbsolute
        widget.setAlignment(start | Qt.AlignmentFlag.AlignVCenter)
    base: QFont = widget.font()
    widget.setFont(text_font(base, scale, bold=bold))
    # A layout that is short of height would take it from lines of text first.
    widget.setMinimumHeight(line_height(widget.font()))
    widget.setProperty("muted", muted)

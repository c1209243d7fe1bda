"""The pages down the left side, each with its drawing, its shortcut and perhaps a badge."""

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import (
    QAccessible,
    QColor,
    QFocusEvent,
    QFontMetricsF,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QFrame, QSizePolicy, QVBoxLayout

from omnitray.ui.pages.registry import PageEntry
from omnitray.ui.theme import Theme, line_height, text_font, width_of
from omnitray.ui.widgets import glyphs
from omnitray.ui.widgets.cells import SELECTION_BAR

_ROW_PAD = 17
_SIDE, _SPACE = 10, 8
_SMALL_BADGE = 0.7
_BADGE_SAMPLE = "99+"
_MOST = 99
_KEYS = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)


class PageButton(QAbstractButton):
    """One page of the sidebar."""

    accessible_role = QAccessible.Role.PageTab

    def __init__(self, theme: Theme, page: PageEntry, number: int) -> None:
        super().__init__()
        self._theme = theme
        self._glyph = page.glyph
        self._badge = 0
        self._by_keys = False
        self.collapsed = False
        self._number = number
        self.setText(page.name.capitalize())
        self.setCheckable(True)
        self.setFont(text_font(self.font()))
        self.collapse(collapsed=False)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.show_badge(0)

    def collapse(self, *, collapsed: bool) -> None:
        """Show the drawing alone, with the word in the tooltip."""
        self.collapsed = collapsed
        self.setToolTip(
            f"{self.text()} (Ctrl+{self._number})" if collapsed else f"Ctrl+{self._number}"
        )
        self.updateGeometry()
        self.update()

    def show_badge(self, number: int) -> None:
        """Show how many wait on the page; 0 shows nothing."""
        waiting = f", {number} waiting" if number else ""
        self.setAccessibleName(f"{self.text()}{waiting}")
        if number != self._badge:
            self._badge = number
            self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """A row of the sidebar."""
        height = line_height(self.font(), pad=_ROW_PAD)
        if self.collapsed:
            return QSize(self._icon() + 2 * _SIDE, height)
        bold = text_font(self.font(), bold=True)
        badge = width_of(text_font(self.font(), 0.88, bold=True), _BADGE_SAMPLE, pad=12)
        return QSize(self._text_left() + width_of(bold, self.text()) + _SPACE + badge, height)

    def _icon(self) -> int:
        """The side of the drawing: that of a line."""
        return line_height(self.font())

    def _text_left(self) -> int:
        return _SIDE + self._icon() + _SPACE

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """Show a ring only to those who came by the keyboard."""
        self._by_keys = event.reason() in _KEYS
        super().focusInEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002, N802 - Qt's name and shape
        """Draw ground, drawing, word and badge."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_back(painter)
        colours = self._theme.colours
        colour = QColor(colours.text if self.isChecked() else colours.muted)
        middle = self.height() / 2
        side = self._icon()
        spot = self._mirrored(QRectF(_SIDE, middle - side / 2, side, side))
        glyphs.draw(painter, self._glyph, spot, colour)
        if not self.collapsed:
            painter.setPen(colour)
            painter.setFont(text_font(self.font(), bold=self.isChecked()))
            left = self._text_left()
            words = self._mirrored(QRectF(left, 0, self.width() - left, self.height()))
            painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, self.text())
        if self._badge:
            self._paint_badge(painter)

    def _mirrored(self, box: QRectF) -> QRectF:
        """Where a part stands that was placed from left to right."""
        if self.layoutDirection() == Qt.LayoutDirection.LeftToRight:
            return box
        return QRectF(self.width() - box.right(), box.top(), box.width(), box.height())

    def _paint_back(self, painter: QPainter) -> None:
        colours = self._theme.colours
        hover = colours.hover if self.underMouse() else None
        back = colours.selected if self.isChecked() else hover
        painter.setBrush(QColor(back) if back else Qt.BrushStyle.NoBrush)
        ring = self.hasFocus() and self._by_keys
        painter.setPen(QPen(QColor(colours.accent), 1) if ring else Qt.PenStyle.NoPen)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        if self.isChecked():  # the tint alone is 1.2 : 1 to the window
            bar = self._mirrored(QRectF(0, self.height() / 4, SELECTION_BAR, self.height() / 2))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.accent))
            painter.drawRoundedRect(bar, SELECTION_BAR / 2, SELECTION_BAR / 2)

    def _paint_badge(self, painter: QPainter) -> None:
        front, back = self._theme.colours.tone("critical")
        word = str(self._badge) if self._badge <= _MOST else f"{_MOST}+"
        scale = _SMALL_BADGE if self.collapsed else 0.88  # the drawing stays in sight
        painter.setFont(text_font(self.font(), scale, bold=True))
        metrics = QFontMetricsF(painter.font())
        height = metrics.height() + 2
        width = max(height, metrics.horizontalAdvance(word) + (4 if self.collapsed else 12))
        top = 0.0 if self.collapsed else (self.height() - height) / 2
        right = 0 if self.collapsed else _SPACE
        box = self._mirrored(QRectF(self.width() - width - right, top, width, height))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(back))
        painter.drawRoundedRect(box, height / 2, height / 2)
        painter.setPen(QColor(front))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, word)


class Sidebar(QFrame):
    """All pages; ``chosen`` carries the name of the one clicked."""

    accessible_role = QAccessible.Role.PageTabList

    chosen = Signal(str)

    def __init__(self, theme: Theme, pages: Sequence[PageEntry]) -> None:
        super().__init__()
        self._names = [page.name for page in pages]
        self.setObjectName("sidebar")
        self.setAccessibleName("Pages")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        self._group = QButtonGroup(self)
        self._group.idClicked.connect(self._on_clicked)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 12, 8, 12)
        column.setSpacing(2)
        for number, page in enumerate(pages, start=1):
            button = PageButton(theme, page, number)
            self._group.addButton(button, number)
            column.addWidget(button)
        column.addStretch()

    def collapse(self, *, collapsed: bool) -> None:
        """Show drawings alone, or words as well."""
        for button in self._group.buttons():
            if isinstance(button, PageButton) and button.collapsed != collapsed:
                button.collapse(collapsed=collapsed)

    def show_page(self, page: str) -> None:
        """Mark a page as the one shown."""
        button = self._group.button(self._names.index(page) + 1)
        button.setChecked(True)
        if any(each.hasFocus() for each in self._group.buttons()):
            button.setFocus()

    def show_badge(self, page: str, number: int) -> None:
        """Show how many wait on a page."""
        button = self._group.button(self._names.index(page) + 1)
        if isinstance(button, PageButton):
            button.show_badge(number)

    @Slot(int)
    def _on_clicked(self, number: int) -> None:
        self.chosen.emit(self._names[number - 1])

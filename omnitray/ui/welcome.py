"""The welcome of a first start: three sentences, and the one choice that matters.

What the two bars mean, what OmniTray may do, where it lives. It is shown once; a choice counts at
once, so that closing the window by whatever way loses nothing.
"""

from PySide6.QtCore import QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from omnitray.base.facts import ProtectState
from omnitray.ui.theme import GAP, RADIUS, SMALL_GAP, Theme, line_height, text_font, width_of
from omnitray.ui.tray.icon import IconFacts, Panel, draw_icon
from omnitray.ui.widgets import glyphs
from omnitray.ui.widgets.frames import button, scrolled
from omnitray.ui.widgets.labels import label

BARS = (
    "In its icon, the left bar is CPU and the right one memory; a shape in the corner says that "
    "something needs you."
)
NO_BARS = (
    "The line at the top of its window says how this machine stands; the shape beside it says "
    "whether something needs you."
)
MAY = "When a job makes everything else wait, it may:"
PROTECT = (
    "slow it down or pause it, and undo that afterwards; end one only when memory is all but gone"
)
WATCH = "say what it would have done, and touch nothing"
IN_TRAY = (
    "It lives in the tray, where a click opens its window; nothing leaves this machine unless you "
    "ask for it."
)
NO_TRAY = (
    "This desktop shows no tray icons: start OmniTray again from the menu of programs, or type "
    "omnitray, to see its window; nothing leaves this machine unless you ask for it."
)
_SAMPLE = IconFacts(cpu_percent=34, memory_percent=66)
_WIDE_EM = 46
_TILE_LINES = 2.8
_SCROLL_BAR = 14  # as wide as the style sheet draws it, with its margins
_GLYPH_SHARE = 0.42
_INDENT = 26  # what stands below the words of a radio button: its circle and gap in the sheet


class Tile(QWidget):
    """A picture beside a sentence: the icon on a dark panel, or a glyph on a round ground."""

    def __init__(self, theme: Theme, glyph: str = "") -> None:
        super().__init__()
        self._theme, self._glyph = theme, glyph
        self._side = line_height(text_font(self.font()), _TILE_LINES)
        self.setFixedSize(QSize(self._side, self._side))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002, N802 - Qt's name and shape
        """Draw it in the colours in force."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect())
        painter.setPen(Qt.PenStyle.NoPen)
        if not self._glyph:
            painter.setBrush(QColor("#1d2933"))
            painter.drawRoundedRect(box, RADIUS, RADIUS)
            icon = draw_icon(_SAMPLE, Panel.DARK, round(self._side * 0.66), self.devicePixelRatio())
            side = icon.width() / icon.devicePixelRatio()
            edge = (box.width() - side) / 2
            painter.drawImage(QRectF(edge, edge, side, side), icon)
            return
        tone = "neutral" if self._glyph == "overview" else "good"
        front, back = self._theme.colours.tone(tone)  # type: ignore[arg-type]  # two of the tones
        painter.setBrush(QColor(back))
        painter.drawEllipse(box.adjusted(3, 3, -3, -3))
        side = box.width() * _GLYPH_SHARE
        place = QRectF((box.width() - side) / 2, (box.height() - side) / 2, side, side)
        glyphs.draw(painter, self._glyph, place, QColor(front))


class ChoiceCard(QFrame):
    """A radio button with what it means below it; a click anywhere on it chooses it."""

    def __init__(self, title: str, about: str) -> None:
        super().__init__()
        self.setObjectName("choice")
        self.radio = QRadioButton(title)
        self.radio.setFont(text_font(self.radio.font(), bold=True))
        self.radio.setAccessibleDescription(about)
        self.radio.toggled.connect(self._on_toggled)
        words = _words(about, muted=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(GAP, SMALL_GAP + 2, GAP, SMALL_GAP + 2)
        column.setSpacing(2)
        column.addWidget(self.radio)
        column.addWidget(words)
        words.setContentsMargins(_INDENT, 0, 0, 0)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Choose it."""
        super().mouseReleaseEvent(event)
        self.radio.setFocus(Qt.FocusReason.MouseFocusReason)
        self.radio.click()

    @Slot(bool)
    def _on_toggled(self, on: bool) -> None:  # noqa: FBT001 - Qt's shape
        self.setProperty("chosen", on)
        self.style().unpolish(self)
        self.style().polish(self)


class Welcome(QDialog):
    """The dialog. ``state`` is what is in force and therefore chosen.

    Signals:
        state_chosen(ProtectState): the person chose what it may do.
        window_wanted(): the person wants to see the window.
    """

    state_chosen = Signal(object)
    window_wanted = Signal()

    def __init__(self, theme: Theme, state: ProtectState, *, has_tray: bool) -> None:
        super().__init__()
        self._theme = theme
        self.setObjectName("window")
        self.setWindowTitle("Welcome to OmniTray")
        self.setFont(text_font(self.font()))
        self.protect = ChoiceCard("Protect", PROTECT)
        self.watch = ChoiceCard("Watch only", WATCH)
        chosen = self.protect if state is ProtectState.ON else self.watch
        chosen.radio.setChecked(True)
        self._group = QButtonGroup(self)
        for number, card in enumerate((self.protect, self.watch)):
            self._group.addButton(card.radio, number)
        self._group.idClicked.connect(self._on_chosen)
        self.what = _words(BARS if has_tray else NO_BARS)
        self.sample = Tile(theme, "" if has_tray else "check")
        self.where = _words(IN_TRAY if has_tray else NO_TRAY)
        self.show_window = button("Open the window")
        self.show_window.setVisible(has_tray)  # without a tray it is open already
        self.done_button = button("Done", primary=True)
        self.done_button.setDefault(True)
        self.show_window.clicked.connect(self._on_window_wanted)
        self.done_button.clicked.connect(self.accept)
        self._wear_theme()
        self._lay_out()
        theme.changed.connect(self._wear_theme)

    def _lay_out(self) -> None:
        content = QWidget()
        grid = QGridLayout(content)
        grid.setContentsMargins(0, 0, _SCROLL_BAR, 0)
        grid.setHorizontalSpacing(2 * GAP)
        grid.setVerticalSpacing(GAP)
        grid.setColumnStretch(1, 1)
        top = Qt.AlignmentFlag.AlignTop
        grid.addWidget(self.sample, 0, 0, top)
        grid.addWidget(self.what, 0, 1)
        grid.addWidget(Tile(self._theme, "protection"), 1, 0, top)
        grid.addWidget(_words(MAY), 1, 1)
        grid.addWidget(self.protect, 2, 1)
        grid.addWidget(self.watch, 3, 1)
        grid.addWidget(Tile(self._theme, "overview"), 4, 0, top)
        grid.addWidget(self.where, 4, 1)
        grid.setRowStretch(5, 1)
        foot = QHBoxLayout()
        foot.addWidget(_words("All of it can be changed in Settings.", muted=True), 1)
        foot.addWidget(self.show_window)
        foot.addWidget(self.done_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(2 * GAP, 2 * GAP, 2 * GAP, GAP + SMALL_GAP)
        column.setSpacing(GAP)
        column.addWidget(scrolled(content), 1)
        column.addLayout(foot)
        self.ensurePolished()  # the style sheet's paddings count
        self._take_size(content)

    def _take_size(self, content: QWidget) -> None:
        """As wide as a comfortable line, as high as its text then is, never beyond the screen."""
        wide = _WIDE_EM * width_of(self.font(), "M")
        inner = wide - 4 * GAP
        layout = content.layout()
        high = layout.totalHeightForWidth(inner) if layout is not None else 0
        foot = self.done_button.sizeHint().height() + 5 * GAP + SMALL_GAP
        size = QSize(wide, high + foot)
        screen = self.screen()
        if screen is not None:
            size = size.boundedTo(screen.availableGeometry().size() * 0.9)
        self.resize(size)

    def stay_above(self, window: QWidget | None) -> None:
        """Belong to a window that is open: a window manager may map it after this one."""
        opened = window.windowHandle() if window is not None else None
        self.winId()  # a handle exists from here on
        own = self.windowHandle()
        if own is not None and opened is not None:
            own.setTransientParent(opened)

    @Slot(int)
    def _on_chosen(self, number: int) -> None:
        self.state_chosen.emit(ProtectState.WATCH if number else ProtectState.ON)

    @Slot()
    def _on_window_wanted(self) -> None:
        self.accept()
        self.window_wanted.emit()

    @Slot()
    def _wear_theme(self) -> None:
        self.setPalette(self._theme.palette())
        self.setStyleSheet(self._theme.sheet)


def _words(text: str, *, muted: bool = False) -> QLabel:
    made = label(text, muted=muted)
    made.setWordWrap(True)
    return made

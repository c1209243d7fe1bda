"""Colours, fonts and spacing: light and dark, following the desktop while running.

Series colours are Okabe and Ito's, which people with any colour vision tell apart
(https://jfly.uni-koeln.de/color/); texts keep a contrast of 4.5 to 1 on what they stand on, and
what has to be found (edges of fields, the mark of a selection, the ring of the focus) 3 to 1
(WCAG 2.2, 1.4.3 and 1.4.11). In high contrast texts keep 7 to 1 and every edge is one of text.
Sizes of what holds text follow from the font (:func:`width_of`, :func:`line_height`); gaps and
radii are in device-independent pixels, which Qt scales by 100 to 200 %.
"""

from math import ceil
from string import Template
from typing import Literal

import msgspec
from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontMetricsF, QPalette

from omnitray.settings.model import Shade
from omnitray.ui.appearance import DesktopAppearance

GAP = 12  # between cards, and inside them
SMALL_GAP = 6
RADIUS = 8
Tone = Literal["good", "warning", "critical", "neutral"]


class Colours(msgspec.Struct, frozen=True, kw_only=True):
    """One palette; every field is ``#rrggbb``."""

    dark: bool
    window: str
    card: str
    border: str
    control_border: str
    field_border: str
    text: str
    muted: str
    accent: str
    accent_text: str
    selected: str
    hover: str
    grid: str
    cpu: str
    memory: str
    first: str
    second: str
    warning_line: str
    critical_line: str
    good: str
    good_back: str
    warning: str
    warning_back: str
    critical: str
    critical_back: str
    neutral: str
    neutral_back: str

    def tone(self, tone: Tone) -> tuple[str, str]:
        """Foreground and background of a pill or badge."""
        return {
            "good": (self.good, self.good_back),
            "warning": (self.warning, self.warning_back),
            "critical": (self.critical, self.critical_back),
            "neutral": (self.neutral, self.neutral_back),
        }[tone]


LIGHT = Colours(
    dark=False,
    window="#f5f7f9",
    card="#ffffff",
    border="#e2e6ea",
    control_border="#d3d9df",
    field_border="#828b96",
    text="#1a1d21",
    muted="#5d6672",
    accent="#0072b2",
    accent_text="#ffffff",
    selected="#e5eef7",
    hover="#edf1f5",
    grid="#e2e5e9",
    cpu="#0072b2",
    memory="#d55e00",
    first="#009e73",
    second="#cc79a7",
    warning_line="#a87500",
    critical_line="#c62828",
    good="#14713f",
    good_back="#e2f4e9",
    warning="#7a5300",
    warning_back="#fff0c7",
    critical="#b3201a",
    critical_back="#fde4e2",
    neutral="#56616e",
    neutral_back="#e6ecf4",
)

DARK = Colours(
    dark=True,
    window="#16181c",
    card="#1f2227",
    border="#2f343a",
    control_border="#3c4249",
    field_border="#727b86",
    text="#eceef1",
    muted="#9aa3ad",
    accent="#56b4e9",
    accent_text="#0e1419",
    selected="#25333f",
    hover="#272b31",
    grid="#30353b",
    cpu="#56b4e9",
    memory="#f08a3c",
    first="#2fc795",
    second="#e29bc1",
    warning_line="#c9a227",
    critical_line="#ff7b72",
    good="#5fd39a",
    good_back="#15332a",
    warning="#ffc84d",
    warning_back="#3c2f12",
    critical="#ff8a80",
    critical_back="#471d1d",
    neutral="#a3b1c1",
    neutral_back="#26313d",
)

_LIGHT_CONTRAST = msgspec.structs.replace(
    LIGHT,
    window="#ffffff",
    card="#ffffff",
    border="#5d6672",
    control_border="#000000",
    field_border="#000000",
    text="#000000",
    muted="#2b3138",
    accent="#00508c",
    selected="#cfe4f7",
    hover="#e4e9ee",
    grid="#8a929c",
    cpu="#005a92",
    memory="#a84300",
    first="#00694d",
    second="#9a3a74",
    warning_line="#7a5300",
    critical_line="#a3100b",
    good="#0b5a30",
    warning="#5c3e00",
    critical="#8f0f0a",
    neutral="#333c46",
)
_DARK_CONTRAST = msgspec.structs.replace(
    DARK,
    window="#000000",
    card="#000000",
    border="#9aa3ad",
    control_border="#ffffff",
    field_border="#ffffff",
    text="#ffffff",
    muted="#d5dbe1",
    accent="#7cc8f4",
    accent_text="#000000",
    selected="#173a56",
    hover="#24292f",
    grid="#6b737d",
    cpu="#7cc8f4",
    memory="#ffa45c",
    warning_line="#f0c93c",
    critical_line="#ff9a93",
    good="#7ee8b4",
    warning="#ffd97a",
    critical="#ffb0a8",
    neutral="#c6d2df",
)

_SHEET = Template("""
QWidget#window { background: $window; }
QScrollArea, QWidget#scrolled { background: transparent; }
QWidget {
  color: $text; placeholder-text-color: $muted; alternate-background-color: $card;
  selection-background-color: $accent; selection-color: $accent_text;
}
QLabel { background: transparent; }
QLabel[muted="true"] { color: $muted; }
QLabel[fault="true"] { color: $critical; }
QScrollArea { border: none; }

QFrame#card { background: $card; border: 1px solid $border; border-radius: 8px; }
QFrame#sidebar { background: $window; border: none; border-right: 1px solid $border; }
QFrame#banner { background: $warning_back; border: 1px solid $border; border-radius: 8px; }
QFrame#banner QLabel { color: $warning; }
QFrame#choice { background: $card; border: 1px solid $field_border; border-radius: 8px; }
QFrame#choice[chosen="true"] { background: $selected; border-color: $accent; }
QFrame#rule { background: $border; border: none; max-height: 1px; min-height: 1px; }

QPushButton {
  background: $card; border: 1px solid $control_border; border-radius: 6px;
  padding: 4px 10px; min-height: 1.15em;
}
QPushButton:hover { background: $hover; }
QPushButton:pressed { background: $selected; }
QPushButton:focus { border: 1px solid $accent; }
QPushButton:disabled { color: $muted; background: $window; border-color: $border; }
QPushButton:checked { background: $selected; border-color: $accent; }
QPushButton::menu-indicator { image: none; width: 0px; }
QPushButton[link="true"] { color: $accent; border: none; background: transparent; padding: 0; }
QPushButton[link="true"]:hover { text-decoration: underline; }
QPushButton[link="true"]:focus { text-decoration: underline; }
QPushButton[danger="true"] { color: $critical; }
QPushButton[danger="true"]:disabled { color: $muted; }
QPushButton[primary="true"] { background: $accent; color: $accent_text; border-color: $accent; }

QFrame#segments { background: $card; border: 1px solid $control_border; border-radius: 7px; }
QFrame#segments QRadioButton {
  background: transparent; border: 1px solid transparent; border-radius: 6px;
  padding: 4px 12px; color: $muted; spacing: 0;
}
QFrame#segments QRadioButton::indicator { width: 0; height: 0; }
QFrame#segments QRadioButton:hover { background: $hover; color: $text; }
QFrame#segments QRadioButton:checked { background: $accent; color: $accent_text; }
QFrame#segments QRadioButton:focus { border: 2px solid $text; padding: 3px 11px; }

QLineEdit, QAbstractSpinBox, QPlainTextEdit {
  background: $card; border: 1px solid $field_border; border-radius: 6px;
  padding: 4px 8px; placeholder-text-color: $muted;
  selection-background-color: $accent; selection-color: $accent_text;
}
QLineEdit, QAbstractSpinBox { min-height: 1.15em; }
QLineEdit:focus, QAbstractSpinBox:focus, QPlainTextEdit:focus { border: 1px solid $accent; }
QLineEdit[fault="true"], QAbstractSpinBox[fault="true"], QPlainTextEdit[fault="true"] {
  border: 1px solid $critical;
}
QLineEdit:disabled, QAbstractSpinBox:disabled { color: $muted; background: $window; }

QFrame#choice QRadioButton { spacing: 8px; background: transparent; }
QFrame#choice QRadioButton:focus { text-decoration: underline; }
QFrame#choice QRadioButton::indicator {
  width: 14px; height: 14px; border-radius: 9px; border: 2px solid $muted;
}
QFrame#choice QRadioButton::indicator:checked {
  border: 2px solid $accent;
  background: qradialgradient(cx:0.5, cy:0.5, radius:0.5, fx:0.5, fy:0.5,
    stop:0 $accent, stop:0.5 $accent, stop:0.56 $card, stop:1 $card);
}

QAbstractItemView {
  background: transparent; border: none; outline: none;
  selection-background-color: $selected; selection-color: $text;
}
QAbstractItemView::item { border: none; }
QHeaderView { background: transparent; border: none; }
QHeaderView::section {
  background: transparent; color: $muted; border: none;
  border-bottom: 1px solid $border; padding: 4px 8px;
}
QHeaderView::up-arrow, QHeaderView::down-arrow { image: none; width: 0; height: 0; }
QScrollBar:vertical { background: transparent; width: 10px; margin: 2px; }
QScrollBar:horizontal { background: transparent; height: 10px; margin: 2px; }
QScrollBar::handle { background: $field_border; border-radius: 3px; }
QScrollBar::handle:vertical { min-height: 28px; }
QScrollBar::handle:horizontal { min-width: 28px; }
QScrollBar::handle:hover { background: $muted; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QAbstractScrollArea::corner { background: transparent; border: none; }
QSplitter::handle { background: transparent; }

QMenu { background: $card; border: 1px solid $control_border; padding: 4px; }
QMenu::item { padding: 5px 22px 5px 22px; border-radius: 4px; }
QMenu::item:selected { background: $accent; color: $accent_text; }
QMenu::item:disabled { color: $muted; }
QMenu::separator { height: 1px; background: $border; margin: 4px 6px; }
QToolTip { background: $card; color: $text; border: 1px solid $control_border; padding: 3px; }
QMessageBox, QDialog { background: $window; }
""")


def stylesheet(colours: Colours) -> str:
    """The sheet in these colours."""
    return _SHEET.substitute({name: getattr(colours, name) for name in colours.__struct_fields__})


class Theme(QObject):
    """The colours in force; ``changed`` when they are others.

    ``look`` is the person's choice, ``desktop`` what counts where it is "auto". ``scheme`` pins
    one of them, for pictures and tests.
    """

    changed = Signal()

    def __init__(
        self,
        scheme: Qt.ColorScheme = Qt.ColorScheme.Unknown,
        *,
        look: Shade = "auto",
        desktop: DesktopAppearance | None = None,
    ) -> None:
        super().__init__()
        self._desktop = desktop or DesktopAppearance(parent=self)
        self._pinned = scheme
        self._look = look
        self.colours = self._wanted()
        self._desktop.changed.connect(self._on_desktop_changed)

    @property
    def sheet(self) -> str:
        """The style sheet of the window."""
        return stylesheet(self.colours)

    def palette(self) -> QPalette:
        """The palette for widgets that the style sheet leaves to the style."""
        return _palette(self.colours)

    def use_look(self, look: Shade) -> None:
        """The person chose another look."""
        self._look = look
        self._on_desktop_changed()

    def _wanted(self) -> Colours:
        if self._pinned != Qt.ColorScheme.Unknown:
            return colours_for(dark=self._pinned == Qt.ColorScheme.Dark)
        dark = self._desktop.dark if self._look == "auto" else self._look == "dark"
        return colours_for(dark=dark, high_contrast=self._desktop.high_contrast)

    @Slot()
    def _on_desktop_changed(self) -> None:
        wanted = self._wanted()
        if wanted is not self.colours:
            self.colours = wanted
            self.changed.emit()


def text_font(base: QFont, scale: float = 1.0, *, bold: bool = False) -> QFont:
    """The platform's font at a relative size, with figures of one width."""
    font = QFont(base)
    if base.pointSizeF() > 0:
        font.setPointSizeF(base.pointSizeF() * scale)
    else:
        font.setPixelSize(round(base.pixelSize() * scale))
    if bold:
        font.setWeight(QFont.Weight.DemiBold)
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


def fixed_font(base: QFont) -> QFont:
    """The font for logs and commands, in the size of the text around it."""
    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
    if base.pointSizeF() > 0:
        font.setPointSizeF(base.pointSizeF())
    else:
        font.setPixelSize(base.pixelSize())
    return font


def line_height(font: QFont, lines: float = 1.0, pad: int = 0) -> int:
    """Pixels for so many lines of text with ``pad`` around them."""
    return round(QFontMetricsF(font).height() * lines) + pad


def width_of(font: QFont, *samples: str, pad: int = 0) -> int:
    """Pixels for the widest of these texts with ``pad`` around it."""
    metrics = QFontMetricsF(font)
    return ceil(max(metrics.horizontalAdvance(each) for each in samples)) + pad


def colours_for(*, dark: bool, high_contrast: bool = False) -> Colours:
    """One of the four palettes."""
    if high_contrast:
        return _DARK_CONTRAST if dark else _LIGHT_CONTRAST
    return DARK if dark else LIGHT


def _palette(colours: Colours) -> QPalette:
    roles = QPalette.ColorRole
    palette = QPalette(QColor(colours.card), QColor(colours.window))
    for role, name in (
        (roles.WindowText, colours.text),
        (roles.Text, colours.text),
        (roles.ButtonText, colours.text),
        (roles.Base, colours.card),
        (roles.AlternateBase, colours.window),
        (roles.Highlight, colours.accent),
        (roles.HighlightedText, colours.accent_text),
        (roles.PlaceholderText, colours.muted),
        (roles.ToolTipBase, colours.card),
        (roles.ToolTipText, colours.text),
        (roles.Link, colours.accent),
        (roles.Accent, colours.accent),
    ):
        palette.setColor(role, QColor(name))
    for role in (roles.WindowText, roles.Text, roles.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(colours.muted))
    return palette

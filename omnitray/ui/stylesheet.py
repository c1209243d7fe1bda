"""The style sheet of the window: flat cards and quiet controls; no fonts (they come as QFont)."""

from string import Template
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from omnitray.ui.theme import Colours

_SHEET = Template("""
QWidget#window { background: $window; }
QScrollArea, QWidget#scrolled { background: transparent; }
QWidget { color: $text; }
QLabel { background: transparent; }
QLabel[muted="true"] { color: $muted; }
QLabel[fault="true"] { color: $critical; }
QScrollArea { border: none; }

QFrame#card { background: $card; border: 1px solid $border; border-radius: 8px; }
QFrame#sidebar { background: $window; border: none; border-right: 1px solid $border; }
QFrame#banner { background: $warning_back; border: 1px solid $border; border-radius: 8px; }
QFrame#banner QLabel { color: $warning; }
QFrame#rule { background: $border; border: none; max-height: 1px; min-height: 1px; }

QPushButton {
  background: $card; border: 1px solid $control_border; border-radius: 6px;
  padding: 4px 10px; min-height: 18px;
}
QPushButton:hover { background: $hover; }
QPushButton:pressed { background: $selected; }
QPushButton:focus { border: 1px solid $accent; }
QPushButton:disabled { color: $muted; background: $window; border-color: $border; }
QPushButton:checked { background: $selected; border-color: $accent; }
QPushButton::menu-indicator { image: none; width: 0px; }
QPushButton[danger="true"] { color: $critical; }
QPushButton[danger="true"]:disabled { color: $muted; }
QPushButton[primary="true"] { background: $accent; color: $accent_text; border-color: $accent; }

QFrame#segments { background: $card; border: 1px solid $control_border; border-radius: 7px; }
QFrame#segments QPushButton {
  background: transparent; border: 1px solid transparent; border-radius: 6px;
  padding: 4px 12px; color: $muted;
}
QFrame#segments QPushButton:hover { background: $hover; color: $text; }
QFrame#segments QPushButton:checked { background: $accent; color: $accent_text; }
QFrame#segments QPushButton:focus { border: 1px solid $text; }

QLineEdit, QAbstractSpinBox, QPlainTextEdit {
  background: $card; border: 1px solid $control_border; border-radius: 6px;
  padding: 4px 8px; min-height: 18px;
  selection-background-color: $accent; selection-color: $accent_text;
}
QLineEdit:focus, QAbstractSpinBox:focus, QPlainTextEdit:focus { border: 1px solid $accent; }
QLineEdit[fault="true"], QAbstractSpinBox[fault="true"], QPlainTextEdit[fault="true"] {
  border: 1px solid $critical;
}
QLineEdit:disabled, QAbstractSpinBox:disabled { color: $muted; background: $window; }

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
QScrollBar::handle { background: $control_border; border-radius: 3px; }
QScrollBar::handle:vertical { min-height: 28px; }
QScrollBar::handle:horizontal { min-width: 28px; }
QScrollBar::handle:hover { background: $muted; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QSplitter::handle { background: transparent; }

QMenu { background: $card; border: 1px solid $control_border; padding: 4px; }
QMenu::item { padding: 5px 22px 5px 22px; border-radius: 4px; }
QMenu::item:selected { background: $selected; color: $text; }
QMenu::separator { height: 1px; background: $border; margin: 4px 6px; }
QToolTip { background: $card; color: $text; border: 1px solid $control_border; padding: 3px; }
QMessageBox, QDialog { background: $window; }
""")


def stylesheet(colours: "Colours") -> str:
    """The sheet in these colours."""
    return _SHEET.substitute({name: getattr(colours, name) for name in colours.__struct_fields__})

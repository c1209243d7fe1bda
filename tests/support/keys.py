"""Keys and clicks; pytest-qt's own have no types."""

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

NONE = Qt.KeyboardModifier.NoModifier
CTRL = Qt.KeyboardModifier.ControlModifier


def press(widget: QWidget, key: Qt.Key, modifier: Qt.KeyboardModifier = NONE) -> None:
    """Press and release a key."""
    QTest.keyClick(widget, key, modifier)


def type_text(widget: QWidget, text: str) -> None:
    """Type letter by letter."""
    QTest.keyClicks(widget, text)


def click(widget: QWidget) -> None:
    """Click the middle with the left button."""
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton)


def point(widget: QWidget, x: int, y: int) -> None:
    """Move the mouse to a place in the widget."""
    QTest.mouseMove(widget, QPoint(x, y))

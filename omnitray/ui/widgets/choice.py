"""Choosing one of a few: a button with a menu, a row of segments, a switch for yes and no."""

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import (
    QAccessible,
    QAction,
    QActionGroup,
    QColor,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
)
from PySide6.QtWidgets import (
    QAbstractButton,
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QRadioButton,
    QSizePolicy,
)

from omnitray.ui.formats import without_marks
from omnitray.ui.theme import line_height, text_font, width_of
from omnitray.ui.widgets.labels import TextButton, TextMenu, in_own_direction

Option = tuple[Any, str]


class ChoiceButton(TextButton):
    """``Level: automatic ▾``: opens a menu; ``chosen`` carries the value that the person took.

    ``name`` is what it chooses where no title is shown.
    """

    chosen = Signal(object)

    def __init__(self, title: str, options: Sequence[Option], name: str = "") -> None:
        super().__init__()
        self._title, self.name = title, name or title
        self._value: Any = options[0][0]
        self._menu = TextMenu(self)
        self._group = QActionGroup(self)
        self._group.triggered.connect(self._on_triggered)
        for value, word in options:
            action = self._menu.addAction(word.replace("&", "&&"))
            action.setCheckable(True)
            action.setData(value)
            self._group.addAction(action)
        self.setFont(text_font(self.font()))
        self.clicked.connect(self._on_clicked)
        self.show_value(self._value)

    @property
    def value(self) -> Any:
        """What is chosen."""
        return self._value

    def show_value(self, value: Any) -> None:
        """Show a value without emitting; one that is not offered is ignored."""
        for action in self._group.actions():
            if action.data() == value:
                self._value = value
                action.setChecked(True)
                word = without_marks(action.text()).replace("&&", "&")
                self.setText(f"{self._title}: {word} ▾" if self._title else f"{word} ▾")
                self.setAccessibleName(f"{self.name}: {word}" if self.name else word)

    @Slot()
    def _on_clicked(self) -> None:
        self._menu.popup(self.mapToGlobal(QPoint(0, self.height() + 2)))

    @Slot(QAction)
    def _on_triggered(self, action: QAction) -> None:
        self.show_value(action.data())
        self.chosen.emit(action.data())


class Segments(QFrame):
    """All choices side by side, one pressed. Left and right move between them."""

    accessible_role = QAccessible.Role.Grouping

    chosen = Signal(object)

    def __init__(self, name: str, options: Sequence[Option]) -> None:
        super().__init__()
        self.setObjectName("segments")
        self.setAccessibleName(name)
        self._values = [value for value, _ in options]
        self._group = QButtonGroup(self)
        self._group.idClicked.connect(self._on_clicked)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        row = QHBoxLayout(self)
        row.setContentsMargins(1, 1, 1, 1)
        row.setSpacing(0)
        for index, (_, word) in enumerate(options):
            button = QRadioButton(in_own_direction(word.replace("&", "&&")))
            button.setFont(text_font(button.font()))
            button.setAccessibleName(word)
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            self._group.addButton(button, index)
            row.addWidget(button)

    @property
    def value(self) -> Any:
        """What is pressed, None before the first :meth:`show_value`."""
        index = self._group.checkedId()
        return self._values[index] if index >= 0 else None

    def show_value(self, value: Any) -> None:
        """Press the segment of a value without emitting."""
        if value in self._values:
            self._group.button(self._values.index(value)).setChecked(True)

    @Slot(int)
    def _on_clicked(self, index: int) -> None:
        self.chosen.emit(self._values[index])


_TRACK_WIDE = 1.8  # times its height, which is that of a line
_SPACE = 8


class Switch(QAbstractButton):
    """On or off, said in a word; painted from what the style sheet gives to its palette."""

    accessible_role = QAccessible.Role.CheckBox

    def __init__(self) -> None:
        super().__init__()
        self.setCheckable(True)
        self.setFont(text_font(self.font()))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Track and word."""
        track = self._track()
        width = track.width() + _SPACE + width_of(self.font(), "on", "off") + 4
        return QSize(width, track.height() + 4)

    def _track(self) -> QSize:
        height = line_height(self.font())
        return QSize(round(_TRACK_WIDE * height), height)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002, N802 - Qt's name and shape
        """Draw track, knob and word."""
        roles, palette = QPalette.ColorRole, self.palette()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        on = self.isChecked()
        ground = palette.color(roles.Highlight if on else roles.PlaceholderText)
        track = self._track()
        box = QRectF(1, (self.height() - track.height()) / 2, track.width(), track.height())
        edge = QPen(palette.color(roles.Text), 1) if self.hasFocus() else Qt.PenStyle.NoPen
        painter.setPen(edge)
        painter.setBrush(ground)
        radius = track.height() / 2
        painter.drawRoundedRect(box, radius, radius)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(palette.color(roles.AlternateBase)))
        middle = box.right() - radius if on else box.left() + radius
        painter.drawEllipse(QPointF(middle, box.center().y()), radius - 3, radius - 3)
        painter.setPen(palette.color(roles.Text))
        left = box.right() + _SPACE
        words = QRectF(left, 0, self.width() - left, self.height())
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, "on" if on else "off")

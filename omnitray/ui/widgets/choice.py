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
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QAbstractButton,
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QPushButton,
    QRadioButton,
    QSizePolicy,
    QWidget,
)

from omnitray.ui.formats import without_marks
from omnitray.ui.theme import line_height, text_font, width_of
from omnitray.ui.widgets.frames import ROW_GAP, ButtonRow, GivingRow
from omnitray.ui.widgets.labels import TextButton, TextMenu, in_own_direction

Option = tuple[Any, str]
_EDGE = 2  # the border that the style sheet draws, and the margin within it


class ChoiceButton(TextButton):
    """``Level: automatic ▾``: opens a menu; ``chosen`` carries the value that the person took.

    ``name`` is what it chooses where no title is shown.
    """

    chosen = Signal(object)

    def __init__(self, title: str, options: Sequence[Option], name: str = "") -> None:
        super().__init__()
        self._title, self.name = title, name or title
        self._value: Any = options[0][0]
        self.menu_of_choices = TextMenu(self)
        self._group = QActionGroup(self)
        self._group.triggered.connect(self._on_triggered)
        for value, word in options:
            action = self.menu_of_choices.addAction(word.replace("&", "&&"))
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
        self.menu_of_choices.popup(self.mapToGlobal(QPoint(0, self.height() + 2)))

    @Slot(QAction)
    def _on_triggered(self, action: QAction) -> None:
        self.show_value(action.data())
        self.chosen.emit(action.data())


class Segments(QFrame):
    """All choices side by side, one pressed. Left and right move between them.

    Where they have no room they are a button with a menu.
    """

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
        self._menu = ChoiceButton("", options, name)
        self._menu.chosen.connect(self._on_menu)
        self._menu.hide()
        row.addWidget(self._menu)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Room for all of them side by side."""
        sizes = [each.sizeHint() for each in self._group.buttons()]
        width = sum(each.width() for each in sizes) + 2 * _EDGE
        return QSize(width, max(each.height() for each in sizes) + 2 * _EDGE)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Room for the button with the menu."""
        return self.sizeHint().boundedTo(self._menu.sizeHint() + QSize(2 * _EDGE, 2 * _EDGE))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Side by side, or in a menu."""
        super().resizeEvent(event)
        narrow = event.size().width() < self.sizeHint().width()
        if narrow != self._menu.isHidden():
            return
        for each in self._group.buttons():
            each.setVisible(not narrow)
        self._menu.setVisible(narrow)

    @property
    def value(self) -> Any:
        """What is pressed, None before the first :meth:`show_value`."""
        index = self._group.checkedId()
        return self._values[index] if index >= 0 else None

    def show_value(self, value: Any) -> None:
        """Press the segment of a value without emitting."""
        if value in self._values:
            self._group.button(self._values.index(value)).setChecked(True)
            self._menu.show_value(value)

    @Slot(object)
    def _on_menu(self, value: object) -> None:
        self.show_value(value)
        self.chosen.emit(value)

    @Slot(int)
    def _on_clicked(self, index: int) -> None:
        self._menu.show_value(self._values[index])
        self.chosen.emit(self._values[index])


class ToolRow(GivingRow):
    """A search field and the buttons beside it; below it, in one line, where they have no room.

    Buttons that have no room there are entries in the menu of *More*, and so are all of them
    where the row is folded: then the menu stands beside the field.
    """

    def __init__(self, field: QWidget, buttons: Sequence[QPushButton]) -> None:
        self._all = tuple(buttons)
        self.buttons = ButtonRow(buttons, goes=list(reversed(buttons)))
        for each in buttons:
            if isinstance(each, ChoiceButton):
                self.buttons.set_menu(each, each.menu_of_choices)
        super().__init__(field, (self.buttons,), least_em=_FIELD_EM)
        self._folded = False
        self._field = self._least

    def heights(self, width: int) -> tuple[int, int]:
        """How high it is folded, and how high where it is not."""
        line = max(self._first.sizeHint().height(), self.buttons.sizeHint().height())
        all_of_them = sum(each.sizeHint().width() + ROW_GAP for each in self._all)
        beside = width >= self._field + all_of_them
        return line, line if beside else 2 * line + ROW_GAP

    def fold(self, *, folded: bool) -> None:
        """One line, whatever the width."""
        if folded != self._folded:
            self._folded = folded
            self._least = 0 if folded else self._field
            self.buttons.set_lines(0 if folded else 1)
            self.rearrange()


_FIELD_EM = 12  # of a field beside buttons
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

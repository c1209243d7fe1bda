"""One setting: title and help, an editor for its kind, its range, and what is wrong with it."""

from typing import Any

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QFocusEvent, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QGridLayout,
    QLineEdit,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from omnitray.settings.check import parse_text, rule_text
from omnitray.settings.model import Field, ValueKind
from omnitray.ui.theme import GAP, SMALL_GAP, line_height, text_font, width_of
from omnitray.ui.widgets.choice import ChoiceButton, Switch
from omnitray.ui.widgets.frames import rule
from omnitray.ui.widgets.labels import Paragraph, label

_NUMBER_SAMPLE, _NOTE_SAMPLE = "9999999999", "0 to 99999 points"
_EDIT_PAD = 22  # border and padding of the style sheet, both sides
_LIST_LINES = 4
_LARGE = 16_777_215  # Qt's own bound of a width
_WORDS_EM = 14  # of the words beside an editor
_A_RULE = 'match = "ffmpeg", always = "slow_down"'


class ListEdit(QPlainTextEdit):
    """Several lines; ``finished`` when the keyboard leaves it."""

    finished = Signal()

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """Take what was typed."""
        super().focusOutEvent(event)
        self.finished.emit()


class SettingRow(QWidget):
    """One row of the settings page. ``edited`` carries the value as the file would write it."""

    edited = Signal(str, object)

    def __init__(self, field: Field) -> None:
        super().__init__()
        self.field = field
        self._long = field.kind is ValueKind.RULES  # a rule is a long line
        self.editor = _EDITORS[field.kind](self)
        if not isinstance(self.editor, ChoiceButton):
            self.editor.setAccessibleName(field.title)
        self.editor.setAccessibleDescription(f"{field.help} {field.allowed}".strip())
        self.fault = Paragraph(scale=0.92)
        self.fault.setProperty("fault", True)
        self.fault.hide()
        self.rule = rule()
        self._lay_out()

    def _lay_out(self) -> None:
        words = QVBoxLayout()
        words.setSpacing(0)
        title = Paragraph(self.field.title)
        title.setBuddy(self.editor)
        words.addWidget(title)
        words.addWidget(Paragraph(self.field.help, scale=0.92, muted=True))
        self._side = side = QWidget()
        font = text_font(self.font())
        number = width_of(font, _NUMBER_SAMPLE, pad=_EDIT_PAD)
        self._side_width = number + SMALL_GAP + width_of(font, _NOTE_SAMPLE)
        self._row = row = QBoxLayout(QBoxLayout.Direction.LeftToRight, side)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SMALL_GAP)
        row.addWidget(self.editor)
        if note := _range(self.field):
            row.addWidget(label(note, scale=0.92, muted=True))
        if not self._long:
            row.addStretch()
        self._grid = grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 2)
        grid.setHorizontalSpacing(GAP)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(0, 1)
        grid.addWidget(self.rule, 0, 0, 1, 2)
        grid.addLayout(words, 1, 0)
        self._place_side(beneath=self._long)
        grid.addWidget(self.fault, 3, 0, 1, 2)

    def _place_side(self, *, beneath: bool) -> None:
        """The editor stands beside the words, or below them."""
        if beneath:
            self._grid.addWidget(self._side, 2, 0, 1, 2)
        else:
            self._grid.addWidget(self._side, 1, 1, Qt.AlignmentFlag.AlignVCenter)
        self._side.setMinimumWidth(0 if beneath else self._side_width)
        self._side.setMaximumWidth(_LARGE if self._long else self._side_width)
        ways = QBoxLayout.Direction  # of the editor and the note about its range
        above = beneath and self.width() < self._side_width
        self._row.setDirection(ways.TopToBottom if above else ways.LeftToRight)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """So narrow that editor, note and the longest word stand below each other."""
        parts = (self._row.itemAt(place) for place in range(self._row.count()))
        least = (each.minimumSize().width() for each in parts if each is not None)
        return QSize(max(least), super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """The editor stands below the words where these would have too little room."""
        least = _WORDS_EM * width_of(text_font(self.font()), "M")
        narrow = event.size().width() < self._side_width + GAP + least
        self._place_side(beneath=narrow or self._long)
        super().resizeEvent(event)

    def show_value(self, value: Any) -> None:
        """Show the value in force, unless the person is typing here."""
        if not self.editor.hasFocus():
            _show(self.editor, value)

    def show_fault(self, sentence: str) -> None:
        """Explain what is wrong; an empty sentence takes the explanation away."""
        self.fault.setText(sentence)
        self.fault.setVisible(bool(sentence))
        if bool(self.editor.property("fault")) != bool(sentence):
            self.editor.setProperty("fault", bool(sentence))
            self.editor.style().polish(self.editor)

    def matches(self, text: str) -> bool:
        """Whether the words are found in its title, help or key."""
        found = f"{self.field.title} {self.field.help} {self.field.key}".casefold()
        return all(word in found for word in text.casefold().split())

    # -- editors

    def line(self) -> QLineEdit:
        """For numbers and text."""
        edit = QLineEdit()
        edit.setFont(text_font(edit.font()))
        if self.field.kind in (ValueKind.INT, ValueKind.NUMBER):
            edit.setFixedWidth(width_of(edit.font(), _NUMBER_SAMPLE, pad=_EDIT_PAD))
            edit.setAlignment(Qt.AlignmentFlag.AlignRight)
        edit.editingFinished.connect(self._on_line_finished)
        return edit

    def lines(self) -> ListEdit:
        """For a list, one text a line."""
        edit = ListEdit()
        edit.setFixedHeight(line_height(edit.font(), _LIST_LINES, pad=_EDIT_PAD // 2))
        edit.setTabChangesFocus(True)
        is_rule = self.field.kind is ValueKind.RULES
        edit.setPlaceholderText(_A_RULE if is_rule else "one a line")
        edit.finished.connect(self._on_lines_finished)
        return edit

    def check(self) -> Switch:
        """For yes and no."""
        box = Switch()
        box.clicked.connect(self._on_clicked)
        return box

    def choice(self) -> ChoiceButton:
        """For one of a few."""
        made = ChoiceButton("", [(each, each) for each in self.field.choices], self.field.title)
        made.chosen.connect(self._on_chosen)
        return made

    @Slot()
    def _on_line_finished(self) -> None:
        if isinstance(self.editor, QLineEdit):
            self.edited.emit(self.field.key, parse_text(self.field.key, self.editor.text().strip()))

    @Slot()
    def _on_lines_finished(self) -> None:
        if isinstance(self.editor, ListEdit) and self.field.kind is ValueKind.RULES:
            self.edited.emit(self.field.key, parse_text(self.field.key, self.editor.toPlainText()))
        elif isinstance(self.editor, ListEdit):
            rows = (row.strip() for row in self.editor.toPlainText().splitlines())
            self.edited.emit(self.field.key, [row for row in rows if row])

    @Slot(bool)
    def _on_clicked(self, on: bool) -> None:  # noqa: FBT001 - Qt's shape
        self.edited.emit(self.field.key, on)

    @Slot(object)
    def _on_chosen(self, value: object) -> None:
        self.edited.emit(self.field.key, value)


_EDITORS = {
    ValueKind.BOOL: SettingRow.check,
    ValueKind.INT: SettingRow.line,
    ValueKind.NUMBER: SettingRow.line,
    ValueKind.CHOICE: SettingRow.choice,
    ValueKind.TEXT: SettingRow.line,
    ValueKind.LIST: SettingRow.lines,
    ValueKind.RULES: SettingRow.lines,
}


def _range(field: Field) -> str:
    """``1 to 100 %``."""
    if field.minimum is None or field.maximum is None:
        return field.unit
    return f"{_figure(field.minimum)} to {_figure(field.maximum)} {field.unit}".strip()


def _figure(value: float) -> str:
    return f"{value:.10g}"


def _row_text(row: Any) -> str:
    return rule_text(row) if isinstance(row, dict) else str(row)


def _show(editor: QWidget, value: Any) -> None:
    if isinstance(editor, Switch):
        editor.setChecked(bool(value))
    elif isinstance(editor, ChoiceButton):
        editor.show_value(value)
    elif isinstance(editor, QPlainTextEdit):
        editor.setPlainText("\n".join(map(_row_text, value)))
    elif isinstance(editor, QLineEdit):
        editor.setText(_figure(value) if isinstance(value, int | float) else str(value))

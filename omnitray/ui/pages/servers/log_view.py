"""The tail of a server's log: followed while it is in sight, searched, our own lines coloured."""

from PySide6.QtCore import QSize, QTimer, Signal, Slot
from PySide6.QtGui import QColor, QHideEvent, QShowEvent, QTextCursor, QTextDocument
from PySide6.QtWidgets import (
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    QVBoxLayout,
    QWidget,
)

from omnitray.servers.logs import OWN
from omnitray.servers.model import BY_OMNITRAY
from omnitray.ui.pages.page import ServerLog
from omnitray.ui.theme import SMALL_GAP, Theme, fixed_font, line_height
from omnitray.ui.widgets.frames import GivingRow, button
from omnitray.ui.widgets.labels import label

LINES = 500
_LEAST_LINES = 6  # in sight, however little room there is
_TEXT_PAD = 24  # border, padding and the scroll bar below
_FOLLOW_MS = 1000
_MARK_ALPHA = 90
_GOOD = (" up", "answers again")
_BAD = (" exit ", " down:", "given up", "ended by", "taken by", "not known")


class LogView(QWidget):
    """The log of the server that :meth:`show_server` names."""

    open_requested = Signal()

    def __init__(self, theme: Theme, log: ServerLog) -> None:
        super().__init__()
        self._theme = theme
        self._log = log
        self._name = ""
        self._lines: tuple[str, ...] = ()
        self.text = QPlainTextEdit(readOnly=True)
        self.text.setAccessibleName("Log")
        self.text.setFont(fixed_font(self.font()))
        self.text.setMinimumHeight(line_height(self.text.font(), _LEAST_LINES, pad=_TEXT_PAD))
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.search = QLineEdit(placeholderText="Search the log…")
        self.search.setAccessibleName("Search the log")
        self.search.setClearButtonEnabled(True)
        self.found = label("", muted=True)
        self.back, self.forth = button("▲"), button("▼")
        self.back.setAccessibleName("Previous match")
        self.forth.setAccessibleName("Next match")
        self.follow = button("Follow")
        self.follow.setCheckable(True)
        self.follow.setChecked(True)
        self.open_log = button("Open log")
        self._timer = QTimer(self, interval=_FOLLOW_MS)
        self._lay_out()
        self._timer.timeout.connect(self.reload)
        theme.changed.connect(self._mark)  # the marks keep the colours they were made in
        self.search.textChanged.connect(self._mark)
        self.search.returnPressed.connect(self._on_forth)
        self.back.clicked.connect(self._on_back)
        self.forth.clicked.connect(self._on_forth)
        self.follow.toggled.connect(self.reload)
        self.open_log.clicked.connect(self.open_requested)

    def _lay_out(self) -> None:
        tools = (self.found, self.back, self.forth, self.follow, self.open_log)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SMALL_GAP)
        column.addWidget(GivingRow(self.search, tools))
        column.addWidget(self.text, 1)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Some lines."""
        return QSize(400, 180)

    def show_server(self, name: str) -> None:
        """Show another server's log."""
        if name != self._name:
            self._name = name
            self._lines = ()
            self.text.clear()
            self.reload()

    @Slot()
    def reload(self) -> None:
        """Read the tail again, where it is followed or nothing is shown yet."""
        if not self._name or not (self.follow.isChecked() or not self._lines):
            return
        lines = self._log(self._name, LINES)
        if lines == self._lines:
            return
        self._lines = lines
        self.text.setPlainText("\n".join(lines))
        self._mark()
        if self.follow.isChecked():
            bar = self.text.verticalScrollBar()
            bar.setValue(bar.maximum())

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Follow while it can be seen."""
        super().showEvent(event)
        self.reload()
        self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 - Qt's name
        """A log that is not seen is not read."""
        super().hideEvent(event)
        self._timer.stop()

    def matches(self) -> list[QTextCursor]:
        """Where the words stand, whatever their case."""
        words = self.search.text()
        found: list[QTextCursor] = []
        cursor = QTextCursor(self.text.document())
        while words:
            cursor = self.text.document().find(words, cursor)
            if cursor.isNull():
                break
            found.append(QTextCursor(cursor))
        return found

    @Slot()
    def _mark(self) -> None:
        matches = self.matches()
        self.text.setExtraSelections([*self._own_lines(), *map(self._marked, matches)])
        self._count(matches)
        for each in (self.back, self.forth):
            each.setEnabled(bool(matches))

    def _count(self, matches: list[QTextCursor]) -> None:
        if not self.search.text():
            self.found.setText("")
            return
        at = self.text.textCursor().selectionStart()
        place = next((n for n, each in enumerate(matches, 1) if each.selectionStart() == at), 0)
        self.found.setText(f"{place} of {len(matches)}" if matches else "none")

    def _marked(self, cursor: QTextCursor) -> QTextEdit.ExtraSelection:
        made = QTextEdit.ExtraSelection()
        made.cursor = cursor
        colour = QColor(self._theme.colours.warning)
        colour.setAlpha(_MARK_ALPHA)
        made.format.setBackground(colour)
        return made

    def _own_lines(self) -> list[QTextEdit.ExtraSelection]:
        """What OmniTray wrote stands out: good, bad or quiet."""
        colours = self._theme.colours
        made = []
        for number, line in enumerate(self._lines):
            if not line.startswith(OWN):
                continue
            bad = any(word in line for word in _BAD) and BY_OMNITRAY not in line
            good = any(word in line for word in _GOOD)
            colour = colours.critical if bad else colours.good if good else colours.muted
            cursor = QTextCursor(self.text.document().findBlockByNumber(number))
            cursor.select(QTextCursor.SelectionType.LineUnderCursor)
            selection = QTextEdit.ExtraSelection()
            selection.cursor = cursor
            selection.format.setForeground(QColor(colour))
            made.append(selection)
        return made

    @Slot()
    def _on_forth(self) -> None:
        self._step(QTextDocument.FindFlag(0))

    @Slot()
    def _on_back(self) -> None:
        self._step(QTextDocument.FindFlag.FindBackward)

    def _step(self, direction: QTextDocument.FindFlag) -> None:
        """To the next match, around the end."""
        self.follow.setChecked(False)
        words = self.search.text()
        if words and not self.text.find(words, direction):
            back = direction == QTextDocument.FindFlag.FindBackward
            end = QTextCursor.MoveOperation.End if back else QTextCursor.MoveOperation.Start
            self.text.moveCursor(end)
            self.text.find(words, direction)
        self._count(self.matches())

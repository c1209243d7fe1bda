"""A sentence above the page with what can be done about it, and a way to close it."""

from PySide6.QtCore import QPoint, Signal, Slot
from PySide6.QtGui import QResizeEvent

from omnitray.ui.theme import line_height
from omnitray.ui.widgets.accessible import announce
from omnitray.ui.widgets.frames import Banner, button
from omnitray.ui.widgets.labels import TextMenu, plain_tooltip

_LINES = 2  # of words beside buttons with their words; with more the buttons become signs
_CLOSE = "Close"


class NoteBanner(Banner):
    """The sentence has the room first: where it is short, the buttons are signs.

    Signals:
        acted(): the person wants what the button offers.
        closed(): the person has closed it.
    """

    acted = Signal()
    closed = Signal()

    def __init__(self) -> None:
        super().__init__("Note")
        self.action = button("")
        self.close_button = button(_CLOSE)
        self.more = button("▾")
        self.more.setAccessibleName("What can be done")
        self.menu = TextMenu(self)
        self._offered = ""
        for each in (self.action, self.more, self.close_button):
            self.row.addWidget(each)
        self.action.clicked.connect(self.acted)
        self.more.clicked.connect(self._on_more)
        self.close_button.clicked.connect(self._on_closed)

    def show_note(self, text: str, action: str, hint: str) -> None:
        """Say a sentence; "" hides the banner. ``action`` is on its button, if it has one."""
        self.words.setText(text)
        plain_tooltip(self.words, hint)
        self._offered = action
        self.action.setText(action)
        self.menu.clear()
        if action:
            self.menu.addAction(action).triggered.connect(self._on_entry)
        self._fit(self.width())
        self.setVisible(bool(text))
        announce(self, text)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Another width."""
        super().resizeEvent(event)
        self._fit(event.size().width())

    def _fit(self, width: int) -> None:
        """Buttons with words where the sentence beside them keeps to its lines."""
        self.close_button.setText(_CLOSE)
        self.close_button.setAccessibleName(_CLOSE)
        taken = self.close_button.sizeHint().width()
        if self._offered:
            taken += self.action.sizeHint().width() + self.row.spacing()
        margins = self.row.contentsMargins()
        room = width - margins.left() - margins.right() - self.row.spacing() - taken
        high = self.words.heightForWidth(max(1, room))
        short = high > line_height(self.words.font(), _LINES)
        if short:
            self.close_button.setText("×")  # a sign that every font has
        self.action.setVisible(bool(self._offered) and not short)
        self.more.setVisible(bool(self._offered) and short)

    @Slot()
    def _on_more(self) -> None:
        self.menu.popup(self.more.mapToGlobal(QPoint(0, self.more.height() + 2)))

    @Slot()
    def _on_entry(self) -> None:
        self.acted.emit()

    @Slot()
    def _on_closed(self) -> None:
        self.hide()
        self.closed.emit()

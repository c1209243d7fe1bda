"""A row of small widgets that goes on in the next line where it does not fit."""

from PySide6.QtCore import QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

_GAP = 6


class WrapRow(QWidget):
    """Add widgets with :meth:`add`; its height follows from its width."""

    def __init__(self) -> None:
        super().__init__()
        self._widgets: list[QWidget] = []
        policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def add(self, widget: QWidget) -> None:
        """Put a widget behind the last one."""
        widget.setParent(self)
        self._widgets.append(widget)

    def heightForWidth(self, width: int) -> int:  # noqa: N802 - Qt's name
        """How high it is at a width."""
        return self._arrange(width, move=False)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """As high as it is now."""
        return QSize(120, self._arrange(max(self.width(), 120), move=False))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Arrange anew."""
        self._arrange(event.size().width(), move=True)

    def _arrange(self, width: int, *, move: bool) -> int:
        left = top = line = 0
        for widget in self._widgets:
            size = widget.sizeHint()
            if left and left + size.width() > width:
                left, top, line = 0, top + line + _GAP, 0
            if move:
                widget.setGeometry(left, top, min(size.width(), width), size.height())
            left += size.width() + _GAP
            line = max(line, size.height())
        return top + line

"""A row of small widgets that goes on in the next line where it does not fit."""

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

_GAP = 6


class WrapRow(QWidget):
    """Add widgets with :meth:`add`; its height follows from its width."""

    def __init__(self) -> None:
        super().__init__()
        self._widgets: list[QWidget] = []
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def add(self, widget: QWidget) -> None:
        """Put a widget behind the last one."""
        widget.setParent(self)
        widget.show()
        self._widgets.append(widget)

    def clear(self) -> None:
        """Away with all of them."""
        for widget in self._widgets:
            widget.hide()
            widget.deleteLater()
        self._widgets = []

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """The height follows from the width."""
        self.setFixedHeight(self.arrange(event.size().width()))

    def rearrange(self) -> None:
        """Arrange anew after widgets were shown or hidden."""
        self.setFixedHeight(self.arrange(self.width()))

    def arrange(self, width: int) -> int:
        """Place the widgets into a width; the height that this takes."""
        left = top = line = 0
        for widget in self._widgets:
            if widget.isHidden():
                continue
            size = widget.sizeHint()
            if left and left + size.width() > width:
                left, top, line = 0, top + line + _GAP, 0
            widget.setGeometry(left, top, min(size.width(), width), size.height())
            left += size.width() + _GAP
            line = max(line, size.height())
        return top + line

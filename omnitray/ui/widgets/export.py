"""The button *Export…* with its menu of formats."""

from PySide6.QtCore import QPoint, Signal, Slot
from PySide6.QtWidgets import QPushButton

from omnitray.ui.widgets.labels import TextMenu


class ExportMenu(TextMenu):
    """Opens below its button; ``wanted`` carries the ending of the file: ``json`` or ``csv``."""

    wanted = Signal(str)

    def __init__(self, opener: QPushButton) -> None:
        super().__init__(opener)
        self._opener = opener
        self.addAction("As JSON…").triggered.connect(self._on_json)
        self.addAction("As CSV…").triggered.connect(self._on_csv)
        opener.clicked.connect(self._on_clicked)

    @Slot()
    def _on_clicked(self) -> None:
        self.popup(self._opener.mapToGlobal(QPoint(0, self._opener.height() + 2)))

    @Slot()
    def _on_json(self) -> None:
        self.wanted.emit("json")

    @Slot()
    def _on_csv(self) -> None:
        self.wanted.emit("csv")

"""The button *Export…* with its menu of formats, and the question where to save."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QPoint, Qt, Signal, Slot
from PySide6.QtWidgets import QPushButton, QWidget

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


def ask_path(parent: QWidget, suffix: str, title: str, stem: str) -> str:
    """Ask where to save; an empty string means that the person thought better of it."""
    from PySide6.QtWidgets import QFileDialog  # noqa: PLC0415 - a tenth of the page, seldom used

    chosen, _ = QFileDialog.getSaveFileName(parent, title, f"{stem}.{suffix}", f"*.{suffix}")
    return completed(chosen, suffix, lambda whole: _may_replace(parent, whole, title))


def completed(chosen: str, suffix: str, may_replace: Callable[[Path], bool]) -> str:
    """The path with its ending; the file dialog has asked about what was typed, not about this."""
    if not chosen or chosen.lower().endswith(f".{suffix}"):
        return chosen
    whole = Path(f"{chosen}.{suffix}")
    return str(whole) if not whole.exists() or may_replace(whole) else ""


def _may_replace(parent: QWidget, whole: Path, title: str) -> bool:
    from PySide6.QtWidgets import QMessageBox  # noqa: PLC0415 - seldom used

    box = QMessageBox(parent)
    box.setIcon(QMessageBox.Icon.Warning)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setWindowTitle(title)
    box.setText(f"{whole.name} is there already. Replace it?")
    box.setInformativeText(f"What {whole} holds now would be lost.")
    replace = box.addButton("Replace", QMessageBox.ButtonRole.DestructiveRole)
    cancel = box.addButton("Leave it", QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(cancel)
    box.setEscapeButton(cancel)
    box.exec()
    return box.clickedButton() is replace

"""A dialog with a column of fields that are saved together."""

from typing import Any

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QDialog, QFormLayout, QHBoxLayout, QVBoxLayout, QWidget

from omnitray.ui.theme import GAP, width_of
from omnitray.ui.widgets.frames import button
from omnitray.ui.widgets.labels import label, paragraph

_FIELD_EM = 28  # an address with a port and a path


class FormDialog(QDialog):
    """``declared`` carries what :meth:`fields` makes of the form; a fault is said below it."""

    declared = Signal(object)

    def __init__(self, title: str, note: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.form = QFormLayout()
        self.form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        self.form.setSpacing(GAP)
        self.fault = paragraph("")
        self.fault.setProperty("fault", True)
        self.fault.hide()
        self.save = button("Save", primary=True)
        self.save.setDefault(True)
        self.save.clicked.connect(self._on_save)
        self.cancel = button("Cancel")
        self.cancel.clicked.connect(self.reject)
        foot = QHBoxLayout()
        foot.addStretch()
        foot.addWidget(self.cancel)
        foot.addWidget(self.save)
        column = QVBoxLayout(self)
        column.setContentsMargins(2 * GAP, 2 * GAP, 2 * GAP, GAP)
        column.setSpacing(GAP)
        column.addLayout(self.form)
        column.addWidget(paragraph(note, muted=True, scale=0.9))
        column.addWidget(self.fault)
        column.addLayout(foot)

    def add_field(self, title: str, field: QWidget) -> None:
        """One more line of the form."""
        field.setAccessibleName(title)
        field.setMinimumWidth(_FIELD_EM * width_of(self.font(), "n"))
        words = label(title)
        words.setBuddy(field)
        self.form.addRow(words, field)

    def fields(self) -> dict[str, Any]:
        """What was typed, as the settings hold it; raises ValueError with what is wrong."""
        raise NotImplementedError

    @Slot()
    def _on_save(self) -> None:
        try:
            found = self.fields()
        except ValueError as fault:
            self.fault.setText(f"Not saved: {fault}")
            self.fault.show()
            return
        self.declared.emit(found)
        self.accept()

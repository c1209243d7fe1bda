"""How a server is declared: three ways to copy, and a form that writes the settings."""

import shlex
from typing import Any

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from omnitray.settings.servers import ADDRESS, ServerFault, server_of_table
from omnitray.ui.theme import GAP, fixed_font
from omnitray.ui.widgets.frames import Card, button, rule
from omnitray.ui.widgets.labels import label, paragraph

IN_SETTINGS = """[[server]]
name    = "api"
command = ["uvicorn", "shop.main:app", "--port", "8000"]
cwd     = "~/shop"
health  = "http://127.0.0.1:8000/health"   # none: alive and listening
restart = "on-failure"                     # always | on-failure | never"""
IN_TERMINAL = "omnitray serve api --health http://127.0.0.1:8000/health -- uvicorn shop.main:app"
IN_TESTS = 'pytest --omnitray --omnitray-server="uvicorn shop.main:app --port 8000"'
WAYS = (
    ("In the settings", "Add a server… writes this for you", IN_SETTINGS),
    ("From a terminal", "the same, without an entry in the settings", IN_TERMINAL),
    (
        "With the tests",
        "started before the first test, restarted when a test brings it down",
        IN_TESTS,
    ),
)


class NoServers(Card):
    """What a person sees who has declared none."""

    add_requested = Signal()

    def __init__(self) -> None:
        super().__init__(margin=2 * GAP)
        head = QHBoxLayout()
        words = QVBoxLayout()
        words.addWidget(label("No server is watched yet", scale=1.2, bold=True))
        words.addWidget(
            paragraph(
                "A watched server is started, kept up and brought back when it goes down, with its "
                "log and the reason of each exit.",
                muted=True,
            )
        )
        head.addLayout(words, 1)
        self.add = button("Add a server…", primary=True)
        self.add.clicked.connect(self.add_requested)
        head.addWidget(self.add, 0, Qt.AlignmentFlag.AlignTop)
        self.column.addLayout(head)
        for title, hint, text in WAYS:
            self._add_way(title, hint, text)
        self.column.addStretch()

    def _add_way(self, title: str, hint: str, text: str) -> None:
        self.column.addWidget(rule())
        row = QHBoxLayout()
        row.addWidget(label(title, bold=True))
        row.addWidget(paragraph(hint, muted=True, scale=0.9), 1)
        copy = button("Copy")
        copy.setAccessibleName(f"Copy: {title}")
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(text))
        row.addWidget(copy)
        self.column.addLayout(row)
        code = paragraph(text)
        code.setFont(fixed_font(self.font()))
        self.column.addWidget(code)


class AddServer(QDialog):
    """The form; ``declared`` carries the fields of ``[[server]]``."""

    declared = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Add a server")
        self.name = QLineEdit(placeholderText="api")
        self.command = QLineEdit(placeholderText="uvicorn shop.main:app --port 8000")
        self.cwd = QLineEdit("~")
        self.health = QLineEdit(placeholderText="http://127.0.0.1:8000/health")
        self.autostart = QCheckBox("Start it with OmniTray")
        self.fault = paragraph("")
        self.fault.setProperty("fault", True)
        form = QFormLayout()
        for title, field in (
            ("Name", self.name),
            ("Command", self.command),
            ("Folder", self.cwd),
            ("Health", self.health),
        ):
            field.setAccessibleName(title)
            field.setMinimumWidth(340)
            form.addRow(title, field)
        form.addRow("", self.autostart)
        boxes = QDialogButtonBox.StandardButton
        self.buttons = QDialogButtonBox(boxes.Save | boxes.Cancel)
        self.buttons.accepted.connect(self._on_save)
        self.buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addLayout(form)
        column.addWidget(
            label("Without a health it is up when it is alive and listens.", muted=True, scale=0.9)
        )
        column.addWidget(self.fault)
        column.addWidget(self.buttons)

    def fields(self) -> dict[str, Any]:
        """What was typed, as the settings hold it; raises :class:`ServerFault`."""
        found: dict[str, Any] = {"name": self.name.text().strip(), "cwd": self.cwd.text().strip()}
        try:
            found["command"] = shlex.split(self.command.text())
        except ValueError as error:
            raise ServerFault("command", "", f"a command ({error})") from error
        health = self.health.text().strip()
        if health:
            is_address = ADDRESS.fullmatch(health)
            found["health"] = health if is_address else {"command": shlex.split(health)}
        if self.autostart.isChecked():
            found["autostart"] = True
        server_of_table(found)
        return found

    @Slot()
    def _on_save(self) -> None:
        try:
            found = self.fields()
        except (ServerFault, ValueError) as fault:
            self.fault.setText(f"Not saved: {fault}")
            return
        self.declared.emit(found)
        self.accept()

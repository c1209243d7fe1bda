"""How a server is declared: three ways to copy, and a form that writes the settings."""

import shlex
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QWidget

from omnitray.settings.servers import ADDRESS, ServerFault, server_of_table
from omnitray.ui.widgets.choice import Switch
from omnitray.ui.widgets.form import FormDialog
from omnitray.ui.widgets.frames import button
from omnitray.ui.widgets.ways import Way, WaysCard

IN_SETTINGS = """[[server]]
name    = "api"
command = ["uvicorn", "shop.main:app", "--port", "8000"]
cwd     = "~/shop"
health  = "http://127.0.0.1:8000/health"   # none: alive and listening
restart = "on-failure"                     # always | on-failure | never"""
IN_TERMINAL = "omnitray serve api --health http://127.0.0.1:8000/health -- uvicorn shop.main:app"
IN_TESTS = 'pytest --omnitray --omnitray-server="uvicorn shop.main:app --port 8000"'
_ABOUT = (
    "A watched server is started, kept up and brought back when it goes down, with its log and the "
    "reason of each exit."
)
WAYS = (
    Way("In the settings", "Add a server… writes this for you", IN_SETTINGS),
    Way("From a terminal", "the same, without an entry in the settings", IN_TERMINAL),
    Way(
        "With the tests",
        "started before the first test, restarted when a test brings it down",
        IN_TESTS,
    ),
)


class NoServers(WaysCard):
    """What a person sees who has declared none."""

    add_requested = Signal()

    def __init__(self) -> None:
        self.add = button("Add a server…", primary=True)
        super().__init__("No server is watched yet", _ABOUT, WAYS, self.add)
        self.add.clicked.connect(self.add_requested)


class AddServer(FormDialog):
    """The form; ``declared`` carries the fields of ``[[server]]``."""

    def __init__(self, parent: QWidget | None = None) -> None:
        note = "Without a health it is up when it is alive and listens."
        super().__init__("Add a server", note, parent)
        self.name = QLineEdit(placeholderText="api")
        self.command = QLineEdit(placeholderText="uvicorn shop.main:app --port 8000")
        self.cwd = QLineEdit("~")
        self.health = QLineEdit(placeholderText="http://127.0.0.1:8000/health")
        self.autostart = Switch()
        for title, field in (
            ("Name", self.name),
            ("Command", self.command),
            ("Folder", self.cwd),
            ("Health", self.health),
            ("Start it with OmniTray", self.autostart),
        ):
            self.add_field(title, field)

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

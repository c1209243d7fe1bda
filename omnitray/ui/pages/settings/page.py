"""Every setting of the table, grouped as in the file; wrong values are explained beside the field.

A value is checked here by the same function that checks the file, so that the explanation comes at
once; it is asked for through ``setting_requested`` and shown once it is in force.
"""

from collections.abc import Iterable
from itertools import groupby

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QLineEdit, QVBoxLayout

from omnitray.settings.check import set_value
from omnitray.settings.faults import Problem
from omnitray.settings.model import FIELDS, Field, Settings, value_of
from omnitray.ui import formats
from omnitray.ui.pages.page import Page, PageContext
from omnitray.ui.pages.settings.row import SettingRow
from omnitray.ui.theme import GAP, text_font
from omnitray.ui.widgets.frames import Card, scrolled_column
from omnitray.ui.widgets.labels import paragraph

_SECTIONS = {
    "": "General",
    "tray": "Tray icon",
    "monitor": "Looking",
    "thresholds.cpu": "CPU thresholds",
    "thresholds.memory": "Memory thresholds",
    "thresholds.disk": "Disk thresholds",
    "protect": "Protection",
    "protect.dev": "Limits in dev mode",
    "protect.test": "Limits in test mode",
    "protect.prod": "Limits in prod mode",
    "api": "Local API",
    "notifications": "Notifications",
}
NONE_FIT = "No setting has this in its name."


class SettingsPage(Page):
    """The page."""

    def __init__(self, context: PageContext, fields: Iterable[Field] = FIELDS) -> None:
        super().__init__(context)
        self._settings = Settings()
        self.rows: dict[str, SettingRow] = {}
        self._cards: list[tuple[Card, list[SettingRow]]] = []
        self.filter = self.search = QLineEdit()
        self.filter.setFont(text_font(self.filter.font()))
        self.filter.setPlaceholderText("Search settings…")
        self.filter.setAccessibleName("Search settings")
        self.filter.setClearButtonEnabled(True)
        self.filter.textChanged.connect(self._on_filter_changed)
        self.problems = paragraph()
        self.problems.setProperty("fault", True)
        self.problems.hide()
        self.empty = paragraph(NONE_FIT, muted=True)
        self.empty.hide()
        self._lay_out(fields)

    def _lay_out(self, fields: Iterable[Field]) -> None:
        cards = [
            self._card(section, list(members))
            for section, members in groupby(fields, key=lambda field: field.section)
        ]
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GAP)
        column.addWidget(self.filter)
        column.addWidget(self.problems)
        column.addWidget(scrolled_column(*cards, self.empty), 1)

    def _card(self, section: str, fields: list[Field]) -> Card:
        card = Card(_SECTIONS.get(section, section))
        rows: list[SettingRow] = []
        for field in fields:
            row = SettingRow(field)
            row.edited.connect(self._on_edited)
            card.column.addWidget(row)
            self.rows[field.key] = row
            row.rule.setVisible(bool(rows))
            rows.append(row)
        self._cards.append((card, rows))
        return card

    def show_settings(self) -> None:
        """Show the values in force, and what was wrong in the file."""
        settings = self._settings = self.context.facts.settings
        faults: dict[str, str] = {}
        elsewhere: list[str] = []
        for problem in self.context.facts.problems:
            keys = [key for key in problem.key.split(" and ") if key in self.rows]
            faults.update(dict.fromkeys(keys, problem.told()))
            if not keys:
                elsewhere.append(problem.told())
        for key, row in self.rows.items():
            row.show_value(value_of(settings, key))
            row.show_fault(faults.get(key, ""))
        self.problems.setText(formats.block("\n".join(elsewhere)))
        self.problems.setVisible(bool(elsewhere))

    @Slot(str, object)
    def _on_edited(self, key: str, value: object) -> None:
        """Explain a value that is not allowed, ask for one that is and that differs."""
        row = self.rows[key]
        result = set_value(self._settings, key, value)
        if isinstance(result, Problem):
            row.show_fault(result.sentence)
            return
        row.show_fault("")
        if value != value_of(self._settings, key):
            self.context.intents.setting_requested.emit(key, value)

    @Slot(str)
    def _on_filter_changed(self, text: str) -> None:
        found = 0
        for card, rows in self._cards:
            shown = [row for row in rows if row.matches(text)]
            for row in rows:
                row.setVisible(row in shown)
                row.rule.setVisible(row is not next(iter(shown), None))
            card.setVisible(bool(shown))
            found += len(shown)
        self.empty.setVisible(found == 0)

"""Every setting of the table, in sections; wrong values are explained beside the field.

The buttons above jump to a section, Enter in the search to the first setting that was found. A
value is checked here by the same function that checks the file, so that the explanation comes at
once; it is asked for through ``setting_requested`` and shown once it is in force.
"""

from collections.abc import Iterable
from functools import partial
from typing import NamedTuple

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QLabel, QLineEdit, QVBoxLayout, QWidget

from omnitray.settings.check import set_value
from omnitray.settings.faults import Problem
from omnitray.settings.model import FIELDS, Field, Settings, ValueKind, value_of
from omnitray.ui import formats
from omnitray.ui.pages.page import Page, PageContext
from omnitray.ui.pages.settings.row import SettingRow
from omnitray.ui.theme import GAP, text_font
from omnitray.ui.widgets.frames import ButtonRow, Card, button, scrolled_column
from omnitray.ui.widgets.labels import heading, paragraph


class _Section(NamedTuple):
    """A part of the page: its title, and its cards by the tables of the file with their titles."""

    title: str
    cards: dict[str, str]


_SECTIONS = (
    _Section("General", {"": "", "tray": "Tray icon"}),
    _Section(
        "Monitoring",
        {
            "monitor": "",
            "thresholds.cpu": "CPU thresholds",
            "thresholds.memory": "Memory thresholds",
            "thresholds.disk": "Disk thresholds",
        },
    ),
    _Section(
        "Protection",
        {
            "protect": "",
            "rule": "Rules of your own",
            "protect.dev": "Limits in dev mode",
            "protect.test": "Limits in test mode",
            "protect.prod": "Limits in prod mode",
        },
    ),
    _Section("Notifications", {"notifications": ""}),
    _Section("Local API", {"api": ""}),
)
NONE_FIT = "No setting has this in its name."


class SettingsPage(Page):
    """The page."""

    def __init__(self, context: PageContext, fields: Iterable[Field] = FIELDS) -> None:
        super().__init__(context)
        self._settings = Settings()
        self.rows: dict[str, SettingRow] = {}
        self._cards: list[tuple[Card, list[SettingRow]]] = []
        self.heads: dict[str, QLabel] = {}
        self.jumps = {each.title: button(each.title) for each in _SECTIONS}
        self.filter = self.search = QLineEdit()
        self.filter.setFont(text_font(self.filter.font()))
        self.filter.setPlaceholderText("Search settings…")
        self.filter.setAccessibleName("Search settings")
        self.filter.setClearButtonEnabled(True)
        self.filter.textChanged.connect(self._on_filter_changed)
        self.filter.returnPressed.connect(self._on_found)
        self.problems = paragraph()
        self.problems.setProperty("fault", True)
        self.problems.hide()
        self.empty = paragraph(NONE_FIT, muted=True)
        self.empty.hide()
        self._lay_out(fields)

    def _lay_out(self, fields: Iterable[Field]) -> None:
        tables: dict[str, list[SettingRow]] = {}
        for field in fields:
            row = self.rows[field.key] = SettingRow(field)
            row.edited.connect(self._on_edited)
            tables.setdefault(_table_of(field), []).append(row)
        content: list[QWidget] = []
        for section in _SECTIONS:
            head = self.heads[section.title] = heading(section.title, scale=1.2)
            content.append(head)
            for table, title in section.cards.items():
                if rows := tables.pop(table, []):
                    content.append(self._card(title, rows))
            self.jumps[section.title].clicked.connect(partial(self.jump_to, section.title))
        content += [self._card(table, rows) for table, rows in tables.items()]
        self._area = scrolled_column(*content, self.empty)
        jumps = ButtonRow(self.jumps.values(), goes=list(reversed(self.jumps.values())))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GAP)
        column.addWidget(self.filter)
        column.addWidget(jumps)
        column.addWidget(self.problems)
        column.addWidget(self._area, 1)

    def _card(self, title: str, rows: list[SettingRow]) -> Card:
        card = Card(title)
        for row in rows:
            card.column.addWidget(row)
            row.rule.setVisible(row is not rows[0])
        self._cards.append((card, rows))
        return card

    def jump_to(self, title: str) -> None:
        """Bring a section to the top, and the keyboard to its first setting."""
        head = self.heads[title]
        below = (each for card, each in self._cards if card.y() > head.y())
        first = next((row for rows in below for row in rows if not row.isHidden()), None)
        if first is not None:
            first.editor.setFocus(Qt.FocusReason.OtherFocusReason)
        self._area.verticalScrollBar().setValue(head.y())

    @Slot()
    def _on_found(self) -> None:
        """Enter: to the first setting that fits."""
        rows = (row for _, each in self._cards for row in each)
        first = next((row for row in rows if not row.isHidden()), None)
        if first is not None:
            first.editor.setFocus(Qt.FocusReason.ShortcutFocusReason)
            self._area.ensureWidgetVisible(first)

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
        for section in _SECTIONS:
            filled = any(
                row.matches(text)
                for row in self.rows.values()
                if _table_of(row.field) in section.cards
            )
            self.heads[section.title].setVisible(filled)
            self.jumps[section.title].setEnabled(filled)
        self.empty.setVisible(found == 0)


def _table_of(field: Field) -> str:
    """The card that a setting stands in: its table in the file; rules have one of their own."""
    return field.key if field.kind is ValueKind.RULES else field.section

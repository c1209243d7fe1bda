"""The row above the history: words, type, severity, state and time become one query."""

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtWidgets import QLineEdit, QMenu, QPushButton

from omnitray.alerts.storage.query import AlertQuery
from omnitray.base.facts import AlertType, Severity
from omnitray.ui.pages.alerts.text import TYPE_WORDS
from omnitray.ui.theme import text_font
from omnitray.ui.widgets.choice import ChoiceButton, ToolRow

_TYPING_MS = 150
_HOUR_S = 3600.0
_TYPES = [(None, "all"), *((kind, TYPE_WORDS[kind]) for kind in AlertType)]
_SEVERITIES = [(None, "all"), *((each, str(each)) for each in reversed(Severity))]
_STATES = [(None, "all"), *((each, each) for each in ("firing", "acknowledged", "resolved"))]
_TIMES = [
    (None, "Any time"),
    (_HOUR_S, "Last hour"),
    (24 * _HOUR_S, "Last 24 h"),
    (7 * 24 * _HOUR_S, "Last 7 days"),
    (30 * 24 * _HOUR_S, "Last 30 days"),
]


class AlertFilter(QObject):
    """``changed`` when another query is wanted; while the person types, after a short pause."""

    changed = Signal()

    def __init__(self, wall: Callable[[], float], export: QPushButton, export_menu: QMenu) -> None:
        super().__init__()
        self._wall = wall
        self.text = QLineEdit()
        self.text.setFont(text_font(self.text.font()))
        self.text.setPlaceholderText("Search title, message, culprit…")
        self.text.setAccessibleName("Search alerts")
        self.text.setClearButtonEnabled(True)
        self.kind = ChoiceButton("Type", _TYPES)
        self.severity = ChoiceButton("Severity", _SEVERITIES)
        self.state = ChoiceButton("State", _STATES)
        self.time = ChoiceButton("", _TIMES, "Time")
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(_TYPING_MS)
        self._typing.timeout.connect(self.changed)
        self.text.textChanged.connect(self._on_text_changed)
        choices = (self.kind, self.severity, self.state, self.time)
        for choice in choices:
            choice.chosen.connect(self._on_chosen)
        self.row = ToolRow(self.text, (*choices, export))
        self.row.buttons.set_menu(export, export_menu)

    def query(self) -> AlertQuery:
        """What is asked for now."""
        kind, severity, state = self.kind.value, self.severity.value, self.state.value
        back_s = self.time.value
        return AlertQuery(
            text=self.text.text().strip(),
            types=frozenset([kind]) if kind else frozenset(),
            severities=frozenset([severity]) if severity else frozenset(),
            states=frozenset([state]) if state else frozenset(),
            since=None if back_s is None else self._wall() - back_s,
        )

    @property
    def narrows(self) -> bool:
        """Whether anything is filtered out."""
        return self.query() != AlertQuery()

    def clear(self) -> None:
        """Let everything through; emits ``changed`` once."""
        self.text.blockSignals(True)
        self.text.clear()
        self.text.blockSignals(False)
        for choice in (self.kind, self.severity, self.state, self.time):
            choice.show_value(None)
        self._typing.stop()
        self.row.rearrange()
        self.changed.emit()

    @Slot()
    def _on_text_changed(self) -> None:
        self._typing.start()

    @Slot(object)
    def _on_chosen(self) -> None:
        self._typing.stop()
        self.row.rearrange()
        self.changed.emit()

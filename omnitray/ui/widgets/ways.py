"""What a page shows while it has nothing: what would be here, and the ways to get it, to copy."""

from collections.abc import Iterable
from typing import NamedTuple

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout

from omnitray.ui.theme import GAP, fixed_font
from omnitray.ui.widgets.frames import Card, button, rule
from omnitray.ui.widgets.labels import Paragraph, label, paragraph


class Way(NamedTuple):
    """One way: its title, what it is about, the text to copy."""

    title: str
    about: str
    text: str


class WaysCard(Card):
    """``action`` is a button beside the title, for the way that a dialog goes."""

    def __init__(
        self, title: str, about: str, ways: Iterable[Way], action: QPushButton | None = None
    ) -> None:
        super().__init__(margin=2 * GAP)
        self.copies: list[QPushButton] = []  # in the order of the ways
        words = QVBoxLayout()
        head = Paragraph(title, scale=1.2)
        font = head.font()
        font.setBold(True)
        head.setFont(font)
        words.addWidget(head)
        words.addWidget(paragraph(about, muted=True))
        row = QHBoxLayout()
        row.addLayout(words, 1)
        if action is not None:
            row.addWidget(action, 0, Qt.AlignmentFlag.AlignTop)
        self.column.addLayout(row)
        for way in ways:
            self._add_way(way)
        self.column.addStretch()

    def _add_way(self, way: Way) -> None:
        self.column.addWidget(rule())
        row = QHBoxLayout()
        row.addWidget(label(way.title, bold=True))
        row.addWidget(paragraph(way.about, muted=True, scale=0.9), 1)
        copy = button("Copy")
        copy.setAccessibleName(f"Copy: {way.title}")
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(way.text))
        self.copies.append(copy)
        row.addWidget(copy)
        self.column.addLayout(row)
        code = paragraph(way.text)
        code.setFont(fixed_font(self.font()))
        self.column.addWidget(code)

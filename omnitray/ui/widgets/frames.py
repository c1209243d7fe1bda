"""Cards, rules, rows: the few frames that the pages are made of."""

from collections.abc import Iterable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from omnitray.ui.theme import GAP, SMALL_GAP, text_font
from omnitray.ui.widgets.labels import Paragraph, label


class Card(QFrame):
    """A white (or dark grey) card with a column inside, and a title if it is given one."""

    def __init__(self, title: str = "", *, margin: int = GAP) -> None:
        super().__init__()
        self.setObjectName("card")
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(margin, margin, margin, margin)
        self.column.setSpacing(SMALL_GAP)
        self.head = QHBoxLayout()
        if title:
            self.setAccessibleName(title)
            inset = max(0, GAP - margin)
            self.head.setContentsMargins(inset, inset, inset, 0)
            self.head.addWidget(label(title, bold=True))
            self.head.addStretch()
            self.column.addLayout(self.head)


def rule() -> QFrame:
    """A thin line."""
    line = QFrame()
    line.setObjectName("rule")
    line.setFixedHeight(1)
    return line


def button(text: str, *, danger: bool = False, primary: bool = False) -> QPushButton:
    """A push button that keeps its size."""
    made = QPushButton(text)
    made.setFont(text_font(made.font()))
    made.setProperty("danger", danger)
    made.setProperty("primary", primary)
    made.setAutoDefault(False)
    made.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
    return made


def follow_tabs(start: QWidget, widgets: Iterable[QWidget]) -> None:
    """Give widgets that were made later their place in the way of the Tab key: after ``start``."""
    start.setFocusPolicy(Qt.FocusPolicy.ClickFocus)  # without one it has no place in it
    for widget in widgets:
        QWidget.setTabOrder(start, widget)
        start = widget


def scrolled(content: QWidget) -> QScrollArea:
    """A scroll area around a column; it scrolls down only."""
    area = QScrollArea()
    content.setObjectName("scrolled")
    area.setWidget(content)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    return area


class Banner(QFrame):
    """A sentence above the page with buttons; hidden while there is nothing to say."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName("banner")
        self.setAccessibleName(name)
        self.words = Paragraph()
        self.row = QHBoxLayout(self)
        self.row.setContentsMargins(GAP, SMALL_GAP, SMALL_GAP, SMALL_GAP)
        self.row.addWidget(self.words, 1)
        self.hide()

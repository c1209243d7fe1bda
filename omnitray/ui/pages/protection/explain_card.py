"""Why this one, and not another: the words, and everyone who was considered."""

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFont, QResizeEvent
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from omnitray.protector.view import Considered, Effect, Explanation, Means
from omnitray.ui import formats
from omnitray.ui.theme import GAP, SMALL_GAP, Theme, text_font, width_of
from omnitray.ui.widgets.frames import Card, WrapRow, rule
from omnitray.ui.widgets.labels import heading, label, paragraph
from omnitray.ui.widgets.pills import Pill, PillLabel

NOTHING_ASKED = "When something is acted on, the reason and everyone who was spared stand here."
NO_EFFECT = "What an action did for the machine will stand here in figures."
NO_MEANS = "Which means work on this machine is found out at the first start."
_MOST = 8
_TITLES = ("Considered", "Memory", "Growth", "Verdict")
_COLUMNS = len(_TITLES)
_LINES = 3  # of the grid for each: a rule, the figures, a verdict that has no room beside them
_VERDICT_SAMPLE = "protected by you"
_NAME_EM = 10  # of a name, before it is broken over two lines
_WIDE_EM = 36  # of a table with all its columns
_TABLE_EM = 24  # of a table without the growth; with less the verdict stands below the name
_LEAST_EM = 13  # of the longest word, and a figure beside it


class Refilled(Card):
    """A card whose content is rebuilt when its facts change."""

    def __init__(self) -> None:
        super().__init__()
        self._content = QWidget()
        self.column.addWidget(self._content)
        self._facts: object = self

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """So narrow that a word and a figure fit: its tables are arranged by the room."""
        least = _LEAST_EM * width_of(text_font(self.font()), "M")
        found = super().minimumSizeHint()
        return QSize(min(least, found.width()), found.height())

    def refill(self, facts: object) -> QVBoxLayout | None:
        """An empty column to fill, or None where the facts are the same as before."""
        if facts == self._facts:
            return None
        self._facts = facts
        self.column.removeWidget(self._content)
        self._content.hide()
        self._content.deleteLater()
        self._content = QWidget()
        self.column.addWidget(self._content)
        column = QVBoxLayout(self._content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SMALL_GAP)
        return column


class ExplainCard(Refilled):
    """One explanation."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._growth: list[QWidget] = []
        self._verdicts: list[QWidget] = []
        self._verdict_title: QWidget = self
        self._names = 0
        self._grid: QGridLayout | None = None
        self._verdict = width_of(text_font(self.font()), _VERDICT_SAMPLE)
        self.show_explanation(None)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """How fast it grew gives way to who it was, and the verdict stands below the name."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        em = width_of(text_font(self.font()), "M")
        wide, table = self.width() >= _WIDE_EM * em, self.width() >= _TABLE_EM * em
        for each in self._growth:
            each.setVisible(wide)
        if self._grid is None:
            return
        self._grid.setColumnMinimumWidth(0, self._names if table else 0)
        self._grid.setColumnMinimumWidth(3, self._verdict if wide else 0)
        self._grid.setColumnStretch(3, 5 if table else 0)
        self._verdict_title.setVisible(table)
        for number, each in enumerate(self._verdicts):
            row = _LINES * (number + 1) + 1
            if table:
                self._grid.addWidget(each, row, 3)
            else:
                self._grid.addWidget(each, row + 1, 0, 1, _COLUMNS)

    def show_explanation(self, explanation: Explanation | None) -> None:
        """Show why; None says what would be here."""
        column = self.refill(explanation)
        if column is None:
            return
        self._growth, self._verdicts, self._grid = [], [], None
        if explanation is None:
            self.setAccessibleName("Why?")
            column.addWidget(heading("Why?"))
            column.addWidget(paragraph(NOTHING_ASKED, muted=True))
            column.addStretch()
            return
        title = f"Why {formats.one_line(explanation.title, 80)}?"
        self.setAccessibleName(title)
        column.addWidget(heading(title))
        column.addWidget(paragraph(formats.block(explanation.text)))
        if explanation.considered:
            column.addLayout(self._table(explanation.considered[:_MOST]))
        column.addStretch()

    def _table(self, considered: tuple[Considered, ...]) -> QGridLayout:
        self._grid = grid = QGridLayout()
        grid.setHorizontalSpacing(GAP)
        grid.setVerticalSpacing(SMALL_GAP - 1)
        grid.setColumnStretch(0, 4)
        self._names = _names_width([each.title for each in considered], self.font())
        heads = [label(each, scale=0.9, muted=True) for each in _TITLES]
        for column, head in enumerate(heads):
            grid.addWidget(head, 0, column, _side(column))
        self._growth, self._verdict_title = [heads[2]], heads[3]
        for number, each in enumerate(considered):
            self._add(grid, _LINES * (number + 1), each)
        self._arrange()
        return grid

    def _add(self, grid: QGridLayout, row: int, each: Considered) -> None:
        grid.addWidget(rule(), row, 0, 1, _COLUMNS)
        row += 1
        named = heading(each.title) if each.chosen else paragraph(each.title)
        grid.addWidget(named, row, 0)
        grid.addWidget(label(formats.size(each.rss_bytes)), row, 1, _side(1))
        growth = label(formats.growth(each.growth_bps))
        self._growth.append(growth)
        grid.addWidget(growth, row, 2, _side(2))
        if each.chosen:
            verdict = formats.one_line(each.verdict)
            self._verdicts.append(PillLabel(self._theme, Pill(verdict, "critical"), verdict))
        else:
            spared = paragraph(formats.one_line(each.verdict), scale=0.92, muted=True)
            self._verdicts.append(spared)


class EffectCard(Refilled):
    """What an action did for the machine, and which means work here."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.setAccessibleName("What it did for you, and the means on this machine")

    def show_facts(self, effects: tuple[Effect, ...], means: tuple[Means, ...]) -> None:
        """Show both lists."""
        column = self.refill((effects, means))
        if column is None:
            return
        column.addWidget(heading("What it did for you"))
        if not effects:
            column.addWidget(paragraph(NO_EFFECT, muted=True))
        column.addLayout(_effects(effects))
        column.addSpacing(SMALL_GAP)
        column.addWidget(heading("Means on this machine"))
        if not means:
            column.addWidget(paragraph(NO_MEANS, muted=True))
        for why_not, alike in _by_reason(means).items():
            row = WrapRow()
            for each in alike:
                row.add(_means_label(self._theme, each))
            column.addWidget(row)
            if why_not:
                column.addWidget(paragraph(formats.one_line(why_not), scale=0.92, muted=True))
        column.addStretch()


def _by_reason(means: tuple[Means, ...]) -> dict[str, list[Means]]:
    """Those that work, then those of which the same is to be said together."""
    found: dict[str, list[Means]] = {}
    for each in sorted(means, key=lambda each: (not each.works, bool(each.note))):
        found.setdefault(_said_of(each), []).append(each)
    return found


def _said_of(means: Means) -> str:
    if means.works:
        return f"{means.name} {means.note}" if means.note else ""
    return means.why_not


def _effects(effects: tuple[Effect, ...]) -> QGridLayout:
    grid = QGridLayout()
    grid.setVerticalSpacing(SMALL_GAP - 1)
    grid.setColumnStretch(0, 1)
    for number, each in enumerate(effects):
        if number:
            grid.addWidget(rule(), 2 * number - 1, 0, 1, 2)
        grid.addWidget(paragraph(each.name, scale=0.95, muted=True), 2 * number, 0)
        figure = label(formats.one_line(each.figure, 40))
        grid.addWidget(figure, 2 * number, 1, Qt.AlignmentFlag.AlignRight)
    return grid


def _names_width(names: Sequence[str], font: QFont) -> int:
    """Room for the longest name in the first column; a long one is broken."""
    bold = text_font(font, bold=True)
    return min(_NAME_EM * width_of(bold, "M"), width_of(bold, *names, ""))


def _means_label(theme: Theme, means: Means) -> PillLabel:
    name = formats.one_line(means.name, 40)
    if means.works:
        how = formats.one_line(f"works here; {means.note}" if means.note else "works here")
        return PillLabel(theme, Pill(name, "good", "check"), f"{name}: {how}")
    words = formats.one_line(f"{name}: {means.why_not}" if means.why_not else name)
    return PillLabel(theme, Pill(name, "neutral", "cross"), f"{words} (does not work here)")


def _side(column: int) -> Qt.AlignmentFlag:
    figures = (1, 2)
    return Qt.AlignmentFlag.AlignRight if column in figures else Qt.AlignmentFlag.AlignLeft

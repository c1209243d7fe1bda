"""Why this one, and not another: the words, and everyone who was considered."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont, QResizeEvent
from PySide6.QtWidgets import QApplication, QGridLayout, QVBoxLayout, QWidget

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
_VERDICT_SAMPLE = "protected by you"
_NAME_EM = 10  # of a name, before it is broken over two lines
_WIDE_EM = 36  # of a table with all its columns


class Refilled(Card):
    """A card whose content is rebuilt when its facts change."""

    def __init__(self) -> None:
        super().__init__()
        self._content = QWidget()
        self.column.addWidget(self._content)
        self._facts: object = self

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
        self._grid: QGridLayout | None = None
        self._verdict = width_of(text_font(self.font()), _VERDICT_SAMPLE)
        self.show_explanation(None)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """How fast it grew gives way to who it was."""
        super().resizeEvent(event)
        self._show_growth()

    def _show_growth(self) -> None:
        wide = self.width() >= _WIDE_EM * width_of(text_font(self.font()), "M")
        for each in self._growth:
            each.setVisible(wide)
        if self._grid is not None:
            self._grid.setColumnMinimumWidth(3, self._verdict if wide else 0)

    def show_explanation(self, explanation: Explanation | None) -> None:
        """Show why; None says what would be here."""
        column = self.refill(explanation)
        if column is None:
            return
        self._growth, self._grid = [], None
        if explanation is None:
            self.setAccessibleName("Why?")
            column.addWidget(label("Why?", bold=True))
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
        grid.setColumnStretch(3, 5)
        _keep_names(grid, [each.title for each in considered], self.font())
        for column, title in enumerate(("Considered", "Memory", "Growth", "Verdict")):
            head = label(title, scale=0.9, muted=True)
            grid.addWidget(head, 0, column, _side(column))
            if title == "Growth":
                self._growth = [head]
        for number, each in enumerate(considered):
            grid.addWidget(rule(), 2 * number + 1, 0, 1, 4)
            self._add(grid, 2 * number + 2, each)
        self._show_growth()
        return grid

    def _add(self, grid: QGridLayout, row: int, each: Considered) -> None:
        named = heading(each.title) if each.chosen else paragraph(each.title)
        grid.addWidget(named, row, 0)
        grid.addWidget(label(formats.size(each.rss_bytes)), row, 1, _side(1))
        growth = label(formats.growth(each.growth_bps))
        self._growth.append(growth)
        grid.addWidget(growth, row, 2, _side(2))
        if each.chosen:
            verdict = formats.one_line(each.verdict)
            grid.addWidget(PillLabel(self._theme, Pill(verdict, "critical"), verdict), row, 3)
        else:
            spared = paragraph(formats.one_line(each.verdict), scale=0.92, muted=True)
            grid.addWidget(spared, row, 3)


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
        column.addWidget(label("What it did for you", bold=True))
        if not effects:
            column.addWidget(paragraph(NO_EFFECT, muted=True))
        column.addLayout(_effects(effects))
        column.addSpacing(SMALL_GAP)
        column.addWidget(label("Means on this machine", bold=True))
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
    _keep_names(grid, [each.name for each in effects], QApplication.font())
    for number, each in enumerate(effects):
        if number:
            grid.addWidget(rule(), 2 * number - 1, 0, 1, 2)
        grid.addWidget(paragraph(each.name, scale=0.95, muted=True), 2 * number, 0)
        figure = label(formats.one_line(each.figure, 40))
        grid.addWidget(figure, 2 * number, 1, Qt.AlignmentFlag.AlignRight)
    return grid


def _keep_names(grid: QGridLayout, names: Sequence[str], font: QFont) -> None:
    """Room for the longest name in the first column; a long one is broken."""
    bold = text_font(font, bold=True)
    most = _NAME_EM * width_of(bold, "M")
    grid.setColumnMinimumWidth(0, min(most, width_of(bold, *names, "")))


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

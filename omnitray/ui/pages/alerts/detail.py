"""The panel beside the history: one alert with its context, culprits and what was done."""

import datetime as dt
from collections.abc import Callable, Collection

from PySide6.QtCore import QPoint, Qt, Slot
from PySide6.QtGui import QGuiApplication, QResizeEvent
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QMenu,
    QVBoxLayout,
    QWidget,
)

from omnitray.alerts.model import Alert
from omnitray.alerts.storage.query import AlertQuery
from omnitray.protector.view import JournalLine
from omnitray.ui import formats
from omnitray.ui.intents import Intents
from omnitray.ui.pages.alerts import channels, text
from omnitray.ui.pages.page import DeliveriesOf, no_deliveries
from omnitray.ui.theme import GAP, SMALL_GAP, Theme, line_height
from omnitray.ui.tray.menu import seconds_until_morning
from omnitray.ui.widgets import pills
from omnitray.ui.widgets.frames import ButtonRow, Card, GivingRow, button, rule, scrolled
from omnitray.ui.widgets.labels import LinkedParagraph, TextMenu, heading, label, paragraph
from omnitray.ui.widgets.pills import PillLabel

_HOUR_S = 3600.0
_LEAST_LINES = 3  # the title and the state; it scrolls
_LOW_LINES = 18  # below this the buttons take one line
_TITLE_LIMIT = 300
WEIGHED = "Who took a good part of it when this was last said; the figures are of that moment."
NOTHING = "Choose an alert to see what happened, who caused it and what was done."


class AlertDetail(Card):
    """The details of one alert; Acknowledge and Resolve act on all that are chosen."""

    def __init__(
        self,
        theme: Theme,
        intents: Intents,
        wall: Callable[[], float],
        deliveries: DeliveriesOf = no_deliveries,
        journal: Callable[[], tuple[JournalLine, ...]] = tuple,
    ) -> None:
        super().__init__(margin=0)
        self._intents = intents
        self._deliveries = deliveries
        self._journal = journal
        self._channels: QWidget | None = None
        self._done: list[LinkedParagraph] = []
        self._theme, self._wall = theme, wall
        self._alert: Alert | None = None
        self._chosen: tuple[Alert, ...] = ()
        self._every: AlertQuery | None = None
        self._content = QWidget()
        self._area = scrolled(self._content)
        self._area.setMinimumHeight(line_height(self.font(), _LEAST_LINES))
        self.acknowledge = button("Acknowledge")
        self.resolve = button("Resolve")
        self.snooze = button("Snooze ▾")
        self.open_file = button("Open file")
        self.copy = button("Copy")
        self.acknowledge.clicked.connect(self._on_acknowledge)
        self.resolve.clicked.connect(self._on_resolve)
        self.snooze.clicked.connect(self._on_snooze)
        self.open_file.clicked.connect(self._on_open_file)
        self.copy.clicked.connect(self.copy_text)
        self.snooze_menu = TextMenu(self)
        self.snooze_menu.addAction("For 1 h").triggered.connect(self._on_snooze_hour)
        self.snooze_menu.addAction("Until tomorrow").triggered.connect(self._on_snooze_night)
        self.column.addWidget(self._area, 1)
        self._stops = (self.acknowledge, self.resolve, self.snooze, self.open_file, self.copy)
        goes = (self.open_file, self.snooze, self.resolve, self.acknowledge)
        self.buttons = ButtonRow(self._stops, goes)
        self.buttons.set_menu(self.snooze, self.snooze_menu)
        foot = QHBoxLayout()
        foot.setContentsMargins(GAP, 0, GAP, GAP)
        foot.addWidget(self.buttons)
        self.column.addLayout(foot)
        self.show_alert(None)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Where there is little height, the words have it before the buttons."""
        low = event.size().height() < line_height(self.font(), _LOW_LINES)
        self.buttons.set_lines(1 if low else 2)
        super().resizeEvent(event)

    @property
    def alert(self) -> Alert | None:
        """The alert that is shown."""
        return self._alert

    def pills(self) -> list[PillLabel]:
        """The pills under the title."""
        return self._content.findChildren(PillLabel)

    def show_alert(self, alert: Alert | None) -> None:
        """Show an alert; None says what would be here."""
        self._alert = alert
        self._content = self._build(alert)
        self._content.setObjectName("scrolled")
        self._area.setWidget(self._content)
        for each in self._stops:
            self.buttons.offer(each, offered=alert is not None)
        self.snooze.setEnabled(alert is not None and alert.state != "resolved")
        self.show_choice((alert,) if alert else ())
        self.setAccessibleName("Alert details")
        self.setAccessibleDescription(formats.one_line(alert.title) if alert else NOTHING)

    def show_choice(self, chosen: tuple[Alert, ...], every: AlertQuery | None = None) -> None:
        """What Acknowledge and Resolve act on; with several the buttons say how many.

        ``every``: all that pass this query are meant, also those that were not fetched so far.
        """
        self._chosen, self._every = chosen, every
        for word, pressed, ids in (
            ("Acknowledge", self.acknowledge, self._firing()),
            ("Resolve", self.resolve, self._open()),
        ):
            several = f"{word} {len(ids)}" if len(ids) > 1 else word
            pressed.setText(several if every is None else f"{word} all")
            pressed.setEnabled(bool(ids) or every is not None)
        self.buttons.rearrange()

    def _firing(self) -> tuple[str, ...]:
        return tuple(alert.id for alert in self._chosen if alert.state == "firing")

    def _open(self) -> tuple[str, ...]:
        return tuple(alert.id for alert in self._chosen if alert.state != "resolved")

    # -- content

    def _build(self, alert: Alert | None) -> QWidget:
        content = QWidget()
        self._channels = None
        self._done = []
        column = QVBoxLayout(content)
        column.setContentsMargins(GAP, GAP, GAP, SMALL_GAP)
        column.setSpacing(SMALL_GAP)
        if alert is None:
            column.addWidget(paragraph(NOTHING, muted=True))
        else:
            self._add_head(column, alert)
            self._add_culprits(column, alert)
            self._add_measured(column, alert)
            self._add_done(column, alert)
            self._channels = QWidget()
            QVBoxLayout(self._channels).setContentsMargins(0, 0, 0, 0)
            column.addWidget(self._channels)
            self._show_channels(alert)
        column.addStretch()
        return content

    def _add_head(self, column: QVBoxLayout, alert: Alert) -> None:
        title = paragraph(formats.one_line(alert.title, _TITLE_LIMIT), scale=1.1)
        font = title.font()
        font.setBold(True)
        title.setFont(font)
        column.addWidget(title)
        state = QHBoxLayout()
        word = pills.STATES[alert.state]
        severity = pills.SEVERITIES[alert.severity]._replace(word=str(alert.severity))
        state.addWidget(PillLabel(self._theme, severity))
        state.addWidget(PillLabel(self._theme, word))
        state.addStretch()
        column.addLayout(state)
        column.addWidget(paragraph(text.origin(alert, self._wall()), scale=0.9, muted=True))
        if alert.message:
            column.addWidget(self._linked(formats.block(alert.message)))

    def _add_culprits(self, column: QVBoxLayout, alert: Alert) -> None:
        found = text.culprits(alert)
        if not found:
            return
        column.addSpacing(SMALL_GAP)
        column.addWidget(heading("Culprits at that moment"))
        if alert.source == "monitor":
            column.addWidget(paragraph(WEIGHED, scale=0.9, muted=True))
        for number, (job, quiet, figures) in enumerate(found):
            if number:
                column.addWidget(rule())
            column.addWidget(paragraph(job))
            said = formats.dotted(figures, quiet)
            if said:
                column.addWidget(paragraph(said, scale=0.9, muted=True))

    def _add_measured(self, column: QVBoxLayout, alert: Alert) -> None:
        found = text.measured(alert)
        if not found:
            return
        column.addSpacing(SMALL_GAP)
        column.addWidget(heading("At that moment"))
        grid = QGridLayout()
        grid.setHorizontalSpacing(GAP)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(1, 1)
        for row, (name, value) in enumerate(found):
            grid.addWidget(label(name, muted=True), row, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(self._linked(value), row, 1)
        column.addLayout(grid)

    def _add_done(self, column: QVBoxLayout, alert: Alert) -> None:
        found = text.done(alert, self._wall(), self._journal())
        if not found:
            return
        column.addSpacing(SMALL_GAP)
        column.addWidget(heading("What was done"))
        self._done = [self._linked(each, scale=0.95, muted=True) for each in found]
        for words in self._done:
            column.addWidget(words)

    def show_journal(self) -> None:
        """Something became of what was done."""
        if self._alert is not None:
            found = text.done(self._alert, self._wall(), self._journal())
            for words, said in zip(self._done, found, strict=True):
                words.setText(said)

    def _linked(self, words: str, *, scale: float = 1.0, muted: bool = False) -> LinkedParagraph:
        made = LinkedParagraph(words, scale=scale, muted=muted)
        made.linkActivated.connect(self._intents.url_requested)
        return made

    def show_deliveries(self, alert_ids: Collection[str]) -> None:
        """Something became of these alerts."""
        if self._alert is not None and self._alert.id in alert_ids:
            self._show_channels(self._alert)

    def _show_channels(self, alert: Alert) -> None:
        holder = self._channels
        if holder is None:
            return
        column = holder.layout()
        while column is not None and (item := column.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.deleteLater()
        found = channels.lines(alert, self._deliveries(alert.id), self._wall())
        holder.setVisible(bool(found))
        if column is None or not found:
            return
        column.addWidget(heading("Where it went"))
        for line in found:
            column.addWidget(_channel_row(self._theme, line))

    # -- buttons

    @Slot()
    def _on_acknowledge(self) -> None:
        self._intents.acknowledge_requested.emit(self._every or self._firing())

    @Slot()
    def _on_resolve(self) -> None:
        self._intents.resolve_requested.emit(self._every or self._open())

    @Slot()
    def _on_snooze(self) -> None:
        self.snooze_menu.popup(self.snooze.mapToGlobal(QPoint(0, self.snooze.height() + 2)))

    @Slot()
    def _on_snooze_hour(self) -> None:
        if self._alert:
            self._intents.snooze_requested.emit(self._alert.id, _HOUR_S)

    @Slot()
    def _on_snooze_night(self) -> None:
        if self._alert:
            now = dt.datetime.fromtimestamp(self._wall()).astimezone()
            self._intents.snooze_requested.emit(self._alert.id, seconds_until_morning(now))

    def fill_menu(self, menu: QMenu) -> None:
        """Put what the buttons do into the menu of the chosen rows."""
        for each in (self.acknowledge, self.resolve, self.open_file):
            entry = menu.addAction(each.text(), each.click)
            entry.setEnabled(each.isEnabled() and self._alert is not None)
        snooze = menu.addMenu("Snooze")
        snooze.setEnabled(self.snooze.isEnabled() and self._alert is not None)
        snooze.addActions(self.snooze_menu.actions())

    def copied_text(self) -> str:
        """Everything about the chosen alerts."""
        now_s = self._wall()
        whole = (text.as_text(each, now_s, self._journal()) for each in self._chosen)
        return formats.without_marks("\n\n".join(whole))

    @Slot()
    def copy_text(self) -> None:
        """Put everything on the clipboard."""
        if self._chosen:
            QGuiApplication.clipboard().setText(self.copied_text())

    @Slot()
    def _on_open_file(self) -> None:
        if self._alert:
            self._intents.open_file_requested.emit(self._alert.id)


def _channel_row(theme: Theme, line: channels.DeliveryLine) -> QWidget:
    row = QWidget()
    column = QVBoxLayout(row)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    pill = PillLabel(theme, line.pill, f"{line.name}: {line.pill.word}")
    column.addWidget(GivingRow(paragraph(line.name), (pill,), sample=line.name))
    if line.quiet:
        column.addWidget(paragraph(line.quiet, scale=0.9, muted=True))
    return row

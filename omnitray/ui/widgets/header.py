"""The top line of the window with state and selectors, and the bottom line with its own cost."""

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Slot
from PySide6.QtGui import QAccessible, QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from omnitray.api.status import Mood, Sentence, Status, sentence
from omnitray.base.facts import Mode, MonitorLevel
from omnitray.base.leases import asked_by
from omnitray.ui import formats
from omnitray.ui.intents import Intents
from omnitray.ui.theme import GAP, Theme, Tone, line_height, text_font, width_of
from omnitray.ui.widgets import glyphs
from omnitray.ui.widgets.choice import ChoiceButton, Segments
from omnitray.ui.widgets.frames import button
from omnitray.ui.widgets.labels import ElidedLabel, Headline, label, plain_tooltip

_BADGE_LINES = 2.0
_SENTENCE_EM = 18  # a headline of forty letters over two lines
_OWN_HINT = (
    "Of this process alone, over the last 5 s or more. The list of jobs shows the time between its "
    "last two scans, with all that OmniTray has started: at a moment that may be more."
)
_MOODS: dict[Mood, tuple[Tone, str]] = {
    Mood.GOOD: ("good", "check"),
    Mood.WARNING: ("warning", "warning"),
    Mood.CRITICAL: ("critical", "critical"),
    Mood.HOLDING: ("warning", "holding"),
    Mood.BLIND: ("neutral", "blind"),
}


class MoodBadge(QWidget):
    """The state as a shape on a round ground."""

    accessible_role = QAccessible.Role.Graphic

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._mood = Mood.BLIND
        self._side = line_height(text_font(self.font()), _BADGE_LINES)
        self.setFixedSize(QSize(self._side, self._side))

    def show_mood(self, mood: Mood) -> None:
        """Show another mood."""
        if mood != self._mood:
            self._mood = mood
            self.update()
        self.setAccessibleName(f"State: {mood}")

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002, N802 - Qt's name and shape
        """Draw the ground and the shape."""
        tone, glyph = _MOODS[self._mood]
        front, back = self._theme.colours.tone(tone)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QColor(back))
        painter.setBrush(QColor(back))
        painter.drawEllipse(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5))
        side = self._side * 0.53
        spot = QRectF((self._side - side) / 2, (self._side - side) / 2, side, side)
        glyphs.draw(painter, glyph, spot, QColor(front))


class Header(QWidget):
    """Sentence, mode and level."""

    def __init__(self, theme: Theme, intents: Intents) -> None:
        super().__init__()
        self._badge = MoodBadge(theme)
        self.headline = Headline(scale=1.15)
        self.detail = ElidedLabel(scale=0.92, muted=True, drops=True)
        self.mode = Segments("Mode", [(mode, str(mode)) for mode in Mode])
        self.mode_menu = ChoiceButton("", [(mode, str(mode)) for mode in Mode], "Mode")
        self.mode_menu.hide()
        levels = [(None, "automatic"), *((level, str(level)) for level in MonitorLevel)]
        self.level = ChoiceButton("Level", levels)
        self.menu = button("⋯")
        self._why = ("", "")
        self.menu.setAccessibleName("Menu")
        plain_tooltip(self.menu, "Menu: protection, notifications, start at login, about, quit")
        self.mode_menu.chosen.connect(intents.mode_requested)
        self.mode.chosen.connect(intents.mode_requested)
        self.level.chosen.connect(intents.level_requested)
        self._say_why(Status())
        self._lay_out()

    def _lay_out(self) -> None:
        words = QVBoxLayout()
        words.setSpacing(1)
        words.addWidget(self.headline)
        words.addWidget(self.detail)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GAP)
        row.addWidget(self._badge)
        row.addLayout(words, 1)
        row.addWidget(self.mode)
        row.addWidget(self.mode_menu)
        row.addWidget(self.level)
        row.addWidget(self.menu)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """The selectors give way to the sentence."""
        super().resizeEvent(event)
        self._make_room()

    def event(self, event: QEvent) -> bool:
        """The selectors have got other words, and another size with them."""
        if event.type() == QEvent.Type.LayoutRequest:
            self._make_room()
        return super().event(event)

    def _make_room(self) -> None:
        """Where the sentence has too little: mode as a menu, the level behind the menu button.

        With still less the mode stands behind that too, and the words say the state alone.
        """
        beside = (self._badge, self.mode, self.level, self.menu)
        taken = sum(each.sizeHint().width() + GAP for each in beside)
        least = _SENTENCE_EM * width_of(text_font(self.font()), "M")
        narrow = self.width() < taken + least
        if narrow != self.mode.isHidden():
            self.mode.setVisible(not narrow)
            self.level.setVisible(not narrow)
        taken = self._badge.width()
        taken += sum(each.sizeHint().width() + GAP for each in (self.mode_menu, self.menu))
        narrowest = narrow and self.width() < taken + least / 2
        for each, shown in (
            (self.mode_menu, narrow and not narrowest),
            (self._badge, not narrowest),
        ):
            if each.isHidden() == shown:
                each.setVisible(shown)

    def fold(self, *, folded: bool) -> None:
        """Leave out the line below the sentence."""
        self.detail.setVisible(not folded)

    @Slot(object)
    def show_status(self, status: Status) -> None:
        """Say the state; the selectors follow."""
        self.show_sentence(sentence(status))
        self.mode.show_value(status.mode)
        self.mode_menu.show_value(status.mode)
        self.level.show_value(status.chosen_level)
        self._say_why(status)

    def _say_why(self, status: Status) -> None:
        """Behind the selectors: who holds the mode and the level, which may be another's."""
        asked = f", {asked_by(status.mode_asked_by)}" if status.mode_asked_by else ""
        why = (
            f"How much the protector allows before it acts: {status.mode}{asked}",
            f"How often OmniTray looks: {status.level}, {status.level_reason}",
        )
        if why != self._why:
            self._why = why
            plain_tooltip(self.mode, why[0])
            plain_tooltip(self.level, why[1])

    def show_sentence(self, said: Sentence) -> None:
        """Show a sentence with its mood."""
        self._badge.show_mood(said.mood)
        self.headline.setText(said.headline)
        self.detail.setText(said.detail)


class Footer(QWidget):
    """Two quiet texts."""

    def __init__(self, pages: int) -> None:
        super().__init__()
        self.words = ElidedLabel(scale=0.92, muted=True, drops=True, hint=_OWN_HINT)
        keys = f"Ctrl+1…{pages} pages · Ctrl+F search · F5 reload"
        self.keys = label(keys, scale=0.92, muted=True)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.words, 1)
        row.addWidget(self.keys, 0, Qt.AlignmentFlag.AlignRight)

    def show_status(self, status: Status) -> None:
        """Say cost and rhythm."""
        parts = []
        if status.own is not None:
            cost = f"{formats.percent(status.own.cpu_percent, 2)} of one core"
            parts.append(f"OmniTray itself: {cost} · {formats.size(status.own.rss_bytes)}")
        parts.append(f"looking every {formats.number(status.interval_s)} s")
        if status.snapshot is not None and status.snapshot.processes is not None:
            parts.append(formats.count(status.snapshot.processes, "process"))
        self.words.setText(" · ".join(parts))

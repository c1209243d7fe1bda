"""The rows of the channels' page: what it is, how it stands and why, what can be asked of it."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, Qt, Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QPushButton, QSizePolicy, QWidget

from omnitray.alerts.channels.deliveries import ChannelView, dropped
from omnitray.alerts.channels.webhooks.standing import WebhookTest, WebhookView
from omnitray.base.amounts import count
from omnitray.base.facts import AlertChannel
from omnitray.ui import formats
from omnitray.ui.pages.alerts.channels import name_of, pill_of
from omnitray.ui.theme import GAP, Theme, text_font, width_of
from omnitray.ui.widgets.frames import WrapRow, button
from omnitray.ui.widgets.labels import Paragraph, heading, paragraph
from omnitray.ui.widgets.pills import Pill, PillLabel

KIND_WORDS = {
    "slack": "Slack",
    "discord": "Discord",
    "teams": "Microsoft Teams",
    "telegram": "Telegram",
    "ntfy": "ntfy",
    "email": "E-mail",
    "pagerduty": "PagerDuty",
    "alertmanager": "Alertmanager",
    "json": "JSON",
    "apprise": "Apprise",
}
ABOUT = {
    AlertChannel.DESKTOP: "notifications of this desktop",
    AlertChannel.FILE: "a file an alert, always on",
    AlertChannel.SYSLOG: "the log of this machine",
    AlertChannel.WEBSOCKET: "programs that listen at the local API",
    AlertChannel.VSCODE: "the extension in the editor",
}
REMEDIES = {
    AlertChannel.DESKTOP: "No notification service answers in this session.",
    AlertChannel.SYSLOG: "No service takes messages at /dev/log.",
    AlertChannel.WEBSOCKET: "It is open as soon as a program listens.",
    AlertChannel.VSCODE: "Install the extension OmniTray, or open its window.",
}
_BUTTON_PAD = 22  # border and padding of the style sheet, both sides
_WORDS_EM = 13  # of each of the two columns of words beside the buttons, at least
_LEAST_EM = 11  # of each where they are alone; with less they stand below each other


class StandingRow(QWidget):
    """Name and kind, beside them the state and its reason, then buttons; below where too narrow."""

    def __init__(self, theme: Theme, name: str, buttons: Sequence[QPushButton] = ()) -> None:
        super().__init__()
        self.name = heading(formats.one_line(name, 40))
        self.about = Paragraph(scale=0.9, muted=True)
        self.pill = PillLabel(theme, Pill("", "neutral"))
        self.quiet = Paragraph(scale=0.9, muted=True)
        self.answer = paragraph("", scale=0.9)
        self.answer.hide()
        self._buttons = WrapRow() if buttons else None
        self._wide, self._stacked = True, False
        self._below: QPushButton | None = None
        for words in (self.name, self.about, self.quiet):  # the columns are as wide in every row
            words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        for each in buttons:
            self._add_button(each)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 2, 0, 2)
        self._grid.setHorizontalSpacing(GAP)
        self._grid.setVerticalSpacing(2)
        self._place()

    def add_below(self, link: QPushButton) -> None:
        """What can be done about the reason, below it."""
        self._below = link
        self._place()

    def _add_button(self, each: QPushButton) -> None:
        if self._buttons is not None:
            self._buttons.add(each)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Another width."""
        super().resizeEvent(event)
        self._settle()

    def event(self, event: QEvent) -> bool:
        """A button or the pill has got other words, and another size with them."""
        if event.type() == QEvent.Type.LayoutRequest:
            self._settle()
        return super().event(event)

    def _settle(self) -> None:
        """Buttons and state stand beside the words where there is room for them."""
        em = width_of(text_font(self.font()), "M")
        pill = self.pill.sizeHint().width()
        words = _WORDS_EM * em + max(_WORDS_EM * em, pill) + 2 * GAP
        stacked = self.width() < 2 * max(_LEAST_EM * em, pill) + GAP
        wide = self.width() >= words + self._buttons_width()
        if (wide, stacked) != (self._wide, self._stacked):
            self._wide, self._stacked = wide, stacked
            self._place()

    def _buttons_width(self) -> int:
        return self._buttons.sizeHint().width() if self._buttons is not None else 0

    def _place(self) -> None:
        if self._buttons is not None:
            policies = QSizePolicy.Policy
            across = policies.Fixed if self._wide else policies.Ignored
            self._buttons.setSizePolicy(across, policies.Fixed)
        grid, top = self._grid, Qt.AlignmentFlag.AlignTop
        left = Qt.AlignmentFlag.AlignLeft
        row, column = (2, 0) if self._stacked else (0, 1)  # of the state
        grid.addWidget(self.name, 0, 0)
        grid.addWidget(self.about, 1, 0, top)
        grid.addWidget(self.pill, row, column, left)
        grid.addWidget(self.quiet, row + 1, column, top)
        if self._below is not None:
            grid.addWidget(self._below, row + 2, column, left)
        if self._buttons is not None:
            place = (0, 2, 5, 1) if self._wide else (5, 0, 1, 2)
            grid.addWidget(self._buttons, *place)
        grid.addWidget(self.answer, 6, 0, 1, 3)
        grid.setColumnStretch(0, 1)
        grid.setColumnStretch(1, int(not self._stacked))

    def show_standing(self, about: str, pill: Pill, quiet: str) -> None:
        """How it stands now."""
        self.about.setText(about)
        self.pill.show_pill(pill)
        self.quiet.setText(quiet)
        self.quiet.setVisible(bool(quiet))


class ChannelRow(StandingRow):
    """One channel of this machine."""

    def __init__(self, theme: Theme, name: str) -> None:
        super().__init__(theme, name_of(name))

    def show_view(self, view: ChannelView, now_s: float) -> None:
        """How it stands."""
        said = [formats.one_line(view.fault, 200)] if view.fault else []
        if view.clients:
            said.append(formats.count(view.clients, "listener"))
        if view.waiting:
            said.append(f"{view.waiting} waiting")
        if not view.open and not said:
            said.append(REMEDIES.get(AlertChannel(view.name), ""))
        about = ABOUT.get(AlertChannel(view.name), "")
        self.show_standing(about, _pill_of_channel(view, now_s), " · ".join(said))


def _pill_of_channel(view: ChannelView, now_s: float) -> Pill:
    if view.fault:
        return Pill("failed", "critical", "cross")
    if view.latest is not None:
        return pill_of(view.latest, now_s)
    if view.clients == 0:
        return Pill("no listener", "neutral", "ring")
    return Pill("ready", "good", "check") if view.open else Pill("not here", "neutral", "ring")


class WebhookRow(StandingRow):
    """One webhook with its buttons; ``asked`` carries its name and a verb."""

    asked = Signal(str, str)

    def __init__(self, theme: Theme, name: str) -> None:
        self._name = name
        self._paused = False
        self._waiting = 0
        self.test = button("Send a test")
        self.retry = button("Try now")
        self.retry.setProperty("link", True)
        self.pause = button("Pause")
        self.remove = button("Remove", danger=True)
        self.pause.setMinimumWidth(width_of(self.pause.font(), "Resume", pad=_BUTTON_PAD))
        super().__init__(theme, name, (self.test, self.pause, self.remove))
        self.add_below(self.retry)
        for each, verb in (
            (self.test, self._verb("test")),
            (self.retry, self._verb("retry")),
            (self.pause, self._on_pause),
            (self.remove, self._on_remove),
        ):
            each.setAccessibleName(f"{each.text()}: {name}")
            each.clicked.connect(verb)

    def show_view(self, view: WebhookView, now_s: float) -> None:
        """How it stands."""
        self._paused, self._waiting = view.paused, view.waiting
        over = "also when it is over" if view.resolved else ""
        place = "in the keyring" if view.kept_in == "keyring" else ""
        parts = (KIND_WORDS[view.kind], f"from {view.severity}", over, place)
        about = " · ".join(part for part in parts if part)
        waits = f"{view.waiting} waiting" if view.waiting else ""
        said = (waits, dropped(view.dropped), formats.one_line(view.why, 200))
        quiet = " · ".join(part for part in said if part)
        self.show_standing(about, _pill_of_webhook(view, now_s), quiet)
        self.retry.setVisible(view.waiting > 0 and not view.paused)
        self.pause.setText("Resume" if view.paused else "Pause")

    def show_test(self, test: WebhookTest) -> None:
        """The receiver's answer to a test, under the row."""
        self.test.setEnabled(True)
        body = f" “{formats.one_line(test.body, 120)}”" if test.body else ""
        at = formats.clock_time(test.at)
        sign = "✓" if test.arrived else "✗"
        self.answer.setText(f"{sign} Test sent {at}: {test.words}{body} after {test.took_s:.1f} s.")
        self.answer.show()

    def _verb(self, verb: str) -> Callable[[], None]:
        def ask() -> None:
            if verb == "test":
                self.test.setEnabled(False)
                self.answer.setText("The test is on its way…")
                self.answer.show()
            self.asked.emit(self._name, verb)

        return ask

    @Slot()
    def _on_pause(self) -> None:
        self.asked.emit(self._name, "resume" if self._paused else "pause")

    @Slot()
    def _on_remove(self) -> None:
        """The first press asks, the second removes."""
        if self.remove.text() == "Remove":
            waits = count(self._waiting, "alert that waits", "alerts that wait")
            self.remove.setText(f"Remove it and {waits}" if self._waiting else "Remove it")
        else:
            self.asked.emit(self._name, "remove")


def _pill_of_webhook(view: WebhookView, now_s: float) -> Pill:
    match view.state:
        case "paused":
            return Pill("paused", "neutral", "paused")
        case "failed":
            return Pill("failed", "critical", "cross")
        case "waiting" if view.next_at is not None and view.next_at > now_s:
            next_s = formats.duration(view.next_at - now_s)
            return Pill(f"waiting, next try in {next_s}", "warning", "half")
        case "waiting":
            return Pill("on its way", "warning", "half")
        case "delivered" if view.delivered_at is not None:
            at = formats.when(view.delivered_at, now_s)
            return Pill(f"delivered {at}", "good", "check")
    return Pill("nothing sent yet", "neutral", "ring")

"""Where alerts go: the channels of this machine, and the webhooks with their tests and states."""

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QTimer, Signal, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from omnitray.alerts.channels.views import ChannelView
from omnitray.alerts.channels.webhooks.channel import WebhookTest, WebhookView
from omnitray.settings.webhooks import KINDS, WebhookFault, webhook_of_table
from omnitray.ui import formats
from omnitray.ui.pages.alerts.channels import name_of, pill_of
from omnitray.ui.pages.page import Page, PageContext
from omnitray.ui.theme import GAP, SMALL_GAP, Theme
from omnitray.ui.widgets.frames import Card, button, rule, scrolled
from omnitray.ui.widgets.labels import ElidedLabel, label, paragraph
from omnitray.ui.widgets.pills import Pill, PillLabel

_REFRESH_MS = 1000
KIND_WORDS = {
    "slack": "Slack",
    "discord": "Discord",
    "teams": "Microsoft Teams",
    "telegram": "Telegram",
    "ntfy": "ntfy",
    "email": "E-mail",
    "pagerduty": "PagerDuty",
    "alertmanager": "Alertmanager",
    "json": "Signed JSON",
    "apprise": "Apprise",
}
HINTS = {
    "email": "smtp://user:password@mail.example.org:587/?to=me@example.org",
    "telegram": "https://api.telegram.org/botKEY/sendMessage?chat_id=…",
    "pagerduty": "not needed; the routing key is the secret",
    "alertmanager": "http://alerts.lan:9093",
    "apprise": "in the words of Apprise",
}
KEPT = "Addresses and keys stand in files that only you can read, and are never shown again."
NONE = "No webhook yet. With one, alerts also reach your chat, your mail or whoever is on call."


class ChannelsPage(Page):
    """Two cards; refreshed once a second while it is in sight."""

    def __init__(self, context: PageContext) -> None:
        super().__init__(context)
        self.rows: dict[str, ChannelRow] = {}
        self.hooks: dict[str, WebhookRow] = {}
        self._machine = Card("Channels on this machine")
        self._webhooks = Card("Webhooks")
        self.add = button("Add…", primary=True)
        self.add.clicked.connect(self._on_add)
        self._webhooks.head.addWidget(self.add)
        self._none = paragraph(NONE, muted=True)
        self._webhooks.column.addWidget(self._none)
        self._list = QVBoxLayout()
        self._list.setSpacing(SMALL_GAP)
        self._webhooks.column.addLayout(self._list)
        self._webhooks.column.addWidget(paragraph(KEPT, scale=0.9, muted=True))
        content = QWidget()
        inner = QVBoxLayout(content)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(GAP)
        inner.addWidget(self._machine)
        inner.addWidget(self._webhooks)
        inner.addStretch()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(scrolled(content), 1)
        self._timer = QTimer(self, interval=_REFRESH_MS)
        self._timer.timeout.connect(self._on_time)
        self._timer.start()

    def reload(self) -> None:
        """Ask how all of them stand."""
        now_s = self.context.clock.wall()
        for view in self.context.sources.channels():
            if view.name == "webhook":
                continue
            row = self.rows.get(view.name)
            if row is None:
                row = self.rows[view.name] = ChannelRow(self.context.theme, view.name)
                if len(self.rows) > 1:
                    self._machine.column.addWidget(rule())
                self._machine.column.addWidget(row)
            row.show_view(view, now_s)
        self._show_webhooks(self.context.sources.webhooks(), now_s)

    def show_settings(self) -> None:
        """A webhook may have come or gone."""
        self.reload()

    def show_webhook_test(self, test: WebhookTest) -> None:
        """What a receiver answered."""
        if (row := self.hooks.get(test.name)) is not None:
            row.show_test(test)

    def _show_webhooks(self, views: tuple[WebhookView, ...], now_s: float) -> None:
        names = [view.name for view in views]
        for name in [each for each in self.hooks if each not in names]:
            self.hooks.pop(name).deleteLater()
        for view in views:
            row = self.hooks.get(view.name)
            if row is None:
                row = WebhookRow(self.context.theme, view.name)
                row.asked.connect(self.context.intents.webhook_requested)
                self.hooks[view.name] = row
                self._list.addWidget(row)
            row.show_view(view, now_s)
        self._none.setVisible(not views)

    @Slot()
    def _on_time(self) -> None:
        if self.isVisible():
            self.reload()

    @Slot()
    def _on_add(self) -> None:
        dialog = AddWebhook(self)
        dialog.declared.connect(self.context.intents.webhook_declared)
        dialog.open()


class ChannelRow(QWidget):
    """One channel of this machine."""

    def __init__(self, theme: Theme, name: str) -> None:
        super().__init__()
        self.pill = PillLabel(theme, Pill("", "neutral"))
        self.quiet = label("", muted=True, scale=0.9)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(label(name_of(name), bold=True), 1)
        row.addWidget(self.quiet)
        row.addWidget(self.pill)

    def show_view(self, view: ChannelView, now_s: float) -> None:
        """How it stands."""
        self.pill.show_pill(_pill_of_channel(view, now_s))
        said = [formats.one_line(view.fault, 80)] if view.fault else []
        if view.clients is not None and view.clients:
            said.append(f"{view.clients} listening")
        if view.waiting:
            said.append(f"{view.waiting} waiting")
        self.quiet.setText(" · ".join(said))


def _pill_of_channel(view: ChannelView, now_s: float) -> Pill:
    if view.fault:
        return Pill("failed", "critical", "cross")
    if view.latest is not None:
        return pill_of(view.latest, now_s)
    if view.clients == 0:
        return Pill("no listener", "neutral", "ring")
    return Pill("open", "good", "check") if view.open else Pill("not here", "neutral", "ring")


class WebhookRow(QWidget):
    """One webhook with its buttons; ``asked`` carries its name and a verb."""

    asked = Signal(str, str)

    def __init__(self, theme: Theme, name: str) -> None:
        super().__init__()
        self._name = name
        self._paused = False
        self.pill = PillLabel(theme, Pill("", "neutral"))
        self.about = label("", muted=True, scale=0.9)
        self.quiet = ElidedLabel("", muted=True, scale=0.9)
        self.answer = paragraph("", scale=0.9)
        self.answer.hide()
        self.test = button("Send a test")
        self.retry = button("Try now")
        self.pause = button("Pause")
        self.remove = button("Remove", danger=True)
        first = QHBoxLayout()
        first.addWidget(label(formats.one_line(name, 40), bold=True))
        first.addSpacing(SMALL_GAP)
        first.addWidget(self.about)
        first.addStretch()
        first.addWidget(self.pill)
        second = QHBoxLayout()
        second.addWidget(self.quiet, 1)
        for each, verb in (
            (self.test, self._verb("test")),
            (self.retry, self._verb("retry")),
            (self.pause, self._on_pause),
            (self.remove, self._on_remove),
        ):
            each.setAccessibleName(f"{each.text()}: {name}")
            each.clicked.connect(verb)
            second.addWidget(each)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(rule())
        column.addLayout(first)
        column.addLayout(second)
        column.addWidget(self.answer)

    def show_view(self, view: WebhookView, now_s: float) -> None:
        """How it stands."""
        self._paused = view.paused
        over = "also when it is over" if view.resolved else ""
        parts = (KIND_WORDS[view.kind], f"from {view.severity}", over)
        self.about.setText(" · ".join(part for part in parts if part))
        self.pill.show_pill(_pill_of_webhook(view, now_s))
        waits = f"{view.waiting} waiting" if view.waiting else ""
        self.quiet.setText(" · ".join(part for part in (waits, view.why) if part))
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
            self.remove.setText("Remove it and what waits")
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
            return Pill(f"waiting, next try in {next_s}", "warning", "dot")
        case "waiting":
            return Pill("on its way", "warning", "dot")
        case "delivered" if view.delivered_at is not None:
            at = formats.when(view.delivered_at, now_s)
            return Pill(f"delivered {at}", "good", "check")
    return Pill("nothing sent yet", "neutral", "ring")


class AddWebhook(QDialog):
    """The form; ``declared`` carries the fields of ``[[webhook]]``."""

    declared = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Add a webhook")
        self.kind = QComboBox()
        for kind in KINDS:
            self.kind.addItem(KIND_WORDS[kind], kind)
        self.name = QLineEdit(placeholderText="team")
        self.url = QLineEdit(placeholderText="https://…")
        self.url.setEchoMode(QLineEdit.EchoMode.PasswordEchoOnEdit)
        self.secret = QLineEdit()
        self.secret.setEchoMode(QLineEdit.EchoMode.Password)
        self.severity = QComboBox()
        for word in ("critical", "warning", "info"):
            self.severity.addItem(word)
        self.fault = paragraph("")
        self.fault.setProperty("fault", True)
        form = QFormLayout()
        for title, field in (
            ("Kind", self.kind),
            ("Name", self.name),
            ("Address", self.url),
            ("Key or token", self.secret),
            ("From", self.severity),
        ):
            field.setAccessibleName(title)
            field.setMinimumWidth(360)
            form.addRow(title, field)
        boxes = QDialogButtonBox.StandardButton
        self.buttons = QDialogButtonBox(boxes.Save | boxes.Cancel)
        self.buttons.accepted.connect(self._on_save)
        self.buttons.rejected.connect(self.reject)
        self.kind.currentIndexChanged.connect(self._on_kind)
        column = QVBoxLayout(self)
        column.addLayout(form)
        column.addWidget(label(KEPT, muted=True, scale=0.9))
        column.addWidget(self.fault)
        column.addWidget(self.buttons)

    def fields(self) -> dict[str, Any]:
        """What was typed, as the settings hold it; raises :class:`WebhookFault`."""
        found = {
            "name": self.name.text().strip(),
            "kind": self.kind.currentData(),
            "url": self.url.text().strip(),
            "secret": self.secret.text().strip(),
            "from": self.severity.currentText(),
        }
        found = {key: value for key, value in found.items() if value}
        webhook_of_table(found)
        return found

    @Slot()
    def _on_kind(self) -> None:
        self.url.setPlaceholderText(HINTS.get(self.kind.currentData(), "https://…"))

    @Slot()
    def _on_save(self) -> None:
        try:
            found = self.fields()
        except WebhookFault as fault:
            self.fault.setText(f"Not saved: {fault}")
            return
        self.declared.emit(found)
        self.accept()

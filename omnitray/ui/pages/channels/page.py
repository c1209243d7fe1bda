"""Where alerts go: the channels of this machine, and the webhooks with their tests and states."""

from typing import Any

from PySide6.QtCore import QTimer, Slot
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from omnitray.alerts.channels.webhooks.standing import WebhookTest, WebhookView
from omnitray.settings.webhooks import KINDS, webhook_of_table
from omnitray.ui.pages.channels.rows import KIND_WORDS, ChannelRow, StandingRow, WebhookRow
from omnitray.ui.pages.page import Page, PageContext
from omnitray.ui.widgets.choice import ChoiceButton
from omnitray.ui.widgets.form import FormDialog
from omnitray.ui.widgets.frames import Card, button, rule, scrolled_column
from omnitray.ui.widgets.labels import paragraph

_REFRESH_MS = 1000
HINTS = {
    "email": "smtp://user:password@mail.example.org:587/?to=me@example.org",
    "telegram": "https://api.telegram.org/botKEY/sendMessage?chat_id=…",
    "pagerduty": "not needed; the routing key is the secret",
    "alertmanager": "http://alerts.lan:9093",
    "apprise": "in the words of Apprise",
}
KEPT = (
    "Addresses and keys are kept in the desktop's keyring where one is open, else in files that"
    " only you can read. They are never shown again."
)
NONE = "No webhook yet. With one, alerts also reach your chat, your mail or whoever is on call."


class ChannelsPage(Page):
    """Two cards; refreshed once a second while it is in sight."""

    def __init__(self, context: PageContext) -> None:
        super().__init__(context)
        self.rows: dict[str, ChannelRow] = {}
        self.hooks: dict[str, WebhookRow] = {}
        self._rules: dict[str, QWidget] = {}
        self._machine = Card("Channels on this machine")
        self._webhooks = Card("Webhooks")
        self.add = button("Add…", primary=True)
        self.add.setAccessibleName("Add a webhook")
        self.add.clicked.connect(self._on_add)
        self._webhooks.head.addWidget(self.add)
        self._none = paragraph(NONE, muted=True)
        self._webhooks.column.addWidget(self._none)
        self._list = QVBoxLayout()
        self._webhooks.column.addLayout(self._list)
        self._webhooks.column.addWidget(paragraph(KEPT, scale=0.9, muted=True))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(scrolled_column(self._machine, self._webhooks), 1)
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
                self._add_row(self._machine.column, view.name, row, first=len(self.rows) == 1)
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
            for gone in (self.hooks.pop(name), self._rules.pop(name)):
                gone.hide()
                gone.deleteLater()
        for view in views:
            row = self.hooks.get(view.name)
            if row is None:
                row = self.hooks[view.name] = WebhookRow(self.context.theme, view.name)
                row.asked.connect(self.context.intents.webhook_requested)
                self._rules[view.name] = self._add_row(self._list, view.name, row)
            row.show_view(view, now_s)
        self._none.setVisible(not views)

    def _add_row(
        self, column: QVBoxLayout, name: str, row: StandingRow, *, first: bool = False
    ) -> QWidget:
        """The row with a line above it; the line."""
        line = rule()
        row.setAccessibleName(name)
        column.addWidget(line)
        line.setVisible(not first)
        column.addWidget(row)
        return line

    @Slot()
    def _on_time(self) -> None:
        if self.isVisible():
            self.reload()

    @Slot()
    def _on_add(self) -> None:
        dialog = AddWebhook(self)
        dialog.declared.connect(self.context.intents.webhook_declared)
        dialog.open()


class AddWebhook(FormDialog):
    """The form; ``declared`` carries the fields of ``[[webhook]]``."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Add a webhook", KEPT, parent)
        self.kind = ChoiceButton("", [(kind, KIND_WORDS[kind]) for kind in KINDS], "Kind")
        self.name = QLineEdit(placeholderText="team")
        self.url = QLineEdit(placeholderText="https://…")
        self.url.setEchoMode(QLineEdit.EchoMode.PasswordEchoOnEdit)
        self.secret = QLineEdit()
        self.secret.setEchoMode(QLineEdit.EchoMode.Password)
        severities = [(word, word) for word in ("critical", "warning", "info")]
        self.severity = ChoiceButton("", severities, "From")
        for title, field in (
            ("Kind", self.kind),
            ("Name", self.name),
            ("Address", self.url),
            ("Key or token", self.secret),
            ("From", self.severity),
        ):
            self.add_field(title, field)
        self.kind.chosen.connect(self._on_kind)

    def fields(self) -> dict[str, Any]:
        """What was typed; raises :class:`~omnitray.settings.webhooks.WebhookFault`."""
        found = {
            "name": self.name.text().strip(),
            "kind": self.kind.value,
            "url": self.url.text().strip(),
            "secret": self.secret.text().strip(),
            "from": self.severity.value,
        }
        found = {key: value for key, value in found.items() if value}
        webhook_of_table(found)
        return found

    @Slot()
    def _on_kind(self) -> None:
        self.url.setPlaceholderText(HINTS.get(self.kind.value, "https://…"))

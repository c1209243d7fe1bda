"""Messages of the tray icon itself: Windows, macOS, and XEmbed trays without another service.

Qt's messages have no buttons, cannot be replaced or withdrawn, and their click does not say whose
it is: it is taken for the last one that was shown. On a StatusNotifierItem tray Qt would hand them
to the very service that :mod:`.desktop_fdo` talks to; such an icon has no place on the screen
that Qt knows, which is how it is recognised.
"""

from collections.abc import Callable

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QSystemTrayIcon

from omnitray.alerts.channels.notification import (
    DEFAULT_ACTION,
    Notification,
    Response,
    Urgency,
    printable,
)

# What Windows' balloons hold (NOTIFYICONDATAW), the smallest of all.
_TITLE_LIMIT, _BODY_LIMIT = 63, 255
_SHOWN_MS = 10_000
NO_ICON = "no tray icon that shows messages"
_PICTURES = {
    Urgency.LOW: QSystemTrayIcon.MessageIcon.Information,
    Urgency.NORMAL: QSystemTrayIcon.MessageIcon.Warning,
    Urgency.CRITICAL: QSystemTrayIcon.MessageIcon.Critical,
}


class TrayMessages(QObject):
    """A :class:`.notification.DesktopNotifier` on whatever icon there is now."""

    name = "tray messages"
    answers_later = False

    def __init__(
        self,
        icon: Callable[[], QSystemTrayIcon | None],
        on_response: Callable[[Response], None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._icon = icon
        self._on_response = on_response
        self._connected: QSystemTrayIcon | None = None
        self._last: Notification | None = None
        self.trouble = ""

    def why_not(self) -> str:
        """Without an icon nothing is shown; from any thread."""
        return NO_ICON if self._icon() is None else ""

    def show(self, notification: Notification) -> bool:
        """Show it; False without an icon that can."""
        icon = self._icon()
        if icon is None or icon.geometry().isEmpty():
            self.trouble = NO_ICON
            return False
        self.trouble = ""
        if icon is not self._connected:
            icon.messageClicked.connect(self._on_clicked)
            self._connected = icon
        self._last = notification
        icon.showMessage(
            printable(notification.title, _TITLE_LIMIT),
            printable(notification.body, _BODY_LIMIT, keep_lines=True),
            _PICTURES[notification.urgency],
            _SHOWN_MS,
        )
        return True

    def close(self, slot: str) -> None:
        """Forget it: a click that comes later asks for nothing; Qt cannot take it back."""
        if self._last is not None and self._last.place == slot:
            self._last = None

    @Slot()
    def _on_clicked(self) -> None:
        if self._last is not None:
            self._on_response(Response(alert_id=self._last.alert_id, action=DEFAULT_ACTION))

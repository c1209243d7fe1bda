"""What a person sees when there is a desktop: the tray, the window, and no more.

Built only where there is a graphical session; the rest of the program does without it.
"""

import logging
from typing import Protocol

from PySide6.QtCore import QObject, QTimer, Slot
from PySide6.QtWidgets import QMessageBox

from omnitray.api.status import Status
from omnitray.runtime.hub import Hub
from omnitray.ui.intents import Intents
from omnitray.ui.tray.tray import Tray
from omnitray.ui.window_controller import Windows, about_text

log = logging.getLogger(__name__)

_PATIENCE_MS = 4000  # at login the panel often comes some seconds after us
NO_TRAY = (
    "This desktop shows no tray icons now. OmniTray keeps watching, the menu ⋯ above has all that "
    "the icon's has, and the icon comes when a tray does. On GNOME, the extension AppIndicator and "
    "KStatusNotifierItem Support (package gnome-shell-extension-appindicator) adds one; on a bare "
    "window manager, a panel or trayer does."
)


class AutostartPort(Protocol):
    """Starting at login, as the platform does it; both may raise OSError."""

    def enable(self) -> None:
        """Start at login from now on."""
        ...

    def disable(self) -> None:
        """Start at login no more."""
        ...


class Shell(QObject):
    """Connects tray and window with the hub."""

    def __init__(
        self,
        hub: Hub,
        *,
        intents: Intents,
        tray: Tray,
        windows: Windows,
        autostart: AutostartPort,
    ) -> None:
        super().__init__(hub)
        self._hub = hub
        self._autostart = autostart
        self._about: QMessageBox | None = None
        self._patience = QTimer(self, singleShot=True, interval=_PATIENCE_MS)
        self._patience.timeout.connect(self._on_still_no_tray)
        self.tray = tray
        self.windows = windows
        hub.status_changed.connect(self._on_status)
        intents.autostart_requested.connect(self._on_autostart)
        intents.about_requested.connect(self._on_about)
        tray.tray_available_changed.connect(self._on_tray_available)

    def start(self) -> None:
        """Show the icon as soon as there is a tray; without one, the window."""
        self.tray.show_status(self._hub.status)
        self._patience.start()
        self.tray.start()

    def stop(self) -> None:
        """Take everything off the screen. Idempotent."""
        self._patience.stop()
        self.tray.stop()
        self.windows.close()
        if self._about is not None:
            self._about.close()

    @Slot(object)
    def _on_status(self, status: Status) -> None:
        self.tray.show_status(status)

    @Slot(bool)
    def _on_autostart(self, wanted: bool) -> None:  # noqa: FBT001 - the signal's shape
        try:
            if wanted:
                self._autostart.enable()
            else:
                self._autostart.disable()
        except OSError as error:
            self._hub.note_problem("autostart", f"Start at login could not be changed: {error}")
        else:
            self._hub.problem_over("autostart")

    @Slot()
    def _on_about(self) -> None:
        if self._about is None:
            self._about = QMessageBox(QMessageBox.Icon.Information, "About OmniTray", about_text())
            self._about.setModal(False)
        self._about.show()
        self._about.raise_()

    @Slot(bool)
    def _on_tray_available(self, available: bool) -> None:  # noqa: FBT001 - the signal's shape
        log.info("the tray icon is %s", "shown" if available else "not shown: no tray here")
        self.windows.show_tray_available(available)
        self.windows.show_banner("" if available else NO_TRAY)

    @Slot()
    def _on_still_no_tray(self) -> None:
        if not self.tray.available:
            self.windows.show_banner(NO_TRAY)
            self.windows.open()

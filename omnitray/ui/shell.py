"""What a person sees when there is a desktop: the tray, the window, and no more.

Built only where there is a graphical session; the rest of the program does without it.
"""

import logging
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QLocale, QObject, Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import QMessageBox

from omnitray.api.status import Status
from omnitray.base.clock import Clock
from omnitray.base.facts import ProtectState
from omnitray.base.paths import Paths
from omnitray.runtime.app_context import AppContext
from omnitray.runtime.hub import Hub
from omnitray.runtime.notifications import Notifications
from omnitray.runtime.protection import ProtectionFacade
from omnitray.settings.file import Loaded
from omnitray.ui.appearance import DesktopAppearance
from omnitray.ui.formats import LocaleForms, use_locale
from omnitray.ui.intents import Intents
from omnitray.ui.tray.message import TrayMessages
from omnitray.ui.tray.tray import Tray
from omnitray.ui.window_controller import BannerText, Windows, about_text
from omnitray.ui.window_place import FirstStart

if TYPE_CHECKING:
    from omnitray.ui.welcome import Welcome

log = logging.getLogger(__name__)

_PATIENCE_MS = 4000  # at login the panel often comes some seconds after us
NO_TRAY = "No tray icon on this desktop: use the menu ⋯"
NO_TRAY_HINT = (
    "OmniTray keeps watching, the menu ⋯ has all that the icon's has, and the icon comes when a "
    "tray does. On GNOME, the extension AppIndicator and KStatusNotifierItem Support (package "
    "gnome-shell-extension-appindicator) adds one; on a bare window manager, a panel or trayer "
    "does."
)
NO_TRAY_NOTE = "no tray"  # as it is kept where the person closed it
HOW_TO_GET_ONE = "How to get one"


class AutostartPort(Protocol):
    """Starting at login, as the platform does it; changing it may raise OSError."""

    def is_enabled(self) -> bool:
        """Whether the session would start us."""
        ...

    def enable(self) -> None:
        """Start at login from now on."""
        ...

    def disable(self) -> None:
        """Start at login no more."""
        ...


class Shell(QObject):
    """Connects tray and window with the hub.

    Signals:
        shown(bool): the program is in sight, by an icon in the tray (True) or by its window.
    """

    shown = Signal(bool)

    def __init__(
        self,
        hub: Hub,
        *,
        intents: Intents,
        tray: Tray,
        windows: Windows,
        autostart: AutostartPort,
        appearance: DesktopAppearance,
        first_start: FirstStart,
    ) -> None:
        super().__init__(hub)
        self._hub = hub
        self._autostart = autostart
        self._appearance = appearance
        self._first_start = first_start
        self.intents = intents
        self._about: QMessageBox | None = None
        self.welcome: Welcome | None = None
        self._in_tray = False  # an icon that no host shows is none
        self._in_sight = False
        self._patience = QTimer(self, singleShot=True, interval=_PATIENCE_MS)
        self._patience.timeout.connect(self._on_still_no_tray)
        self.tray = tray
        self.windows = windows
        hub.status_changed.connect(self._on_status)
        hub.settings_changed.connect(self._on_settings)
        intents.autostart_requested.connect(self._on_autostart)
        intents.about_requested.connect(self._on_about)
        tray.tray_available_changed.connect(self._on_tray_available)

    def start(self) -> None:
        """Show the icon as soon as there is a tray; without one, the window."""
        self._appearance.start()
        self.tray.show_status(self._hub.status)
        self._patience.start()
        self.tray.start()

    def stop(self) -> None:
        """Take everything off the screen. Idempotent."""
        self._patience.stop()
        self.tray.stop()
        self.windows.close()
        self._appearance.stop()
        for each in (self._about, self.welcome):
            if each is not None:
                each.close()

    @Slot(object)
    def _on_status(self, status: Status) -> None:
        self.tray.show_status(status)

    @Slot(object)
    def _on_settings(self, loaded: Loaded) -> None:
        self.tray.use_settings(loaded.settings.tray)

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
            self._about.setTextFormat(Qt.TextFormat.PlainText)
            self._about.setModal(False)
        theme = self.windows.theme
        self._about.setPalette(theme.palette())
        self._about.setStyleSheet(theme.sheet)
        self._about.show()
        self._about.raise_()

    @Slot(bool)
    def _on_tray_available(self, available: bool) -> None:  # noqa: FBT001 - the signal's shape
        log.info("the tray icon is %s", "shown" if available else "not shown: no tray here")
        self._in_tray = available
        self.windows.show_tray_available(available)
        self._show_no_tray(missing=not available)
        if available:
            self._come_in_sight(has_tray=True)

    @Slot()
    def _on_still_no_tray(self) -> None:
        if not self._in_tray:
            self._show_no_tray(missing=True)
            self.windows.open()
            self._come_in_sight(has_tray=False)

    def _show_no_tray(self, *, missing: bool) -> None:
        """One short line, until the person closes it or a tray comes."""
        note = BannerText()
        if missing:
            explain = self.intents.documentation_requested.emit
            note = BannerText(NO_TRAY, HOW_TO_GET_ONE, explain, NO_TRAY_HINT, NO_TRAY_NOTE)
        self.windows.show_note(note)

    def _come_in_sight(self, *, has_tray: bool) -> None:
        """Once: say so, and welcome who sees the program for the first time."""
        if self._in_sight:
            return
        self._in_sight = True
        self.shown.emit(has_tray)
        if self._first_start.is_due():
            self._first_start.note()
            self._welcome(has_tray=has_tray)

    def _welcome(self, *, has_tray: bool) -> None:
        from omnitray.ui.welcome import Welcome  # noqa: PLC0415 - once in a program's life

        state = self._hub.status.protect
        self.welcome = Welcome(self.windows.theme, state, has_tray=has_tray)
        self.welcome.state_chosen.connect(self._on_state_chosen)
        self.welcome.window_wanted.connect(self._on_window_wanted)
        self.welcome.finished.connect(self._on_welcome_over)
        self.welcome.stay_above(self.windows.window)
        self.welcome.show()
        self.welcome.raise_()  # without a tray the window has just been opened
        self.welcome.activateWindow()

    @Slot(object)
    def _on_state_chosen(self, state: ProtectState) -> None:
        self.intents.protect_state_requested.emit(state)

    @Slot()
    def _on_window_wanted(self) -> None:
        self.intents.window_requested.emit("overview")

    @Slot()
    def _on_welcome_over(self) -> None:
        if self.welcome is not None:
            self.welcome.deleteLater()
            self.welcome = None


def forms_of(locale: QLocale) -> LocaleForms:
    """Decimal point, hours, names of the months, and which of day and month comes first."""
    short = QLocale.FormatType.ShortFormat
    date = locale.dateFormat(short)
    months = tuple(locale.monthName(month, short).rstrip(".") for month in range(1, 13))
    return LocaleForms(
        decimal=locale.decimalPoint(),
        twelve_hours="a" in locale.timeFormat(short).casefold(),
        months=months if all(months) else LocaleForms().months,
        month_first=0 <= date.find("M") < date.find("d"),
    )


def build_shell(
    parts: AppContext[ProtectionFacade],
    notifications: Notifications,
    *,
    autostart: AutostartPort,
    paths: Paths,
    clock: Clock,
) -> Shell:
    """Tray, window and what connects them; nothing is shown before :meth:`Shell.start`."""
    hub = parts.hub
    use_locale(forms_of(QLocale.system()))
    intents = Intents(hub)
    appearance = DesktopAppearance(parent=hub)
    windows = Windows(
        parts,
        intents=intents,
        clock=clock,
        place_file=paths.state / "window.json",
        autostart_enabled=autostart.is_enabled,
        appearance=appearance,
    )
    tray = Tray(
        intents,
        autostart_enabled=autostart.is_enabled,
        settings=parts.settings.loaded.settings.tray,
        light_scheme=lambda: not appearance.dark,
        parent=hub,
    )
    appearance.changed.connect(tray.look_at_panel)
    notifications.add_fallback(TrayMessages(lambda: tray.icon, notifications.respond))
    notifications.clicked.connect(windows.open_alert)
    return Shell(
        hub,
        intents=intents,
        tray=tray,
        windows=windows,
        autostart=autostart,
        appearance=appearance,
        first_start=FirstStart(paths.state / "welcomed", paths.config_file),
    )

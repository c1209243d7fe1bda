"""Notifications on the main thread, with what the person does as signals.

:class:`Notifications` owns the one connection to the notification service (QtCore only, so a
program without a display notifies as well) and the chain of notifiers behind it. ``show`` and
``close`` may be called from any thread and return at once.

:class:`BusPump` runs the session bus in Qt's event loop: one socket notifier reads, another writes
what is left.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import time
from typing import TYPE_CHECKING

import msgspec
from PySide6.QtCore import QObject, QSocketNotifier, QTimer, Signal, Slot

from omnitray.alerts.channels.desktop import NotifierChain, PlyerNotifier
from omnitray.alerts.channels.notification import Notification, Response
from omnitray.base.paths import resource
from omnitray.base.policy import AlertPolicy

if TYPE_CHECKING:
    from omnitray.base.dbus import SessionBus

BUS_VARIABLE = "DBUS_SESSION_BUS_ADDRESS"
# A bus answers within milliseconds, on a machine that swaps within a second; Qt waits for 25 s.
_HUNG_S = 5.0
_BUS_S, _AGAIN_S = 1.0, 0.2  # at the start; while the main thread has other work
_hung: list[str] = []  # what the variable was, while Qt takes the bus for none


def speaks_dbus() -> bool:
    """Whether this platform has the library for it; it is installed where there is a D-Bus."""
    return importlib.util.find_spec("jeepney") is not None


def open_bus(address: str | None = None, patience_s: float = _BUS_S) -> SessionBus | None:
    """A connection to the session bus, or None where there is none, or one that hangs."""
    if _hung:
        return None
    try:
        # Only desktops with D-Bus have the library.
        from omnitray.base.dbus import BusError, connect  # noqa: PLC0415
    except ImportError:
        return None
    try:
        return connect(address, timeout_s=patience_s)
    except BusError as error:
        _log.debug("No session bus: %s", error)
        return None


def set_hung_bus_aside(patience_s: float = _HUNG_S) -> bool:
    """Have Qt take a session bus that does not answer for none; whether that was so.

    Qt asks the bus on the main thread and waits for 25 s each time: with one that takes connections
    and says nothing no command was answered for 110 s. To be called before there is a QApplication.
    Notifications come once the bus answers, the icon, which Qt looks for once, at the next start.
    """
    started_s = time.monotonic()
    bus = open_bus(patience_s=patience_s)
    if bus is not None:
        bus.close()
    elif time.monotonic() - started_s >= patience_s:  # where nothing listens that is known at once
        _hung.append(os.environ.get(BUS_VARIABLE, ""))
        os.putenv(BUS_VARIABLE, "disabled:")  # what libdbus reads; os.environ stays as it is
    return bool(_hung)


def take_bus_back() -> None:
    """Qt has looked: what is started from now on has the session's bus again. Idempotent."""
    while _hung:
        if address := _hung.pop():
            os.putenv(BUS_VARIABLE, address)
        else:
            os.unsetenv(BUS_VARIABLE)


class BusPump(QObject):
    """Drives a connection from the thread that it is made in.

    Signals:
        lost(): the bus is gone.
    """

    lost = Signal()

    def __init__(self, bus: SessionBus, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.bus = bus
        self._readable = QSocketNotifier(bus.fileno(), QSocketNotifier.Type.Read, self)
        self._readable.activated.connect(self._on_readable)
        self._writable = QSocketNotifier(bus.fileno(), QSocketNotifier.Type.Write, self)
        self._writable.setEnabled(False)
        self._writable.activated.connect(self._on_writable)
        bus.on_backlog = self._on_backlog
        bus.on_lost = self._on_lost
        bus.flush()

    def close(self) -> None:
        """Leave the bus; idempotent."""
        self._readable.setEnabled(False)
        self._writable.setEnabled(False)
        self.bus.close()

    @Slot()
    def _on_readable(self) -> None:
        self.bus.read()

    @Slot()
    def _on_writable(self) -> None:
        self.bus.flush()

    def _on_backlog(self, wanted: bool) -> None:  # noqa: FBT001 - the shape of on_backlog
        if self._writable.isEnabled() != wanted:
            self._writable.setEnabled(wanted)

    def _on_lost(self) -> None:
        self._readable.setEnabled(False)
        self._writable.setEnabled(False)
        self.lost.emit()


if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from omnitray.alerts.channels.desktop_fdo import FdoNotifier
    from omnitray.alerts.channels.notification import DesktopNotifier
    from omnitray.base.dbus import SessionBus

RECONNECT_MS = 30_000
PRESSES_MS = 250  # two presses of a person on two notifications are further apart

_log = logging.getLogger(__name__)


class Notifications(QObject):
    """Shows notifications, takes clicks.

    What :meth:`add_fallback` adds is asked when the desktop's notification service cannot;
    ``last_resort`` comes after that, by default plyer on platforms that do not speak D-Bus (on
    those that do it would only reach the same service).

    ``told`` is called on the main thread with what became of each notification: empty once it is
    on the screen, else why it could not be shown. ``policy`` says whether sounds are wanted and
    whether critical ones may disturb.

    Signals:
        clicked(str, str): alert id, activation token ("" where there is none): the person wants
            to see this alert.
        action(str, str): alert id, key of the button ("snooze", or a question's).
        closed(str, object): alert id, :class:`~omnitray.alerts.channels.notification.CloseReason`.
    """

    clicked = Signal(str, str)
    action = Signal(str, str)
    closed = Signal(str, object)
    _wanted = Signal(object)
    _over = Signal(str)

    def __init__(
        self,
        *,
        last_resort: Sequence[DesktopNotifier] | None = None,
        icon: str = "",
        policy: Callable[[], AlertPolicy] = AlertPolicy,
        bus: Callable[..., SessionBus | None] = open_bus,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        if last_resort is None:
            last_resort = () if speaks_dbus() else (PlyerNotifier(),)
        self._fallbacks = tuple(last_resort)
        self._icon = icon or _own_icon()
        self._policy = policy
        self._open_bus = bus
        self._pump: BusPump | None = None
        self._fdo: FdoNotifier | None = None
        self.told: Callable[[Notification, str], None] = lambda _notification, _why: None
        self._chain = NotifierChain(self._fallbacks, self._tell)
        self._again = QTimer(self)
        self._again.timeout.connect(self._on_again)
        self._presses: dict[tuple[str, str], Response] = {}
        self._press_time = QTimer(self, singleShot=True, interval=PRESSES_MS)
        self._press_time.timeout.connect(self._on_press_time)
        # Queued across threads, direct on the main one.
        self._wanted.connect(self._on_wanted)
        self._over.connect(self._on_over)

    def start(self) -> None:
        """Connect to the notification service; without one the other notifiers serve."""
        if _hung:
            _log.warning("the session bus does not answer: no icon in the tray until a new start")
            QTimer.singleShot(0, take_bus_back)  # the event loop begins when the icon was made
            self._again.start(RECONNECT_MS)
        elif (bus := self._open_bus()) is not None:
            self._speak(bus)

    def stop(self) -> None:
        """Close the notifications (a click would reach no one) and the connection; idempotent."""
        self._again.stop()
        self._press_time.stop()
        if self._fdo is not None:
            self._fdo.close_all()
        if self._pump is not None:
            self._pump.close()

    def add_fallback(self, notifier: DesktopNotifier) -> None:
        """Ask this notifier too, before the last resort; call it before :meth:`start`."""
        self._fallbacks = (notifier, *self._fallbacks)
        self._chain = NotifierChain(self._fallbacks, self._tell)

    @property
    def ready(self) -> bool:
        """Whether the desktop's notification service is there and has reported its capabilities."""
        return self._fdo is not None and self._fdo.ready

    def why_not(self) -> str:
        """Why nothing could be shown now; empty while a notifier can, or is still asked."""
        notifiers = ((self._fdo,) if self._fdo is not None else ()) + self._fallbacks
        reasons = [each.why_not() for each in notifiers]
        if not all(reasons):
            return ""
        return "; ".join(reasons) or "there is no session bus and no tray"

    def show(self, notification: Notification) -> None:
        """Show it, or replace what its slot shows; from any thread."""
        self._wanted.emit(notification)

    def close(self, slot: str) -> None:
        """Take away what is shown in the slot; from any thread."""
        self._over.emit(slot)

    def respond(self, response: Response) -> None:
        """What the person chose on any notifier; the others of the chain report here too.

        The first press counts at once. What comes within the next moment waits for its end and
        counts once: of clicks the last one, of each button one. A service that floods us opens the
        window a few times a second and no more.
        """
        if self._press_time.isActive():
            key = ("", "click") if response.is_click else (response.alert_id, response.action)
            self._presses[key] = response
            return
        self._press_time.start()
        self._say(response)

    @Slot()
    def _on_press_time(self) -> None:
        pressed, self._presses = self._presses, {}
        if pressed:
            self._press_time.start()
        for response in pressed.values():
            self._say(response)

    def _say(self, response: Response) -> None:
        if response.is_click:
            self.clicked.emit(response.alert_id, response.activation_token or "")
        else:
            self.action.emit(response.alert_id, response.action)

    def _speak(self, bus: SessionBus) -> None:
        # Only desktops with D-Bus have the library.
        from omnitray.alerts.channels.desktop_fdo import FdoNotifier  # noqa: PLC0415

        self._pump = BusPump(bus, self)
        self._pump.lost.connect(self._on_lost)
        fdo = FdoNotifier(
            bus,
            on_response=self.respond,
            on_closed=self.closed.emit,
            on_failed=self._on_failed,
            on_shown=self._on_shown,
            icon=self._icon,
        )
        self._fdo = fdo
        self._chain = NotifierChain((fdo, *self._fallbacks), self._tell)

    @Slot(object)
    def _on_wanted(self, notification: Notification) -> None:
        policy = self._policy()
        allowed = msgspec.structs.replace(
            notification, sound=policy.sound, passes_dnd=policy.critical_passes_dnd
        )
        self._chain.show(allowed)

    @Slot(str)
    def _on_over(self, slot: str) -> None:
        self._chain.close(slot)

    def _on_failed(self, notification: Notification) -> None:
        if self._fdo is not None:
            self._chain.pass_on(self._fdo, notification)

    def _on_shown(self, notification: Notification) -> None:
        self._tell(notification, "")

    def _tell(self, notification: Notification, why: str) -> None:
        self.told(notification, why)

    @Slot()
    def _on_lost(self) -> None:
        _log.warning("The session bus is gone; looking for it every %g s", RECONNECT_MS / 1000)
        self._again.start(RECONNECT_MS)

    @Slot()
    def _on_again(self) -> None:
        bus, before = self._open_bus(patience_s=_AGAIN_S), self._fdo
        if bus is None:
            return
        self._again.stop()
        self._speak(bus)
        for notification in before.wanted if before is not None else ():
            self._chain.show(notification)


def _own_icon() -> str:
    """The icon as a URI: a program that was not installed as a package is in no icon theme."""
    try:
        return resource("icons/omnitray-64.png").as_uri()
    except FileNotFoundError:
        return "omnitray"

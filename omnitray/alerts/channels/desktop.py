"""The DESKTOP channel: alerts become notifications, shown by the first notifier that can.

:class:`NotifierChain` asks its notifiers in order of preference; each says whether it could, and
one that finds out later that it could not hands the notification on through
:meth:`NotifierChain.pass_on`. :class:`DesktopChannel` is the adapter for the alert system.

:class:`PlyerNotifier` is the last resort, where there is neither a session bus nor a tray that
shows messages. plyer has no clicks, no buttons, cannot replace and cannot withdraw. What it does
with its arguments differs by back-end: one builds a GVariant text by joining strings, one passes
the title where ``notify-send`` looks for options, one waits for a program to end. So texts are made
inert first (:func:`inert`), and the call is made on a thread of its own, one at a time.
"""

import importlib
import logging
import threading
import warnings
from collections.abc import Callable, Sequence

from omnitray.alerts.channels.base import ChannelParts
from omnitray.alerts.channels.deliveries import delivered, failed
from omnitray.alerts.channels.notification import (
    BODY_LIMIT,
    TITLE_LIMIT,
    DesktopNotifier,
    Notification,
    notification_for,
    printable,
)
from omnitray.alerts.decision import Decision
from omnitray.alerts.model import Alert
from omnitray.base.facts import AlertChannel

_log = logging.getLogger(__name__)


class NotifierChain:
    """The notifiers of this desktop, the best one first; ``told`` is called with each result."""

    def __init__(
        self,
        notifiers: Sequence[DesktopNotifier],
        told: Callable[[Notification, str], None] = lambda _notification, _why: None,
    ) -> None:
        self._notifiers = tuple(notifiers)
        self._told = told
        self._nobody_said = False

    def show(self, notification: Notification) -> bool:
        """Show it by the first notifier that can; False (and one warning) when none can."""
        return self._show_by(self._notifiers, notification)

    def pass_on(self, failed: DesktopNotifier, notification: Notification) -> bool:
        """The notifier found out later that it cannot: the next ones are asked."""
        after = self._notifiers[self._notifiers.index(failed) + 1 :]
        return self._show_by(after, notification)

    def close(self, slot: str) -> None:
        """Take away what is shown in the slot, by whomever."""
        for notifier in self._notifiers:
            notifier.close(slot)

    def _show_by(self, notifiers: Sequence[DesktopNotifier], notification: Notification) -> bool:
        by = next((each for each in notifiers if each.show(notification)), None)
        shown = by is not None
        if by is None:
            self._told(notification, self._why())
        elif not by.answers_later:
            self._told(notification, "")
        if not shown and not self._nobody_said:
            _log.warning("No notification can be shown; alerts are in the history. %s", self._why())
        self._nobody_said = not shown
        return shown

    def _why(self) -> str:
        reasons = [f"{each.name}: {each.trouble}" for each in self._notifiers if each.trouble]
        return "; ".join(reasons) or "There is no notification service."


class DesktopChannel:
    """A :class:`~omnitray.alerts.channels.base.Channel`: shows what notifies, takes it back.

    ``show`` and ``close`` are called on the channel's thread; the methods of
    :class:`omnitray.runtime.notifications.Notifications` may be.
    """

    def __init__(self, show: Callable[[Notification], None], close: Callable[[str], None]) -> None:
        self._show = show
        self._close = close

    def send(self, alert: Alert, decision: Decision) -> bool:
        """Do what was decided; what neither notifies nor withdraws is not for the desktop.

        Whether it is shown is known later: see :func:`open_channel`.
        """
        if decision.notify:
            self._show(notification_for(alert, decision))
        elif decision.withdraw:
            self._close(decision.slot or alert.id)
        return False


def open_channel(parts: ChannelParts) -> DesktopChannel:
    """The channel of this desktop; the screen says what was shown."""

    def told(notification: Notification, why: str) -> None:
        alert_ids = notification.members or (notification.alert_id,)
        at = parts.clock.wall()
        if why:
            parts.deliveries.note(*failed(AlertChannel.DESKTOP, alert_ids, at, why))
        else:
            parts.deliveries.note(*delivered(AlertChannel.DESKTOP, alert_ids, at))

    parts.screen.told = told
    return DesktopChannel(parts.screen.show, parts.screen.close)


_SHOWN_S = 10
# Quotes and backslashes end a GVariant text, angles and ampersands are markup.
_LOOKALIKES = str.maketrans("'\"\\<>&", "\u2019\u201d\u2215\u2039\u203a\uff06")


Notify = Callable[[str, str], None]


def inert(text: str, limit: int) -> str:
    """A text that no program takes for markup, an option or the end of a string."""
    plain = printable(text, limit).translate(_LOOKALIKES)
    return f"\u2013{plain[1:]}" if plain.startswith("-") else plain


class PlyerNotifier:
    """A :class:`~omnitray.alerts.channels.notification.DesktopNotifier` that can only show.

    ``notify`` and ``run`` are seams: the call itself, and what takes it off the caller's thread.
    """

    name = "plyer"
    answers_later = False

    def __init__(
        self,
        notify: Notify | None = None,
        run: Callable[[Callable[[], None]], None] | None = None,
    ) -> None:
        self._notify = notify or _notify_by_plyer
        self._run = run or _run_aside
        self._busy = threading.Lock()
        self.trouble = ""

    def show(self, notification: Notification) -> bool:
        """Show it; False while the one before is still being shown, or when that went wrong."""
        if self.trouble or not self._busy.acquire(blocking=False):
            return False
        title = inert(notification.title, TITLE_LIMIT) or "OmniTray"
        body = inert(notification.body, BODY_LIMIT)
        self._run(lambda: self._send(title, body))
        return not self.trouble

    def why_not(self) -> str:
        """What its library said last."""
        return self.trouble

    def close(self, slot: str) -> None:
        """Nothing: plyer cannot take a notification back."""

    def _send(self, title: str, body: str) -> None:
        try:
            self._notify(title, body)
        except Exception as error:  # noqa: BLE001 - each back-end raises what its library raises
            self.trouble = str(error) or type(error).__name__
            _log.warning("plyer cannot show notifications: %s", self.trouble)
        finally:
            self._busy.release()


def _notify_by_plyer(title: str, body: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns about each back-end that it does not find
        plyer = importlib.import_module("plyer")
        plyer.notification.notify(title=title, message=body, app_name="OmniTray", timeout=_SHOWN_S)


def _run_aside(call: Callable[[], None]) -> None:
    threading.Thread(target=call, name="plyer", daemon=True).start()

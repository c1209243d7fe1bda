"""The DESKTOP channel: alerts become notifications, shown by the first notifier that can.

:class:`NotifierChain` asks its notifiers in order of preference; each says whether it could, and
one that finds out later that it could not hands the notification on through
:meth:`NotifierChain.pass_on`. :class:`DesktopChannel` is the adapter for the alert system.
"""

import logging
from collections.abc import Callable, Sequence

from omnitray.alerts.channels.base import ChannelParts
from omnitray.alerts.channels.deliveries import delivered, failed
from omnitray.alerts.channels.notification import DesktopNotifier, Notification, notification_for
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

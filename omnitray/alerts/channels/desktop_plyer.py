"""The last resort: plyer, where there is neither a session bus nor a tray that shows messages.

plyer has no clicks, no buttons, cannot replace and cannot withdraw. What it does with its
arguments differs by back-end: one builds a GVariant text by joining strings, one passes the title
where ``notify-send`` looks for options, one waits for a program to end. So texts are made inert
first (:func:`inert`), and the call is made on a thread of its own, one at a time.
"""

import importlib
import logging
import threading
import warnings
from collections.abc import Callable

from omnitray.alerts.channels.notification import BODY_LIMIT, TITLE_LIMIT, Notification, printable

_SHOWN_S = 10
# Quotes and backslashes end a GVariant text, angles and ampersands are markup.
_LOOKALIKES = str.maketrans("'\"\\<>&", "\u2019\u201d\u2215\u2039\u203a\uff06")

_log = logging.getLogger(__name__)

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

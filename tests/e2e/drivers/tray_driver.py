"""A program that is nothing but a tray: says on standard output what it is asked for.

Each argument is the title of a notification that it shows.
"""

import signal
import sys
from functools import partial

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from omnitray.alerts.channels.notification import Notification
from omnitray.api.status import Status
from omnitray.base.facts import MemoryFacts, Mode, MonitorLevel, Snapshot
from omnitray.runtime.notifications import Notifications
from omnitray.ui.intents import Intents
from omnitray.ui.tray.message import TrayMessages
from omnitray.ui.tray.tray import Tray


def _status(step: int) -> Status:
    shot = Snapshot(
        taken_at=0.0,
        monotonic_s=float(step),
        level=MonitorLevel.NORMAL,
        cpu_percent=float(10 * step % 100),
        memory=MemoryFacts(total_bytes=100, available_bytes=39),
    )
    return Status(mode=Mode.DEV, snapshot=shot)


def _say(*values: object) -> None:
    sys.stdout.write(" ".join(str(each) for each in values) + "\n")
    sys.stdout.flush()


def main() -> int:
    app = QApplication(sys.argv)
    app.setQuitOnLastWindowClosed(False)
    intents = Intents()
    tray = Tray(intents, autostart_enabled=lambda: False)
    for name in (
        "window_requested",
        "mode_requested",
        "level_requested",
        "pause_requested",
        "protect_state_requested",
        "protect_pause_requested",
        "undo_all_requested",
        "autostart_requested",
        "about_requested",
        "quit_requested",
    ):
        getattr(intents, name).connect(partial(_say, name))
    tray.tray_available_changed.connect(partial(_say, "tray_available_changed"))
    intents.quit_requested.connect(app.quit)
    tray.start()
    notifications = Notifications()
    notifications.add_fallback(TrayMessages(lambda: tray.icon, notifications.respond))
    notifications.clicked.connect(partial(_say, "clicked"))
    notifications.start()

    def show(told: Notification, tries: int) -> None:
        # A busy tray takes seconds to take an icon in, and one of the newer kind has no place.
        if tries and (tray.icon is None or tray.icon.geometry().isEmpty()):
            QTimer.singleShot(500, partial(show, told, tries - 1))
        else:
            notifications.show(told)

    for title in sys.argv[1:]:
        told = Notification(alert_id="a1", title=title, body="told by the tray itself")
        QTimer.singleShot(1000, partial(show, told, 60))
    steps = iter(range(1, 1_000_000))
    tray.show_status(_status(0))
    clock = QTimer()
    clock.timeout.connect(lambda: tray.show_status(_status(next(steps))))
    clock.start(250)
    signal.signal(signal.SIGTERM, lambda *_: app.quit())
    code = app.exec()
    tray.stop()
    notifications.stop()
    return code


if __name__ == "__main__":
    sys.exit(main())

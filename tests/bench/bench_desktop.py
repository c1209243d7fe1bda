"""What a person sees of the desktop side: drawing the icon, and an alert's way to the screen.

The way is the program's own: dispatcher with the alert's file, channel thread, main thread,
session bus. It ends when the recording service has taken the call in, or when dunst has answered
it; dunst's figure thus holds the way back as well.
"""

import contextlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication, QElapsedTimer, QEventLoop
from PySide6.QtGui import QGuiApplication

from omnitray.alerts.channels.desktop import DesktopChannel
from omnitray.alerts.channels.dispatch import Dispatcher
from omnitray.alerts.decision import Decision, Reason
from omnitray.alerts.model import Alert
from omnitray.alerts.storage.history import History
from omnitray.alerts.storage.store import AlertStore
from omnitray.base import dbus
from omnitray.base.clock import SystemClock
from omnitray.base.dbus import BusReply, OnAnswer, SessionBus
from omnitray.base.facts import AlertChannel, AlertType, Severity
from omnitray.runtime.notifications import Notifications
from omnitray.ui.tray.icon import TRAY_SIZES, IconFacts, Panel, draw_icon, tray_icon
from support.bench import Row, Spread, repeated, spread, table, within
from support.desktop import Desktop, Display
from support.notification_daemons import start_dunst
from support.notification_server import NotificationServer

TIMES = 200
PATIENCE_MS = 10_000
BUDGET_MS = 50.0


def main() -> None:
    """Print the section."""
    QGuiApplication(["bench", "-platform", "offscreen"])
    rows = list(_icon())
    with tempfile.TemporaryDirectory() as folder:
        rows += _alerts(Path(folder))
    print("## Tray and notifications\n")
    print(__doc__.split("\n\n", 1)[1])
    print(table(rows))


def _icon() -> Iterator[Row]:
    facts = IconFacts(cpu_percent=34, memory_percent=62)
    one = repeated(TIMES, lambda: _timed(lambda: draw_icon(facts, Panel.DARK, 22)))
    every = repeated(TIMES, lambda: _timed(lambda: tray_icon(facts, Panel.DARK)))
    yield Row("icon drawn at 22 px", one.scaled(1e3).told("ms", 2))
    sizes = ", ".join(str(size) for size in TRAY_SIZES)
    yield Row(f"icon drawn for the tray ({sizes} px)", every.scaled(1e3).told("ms", 2))


def _alerts(folder: Path) -> Iterator[Row]:
    with _desktop(folder / "recorder") as desktop:
        server = NotificationServer(desktop.bus_address)
        with server, _path(desktop) as path:
            last = _last_received(server)
            yield _row("alert raised → recording service has it", _measure(path, last))
    with _desktop(folder / "dunst") as desktop:
        start_dunst(desktop)
        with _path(desktop) as path:
            answered = path.answered
            yield _row("alert raised → dunst has answered", _measure(path, lambda: answered[-1:]))


class _Path:
    """The way of an alert: submit, and wait for it with the event loop running."""

    def __init__(self, desktop: Desktop) -> None:
        self.answered: list[float] = []
        self.notifications = Notifications(bus=lambda **_: self._bus(desktop))
        clock = SystemClock()
        store = AlertStore(History(desktop.folder / "alerts", clock), clock)
        channel = DesktopChannel(self.notifications.show, self.notifications.close)
        self.dispatcher = Dispatcher(store, {AlertChannel.DESKTOP: channel}, clock)
        self.notifications.start()
        _wait(lambda: self.notifications.ready)

    def close(self) -> None:
        """End everything."""
        self.dispatcher.close()
        self.notifications.stop()

    def _bus(self, desktop: Desktop) -> SessionBus:
        bus = dbus.connect(desktop.bus_address)
        call = bus.call

        def timed(
            destination: str,
            path: str,
            interface: str,
            member: str,
            signature: str | None = None,
            body: tuple[Any, ...] = (),
            on_answer: OnAnswer | None = None,
        ) -> None:
            if member == "Notify" and on_answer is not None:
                on_answer = partial(self._on_answer, on_answer)
            call(destination, path, interface, member, signature, body, on_answer)

        bus.call = timed  # type: ignore[method-assign]
        return bus

    def _on_answer(self, on_answer: OnAnswer, answer: BusReply) -> None:
        self.answered.append(time.perf_counter())
        on_answer(answer)


def _measure(path: _Path, arrivals: Callable[[], list[float]]) -> Spread:
    figures = []
    for number in range(TIMES):
        _idle(20)
        sent = time.perf_counter()
        path.dispatcher.submit(_alert(number), _decision(number))
        _wait(lambda sent=sent: any(at > sent for at in arrivals()))  # type: ignore[misc]
        figures.append(arrivals()[-1] - sent)
        path.notifications.close(f"a{number}")
    return spread(figures)


def _last_received(server: NotificationServer) -> Callable[[], list[float]]:
    return lambda: [each.at_s for each in server.received[-1:]]


def _row(what: str, figures: Spread) -> Row:
    in_ms = figures.scaled(1e3)
    return within(f"{what}, p95", in_ms.p95, BUDGET_MS, "ms", told=in_ms.told("ms"))


def _alert(number: int) -> Alert:
    moment = "2026-11-22T13:21:27.123Z"
    return Alert(
        id=f"a{number}",
        type=AlertType.CRITICAL,
        severity=Severity.CRITICAL,
        state="firing",
        title=f"Memory 93 %: pytest {number}",
        message="0.6 of 8.3 GB are available.",
        source="monitor",
        fingerprint=f"f{number}",
        first_seen=moment,
        last_seen=moment,
    )


def _decision(number: int) -> Decision:
    return Decision(
        reason=Reason.NEW,
        alert_id=f"a{number}",
        fingerprint=f"f{number}",
        at=time.time(),
        channels=(AlertChannel.FILE, AlertChannel.DESKTOP),
        notify=True,
        slot=f"a{number}",
        title=f"Memory 93 %: pytest {number}",
        body="0.6 of 8.3 GB are available.",
    )


def _timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _idle(milliseconds: int) -> None:
    clock = QElapsedTimer()
    clock.start()
    while clock.elapsed() < milliseconds:
        QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents, 1)


def _wait(condition: Callable[[], bool]) -> None:
    clock = QElapsedTimer()
    clock.start()
    while not condition():
        QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 1)
        if clock.elapsed() > PATIENCE_MS:
            sys.exit("nothing arrived within ten seconds")


@contextlib.contextmanager
def _desktop(folder: Path) -> Iterator[Desktop]:
    folder.mkdir()
    display = Display(folder)
    desktop = Desktop(folder, display)
    try:
        yield desktop
    finally:
        desktop.stop()
        display.stop()


@contextlib.contextmanager
def _path(desktop: Desktop) -> Iterator[_Path]:
    path = _Path(desktop)
    try:
        yield path
    finally:
        path.close()


if __name__ == "__main__":
    main()

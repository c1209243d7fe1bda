"""The tray while the API is under load: does the main thread keep answering?

The icon's tooltip is asked for over D-Bus every 20 ms; Qt answers on the main thread, so that the
time until the answer is how long a click would have waited. Meanwhile the API serves 200 requests
a second and 32 WebSocket clients, as in ``bench_api``.
"""

import tempfile
import threading
import time
from pathlib import Path

from bench import bench_api
from omnitray.client.discovery import read_address
from support.bench import Row, spread, table, within
from support.dbus_service import Caller
from support.desktop import Desktop, Display, wait_until
from support.running import OmniTray
from support.tray_host import TrayItem, TrayWatcher

QUIET_S = 10.0
ASK_EVERY_S = 0.02
BUDGET_MS = 50.0


def main() -> None:
    """Print the section."""
    with tempfile.TemporaryDirectory() as folder:
        display = Display(Path(folder))
        place = Path(folder) / "desktop"
        place.mkdir()
        desktop = Desktop(place, display)
        try:
            rows = _rows(desktop)
        finally:
            desktop.stop()
            display.stop()
    print("## The tray while the API is under load\n")
    print(
        "How long the icon takes to answer over D-Bus, asked every 20 ms; Qt answers on the main "
        f"thread. Under load for {bench_api.LOAD_S:.0f} s.\n"
    )
    print(table(rows))


def _rows(desktop: Desktop) -> list[Row]:
    watcher = TrayWatcher(desktop.bus_address)
    watcher.start()
    program = OmniTray(desktop)
    running = program.start()
    wait_until(lambda: watcher.registered, "the icon is registered")
    caller = Caller(desktop.bus_address)
    item = TrayItem(caller, watcher.registered[-1])
    time.sleep(3)
    quiet = _answers(item, threading.Event(), QUIET_S)
    over = threading.Event()
    loaded: list[float] = []
    asking = threading.Thread(target=lambda: loaded.extend(_answers(item, over, 1e9)))
    asking.start()
    address = read_address(program.home / "run" / "api.json")
    assert address is not None
    rows = list(bench_api.load_rows(running.pid, address))
    over.set()
    asking.join()
    caller.close()
    program.end()
    watcher.die()
    calm, busy = spread(quiet), spread(loaded)
    return [
        Row("the icon answers, API at rest", calm.told("ms")),
        within(
            "the icon answers under load, longest",
            busy.worst,
            BUDGET_MS,
            "ms",
            told=busy.told("ms"),
        ),
        *rows,
    ]


def _answers(item: TrayItem, over: threading.Event, at_most_s: float) -> list[float]:
    end, took = time.monotonic() + at_most_s, []
    while time.monotonic() < end and not over.wait(ASK_EVERY_S):
        start = time.perf_counter()
        assert item.tooltip
        took.append(1000 * (time.perf_counter() - start))
    return took


if __name__ == "__main__":
    main()

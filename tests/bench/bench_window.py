"""What the window costs: first show, a refresh of its charts, opening a long history.

Painted by Qt's offscreen platform, that is by the same raster engine as on a screen, without the
way to a display server. Times are of one process on an otherwise free core.
"""

import importlib
import os
import resource
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from omnitray.api.status import Status
from omnitray.base.facts import Job, Snapshot
from omnitray.protector.view import ProtectionView
from support.bench import Row, spread, table, within

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from omnitray.ui.window import MainWindow
    from support.samples import ListedAlerts

Facts = tuple[list[Snapshot], tuple[Job, ...], ProtectionView, Status]
SHOW_BUDGET_MS = 200.0
REFRESHES = 60
FIRST_SHOWS = 5
HISTORY = 5000
_MS = 1000.0


def main() -> None:
    """Print the section."""
    if len(sys.argv) > 2:
        print(*PARTS[sys.argv[2]](), sep="\n")
        return
    shows = [_part("first_show") for _ in range(FIRST_SHOWS)]
    rows = [
        within("first show of the window (import, build, paint)", *_median(shows, 0)),
        Row("… of which importing the modules", _told(shows, 1)),
        Row("… of CPU", _told(shows, 2)),
        Row("… memory added by the open window", f"{shows[0][3]:.0f} MB"),
        *_chart_rows(),
        *_history_rows(),
    ]
    print("## The window\n")
    print(__doc__.split("\n\n", 1)[1])
    print(table(rows))


def _median(parts: list[list[float]], column: int) -> tuple[float, float, str]:
    return spread(part[column] for part in parts).median, SHOW_BUDGET_MS, "ms"


def _told(parts: list[list[float]], column: int) -> str:
    return spread(part[column] for part in parts).told("ms", 0)


def _chart_rows() -> list[Row]:
    rows = []
    for scale in (1, 2):
        figures = _part("refresh", scale)
        told = spread(figures).told("ms")
        rows.append(Row(f"refresh of 4 charts × 600 points at {100 * scale} %, CPU", told))
    return rows


def _history_rows() -> list[Row]:
    figures = [_part("history") for _ in range(3)]
    opening, scrolling = (spread(part[n] for part in figures).median for n in (0, 1))
    return [
        within(f"opening a history of {HISTORY:,} alerts", opening, SHOW_BUDGET_MS, "ms"),
        Row(f"scrolling through all {HISTORY:,} of them", f"{scrolling:.0f} ms"),
        Row("a page of alerts painted", f"{figures[0][2]:.1f} ms"),
    ]


def _part(name: str, scale: int = 1) -> list[float]:
    """Measure one part in a fresh process: imports and fonts are loaded once only."""
    code = "import sys, bench_window; sys.argv = ['', '', sys.argv[1]]; bench_window.main()"
    ours = {"QT_QPA_PLATFORM": "offscreen", "QT_SCALE_FACTOR": str(scale)}
    environment = {**os.environ, **ours}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed program is compiled
    done = subprocess.run(
        [sys.executable, "-c", code, name],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return [float(line) for line in done.stdout.split()]


def first_show() -> list[float]:
    """Milliseconds until painted, of which imports, of which CPU; megabytes added."""
    importlib.import_module("omnitray.ui.tray.tray")  # the running program has these already
    importlib.import_module("omnitray.settings.file")
    from PySide6.QtWidgets import QApplication  # noqa: PLC0415 - one process a part

    app = QApplication([])
    alerts, facts = _alerts(10), _facts()
    before, worked = _resident_mb(), time.process_time()
    start = time.perf_counter()
    from omnitray.ui.window import MainWindow  # noqa: PLC0415 - this is what is measured

    imported = time.perf_counter()
    _fed(MainWindow(alerts), app, facts)
    shown = time.perf_counter()
    worked = time.process_time() - worked
    return [_MS * (shown - start), _MS * (imported - start), _MS * worked, _resident_mb() - before]


def refresh() -> list[float]:
    """Milliseconds of CPU for each repaint of the four charts."""
    from PySide6.QtWidgets import QApplication  # noqa: PLC0415 - one process a part

    from omnitray.ui.pages.overview import OverviewPage  # noqa: PLC0415 - likewise
    from omnitray.ui.window import MainWindow  # noqa: PLC0415 - likewise
    from support import samples  # noqa: PLC0415 - likewise

    app = QApplication([])
    window = _fed(MainWindow(_alerts(10)), app)
    window.set_history(samples.snapshots(600, 0.5))
    overview = window.pages.get(OverviewPage)
    assert overview is not None
    charts = [card.chart for card in overview.cards.values()]
    figures = []
    for _ in range(REFRESHES):
        app.processEvents()
        start = time.process_time()
        for chart in charts:
            chart.refresh()
            chart.repaint()
        figures.append(_MS * (time.process_time() - start))
    return figures


def history() -> list[float]:
    """Milliseconds to open the page, to scroll to its end, to paint it once."""
    from PySide6.QtWidgets import QApplication  # noqa: PLC0415 - one process a part

    from omnitray.ui.window import MainWindow  # noqa: PLC0415 - likewise

    app = QApplication([])
    window = _fed(MainWindow(_alerts(HISTORY)), app)
    start = time.perf_counter()
    window.show_page("alerts")
    app.processEvents()
    opened = time.perf_counter()
    from omnitray.ui.pages.alerts.page import AlertsPage  # noqa: PLC0415 - likewise

    page = window.pages.get(AlertsPage)
    assert page is not None
    while page.model.has_more:
        page.view.scrollToBottom()
        app.processEvents()
    scrolled = time.perf_counter()
    page.view.viewport().repaint()
    painted = time.perf_counter()
    return [_MS * (opened - start), _MS * (scrolled - opened), _MS * (painted - scrolled)]


def _alerts(count: int) -> "ListedAlerts":
    from support import samples  # noqa: PLC0415 - one process a part

    return samples.ListedAlerts(samples.many_alerts(count))


def _facts() -> Facts:
    from support import samples  # noqa: PLC0415 - one process a part

    return samples.snapshots(), samples.jobs(), samples.protection(), samples.status()


def _fed(window: "MainWindow", app: "QApplication", facts: Facts | None = None) -> "MainWindow":
    from omnitray.settings.model import Settings  # noqa: PLC0415 - one process a part

    snapshots, jobs, view, status = facts or _facts()
    window.show_settings(Settings())
    window.set_history(snapshots)
    window.show_jobs(jobs)
    window.show_actions(view)
    window.show_status(status)
    window.show()
    app.processEvents()  # lays out, exposes and paints
    return window


def _resident_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


PARTS = {"first_show": first_show, "refresh": refresh, "history": history}

"""The whole window with sample facts on every page, for pictures and for tests of its sizes."""

import msgspec
from PySide6.QtCore import Qt

from omnitray.api.status import Status
from omnitray.settings.model import Settings
from omnitray.ui.theme import Theme
from omnitray.ui.window import MainWindow
from support import page_samples, run_samples, samples, server_samples
from support.clock import FakeClock
from support.samples import NOW, ListedAlerts

LONG_WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
LONG_PATH = f"https://example.invalid/{'folder_of_things/' * 9}test_file.py::test_it[a=1]"
RIGHT_TO_LEFT = "خادم الويب متوقف عن العمل"
NAMES = {"plain": "", "long": LONG_WORD, "path": LONG_PATH, "right to left": RIGHT_TO_LEFT}


def sample_window(name: str = "", theme: Theme | None = None) -> MainWindow:
    """The window of a busy afternoon, in which ``name`` stands wherever others give one."""
    alerts, jobs, view = samples.alerts(), samples.jobs(), samples.protection()
    if name:
        alerts[0] = msgspec.structs.replace(
            alerts[0],
            title=f"Server “{name}” is down",
            message=f"{name} went down in {name}",
            context={"where": name, "culprits": [{"job": name, "cpu": 98.0, "rss_bytes": 5e9}]},
        )
        jobs = (msgspec.structs.replace(jobs[0], name=name, project=f"~/{name}"), *jobs[1:])
        held = msgspec.structs.replace(view.held[0], title=name, why=name)
        view = msgspec.structs.replace(view, held=(held, *view.held[1:]))
    window = MainWindow(
        ListedAlerts(alerts),
        clock=FakeClock(wall=NOW),
        theme=theme or Theme(Qt.ColorScheme.Light),
        server_log=server_samples.server_log,
        sources=page_samples.sources(name),
        runs=lambda: run_samples.runs(name),
    )
    window.show_settings(Settings())
    window.set_history(samples.snapshots())
    window.set_alert_history(alerts)
    window.show_jobs(jobs)
    window.show_actions(view)
    window.show_servers(server_samples.servers(name))
    window.show_status(samples.status())
    window.pages.show_inspection(samples.look())
    return window


def empty_window(theme: Theme | None = None) -> MainWindow:
    """The window of the first minute: nothing is known and nothing has happened."""
    clock = FakeClock(wall=NOW)
    window = MainWindow(ListedAlerts([]), clock=clock, theme=theme or Theme(Qt.ColorScheme.Light))
    window.show_settings(Settings())
    window.show_status(Status())
    return window

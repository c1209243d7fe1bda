"""What a person can ask for: the one way from what is seen to what is done.

Tray, window and pages emit these signals; :mod:`omnitray.ui.window_controller` and
:mod:`omnitray.ui.shell` connect each of them once. What a signal carries stands beside it.
"""

from PySide6.QtCore import QObject, Signal


class Intents(QObject):
    """One object for the whole user interface, handed to everything that has a button."""

    # Where to look
    window_requested = Signal(str)  # name of a page, "" for the one shown last
    job_opened = Signal(object)  # Job or None: show it among the processes
    # tuple[str, ...], keys of jobs: ask, on the page that lists what would be ended
    jobs_end_asked = Signal(object)
    # tuple[Job, ...], key of the chosen one, whether disk I/O and memory are shown
    inspection_wanted = Signal(object, str, bool)

    # The machine
    mode_requested = Signal(object)  # Mode
    level_requested = Signal(object)  # MonitorLevel, None for automatic
    setting_requested = Signal(str, object)  # key, new value as the file would hold it

    # Protection
    protect_state_requested = Signal(object)  # ProtectState
    protect_pause_requested = Signal(float)  # seconds for which the protector only watches
    job_action_requested = Signal(str, str)  # job key, an Answer, "resume", "unprotect", "always_…"
    undo_requested = Signal(str)  # action id
    undo_all_requested = Signal()
    answer_given = Signal(str, str)  # question id, Answer

    # Alerts
    pause_requested = Signal(object)  # seconds for which notifications pause; None resumes them
    # Alert ids as tuple[str, ...], or the AlertQuery that all of them pass.
    acknowledge_requested = Signal(object)
    resolve_requested = Signal(object)
    snooze_requested = Signal(str, float)  # alert id, seconds
    open_file_requested = Signal(str)  # alert id
    export_requested = Signal(object, str)  # AlertQuery, path ending in .json or .csv

    # Watched servers
    server_requested = Signal(str, str)  # name, "start", "stop", "restart" or "remove"
    server_declared = Signal(object)  # dict, fields of a [[server]] to write into the settings
    server_log_requested = Signal(str)  # path of a log to open
    url_requested = Signal(str)  # an address to open

    # Webhooks
    webhook_requested = Signal(str, str)  # name, "test", "pause", "resume", "retry" or "remove"
    webhook_declared = Signal(object)  # dict, fields of a [[webhook]] to write into the settings

    # Trends
    text_export_requested = Signal(str, str)  # path, what to write there

    # The program
    banner_action_requested = Signal()
    autostart_requested = Signal(bool)
    about_requested = Signal()
    documentation_requested = Signal()
    dashboard_requested = Signal()
    quit_requested = Signal()

"""The one small window: sidebar, sentence, selectors, pages, footer.

Facts come in through the public slots, intents go out through the signals; nothing is decided
here. Pages are built when they are first shown and are handed the newest facts then, so that the
first show of the window pays for one page only. Import this module when the window is first
wanted: the tray at rest does without it.
"""

from collections.abc import Iterable

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QWidget

from omnitray.core.alert import Alert
from omnitray.core.clock import Clock, SystemClock
from omnitray.core.facts import Job, Snapshot
from omnitray.core.protection_view import ProtectionView, Question
from omnitray.core.status import Status
from omnitray.qt.place import NoPlaces, PlaceStore


class MainWindow(QWidget):
    """The window. Arguments: the alerts to query, where its place is kept, the clock.

    Closing it only hides it; the tray goes on.
    """

    mode_requested = Signal(object)  # Mode
    level_requested = Signal(object)  # MonitorLevel, or None for automatic
    acknowledge_requested = Signal(str)  # alert id
    snooze_requested = Signal(str, float)  # alert id, seconds
    export_requested = Signal(object, str)  # AlertQuery, path ending in .json or .csv
    open_file_requested = Signal(str)  # alert id
    settings_change_requested = Signal(str, object)  # key, new value
    job_action_requested = Signal(
        str, str
    )  # job key; slow_down|pause|resume|end|protect|leave_alone
    undo_requested = Signal(str)  # action id
    undo_all_requested = Signal()
    protect_state_requested = Signal(object)  # ProtectState
    answer_given = Signal(str, str)  # question id, Answer
    banner_action_requested = Signal()

    def __init__(
        self,
        alerts: object,
        *,
        places: PlaceStore | None = None,
        clock: Clock | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._alerts = alerts
        self._places = places or NoPlaces()
        self._clock = clock or SystemClock()

    @Slot(object)
    def show_status(self, status: Status) -> None:
        """The newest status: headline, selectors, footer, badge."""

    @Slot(object)
    def add_snapshot(self, snapshot: Snapshot) -> None:
        """One more reading for the charts."""

    def set_history(self, snapshots: Iterable[Snapshot]) -> None:
        """Replace what the charts show, oldest first: the backfill at the first show."""

    @Slot(object)
    def show_jobs(self, jobs: tuple[Job, ...]) -> None:
        """The newest scan of the jobs."""

    @Slot(object)
    def show_alert(self, alert: Alert) -> None:
        """A new alert, or one that changed."""

    def set_alert_history(self, alerts: Iterable[Alert]) -> None:
        """The alerts whose markers the charts show."""

    @Slot(str)
    def show_page(self, name: str) -> None:
        """Turn to overview, processes, protection, alerts or settings."""

    @Slot(str)
    def show_alert_details(self, alert_id: str) -> None:
        """Turn to the alerts page with this very alert selected, whatever the filter was."""

    def show_settings(self, settings: object, problems: tuple[object, ...] = ()) -> None:
        """The settings in force and what was wrong in the file."""

    @Slot(object)
    def show_actions(self, view: ProtectionView) -> None:
        """What is under action, why, and what it did."""

    @Slot(object)
    def show_question(self, question: Question | None) -> None:
        """Ask, in a banner on every page; None takes the question away."""

    def show_banner(self, text: str, action: str = "") -> None:
        """One sentence above the page, with a button if ``action`` names one; "" hides it."""

    def show_now(self) -> None:
        """Show, un-minimise and raise."""

"""What every page is: a widget that is built when it is first shown and then given what is new.

A page overrides the methods for the facts that it shows; the others do nothing. It asks for things
through ``context.intents`` only.
"""

import enum
from collections.abc import Callable, Collection, Sequence
from typing import Protocol

import msgspec
from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QLineEdit, QWidget

from omnitray.alerts.channels.deliveries import ChannelView, Delivery
from omnitray.alerts.channels.webhooks.standing import WebhookTest, WebhookView
from omnitray.alerts.model import Alert
from omnitray.alerts.storage.query import AlertQuery
from omnitray.base.clock import Clock
from omnitray.base.facts import Job, ProcessReport
from omnitray.metrics.aggregate import JobCost, MetricPoint, Period
from omnitray.protector.inspection import JobInspection
from omnitray.protector.view import ActionFeedback, ProtectionView
from omnitray.runs.history import RunSource, no_runs
from omnitray.servers.model import ServerView
from omnitray.settings.faults import Problem
from omnitray.settings.model import Settings
from omnitray.ui.charts.job_tracks import JobTracks
from omnitray.ui.charts.readings import ChartReadings
from omnitray.ui.charts.spans import HeldSpans
from omnitray.ui.intents import Intents
from omnitray.ui.theme import Theme
from omnitray.ui.window_place import TableState


class AlertSource(Protocol):
    """The history, as the window sees it."""

    def query(self, query: AlertQuery) -> list[Alert]:
        """Alerts that pass, newest ``last_seen`` first, from ``offset`` at most ``limit``."""
        ...


ServerLog = Callable[[str, int], tuple[str, ...]]  # name and lines: the end of a server's log


def no_log(_name: str, _lines: int) -> tuple[str, ...]:
    """Where no server is watched."""
    return ()


DeliveriesOf = Callable[[str], tuple[Delivery, ...]]  # of an alert's id


def no_deliveries(_alert_id: str) -> tuple[Delivery, ...]:
    """Where no channel reports."""
    return ()


def no_channels() -> tuple[ChannelView, ...]:
    """Where there are none."""
    return ()


def no_webhooks() -> tuple[WebhookView, ...]:
    """Where there are none."""
    return ()


MetricPoints = Callable[[str, Period, float, float], list[MetricPoint]]
CostlyJobs = Callable[[float, float], list[JobCost]]


def no_points(_series: str, _by: Period, _since: float, _until: float) -> list[MetricPoint]:
    """Where nothing is kept."""
    return []


def no_costs(_since: float, _until: float) -> list[JobCost]:
    """Where nothing is kept."""
    return []


Describe = Callable[..., ProcessReport | None]  # pid, start ticks, environment=


def no_report(_pid: int, _start_ticks: int, *, environment: bool) -> None:
    """Where there is no report about a process."""


class WindowFacts(msgspec.Struct, kw_only=True):
    """The newest of all facts that the window was given; a page that is built later reads it."""

    readings: ChartReadings = msgspec.field(default_factory=ChartReadings)
    jobs: tuple[Job, ...] = ()
    view: ProtectionView = ProtectionView()
    inspection: JobInspection = JobInspection()
    settings: Settings = msgspec.field(default_factory=Settings)
    problems: tuple[Problem, ...] = ()
    marked: dict[str, Alert] = {}
    range_s: float = 300.0
    servers: tuple[ServerView, ...] = ()
    tables: dict[str, TableState] = {}
    job_tracks: JobTracks = msgspec.field(default_factory=JobTracks)
    spans: HeldSpans = msgspec.field(default_factory=HeldSpans)


class Inspects(enum.Enum):
    """How closely a page looks at the jobs: not at all, at who is protected, at all figures."""

    NOTHING = 0
    BADGES = 1
    FIGURES = 2


class PageSources(msgspec.Struct, frozen=True, kw_only=True):
    """What pages ask for by themselves: how channels stand, and long-term figures."""

    channels: Callable[[], tuple[ChannelView, ...]] = no_channels
    webhooks: Callable[[], tuple[WebhookView, ...]] = no_webhooks
    metric_points: MetricPoints = no_points
    costly_jobs: CostlyJobs = no_costs


class PageContext(msgspec.Struct, frozen=True, kw_only=True):
    """What a page is built from."""

    theme: Theme
    intents: Intents
    alerts: AlertSource
    clock: Clock
    facts: WindowFacts
    server_log: ServerLog = no_log
    describe: Describe = no_report
    deliveries: DeliveriesOf = no_deliveries
    runs: RunSource = no_runs
    sources: PageSources = PageSources()


class Page(QWidget):
    """Base of all pages. ``search`` is the field that Ctrl+F goes to, if the page has one.

    ``inspects`` asks for a closer look at the jobs while the page is in sight.
    """

    item_chosen = Signal()
    search: QLineEdit | None = None
    inspects = Inspects.NOTHING

    def __init__(self, context: PageContext) -> None:
        super().__init__()
        self.setObjectName("page")
        self.context = context

    @property
    def chosen_key(self) -> str:
        """Key of the chosen item, empty where none is."""
        return ""

    def select(self, key: str) -> None:
        """Choose an item by its key."""

    def show_readings(self) -> None:
        """A reading was added to ``facts.readings``."""

    def restart(self) -> None:
        """The readings were replaced."""

    def show_marks(self) -> None:
        """Other alerts are in ``facts.marked``."""

    def show_settings(self) -> None:
        """Other settings or problems are in force."""

    def show_view(self) -> None:
        """The protector has another view."""

    def show_jobs(self) -> None:
        """A scan, a view or an inspection is new; called for the page in sight only."""

    def take_alerts(self, alerts: Sequence[Alert]) -> None:
        """These alerts are new or have changed."""

    def show_deliveries(self, alert_ids: Collection[str]) -> None:
        """Something became of these alerts on some channel."""

    def show_webhook_test(self, test: WebhookTest) -> None:
        """What a receiver answered to a test."""

    def show_servers(self) -> None:
        """A watched server stands differently."""

    def show_feedback(self, feedback: ActionFeedback) -> None:
        """What came of a request; called for the page in sight only."""

    def ask_to_end(self, jobs: tuple[Job, ...]) -> None:
        """Ask whether these jobs are to be ended, where their processes are listed."""

    @Slot()
    def reload(self) -> None:
        """Ask again for what is asked for (F5, and the first show)."""

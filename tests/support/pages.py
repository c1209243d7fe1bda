"""A page outside of the window: its context with sample facts, and what it asks for."""

from typing import TypeVar

from PySide6.QtCore import Qt

from omnitray.base.facts import Job
from omnitray.protector.inspection import JobInspection
from omnitray.protector.view import ProtectionView
from omnitray.ui.intents import Intents
from omnitray.ui.pages.page import AlertSource, Page, PageContext, WindowFacts
from omnitray.ui.theme import Theme
from omnitray.ui.window import MainWindow
from support import samples
from support.clock import FakeClock

P = TypeVar("P", bound=Page)


def built(window: MainWindow, kind: type[P]) -> P:
    """A page of the window that was shown already."""
    page = window.pages.get(kind)
    assert page is not None
    return page


def page_context(alerts: AlertSource | None = None) -> PageContext:
    """Light, at the samples' moment, with no facts yet."""
    return PageContext(
        theme=Theme(Qt.ColorScheme.Light),
        intents=Intents(),
        alerts=alerts or samples.ListedAlerts(),
        clock=FakeClock(wall=samples.NOW),
        facts=WindowFacts(),
    )


def show_view(page: Page, view: ProtectionView) -> None:
    """Let the page show another view of the protector."""
    page.context.facts.view = view
    page.show_view()


def show_jobs(
    page: Page,
    jobs: tuple[Job, ...],
    view: ProtectionView | None = None,
    inspection: JobInspection | None = None,
) -> None:
    """Let the page show another scan."""
    facts, clock = page.context.facts, page.context.clock
    if isinstance(clock, FakeClock):
        clock.advance(5)  # so much later: lists are put in order again
    facts.jobs, facts.view = jobs, view or ProtectionView()
    facts.inspection = inspection or JobInspection()
    page.show_jobs()

"""The tray icon's drawing: two gauges, CPU and memory, and a badge for the mood.

Everything is laid out in whole device pixels by :func:`layout` (pure), so that each size is its
own drawing and nothing is scaled: a 22 px icon on a 150 % screen is a drawing of 33 px. The mood
is told by the badge's shape, not by its colour alone: a triangle, an octagon with an exclamation
mark, two pause bars; no badge when all is good, dashes for figures when there is no reading.
Colours are Okabe and Ito's.
"""

import enum

import msgspec
from PySide6.QtGui import QIcon

from omnitray.core.status import Mood, Status, sentence


class Panel(enum.Enum):
    """What the icon stands on."""

    LIGHT = "light"
    DARK = "dark"


class IconFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the icon shows; equal facts are equal pictures. Steps of ``STEP_PERCENT``."""

    cpu_percent: int | None
    memory_percent: int | None
    mood: Mood


STEP_PERCENT = 2
TRAY_SIZES = (16, 22, 24, 32, 48, 64)


def icon_facts(status: Status) -> IconFacts:
    """The visible part of a status."""
    shot = status.snapshot
    return IconFacts(
        cpu_percent=_stepped(shot.cpu_percent if shot else None),
        memory_percent=_stepped(shot.memory_percent if shot else None),
        mood=sentence(status).mood,
    )


def tray_icon(facts: IconFacts, panel: Panel) -> QIcon:
    """The icon with a drawing for each of ``TRAY_SIZES``."""
    raise NotImplementedError


def _stepped(percent: float | None) -> int | None:
    if percent is None:
        return None
    return STEP_PERCENT * round(min(100.0, max(0.0, percent)) / STEP_PERCENT)

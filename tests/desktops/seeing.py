"""Finds things on a screenshot: the tray icon by its colours, the window by its ground."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from PySide6.QtGui import QColor, QImage

from omnitray.ui.theme import DARK, LIGHT
from omnitray.ui.tray.icon import INKS, Panel

_STRIP = 64  # panels stand at the upper and lower edge
_NEAR = 20  # a channel: panels scale and blend
_PANEL = 40  # what changes there is a clock, or an icon
_CELL = 4
_REACH = range(-3 * _CELL, 3 * _CELL + 1, _CELL)  # gaps within a thing: it shows the ground there
_FEW = 4  # pixels of a colour: less is chance


class FoundIcon(NamedTuple):
    """Where it is, and for which panel it was drawn."""

    x: int
    y: int
    panel: Panel


def find_icon(picture: Path, before: Path) -> FoundIcon | None:
    """The icon on a panel, by the colours of its two levels where nothing had them ``before``."""
    image, empty = QImage(str(picture)), QImage(str(before))
    # By the level of CPU: the badge of a warning has the colour of memory on a dark panel.
    seen = {
        panel: [
            each
            for each in _places(image, ink.cpu)
            if not _is_near(empty.pixelColor(*each), ink.cpu)
        ]
        for panel, ink in INKS.items()
    }
    panel = max(seen, key=lambda each: len(seen[each]))
    places = seen[panel]
    if len(places) < _FEW:
        return None
    xs, ys = sorted(x for x, _ in places), sorted(y for _, y in places)
    return FoundIcon(xs[len(xs) // 2], ys[len(ys) // 2], panel)


def window_look(picture: Path) -> str:
    """``light`` or ``dark``, by the ground of our window; empty where it is not in sight."""
    image = QImage(str(picture))
    counts = {
        name: sum(1 for _ in _everywhere(image, QColor(colours.window)))
        for name, colours in (("light", LIGHT), ("dark", DARK))
    }
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] > image.width() * image.height() / 64 / 20 else ""


def changed(before: Path, after: Path) -> int:
    """How many pixels of every eighth row and column differ."""
    one, other = QImage(str(before)), QImage(str(after))
    if one.size() != other.size():
        return one.width() * one.height()
    return sum(
        one.pixel(x, y) != other.pixel(x, y)
        for x in range(0, one.width(), 8)
        for y in range(0, one.height(), 8)
    )


def what_appeared(before: Path, after: Path) -> tuple[int, int, int, int] | None:
    """Left, top, width and height of the largest thing that differs; panels are left out."""
    one, other = QImage(str(before)), QImage(str(after))
    left = {
        (x, y)
        for y in range(_PANEL, one.height() - _PANEL, _CELL)
        for x in range(0, one.width(), _CELL)
        if one.pixel(x, y) != other.pixel(x, y)
    }
    largest: set[tuple[int, int]] = set()
    while left:
        thing, edge = set[tuple[int, int]](), [left.pop()]
        while edge:
            x, y = edge.pop()
            thing.add((x, y))
            around = {(x + dx, y + dy) for dx in _REACH for dy in _REACH} & left
            left -= around
            edge += around
        largest = max(largest, thing, key=len)
    if not largest:
        return None
    xs, ys = [x for x, _ in largest], [y for _, y in largest]
    return min(xs), min(ys), max(xs) - min(xs) + _CELL, max(ys) - min(ys) + _CELL


def _places(image: QImage, colour: QColor) -> Iterator[tuple[int, int]]:
    height = image.height()
    rows = [*range(min(_STRIP, height)), *range(max(_STRIP, height - _STRIP), height)]
    for y in rows:
        for x in range(image.width()):
            if _is_near(image.pixelColor(x, y), colour):
                yield x, y


def _everywhere(image: QImage, colour: QColor) -> Iterator[tuple[int, int]]:
    for y in range(0, image.height(), 8):
        for x in range(0, image.width(), 8):
            if image.pixelColor(x, y).rgb() == colour.rgb():
                yield x, y


def _is_near(one: QColor, other: QColor) -> bool:
    return all(
        abs(a - b) <= _NEAR
        for a, b in (
            (one.red(), other.red()),
            (one.green(), other.green()),
            (one.blue(), other.blue()),
        )
    )

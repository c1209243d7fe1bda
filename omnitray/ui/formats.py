"""Figures and texts for people: units, durations, clock times, one-line names. Pure.

A figure that could not be read is a dash, never 0.
"""

import datetime as dt
import re
import unicodedata

from omnitray.base import amounts

DASH = "–"
MINUTE_S = 60.0
HOUR_S = 3600.0
DAY_S = 86400.0
_SILENT_BPS = 50_000.0  # growth under 0.05 MB/s is what every process does
_TITLE_LIMIT = 300
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_BEFORE_A_UNIT = re.compile(r"(?<=\d) (?=(?:%|[kMGT]?B|ms|s|min|h|days?)(?!\w))")
_BREAK = "\u200b"  # zero width space: a line may end here
_LONGEST_RUN = 24  # letters: at 24 pt about half of the narrowest column of text
_LONG_WORD = re.compile(r"\S{17,}")
_JOINT = re.compile(r"(?<=[/._:=])(?=[^/._:=])")
_MARKS = {0x200B: None, 0x2060: None, 0x2068: None, 0x2069: None, 0xA0: " "}
_JOINERS = "\u200c\u200d"  # written in Persian, Hindi and emoji: harmless and needed


def percent(value: float | None, digits: int = 0) -> str:
    """``43 %``."""
    return DASH if value is None else f"{value:.{digits}f} %"


def size(value: float | None) -> str:
    """``14.2 GB``, in the words of :func:`omnitray.base.amounts.size`."""
    return DASH if value is None else amounts.size(max(0.0, value))


def rate(value: float | None) -> str:
    """``84 MB/s``."""
    return DASH if value is None else amounts.rate(max(0.0, value))


def growth(value: float | None) -> str:
    """``+310 MB/s``; 0 where it is as good as nothing."""
    if value is None:
        return DASH
    if abs(value) < _SILENT_BPS:
        return "0"
    return ("+" if value > 0 else "−") + rate(abs(value))


def duration(seconds: float) -> str:
    """``48 s``, ``3 min``, ``2 h 5 min``, ``3 days``."""
    if seconds < MINUTE_S:
        return f"{max(0.0, seconds):.0f} s"
    if seconds < HOUR_S:
        return f"{seconds // MINUTE_S:.0f} min"
    if seconds < DAY_S:
        minutes = seconds % HOUR_S // MINUTE_S
        hours = f"{seconds // HOUR_S:.0f} h"
        return f"{hours} {minutes:.0f} min" if minutes else hours
    days = int(seconds // DAY_S)
    return f"{days} day{'s' if days > 1 else ''}"


def clock_time(wall_s: float, *, seconds: bool = True) -> str:
    """``14:02:11`` in local time."""
    moment = dt.datetime.fromtimestamp(wall_s).astimezone()
    return moment.strftime("%H:%M:%S" if seconds else "%H:%M")


def when(wall_s: float, now_s: float, *, brief: bool = False) -> str:
    """``14:02:11`` today, ``Yesterday 14:02``, ``12 Nov 14:02``, with the year when it is old.

    ``brief`` leaves the time away once the day is over.
    """
    moment = dt.datetime.fromtimestamp(wall_s).astimezone()
    today = dt.datetime.fromtimestamp(now_s).astimezone().date()
    days = (today - moment.date()).days
    if days == 0:
        return moment.strftime("%H:%M:%S")
    if days == 1:
        return moment.strftime("Yesterday" if brief else "Yesterday %H:%M")
    if moment.year == today.year:
        return f"{moment.day} {moment.strftime('%b' if brief else '%b %H:%M')}"
    return moment.strftime("%Y-%m-%d")


def count(number: int, noun: str) -> str:
    """``1 process``, ``9 processes``."""
    if number == 1:
        return f"1 {noun}"
    return f"{number:,} {noun}{'es' if noun.endswith('s') else 's'}".replace(",", "\u2009")


def one_line(text: str, limit: int = _TITLE_LIMIT) -> str:
    """Foreign text as one harmless line: no control, bidi override or line separator survives.

    Right-to-left text keeps its letters; it is isolated so that it cannot turn around what
    stands beside it.
    """
    part = text[: 4 * limit]
    plain = part.isascii() and part.isprintable()
    line = " ".join((part if plain else "".join(map(_visible, part))).split())
    if len(line) > limit:
        line = line[: limit - 1] + "…"
    return f"\u2068{line}\u2069" if not plain and _runs_backwards(line) else line


def block(text: str, limit: int = 4000) -> str:
    """Foreign text of several lines, each made harmless like :func:`one_line`."""
    shown = text[:limit]
    rows = [one_line(row, limit) for row in shown.splitlines()]
    return "\n".join(rows) + (" …" if len(text) > limit else "")


def unbroken(text: str) -> str:
    """A text in which no line ends between a figure and its unit, nor within ``B/s``."""
    return _BEFORE_A_UNIT.sub("\u00a0", text).replace("B/s", "B/\u2060s")


def breakable(text: str) -> str:
    """A text in which long words (names, paths, addresses) can go on in the next line.

    They break after ``/ . _ : =``, and where none of these comes for long, anywhere.
    """
    return _LONG_WORD.sub(lambda word: _with_breaks(word[0]), text)


def _with_breaks(word: str) -> str:
    joints = _JOINT.sub(_BREAK, word).split(_BREAK)
    return _BREAK.join(_BREAK.join(_pieces(each)) for each in joints)


def _pieces(run: str) -> list[str]:
    """Runs of letters that do not change their shape at a break, so that none is cut in two."""
    if len(run) <= _LONGEST_RUN or not all(map(_stands_alone, run)):
        return [run]
    return [run[start : start + _LONGEST_RUN] for start in range(0, len(run), _LONGEST_RUN)]


def _stands_alone(letter: str) -> bool:
    return letter.isascii() or (
        unicodedata.bidirectional(letter) == "L" and unicodedata.category(letter)[0] in "LN"
    )


def without_marks(text: str) -> str:
    """A text as it is copied: without what only tells the screen how to lay it out."""
    return text.translate(_MARKS)


def _visible(letter: str) -> str:
    if letter in _JOINERS:
        return letter
    return " " if unicodedata.category(letter) in _INVISIBLE else letter


def _runs_backwards(line: str) -> bool:
    return any(unicodedata.bidirectional(letter) in {"R", "AL", "AN"} for letter in line)

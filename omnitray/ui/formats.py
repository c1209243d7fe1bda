"""Figures and texts for people: units, durations, clock times, one-line names. Pure.

A figure that could not be read is a dash, never 0.
"""

import datetime as dt
import functools
import re
import unicodedata
from typing import NamedTuple

from omnitray.base import amounts
from omnitray.base.facts import Job

DASH = "–"
MINUTE_S = 60.0
HOUR_S = 3600.0
DAY_S = 86400.0
_NOON = 12
_SILENT_BPS = 50_000.0  # growth under 0.05 MB/s is what every process does
_TITLE_LIMIT = 300
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_BEFORE_A_UNIT = re.compile(r"(?<=\d) (?=(?:%|[kMGT]?B|ms|s|min|h|days?)(?!\w))")
_START, _END = "\u2068", "\u2069"  # first strong isolate, and its end
_BREAK = "\u200b"  # zero width space: a line may end here
_LONGEST_RUN = 16  # letters: with a figure beside them the narrowest column at 24 pt has room
_LONG_WORD = re.compile(r"\S{17,}")
_JOINT = re.compile(r"(?<=[/._:=])(?=[^/._:=])")
_MARKS = {0x200B: None, 0x2060: None, 0x2068: None, 0x2069: None, 0xA0: " "}
_JOINERS = "\u200c\u200d"  # written in Persian, Hindi and emoji: harmless and needed


class LocaleForms(NamedTuple):
    """How figures and dates are written where the person lives; the sentences stay English."""

    decimal: str = "."
    twelve_hours: bool = False
    months: tuple[str, ...] = (
        *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
        *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    )
    month_first: bool = False


_forms = LocaleForms()


def use_locale(forms: LocaleForms) -> None:
    """Write all figures and dates so from now on; once, at the start of what is seen."""
    global _forms  # noqa: PLW0603 - there is one person at one desktop
    _forms = forms


def number(value: float, pattern: str = "g") -> str:
    """A figure by Python's pattern, with the locale's decimal point."""
    return _local(format(value, pattern))


def _local(figure: str) -> str:
    return figure if _forms.decimal == "." else figure.replace(".", _forms.decimal)


def percent(value: float | None, digits: int = 0) -> str:
    """``43 %``."""
    return DASH if value is None else _local(f"{value:.{digits}f} %")


def size(value: float | None) -> str:
    """``14.2 GB``, in the words of :func:`omnitray.base.amounts.size`."""
    return DASH if value is None else _local(amounts.size(max(0.0, value)))


def rate(value: float | None) -> str:
    """``84 MB/s``."""
    return DASH if value is None else _local(amounts.rate(max(0.0, value)))


def growth(value: float | None) -> str:
    """``+310 MB/s``; 0 where it is as good as nothing."""
    if value is None:
        return DASH
    if abs(value) < _SILENT_BPS:
        return "0"
    return ("+" if value > 0 else "−") + rate(abs(value))


def duration(seconds: float) -> str:
    """``0.4 s``, ``48 s``, ``3 min``, ``2 h 5 min``, ``3 days``."""
    if 0.0 < seconds < 1.0:
        return f"{max(seconds, 0.1):.1f} s" if seconds < 0.95 else "1 s"  # noqa: PLR2004 - rounded
    if seconds < MINUTE_S:
        return f"{max(0.0, seconds):.0f} s"
    if seconds < HOUR_S:
        return f"{seconds // MINUTE_S:.0f} min"
    if seconds < DAY_S:
        minutes = seconds % HOUR_S // MINUTE_S
        hours = f"{seconds // HOUR_S:.0f} h"
        return f"{hours} {minutes:.0f} min" if minutes else hours
    days = int(seconds // DAY_S)
    return amounts.count(days, "day")


def clock_time(wall_s: float, *, seconds: bool = True) -> str:
    """``14:02:11`` in local time, ``2:02:11 PM`` where the day has twelve hours twice."""
    return _time(_moment(wall_s), seconds=seconds)


def widest_time() -> str:
    """A time that is as wide as any, for columns."""
    return "12:58:58 PM" if _forms.twelve_hours else "23:58:58"


def date_time(wall_s: float) -> str:
    """``2026-11-22 14:02:11`` in local time."""
    moment = _moment(wall_s)
    return f"{moment:%Y-%m-%d} {_time(moment)}"


def when(wall_s: float, now_s: float, *, brief: bool = False) -> str:
    """``14:02:11`` today, ``Yesterday 14:02``, ``12 Nov 14:02``, with the year when it is old.

    ``brief`` leaves the time away once the day is over.
    """
    moment, today = _moment(wall_s), _moment(now_s).date()
    days = (today - moment.date()).days
    if days == 0:
        return _time(moment)
    if days != 1 and moment.year != today.year:
        return moment.strftime("%Y-%m-%d")
    day = "Yesterday" if days == 1 else _day(moment)
    return day if brief else f"{day} {_time(moment, seconds=False)}"


def _moment(wall_s: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(wall_s).astimezone()


def _time(moment: dt.datetime, *, seconds: bool = True) -> str:
    rest = ":%M:%S" if seconds else ":%M"
    if not _forms.twelve_hours:
        return moment.strftime(f"%H{rest}")
    half = "AM" if moment.hour < _NOON else "PM"
    return f"{moment.hour % _NOON or _NOON}{moment.strftime(rest)} {half}"


def _day(moment: dt.datetime) -> str:
    month = _forms.months[moment.month - 1]
    return f"{month} {moment.day}" if _forms.month_first else f"{moment.day} {month}"


count = amounts.count


@functools.lru_cache(maxsize=2048)  # the same names in every look: the longest tables twice over
def one_line(text: str, limit: int = _TITLE_LIMIT) -> str:
    """Foreign text as one harmless line: no control, bidi override or line separator survives.

    Right-to-left text keeps its letters; it is isolated so that it cannot turn around what
    stands beside it. What :func:`dotted` has isolated already stays so.
    """
    part = text[: 4 * limit]
    plain = part.isascii() and part.isprintable()
    keep = not plain and _is_balanced(part)
    line = part if plain else "".join(_visible(letter, keep=keep) for letter in part)
    line = " ".join(line.split())
    if len(line) > limit:
        line = line[: limit - 1] + "…"
        line += _END * (line.count(_START) - line.count(_END))
    whole = line.startswith(_START) and line.endswith(_END) and line.count(_START) == 1
    return line if plain or whole or not _runs_backwards(line) else f"{_START}{line}{_END}"


def dotted(*parts: str) -> str:
    """``pytest · ~/shop``: parts joined for a line, each isolated from the others."""
    return " · ".join(one_line(part) for part in parts if part)


def job_title(job: Job) -> str:
    """Name and project of a job, as one line."""
    return dotted(job.name, job.project or "")


def _is_balanced(text: str) -> bool:
    depth = 0
    for letter in text:
        depth += (letter == _START) - (letter == _END)
        if depth < 0:
            return False
    return depth == 0


def block(text: str, limit: int = 4000) -> str:
    """Foreign text of several lines, each made harmless like :func:`one_line`."""
    shown = text[:limit]
    rows = [one_line(row, limit) for row in shown.splitlines()]
    return "\n".join(rows) + (" …" if len(text) > limit else "")


_STRONG = {"L", "R", "AL"}


def runs_right_to_left(text: str) -> bool:
    """Whether its first letter with a direction of its own is one of a right-to-left script."""
    sides = (unicodedata.bidirectional(letter) for letter in text)
    return next((side for side in sides if side in _STRONG), "L") != "L"


def in_isolate(text: str) -> str:
    """Our own words where the window runs the other way: what ends them stays at their end."""
    return f"{_START}{text}{_END}" if text and not text.startswith(_START) else text


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
    return (
        letter.isascii()
        or letter == "…"
        or (unicodedata.bidirectional(letter) == "L" and unicodedata.category(letter)[0] in "LN")
    )


def without_marks(text: str) -> str:
    """A text as it is copied: without what only tells the screen how to lay it out."""
    return text.translate(_MARKS)


def _visible(letter: str, *, keep: bool) -> str:
    if letter in _JOINERS or (keep and letter in {_START, _END}):
        return letter
    return " " if unicodedata.category(letter) in _INVISIBLE else letter


def _runs_backwards(line: str) -> bool:
    return any(unicodedata.bidirectional(letter) in {"R", "AL", "AN"} for letter in line)

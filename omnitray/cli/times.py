"""Times as people type and read them. Local time in, local time out, UTC on the wire."""

import datetime as dt
import re

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604_800}
PART = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")
NEVER_BEFORE = dt.datetime(1970, 1, 2, tzinfo=dt.UTC)


def duration_s(text: str) -> float:
    """Seconds of ``90``, ``90s``, ``15m``, ``1h30m``, ``2d``, ``off``; raises ValueError."""
    text = text.strip().lower()
    if text in ("off", "0"):
        return 0.0
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    parts = PART.findall(text)
    if not parts or PART.sub("", text).strip():
        raise ValueError(f"{text!r} is no duration; try 15m, 1h30m or 2d")
    return sum(float(number) * UNITS[unit] for number, unit in parts)


def moment(text: str, now: dt.datetime) -> dt.datetime:
    """``2h`` (ago), ``today``, ``yesterday``, ``2026-11-22``, ``2026-11-22T13:00``.

    ``now`` is local time; so is what has no zone. Raises ValueError.
    """
    named = {"now": now, "today": _midnight(now), "yesterday": _midnight(now) - dt.timedelta(1)}
    if text.lower() in named:
        return named[text.lower()]
    try:
        return now - dt.timedelta(seconds=duration_s(text))
    except (ValueError, OverflowError):
        pass
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError as error:
        hint = "try 2h, yesterday or 2026-11-22T13:00"
        raise ValueError(f"{text!r} is no time; {hint}") from error
    return max(found if found.tzinfo else found.astimezone(), NEVER_BEFORE)


def rfc3339(when: dt.datetime) -> str:
    """The moment as RFC 3339 in UTC."""
    return when.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def shown(text: str, now: dt.datetime) -> str:
    """A moment of the wire as a person reads it: ``13:21:27`` today, ``22 Nov 13:21`` else."""
    when = dt.datetime.fromisoformat(text).astimezone(now.tzinfo)
    return when.strftime("%H:%M:%S" if when.date() == now.date() else "%d %b %H:%M")


def local_now() -> dt.datetime:
    """With the zone of this machine."""
    return dt.datetime.now().astimezone()


def _midnight(now: dt.datetime) -> dt.datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)

"""Times as people type and read them. Local time in, local time out, UTC on the wire."""

import datetime as dt
import re

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604_800}
UNIT_NAMES = {
    **dict.fromkeys(("sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), "m"),
    **dict.fromkeys(("hour", "hours", "hrs"), "h"),
    **dict.fromkeys(("day", "days"), "d"),
    **dict.fromkeys(("week", "weeks"), "w"),
}
PART = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")
NEVER_BEFORE = dt.datetime(1970, 1, 2, tzinfo=dt.UTC)


def duration_s(text: str, *, plain_seconds: bool = False) -> float:
    """Seconds of ``90s``, ``15m``, ``1h30m``, ``2d``, ``off``; raises ValueError.

    A number without a unit is refused: 5 is five seconds to one person and five minutes to
    another. With ``plain_seconds`` it counts as seconds, as timeout(1) reads it.
    """
    text = text.strip().lower()
    if text in ("off", "0"):
        return 0.0
    if re.fullmatch(r"\d+(\.\d+)?", text):
        if plain_seconds:
            return float(text)
        raise ValueError(f"{text!r} has no unit; say {text}s, {text}m, {text}h or {text}d")
    parts = PART.findall(text)
    if not parts or PART.sub("", text).strip():
        raise ValueError(f"{text!r} is not allowed; allowed: a duration such as 15m, 1h30m or 2d")
    return sum(float(number) * UNITS[unit] for number, unit in parts)


def moment(text: str, now: dt.datetime) -> dt.datetime:
    """``2h``, ``2 hours ago``, ``yesterday``, ``13:00``, ``2026-11-22``, ``2026-11-22T13:00``.

    Case does not matter. ``now`` is local time; so is what has no zone. A time of day alone is the
    last one that has passed. Raises ValueError.
    """
    words = " ".join(text.lower().split())
    if (named := _named(words, now)) is not None:
        return named
    if (at_time := _time_of_day(words, now)) is not None:
        return at_time
    try:
        return now - dt.timedelta(seconds=duration_s(_short(words)))
    except (ValueError, OverflowError):
        pass
    try:
        found = dt.datetime.fromisoformat(text.strip().upper())
    except ValueError as error:
        such = "2h, 2 hours ago, 13:00, yesterday, last week or 2026-11-22T13:00"
        raise ValueError(f"{text!r} is not allowed; allowed: a time such as {such}") from error
    return max(found if found.tzinfo else found.astimezone(), NEVER_BEFORE)


def _time_of_day(words: str, now: dt.datetime) -> dt.datetime | None:
    """``13:00``, ``13:00:30``, ``yesterday 13:00``; None for anything else."""
    day, _, clock = words.rpartition(" ")
    if day not in {"", "today", "yesterday"} or not re.fullmatch(r"\d{1,2}:\d\d(:\d\d)?", clock):
        return None
    try:
        at = dt.time.fromisoformat(clock.zfill(len(clock) + (clock[1] == ":")))
    except ValueError:  # 25:00
        return None
    found = now.replace(hour=at.hour, minute=at.minute, second=at.second, microsecond=0)
    before = day == "yesterday" or (not day and found > now)
    return found - dt.timedelta(1) if before else found


def _named(words: str, now: dt.datetime) -> dt.datetime | None:
    """``today``, ``yesterday``, ``last week`` (its Monday), ``last month`` (its first day)."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    monday = midnight - dt.timedelta(midnight.weekday())
    first = midnight.replace(day=1)
    return {
        "now": now,
        "today": midnight,
        "yesterday": midnight - dt.timedelta(1),
        "this week": monday,
        "last week": monday - dt.timedelta(7),
        "this month": first,
        "last month": (first - dt.timedelta(1)).replace(day=1),
    }.get(words)


def _short(words: str) -> str:
    """``2 hours and 5 minutes ago`` as ``2h5m``; anything else as it is."""
    words = re.sub(r"\b(ago|and|the|last|past)\b", " ", words).replace(",", " ").strip()
    words = re.sub(r"^(an?|one)\b|(?<=\s)(an?|one)\b", "1", words)
    if words in UNIT_NAMES:  # "last hour"
        words = f"1 {words}"
    return re.sub(
        r"(?<=[\d ])([a-z]{3,})\b", lambda name: UNIT_NAMES.get(name[1], name[1]), words
    ).replace(" ", "")


def rfc3339(when: dt.datetime) -> str:
    """The moment as RFC 3339 in UTC."""
    return when.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def shown(text: str, now: dt.datetime) -> str:
    """A moment of the wire as a person reads it: ``13:21:27`` today, ``22 Nov 13:21`` else."""
    when = dt.datetime.fromisoformat(text).astimezone(now.tzinfo)
    return when.strftime("%H:%M:%S" if when.date() == now.date() else "%d %b %H:%M")


def stretch(text: str, now: dt.datetime, period: str) -> str:
    """What a stretch of that length is called by its beginning: ``22 Nov``, ``Nov 2026``."""
    forms = {"day": "%d %b", "month": "%b %Y"}
    if (form := forms.get(period)) is None:
        return shown(text, now)
    return dt.datetime.fromisoformat(text).astimezone(now.tzinfo).strftime(form)


def local_now() -> dt.datetime:
    """With the zone of this machine."""
    return dt.datetime.now().astimezone()

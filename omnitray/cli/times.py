"""Times as people type and read them. Local time in, local time out, UTC on the wire."""

import calendar
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
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)  # as ``shown`` writes them, in any locale
NUMBERS = {
    "a": "1",
    "an": "1",
    "one": "1",
    "two": "2",
    "three": "3",
    "four": "4",
    "five": "5",
    "six": "6",
    "seven": "7",
    "eight": "8",
    "nine": "9",
    "ten": "10",
}
NOON = 12
CLOCK = re.compile(
    r"(?:^| )(?:(?P<word>noon|midnight)|(?P<hour>\d{1,2})"
    r"(?::(?P<minute>\d\d)(?::(?P<second>\d\d))?(?: ?(?P<half>am|pm))?| ?(?P<alone>am|pm)))$"
)
DATE = re.compile(
    r"(?:(?P<day>\d{1,2})\.? )?(?P<month>[a-z]{3,})"
    r"(?(day)| (?P<later>\d{1,2}))(?: (?P<year>\d{4}))?"
)
NEVER_BEFORE = dt.datetime(1970, 1, 2, tzinfo=dt.UTC)


def bad_value(text: str, allowed: str) -> str:
    """The one sentence about a value that is not taken, of each command."""
    return f"{text!r} is not allowed; allowed: {allowed}"


def duration_s(text: str, *, plain_seconds: bool = False) -> float:
    """Seconds of ``90s``, ``15m``, ``1h30m``, ``2d``, ``off``; raises ValueError.

    A number without a unit is refused: 5 is five seconds to one person and five minutes to
    another. With ``plain_seconds`` it counts as seconds, as timeout(1) reads it.
    """
    plain = text.strip().lower()
    if plain in ("off", "0"):
        return 0.0
    if re.fullmatch(r"\d+(\.\d+)?", plain):
        if plain_seconds:
            return float(plain)
        raise ValueError(bad_value(plain, f"{plain}s, {plain}m, {plain}h or {plain}d"))
    parts = PART.findall(plain)
    if not parts or PART.sub("", plain).strip():
        raise ValueError(bad_value(text, "a duration such as 15m, 1h30m or 2d"))
    return sum(float(number) * UNITS[unit] for number, unit in parts)


def moment(text: str, now: dt.datetime) -> dt.datetime:
    """``2h``, ``2 hours ago``, ``yesterday 9:00``, ``Monday``, ``22 Nov``, ``2026-11-22T13:00``.

    Case does not matter. ``now`` is local time; so is what has no zone. A time of day alone is the
    last one that has passed, and so are a weekday and a day without a year. Raises ValueError.
    """
    words = _plain(text)
    for read in (_named, _ago, _day_and_time):
        try:
            if (read_as := read(words, now)) is not None:
                return max(read_as, NEVER_BEFORE)
        except (ValueError, OverflowError):  # the 31st of February, or before there were years
            continue
    try:
        found = dt.datetime.fromisoformat(text.strip().upper())
    except ValueError as error:
        such = "2h, 2 hours ago, 13:00, yesterday, last week, 22 Nov or 2026-11-22T13:00"
        raise ValueError(bad_value(text, f"a time such as {such}")) from error
    return max(found if found.tzinfo else found.astimezone(), NEVER_BEFORE)


def _plain(text: str) -> str:
    """Small letters, figures for numbers, and without the words that only join."""
    words = " ".join(text.lower().replace(",", " ").split())
    words = re.sub(r"\bhalf an hour\b", "30 minutes", words)
    words = re.sub(r"\b(at|and|the|of)\b", " ", words)
    return " ".join(NUMBERS.get(word, word) for word in words.split())


def _named(words: str, now: dt.datetime) -> dt.datetime | None:
    """``now``, ``last week`` (its Monday), ``last month`` and ``last year`` (their first day)."""
    today = now.date()
    monday, first = today - dt.timedelta(today.weekday()), today.replace(day=1)
    named = {
        "this week": monday,
        "last week": monday - dt.timedelta(7),
        "this month": first,
        "last month": (first - dt.timedelta(1)).replace(day=1),
        "this year": first.replace(month=1),
        "last year": first.replace(year=first.year - 1, month=1),
    }
    if words == "now":
        return now
    return _local(named[words], dt.time(), now) if words in named else None


def _ago(words: str, now: dt.datetime) -> dt.datetime | None:
    """``2h``, ``2 hours 5 minutes ago``, ``last hour``, ``3 months ago``."""
    if words in {"off", "0"}:
        return None
    words = re.sub(r"\b(ago|last|past)\b", " ", words).strip()
    if words in {*UNIT_NAMES, "month", "year"}:  # "last hour"
        words = f"1 {words}"
    if found := re.fullmatch(r"(\d+) (month|year)s?", words):
        months = int(found[1]) * (12 if found[2] == "year" else 1)
        year, month = divmod(now.year * 12 + now.month - 1 - months, 12)
        day = min(now.day, calendar.monthrange(year, month + 1)[1])
        return _local(dt.date(year, month + 1, day), now.time(), now)
    short = re.sub(r"(?<=[\d ])([a-z]{3,})\b", lambda name: UNIT_NAMES.get(name[1], name[1]), words)
    return now - dt.timedelta(seconds=duration_s(short.replace(" ", "")))


def _day_and_time(words: str, now: dt.datetime) -> dt.datetime | None:
    """``13:00``, ``1 pm``, ``yesterday``, ``monday 13:00``, ``22 nov 13:21``."""
    found = CLOCK.search(words)
    clock = _clock(found) if found else dt.time()
    day = words[: found.start()].strip() if found else words
    if not day and found:
        at = _local(now.date(), clock, now)
        return at if at <= now else _local(now.date() - dt.timedelta(1), clock, now)
    date = _date(day, now.date())
    return None if date is None else _local(date, clock, now)


def _clock(found: re.Match[str]) -> dt.time:
    if found["word"]:
        return dt.time(12 if found["word"] == "noon" else 0)
    hour = int(found["hour"])
    if half := found["half"] or found["alone"]:
        if not 1 <= hour <= NOON:
            raise ValueError(f"there is no {hour} {half}")
        hour = hour % NOON + (NOON if half == "pm" else 0)
    return dt.time(hour, int(found["minute"] or 0), int(found["second"] or 0))


def _date(words: str, today: dt.date) -> dt.date | None:
    """A day in words or with the name of its month: the last one that has begun."""
    back = {"today": 0, "yesterday": 1, "day before yesterday": 2}
    if words in back:
        return today - dt.timedelta(back[words])
    name = words.removeprefix("last").lstrip()
    weekday = next((n for n, each in enumerate(WEEKDAYS) if name in {each, each[:3]}), None)
    if weekday is not None:
        days = (today.weekday() - weekday) % 7
        return today - dt.timedelta(days or (7 if words != name else 0))
    if (found := DATE.fullmatch(words)) is None:
        return None
    day, year = int(found["day"] or found["later"]), found["year"]
    month = next((n for n, each in enumerate(MONTHS, 1) if found["month"] in {each, each[:3]}), 0)
    if year:
        return dt.date(int(year), month, day)
    this_year = dt.date(today.year, month, day)
    return this_year if this_year <= today else dt.date(today.year - 1, month, day)


def _local(date: dt.date, clock: dt.time, now: dt.datetime) -> dt.datetime:
    """With the offset of that day, which is another one before a change of the clocks."""
    naive = dt.datetime.combine(date, clock)
    own = now.replace(tzinfo=None).astimezone()
    return naive.astimezone() if own == now else naive.replace(tzinfo=now.tzinfo)


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

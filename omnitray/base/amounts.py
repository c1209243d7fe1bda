"""Figures as people read them: ``9.8 GB``, ``+290 MB/s``, ``20 to 40 s``, ``96 %``.

Bytes are counted in thousands everywhere, memory too: 1 GB is 10^9 bytes, so that a figure of the
window, of an alert and of the command line can be compared.
"""

import re
from typing import Any

_THOUSAND = 1000.0
_UNITS = ("B", "kB", "MB", "GB", "TB")
_MINUTE_S, _HOUR_S = 60.0, 3600.0
_WHOLE = 10.0  # from here on no decimals


def size(count: float) -> str:
    """``14.2 GB``, ``71 MB``, ``1.5 kB``: a decimal where it says something.

    That is for gigabytes and terabytes under 100, for all else under 10.
    """
    amount, unit = _scaled(float(count))
    finest = 100.0 if unit in {"GB", "TB"} else 10.0
    shown = round(abs(amount), 1)
    whole = unit == "B" or shown == 0.0 or shown >= finest
    return f"{amount:.{0 if whole else 1}f} {unit}"


_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kKMGT]?)(i?)B?")


def bytes_of(text: str) -> int | None:
    """The bytes of ``500M``, ``2 GB`` or ``1.5GiB``; None where it is no size above nothing."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        return None
    base = 1024.0 if found[3] else _THOUSAND
    power = " KMGT".index(found[2].upper() or " ")
    return round(float(found[1]) * base**power) or None


def rate(bps: float) -> str:
    """``290 MB/s``."""
    return f"{size(bps)}/s"


def percent(value: float) -> str:
    """``96 %``; small ones with a decimal."""
    return f"{value:.1f} %" if 0.0 < value < _WHOLE else f"{value:.0f} %"


def duration(seconds: float) -> str:
    """``4 s``, ``3 min``, ``2 h``."""
    if seconds < _MINUTE_S:
        return f"{seconds:.1f} s" if 0.0 < seconds < 1.0 else f"{seconds:.0f} s"
    if seconds < _HOUR_S:
        return f"{seconds / _MINUTE_S:.0f} min"
    return f"{seconds / _HOUR_S:.1f} h"


def count(number: int, one: str, many: str = "") -> str:
    """``1 process``, ``9 processes``, ``1 test fails``: the one place where a plural is made."""
    plural = many or f"{one}{'es' if one.endswith(('s', 'x', 'ch', 'sh')) else 's'}"
    return f"{number:,} {one if number == 1 else plural}".replace(",", "\u2009")


def span(low_s: float, high_s: float) -> str:
    """``20 to 40 s``; one figure where both read the same."""
    low, high = duration(low_s), duration(high_s)
    if low == high:
        return f"about {high}"
    figure, _, unit = low.partition(" ")
    return f"{figure} to {high}" if high.endswith(f" {unit}") else f"{low} to {high}"


def _scaled(count: float) -> tuple[float, str]:
    for unit in _UNITS[:-1]:
        if abs(count) < _THOUSAND - 0.5:  # 999.6 would be printed as 1000
            return count, unit
        count /= _THOUSAND
    return count, _UNITS[-1]


TITLE_LIMIT = 20_000
MESSAGE_LIMIT = 100_000
SOURCE_LIMIT = 200
CONTEXT_LIMIT_BYTES = 64_000
CONTEXT_DEPTH = 32  # readers that recurse (jq, browsers, spreadsheets) are not tried further


def text(raw: str, limit: int) -> str:
    """Text that encodes, of bounded length."""
    if len(raw) > limit:
        raw = raw[: limit - 1] + "…"
    return raw if raw.isascii() else raw.encode("utf-8", "replace").decode()


def context(raw: object) -> dict[str, Any]:
    """JSON values only: structs become objects, what JSON does not know its ``str``.

    A context that cannot be written at all, is larger than ``CONTEXT_LIMIT_BYTES`` or deeper than
    ``CONTEXT_DEPTH`` is replaced by a note on that: an alert is never lost over its decoration.
    """
    if not raw:
        return {}
    import msgspec  # noqa: PLC0415 - `omnitray run` needs the figures alone, and starts in less time

    try:
        data = msgspec.json.encode(raw, enc_hook=str)
        if len(data) > CONTEXT_LIMIT_BYTES:
            return context_removed(
                f"it has {len(data)} bytes; an alert keeps {CONTEXT_LIMIT_BYTES} of them at most"
            )
        decoded = msgspec.json.decode(data)
    except (TypeError, ValueError, RecursionError, msgspec.MsgspecError) as error:
        return context_removed(f"it cannot be written as JSON: {type(error).__name__}")
    found = decoded if isinstance(decoded, dict) else {"value": decoded}
    if _is_deeper(found, CONTEXT_DEPTH):
        return context_removed(f"it is nested deeper than {CONTEXT_DEPTH} levels")
    return found


def context_removed(why: str) -> dict[str, Any]:
    """What stands in place of a context that an alert cannot keep."""
    return {"context_removed": why}


def _is_deeper(value: object, levels: int) -> bool:
    layer = [value]
    for _ in range(levels + 1):
        layer = [
            child
            for each in layer
            if isinstance(each, dict | list)
            for child in (each.values() if isinstance(each, dict) else each)
        ]
        if not layer:
            return False
    return True

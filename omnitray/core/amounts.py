"""Figures as people read them: ``9.8 GB``, ``+290 MB/s``, ``20 to 40 s``, ``96 %``."""

_STEPS = ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "kB"))
_MINUTE_S, _HOUR_S = 60.0, 3600.0
_WHOLE = 10.0  # from here on no decimals


def size(count: float) -> str:
    """``9.8 GB``."""
    for step, unit in _STEPS:
        if abs(count) >= step:
            figure = count / step
            return f"{figure:.0f} {unit}" if abs(figure) >= _WHOLE else f"{figure:.1f} {unit}"
    return f"{count:.0f} B"


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


def span(low_s: float, high_s: float) -> str:
    """``20 to 40 s``; one figure where both read the same."""
    low, high = duration(low_s), duration(high_s)
    if low == high:
        return f"about {high}"
    figure, _, unit = low.partition(" ")
    return f"{figure} to {high}" if high.endswith(f" {unit}") else f"{low} to {high}"

"""What is said of a run in one line, on standard error."""

from omnitray.base.amounts import count, size
from omnitray.runs.budget import PAUSE_S, BudgetStep

LONGEST = 60
CPU_FROM_S = 0.1  # the kernel counts the wrapper's copy until exec: "true" took 362 % of 1 ms


def shown(name: str, command: str) -> str:
    """The name that a person gave, else the command, cut."""
    text = name or command
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def took(seconds: float) -> str:
    """``0.4 s``, ``48 s``, ``4 min 12 s``, ``1 h 5 min``."""
    if seconds < 10.0:  # noqa: PLR2004 - from here on no tenths
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:  # noqa: PLR2004 - seconds of a minute
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:  # noqa: PLR2004 - minutes of an hour
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def peak(bytes_: float) -> str:
    """``3.3 GB``, and ``–`` where it is not known."""
    return size(bytes_) if bytes_ else "–"


def cpu(percent: float, took_s: float) -> str:
    """``612 %``; ``–`` for a run so short that starting it is most of the figure."""
    return f"{percent:.0f} %" if took_s >= CPU_FROM_S else "–"


def closing(facts: "dict[str, object]") -> str:
    """``pytest -n 8 · ~/shop: passed in 48 s · peak 3.3 GB (last time 3.1 GB) · CPU 612 %``."""
    last = _figure(facts, "last_peak_bytes")
    before = f" (last time {size(last)})" if last else ""
    title = f"{shown(str(facts['name']), str(facts['command']))} · {facts['project']}"
    parts = [
        f"{title}: {facts['verdict']} in {took(_figure(facts, 'took_s'))}",
        f"peak {peak(_figure(facts, 'peak_bytes'))}{before}",
        f"CPU {cpu(_figure(facts, 'cpu_percent'), _figure(facts, 'took_s'))}",
    ]
    for key, words in (("slowed_s", "slowed down for"), ("paused_s", "paused for")):
        if _figure(facts, key) >= 0.1:  # noqa: PLR2004 - what would be shown as nothing
            parts.append(f"{words} {took(_figure(facts, key))}")
    if advice := _advice(facts):
        parts.append(advice)
    return " · ".join(parts)


def _advice(facts: "dict[str, object]") -> str:
    """What a person can do about the end of a run that was cut short."""
    verdict, budget = facts["verdict"], _figure(facts, "memory_budget_bytes")
    if verdict == "timed out":
        limit = took(_figure(facts, "timeout_s"))
        return f"its limit is {limit}: give it longer with --timeout"
    if verdict == "ended at its memory budget":
        return f"its budget is {size(budget)}: give it more with --memory"
    if verdict == "killed for memory":
        return "the machine ran out of memory: start it with --wait, or with a --memory budget"
    return ""


def last_time(needed_bytes: float, room_bytes: float, *, is_budget: bool) -> str:
    """``last time this took 14 GB, 9 GB are free``: why a run waits, or should."""
    need = "its budget is" if is_budget else "last time this took"
    return f"{need} {size(needed_bytes)}, {size(max(0.0, room_bytes))} are free"


def waiting(why: str, ahead: int) -> str:
    """What a run says that waits."""
    first = f"{count(ahead, 'run is', 'runs are')} ahead; " if ahead else ""
    return f"waiting: {first}{why}; it starts by itself, Ctrl-C gives up"


def tight(why: str) -> str:
    """What a run says that starts although memory may not hold it."""
    return f"{why}; with --wait it starts when there is room"


def budget_line(share: str, limit_bytes: int) -> str:
    """The line for a terminal when a run meets its memory budget, or leaves it."""
    budget = f"its budget of {size(limit_bytes)}"
    if share == BudgetStep.PAUSED:
        pause = f"its largest process stands still for up to {PAUSE_S:.0f} s at a time"
        return f"paused at {budget}: {pause}; Ctrl-C ends it"
    if share == BudgetStep.ENDED:
        return f"ending it: it stays over {budget}; --no-kill would only pause it"
    return f"below {budget} again"


def _figure(facts: "dict[str, object]", key: str) -> float:
    found = facts.get(key)
    return float(found) if isinstance(found, int | float) else 0.0

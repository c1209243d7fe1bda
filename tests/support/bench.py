"""What benchmarks are made of: a table of figures beside their budgets, and honest spreads."""

import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple


class Row(NamedTuple):
    """One figure. ``met`` None where there is no budget for it."""

    what: str
    measured: str
    budget: str = ""
    met: bool | None = None


class Spread(NamedTuple):
    """Of many figures: the middle one, the 95th and 99th of a hundred, and the worst."""

    median: float
    p95: float
    p99: float
    worst: float
    times: int

    def told(self, unit: str, digits: int = 1) -> str:
        """``0.9 ms (p95 1.2, worst 5.0, n = 200)``."""
        middle, high, worst = (f"{x:.{digits}f}" for x in (self.median, self.p95, self.worst))
        return f"{middle} {unit} (p95 {high}, worst {worst}, n = {self.times})"

    def scaled(self, factor: float) -> "Spread":
        """The same in another unit."""
        figures = (self.median, self.p95, self.p99, self.worst)
        median, p95, p99, worst = (factor * each for each in figures)
        return Spread(median, p95, p99, worst, self.times)


def spread(figures: Iterable[float]) -> Spread:
    """How figures spread; at least one is needed."""
    ordered = sorted(figures)

    def at(share: float) -> float:
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    return Spread(statistics.median(ordered), at(0.95), at(0.99), ordered[-1], len(ordered))


def within(what: str, figure: float, budget: float, unit: str, *, told: str = "") -> Row:
    """A row for a figure that must not be over its budget."""
    measured = told or f"{_plain(figure)} {unit}"
    return Row(what, measured, f"≤ {_plain(budget)} {unit}", figure <= budget)


def _plain(figure: float) -> str:
    return f"{figure:.0f}" if figure >= 100 else f"{figure:.2g}" if figure < 1 else f"{figure:.1f}"


def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table."""
    lines = ["| what | measured | budget | met |", "|---|---|---|---|"]
    for row in rows:
        met = {None: "", True: "yes", False: "**no**"}[row.met]
        lines.append(f"| {row.what} | {row.measured} | {row.budget} | {met} |")
    return "\n".join(lines)


def repeated(times: int, measure: Callable[[], float]) -> Spread:
    """Measure so often and say how it spreads."""
    return spread(measure() for _ in range(times))

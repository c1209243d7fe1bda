"""Rows as CSV that any spreadsheet opens without running anything in it."""

import csv
import io
from collections.abc import Iterable

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would take for a formula


def cell(value: object) -> str:
    """A field that no spreadsheet takes for a formula; a negative number is none."""
    if isinstance(value, int | float):
        return str(value)
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def rows_as_csv(rows: Iterable[Iterable[object]]) -> str:
    """The whole text, each field made safe."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([cell(each) for each in row] for row in rows)
    return text.getvalue()

"""Tables that a person writes in any number, as ``[[server]]`` and ``[[rule]]``: one by one.

A table that cannot be used is left out and named with what is wrong; the others stand.
"""

import re
from collections.abc import Callable
from typing import Any, TypeVar

from omnitray.settings.faults import Problem, TableFault, table_problem

Table = TypeVar("Table")


def tables_of(
    name: str, found: Any, text: str, read: Callable[[Any, list[Table]], Table]
) -> tuple[list[Table], list[Problem]]:
    """The tables that can be used, and what is wrong with the others.

    ``read`` makes one of them, given those before it, or raises :class:`TableFault`.
    """
    header = re.compile(rf"\s*\[\[\s*[\"']?{name}[\"']?\s*\]\]")
    lines = [number for number, line in enumerate(text.splitlines(), 1) if header.match(line)]
    good: list[Table] = []
    problems = []
    for index, table in enumerate(found if isinstance(found, list) else [found]):
        try:
            good.append(read(table, good))
        except TableFault as fault:
            line = lines[index] if index < len(lines) else 0
            problems.append(table_problem(name, fault, line))
    return good, problems

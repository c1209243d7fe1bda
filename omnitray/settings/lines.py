"""On which line a key of a TOML text stands; the standard reader does not say.

A scanner of lines, not a second parser: it only ever sees text that the reader has accepted.
"""

import re
from collections.abc import Mapping

PART = r"""(?:"[^"\n]*"|'[^'\n]*'|[A-Za-z0-9_-]+)"""
NAME = rf"{PART}(?:\s*\.\s*{PART})*"
HEADER = re.compile(rf"\s*\[\[?\s*({NAME})\s*\]\]?")
ASSIGNMENT = re.compile(rf"\s*({NAME})\s*=")
FENCE = re.compile(r'"""|' + r"'''")


def lines_of(text: str) -> dict[str, int]:
    """Line numbers from 1 for every dotted key and table header."""
    found: dict[str, int] = {}
    stem = ""
    inside = False
    for number, line in enumerate(text.splitlines(), start=1):
        fences = len(FENCE.findall(line))
        if not inside:
            if header := HEADER.match(line):
                stem = _dotted(header[1])
                found.setdefault(stem, number)
            elif assignment := ASSIGNMENT.match(line):
                found.setdefault(f"{stem}.{_dotted(assignment[1])}".strip("."), number)
        inside ^= fences % 2 == 1
    return found


def line_of(key: str, lines: Mapping[str, int]) -> int:
    """The line of a key, or of the nearest table around it; 0 when it is not in the file."""
    while key:
        if key in lines:
            return lines[key]
        key = key.rpartition(".")[0]
    return 0


def _dotted(name: str) -> str:
    return ".".join(part.strip("\"'") for part in re.findall(PART, name))

"""``docs/desktops.md``: what works on each desktop, from a run."""

import json
from pathlib import Path
from typing import NamedTuple

_HEAD = """# Desktops

What OmniTray does on real desktops, found by `python3 packaging/dev.py test --desktops`, which
starts each of them without a screen, OmniTray on it, and looks and clicks as a person would.
Debian 12; the recipes with the packages that they need stand in `tests/desktops/recipes.py`.
A section is of the code of its day: what was changed later is not in it until the next visit.

"""
_TAIL = """
How it is done, and what does not work:

- **Each click is a real one**: by XTEST on X11; on sway and KWin by a pointer that a client of the
  compositor moves, on GNOME by one of the shell.
- **Buttons**: mako draws none, and GNOME draws them when the pointer is on the notification or it
  is opened; there it is the notification itself that is clicked on. Xfce's service takes no click
  on a notification, only on its buttons. A question says where to answer it.
- **Which window is in front** is told by X11 and by sway. GNOME and Plasma on Wayland do not tell
  it to other programs, and `omnitray doctor` says so.
- **GNOME shows no tooltips, and no icons without the AppIndicator extension**: the window opens
  instead and says how to get it.
"""

PICTURED = ("menu", "notification", "dark")  # what the page shows of each desktop


class Finding(NamedTuple):
    """One thing that was looked at."""

    name: str
    works: bool
    words: str


class Found(NamedTuple):
    """What was found on one desktop, and on which day; ``why_not`` where it did not come up."""

    name: str
    title: str
    findings: tuple[Finding, ...]
    why_not: str = ""
    day: str = ""

    @property
    def came_up(self) -> bool:
        """Whether it could be looked at."""
        return not self.why_not


def write_page(page: Path, found: list[Found]) -> None:
    """Write the page; desktops that were not visited this time keep what was found before."""
    kept_file = page.with_name("images") / "desktops" / "found.json"
    kept = _read(kept_file)
    for each in found:
        if each.came_up or each.name not in kept:
            kept[each.name] = each
    kept_file.write_text(json.dumps(list(kept.values()), indent=1, ensure_ascii=False) + "\n")
    page.write_text(_HEAD + "\n".join(_section(each) for each in kept.values()) + _TAIL)


def _read(file: Path) -> dict[str, Found]:
    if not file.exists():
        return {}
    rows = json.loads(file.read_text())
    found = [
        Found(name, title, tuple(Finding(*each) for each in findings), *rest)
        for name, title, findings, *rest in rows
    ]
    return {each.name: each for each in found}


def _section(found: Found) -> str:
    lines = [f"## {found.title}", ""]
    if not found.came_up:
        return "\n".join([*lines, f"{found.why_not[0].upper()}{found.why_not[1:]}.", ""])
    lines += [f"Seen on {found.day}.", "", "| | | |", "|---|---|---|"]
    for each in found.findings:
        words = each.words.replace("|", "\\|").replace("\n", " ")
        lines.append(f"| {each.name} | {'yes' if each.works else 'no'} | {words} |")
    lines.append("")
    for what in PICTURED:
        picture = f"images/desktops/{found.name}-{what}.png"
        lines += [f"![{found.title}: {what}]({picture})", ""]
    return "\n".join(lines)

"""Runs the benchmarks, each in a process of its own, and writes ``docs/benchmarks.md``.

    python packaging/dev.py bench [NAME …] [--for 40m]

Each ``bench_NAME.py`` has a ``main()`` that prints its section in Markdown; progress goes to the
error stream. With names only those sections are measured anew, the others stay as they were. Those
that take hours are measured only by name; ``--for`` says how long instead of their own time.
"""

import datetime as dt
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"
SECTION = re.compile(r"<!-- begin (\w+) -->\n(.*?)\n<!-- end \1 -->", re.DOTALL)
LONG = frozenset({"kills", "mutants", "soak", "webhooks"})
UNITS_S = {"s": 1, "m": 60, "h": 3600}
START = "import importlib, sys; sys.exit(importlib.import_module(sys.argv[1]).main() or 0)"


def main(arguments: list[str]) -> int:
    """Measure, write the page, print it; 1 when a benchmark failed."""
    known = {path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py")}
    try:
        arguments = _without_time(arguments)
    except (ValueError, LookupError):
        sys.stderr.write("--for takes a time: 90s, 40m, 2h.\n")
        return 2
    unknown = set(arguments) - known
    if unknown:
        sys.stderr.write(f"No such benchmark: {', '.join(sorted(unknown))}.\n")
        sys.stderr.write(f"  There are: {', '.join(sorted(known))}\n")
        return 2
    sections = dict(SECTION.findall(PAGE.read_text())) if PAGE.exists() else {}
    failed = []
    for name in sorted(set(arguments) or known - LONG):
        section = measure(name)
        if section is None:
            failed.append(name)
        else:
            sections[name] = section
            write({key: sections[key] for key in sorted(sections) if key in known})
    for name in failed:
        sys.stderr.write(f"{name} failed; its section is as it was.\n")
    return int(bool(failed))


def _without_time(arguments: list[str]) -> list[str]:
    """The names; the time of ``--for`` goes to the benchmark by the environment."""
    if "--for" not in arguments:
        return arguments
    at = arguments.index("--for")
    text = arguments[at + 1]
    os.environ["OMNITRAY_BENCH_FOR_S"] = str(float(text[:-1]) * UNITS_S[text[-1:]])
    return arguments[:at] + arguments[at + 2 :]


def measure(name: str) -> str | None:
    """The section of one benchmark; None when it failed."""
    sys.stderr.write(f"Measuring {name} …\n")
    path = os.pathsep.join(str(each) for each in (HERE, ROOT, ROOT / "tests"))
    done = subprocess.run(
        [sys.executable, "-c", START, f"bench_{name}"],
        env=os.environ | {"PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    sys.stdout.write(done.stdout)
    sys.stdout.flush()
    if done.returncode or not done.stdout.strip():
        return None
    return f"{done.stdout.strip()}\n\nMeasured {_today()} on {machine()}."


def write(sections: dict[str, str]) -> None:
    """The page, whole at every moment."""
    body = "\n\n".join(f"<!-- begin {name} -->\n{text}\n<!-- end {name} -->"
                       for name, text in sections.items())  # fmt: skip
    new = PAGE.with_suffix(".new")
    new.write_text(f"{_head()}\n\n{body}\n")
    new.replace(PAGE)


def _head() -> str:
    return """# Benchmarks

Every figure here was measured by the command below, on the machine and day that its section names,
and stands beside the budget it was designed to. A budget that was missed says so.
A section is of the code of its day: what was changed later is not in it until it is measured again.

```sh
python3 packaging/dev.py bench            # all of it: takes about half an hour
python3 packaging/dev.py bench program    # one section
python3 packaging/dev.py bench soak --for 40m    # only by name: kills, mutants, soak, webhooks
```"""


def _today() -> str:
    return dt.datetime.now(tz=dt.UTC).strftime("%Y-%m-%d")


def machine() -> str:
    """What was measured on: nothing that names it."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores, {total:.0f} GiB, {platform.system()} {platform.release()}, "
        f"{_distribution()}, Python {platform.python_version()}, Qt {_qt()}"
    )


def _distribution() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return platform.platform()


def _qt() -> str:
    from PySide6.QtCore import qVersion  # noqa: PLC0415 - only to name it

    return qVersion()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

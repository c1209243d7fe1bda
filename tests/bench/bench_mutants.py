"""Do the tests notice? Small faults, drawn with a seed, where OmniTray acts, stores and decides.

Each mutant changes one place of one module in a copy of the tree, and the tests that run that place
have to fail. Which tests do is asked of coverage once a package. ``python3 packaging/dev.py bench
mutants`` takes hours; ``--for 20m`` takes as many of the modules, in turn, as there is time for,
``OMNITRAY_BENCH_ONLY=omnitray/alerts/channels`` those whose paths begin so.
"""

import ast
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from support.bench import Row, table
from support.side_by_side import tell

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = 8  # mutants a module: a rate of 90 % over all 40 modules is then known to 2 points
MOST_TESTS = 40  # that run the place, the first by name: most mutants die in one of them
LIMIT_S = 120.0
LONG_S = 4 * 3600.0
ONLY = os.environ.get("OMNITRAY_BENCH_ONLY", "")
# Module folder or file -> the tests of it.
PARTS = {
    "omnitray/protector": "tests/protector",
    "omnitray/alerts": "tests/alerts",
    "omnitray/monitor": "tests/monitor",
    "omnitray/settings": "tests/settings",
    "omnitray/base/durable.py": "tests/base",
    "omnitray/base/paths.py": "tests/base",
    "omnitray/cleanup": "tests/cleanup",
    "omnitray/platforms/watchdog_process.py": "tests/platforms",
}
# What runs as a process of its own, where no test's coverage sees it.
AS_A_PROCESS = {
    "omnitray/alerts/channels/webhooks/post.py": (
        "tests/alerts/channels/test_webhook_process.py",
        "tests/alerts/channels/test_webhook_mail.py",
        "tests/alerts/channels/test_webhook_kinds.py",
    )
}
COMPARED: dict[type[ast.cmpop], str] = {
    ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "==",
    ast.Is: "is not", ast.IsNot: "is", ast.In: "not in", ast.NotIn: "in",
}  # fmt: skip


class Mutant(NamedTuple):
    """A place in a file and what stands there instead."""

    file: str
    line: int
    start: int
    end: int
    text: str

    def put_into(self, source: str) -> str:
        """The source with it."""
        return source[: self.start] + self.text + source[self.end :]


class Score(NamedTuple):
    """Of one module."""

    module: str
    caught: int
    lived: tuple[Mutant, ...]


def main() -> None:
    """Print the section."""
    deadline = time.monotonic() + float(os.environ.get("OMNITRAY_BENCH_FOR_S", LONG_S))
    scores: list[Score] = []
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "tree"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".git", ".venv", "*.pyc"))
        for part, tests in PARTS.items():
            is_wanted = part.startswith(ONLY) or ONLY.startswith(part)
            if is_wanted and time.monotonic() < deadline:
                scores += _part(copy, part, tests, deadline)
    print("## Mutants\n")
    print(
        f"Up to {SAMPLE} mutants a module, drawn with a seed: comparisons, boundaries, operands, "
        "constants, returns, calls left out. Caught: a test that runs the place fails, or does "
        f"not end within {LIMIT_S:.0f} s. Some of those that live change nothing that can be seen."
        "\n"
    )
    caught = sum(each.caught for each in scores)
    all_ = caught + sum(len(each.lived) for each in scores)
    rows = [Row(f"`{each.module}`", _told(each)) for each in scores]
    share = 100 * caught / max(1, all_)
    print(table([*rows, Row("all", f"{caught} of {all_} ({share:.0f} %)", "≥ 90 %", share >= 90)]))


def _told(score: Score) -> str:
    lived = ", ".join(f"line {each.line}: `{each.text or 'left out'}`" for each in score.lived)
    return f"{score.caught} of {score.caught + len(score.lived)}" + (f"; {lived}" if lived else "")


def _part(copy: Path, part: str, tests: str, deadline: float) -> Iterator[Score]:
    running = _tests_by_line(copy, part, tests)
    place = copy / part
    files = [place] if place.is_file() else sorted(place.rglob("*.py"))
    for file in files:
        name = str(file.relative_to(copy))
        if not name.startswith(ONLY):
            continue
        mutants = list(_mutants(name, file.read_text()))
        chance = random.Random(f"omnitray-{name}")  # noqa: S311 - a sample that can be drawn again
        sample = chance.sample(mutants, min(SAMPLE, len(mutants)))
        if not sample or time.monotonic() > deadline:
            continue
        lived = tuple(each for each in sample if _lives(copy, each, running.get(name, {})))
        tell(f"{name}: {len(sample) - len(lived)} of {len(sample)} caught")
        yield Score(name, len(sample) - len(lived), lived)


def _lives(copy: Path, mutant: Mutant, tests: dict[int, list[str]]) -> bool:
    chosen = AS_A_PROCESS.get(mutant.file) or tests.get(mutant.line, [])[:MOST_TESTS]
    if not chosen:
        return True
    file = copy / mutant.file
    source = file.read_text()
    file.write_text(mutant.put_into(source))
    try:
        return _pytest(copy, *chosen, "-x") == 0
    finally:
        file.write_text(source)


def _tests_by_line(copy: Path, part: str, tests: str) -> dict[str, dict[int, list[str]]]:
    """By file and line, the tests that run it."""
    data = copy / "contexts"
    package = ".".join(Path(part).with_suffix("").parts)
    options = (f"--cov={package}", "--cov-context=test", "--cov-report=", "-p", "pytest_cov")
    _pytest(copy, tests, *options, COVERAGE_FILE=str(data), limit_s=1800.0)
    from coverage import CoverageData  # noqa: PLC0415 - for this benchmark alone

    found = CoverageData(basename=str(data))
    try:
        found.read()
    except sqlite3.Error as error:
        raise SystemExit(f"the tests of {part} could not be run: {error}") from error
    lines: dict[str, dict[int, list[str]]] = {}
    for file in found.measured_files():
        if not Path(file).is_relative_to(copy):
            continue  # a test has put a module of its own beside ours
        by_line = found.contexts_by_lineno(file)
        lines[str(Path(file).relative_to(copy))] = {
            line: sorted({name.partition("|")[0] for name in names if name})
            for line, names in by_line.items()
        }
    return lines


def _pytest(copy: Path, *words: str, limit_s: float = LIMIT_S, **environment: str) -> int:
    """Its exit code; 1 where it takes too long."""
    command = [sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:xdist", *words]
    try:
        return subprocess.run(
            command,
            cwd=copy,
            env=os.environ
            | environment
            | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
            timeout=limit_s,
        ).returncode
    except subprocess.TimeoutExpired:
        return 1


def _mutants(file: str, source: str) -> Iterator[Mutant]:
    """Every place of the module that is run, with one change each."""
    tree = ast.parse(source)
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line.encode()))
    raw = source.encode()

    def change(node: ast.expr | ast.stmt, text: str) -> Mutant:
        begin = starts[node.lineno - 1] + node.col_offset
        end = starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        before, inside = len(raw[:begin].decode()), len(raw[begin:end].decode())
        return Mutant(file, node.lineno, before, before + inside, text)

    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            for statement in function.body:
                for node in ast.walk(statement):
                    yield from _changes(node, change)


def _changes(
    node: ast.AST, change: Callable[[ast.expr | ast.stmt, str], Mutant]
) -> Iterator[Mutant]:
    match node:
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in COMPARED:
            yield change(node, f"{ast.unparse(left)} {COMPARED[type(op)]} {ast.unparse(right)}")
        case ast.BoolOp(values=[first, *rest]):
            yield change(node, f"({ast.unparse(first)})")
            yield change(node, f"({ast.unparse(rest[-1])})")
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield change(node, f"({ast.unparse(operand)})")
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as op, right=right):
            other = "-" if isinstance(op, ast.Add) else "+"
            yield change(node, f"({ast.unparse(left)} {other} {ast.unparse(right)})")
        case ast.Constant(value=bool(value)):
            yield change(node, str(not value))
        case ast.Constant(value=int(value) | float(value)):
            yield change(node, f"({value + 1})")
        case ast.If(test=test):
            yield change(test, f"not ({ast.unparse(test)})")
        case ast.stmt():
            yield from _left_out(node, change)


def _left_out(
    node: ast.stmt, change: Callable[[ast.expr | ast.stmt, str], Mutant]
) -> Iterator[Mutant]:
    match node:
        case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
            yield change(node, "return None")
        case ast.Expr(value=ast.Call()):
            yield change(node, "pass")
        case ast.Continue():
            yield change(node, "break")

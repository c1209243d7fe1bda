"""The tasks of ``dev.py``, one function each; each hands over to one program at its end."""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import _environment
import _machine
import _rivals
import _vscode
import _wheel
from _environment import ROOT
from _say import Problem, complain, say

HERE = Path(__file__).resolve().parent
_MOST_WORKERS = 8  # each collects all tests: 170 MB of memory at that point


def main(arguments: list[str]) -> int:
    """Run a task; a Problem becomes a sentence and exit code 1."""
    task, rest = _parse(arguments)
    try:
        return TASKS[task](rest)
    except Problem as problem:
        complain(problem)
        return 1
    except KeyboardInterrupt:
        return 130


def _parse(arguments: list[str]) -> tuple[str, list[str]]:
    parser = argparse.ArgumentParser(prog="packaging/dev.py", description="Sets up, then:")
    tasks = parser.add_subparsers(dest="task", metavar="TASK", required=True)
    for name, function in TASKS.items():
        tasks.add_parser(name, help=function.__doc__, add_help=False)
    return parser.parse_args(arguments[:1]).task, arguments[1:]


def _run(rest: list[str]) -> int:
    """Starts the program; arguments are passed on to it."""
    has_screen = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    _machine.ensure(_machine.SCREEN if has_screen else _machine.CORE)
    return _hand_over([_environment.ensure("run"), "-m", "omnitray", *rest])


def _test(rest: list[str]) -> int:
    """Runs all tests, or pytest's words; --fast, --coverage, --systemd, --desktops and others."""
    own = (
        ("--room", _rooms),
        ("--systemd", _systemd),
        ("--plugin-matrix", _plugin_matrix),
        ("--foreign-suites", _foreign_suites),
        ("--dashboard", _dashboard),
    )
    for flag, task in own:
        if flag in rest:
            rest.remove(flag)
            return task(rest)
    if "--vscode" in rest:
        rest.remove("--vscode")
        return _vscode.test_in_editor(_ready_to_develop(), rest)
    if "--extension" in rest:
        rest.remove("--extension")
        return _vscode.test(_environment.ensure("dev"), rest)
    if "--fleet" in rest:
        rest.remove("--fleet")
        _machine.ensure(_machine.FLEET)
        return _pytest(_environment.ensure("dev"), [*rest, "tests/fleet"])
    if "--desktops" in rest:
        rest.remove("--desktops")
        return _hand_over([_ready_to_develop(), ROOT / "tests" / "desktops" / "run.py", *rest])
    if "--fast" in rest:  # offscreen: Qt's libraries and a font are enough
        rest.remove("--fast")
        _machine.ensure(_machine.SCREEN + _machine.FONTS)
        return _pytest(_environment.ensure("dev"), ["-m", "not slow", *_spread(rest), *rest])
    python = _ready_to_develop()
    if not rest:
        return _all(python)
    _install_what_is_tested()
    if "--coverage" in rest:
        rest.remove("--coverage")
        rest = [*_spread(rest), "--cov", "--cov-report=term:skip-covered", *rest]
    return _pytest(python, rest)


def _all(python: Path) -> int:
    if failed := _check([], types=False):
        return failed
    _install_what_is_tested()
    say("Checking types beside the tests …")
    return beside([python, "-m", "mypy"], [python, "-m", "pytest", *_spread([])])


def _install_what_is_tested() -> None:
    _rivals.offer()
    built = _wheel.built()
    os.environ["OMNITRAY_WHEEL"] = str(built.wheel)
    os.environ["OMNITRAY_UNDER_TEST"] = str(built.command)


def beside(check: list[str | Path], tests: list[str | Path]) -> int:
    """Run a check while the tests run, which wait for much of their time.

    What it says is printed after them where it failed; else the last word is that of the tests.
    """
    started: list[subprocess.Popen[str]] = []
    received: list[int] = []

    def pass_on() -> None:
        for number in received:
            for each in started[: 1 if number == signal.SIGINT else 2]:
                each.terminate()  # Ctrl-C: a terminal sends it to the tests as well

    def take(number: int, _: object) -> None:
        received.append(number)
        pass_on()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, take)
    with tempfile.TemporaryFile("w+") as said:
        started.append(subprocess.Popen(check, cwd=ROOT, stdout=said, stderr=said, text=True))
        started.append(subprocess.Popen(tests, cwd=ROOT, text=True))
        pass_on()  # what came while they were started
        tested, checked = (each.wait() for each in reversed(started))
        if checked:
            said.seek(0)
            sys.stderr.write(said.read())
    return max(each if each >= 0 else 128 - each for each in (tested, checked))


def _rooms(rest: list[str]) -> int:
    """Real programs under the armed protector; names run those alone."""
    _machine.ensure(_machine.ROOM)
    return _hand_over([_ready_to_develop(), ROOT / "tests" / "room" / "run.py", *rest])


def _dashboard(rest: list[str]) -> int:
    """The dashboard of the real program in a real browser."""
    _machine.ensure(_machine.BROWSER)
    return _pytest(_environment.ensure("dev"), [*rest, "tests/dashboard"])


def _systemd(rest: list[str]) -> int:
    """What needs a real systemd session, in a throw-away machine."""
    return _hand_over([_ready_to_develop(), HERE / "systemd_vm.py", *rest])


def _plugin_matrix(rest: list[str]) -> int:
    """The pytest plugin under three versions of pytest, with other plugins; 7, 8 or 9 alone."""
    return _hand_over([_environment.ensure("dev"), ROOT / "tests" / "matrix" / "run.py", *rest])


def _foreign_suites(rest: list[str]) -> int:
    """Test suites of other projects with and without the pytest plugin."""
    return _hand_over([_environment.ensure("dev"), ROOT / "tests" / "matrix" / "foreign.py", *rest])


def _spread(rest: list[str]) -> list[str]:
    """On how many workers: most tests of the whole program wait, so twice the processors."""
    if any(each.startswith(("-n", "--numprocesses")) for each in rest):
        return []
    return ["-n", str(min(2 * (os.cpu_count() or 1), _MOST_WORKERS))]


def _pytest(python: Path, arguments: list[str]) -> int:
    return _hand_over([python, "-m", "pytest", *arguments])


def _check(rest: list[str], *, types: bool = True) -> int:
    """Format, lint, types; --fix puts right what can be."""
    python = _environment.ensure("dev")
    fix = "--fix" in rest
    steps: dict[str, list[str]] = {
        "format": ["ruff", "format", *([] if fix else ["--check"]), "."],
        "lint": ["ruff", "check", *(["--fix"] if fix else []), "."],
    }
    if types:
        steps["types"] = ["mypy"]
    worst = 0
    for name, command in steps.items():
        say(f"Checking {name} …")
        worst = max(worst, subprocess.call([python, "-m", *command], cwd=ROOT))
    return max(worst, _vscode.check())


def _package(rest: list[str]) -> int:
    """Makes build/omnitray-VERSION.vsix (vscode) or the wheel."""
    if rest == ["vscode"]:
        return _vscode.package()
    if rest in ([], ["wheel"]):
        say(f"{_wheel.built().wheel.relative_to(ROOT)}")
        return 0
    raise Problem(f"There is no package {' '.join(rest)}.", "packaging/dev.py package vscode")


def _bench(rest: list[str]) -> int:
    """Measures and writes docs/benchmarks.md; names run those alone."""
    python = _ready_to_develop()
    bench = _environment.ensure("bench", _environment.VENV / "bench", project=False)
    _rivals.offer()
    built = _wheel.built()
    os.environ["OMNITRAY_UNDER_TEST"] = str(built.command)
    os.environ["OMNITRAY_GLANCES"] = str(bench.with_name("glances"))
    if "vscode" in rest or rest[:1] in ([], ["--for"]):  # by name, or one of all
        os.environ["OMNITRAY_NODE"] = str(_vscode.node())
    return _hand_over([python, ROOT / "tests" / "bench" / "run.py", *rest])


def _shots(rest: list[str]) -> int:
    """Takes a screenshot of every view; film: of the protector at work (needs root)."""
    if rest[:1] == ["film"]:
        return _hand_over([_ready_to_develop(), HERE / "film.py", *rest[1:]])
    return _hand_over([_ready_to_develop(), HERE / "shots.py", *rest])


def _ready_to_develop() -> Path:
    _machine.ensure(_machine.DESKTOP)
    return _environment.ensure("dev")


def _hand_over(command: list[str | Path]) -> int:
    """Become the program, so that signals and the exit code are its own."""
    os.chdir(ROOT)
    sys.stderr.flush()
    words = [str(word) for word in command]
    os.execv(words[0], words)  # noqa: S606 - an argument list, no shell


TASKS: dict[str, Callable[[list[str]], int]] = {
    "run": _run,
    "test": _test,
    "check": _check,
    "bench": _bench,
    "shots": _shots,
    "package": _package,
}

"""Runs of pytest with and without the plugin, over versions of pytest and its own plugins.

    python packaging/dev.py test --plugin-matrix [7|8|9 …]

For each version an environment of its own; in it each case is run without the plugin and with it.
What has to be the same: the exit status and the outcome of every test. What must not be: a line of
ours in a traceback, an internal error, a process that is left. What must be there: an alert that
names each test that failed, hung or crashed. The table that it prints stands in docs/pytest.md.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Sequence
from pathlib import Path

import msgspec
import psutil

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from matrix import suites  # noqa: E402 - after the path
from support.surprises import take_ctrl_c  # noqa: E402 - as above

FOLDER = Path("/var/tmp/omnitray-matrix")
PLUGINS = (
    *("pytest-xdist", "pytest-timeout", "pytest-rerunfailures", "pytest-asyncio", "pytest-forked"),
)
OTHERS = (
    *("pytest-randomly", "pytest-cov", "pytest-sugar", "pytest-instafail", "pytest-repeat"),
    *("pytest-html", "pytest-json-report", "pytest-subtests", "pytest-check", "pytest-socket"),
    *("pytest-benchmark", "flaky", "hypothesis", "anyio", "trio", "freezegun", "time-machine"),
    "pyfakefs",
)
# What changes every run, or takes long to load: off but where a case is about it.
OFF = (
    *("randomly", "pytest_cov", "sugar", "instafail", "repeat", "html", "pytest_jsonreport"),
    *("pytest-check", "socket", "benchmark", "flaky", "hypothesispytest", "anyio"),
    *("time_machine", "pytest_fakefs", "pytest_metadata"),
)
VERSIONS = {"7": "python3.11", "8": "python3.12", "9": "python3.13"}
PATIENCE_S = 120.0
XDIST = ("-n", "2")


class Case(msgspec.Struct, frozen=True):
    """One way to run a suite; ``interrupt`` sends Ctrl-C as a terminal does, once a test hangs."""

    name: str
    suite: str
    words: tuple[str, ...] = ()
    interrupt: bool = False
    named: tuple[str, ...] = ()  # tests that an alert has to name beside those that failed
    on: tuple[str, ...] = ()  # of OFF
    conftest: str = ""

    @property
    def options(self) -> tuple[str, ...]:
        """For pytest."""
        return (*(f"-pno:{each}" for each in OFF if each not in self.on), *self.words)


class Ran(msgspec.Struct, frozen=True):
    """What came of it."""

    status: int
    outcomes: tuple[tuple[str, str, str], ...]
    text: str


CASES = (
    Case("plain", suites.MIXED),
    Case("xdist", suites.MIXED, XDIST),
    Case("xdist, loadfile", suites.MIXED, (*XDIST, "--dist", "loadfile")),
    Case("forked", suites.MIXED, ("--forked",)),
    Case("forked in xdist", suites.MIXED, ("--forked", *XDIST)),
    Case("-p no:timeout", suites.MIXED, ("-p", "no:timeout")),
    Case("-p no:xdist", suites.MIXED, ("-p", "no:xdist")),
    Case("-p no:cacheprovider", suites.MIXED, ("-p", "no:cacheprovider")),
    Case("-p no:terminal", suites.MIXED, ("-p", "no:terminal")),
    Case("-x", suites.MIXED, ("-x",)),
    Case("-x in xdist", suites.MIXED, ("-x", *XDIST)),
    Case("-s --tb=no", suites.MIXED, ("-s", "--tb=no")),
    Case("--collect-only", suites.MIXED, ("--collect-only",)),
    Case("rerun failures", suites.FLAKY, ("--reruns", "2")),
    Case("rerun failures in xdist", suites.FLAKY, ("--reruns", "2", *XDIST)),
    Case("time limit, signal", suites.HANGS, ("--timeout=1",), named=("test_hangs",)),
    Case(
        "time limit, thread",
        suites.HANGS,
        ("--timeout=1", "--timeout-method=thread"),
        named=("test_hangs",),
    ),
    Case(
        "time limit, thread, xdist",
        suites.HANGS,
        ("--timeout=1", "--timeout-method=thread", *XDIST),
        named=("test_hangs",),
    ),
    Case("a worker is killed", suites.CRASHES, XDIST, named=("test_crashes",)),
    Case("the process is killed", suites.CRASHES),
    Case("a forked test is killed", suites.CRASHES, ("--forked",), named=("test_crashes",)),
    Case("collection fails", suites.COLLECTION),
    Case("collection fails in xdist", suites.COLLECTION, XDIST),
    Case("Ctrl-C", suites.HANGS, interrupt=True),
    # With one worker: what a second has reported by then is a matter of chance.
    Case("Ctrl-C in xdist", suites.HANGS, ("-n", "1"), interrupt=True),
    Case("pytest.exit", suites.EXITS),
    Case("SystemExit, KeyboardInterrupt", suites.LEAVES),
    Case("all pass", suites.GREEN),
    Case("no test fits", suites.GREEN, ("-k", "nothing_like_it")),
    Case("wrong usage", suites.GREEN, ("--no-such-option",)),
    Case("-W error", suites.MIXED, ("-W", "error")),
    Case("-W error in xdist", suites.MIXED, ("-W", "error", *XDIST)),
    Case("--lf", suites.MIXED, ("--lf",)),
    Case("--sw", suites.MIXED, ("--sw",)),
    Case("--maxfail=2 in xdist", suites.MIXED, ("--maxfail=2", "-n", "1")),
    Case("--import-mode=importlib", suites.MIXED, ("--import-mode=importlib",)),
    Case("--runxfail", suites.MIXED, ("--runxfail",)),
    Case("--setup-plan", suites.MIXED, ("--setup-plan",)),
    Case("--pdb", suites.MIXED, ("--pdb",)),
    Case("--doctest-modules", suites.DOCTESTS, ("--doctest-modules",)),
    Case("--strict-markers", suites.MIXED, ("--strict-markers",)),
    Case("junit", suites.MIXED, ("--junitxml=junit.xml",)),
    Case("cov", suites.GREEN, ("--cov=.", "--cov-fail-under=100"), on=("pytest_cov",)),
    Case(
        "cov in xdist",
        suites.GREEN,
        ("--cov=.", "--cov-fail-under=100", *XDIST),
        on=("pytest_cov",),
    ),
    Case("randomly", suites.MIXED, ("-p", "randomly", "--randomly-seed=7"), on=("randomly",)),
    Case("randomly in xdist", suites.MIXED, ("--randomly-seed=7", *XDIST), on=("randomly",)),
    Case("sugar", suites.MIXED, ("--force-sugar",), on=("sugar",)),
    Case("sugar in xdist", suites.MIXED, ("--force-sugar", *XDIST), on=("sugar",)),
    Case("instafail", suites.MIXED, ("--instafail",), on=("instafail",)),
    Case("repeat", suites.MIXED, ("--count=2",), on=("repeat",)),
    Case("html", suites.MIXED, ("--html=report.html",), on=("html", "pytest_metadata")),
    Case(
        "json report",
        suites.MIXED,
        ("--json-report",),
        on=("pytest_jsonreport", "pytest_metadata"),
    ),
    Case(
        "json report in xdist",
        suites.MIXED,
        ("--json-report", *XDIST),
        on=("pytest_jsonreport", "pytest_metadata"),
    ),
    Case("flaky", suites.FLAKY, ("--force-flaky", "--no-success-flaky-report"), on=("flaky",)),
    Case("subtests", suites.SUBTESTS),
    Case("subtests in xdist", suites.SUBTESTS, XDIST),
    Case("check", suites.CHECKS, on=("pytest-check",)),
    Case("hypothesis", suites.HYPOTHESIS, on=("hypothesispytest",)),
    Case("anyio", suites.ANYIO, on=("anyio",)),
    Case("benchmark", suites.BENCHMARK, ("--benchmark-disable-gc",), on=("benchmark",)),
    Case("socket", suites.MIXED, ("--disable-socket",), on=("socket",)),
    Case("socket in xdist", suites.MIXED, ("--disable-socket", *XDIST), on=("socket",)),
    *(
        Case(f"tests that change {what}, {how}", suite, (*limit, *spread), on=on)
        for what, suite, on in (
            ("the time", suites.TIMES, ("time_machine",)),
            ("the files", suites.FILES, ("pytest_fakefs",)),
            ("their process", suites.PROCESS, ()),
        )
        for how, spread in (("plain", ()), ("xdist", XDIST))
        for limit in (("--timeout=50", "-o", "omnitray_slow=40"),)
    ),
    Case("a hostile conftest", suites.MIXED, conftest=suites.HOSTILE),
    Case("a hostile conftest in xdist", suites.MIXED, XDIST, conftest=suites.HOSTILE),
    Case("items of its own", suites.MIXED, conftest=suites.OWN_ITEMS),
)


def main(words: list[str]) -> int:
    """Run them (with ``-k WORD,WORD`` those whose name has one of them); the exit status."""
    take_ctrl_c()
    only = words[words.index("-k") + 1].split(",") if "-k" in words else [""]
    wanted = [each for each in words if each in VERSIONS]
    cases = [each for each in CASES if any(word in each.name for word in only)]
    FOLDER.mkdir(exist_ok=True)
    failed: dict[str, list[str]] = {}
    heads, columns = [], []
    for version in wanted or list(VERSIONS):
        python = environment(version, more=OTHERS)
        heads.append(described(python))
        print(f"{heads[-1]}: {len(cases)} cases", flush=True)
        column = []
        for case in cases:
            faults = compared(python, case)
            column.append("differs" if faults else "same")
            if faults:
                failed[f"{version}: {case.name}"] = faults
                print(f"  {case.name}: {'; '.join(faults)}", flush=True)
        columns.append(column)
    print("\n| case |", " | ".join(heads), "|\n|---|" + "---|" * len(heads))
    for number, case in enumerate(cases):
        print("|", case.name, "|", " | ".join(column[number] for column in columns), "|")
    print(f"\n{len(failed)} of {len(cases) * len(columns)} differ")
    return 1 if failed else 0


def environment(version: str, name: str = "", more: Sequence[str] = ()) -> Path:
    """The interpreter of an environment with that pytest, ``more`` and this tree; made once."""
    folder = FOLDER / (name or f"pytest-{version}")
    python = folder / "bin" / "python"
    wanted = [f"pytest>={version},<{int(version) + 1}", *PLUGINS, *dependencies(), *more]
    made, of_all = folder / "made", " ".join([str(ROOT), *wanted])
    before = text_of(made)  # of which tree: it may be gone
    if before == of_all:
        return python
    pip = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    if before.partition(" ")[2] != of_all.partition(" ")[2]:
        own = interpreter(VERSIONS[version])
        subprocess.run([own, "-m", "venv", "--clear", folder], check=True)
        subprocess.run([*pip, *wanted], check=True)
    subprocess.run([*pip, "--no-deps", "--editable", str(ROOT)], check=True)
    made.write_text(of_all)
    return python


def interpreter(name: str) -> str:
    """The one of that name, on the path or of pyenv; ours where none starts."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    of_pyenv = sorted(pyenv.glob(f"versions/{name.removeprefix('python')}.*/bin/{name}"))
    for each in (shutil.which(name), *map(str, of_pyenv)):
        if each and subprocess.run([each, "-V"], check=False, capture_output=True).returncode == 0:
            return each
    return sys.executable


def dependencies() -> list[str]:
    """What the program needs, without Qt."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted: list[str] = project["dependencies"]
    return [each for each in wanted if not each.lower().startswith("pyside")]


def described(python: Path) -> str:
    """``pytest 9.2.0, Python 3.13.0``."""
    code = (
        "import platform, pytest\n"
        "print(f'pytest {pytest.__version__}, Python {platform.python_version()}')"
    )
    return subprocess.run(
        [str(python), "-c", code], check=True, capture_output=True, text=True
    ).stdout.strip()


def compared(python: Path, case: Case) -> list[str]:
    """What differs, or is not as it has to be."""
    # Of this very run: what is left in it is ended, and two runs at a time are no fault.
    folder = FOLDER / f"suite-{python.parents[1].name}-{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        return faults_in(python, case, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def faults_in(python: Path, case: Case, folder: Path) -> list[str]:
    """Run it in its folder without the plugin and with it."""
    (folder / "conftest.py").write_text(suites.RECORDER + case.conftest)
    (folder / "test_suite.py").write_text(case.suite)
    (folder / "pytest.ini").write_text("[pytest]\nasyncio_mode = strict\n")
    without = ran(python, case, folder, "-p", "no:omnitray")
    shutil.rmtree(folder / "home", ignore_errors=True)
    on = ran(python, case, folder, "--omnitray")
    faults = []
    if on.status != without.status:
        faults.append(f"exit status {without.status} became {on.status}")
    if on.outcomes != without.outcomes:
        faults.append(f"outcomes: {sorted(set(without.outcomes) ^ set(on.outcomes))[:4]}")
    for said in ("omnitray/", "INTERNALERROR", "PluggyTeardown", "Exception in thread"):
        if said in on.text and said not in without.text:
            line = next(each for each in on.text.splitlines() if said in each)
            faults.append(f"it says {line.strip()[:120]!r}")
    faults += lost(case, folder, on)
    if left := left_in(folder):
        faults.append(f"left: {left}")
    return faults


def ran(python: Path, case: Case, folder: Path, *words: str) -> Ran:
    """Run it once."""
    record = folder / "record"
    for each in folder.glob("record*"):
        each.unlink()
    command = [str(python), "-m", "pytest", *words, *case.options]
    own = {"RECORD": str(record), "OMNITRAY_HOME": str(folder / "home")}
    with subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, **own, "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        if case.interrupt:
            ends = time.monotonic() + PATIENCE_S
            hangs = folder / suites.HANGING
            while not (hangs.exists() and text_of(record)) and time.monotonic() < ends:
                time.sleep(0.05)
            os.killpg(process.pid, signal.SIGINT)
        text, _ = process.communicate(timeout=PATIENCE_S)
    outcomes = sorted(tuple(json.loads(line)) for line in text_of(record).splitlines())
    return Ran(process.returncode, tuple(outcomes), text)


def text_of(file: Path) -> str:
    """Empty where it is not there."""
    return file.read_text() if file.exists() else ""


def lost(case: Case, folder: Path, on: Ran) -> list[str]:
    """Tests that failed in the end and that no alert names."""
    files = (folder / "home" / "data" / "alerts").glob("alert_*.json")
    told = json.dumps([json.loads(file.read_text()) for file in files], ensure_ascii=False)
    failed = {nodeid for nodeid, _, outcome in on.outcomes if outcome == "failed"}
    named = {nodeid.partition("::")[2] for nodeid in failed} | set(case.named)
    missing = sorted(
        name for name in named if json.dumps(name, ensure_ascii=False)[1:-1] not in told
    )
    return [f"no alert names {', '.join(missing)}"] if missing else []


def left_in(folder: Path) -> list[str]:
    """Processes that still work in the folder."""
    found = []
    for each in psutil.process_iter(["cwd", "cmdline"]):
        if each.info["cwd"] == str(folder):
            found.append(" ".join(each.info["cmdline"])[:80])
            each.kill()
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

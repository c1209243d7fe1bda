"""Test suites of other projects, from their sdists and unchanged, with and without the plugin.

    python packaging/dev.py test --foreign-suites [ROUNDS] [NAME …]

Each runs plain and with two workers of xdist, by turns without the plugin and with it. What has to
be the same: the exit status and the outcome of every test, in each round. What the plugin costs is
the difference of the shortest times, and of the processor time of all processes, which a busy
machine changes less. The table that it prints stands in docs/pytest.md.
"""

import os
import shutil
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import msgspec

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from matrix import suites
from matrix.run import FOLDER, XDIST, described, environment, text_of

ROUNDS = 5


class Suite(msgspec.Struct, frozen=True):
    """A project with its tests in its sdist; ``needs`` is what these import beside it."""

    name: str
    version: str
    needs: tuple[str, ...] = ()

    @property
    def pinned(self) -> str:
        """For pip."""
        return f"{self.name}=={self.version}"


HTTPX_NEEDS = (
    *("anyio", "brotli", "chardet", "click", "h2", "pygments", "rich", "socksio", "trio"),
    *("trustme", "uvicorn", "zstandard"),
)
SUITES = (
    Suite("itsdangerous", "2.2.0", ("freezegun",)),
    Suite("click", "8.1.8"),  # every warning is an error there
    Suite("attrs", "25.4.0", ("hypothesis", "cloudpickle")),
    Suite("httpx", "0.28.1", HTTPX_NEEDS),  # asyncio and trio, with servers on threads
    Suite("janus", "2.0.0", ("pytest-benchmark", "pytest-cov")),  # asyncio
)


class Ran(msgspec.Struct, frozen=True):
    """What came of it, and what it took."""

    status: int
    outcomes: tuple[str, ...]
    last_line: str
    took_s: float
    cpu_s: float


def main(words: list[str]) -> int:
    """Run them, or those that are named; 1 where an outcome differs."""
    rounds = next((int(each) for each in words if each.isdecimal()), ROUNDS)
    wanted = [each for each in SUITES if each.name in words] or SUITES
    FOLDER.mkdir(exist_ok=True)
    needs = [each for suite in SUITES for each in (suite.pinned, *suite.needs)]
    python = environment("8", "foreign", needs)
    load = os.getloadavg()[0]
    print(f"{described(python)}, {rounds} rounds, {os.cpu_count()} processors, load {load:.0f}\n")
    print("| suite | outcome, without and with | time without | with | CPU without | with |")
    print("|---|---|---|---|---|---|")
    differ = 0
    for suite in wanted:
        folder = unpacked(python, suite)
        for how, spread in (("plain", ()), ("xdist", XDIST)):
            pairs = [
                tuple(ran(python, folder, option, spread) for option in (OFF, ON))
                for _ in range(rounds)
            ]
            differ += shown(f"{suite.name} {suite.version}, {how}", pairs)
    print(f"\n{differ} differ")
    return 1 if differ else 0


OFF, ON = ("-p", "no:omnitray"), ("--omnitray",)


def unpacked(python: Path, suite: Suite) -> Path:
    """The project's own folder, as its sdist has it."""
    folder = FOLDER / "sdists"
    sdist = folder / f"{suite.name}-{suite.version}.tar.gz"
    if not sdist.exists():
        pip = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check", "download"]
        words = ["--no-deps", "--no-binary", ":all:", "--dest", str(folder), suite.pinned]
        subprocess.run([*pip, *words], check=True)
    project = folder / sdist.name.removesuffix(".tar.gz")
    shutil.rmtree(project, ignore_errors=True)
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    return project


def ran(python: Path, folder: Path, option: tuple[str, ...], spread: tuple[str, ...]) -> Ran:
    """Run the suite once."""
    own = folder.parent / "own"
    shutil.rmtree(own, ignore_errors=True)
    own.mkdir()
    (own / "omnitray_recorder.py").write_text(suites.RECORDER)
    record = own / "record"
    words = ("-q", "-p", "omnitray_recorder", "-p", "no:cacheprovider", *option, *spread)
    environ = {
        **os.environ,
        "PYTHONPATH": str(own),
        "PYTHONDONTWRITEBYTECODE": "1",
        "RECORD": str(record),
        "OMNITRAY_HOME": str(own / "home"),
    }
    began = time.monotonic()
    with (own / "out").open("w+") as out:
        process = subprocess.Popen(
            [str(python), "-m", "pytest", *words],
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        took_s = time.monotonic() - began
        out.seek(0)
        lines = [line.strip() for line in out if " in " in line and line.strip()[:1].isdigit()]
    return Ran(
        process.returncode,
        tuple(sorted(text_of(record).splitlines())),
        lines[-1].partition(" in ")[0] if lines else "",
        took_s,
        usage.ru_utime + usage.ru_stime,
    )


def shown(name: str, pairs: list[tuple[Ran, ...]]) -> bool:
    """Print the row; whether any round differs."""
    without, on = zip(*pairs, strict=True)
    found = {(each.status, each.outcomes) for each in (*without, *on)}
    outcome = without[0].last_line if len(found) == 1 else "differs"
    figures = [f"{min(each.took_s for each in side):.1f} s" for side in (without, on)] + [
        f"{min(each.cpu_s for each in side):.1f} s" for side in (without, on)
    ]
    print("|", " | ".join([name, outcome, *figures]), "|", flush=True)
    if len(found) != 1:
        usual = set(without[0].outcomes)
        for side, rounds in (("without", without), ("with", on)):
            for number, each in enumerate(rounds, 1):
                if odd := sorted(usual ^ set(each.outcomes)):
                    print(f"  {side}, round {number}: status {each.status}, {odd[:4]}", flush=True)
    return len(found) != 1 or not outcome


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""What the developer's side costs: ``omnitray run``, the pytest plugin, a server that goes down.

With and without are measured in turns, so that what else the machine does falls on both.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from omnitray.servers.local import LocalServers
from omnitray.servers.model import ServerState
from omnitray.settings.servers import ServerSettings
from support.bench import Row, spread, table, within
from support.real_servers import PROGRAM, free_port

RUN = (sys.executable, "-m", "omnitray", "run", "--")
TIMES, PIPES, SUITES, CRASHES = 30, 3, 3, 6
TESTS = "import pytest\n\n@pytest.mark.parametrize('n', range(1000))\ndef test_empty(n): pass\n"
PIPE = '"$@" head -c 1000000000 /dev/zero | cat > /dev/null'
LOOK_S = 0.002


def main() -> None:
    """Print the section."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed program is compiled
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["OMNITRAY_HOME"] = str(folder / "omnitray")
        os.chdir(folder)
        rows = [*run_rows(), *plugin_rows(folder), *server_rows(folder)]
    print("## Runs, tests, servers\n")
    print(table(rows))


def timed(words: Sequence[str]) -> float:
    """Milliseconds that a command takes."""
    began = time.perf_counter()
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return 1000.0 * (time.perf_counter() - began)


def in_turns(times: int, *commands: Sequence[str]) -> list[list[float]]:
    """So many times each, one after the other."""
    found: list[list[float]] = [[] for _ in commands]
    for _ in range(times):
        for place, words in enumerate(commands):
            found[place].append(timed(words))
    return found


def run_rows() -> list[Row]:
    """The wrapper beside the bare command."""
    timed((*RUN, "true"))  # compiled and in the cache
    bare, wrapped, python = in_turns(
        TIMES, ("true",), (*RUN, "true"), (sys.executable, "-c", "pass")
    )
    less = spread([two - one for one, two in zip(bare, wrapped, strict=True)])
    told = f"{less.told('ms')}; python -c pass alone {spread(python).median:.1f} ms"
    pipe = ("sh", "-c", PIPE, "sh")
    plain, through = in_turns(PIPES, pipe, (*pipe, *RUN))
    lost = 100.0 * (spread(through).median / spread(plain).median - 1.0)
    rates = " and ".join(f"{1e6 / spread(each).median:.0f} MB/s" for each in (plain, through))
    return [
        within("`omnitray run -- true` over `true`", less.median, 60, "ms", told=told),
        Row("1 GB through a pipe, bare and in a run", f"{rates} ({lost:+.1f} %)"),
    ]


def plugin_rows(folder: Path) -> list[Row]:
    """1,000 empty tests with the plugin not loaded, off, on, and on with a server."""
    (folder / "test_empty.py").write_text(TESTS)
    (folder / "server.py").write_text(PROGRAM)
    port = free_port()
    suite = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_empty.py")
    server = f"{sys.executable} server.py {port}"
    without, off, on, served = in_turns(
        SUITES,
        (*suite, "-p", "no:omnitray"),
        suite,
        (*suite, "--omnitray"),
        (*suite, "--omnitray", "--omnitray-server", server,
         "--omnitray-health", f"http://127.0.0.1:{port}/"),
    )  # fmt: skip
    base, idle = spread(without).median, spread(off).median
    return [
        Row("1,000 empty tests without the plugin", spread(without).told("ms", 0)),
        Row("the same, plugin there and off", f"{idle:.0f} ms ({idle - base:+.0f} ms)"),
        _a_test("the same, on", spread(on).median, base),
        _a_test("the same, on, with a server probed before each", spread(served).median, base),
    ]


def _a_test(what: str, figure: float, base: float) -> Row:
    each = (figure - base) / 1000.0
    return within(what, each, 1.0, "ms", told=f"{figure:.0f} ms ({each:+.2f} ms a test)")


def server_rows(folder: Path) -> list[Row]:
    """A server that is killed: until that is seen, and until the next one answers."""
    seen, back = [], []
    for _ in range(CRASHES):  # a fresh count each time: the back-off is not what is measured
        port = free_port()
        spec = ServerSettings(
            name="api",
            command=(sys.executable, "server.py", str(port)),
            cwd=str(folder),
            health=f"http://127.0.0.1:{port}/",
        )
        with LocalServers(folder / "servers") as servers:
            view = servers.start(spec)
            began = time.perf_counter()
            os.kill(view.pid or 0, signal.SIGKILL)
            seen.append(until(began, lambda: servers.view("api").state is not ServerState.UP))
            servers.restart("api")
            back.append(1000.0 * (time.perf_counter() - began) - seen[-1])
    return [
        within(
            "a killed server is seen", spread(seen).median, 250, "ms", told=spread(seen).told("ms")
        ),
        Row("it is restarted and answers", spread(back).told("ms", 0)),
    ]


def until(began: float, met: Callable[[], bool]) -> float:
    """Milliseconds until something is so."""
    while not met():
        time.sleep(LOOK_S)
    return 1000.0 * (time.perf_counter() - began)

"""A project with a test run that takes memory as it is told to: a real pytest in ``~/shop``."""

import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from support.desktop import wait_until

JOB = "pytest · ~/shop"  # as OmniTray calls it
MB = 1 << 20
_TESTS = '''
"""The orders of a year, all at once."""

import os
import time
from pathlib import Path

PIECE = 1 << 20


def held():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_all_orders_of_a_year_are_read():
    orders = []
    while words := Path("wanted").read_text().split():
        size, per_second = map(int, words)
        if size and held() < size:
            orders.append(b"x" * PIECE)
        elif size:
            del orders[len(orders) - (held() - size) // PIECE :]
        time.sleep(PIECE / per_second)
    assert orders
'''


class Shop:
    """The project and its test run; ``prefix`` leads into the world in which it runs."""

    def __init__(self, home: Path, prefix: Sequence[str]) -> None:
        self._folder = home / "shop"
        self._prefix = prefix
        self._outer: subprocess.Popen[bytes] | None = None
        (self._folder / "tests").mkdir(parents=True)
        (self._folder / ".git").mkdir()
        (self._folder / "tests" / "test_orders.py").write_text(_TESTS)

    def start(self, environment: Mapping[str, str]) -> None:
        """Run the tests; until :meth:`grow` they take next to nothing."""
        self.stay()
        there = ["setsid", "env", f"--chdir={self._folder}"]  # entering the world leads to /
        tests = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
        self._outer = subprocess.Popen(
            [*self._prefix, *there, *tests], env=dict(environment), stdout=subprocess.DEVNULL
        )
        self.process = wait_until(self._find, "the tests run")

    def grow(self, size_bytes: int, pace_bps: int) -> None:
        """Take so much in all, at this pace; give back at once what is more."""
        self._tell(f"{size_bytes} {pace_bps}")

    def stay(self) -> None:
        """Take no more than is taken now."""
        self.grow(0, 20 * MB)

    @property
    def rss_bytes(self) -> int:
        """What it holds."""
        return int(self.process.memory_info().rss)

    @property
    def autogroup_nice(self) -> int:
        """The nice value of its session; 0 where the kernel has none."""
        file = Path(f"/proc/{self.process.pid}/autogroup")
        return int(file.read_text().split()[-1]) if file.exists() else 0

    def is_stopped(self) -> bool:
        """Whether the kernel says that it stands still."""
        return bool(self.process.status() == psutil.STATUS_STOPPED)

    def wait_until_it_runs(self) -> None:
        """Until it does not stand still and has had another turn on a processor."""
        wait_until(lambda: not self.is_stopped(), "it is continued")
        before = self.process.num_ctx_switches()
        wait_until(lambda: self.process.num_ctx_switches() != before, "it runs")

    def wait_until_it_has_ended(self) -> int:
        """Until others have ended it; what it ended with."""
        assert self._outer is not None
        wait_until(self._is_over, "it has ended", timeout_s=30)
        self._outer.send_signal(signal.SIGCONT)  # stopped itself with it, as in finish
        return self._outer.wait(10)

    def finish(self) -> int:
        """Let the tests pass; pytest's exit code."""
        assert self._outer is not None
        self._tell("")
        self._outer.send_signal(signal.SIGCONT)  # it stops itself together with what it waits for
        return self._outer.wait(10)

    def end(self) -> None:
        """Whatever state it is in."""
        if self._outer is not None and self._outer.poll() is None:
            for process in psutil.Process(self._outer.pid).children(recursive=True):
                process.kill()
            self._outer.kill()
            self._outer.wait(10)

    def _is_over(self) -> bool:
        """Nothing but its status is left, where nothing has asked for that yet."""
        try:
            return bool(self.process.status() == psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return True

    def _tell(self, words: str) -> None:
        beside = self._folder / "beside"
        beside.write_text(words)
        beside.replace(self._folder / "wanted")

    def _find(self) -> psutil.Process | None:
        """The Python below the commands that lead inside."""
        assert self._outer is not None
        below = psutil.Process(self._outer.pid).children(recursive=True)
        found = (each for each in below if each.name().startswith("python"))
        return next((each for each in found if "pytest" in each.cmdline()), None)

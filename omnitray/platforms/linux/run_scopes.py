"""A transient systemd scope that holds the budget of one run, where there is a user session.

The kernel keeps the budget then: over ``MemoryHigh`` the run is throttled and its memory reclaimed,
at ``MemoryMax`` its largest process is ended, ``CPUQuota`` bounds its processor time; and nothing
that it starts can leave it.
"""

import contextlib
import logging
import os
import signal
from pathlib import Path

from omnitray.base.dbus import BlockingSessionBus
from omnitray.platforms.linux.proc import Proc
from omnitray.platforms.linux.units import UserUnits
from omnitray.protector.actuators.system import AccessRefused, Gone
from omnitray.runs.budget import END_FROM, RunScope
from omnitray.runs.watch import RunPlan

log = logging.getLogger(__name__)


class UnitRunScope(RunScope):
    """See the module. ``proc`` and ``cgroups`` are where the kernel shows things."""

    def __init__(self, plan: RunPlan, units: UserUnits | None = None) -> None:
        self._plan = plan
        self._bus: BlockingSessionBus | None = None
        if units is None:
            self._bus = BlockingSessionBus()
            units = UserUnits(self._bus)
        self._units = units
        self._folder: Path | None = None

    def hold(self, pid: int) -> bool:
        """Move a process that has not begun into ``omnitray-run-PID.scope``; False: no scope."""
        why_not = self._units.why_not("memory" if self._plan.memory_bytes else "cpu")
        if why_not:
            log.info("the run has no scope: %s", why_not)
            return False
        unit = f"omnitray-run-{pid}.scope"
        what = f"{self._plan.name or self._plan.command} · {self._plan.project}"
        try:
            self._units.adopt(unit, Proc().identify((pid,)), what, self._limits())
            self._folder = Path(self._units.folder(unit)[1])
        except (Gone, AccessRefused) as refused:
            log.info("the run has no scope: %s", refused)
            return False
        finally:
            if self._bus is not None:
                self._bus.close()
        return True

    def _limits(self) -> dict[str, int]:
        limits: dict[str, int] = {}
        if (memory := self._plan.memory_bytes) is not None:
            limits["MemoryHigh"] = memory
            if self._plan.may_end:
                limits["MemoryMax"] = int(memory * END_FROM)
        if (percent := self._plan.cpu_percent) is not None:
            limits["CPUQuotaPerSecUSec"] = int(percent * 10_000)
        return limits

    def usage(self) -> tuple[int, float, float] | None:
        """Bytes held, CPU seconds, seconds throttled for memory or CPU.

        ``throttled_usec`` adds up all processors: a run with many threads is throttled for longer
        than it runs. Who shows it takes no more than that.
        """
        held = self._text("memory.current").strip()
        cpu = _figures(self._text("cpu.stat"))
        if not held.isdecimal() and not cpu:
            return None
        waited = sum(
            int(word.removeprefix("total="))
            for line in self._text("memory.pressure").splitlines()
            if line.startswith("full ")
            for word in line.split()
            if word.startswith("total=")
        )
        throttled_s = (cpu.get("throttled_usec", 0) + waited) / 1e6
        return int(held or 0), cpu.get("usage_usec", 0) / 1e6, throttled_s

    def peak_bytes(self) -> int:
        """The most it has held (memory.peak, Linux 5.19)."""
        found = self._text("memory.peak").strip()
        return int(found) if found.isdecimal() else 0

    def oom_kills(self) -> int:
        """How many of its processes the kernel has ended."""
        return _figures(self._text("memory.events")).get("oom_kill", 0)

    def is_empty(self) -> bool:
        """Whether nothing lives in it any more."""
        return "populated 1" not in self._text("cgroup.events").splitlines()

    def signal(self, number: int) -> None:
        """Send a signal to all in it; KILL by ``cgroup.kill``, which no fork outruns."""
        if self._folder is None:
            return
        if number == signal.SIGKILL:
            with contextlib.suppress(AccessRefused):
                self._units.end_group(str(self._folder))
            return
        for pid in self._units.group_members(str(self._folder)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def _text(self, name: str) -> str:
        if self._folder is None:
            return ""
        try:
            return (self._folder / name).read_text(encoding="ascii")
        except OSError:
            return ""


def _figures(text: str) -> dict[str, int]:
    pairs = (line.split() for line in text.splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdecimal()}  # noqa: PLR2004 - a name and a figure

"""The files of runs as typed facts, for window, command line and tests.

``at`` and ``started_at`` are wall-clock seconds since the epoch; a sample is seconds since the
start, bytes held, and per cent of one core; an event is seconds since the start and what happened.
"""

import enum
from typing import Any

import msgspec


class RunVerdict(enum.StrEnum):
    """What became of a run, for filters, shapes and colours; ``words`` of a record say more."""

    RUNNING = "running"
    LOST = "lost"  # its wrapper was killed, or the machine went down
    PASSED = "passed"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    TIMED_OUT = "timed out"
    OUT_OF_MEMORY = "out of memory"


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One run. ``tests`` is what the pytest plugin adds: ``failed``, ``total``, ``names``."""

    schema: int
    id: str
    state: str
    name: str
    command: str
    project: str
    folder: str
    wrapper_pid: int
    wrapper_start: int
    pid: int
    started_at: float
    took_s: float
    verdict: str
    exit_code: int | None
    signal: str | None
    rss_bytes: int
    peak_bytes: int
    last_peak_bytes: int
    expected_bytes: int
    worker_bytes: int
    cpu_s: float
    cpu_percent: float
    memory_budget_bytes: int | None
    cpu_budget_percent: float | None
    timeout_s: float | None
    slowed_s: float
    paused_s: float
    held_by: str
    samples: tuple[tuple[float, float, float], ...]
    events: tuple[tuple[float, str], ...]
    tests: dict[str, Any] = {}
    lost: bool = False

    @property
    def title(self) -> str:
        """What it is called: the name that a person gave it, else its command."""
        return self.name or self.command

    @property
    def kind(self) -> RunVerdict:
        """The verdict without its details."""
        if self.state != "ended":
            return RunVerdict.LOST if self.lost else RunVerdict.RUNNING
        if "memory" in self.verdict:
            return RunVerdict.OUT_OF_MEMORY
        for kind in (RunVerdict.PASSED, RunVerdict.INTERRUPTED, RunVerdict.TIMED_OUT):
            if self.verdict == kind:
                return kind
        return RunVerdict.FAILED

"""Jobs of real processes: shells on terminals of their own, as a person would use them."""

import ctypes
import os
import pty
import select
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from omnitray.base.clock import SystemClock
from omnitray.base.facts import Job, JobKind
from omnitray.platforms.linux.processes import LinuxProcessDetails, LinuxProcessTable
from omnitray.processes.jobs import JobTracker

PR_SET_CHILD_SUBREAPER = 36


class Terminal:
    """An interactive bash on a pseudo terminal whose other end is this process."""

    def __init__(self, folder: Path) -> None:
        self.pid, self._master = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execv("/bin/bash", ["bash", "--norc", "-i"])  # noqa: S606 - it is the shell
        self.table = LinuxProcessTable()
        self.tracker = JobTracker(LinuxProcessDetails(), SystemClock(), folder)

    def type(self, line: str) -> None:
        os.write(self._master, line.encode() + b"\n")

    def jobs(self) -> tuple[Job, ...]:
        self._drain()
        return self.tracker.update(self.table.scan())

    def until(self, found: Callable[[tuple[Job, ...]], Job | None]) -> Job:
        deadline = time.monotonic() + 15
        while (job := found(self.jobs())) is None:
            assert time.monotonic() < deadline, [each.title for each in self.jobs()]
            time.sleep(0.02)
        return job

    def named(self, name: str, *members: str) -> Job:
        """The job of this name in our folder, once these are what it holds."""
        return self.until(
            lambda jobs: next(
                (
                    job
                    for job in jobs
                    if job.name == name and job.project == "~" and names(job) == sorted(members)
                ),
                None,
            )
        )

    def close(self) -> None:
        for process in self.table.scan():
            if process.session == self.pid and process.pid != self.pid:
                os.kill(process.pid, signal.SIGKILL)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._master)
        self.table.close()

    def _drain(self) -> None:
        while select.select([self._master], [], [], 0)[0]:
            os.read(self._master, 65536)


def names(job: Job) -> list[str]:
    return sorted(process.name for process in job.processes)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    for name in ("pytest", "cargo"):
        script = tmp_path / name
        script.write_text("#!/bin/sh\nsleep 60 &\nsleep 60 &\nwait\n")
        script.chmod(0o700)
    (tmp_path / "train.py").write_text("import subprocess\nsubprocess.run(['sleep', '60'])\n")
    terminal = Terminal(tmp_path)
    yield terminal
    terminal.close()


def test_a_real_command_with_its_children_is_a_job_without_its_shell(terminal: Terminal) -> None:
    terminal.type("python3 train.py")
    job = terminal.named("python train.py", "python3", "sleep")
    assert job.kind is JobKind.COMMAND
    assert terminal.pid not in [process.pid for process in job.processes]


def test_two_real_background_jobs_and_a_pipeline_are_three(terminal: Terminal) -> None:
    terminal.type("python3 train.py & sh ./pytest & sleep 61 | sleep 62 &")
    train = terminal.named("python train.py", "python3", "sleep")
    script = terminal.named("pytest", "sh", "sleep", "sleep")
    pipeline = terminal.named("sleep", "sleep", "sleep")
    assert len({train.key, script.key, pipeline.key}) == 3


def test_a_real_part_of_a_line_is_named_by_what_it_does(terminal: Terminal) -> None:
    terminal.type("(cd . && python3 train.py; true)")
    job = terminal.named("python train.py", "bash", "python3", "sleep")
    assert job.leader_pid != terminal.pid


def test_real_workers_that_lost_their_parent_stay_in_their_job(terminal: Terminal) -> None:
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        terminal.type("sh ./cargo")
        job = terminal.named("cargo", "sh", "sleep", "sleep")
        os.kill(job.leader_pid, signal.SIGKILL)
        left = terminal.until(
            lambda jobs: next(
                (each for each in jobs if each.key == job.key and len(each.processes) == 2), None
            )
        )
        assert names(left) == ["sleep", "sleep"]
        assert (left.name, left.project) == ("cargo", "~")
        for process in left.processes:
            os.kill(process.pid, signal.SIGKILL)
            os.waitpid(process.pid, 0)
    finally:
        libc.prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def test_every_real_process_of_this_machine_is_in_one_job(tmp_path: Path) -> None:
    table = LinuxProcessTable()
    tracker = JobTracker(LinuxProcessDetails(), SystemClock(), tmp_path)
    scan = table.scan()
    everyone = [process.pid for job in tracker.update(scan) for process in job.processes]
    assert len(set(everyone)) == len(everyone)
    left = [process.state for process in scan if process.pid not in set(everyone)]
    assert set(left) <= {"Z", "X"}  # what has ended is no job
    table.close()

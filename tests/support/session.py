"""A desktop session that a test fills with processes."""

from pathlib import Path

from omnitray.base.facts import Job
from omnitray.processes.jobs import JobTracker
from support.clock import FakeClock
from support.processes import FakeProcesses

USER = "/user.slice/user-1000.slice/user@1000.service"


class Desk:
    """A session with a terminal, as GNOME starts it, and a tracker that looks at it."""

    def __init__(self, home: Path, own_pid: int | None = None) -> None:
        self.home = home
        self.shop = home / "shop"
        (self.shop / ".git").mkdir(parents=True)
        (self.shop / "tests").mkdir()
        self.clock = FakeClock()
        self.table = FakeProcesses()
        self.tracker = JobTracker(self.table, self.clock, home, own_pid)
        self.manager = self.table.start("systemd --user", cgroup=f"{USER}/init.scope")
        self.desktop = self.table.start(
            "gnome-shell", self.manager, cgroup=f"{USER}/session.slice/org.gnome.Shell.service"
        )
        self.terminal = self.table.start(
            "gnome-terminal-server",
            self.manager,
            cgroup=f"{USER}/app.slice/app-org.gnome.Terminal.slice/gnome-terminal-server.service",
        )
        self.shell = self.table.shell(
            self.terminal, cwd=str(self.shop), cgroup=f"{USER}/app.slice/vte-spawn-1.scope"
        )

    def jobs(self) -> dict[str, Job]:
        """The jobs by title; the time goes on by a second."""
        self.clock.advance(1)
        return {job.title: job for job in self.tracker.update(self.table.scan())}

    def job_of(self, pid: int) -> Job:
        self.clock.advance(1)
        jobs = self.tracker.update(self.table.scan())
        return next(job for job in jobs if pid in [each.pid for each in job.processes])


def pids(job: Job) -> set[int]:
    """Who is in it."""
    return {process.pid for process in job.processes}

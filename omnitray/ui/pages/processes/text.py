"""What a row about a job or a process says, column by column. Pure."""

import enum
from collections.abc import Iterable

import msgspec

from omnitray.base.facts import Job, ProcessFacts
from omnitray.processes.process_table import identity
from omnitray.protector.inspection import JobInspection
from omnitray.protector.view import HeldAction, Protected, ProtectionView
from omnitray.ui import formats
from omnitray.ui.widgets import pills


class JobColumn(enum.IntEnum):
    """The columns of every list of jobs."""

    NAME = 0
    PROJECT = 1
    CPU = 2
    MEMORY = 3
    GROWTH = 4
    IO = 5
    STATE = 6
    LEVER = 7


TITLES = {
    JobColumn.NAME: "Job",
    JobColumn.PROJECT: "Project",
    JobColumn.CPU: "CPU",
    JobColumn.MEMORY: "Memory",
    JobColumn.GROWTH: "Growth",
    JobColumn.IO: "Disk I/O",
    JobColumn.STATE: "State",
    JobColumn.LEVER: "How or why",
}
HELP = {
    JobColumn.CPU: "Of one core: 480 % keeps 4.8 cores busy",
    JobColumn.MEMORY: "Resident memory (RSS). For the chosen job also PSS: its share of shared "
    "pages is counted once",
    JobColumn.GROWTH: "How fast its memory grows",
    JobColumn.IO: "Read from and written to disks, together; a dash where it may not be read",
    JobColumn.STATE: "What OmniTray does with it now",
    JobColumn.LEVER: "The means that is on it, with its figures; for what is protected, why",
}
FIGURES = (JobColumn.CPU, JobColumn.MEMORY, JobColumn.GROWTH, JobColumn.IO)
_STOPPED = "Tt"
_STATES = {
    "R": "running",
    "S": "sleeping",
    "D": "waits for a disk",
    "I": "idle",
    "Z": "ended, not yet collected",
    "X": "ended",
    "P": "parked",
}


class Grips(msgspec.Struct, frozen=True):
    """What is held and what is protected, by job key; and what a closer look has seen."""

    held: dict[str, HeldAction] = {}
    protected: dict[str, Protected] = {}
    look: JobInspection = JobInspection()

    def on_process(self, job: Job, process: ProcessFacts) -> HeldAction | None:
        """What holds this very process; where the protector names no process, all are meant."""
        held = self.held.get(job.key)
        return held if held is not None and process.pid in (held.pids or {process.pid}) else None


def grips(view: ProtectionView, look: JobInspection | None = None) -> Grips:
    """The parts of a view that the lists of jobs show, with what was seen closely."""
    look = look or JobInspection()
    said = {each.job_key: each for each in view.protected}
    return Grips({each.job_key: each for each in view.held}, look.protected | said, look)


def job_text(job: Job, column: JobColumn, known: Grips) -> str:
    """The words of a cell."""
    match column:
        case JobColumn.NAME:
            return formats.one_line(job.name)
        case JobColumn.PROJECT:
            return formats.one_line(job.project or "")
        case JobColumn.CPU:
            return formats.percent(job.cpu_percent)
        case JobColumn.MEMORY:
            return formats.size(job.rss_bytes)
        case JobColumn.GROWTH:
            return formats.growth(job.growth_bps)
        case JobColumn.IO:
            return io_words(job_io(job, known.look))
        case _:
            return ""


def process_text(process: ProcessFacts, column: JobColumn, known: Grips) -> str:
    """The words of a cell in the row of one process."""
    match column:
        case JobColumn.NAME:
            return formats.one_line(process.name)
        case JobColumn.CPU:
            return formats.percent(process.cpu_percent)
        case JobColumn.MEMORY:
            return formats.size(process.rss_bytes)
        case JobColumn.GROWTH:
            return formats.growth(known.look.growth_bps.get(identity(process)))
        case JobColumn.IO:
            return io_words(known.look.io_bps.get(identity(process)))
        case _:
            return ""


def io_words(rate_bps: float | None) -> str:
    """``84 MB/s``; 0 where it is nothing."""
    return "0" if rate_bps is not None and rate_bps < 1.0 else formats.rate(rate_bps)


def job_io(job: Job, look: JobInspection) -> float | None:
    """What the processes of a job read and write, as far as it could be read."""
    rates = [look.io_bps.get(identity(each)) for each in job.processes]
    known = [rate for rate in rates if rate is not None]
    return sum(known) if known else None


def job_pss(job: Job, look: JobInspection) -> int | None:
    """Its memory with shared pages counted once, where it was measured."""
    sizes = [look.pss_bytes.get(identity(each)) for each in job.processes]
    known = [size for size in sizes if size is not None]
    return sum(known) if known else job.pss_bytes


def job_state(job: Job, known: Grips) -> tuple[pills.Pill | None, str]:
    """The pill of a job, and its lever or the reason why it is excluded; the same on every page.

    No pill while it is not known whether the job is protected.
    """
    held = known.held.get(job.key)
    if held is not None:
        return pills.GRIPS[held.grip], formats.one_line(held.means)
    badge = known.protected.get(job.key)
    if badge is not None:
        return pills.PROTECTED, formats.one_line(badge.why)
    if job.processes and all(each.state in _STOPPED for each in job.processes):
        return pills.STOPPED, "not by OmniTray"
    return pills.RUNNING if job.key in known.look.judged else None, _nice(job.processes)


def process_state(job: Job, process: ProcessFacts, known: Grips) -> tuple[pills.Pill | None, str]:
    """What a process does, or how it is held: a pill for the latter."""
    held = known.on_process(job, process)
    if held is not None:
        return pills.GRIPS[held.grip], ""
    if process.state in _STOPPED:
        return pills.STOPPED, ""
    return None, _STATES.get(process.state, "")


def process_lever(job: Job, process: ProcessFacts, known: Grips) -> str:
    """The lever on a process; a nice value counts whatever set it."""
    held = known.on_process(job, process)
    if held is not None:
        return formats.one_line(held.means)
    return "not by OmniTray" if process.state in _STOPPED else _nice((process,))


def _nice(processes: Iterable[ProcessFacts]) -> str:
    """``nice 10`` where all have the same value that is not the usual one."""
    values = {each.nice for each in processes}
    value = values.pop() if len(values) == 1 else 0
    return f"nice {value}".replace("-", "−") if value else ""


def weight(job: Job, column: JobColumn, known: Grips) -> tuple[float | str, str]:
    """What a list is ordered by; the key settles ties so that equals do not swap places.

    What is shown counts: two jobs at 0 % do not swap places for a tenth of it.
    """
    match column:
        case JobColumn.CPU:
            return float(round(job.cpu_percent or 0.0)), job.key
        case JobColumn.MEMORY:
            return _shown(job.rss_bytes), job.key
        case JobColumn.GROWTH:
            return _shown(job.growth_bps or 0.0), job.key
        case JobColumn.IO:
            return _shown(job_io(job, known.look) or 0.0), job.key
        case JobColumn.PROJECT:
            return (job.project or "").casefold(), job.key
        case JobColumn.STATE | JobColumn.LEVER:
            pill, words = job_state(job, known)
            word = pill.word if pill else ""
            return (word if column == JobColumn.STATE else words), job.key
        case _:
            return job.name.casefold(), job.key


def _shown(value: float) -> float:
    """To the three digits that a figure has at most."""
    return float(f"{value:.3g}")


def top_jobs(jobs: tuple[Job, ...], known: Grips, limit: int) -> list[Job]:
    """The jobs to look at first: what is held, then what takes most of CPU or memory."""
    all_cpu = sum(job.cpu_percent or 0.0 for job in jobs) or 1.0
    all_rss = sum(job.rss_bytes for job in jobs) or 1

    def share(job: Job) -> float:
        return max((job.cpu_percent or 0.0) / all_cpu, job.rss_bytes / all_rss)

    ordered = sorted(jobs, key=lambda job: (job.key not in known.held, -share(job), job.key))
    return ordered[:limit]

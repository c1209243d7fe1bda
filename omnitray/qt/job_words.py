"""What a row about a job or a process says, column by column. Pure."""

import enum

import msgspec

from omnitray.core.facts import Job, ProcessFacts
from omnitray.core.protection_view import Held, ProtectionView
from omnitray.qt import formats, pills


class Column(enum.IntEnum):
    """The columns of every list of jobs."""

    NAME = 0
    PROJECT = 1
    CPU = 2
    MEMORY = 3
    GROWTH = 4
    STATE = 5


TITLES = {
    Column.NAME: "Job",
    Column.PROJECT: "Project",
    Column.CPU: "CPU",
    Column.MEMORY: "Memory",
    Column.GROWTH: "Growth",
    Column.STATE: "State",
}
HELP = {
    Column.CPU: "Of one core: 480 % keeps 4.8 cores busy",
    Column.MEMORY: "Resident memory of all its processes",
    Column.GROWTH: "How fast its memory grows",
    Column.STATE: "What OmniTray does with it now, and by which means",
}
FIGURES = (Column.CPU, Column.MEMORY, Column.GROWTH)
_STOPPED = "Tt"


class Grips(msgspec.Struct, frozen=True):
    """What is held and what is protected, by job key."""

    held: dict[str, Held] = {}
    protected: dict[str, str] = {}


def grips(view: ProtectionView) -> Grips:
    """The parts of a view that the lists of jobs show."""
    return Grips(
        {each.job_key: each for each in view.held},
        {each.job_key: each.why for each in view.protected},
    )


def job_text(job: Job, column: Column) -> str:
    """The words of a cell."""
    match column:
        case Column.NAME:
            return formats.one_line(job.name)
        case Column.PROJECT:
            return formats.one_line(job.project or "")
        case Column.CPU:
            return formats.percent(job.cpu_percent)
        case Column.MEMORY:
            return formats.size(job.rss_bytes)
        case Column.GROWTH:
            return formats.growth(job.growth_bps)
        case Column.STATE:
            return ""


def process_text(process: ProcessFacts, column: Column) -> str:
    """The words of a cell in the row of one process."""
    match column:
        case Column.NAME:
            return formats.one_line(process.name)
        case Column.CPU:
            return formats.percent(process.cpu_percent)
        case Column.MEMORY:
            return formats.size(process.rss_bytes)
        case _:
            return ""


def job_state(job: Job, known: Grips) -> tuple[pills.Pill, str]:
    """The pill of a job and the quiet words behind it."""
    held = known.held.get(job.key)
    if held is not None:
        return pills.GRIPS[held.grip], formats.one_line(held.means)
    if job.key in known.protected:
        return pills.PROTECTED, formats.one_line(known.protected[job.key])
    if job.processes and all(each.state in _STOPPED for each in job.processes):
        return pills.STOPPED, "not by OmniTray"
    return pills.RUNNING, ""


def weight(job: Job, column: Column) -> tuple[float | str, str]:
    """What a list is ordered by; the key settles ties so that equals do not swap places."""
    match column:
        case Column.CPU:
            return job.cpu_percent or 0.0, job.key
        case Column.MEMORY:
            return float(job.rss_bytes), job.key
        case Column.GROWTH:
            return job.growth_bps or 0.0, job.key
        case Column.PROJECT:
            return (job.project or "").casefold(), job.key
        case _:
            return job.name.casefold(), job.key


def top_jobs(jobs: tuple[Job, ...], known: Grips, limit: int) -> list[Job]:
    """The jobs to look at first: what is held, then what takes most of CPU or memory."""
    all_cpu = sum(job.cpu_percent or 0.0 for job in jobs) or 1.0
    all_rss = sum(job.rss_bytes for job in jobs) or 1

    def share(job: Job) -> float:
        return max((job.cpu_percent or 0.0) / all_cpu, job.rss_bytes / all_rss)

    ordered = sorted(jobs, key=lambda job: (job.key not in known.held, -share(job), job.key))
    return ordered[:limit]

"""How a job and a process look in a list: cells from the words of ``job_words``."""

from omnitray.base.facts import Job, ProcessFacts
from omnitray.processes.job_seats import identity
from omnitray.ui import formats
from omnitray.ui.pages.processes.text import (
    FIGURES,
    Column,
    Grips,
    job_pss,
    job_state,
    job_text,
    process_lever,
    process_state,
    process_text,
)
from omnitray.ui.widgets import pills
from omnitray.ui.widgets.cells import Cell

_ENDED = pills.Pill("ended", "neutral")


def job_cell(job: Job, column: Column, known: Grips, *, gone: bool, projects: bool) -> Cell:
    """One cell of a job; ``gone`` fades a job that has ended while the list was held still.

    With ``projects`` the project stands behind the name: the list has no column for it.
    """
    if column == Column.NAME:
        count = formats.count(job.process_count, "process")
        project = job_text(job, Column.PROJECT, known) if projects else ""
        quiet = " · ".join(part for part in (project, count) if part)
        return Cell(job_text(job, column, known), quiet, bold=True, faded=gone)
    if column in (Column.STATE, Column.LEVER):
        pill, lever = (_ENDED, "") if gone else job_state(job, known)
        return Cell(pill=pill) if column == Column.STATE else Cell(quiet=lever)
    hint = _pss(job_pss(job, known.look)) if column == Column.MEMORY else ""
    text = job_text(job, column, known)
    return Cell(text, right=column in FIGURES, faded=gone, hint=hint)


def process_cell(
    job: Job, process: ProcessFacts, column: Column, known: Grips, *, gone: bool
) -> Cell:
    """One cell of a process, with its pid behind its name."""
    if column == Column.NAME:
        text = process_text(process, column, known)
        return Cell(text, f"pid {process.pid}", faded=gone)
    if column == Column.STATE:
        pill, quiet = (_ENDED, "") if gone else process_state(job, process, known)
        return Cell(quiet=quiet, pill=pill)
    if column == Column.LEVER:
        return Cell(quiet="" if gone else process_lever(job, process, known))
    size = known.look.pss_bytes.get(identity(process)) if column == Column.MEMORY else None
    text = process_text(process, column, known)
    return Cell(text, right=column in FIGURES, faded=gone, hint=_pss(size))


def _pss(size_bytes: int | None) -> str:
    return "" if size_bytes is None else f"PSS {formats.size(size_bytes)}"

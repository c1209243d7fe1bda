"""How a job and a process look in a list: cells from the words of ``job_words``."""

from omnitray.core.facts import Job, ProcessFacts
from omnitray.qt import formats, pills
from omnitray.qt.cells import Cell
from omnitray.qt.job_words import FIGURES, Column, Grips, job_state, job_text, process_text

_ENDED = pills.Pill("ended", "neutral")


def job_cell(job: Job, column: Column, known: Grips, *, gone: bool) -> Cell:
    """One cell of a job; ``gone`` fades a job that has ended while the list was held still."""
    if column == Column.NAME:
        quiet = formats.count(job.process_count, "process")
        return Cell(job_text(job, column), quiet, bold=True, faded=gone)
    if column == Column.STATE:
        pill, quiet = (_ENDED, "") if gone else job_state(job, known)
        return Cell(quiet=quiet, pill=pill)
    return Cell(job_text(job, column), right=column in FIGURES, faded=gone)


def process_cell(process: ProcessFacts, column: Column) -> Cell:
    """One cell of a process; its pid stands where its job has the project."""
    if column == Column.PROJECT:
        return Cell(quiet=f"pid {process.pid}")
    return Cell(process_text(process, column), right=column in FIGURES)

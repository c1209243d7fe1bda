"""Which of the programs of one pipeline a person would name it after.

What tests, builds or works on its own comes before scripts, those before other programs, and all
of them before what only passes things on, waits, or stands before a command.
"""

from omnitray.base.facts import JobKind
from omnitray.processes.known_programs import HELPERS, INTERPRETERS
from omnitray.processes.process_roles import is_shell

_RUNS = {JobKind.TEST_RUN: 6, JobKind.BUILD: 5, JobKind.AGENT: 4}
_SCRIPT, _PROGRAM, _HELPER, _SHELL = 3, 2, 1, 0
_SCRIPT_ENDS = (".sh", ".bash", ".zsh", ".fish")


def rank(name: str, kind: JobKind) -> int:
    """The higher, the more it says of what the whole is for."""
    if kind in _RUNS:
        return _RUNS[kind]
    first = name.partition(" ")[0]
    if is_shell(first):
        return _SHELL
    if first in HELPERS:
        return _HELPER
    return _SCRIPT if first in INTERPRETERS or name.endswith(_SCRIPT_ENDS) else _PROGRAM

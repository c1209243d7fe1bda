"""Standard output and error that are closed, full, or a pipe without a reader.

:func:`with_streams` turns output that could not be written into an exit status and one line instead
of a traceback.
"""

import contextlib
import os
import sys
from collections.abc import Callable

FAILED = 1


class OutputLost(Exception):  # noqa: N818 - a state of the world, not a fault of ours
    """The output of a command could not be written."""

    def __init__(self, error: OSError) -> None:
        super().__init__(f"the output cannot be written: {error.strerror or error}")


def with_streams(run: Callable[[], int]) -> int:
    """The exit status of ``run``: 1 where its output was lost, but not for a closed pipe.

    A reader that closed the pipe has read enough: that is no failure.
    """
    # Closed ones are None; their descriptors lead nowhere by now (base.process_environment).
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", encoding="utf-8", closefd=False)
    code = 0
    try:
        try:
            code = run()
        except SystemExit as leaving:  # argparse: help, version, wrong usage
            code = leaving.code if isinstance(leaving.code, int) else FAILED
            if isinstance(leaving.code, str):
                sys.stderr.write(f"{leaving.code}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        _throw_away(sys.stdout.fileno())
    except (OutputLost, OSError) as error:
        lost = error if isinstance(error, OutputLost) else OutputLost(error)
        code = code or FAILED
        with contextlib.suppress(OSError):
            sys.stderr.write(f"omnitray: {lost}\n")
            sys.stderr.flush()
        _throw_away(sys.stdout.fileno())
    try:
        sys.stderr.flush()
    except OSError:
        _throw_away(sys.stderr.fileno())
    return code


def _throw_away(number: int) -> None:
    """What is still in the buffer goes nowhere, so that the interpreter's last flush is quiet."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)

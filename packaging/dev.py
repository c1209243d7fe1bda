"""Everything a developer types: python3 packaging/dev.py run|test|check|bench|shots.

Needs nothing but Python 3.11: it sets up what else is missing. This file alone must be readable
by any older Python 3, so that it can say what is needed; the work is in ``_tasks.py``.
"""

import shutil
import sys

OLDEST = (3, 11)


def advice() -> str:
    """The command that helps where this Python is too old."""
    newer = ["python3." + str(minor) for minor in range(16, OLDEST[1] - 1, -1)]
    for name in newer:
        if shutil.which(name):
            return " ".join([name, *sys.argv])
    return "sudo apt-get install -y python3.11 python3.11-venv"


def main() -> int:
    """Refuse an old Python in one sentence, else do what was asked."""
    if sys.version_info < OLDEST:
        here = ".".join(str(part) for part in sys.version_info[:3])
        sys.stderr.write("OmniTray needs Python 3.11 or newer; this is " + here + ".\n")
        sys.stderr.write("  Try: " + advice() + "\n")
        return 1
    from _tasks import main as run_task  # noqa: PLC0415 - an old Python could not read it

    return run_task(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())

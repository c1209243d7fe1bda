"""``omnitray`` and ``python -m omnitray``: the way to the command line.

``omnitray run`` is started before other programs, and ``omnitray _values`` at each Tab: both go
their own way, with as few imports as can be. All others load the whole parser.
"""

import atexit
import os
import sys


def main() -> int:
    """Entry point of ``omnitray``."""
    if sys.argv[1:2] == ["run"]:
        from omnitray.runs.light import signal  # noqa: PLC0415 - see above

        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C before the command: no traceback
        from omnitray.cli.commands.run import main as run  # noqa: PLC0415 - see above

        status = run(sys.argv[2:])
        if not atexit._ncallbacks():  # noqa: SLF001 - there is no public way to ask
            os._exit(status)  # all is written: to take the interpreter down takes 3 ms
        return status
    if sys.argv[1:2] == ["_values"]:
        from omnitray.cli.values import main as values  # noqa: PLC0415 - see above

        return values(sys.argv[2:])
    from omnitray.cli.parser import main as parsed  # noqa: PLC0415 - see above

    return parsed()


if __name__ == "__main__":
    sys.exit(main())

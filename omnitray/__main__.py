"""``omnitray`` and ``python -m omnitray``: the way to the command line.

``omnitray run`` is started before other programs and goes its own way, with as few imports as can
be: all others load the whole parser.
"""

import sys


def main() -> int:
    """Entry point of ``omnitray``."""
    if sys.argv[1:2] == ["run"]:
        import signal  # noqa: PLC0415 - see above

        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C before the command: no traceback
        from omnitray.cli.commands.run import main as run  # noqa: PLC0415 - see above

        return run(sys.argv[2:])
    from omnitray.cli.parser import main as parsed  # noqa: PLC0415 - see above

    return parsed()


if __name__ == "__main__":
    sys.exit(main())

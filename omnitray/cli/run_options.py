"""What may be said to ``omnitray run``, and how its values are read.

:func:`quickly_parsed` reads what is written well, from the table that argparse is given for help,
completion and everything else: importing argparse takes a quarter of what the wrapper may cost.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

TEXT = "run a command with a budget; it is measured and known by name"
NO_COMMAND = "there is no command; put it after --"
LEAST_BYTES = 1_000_000  # no program starts in less: a forgotten unit
MOST_PERCENT = 100_000.0  # a thousand cores


class RunOptions:
    """The values of one command line; the names are argparse's own for these options."""

    def __init__(self) -> None:
        self.name = ""
        self.memory: int | None = None
        self.cpu: float | None = None
        self.timeout: float | None = None
        self.no_kill = self.wait = self.workers_from_memory = self.summary = self.json = False
        self.words: list[str] = []


def _refused(text: str, allowed: str) -> ValueError:
    from omnitray.cli.times import bad_value  # noqa: PLC0415 - only a mistake needs it

    return ValueError(bad_value(text, allowed))


def size_bytes(text: str) -> int:
    """Bytes of ``500M``, ``2.5 GB`` (thousands) or ``2GiB`` (1024s); raises ValueError."""
    letters = text.strip().upper().removesuffix("B")
    base = 1024 if letters.endswith("I") else 1000
    letters = letters.removesuffix("I").strip()
    unit = "KMGT".find(letters[-1:]) + 1 if letters[-1:] else 0
    figure = letters[:-1] if unit else letters
    try:
        count = int(float(figure) * base**unit)
    except (ValueError, OverflowError):
        count = -1
    if count < 0 or not figure.strip()[:1].isdecimal():
        raise _refused(text, "a size such as 800M or 4G")
    if count < LEAST_BYTES:  # a number alone would be bytes
        raise _refused(text, "a size from 1M, such as 800M or 4G")
    return count


def seconds(text: str) -> float:
    """Seconds of ``90``, ``90s``, ``15m``, ``1h30m``; raises ValueError."""
    from omnitray.cli.times import duration_s  # noqa: PLC0415 - where there is a limit

    found = duration_s(text, plain_seconds=True)
    if found <= 0:
        raise _refused(text, "more than nothing, such as 90s, 15m or 1h30m")
    return found


def percentage(text: str) -> float:
    """``150`` or ``150%``: of one core; raises ValueError."""
    try:
        found = float(text.strip().removesuffix("%"))
    except ValueError:
        found = 0.0
    if not 1.0 <= found <= MOST_PERCENT:
        raise _refused(text, "a percentage; 150 is one and a half cores")
    return found


# Option, how its value is read, its name in the help, what it does.
WITH_VALUE: "tuple[tuple[str, Callable[[str], object], str, str], ...]" = (
    ("--name", str, "N", "what it is called everywhere"),
    ("--memory", size_bytes, "SIZE", "its memory budget: 800M, 4G, 1.5GiB"),
    ("--cpu", percentage, "PERCENT", "its CPU budget; 100 is one whole core"),
    ("--timeout", seconds, "T", "ended after this: 90, 15m, 1h30m"),
)
SWITCHES = (
    ("--no-kill", "never ended for its budget, only slowed down and paused"),
    ("--wait", "start when memory can hold it; several in order"),
    (
        "--workers-from-memory",
        "tell pytest-xdist, cargo, make, ninja, jest and others how many workers fit",
    ),
    ("--summary", "a closing line also where stderr is no terminal"),
    ("--json", "the run as an object, on one line behind what the command printed"),
)


def quickly_parsed(argv: "list[str]") -> RunOptions | None:
    """The options; None where anything is not as it should be, which argparse explains."""
    options = RunOptions()
    readers = {option: read for option, read, _, _ in WITH_VALUE}
    switches = {option for option, _ in SWITCHES}
    rest = iter(argv)
    for word in rest:
        option, is_joined, value = word.partition("=")
        if word in switches:
            setattr(options, _field(word), True)
        elif option in readers:
            try:
                setattr(
                    options, _field(option), readers[option](value if is_joined else next(rest))
                )
            except (ValueError, StopIteration):
                return None
        elif word == "--":
            options.words = list(rest)
        elif word.startswith("-"):
            return None
        else:
            options.words = [word, *rest]
    return options if options.words else None


def add_options(parser: "argparse.ArgumentParser") -> None:
    """Add the options and the command."""
    import argparse  # noqa: PLC0415 - see the module

    def reading(read: "Callable[[str], object]") -> "Callable[[str], object]":
        def convert(text: str) -> object:
            try:
                return read(text)
            except ValueError as error:
                raise argparse.ArgumentTypeError(f"{error}") from error

        return convert

    for option, read, metavar, text in WITH_VALUE:
        default = "" if read is str else None
        parser.add_argument(option, type=reading(read), metavar=metavar, default=default, help=text)
    for option, text in SWITCHES:
        parser.add_argument(option, action="store_true", help=text)
    parser.add_argument("words", nargs=argparse.REMAINDER, metavar="-- COMMAND", help="what to run")


def parsed(argv: "list[str]", refused: int) -> RunOptions:
    """The options; ends the process with help, or with ``refused`` and what is wrong."""
    if (found := quickly_parsed(argv)) is not None:
        return found
    import argparse  # noqa: PLC0415 - see the module
    import sys  # noqa: PLC0415

    from omnitray.cli.terminal import JsonErrorParser, asks_for_json  # noqa: PLC0415 - as above

    kind = JsonErrorParser if asks_for_json(argv) else argparse.ArgumentParser
    parser = kind(prog="omnitray run", description=f"{TEXT[0].upper()}{TEXT[1:]}.")
    add_options(parser)
    try:
        options = parser.parse_args(argv, RunOptions())
        if not command_of(options.words):
            parser.error(NO_COMMAND)
    except SystemExit as leaving:
        sys.exit(refused if leaving.code else 0)  # 2 could be the command's own status
    options.words = command_of(options.words)
    return options


def command_of(words: "list[str]") -> "list[str]":
    """The command without the ``--`` before it."""
    return words[1:] if words[:1] == ["--"] else words


def _field(option: str) -> str:
    return option.removeprefix("--").replace("-", "_")

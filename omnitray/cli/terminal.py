"""What is written to a terminal: aligned, within its width, and harmless.

At 80 columns all that matters is seen. What is not a terminal gets every line whole.

Titles come from anywhere; a control character in one could move the cursor, rename the window or
reverse the reading order. None leaves here. Colour is for terminals alone, never the only sign,
and off with ``NO_COLOR`` (https://no-color.org).

Standard output and error may be closed, full, or a pipe without a reader: :func:`with_streams`
turns output that could not be written into an exit status and one line instead of a traceback.

Wrong usage is said with the word that was meant, and as an object with ``--json``.
"""

import argparse
import contextlib
import json
import os
import sys
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn, TextIO

from omnitray.base.process_environment import terminal_columns

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


HARMFUL = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
WIDEST = 80  # of a paragraph, and of a terminal that does not say
GAP = "  "
READABLE = 24  # cells of a title: with fewer it does not say any more who it was
COLOURS = {"critical": "31", "warning": "33", "ok": "32", "dim": "2", "bold": "1"}


class Terminal:
    """Standard output and error, as one thing that tests can replace."""

    def __init__(
        self,
        out: TextIO | None = None,
        err: TextIO | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._out = out or sys.stdout
        self._err = err or sys.stderr
        environ = os.environ if environ is None else environ
        self._in_progress = False
        self.interactive = self._out.isatty()
        self._page: list[str] | None = None  # what is printed while it is drawn
        self._drawn: list[str] | None = None  # what was drawn last
        self._obeys = environ.get("TERM") != "dumb"
        self._coloured = self.interactive and self._obeys and not environ.get("NO_COLOR")
        self.width = terminal_columns(WIDEST, environ) if self.interactive else sys.maxsize

    def line(self, text: str = "", colour: str = "", indent: int = 0) -> None:
        """A sentence: on one line, or at a narrow terminal on several; nothing of it is lost."""
        text = harmless(text)
        if width_of(text) > self.width:
            indent = indent or len(text) - len(text.lstrip())
            text = self._wrapped(text, self.width, indent)
        self._print(self.paint(text, colour))

    def row(self, text: str, colour: str = "") -> None:
        """One line of a list or a log, cut to the width."""
        self._print(self.paint(cut(text, self.width), colour))

    def whole(self, text: str) -> None:
        """Text of ours that may be longer than a line."""
        self._print(text)

    def wrapped(self, text: str, indent: int = 0, colour: str = "") -> str:
        """A paragraph within the width; later lines are indented."""
        width = min(self.width, WIDEST)
        return self.paint(self._wrapped(harmless(text), width, indent), colour)

    @staticmethod
    def _wrapped(text: str, width: int, indent: int) -> str:
        """A path is not broken: it would not be one any more when it is copied."""
        import textwrap  # noqa: PLC0415 - few commands need it

        later = " " * indent
        return textwrap.fill(
            text, width, subsequent_indent=later, break_long_words=False, break_on_hyphens=False
        )

    def json(self, body: bytes) -> None:
        """An object of the API, on one line."""
        self._print(harmless_json(body.decode()))

    def problem(self, text: str) -> None:
        """One line of what went wrong."""
        print(f"omnitray: {harmless(text)}", file=self._err, flush=True)

    def progress(self, count: int) -> None:
        """How far a long command is, on one line of a terminal; elsewhere nothing."""
        if self._err.isatty():
            print(f"\r{count:,} alerts", end="", file=self._err, flush=True)
            self._in_progress = True

    def progress_ends(self) -> None:
        """Leave the line for what comes next."""
        if self._in_progress:
            print("\r\x1b[K", end="", file=self._err, flush=True)
            self._in_progress = False

    def paint(self, text: str, colour: str) -> str:
        """In a colour, where there are colours."""
        if not (self._coloured and colour in COLOURS):
            return text
        return f"\x1b[{COLOURS[colour]}m{text}\x1b[0m"

    def redraw(self, draw: Callable[[], None], head: Callable[[], str] | None = None) -> None:
        """What ``draw`` prints stands in the place of what it printed before.

        Nothing is written while it prints the same. What is no terminal, or one that obeys
        nothing, gets it whole again at each change; there ``head`` gives each page a line of its
        own, such as the time, and an empty one stands between two.
        """
        self._page = []
        try:
            draw()
            page, self._page = self._page, None
        finally:
            self._page = None
        if page == self._drawn:
            return
        first, self._drawn = self._drawn is None, page
        if not (self.interactive and self._obeys):
            above = f"{'' if first else chr(10)}{head()}\n" if head else ""
            self._print(above + "".join(page), end="")
            return
        lines = "".join(page).replace("\n", "\x1b[K\n")  # what was longer there before goes
        empty = "\x1b[2J" if first else ""
        self._print(f"\x1b[H{empty}{lines}\x1b[J", end="")

    def _print(self, text: str, end: str = "\n") -> None:
        if self._page is not None:
            self._page.append(f"{text}{end}")
            return
        try:
            print(text, end=end, file=self._out, flush=True)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputLost(error) from error

    def table(
        self,
        rows: Sequence[Sequence[str]],
        colours: Sequence[str] = (),
        *,
        middle: bool = False,
        right: Sequence[int] = (),
        below: Sequence[str] = (),
        drop: Sequence[int] = (),
        whole: bool = False,
    ) -> None:
        """Columns as wide as their widest cell; the last one is cut at the edge.

        With ``middle`` its middle goes, for titles that end in who it was; ``whole``: it goes on
        below. ``right`` names the columns of figures. What stands ``below`` a row is text of
        more than a line perhaps. Where the last column has no room, those of ``drop`` go in order.
        """
        if not rows:
            return
        widths = [max(width_of(row[at]) for row in rows) for at in range(len(rows[0]))]
        kept = self._columns_that_fit(widths, drop)
        for number, row in enumerate(rows):
            cells = [pad(row[at], widths[at], right=at in right) for at in kept[:-1]]
            colour = colours[number] if number < len(colours) else ""
            last, used = row[kept[-1]], sum(width_of(cell + GAP) for cell in cells)
            if middle:
                last = cut_middle(last, self.width - used)
            text = GAP.join([*cells, last]).rstrip()
            if whole:
                self.line(text, colour, used)
            else:
                self.row(text, colour)
            if number < len(below) and below[number]:
                self.whole(self.wrapped(f"    {below[number]}", 4, "dim"))

    def _columns_that_fit(self, widths: Sequence[int], drop: Sequence[int]) -> list[int]:
        kept = list(range(len(widths)))
        for column in drop:
            room = self.width - sum(widths[at] + len(GAP) for at in kept[:-1])
            if room >= min(widths[kept[-1]], READABLE):
                break
            kept.remove(column)
        return kept


def harmless(text: str) -> str:
    """Without anything that a terminal obeys instead of showing."""
    return "".join("?" if unicodedata.category(mark) in HARMFUL else mark for mark in text)


def harmless_json(text: str) -> str:
    """The same JSON value, with such characters escaped."""
    if text.isprintable():
        return text
    return "".join(
        mark if mark.isprintable() or mark == " " else _escaped(mark) for mark in text.strip()
    )


def _escaped(mark: str) -> str:
    units = mark.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def width_of(text: str) -> int:
    """Cells on the screen: East Asian wide characters take two, combining ones none."""
    return sum(_cells(mark) for mark in text)


def _cells(mark: str) -> int:
    if unicodedata.combining(mark):
        return 0
    return 2 if unicodedata.east_asian_width(mark) in "WF" else 1


def cut(text: str, width: int) -> str:
    """Harmless, and no wider than this; an ellipsis says that something is missing."""
    text = harmless(text)
    if width_of(text) <= width:
        return text
    kept, used = [], 1
    for mark in text:
        used += _cells(mark)
        if used > width:
            break
        kept.append(mark)
    return "".join(kept) + "…"


def cut_middle(text: str, width: int) -> str:
    """Harmless, and no wider than this; an ellipsis stands for the middle."""
    text = harmless(text)
    if width_of(text) <= width:
        return text
    half = max(0, width - 1) // 2
    tail = cut(text[::-1], half + 1)[:-1][::-1].lstrip()
    return cut(text, max(1, width - width_of(tail))) + tail


def pad(text: str, width: int, *, right: bool = False) -> str:
    """Filled up with spaces, behind it or before."""
    text = harmless(text)
    space = " " * max(0, width - width_of(text))
    return space + text if right else text + space


def percent(value: float | None) -> str:
    """``34 %``; a dash for what cannot be read."""
    return "–" if value is None else f"{value:.0f} %"


def meant(word: str, names: Iterable[str], otherwise: str) -> str:
    """``did you mean status?``, or what else helps."""
    import difflib  # noqa: PLC0415 - only a mistake needs it

    near = difflib.get_close_matches(word, list(names), n=1)
    return f"did you mean {near[0]}?" if near else otherwise


class AlignedHelp(argparse.HelpFormatter):
    """Texts beside names of any length: argparse forgets that commands are indented."""

    def add_argument(self, action: argparse.Action) -> None:
        """Count a command with its indent."""
        super().add_argument(action)
        for each in self._iter_indented_subactions(action):
            length = len(self._format_action_invocation(each)) + self._current_indent
            self._action_max_length = max(self._action_max_length, length)


class WordParser(argparse.ArgumentParser):
    """Names the command that was meant instead of all that there are."""

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if isinstance(action.choices, dict) and value not in action.choices:
            from omnitray.base.paths import typed  # noqa: PLC0415 - only a mistake needs it

            hint = meant(value, action.choices, f"{typed('--help')} lists them all")
            raise argparse.ArgumentError(None, f"there is no command {value}; {hint}")
        super()._check_value(action, value)

    def _print_message(self, message: str, file: Any = None) -> None:
        # Python 3.11.2 lets the error of a full disk or a closed terminal change the status.
        with contextlib.suppress(AttributeError, OSError):
            super()._print_message(message, file)


class JsonErrorParser(WordParser):
    """Prints what is wrong with the words as an error object of the API, on standard output."""

    def error(self, message: str) -> NoReturn:
        """Print the object and end with the status of a wrong usage."""
        sys.stdout.write(json.dumps({"error": "usage", "detail": message}) + "\n")
        self.exit(2)


def asks_for_json(words: Sequence[str]) -> bool:
    """Whether ``--json`` stands among our own words; what follows ``--`` is a command's."""
    own = words[: words.index("--")] if "--" in words else words
    return "--json" in own

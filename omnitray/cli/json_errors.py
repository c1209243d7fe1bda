"""How wrong usage is said: with the word that was meant, and as an object with ``--json``."""

import argparse
import contextlib
import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from omnitray.base.paths import typed


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

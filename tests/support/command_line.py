"""The commands of the command line as its parser has them, each with words that it takes."""

import argparse
import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from omnitray.cli.parser import build_parser

# What a positional argument without choices is given, by its metavar.
WORDS = {
    "COMMAND": "true",
    "DURATION": "1h",
    "FILE": "out.jsonl",
    "ID": "0123456789abcdef",
    "ID|all": "all",
    "JOB": "1",
    "KEY": "mode",
    "NAME": "shop",
    "TITLE": "shop is down",
    "VALUE": "test",
    "WHAT": "shop",
}
# Without these they would only show, which has another command's answer, or act on this machine.
OPTIONAL = {
    "clean": ("--dry-run",),
    "dashboard": ("--print",),
    "level": ("idle",),
    "mode": ("test",),
    "record": ("--for", "1s", "out.jsonl.xz"),
    "service": ("status",),
    "token": ("--rotate",),
    "uninstall": ("--dry-run",),
}
# Its streams and status are those of what it runs; top goes on until Ctrl-C: both tested alone.
NOT_ITS_OWN = frozenset({"run", "top"})


class Outcome:
    """What a command printed and how it ended."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err

    @property
    def json(self) -> Any:
        assert self.out.count("\n") == 1
        return json.loads(self.out)


Run = Callable[..., Outcome]


class Command(NamedTuple):
    """A leaf of the parser: ``name`` may have several words."""

    name: str
    words: tuple[str, ...]


def commands() -> dict[str, Command]:
    """All of them, by name; a new one is there by itself."""
    return {each.name: each for each in _commands(build_parser(), ())}


def _commands(parser: argparse.ArgumentParser, path: tuple[str, ...]) -> Iterator[Command]:
    groups = [each for each in parser._actions if isinstance(each, argparse._SubParsersAction)]
    if path and " ".join(path) not in NOT_ITS_OWN and not any(each.required for each in groups):
        name = " ".join(path)
        given = _positionals(parser)
        yield Command(name, (*path, *(OPTIONAL.get(name, ()) or given)))
    for group in groups:
        for word, sub in group.choices.items():
            yield from _commands(sub, (*path, word))


def _positionals(parser: argparse.ArgumentParser) -> tuple[str, ...]:
    words = []
    for action in parser._actions:
        is_group = isinstance(action, argparse._SubParsersAction)
        if action.option_strings or is_group or action.nargs in {"?", "*"}:
            continue
        if action.choices is not None:
            words.append(str(next(iter(action.choices))))
        else:
            words.append(WORDS[str(action.metavar)])
    return tuple(words)

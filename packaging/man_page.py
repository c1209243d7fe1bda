"""The manual page, made from the parser: python packaging/man_page.py > omnitray.1.

Nothing of it is kept in the repository, so that it cannot be out of date.
"""

import argparse
import sys

from omnitray import __version__
from omnitray.cli.parser import build_parser

SECTION = "1"
FILES = (
    ("~/.config/omnitray/config.toml", "the settings"),
    ("~/.local/share/omnitray/", "alerts, and the journal of what was done"),
    ("~/.local/state/omnitray/log/", "the log"),
)


def main() -> int:
    """Print the page."""
    sys.stdout.write(page(build_parser()))
    return 0


def page(parser: argparse.ArgumentParser) -> str:
    """The page in the language of man(7)."""
    lines = [
        f'.TH {_text(parser.prog.upper())} {SECTION} "" "{_text(parser.prog)} {__version__}"',
        ".SH NAME",
        f"{_text(parser.prog)} \\- keeps a developer's machine usable",
        ".SH SYNOPSIS",
        _usage(parser),
        ".SH DESCRIPTION",
        _text(parser.description or ""),
        ".SH OPTIONS",
        *_options(parser),
        ".SH COMMANDS",
    ]
    for name, sub in commands(parser).items():
        lines += [f".SS {_text(name)}", _text(sub.description or ""), ".PP", _usage(sub)]
        lines += _options(sub)
        if sub.epilog:
            lines += [".PP", _text(sub.epilog)]
    lines.append(".SH FILES")
    for place, what in FILES:
        lines += [".TP", f".I {_text(place)}", _text(what)]
    lines += [".SH EXIT STATUS", _text(parser.epilog or "")]
    return "\n".join(lines) + "\n"


def commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The parser of each command, by its name."""
    groups = (each for each in parser._actions if isinstance(each, argparse._SubParsersAction))
    return {name: sub for group in groups for name, sub in group.choices.items()}


def _usage(parser: argparse.ArgumentParser) -> str:
    words = parser.format_usage().removeprefix("usage:").split()
    return f".B {_text(' '.join(words))}"


def _options(parser: argparse.ArgumentParser) -> list[str]:
    lines = []
    for action in parser._actions:
        if action.help == argparse.SUPPRESS or isinstance(action, argparse._SubParsersAction):
            continue
        lines += [".TP", f".B {_text(_invocation(parser, action))}"]
        lines.append(_text((action.help or "") % {"prog": parser.prog}) or ".PD")
    return lines


def _invocation(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    return parser._get_formatter()._format_action_invocation(action)


def _text(words: str) -> str:
    """As troff reads it: no escape, no request, hyphens that can be copied."""
    escaped = " ".join(words.split()).replace("\\", "\\e").replace("-", "\\-")
    escaped = "".join(each if each.isascii() else f"\\[u{ord(each):04X}]" for each in escaped)
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


if __name__ == "__main__":
    sys.exit(main())

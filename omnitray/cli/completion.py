"""Completion scripts, generated from the parser: they can offer nothing that it does not take."""

import argparse
from collections.abc import Iterator

import msgspec


class Word(msgspec.Struct, frozen=True):
    """A sub-command with what may follow it."""

    name: str
    help: str
    options: tuple[tuple[str, str], ...]
    choices: tuple[str, ...]
    files: bool


def script(parser: argparse.ArgumentParser, shell: str) -> str:
    """The script of one shell."""
    words = tuple(_words(parser))
    top = _options(parser)
    return {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell](words, top)


def _words(parser: argparse.ArgumentParser) -> Iterator[Word]:
    for action in parser._actions:  # noqa: SLF001 - argparse has no public way to ask
        if not isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - likewise
            continue
        helps = {each.dest: each.help or "" for each in action._choices_actions}  # noqa: SLF001 - likewise
        for name, sub in action.choices.items():
            yield Word(name, helps[name], _options(sub), _choices(sub), _takes_file(sub))


def _options(parser: argparse.ArgumentParser) -> tuple[tuple[str, str], ...]:
    return tuple(
        (option, action.help or "")
        for action in parser._actions  # noqa: SLF001 - as above
        for option in action.option_strings
        if option.startswith("--")
    )


def _choices(parser: argparse.ArgumentParser) -> tuple[str, ...]:
    for action in parser._actions:  # noqa: SLF001 - as above
        if not action.option_strings and action.choices:
            return tuple(action.choices)
    return ()


def _takes_file(parser: argparse.ArgumentParser) -> bool:
    return any(action.metavar == "FILE" for action in parser._actions)  # noqa: SLF001 - as above


def _plain(text: str) -> str:
    """Help in single quotes."""
    return text.replace("'", "’").replace(":", "")


def _bash(words: tuple[Word, ...], top: tuple[tuple[str, str], ...]) -> str:
    cases = "\n".join(f"    {word.name}) words='{_follow(word)}' ;;" for word in words)
    first = " ".join([*(word.name for word in words), *(name for name, _ in top)])
    return f"""\
_omnitray() {{
  local current="${{COMP_WORDS[COMP_CWORD]}}" words
  case "${{COMP_WORDS[1]}}" in
{cases}
    *) words='{first}' ;;
  esac
  [ "$COMP_CWORD" -eq 1 ] && words='{first}'
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -o default -F _omnitray omnitray"""


def _follow(word: Word) -> str:
    return " ".join([*word.choices, *(name for name, _ in word.options)])


def _zsh(words: tuple[Word, ...], top: tuple[tuple[str, str], ...]) -> str:
    commands = "\n".join(f"    '{word.name}:{_plain(word.help)}'" for word in words)
    options = " ".join(f"'{name}[{_plain(text)}]'" for name, text in top)
    cases = "\n".join(_zsh_case(word) for word in words)
    return f"""\
#compdef omnitray
_omnitray() {{
  local -a commands
  commands=(
{commands}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    _arguments {options}
    return
  fi
  case "$words[2]" in
{cases}
  esac
}}
compdef _omnitray omnitray"""


def _zsh_case(word: Word) -> str:
    options = " ".join(f"'{name}[{_plain(text)}]'" for name, text in word.options)
    values = f" '*:value:({' '.join(word.choices)})'" if word.choices else ""
    files = " '*:file:_files'" if word.files else ""
    return f"    {word.name}) shift words; (( CURRENT-- )); _arguments {options}{values}{files} ;;"


def _fish(words: tuple[Word, ...], top: tuple[tuple[str, str], ...]) -> str:
    lines = ["complete -c omnitray -f"]
    for name, text in top:
        lines.append(
            f"complete -c omnitray -n __fish_use_subcommand -l {name[2:]} -d '{_plain(text)}'"
        )
    for word in words:
        start = "complete -c omnitray -n __fish_use_subcommand"
        lines.append(f"{start} -a {word.name} -d '{_plain(word.help)}'")
        seen = f"complete -c omnitray -n '__fish_seen_subcommand_from {word.name}'"
        lines += [f"{seen} -l {name[2:]} -d '{_plain(text)}'" for name, text in word.options]
        if word.choices:
            lines.append(f"{seen} -a '{' '.join(word.choices)}'")
        if word.files:
            lines.append(f"{seen} -F")
    return "\n".join(lines)

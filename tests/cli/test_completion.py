"""The completion scripts: a real shell completes, and every shell is offered everything."""

import argparse
import shutil
import subprocess
from pathlib import Path

import pytest

from omnitray.cli import parser
from omnitray.cli.parser import build_parser, main

COMMANDS = (
    "status", "mode", "level", "snooze", "alerts", "alert", "ack", "resolve", "export", "jobs",
    "actions", "undo", "explain", "clean", "doctor", "settings", "token", "service", "completion",
)  # fmt: skip


def _script(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["completion", shell]) == 0
    return capsys.readouterr().out


def _completed(script: str, *words: str) -> set[str]:
    """What bash offers for the last of these words."""
    ask = f"""
        {script}
        COMP_WORDS=({" ".join(f"'{word}'" for word in ("omnitray", *words))})
        COMP_CWORD={len(words)}
        COMP_LINE="omnitray {" ".join(words)}"
        COMP_POINT=${{#COMP_LINE}}
        _shtab_omnitray
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    bash = shutil.which("bash")
    assert bash is not None
    done = subprocess.run([bash, "-c", ask], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_bash_completes_commands_options_and_values(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = _script("bash", capsys)
    assert set(COMMANDS) <= _completed(script, "")
    assert _completed(script, "mo") == {"mode"}
    assert set(parser.MODES) <= _completed(script, "mode", "")
    assert _completed(script, "level", "in") == {"intensive"}
    assert {"--active", "--since", "--json"} <= _completed(script, "alerts", "--")
    assert set(parser.SEVERITIES) <= _completed(script, "alerts", "--severity", "")
    assert set(parser.TYPES) <= _completed(script, "alert", "")
    (tmp_path / "history.csv").touch()
    monkeypatch.chdir(tmp_path)
    assert "history.csv" in _completed(script, "export", "hist")


@pytest.mark.parametrize("shell", parser.SHELLS)
def test_every_shell_is_offered_every_command_option_and_value(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    script = _script(shell, capsys)
    offered = {*COMMANDS, *parser.MODES, *parser.LEVELS, *parser.TYPES, *parser.SEVERITIES}
    options = {"watch", "active", "since", "severity", "dry-run", "rotate", "force", "json"}
    assert {word for word in (*offered, *options) if word not in script} == set()


def test_the_commands_here_are_those_that_there_are() -> None:
    described = build_parser().format_help().partition("commands:")[2]
    assert [word for word in COMMANDS if f"    {word}" not in described] == []


def _commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    (group,) = (each for each in parser._actions if isinstance(each, argparse._SubParsersAction))
    return dict(group.choices)


def _parts(action: argparse.Action) -> dict[str, object]:
    """All of it but ``container``, and of a function its name alone."""
    parts = {name: each for name, each in vars(action).items() if name != "container"}
    return {**parts, "type": getattr(action.type, "__qualname__", None)}


def test_the_parser_of_one_command_takes_for_it_what_the_whole_one_takes() -> None:
    whole = _commands(build_parser())
    for name, one in whole.items():
        alone = _commands(build_parser(only=name))
        assert list(alone) == [name]
        assert alone[name].format_help() == one.format_help()
        assert [_parts(each) for each in alone[name]._actions] == [
            _parts(each) for each in one._actions
        ]
        assert {**alone[name]._defaults, "parser": one} == one._defaults
    assert list(_commands(build_parser(only="staus"))) == list(whole)

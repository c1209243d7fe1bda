"""How this installation is started: the words that work at the prompt where they are shown."""

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from omnitray.base.process_environment import working_folder

NAME = "omnitray"


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """How this process was started, as far as it says where the command is."""

    script: str = msgspec.field(default_factory=lambda: sys.argv[0])
    python: str = sys.executable
    folder: str = msgspec.field(default_factory=lambda: str(working_folder()))
    environ: Mapping[str, str] = msgspec.field(default_factory=lambda: os.environ)


def own_command(start: Start | None = None) -> list[str]:
    """What starts this very installation, from any folder."""
    start = start or Start()
    found = _script(start)
    return [str(found)] if found is not None else [start.python, "-m", NAME]


def typed(*words: str, start: Start | None = None) -> str:
    """The same with these words behind it, as short as works here: ``.venv/bin/omnitray status``.

    Plain ``omnitray`` where the search path leads to this installation and no other.
    """
    start = start or Start()
    command = own_command(start)
    if len(command) == 1:
        command = [_short(Path(command[0]), start)]
    return shlex.join([*command, *words])


def _script(start: Start) -> Path | None:
    """The command that was run; else the one beside the interpreter."""
    run = Path(start.folder, start.script)
    ran_us = run.stem in (NAME, f"{NAME}-tray") and run.suffix in ("", ".exe")
    folders = [*([run.parent] if ran_us else []), Path(start.python).parent]
    found = (folder / f"{NAME}{ending}" for folder in folders for ending in ("", ".exe"))
    return next((each for each in found if each.is_file()), None)


def _short(command: Path, start: Start) -> str:
    for place in start.environ.get("PATH", "").split(os.pathsep):
        first = Path(start.folder, place, command.name)
        if os.access(first, os.X_OK) and first.is_file():
            if first.samefile(command):
                return NAME
            break
    try:
        return str(command.relative_to(start.folder))
    except ValueError:
        return str(command)

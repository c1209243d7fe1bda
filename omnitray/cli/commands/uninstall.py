"""``uninstall``: take away what OmniTray has put on this machine, and say what that is first.

What it writes outside of its own folders: the service, the entry that starts it at login, the entry
in the menu of programs with its icons. Its own folders (settings, history, logs) are kept unless
the person says otherwise. The program itself is removed by what has installed it.
"""

import argparse
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from omnitray import platforms
from omnitray.base import amounts
from omnitray.base.paths import Paths, own_command, resource
from omnitray.base.process_environment import home
from omnitray.cli.dispatch import CommandContext
from omnitray.client.http import NotRunning, find_remote, is_running
from omnitray.platforms.autostart import Service

_END_S = 20.0  # its own stages are bounded by 2 s each
_LOOK_S = 0.1


class UninstallReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was taken away, what is kept, and the command that removes the program."""

    removed: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    then: str = ""


class Removal(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is there: its words, and what takes it away."""

    what: str
    act: Callable[[], object]


def carry_out(args: argparse.Namespace, context: CommandContext) -> int:
    """Say what there is, ask, take it away."""
    outside = outside_of_folders()
    folders = own_folders(context.paths)
    if not args.json:
        _announce(context, outside, folders)
    if args.dry_run:
        return _report(args, context, UninstallReport(kept=_words(outside) + _paths(folders)))
    if not args.yes and (args.json or not _may_ask(context)):
        raise ValueError(
            "nothing was removed: say --yes to go on without a question, with --delete-data to"
            " remove settings, history and logs as well"
        )
    if not args.yes and not _confirmed("Take away the entries above?", default=True):
        return _report(args, context, UninstallReport(kept=_words(outside) + _paths(folders)))
    delete = args.delete_data or (
        not args.yes
        and not args.keep_data
        and bool(folders)
        and _confirmed("Delete settings, history and logs as well?", default=False)
    )
    _end_the_running_one(context.paths)
    wanted = [*outside, *(_folder_removal(each) for each in folders if delete)]
    removed, failed = _remove(wanted)
    kept = () if delete else _paths(folders)
    done = UninstallReport(removed=removed, kept=kept, failed=failed, then=removing_command())
    return _report(args, context, done)


def outside_of_folders() -> list[Removal]:
    """What is there of ours outside of its own folders."""
    platform, command = platforms.current(), own_command()
    template = resource("service/omnitray.service").read_text(encoding="utf-8")
    service = platform.service(command, template)
    autostart = platform.autostart(command)
    entry = platform.menu_entry(command, resource("omnitray.desktop").parent)
    found = []
    if service.is_installed():
        found.append(Removal(what="the service of this user", act=lambda: _removed(service)))
    if autostart.is_enabled():
        found.append(Removal(what="start at login", act=autostart.disable))
    if files := entry.present():
        what = f"the entry in the menu of programs and its icons ({len(files)} files)"
        found.append(Removal(what=what, act=entry.remove))
    return found


def own_folders(paths: Paths) -> list[Path]:
    """Those of settings, data, state and run that are there."""
    folders = dict.fromkeys((paths.config, paths.data, paths.state, paths.run))
    return [each for each in folders if each.is_dir() and not each.is_symlink()]


def removing_command() -> str:
    """What removes the program itself, as it was installed."""
    prefix = Path(sys.prefix)
    if "pipx" in prefix.parts:
        return "pipx uninstall omnitray"
    if (prefix.parent / "packaging" / "dev.py").is_file():
        return f"delete the folder {prefix.parent}"
    return f"{sys.executable} -m pip uninstall omnitray"


def _removed(service: Service) -> None:
    report = service.remove()
    if not report.works:
        raise OSError("; ".join(report.done))


def _folder_removal(folder: Path) -> Removal:
    return Removal(what=_shown(folder), act=lambda: _delete(folder))


def _delete(folder: Path) -> None:
    if folder.resolve() in {Path("/"), home()}:
        raise OSError(f"{folder} holds more than OmniTray's files")
    shutil.rmtree(folder)


def _remove(wanted: list[Removal]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    removed, failed = [], []
    for each in wanted:
        try:
            each.act()
        except OSError as error:
            failed.append(f"{each.what}: {error}")
        else:
            removed.append(each.what)
    return tuple(removed), tuple(failed)


def _end_the_running_one(paths: Paths) -> None:
    """It gives back what it holds and writes its last; raises OSError where it does not end."""
    try:
        find_remote(paths).raw("POST", "/quit", None)
    except NotRunning:
        return
    deadline = time.monotonic() + _END_S
    while time.monotonic() < deadline:
        if not is_running(paths):
            return
        time.sleep(_LOOK_S)
    raise OSError(f"OmniTray was asked to end and still runs after {_END_S:g} s; end it first")


def _announce(context: CommandContext, outside: list[Removal], folders: list[Path]) -> None:
    terminal = context.terminal
    if outside:
        terminal.whole("This takes away:")
    for each in outside:
        terminal.whole(f"  {each.what}")
    if not outside:
        terminal.whole("OmniTray has written nothing outside of its own folders.")
    if folders:
        terminal.whole("Settings, history and logs, kept unless you say otherwise:")
    for folder in folders:
        terminal.whole(f"  {_shown(folder)}")


def _report(args: argparse.Namespace, context: CommandContext, done: UninstallReport) -> int:
    if args.json:
        context.terminal.json(msgspec.json.encode(done))
        return int(bool(done.failed))
    for each in done.removed:
        context.terminal.whole(f"removed: {each}")
    for each in done.failed:
        context.terminal.problem(each)
    if done.then:
        context.terminal.whole(f"The program itself goes with: {done.then}")
    else:
        context.terminal.whole("Nothing was removed.")
    return int(bool(done.failed))


def _may_ask(context: CommandContext) -> bool:
    return context.terminal.interactive and sys.stdin is not None and sys.stdin.isatty()


def _confirmed(question: str, *, default: bool) -> bool:
    try:
        said = input(f"{question} [{'Y/n' if default else 'y/N'}] ").strip().lower()
    except EOFError:
        return False
    return default if not said else said in {"y", "yes"}


def _words(outside: list[Removal]) -> tuple[str, ...]:
    return tuple(each.what for each in outside)


def _paths(folders: list[Path]) -> tuple[str, ...]:
    return tuple(str(each) for each in folders)


def _shown(folder: Path) -> str:
    count = sum(1 for each in folder.rglob("*") if each.is_file())
    return f"{folder} ({amounts.count(count, 'file')})"

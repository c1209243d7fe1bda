"""``uninstall``: take away what OmniTray has put on this machine, and say what that is first.

What it writes outside of its own folders: the service, the entry that starts it at login, the entry
in the menu of programs with its icons, the folder of its sockets. Its own folders (settings,
history, logs) and the addresses and keys of webhooks in the keyring, which the settings name, are
kept unless the person says otherwise. What stays in any case is said with the reason. The program
itself is removed by what has installed it.
"""

import argparse
import contextlib
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from omnitray import platforms
from omnitray.base import amounts
from omnitray.base.keyring import READ_S, KeyringError, keyring
from omnitray.base.paths import Paths, own_command, resource
from omnitray.base.process_environment import home, run_folder
from omnitray.cli.dispatch import CommandContext
from omnitray.client.http import NotRunning, find_remote, is_running
from omnitray.platforms.autostart import Service
from omnitray.servers.memory import ServerMemory
from omnitray.servers.processes import boot_id, lives
from omnitray.settings.file import load
from omnitray.settings.webhook_secrets import OURS

_END_S = 20.0  # its own stages are bounded by 2 s each
_LOOK_S = 0.1


class UninstallReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was taken away, what is kept, and the command that removes the program.

    ``would_remove`` is what a dry run leaves and the same command without it takes away.
    """

    removed: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    would_remove: tuple[str, ...] = ()
    stays: tuple[str, ...] = ()  # sentences: what it is, and whose
    then: str = ""


class Removal(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is there: its words, and what takes it away."""

    what: str
    act: Callable[[], object]


def carry_out(args: argparse.Namespace, context: CommandContext) -> int:
    """Say what there is, ask, take it away."""
    outside = outside_of_folders(context.paths)
    secrets = in_the_keyring(context.paths)
    folders = own_folders(context.paths)
    if not args.json:
        _announce(context, outside, folders, secrets)
    kept = _paths(folders) + _words(secrets)
    if args.dry_run:
        goes = kept if args.delete_data else ()
        planned = UninstallReport(
            would_remove=_words(outside) + goes,
            kept=() if goes else kept,
            stays=what_stays(context.paths),
        )
        return _report(args, context, planned)
    if not args.yes and (args.json or not _may_ask(context)):
        raise ValueError(
            "nothing was removed: say --yes to go on without a question, with --delete-data to"
            " remove settings, history and logs as well"
        )
    if not args.yes and not _confirmed("Take away the entries above?", default=True):
        return _report(args, context, UninstallReport(kept=_words(outside) + kept))
    delete = args.delete_data or (
        not args.yes
        and not args.keep_data
        and bool(kept)
        and _confirmed("Delete settings, history and logs as well?", default=False)
    )
    _end_the_running_one(context.paths)
    stays = what_stays(context.paths)
    data = [*secrets, *map(_folder_removal, folders)] if delete else []
    removed, failed = _remove([*outside, *data])
    done = UninstallReport(
        removed=removed,
        kept=() if delete else kept,
        failed=failed,
        stays=stays,
        then=removing_command(),
    )
    return _report(args, context, done)


def outside_of_folders(paths: Paths) -> list[Removal]:
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
    if paths.run.is_dir() and not paths.run.is_symlink():
        found.append(Removal(what=f"its sockets: {paths.run}", act=lambda: _delete_run(paths.run)))
    return found


def in_the_keyring(paths: Paths) -> list[Removal]:
    """What OmniTray has put into the keyring; where it does not answer, what the settings name.

    With ``OMNITRAY_HOME`` only the latter: the rest belongs to another OmniTray of this user.
    """
    named = [
        entry
        for each in load(paths.config_file).webhooks
        for entry in (each.url_keyring, each.secret_keyring)
        if OURS.fullmatch(entry)
    ]
    is_alone = not os.environ.get("OMNITRAY_HOME")
    found = len(named)
    if is_alone:
        with contextlib.suppress(KeyringError), keyring(READ_S) as there:
            found = there.count_made()
    if not found:
        return []

    def take_out() -> None:
        with keyring(READ_S) as there:
            if is_alone:
                there.remove_made()
            for entry in named:
                there.remove(entry)

    words = amounts.count(found, "address or key", "addresses and keys")
    return [Removal(what=f"{words} of webhooks in the keyring", act=take_out)]


def what_stays(paths: Paths) -> tuple[str, ...]:
    """What OmniTray has started or was given and does not take away, each with the reason."""
    stored = ServerMemory(paths.servers_file).load()
    servers = [
        f"The server {each.name} runs on (pid {each.process.pid}): it is yours; kill"
        f" {each.process.pid} ends it."
        for each in stored.servers
        if stored.boot == boot_id() and each.process is not None and lives(each.process)
    ]
    editors = [
        f"The extension of VS Code stays in {each.parent}: its editor removes it."
        for above in (".vscode*", ".local/share/code-server")
        for each in home().glob(f"{above}/extensions/omnitray.*")
    ]
    return (*servers, *editors)


def own_folders(paths: Paths) -> list[Path]:
    """Those of settings, data and state that are there."""
    folders = dict.fromkeys((paths.config, paths.data, paths.state))
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


def _delete_run(folder: Path) -> None:
    """With the folder above it where we have made that, for a session without one of its own."""
    _delete(folder)
    if folder.parent == run_folder({}) and folder.parent.name.startswith("runtime-"):
        with contextlib.suppress(OSError):  # others use it as well
            folder.parent.rmdir()


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


def _announce(
    context: CommandContext,
    outside: list[Removal],
    folders: list[Path],
    secrets: list[Removal],
) -> None:
    terminal = context.terminal
    if outside:
        terminal.whole("This takes away:")
    for each in outside:
        terminal.whole(f"  {each.what}")
    if not outside:
        terminal.whole("OmniTray has written nothing outside of its own folders.")
    if folders or secrets:
        terminal.whole("Settings, history and logs, kept unless you say otherwise:")
    for folder in folders:
        terminal.whole(f"  {_shown(folder)}")
    for each in secrets:
        terminal.whole(f"  {each.what}")


def _report(args: argparse.Namespace, context: CommandContext, done: UninstallReport) -> int:
    if args.json:
        context.terminal.json(msgspec.json.encode(done))
        return int(bool(done.failed))
    for each in done.removed:
        context.terminal.whole(f"removed: {each}")
    for each in done.failed:
        context.terminal.problem(each)
    for each in done.stays:
        context.terminal.whole(each)
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

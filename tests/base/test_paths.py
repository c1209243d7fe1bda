"""Folders: where they are, who may read them, what is refused.

The lock of a folder, and file systems that have none.
"""

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from omnitray.base.paths import (
    FolderError,
    FolderLock,
    LockState,
    Start,
    UnsafeFolderError,
    find_paths,
    own_command,
    own_folder,
    private_folder,
    resource,
    typed,
)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_one_variable_moves_everything(tmp_path: Path) -> None:
    paths = find_paths({"OMNITRAY_HOME": str(tmp_path / "home")})
    assert paths.config_file == tmp_path / "home/config/config.toml"
    assert paths.alerts == tmp_path / "home/data/alerts"
    assert paths.actions_journal == tmp_path / "home/data/actions.jsonl"
    assert paths.log_file == tmp_path / "home/state/log/omnitray.log"
    assert paths.api_file == tmp_path / "home/run/api.json"
    assert not (tmp_path / "home").exists()


def test_without_it_the_desktops_own_places_are_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "c"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "d"))
    paths = find_paths({})
    assert paths.config_file == tmp_path / "c/omnitray/config.toml"
    assert paths.alerts == tmp_path / "d/omnitray/alerts"


def test_folders_are_for_this_user_alone(tmp_path: Path) -> None:
    paths = find_paths({"OMNITRAY_HOME": str(tmp_path / "home")})
    paths.create()
    paths.create()
    for folder in (paths.config, paths.data, paths.alerts, paths.state, paths.run):
        assert _mode(folder) == 0o700


def test_an_open_run_folder_is_closed(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir(mode=0o755)
    assert _mode(own_folder(folder)) == 0o700


def test_a_run_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UnsafeFolderError, match="is a link"):
        own_folder(tmp_path / "run")


def test_a_run_folder_in_a_place_open_to_all_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(UnsafeFolderError, match="written by others"):
        own_folder(tmp_path / "run")


def test_a_run_folder_of_another_user_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = private_folder(tmp_path / "run")
    monkeypatch.setattr(os, "getuid", lambda: 4242)
    with pytest.raises(UnsafeFolderError, match="another user"):
        own_folder(folder)


def test_a_missing_resource_says_what_to_do() -> None:
    with pytest.raises(FileNotFoundError, match="install OmniTray again"):
        resource("no/such/thing")


def test_resources_are_found_beside_the_package_in_a_checkout() -> None:
    assert resource("icons").is_dir()


def test_asking_for_paths_under_a_home_does_not_import_platformdirs(tmp_path: Path) -> None:
    code = (
        "import sys, omnitray.base.paths as p; p.find_paths(); print('platformdirs' in sys.modules)"
    )
    environ = {**os.environ, "OMNITRAY_HOME": str(tmp_path)}
    run = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "False"


def test_a_folder_that_was_made_by_hand_is_shut_to_others(tmp_path: Path) -> None:
    paths = find_paths({"OMNITRAY_HOME": str(tmp_path)})
    paths.config.mkdir(mode=0o755)
    paths.create()
    assert paths.config.stat().st_mode & 0o777 == 0o700


def test_a_file_where_a_folder_is_needed_is_named_with_what_helps(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("x")
    with pytest.raises(FolderError, match="home is a file, and a folder is needed; remove it or"):
        private_folder(tmp_path / "home" / "config")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(FolderError, match="link is a link that leads nowhere"):
        private_folder(tmp_path / "link")


def test_a_place_that_cannot_be_written_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(FolderError, match="cannot be written; change its permissions or set"):
        private_folder(tmp_path / "home" / "config")


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A checkout with the command in its environment, as the first command of the README makes."""
    folder = tmp_path / "shop" / ".venv" / "bin"
    folder.mkdir(parents=True)
    for name in ("omnitray", "python"):
        (folder / name).touch(mode=0o755)
    return folder


def start(installed: Path, script: str, folder: Path, path: str = "/nowhere") -> Start:
    python = str(installed / "python")
    return Start(script=script, python=python, folder=str(folder), environ={"PATH": path})


def test_from_the_checkout_it_is_the_short_way(installed: Path) -> None:
    here = start(installed, str(installed / "omnitray"), installed.parent.parent)
    assert typed("settings", "mode", start=here) == ".venv/bin/omnitray settings mode"
    assert own_command(here) == [str(installed / "omnitray")]


def test_from_elsewhere_it_is_the_whole_way(installed: Path, tmp_path: Path) -> None:
    there = start(installed, ".venv/bin/omnitray", installed.parent.parent)
    assert own_command(there) == [str(installed / "omnitray")]
    away = start(installed, str(installed / "omnitray"), tmp_path / "else")
    assert typed(start=away) == str(installed / "omnitray")


def test_on_the_search_path_it_is_its_name(installed: Path, tmp_path: Path) -> None:
    found = start(installed, str(installed / "omnitray"), tmp_path, f"/nowhere:{installed}")
    assert typed(start=found) == "omnitray"


def test_another_installation_on_the_search_path_does_not_count(
    installed: Path, tmp_path: Path
) -> None:
    (tmp_path / "omnitray").touch(mode=0o755)
    other = start(installed, str(installed / "omnitray"), tmp_path / "x", f"{tmp_path}:{installed}")
    assert typed(start=other) == str(installed / "omnitray")


@pytest.mark.parametrize("script", ["train.py", "", "/usr/bin/pytest", "gone/omnitray"])
def test_from_somebody_elses_program_it_is_the_one_beside_the_interpreter(
    installed: Path, tmp_path: Path, script: str
) -> None:
    assert typed(start=start(installed, script, tmp_path)) == "shop/.venv/bin/omnitray"


def test_the_command_of_the_menu_entry_stands_for_the_one_of_the_prompt(
    installed: Path, tmp_path: Path
) -> None:
    tray = start(installed, str(installed / "omnitray-tray"), tmp_path)
    assert own_command(tray) == [str(installed / "omnitray")]


def test_without_a_command_it_is_the_module(installed: Path, tmp_path: Path) -> None:
    (installed / "omnitray").unlink()
    bare = start(installed, str(tmp_path / "omnitray" / "__main__.py"), tmp_path)
    assert typed("status", start=bare) == f"{installed / 'python'} -m omnitray status"


def test_one_holds_it_until_it_is_given_back(tmp_path: Path) -> None:
    first, second = FolderLock(tmp_path), FolderLock(tmp_path)
    assert first.acquire()
    assert first.acquire()
    assert not second.acquire()
    assert second.state is LockState.TAKEN
    first.release()
    first.release()
    assert second.acquire()
    second.release()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EBADF])
def test_where_a_file_system_cannot_lock_everybody_gets_it_and_can_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuses(_handle: int, _kind: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", refuses)
    for lock in (FolderLock(tmp_path), FolderLock(tmp_path)):
        assert lock.acquire()
        assert lock.state is LockState.IMPOSSIBLE
        lock.release()


def test_a_folder_that_takes_no_new_file_is_locked_by_itself(tmp_path: Path) -> None:
    (tmp_path / ".lock").mkdir()  # nothing can be opened for writing there, whoever we are
    first, second = FolderLock(tmp_path), FolderLock(tmp_path)
    assert first.acquire()
    assert first.state is LockState.HELD
    assert not second.acquire()
    first.release()


def test_a_lock_on_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        FolderLock(tmp_path / "none").acquire()


def test_what_was_replaced_is_locked_again(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path)
    assert lock.acquire()
    (tmp_path / ".lock").unlink()
    assert lock.renew()
    assert (tmp_path / ".lock").exists()
    second = FolderLock(tmp_path)
    assert not second.acquire()
    lock.release()
    assert second.acquire()
    second.release()


def test_a_lock_dies_with_its_holder(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from omnitray.base.paths import FolderLock
lock = FolderLock(Path(sys.argv[1]))
print(lock.acquire(), flush=True)
input()
"""
    lock = FolderLock(tmp_path)
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "True\n"
        assert not lock.acquire()
        process.kill()
    assert lock.acquire()
    lock.release()


def test_where_there_is_no_flock_the_first_byte_is_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: set[str] = set()

    class Msvcrt:
        """The C library of Windows as far as it is asked; locks by file."""

        LK_NBLCK = 2

        @staticmethod
        def locking(handle: int, _mode: int, count: int) -> None:
            assert count == 1
            name = str(Path(f"/proc/self/fd/{handle}").readlink())
            if name in taken:
                raise PermissionError(errno.EACCES, "taken")
            taken.add(name)

    monkeypatch.setitem(sys.modules, "msvcrt", Msvcrt)
    monkeypatch.setattr("omnitray.base.paths.importlib.util.find_spec", lambda _: None)
    monkeypatch.delattr(os, "O_DIRECTORY")
    first, second = FolderLock(tmp_path), FolderLock(tmp_path)
    assert first.acquire()
    assert first.state is LockState.HELD
    assert not second.acquire()
    first.release()

"""Folders: where they are, who may read them, what is refused."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from omnitray.base.paths import (
    FolderError,
    UnsafeFolderError,
    find_paths,
    own_folder,
    private_folder,
    resource,
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

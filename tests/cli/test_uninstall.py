"""What ``omnitray uninstall`` takes away, keeps and says."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from omnitray import platforms
from omnitray.base.paths import resource
from omnitray.cli import parser
from omnitray.cli.commands import uninstall


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person's home with everything that OmniTray writes; systemctl is not there."""
    for name in ("OMNITRAY_HOME", "OMNITRAY_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("XDG_DATA_DIRS", str(tmp_path / "system"))
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    (tmp_path / "run").mkdir(mode=0o700)
    platform = platforms.current()
    platform.autostart(("omnitray",)).enable()
    platform.menu_entry(("omnitray",), resource("omnitray.desktop").parent).ensure()
    for folder in ("config", "data", "state"):
        (tmp_path / folder / "omnitray").mkdir(parents=True)
        (tmp_path / folder / "omnitray" / "file").touch()
    return tmp_path


def left(home: Path) -> set[str]:
    kept = {"config/omnitray/file", "data/omnitray/file", "state/omnitray/file"}
    found = {str(each.relative_to(home)) for each in home.rglob("*") if each.is_file()}
    return {each for each in found if each in kept or "omnitray.desktop" in each or "png" in each}


DATA = {"config/omnitray/file", "data/omnitray/file", "state/omnitray/file"}


def test_a_dry_run_says_everything_and_removes_nothing(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = left(home)
    assert parser.main(["uninstall", "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "start at login" in said
    assert "the entry in the menu of programs and its icons" in said
    assert f"{home}/config/omnitray (1 file)" in said
    assert "Nothing was removed." in said
    assert left(home) == before


def test_data_is_kept_unless_the_person_says_otherwise(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert parser.main(["uninstall", "--yes"]) == 0
    assert left(home) == DATA
    assert "The program itself goes with: " in capsys.readouterr().out


def test_everything_goes_when_that_is_said(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert parser.main(["uninstall", "--yes", "--delete-data", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["kept"] == said["failed"] == []
    assert len(said["removed"]) == 5
    assert left(home) == set()


def test_without_a_terminal_nothing_goes_without_a_word(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = left(home)
    assert parser.main(["uninstall", "--json"]) == 2
    assert parser.main(["uninstall", "--delete-data"]) == 2
    assert "nothing was removed: say --yes" in capsys.readouterr().err
    assert left(home) == before


@pytest.mark.parametrize(
    ("answers", "kept"), [(("n",), None), (("", ""), DATA), (("y", "n"), DATA), (("y", "y"), set())]
)
def test_at_a_terminal_it_asks_before_and_once_more_for_the_data(
    home: Path, monkeypatch: pytest.MonkeyPatch, answers: tuple[str, ...], kept: set[str] | None
) -> None:
    before, said = left(home), list(answers)
    monkeypatch.setattr(uninstall, "_may_ask", lambda _context: True)
    monkeypatch.setattr("builtins.input", lambda _question: said.pop(0))
    assert parser.main(["uninstall"]) == 0
    assert left(home) == (before if kept is None else kept)
    assert not said


def test_what_cannot_be_removed_is_said_and_the_rest_goes(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(folder: Path) -> None:
        raise OSError(f"{folder} is busy")

    monkeypatch.setattr(shutil, "rmtree", refuse)
    assert parser.main(["uninstall", "--yes", "--delete-data"]) == 1
    assert "is busy" in capsys.readouterr().err
    assert left(home) == DATA


def test_a_link_in_place_of_a_folder_is_left_alone(home: Path) -> None:
    (home / "elsewhere").mkdir()
    (home / "data" / "omnitray" / "file").unlink()
    (home / "data" / "omnitray").rmdir()
    (home / "data" / "omnitray").symlink_to(home / "elsewhere")
    assert parser.main(["uninstall", "--yes", "--delete-data"]) == 0
    assert (home / "elsewhere").is_dir()


def test_the_command_that_removes_the_program_is_that_of_its_installer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "prefix", "/home/me/.local/pipx/venvs/omnitray")
    assert uninstall.removing_command() == "pipx uninstall omnitray"
    monkeypatch.setattr(sys, "prefix", "/opt/env")
    assert uninstall.removing_command().endswith("-m pip uninstall omnitray")

"""The entry in the menu of programs, after an installation that brought none."""

import sys
from pathlib import Path

import pytest

from omnitray.base.paths import resource
from omnitray.platforms.linux.autostart import main_group
from omnitray.platforms.linux.menu_entry import MARK, NAME, LinuxMenuEntry, menu_entry
from omnitray.platforms.menu_entry import NoMenuEntry

RESOURCES = resource(NAME).parent
COMMAND = (sys.executable, "-m", "omnitray")


def made(folder: Path, *system: Path, command: tuple[str, ...] = COMMAND) -> LinuxMenuEntry:
    return LinuxMenuEntry(folder, system, command, RESOURCES)


def text_of(folder: Path) -> dict[str, str]:
    return main_group((folder / "applications" / NAME).read_text())


def test_entry_and_icons_are_written_once(tmp_path: Path) -> None:
    entry = made(tmp_path)
    assert entry.present() == ()
    assert entry.ensure()
    assert not entry.ensure()
    found = text_of(tmp_path)
    assert found["Exec"] == f"{sys.executable} -m omnitray"
    assert found["Name"] == "OmniTray"
    names = {str(each.relative_to(tmp_path)) for each in entry.present()}
    assert f"applications/{NAME}" in names
    assert "icons/hicolor/48x48/apps/omnitray.png" in names
    assert "icons/hicolor/scalable/apps/omnitray.svg" in names
    assert len(names) == 1 + len(list((RESOURCES / "icons").iterdir()))


def test_a_package_s_own_entry_is_enough(tmp_path: Path) -> None:
    system = tmp_path / "usr" / "share"
    (system / "applications").mkdir(parents=True)
    (system / "applications" / NAME).touch()
    assert not made(tmp_path / "mine", system).ensure()
    assert not (tmp_path / "mine").exists()


def test_an_entry_whose_program_is_gone_is_written_again(tmp_path: Path) -> None:
    made(tmp_path, command=("/nowhere/omnitray",)).ensure()
    assert made(tmp_path).ensure()
    assert text_of(tmp_path)["Exec"].startswith(sys.executable)
    next(iter((tmp_path / "icons").rglob("*.png"))).unlink()
    assert made(tmp_path).ensure()


def test_a_person_s_own_entry_stays_as_it_is(tmp_path: Path) -> None:
    own = tmp_path / "applications" / NAME
    own.parent.mkdir()
    own.write_text("[Desktop Entry]\nName=Mine\nExec=/nowhere/mine\n")
    entry = made(tmp_path)
    assert not entry.ensure()
    assert entry.present() == entry.remove() == ()
    assert "Mine" in own.read_text()


def test_what_was_written_is_removed_and_no_more(tmp_path: Path) -> None:
    other = tmp_path / "icons" / "hicolor" / "48x48" / "apps" / "other.png"
    other.parent.mkdir(parents=True)
    other.touch()
    entry = made(tmp_path)
    entry.ensure()
    removed = entry.remove()
    assert removed
    assert not any(each.exists() for each in removed)
    assert other.exists()
    assert entry.remove() == ()


def test_a_folder_that_refuses_is_an_error_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "icons").touch()
    with pytest.raises(OSError, match="icons"):
        made(tmp_path).ensure()


def test_with_a_home_of_its_own_nothing_is_written_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_DATA_DIRS", f"relative:{tmp_path}/system")
    monkeypatch.setenv("OMNITRAY_HOME", str(tmp_path))
    entry = menu_entry(COMMAND, RESOURCES)
    assert isinstance(entry, NoMenuEntry)
    assert (entry.ensure(), entry.present(), entry.remove()) == (False, (), ())
    monkeypatch.delenv("OMNITRAY_HOME")
    assert menu_entry(COMMAND, RESOURCES).ensure()
    assert MARK in text_of(tmp_path / "data")

"""The entry in the menu of programs, after an installation that brought none."""

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnitray.base.paths import resource
from omnitray.platforms.autostart import AutostartError, NoMenuEntry
from omnitray.platforms.linux.autostart import (
    MARK,
    NAME,
    LinuxAutostart,
    LinuxMenuEntry,
    config_home,
    exec_value,
    main_group,
    menu_entry,
    parsed_exec,
)

words = st.text(
    st.characters(
        codec="utf-8", exclude_characters="\n\r\0", exclude_categories=("Cc", "Zl", "Zp")
    ),
    min_size=1,
    max_size=20,
).filter(lambda word: not (len(word) == 2 and word.startswith("%")))


def program(folder: Path) -> Path:
    path = folder / "omni tray"
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_enabling_writes_an_entry_and_disabling_removes_it(tmp_path: Path) -> None:
    entry = LinuxAutostart(tmp_path / "autostart", ["/usr/bin/omnitray"])
    assert not entry.is_enabled()
    entry.enable()
    assert entry.is_enabled()
    text = (tmp_path / "autostart" / "omnitray.desktop").read_text()
    assert "\nExec=/usr/bin/omnitray\n" in text
    entry.disable()
    entry.disable()
    assert not entry.is_enabled()
    assert list((tmp_path / "autostart").iterdir()) == []


@pytest.mark.parametrize("line", ["Hidden=true", "X-GNOME-Autostart-enabled=false"])
def test_a_desktop_that_switched_the_entry_off_is_respected(tmp_path: Path, line: str) -> None:
    entry = LinuxAutostart(tmp_path, ["omnitray"])
    (tmp_path / "omnitray.desktop").write_text(f"[Desktop Entry]\nExec=omnitray\n{line}\n")
    assert not entry.is_enabled()
    assert not entry.heal()
    entry.enable()
    assert entry.is_enabled()


def test_keys_of_another_group_do_not_count(tmp_path: Path) -> None:
    text = "[Desktop Action x]\nHidden=true\n[Desktop Entry]\nExec=omnitray\n"
    (tmp_path / "omnitray.desktop").write_text(text)
    assert LinuxAutostart(tmp_path, ["omnitray"]).is_enabled()


@pytest.mark.parametrize(
    ("command", "value"),
    [
        (["/usr/bin/omnitray"], "/usr/bin/omnitray"),
        (["/opt/my apps/omnitray", "-v"], '"/opt/my apps/omnitray" -v'),
        (["/a$b"], '"/a\\\\$b"'),
        (["/a\\b"], '"/a\\\\\\\\b"'),
        (["/100%"], "/100%%"),
        (['/a"b'], '"/a\\\\"b"'),
    ],
)
def test_the_command_is_quoted_as_the_specification_says(command: list[str], value: str) -> None:
    assert exec_value(command) == value


@given(st.lists(words, min_size=1, max_size=4))
def test_any_command_survives_the_way_into_the_entry_and_back(command: list[str]) -> None:
    assert parsed_exec(exec_value(command)) == command


def test_a_line_break_in_the_path_is_refused() -> None:
    with pytest.raises(AutostartError, match="line break"):
        exec_value(["/tmp/a\nb"])


def test_an_entry_whose_program_moved_is_repaired(tmp_path: Path) -> None:
    LinuxAutostart(tmp_path, [str(tmp_path / "gone")]).enable()
    entry = LinuxAutostart(tmp_path, [str(program(tmp_path))])
    assert entry.heal()
    assert not entry.heal()
    assert str(program(tmp_path)) in (tmp_path / "omnitray.desktop").read_text()


def test_an_entry_that_works_is_left_alone(tmp_path: Path) -> None:
    LinuxAutostart(tmp_path, [str(program(tmp_path)), "--verbose"]).enable()
    before = (tmp_path / "omnitray.desktop").read_text()
    assert not LinuxAutostart(tmp_path, ["/elsewhere/omnitray"]).heal()
    assert (tmp_path / "omnitray.desktop").read_text() == before


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    entry = LinuxAutostart(tmp_path / "file" / "autostart", ["omnitray"])
    with pytest.raises(AutostartError, match="cannot write"):
        entry.enable()
    assert not entry.is_enabled()


def test_a_relative_config_home_does_not_count() -> None:
    assert config_home({"XDG_CONFIG_HOME": "relative"}) == Path.home() / ".config"
    assert config_home({"XDG_CONFIG_HOME": "/c"}) == Path("/c")


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

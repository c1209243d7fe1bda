from pathlib import Path

import pytest

from omnitray.base.invocation import Start, own_command, typed


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

"""The wheel that people install: what must be in it, and what must not.

``dev.py test`` builds it and names it in ``OMNITRAY_WHEEL``.
"""

import configparser
import os
import subprocess
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def wheel() -> zipfile.ZipFile:
    path = os.environ.get("OMNITRAY_WHEEL")
    if not path:
        pytest.skip("needs the wheel that `packaging/dev.py test` builds")
    return zipfile.ZipFile(path)


@pytest.fixture(scope="session")
def command() -> str:
    path = os.environ.get("OMNITRAY_UNDER_TEST")
    if not path:
        pytest.skip("needs the installation that `packaging/dev.py test` makes")
    return path


def test_it_holds_the_package_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert tops == {"omnitray", next(top for top in tops if top.endswith(".dist-info"))}


def test_every_resource_is_in_it(wheel: zipfile.ZipFile) -> None:
    ours = {path for path in (ROOT / "resources").rglob("*") if path.is_file()}
    wanted = {f"omnitray/{path.relative_to(ROOT).as_posix()}" for path in ours}
    assert wanted <= set(wheel.namelist())


def test_every_module_is_in_it(wheel: zipfile.ZipFile) -> None:
    ours = {path.relative_to(ROOT).as_posix() for path in (ROOT / "omnitray").rglob("*.py")}
    assert ours | {"omnitray/py.typed"} <= set(wheel.namelist())


def test_it_brings_the_two_commands(wheel: zipfile.ZipFile) -> None:
    name = next(name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    points = configparser.ConfigParser()
    points.read_string(wheel.read(name).decode())
    assert points["console_scripts"]["omnitray"] == "omnitray.__main__:main"
    assert points["gui_scripts"]["omnitray-tray"] == "omnitray.cli.parser:main_tray"


def test_the_installed_command_is_not_the_tree(command: str) -> None:
    python = Path(command).with_name("python")
    show = "import omnitray; print(omnitray.__file__)"
    done = subprocess.run([python, "-c", show], cwd="/", capture_output=True, text=True, check=True)
    assert Path(done.stdout.strip()).is_relative_to(python.parent.parent)


def test_the_installed_command_says_its_version(command: str) -> None:
    done = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["omnitray", "0.1.0"]

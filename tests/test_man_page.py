"""The manual page and the entry of software centres say what the program is."""

import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import man_page
from omnitray import __version__
from omnitray.cli.parser import build_parser

RESOURCES = Path(__file__).resolve().parents[1] / "resources"
METAINFO = RESOURCES / "io.github.omnitray.omnitray.metainfo.xml"


def test_it_has_every_command_with_every_option() -> None:
    parser = build_parser()
    page = man_page.page(parser).replace("\\-", "-")
    for name, command in man_page.commands(parser).items():
        section = page.split(f"\n.SS {name}\n", 1)[1].split("\n.S", 1)[0]
        for action in command._actions:
            assert all(option in section for option in action.option_strings)
    assert f"omnitray {__version__}" in page


def test_no_line_of_text_is_a_request() -> None:
    known = {".TH", ".SH", ".SS", ".TP", ".PP", ".PD", ".B", ".I"}
    lines = man_page.page(build_parser()).splitlines()
    assert {line.split()[0] for line in lines if line.startswith((".", "'"))} <= known


def test_the_metainfo_names_this_version_its_entry_and_a_picture_that_is_there() -> None:
    root = ET.fromstring(METAINFO.read_text(encoding="utf-8"))  # noqa: S314 - our own file
    assert root.findtext("launchable") == "omnitray.desktop"
    assert (RESOURCES / str(root.findtext("launchable"))).exists()
    assert next(each.get("version") for each in root.iter("release")) == __version__
    pictures = [str(each.text).partition("/main/")[2] for each in root.iter("image")]
    assert pictures
    assert all((RESOURCES.parent / each).exists() for each in pictures)


def test_troff_has_nothing_against_the_page(tmp_path: Path) -> None:
    page = tmp_path / "omnitray.1"
    page.write_text(man_page.page(build_parser()), encoding="utf-8")
    groff = shutil.which("groff")
    if groff is not None:
        done = subprocess.run(
            [groff, "-man", "-Tutf8", "-ww", str(page)], capture_output=True, text=True, check=True
        )
        assert done.stderr == ""

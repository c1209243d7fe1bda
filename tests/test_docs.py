"""The documents: what they show is there, what they claim is held, nothing local in them."""

import re
import tomllib
from pathlib import Path

import pytest

from omnitray.base.policy import Band
from omnitray.cli.parser import build_parser
from omnitray.settings.file import load
from support.settings_table import settings_table

ROOT = Path(__file__).resolve().parents[1]
GUIDE = ROOT / "docs" / "guide.md"
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
OWN_PATH = re.compile(r"(?<![\w/.~-])((?:tests|omnitray|packaging|docs|resources)/[\w./*-]+)")
LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    targets = LINK.findall(page.read_text())
    assert [each for each in targets if not (page.parent / each).exists()] == []


def test_every_file_of_the_repository_that_is_named_exists() -> None:
    to_be_written = {"omnitray/protector/policies/pressure.py"}  # by who follows the example
    gone = []
    for page in [*PAGES, ROOT / ".github" / "CONTRIBUTING.md"]:
        for path in OWN_PATH.findall(page.read_text()):
            named = path.rstrip(".")
            if "NAME" not in named and named not in to_be_written and not any(ROOT.glob(named)):
                gone.append(f"{page.name}: {named}")
    assert gone == []


def test_the_guide_shows_every_setting_with_its_default() -> None:
    assert settings_table() in GUIDE.read_text()


@pytest.mark.parametrize("language", ["sh", "toml"])
def test_code_is_marked_with_its_language(language: str) -> None:
    fences = re.findall(r"^```(\w*)", GUIDE.read_text(), re.MULTILINE)
    assert language in fences


def commands() -> list[list[str]]:
    lines = [line.strip() for line in GUIDE.read_text().splitlines()]
    shown = [line.split("#")[0].split("|")[0] for line in lines if line.startswith("omnitray ")]
    return [re.findall(r'"[^"]*"|\S+', line)[1:] for line in shown]


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_of_the_guide_is_one(words: list[str]) -> None:
    build_parser().parse_args([word.strip('"') for word in words])


def test_the_settings_shown_are_valid_and_say_the_defaults(tmp_path: Path) -> None:
    blocks = re.findall(r"```toml\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    file = tmp_path / "config.toml"
    file.write_text("\n".join(blocks))
    tomllib.loads(file.read_text())
    loaded = load(file)
    assert loaded.problems == ()
    assert loaded.settings.thresholds.cpu == Band(warning=70, critical=85)


def test_the_readme_opens_with_the_two_commands() -> None:
    code = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)[0]
    assert [line.split("#")[0].strip() for line in code.splitlines()] == [
        "python3 packaging/dev.py run",
        "python3 packaging/dev.py test",
    ]


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = [int(path.name[:3]) for path in sorted((ROOT / "docs" / "adr").glob("*.md"))]
    assert numbers == list(range(len(numbers)))


def test_the_changelog_has_the_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert f"## [{project['version']}]" in (ROOT / "CHANGELOG.md").read_text()


def test_every_module_that_the_architecture_names_is_there() -> None:
    page = (ROOT / "docs" / "ARCHITECTURE.md").read_text()
    named = set(re.findall(r"`((?:[a-z_]+/)*[a-z_]+\.py)`", page))
    gone = [
        each for each in named if not any((ROOT / top / each).exists() for top in ("", "omnitray"))
    ]
    assert gone == []


def test_the_way_of_a_reading_passes_at_most_thirty_files() -> None:
    page = (ROOT / "docs" / "ARCHITECTURE.md").read_text()
    way = page.split("## From a memory reading to its undo")[1].split("## ")[0]
    assert len(set(re.findall(r"`((?:[a-z_]+/)+[a-z_]+\.py)`", way))) <= 30

"""The film of the protector at work: every picture is shown, small, and of the whole screen."""

import struct
from pathlib import Path

import pytest

import film
from support.question_flow import STEPS

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "images" / "film"
PAGE = ROOT / "docs" / "protection.md"
NAMES = film.pictures()


def test_a_picture_is_taken_after_each_step_and_of_some_in_the_dark_too() -> None:
    light = [name for name in NAMES if not name.endswith("-dark.png")]
    assert light == [f"{number}-{step}.png" for number, step in enumerate(STEPS, start=1)]
    assert len(NAMES) - len(light) == len(film.DARK_ONES)


def test_the_folder_holds_these_pictures_and_no_others() -> None:
    assert sorted(path.name for path in FOLDER.iterdir()) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_is_small_and_shows_the_whole_screen(name: str) -> None:
    content = (FOLDER / name).read_bytes()
    assert struct.unpack(">II", content[16:24]) == film.SIZE
    assert len(content) <= 120_000


@pytest.mark.parametrize("name", NAMES)
def test_the_page_on_protection_shows_it_with_words(name: str) -> None:
    (line,) = [each for each in PAGE.read_text().splitlines() if f"images/film/{name}" in each]
    assert line.startswith("![")
    assert len(line.partition("]")[0]) > 20


def test_where_it_cannot_be_made_one_sentence_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lacking(_folder: Path, _scheme: str) -> None:
        pytest.skip("openbox is not installed")

    monkeypatch.setattr(film, "_film", lacking)
    assert film.main([str(tmp_path)]) == 1
    assert capsys.readouterr().err == "No film: openbox is not installed\n"


def test_what_was_filmed_before_is_gone_when_a_new_one_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "8-old.png").touch()
    monkeypatch.setattr(film, "_film", lambda folder, scheme: (folder / f"{scheme}.png").touch())
    assert film.main([str(tmp_path)]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dark.png", "light.png"]

from pathlib import Path

import pytest

from omnitray.ui.window_place import FilePlaces, NoPlaces, Place

PLACE = Place(geometry="AdnQywAD", page="alerts", range_s=900.0)


def test_a_place_comes_back_from_its_file(tmp_path: Path) -> None:
    FilePlaces(tmp_path / "window.json").save(PLACE)
    assert FilePlaces(tmp_path / "window.json").load() == PLACE
    assert [each.name for each in tmp_path.iterdir()] == ["window.json"]


def test_without_a_file_the_place_is_the_default(tmp_path: Path) -> None:
    assert FilePlaces(tmp_path / "window.json").load() == Place()


@pytest.mark.parametrize("content", [b"", b"{", b'{"page": 3}', b"\xff\xfe", b"[]"])
@pytest.mark.expect_log("place could not be read")
def test_a_damaged_file_costs_the_place_and_nothing_else(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "window.json"
    path.write_bytes(content)
    assert FilePlaces(path).load() == Place()


@pytest.mark.expect_log("place could not be kept")
def test_a_folder_that_is_not_there_is_logged(tmp_path: Path) -> None:
    FilePlaces(tmp_path / "gone" / "window.json").save(PLACE)


def test_no_places_remember_within_the_run() -> None:
    places = NoPlaces()
    places.save(PLACE)
    assert places.load() == PLACE

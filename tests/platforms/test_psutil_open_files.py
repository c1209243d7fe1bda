"""The slow way sees what the fast way sees."""

from pathlib import Path

from omnitray.platforms import _psutil_open_files
from omnitray.platforms.linux import open_files


def test_both_ways_see_an_open_file(tmp_path: Path) -> None:
    with (tmp_path / "a").open("w"):
        new = _psutil_open_files.open_files() & open_files.open_files()
    status = (tmp_path / "a").stat()
    assert (status.st_dev, status.st_ino) in new

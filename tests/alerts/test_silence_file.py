from pathlib import Path

import pytest

from omnitray.alerts.silences import SilenceFile, Silences
from omnitray.base.clock import SystemClock


def test_pauses_are_kept_in_a_private_file(tmp_path: Path) -> None:
    path = tmp_path / "state" / "silences.json"
    assert SilenceFile(path).load() is None
    until = Silences(SystemClock(), SilenceFile(path)).add(600)
    assert Silences(SystemClock(), SilenceFile(path)).all_until == until
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.expect_log("cannot be read")
def test_an_unreadable_file_is_one_warning(tmp_path: Path) -> None:
    (tmp_path / "silences.json").mkdir()
    assert SilenceFile(tmp_path / "silences.json").load() is None


@pytest.mark.expect_log("cannot be read", "holds only until the program ends")
def test_a_pause_that_cannot_be_kept_still_holds(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    silences = Silences(SystemClock(), SilenceFile(tmp_path / "file" / "silences.json"))
    silences.add(600)
    assert silences.all_until is not None
    assert silences.end_all() == [""]

import csv
import io
from pathlib import Path

import msgspec
import pytest

from omnitray.alerts.model import Alert
from omnitray.alerts.storage.export import NotExported, export_alerts, render
from omnitray.base.facts import AlertType, Severity

ALERT = Alert(
    id="1",
    type=AlertType.TEST_FAILED,
    severity=Severity.WARNING,
    state="firing",
    title='=HYPERLINK("evil")\nsecond, line',
    message="",
    source="pytest",
    fingerprint="f",
    first_seen="2026-11-22T13:21:27.123Z",
    last_seen="2026-11-22T13:21:27.123Z",
    context={"culprits": [{"job": "pytest · ~/shop"}, "odd"]},
)


def test_csv_is_harmless_in_a_spreadsheet_and_survives_commas_and_newlines() -> None:
    rows = list(csv.DictReader(io.StringIO(b"".join(render([ALERT], ".csv")).decode())))
    assert rows[0]["title"] == "'" + ALERT.title
    assert rows[0]["culprits"] == "pytest · ~/shop"
    assert rows[0]["resolved_at"] == ""


@pytest.mark.parametrize("ending", [".json", ".jsonl"])
def test_json_comes_back_as_it_was(ending: str, tmp_path: Path) -> None:
    file = tmp_path / f"out{ending}"
    assert export_alerts([ALERT, ALERT], file) == 2
    if ending == ".json":
        assert msgspec.json.decode(file.read_bytes(), type=list[Alert]) == [ALERT, ALERT]
    else:
        lines = file.read_bytes().splitlines()
        assert [msgspec.json.decode(line, type=Alert) for line in lines] == [ALERT, ALERT]


def test_a_link_stays_and_what_it_leads_to_is_replaced(tmp_path: Path) -> None:
    there, link = tmp_path / "there.jsonl", tmp_path / "link.jsonl"
    there.write_text("before")
    link.symlink_to(there)
    assert export_alerts([ALERT], link) == 1
    assert link.is_symlink()
    assert msgspec.json.decode(there.read_bytes(), type=Alert) == ALERT


def test_a_place_where_no_file_can_be_is_named_with_what_helps(tmp_path: Path) -> None:
    with pytest.raises(NotExported, match=r"there is no folder .*/no; make it first"):
        export_alerts([ALERT], tmp_path / "no" / "out.csv")
    (tmp_path / "out.csv").mkdir()
    with pytest.raises(NotExported, match=r"out\.csv: it is a folder; name a file in it"):
        export_alerts([ALERT], tmp_path / "out.csv")


def test_a_folder_that_takes_no_files_is_not_said_to_be_missing() -> None:
    with pytest.raises(NotExported, match="/proc takes no files; choose another folder"):
        export_alerts([ALERT], Path("/proc/out.csv"))

"""The page of runs: what it lists, filters and draws."""

import csv
import json
from pathlib import Path

import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from omnitray.runs.history import RunHistory, before
from omnitray.runs.model import RunRecord
from omnitray.ui.pages.runs.page import EXAMPLE, RunsPage
from omnitray.ui.pages.runs.text import RunColumn, pill
from support import run_samples
from support.keys import click
from support.pages import page_context


class Runs:
    def __init__(self, *runs: RunRecord) -> None:
        self.now = runs

    def __call__(self) -> tuple[RunRecord, ...]:
        return self.now


def page_of(qtbot: QtBot, source: Runs) -> RunsPage:
    page = RunsPage(msgspec.structs.replace(page_context(), runs=source))
    qtbot.addWidget(page)
    page.resize(900, 560)
    page.show()
    page.reload()
    return page


def words(page: RunsPage, column: RunColumn) -> list[str]:
    model = page.model
    role = Qt.ItemDataRole.DisplayRole
    return [model.index(row, column).data(role) for row in range(model.rowCount())]


def test_every_verdict_has_a_word_and_a_shape_of_its_own(qtbot: QtBot) -> None:
    page = page_of(qtbot, Runs(*run_samples.runs()))
    assert words(page, RunColumn.VERDICT) == [
        *("running", "passed, slowed", "3 failed", "passed", "killed for memory", "timed out"),
        *("interrupted", "cut off"),
    ]
    shapes = {pill(each).glyph for each in run_samples.runs()}
    assert len(shapes) == 7
    assert words(page, RunColumn.PEAK)[2] == "10.3 GB last 10.1 GB"
    assert words(page, RunColumn.PEAK)[6] == "1.4 GB first run"


def test_what_is_empty_says_how_the_first_is_started(qtbot: QtBot) -> None:
    source = Runs()
    page = page_of(qtbot, source)
    assert page.empty.isVisible()
    click(page.empty.copies[0])
    assert QGuiApplication.clipboard().text() == EXAMPLE
    source.now = run_samples.runs()
    page.reload()
    assert not page.empty.isVisible()
    assert page.detail.key == "1"


def test_the_list_is_searched_and_filtered(qtbot: QtBot) -> None:
    page = page_of(qtbot, Runs(*run_samples.runs()))
    page.field.setText("cargo engine")
    assert words(page, RunColumn.COMMAND) == ["cargo build --release"]
    page.field.setText("")
    page.verdicts.show_value("held")
    page.reload()
    assert words(page, RunColumn.VERDICT) == ["passed, slowed", "3 failed"]
    page.verdicts.show_value("")
    page.periods.show_value("86400")
    page.reload()
    assert "cut off" not in words(page, RunColumn.VERDICT)
    page.field.setText("nothing like that")
    assert page.none_fit.isVisible()
    assert not page.detail.isVisible()


@pytest.mark.parametrize(("suffix", "action"), [("json", 0), ("csv", 1)])
def test_what_is_shown_is_exported(qtbot: QtBot, suffix: str, action: int) -> None:
    source = Runs(*run_samples.runs())
    context = msgspec.structs.replace(page_context(), runs=source)
    page = RunsPage(context, ask=lambda _parent, suffix: f"/runs.{suffix}")
    qtbot.addWidget(page)
    page.reload()
    page.field.setText("pytest")
    with qtbot.waitSignal(context.intents.text_export_requested) as asked:
        page.export_menu.actions()[action].trigger()
    path, content = asked.args
    assert path == f"/runs.{suffix}"
    rows = (
        json.loads(content)["runs"]
        if suffix == "json"
        else list(csv.DictReader(content.splitlines()))
    )
    shown = [page.model.run_at(at) for at in range(page.model.rowCount())]
    assert [row["id"] for row in rows] == [run.id for run in shown if run is not None]
    assert 0 < len(rows) == page.model.rowCount() < len(source.now)
    page.field.setText("nothing that fits")
    assert not page.export.isEnabled()


def test_a_run_that_goes_on_keeps_its_place(qtbot: QtBot) -> None:
    going = run_samples.run(1, "make", state="running", verdict="", exit_code=None)
    source = Runs(going, run_samples.run(2, "make"))
    page = page_of(qtbot, source)
    page.select("2")
    source.now = (msgspec.structs.replace(going, peak_bytes=5), run_samples.run(2, "make"))
    page.reload()
    assert page.detail.key == "2"
    assert words(page, RunColumn.PEAK)[0].startswith("5 B")


def test_the_chart_shows_this_run_and_the_last(qtbot: QtBot) -> None:
    page = page_of(qtbot, Runs(*run_samples.runs()))
    page.select("3")
    chart = page.detail.chart
    qtbot.waitUntil(lambda: chart.height() >= chart.minimumSizeHint().height())
    image = chart.grab().toImage()
    colours = page.context.theme.colours
    seen = {
        image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())
    }
    assert {colours.memory, colours.cpu, colours.critical_line, colours.warning_back} <= seen
    assert (
        page.detail.chart.accessibleName() == "memory of pytest -n 8: highest 10.3 GB in 4 min 12 s"
    )
    click(page.detail.copy)
    assert QGuiApplication.clipboard().text() == "pytest -n 8"


def test_names_are_text_and_no_markup(qtbot: QtBot) -> None:
    page = page_of(qtbot, Runs(run_samples.run(1, "<b>x</b>\u202e\n" + "y" * 500)))
    assert page.detail.title.text().startswith("<b>x</b>")
    assert "\n" not in page.detail.title.text()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"id": 3}', "\0" * 100])
def test_damaged_files_are_left_out(tmp_path: Path, content: str) -> None:
    folder = tmp_path / "runs"
    folder.mkdir()
    good = run_samples.run(1, "make")
    (folder / "good.json").write_bytes(msgspec.json.encode(good))
    (folder / "bad.json").write_text(content)
    history = RunHistory(tmp_path)
    assert history.runs() == (good,)


def test_a_run_whose_wrapper_is_gone_was_cut_off(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    file = tmp_path / "runs" / "1.json"
    going = run_samples.run(1, "make", state="running")
    file.write_bytes(msgspec.json.encode(going))
    history = RunHistory(tmp_path)
    assert [each.lost for each in history.runs()] == [True]
    file.write_text(json.dumps(msgspec.to_builtins(run_samples.run(1, "make"))))
    assert [each.state for each in history.runs()] == ["ended"]


def test_the_last_time_is_of_the_same_command_and_project() -> None:
    runs = run_samples.runs()
    found = before(runs[2], runs)
    assert found is not None
    assert found.id == "20"
    assert before(runs[-1], runs) is None

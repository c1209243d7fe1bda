from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from omnitray.base.facts import Mode
from omnitray.runtime.settings_keeper import SettingsKeeper, sentences
from omnitray.settings import Loaded


def test_a_change_is_saved_with_the_comments_kept_and_announced(
    tmp_path: Path, qtbot: QtBot
) -> None:
    file = tmp_path / "config.toml"
    file.write_text('# mine\nmode = "dev"  # for now\n')
    keeper = SettingsKeeper(file)
    with qtbot.waitSignal(keeper.changed):
        assert keeper.change({"mode": "test"}) is None
    assert keeper.loaded.settings.mode is Mode.TEST
    assert file.read_text() == '# mine\nmode = "test"  # for now\n'


def test_a_change_on_disk_is_taken_up_while_running(tmp_path: Path, qtbot: QtBot) -> None:
    file = tmp_path / "config.toml"
    keeper = SettingsKeeper(file)
    keeper.watch()
    with qtbot.waitSignal(keeper.changed, timeout=5000):
        file.write_text('mode = "prod"\n')
    assert keeper.loaded.settings.mode is Mode.PROD
    keeper.stop()


def test_a_value_that_is_not_allowed_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    keeper = SettingsKeeper(file)
    problem = keeper.change({"thresholds.cpu.warning": 400})
    assert problem is not None
    assert keeper.loaded == Loaded()
    assert not file.exists()


@pytest.mark.expect_log("settings: ", "for this run only")
def test_a_broken_file_is_left_alone_and_the_change_holds_for_this_run(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("mode = [\n")
    keeper = SettingsKeeper(file)
    assert keeper.change({"mode": "prod"}) is not None
    assert keeper.loaded.settings.mode is Mode.PROD
    assert file.read_text() == "mode = [\n"


@pytest.mark.expect_log("settings: ")
def test_a_file_that_is_broken_while_running_changes_nothing_but_is_said(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('mode = "prod"\n[protect]\nstate = "off"\n')
    keeper = SettingsKeeper(file)
    before = keeper.loaded.settings
    file.write_text("[protect\n")
    keeper.look()
    assert keeper.loaded.settings == before
    (said,) = sentences(keeper.loaded.problems)
    assert said.startswith("line 1: config.toml: the file is not valid TOML; ")
    assert said.endswith("; using what was in force before")


@pytest.mark.expect_log("settings: ")
def test_many_problems_are_said_in_few_lines(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("\n".join(f"wrong_{n} = 1" for n in range(10)))
    said = sentences(SettingsKeeper(file).loaded.problems)
    assert len(said) == 4
    assert said[-1] == "and 7 more problems in config.toml"
    assert "line 1" in said[0]


@pytest.mark.expect_log("settings: ", "for this run only")
def test_what_the_disk_refuses_holds_for_this_run_and_is_said(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("in the way")
    keeper = SettingsKeeper(tmp_path / "config" / "config.toml")
    keeper.loaded = Loaded()
    problem = keeper.change({"mode": "prod"})
    assert problem is not None
    assert "it could not be saved" in problem.sentence
    assert keeper.loaded.settings.mode is Mode.PROD
    keeper.change({"mode": "test"})
    assert len(keeper.loaded.problems) == 1


def test_what_counts_at_the_next_start_is_said_until_it_is_taken_back(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    keeper = SettingsKeeper(file)
    assert keeper.change({"api.port": 9000}) is None
    assert sentences(keeper.loaded.problems) == (
        "config.toml, api.port = 9000: it counts when OmniTray is started again; using 8137",
    )
    file.write_text("[api]\nenabled = false\n")
    keeper.look()
    assert [problem.key for problem in keeper.loaded.problems] == ["api.enabled"]
    assert keeper.change({"api.enabled": None}) is None
    assert keeper.loaded.problems == ()
    assert SettingsKeeper(file).loaded.problems == ()

import errno
from collections.abc import Callable
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from omnitray.base.durable import StorageError
from omnitray.base.facts import Mode, ProtectState
from omnitray.runtime.settings_keeper import SettingsKeeper, sentences
from omnitray.settings.faults import Fault
from omnitray.settings.file import Loaded

CAREFUL = """\
mode = "prod"
[protect]
state = "watch"
protected = ["blender"]
disk_clean_percent = 99
disk_target_percent = 98
[protect.prod]
cpu_percent = 99
[notifications]
from = "info"
"""


def _taken(keeper: SettingsKeeper, qtbot: QtBot) -> None:
    """What stands in the file counts, however the file system tells of it."""
    with qtbot.waitSignal(keeper.changed, timeout=20_000):
        keeper.look()


@pytest.fixture
def careful(tmp_path: Path) -> tuple[SettingsKeeper, Path]:
    file = tmp_path / "config.toml"
    file.write_text(CAREFUL)
    return SettingsKeeper(file), file


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
def test_a_file_that_is_broken_while_running_changes_nothing_but_is_said(
    tmp_path: Path, qtbot: QtBot
) -> None:
    file = tmp_path / "config.toml"
    file.write_text('mode = "prod"\n[protect]\nstate = "off"\n')
    keeper = SettingsKeeper(file)
    before = keeper.loaded.settings
    file.write_text("[protect\n")
    _taken(keeper, qtbot)
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


def test_what_counts_at_the_next_start_is_said_until_it_is_taken_back(
    tmp_path: Path, qtbot: QtBot
) -> None:
    file = tmp_path / "config.toml"
    keeper = SettingsKeeper(file)
    assert keeper.change({"api.port": 9000}) is None
    assert sentences(keeper.loaded.problems) == (
        "config.toml, api.port = 9000: it counts when OmniTray is started again; using 8137",
    )
    file.write_text("[api]\nenabled = false\n")
    _taken(keeper, qtbot)
    assert [problem.key for problem in keeper.loaded.problems] == ["api.enabled"]
    assert keeper.change({"api.enabled": None}) is None
    assert keeper.loaded.problems == ()
    assert SettingsKeeper(file).loaded.problems == ()


def _remove(file: Path) -> None:
    file.unlink()


def _empty(file: Path) -> None:
    file.write_text("")


def _leave_a_comment(file: Path) -> None:
    file.write_text("# nothing yet\n")


def _cut(file: Path) -> None:
    file.write_text(CAREFUL[: CAREFUL.index("disk_target")])


def _cut_in_a_word(file: Path) -> None:
    file.write_text(CAREFUL[: CAREFUL.index('blender"]')])


def _make_a_folder_of_it(file: Path) -> None:
    file.unlink()
    file.mkdir()


def _slip(file: Path) -> None:
    file.write_text(CAREFUL.replace('"watch"', '"wacht"').replace("= 99", "= 999"))


def _misspell(file: Path) -> None:
    file.write_text(CAREFUL.replace("protect", "protcet"))


def _other_limits(file: Path) -> None:
    file.write_text("[protect]\ndisk_clean_percent = 90\n")


@pytest.mark.expect_log("settings: ")
@pytest.mark.parametrize(
    "harm",
    [
        _remove,
        _empty,
        _leave_a_comment,
        _cut,
        _cut_in_a_word,
        _make_a_folder_of_it,
        _slip,
        _misspell,
        _other_limits,
    ],
)
def test_nothing_that_happens_to_the_file_widens_protection(
    careful: tuple[SettingsKeeper, Path], qtbot: QtBot, harm: Callable[[Path], None]
) -> None:
    keeper, file = careful
    before = keeper.loaded.settings
    harm(file)
    _taken(keeper, qtbot)
    now = keeper.loaded.settings
    assert (now.mode, now.protect) == (before.mode, before.protect)
    assert keeper.loaded.problems
    said = sentences(keeper.loaded.problems, most=99)
    assert not [each for each in said if each.endswith(("80", "75", "90"))]  # the defaults


@pytest.mark.expect_log("settings: ")
@pytest.mark.parametrize("harm", [_remove, _empty])
def test_a_file_that_is_gone_changes_nothing_at_all_and_is_written_back_with_the_next_change(
    careful: tuple[SettingsKeeper, Path], qtbot: QtBot, harm: Callable[[Path], None]
) -> None:
    keeper, file = careful
    before = keeper.loaded.settings
    harm(file)
    _taken(keeper, qtbot)
    assert keeper.loaded.settings == before
    (said,) = sentences(keeper.loaded.problems)
    assert said.endswith("; using what was in force before")
    assert keeper.change({"level": "idle"}) is None
    assert keeper.loaded.problems == ()
    restarted = SettingsKeeper(file).loaded.settings
    assert restarted == keeper.loaded.settings
    assert restarted.protect == before.protect


@pytest.mark.expect_log("settings: ")
def test_what_is_written_again_counts_and_what_the_person_takes_back_here_as_well(
    careful: tuple[SettingsKeeper, Path], qtbot: QtBot
) -> None:
    keeper, file = careful
    file.write_text('mode = "prod"\n[protect]\nstate = "on"\n[protect.prod]\ncpu_percent = 99\n')
    _taken(keeper, qtbot)
    assert keeper.loaded.settings.protect.state is ProtectState.ON
    assert keeper.loaded.settings.protect.protected == ("blender",)
    assert (
        "config.toml, protect.protected: it is no longer in the file;"
        ' using ["blender"] until it is written again'
    ) in sentences(keeper.loaded.problems, most=9)
    assert keeper.change({"protect.protected": None, "protect.prod.cpu_percent": None}) is None
    protect = keeper.loaded.settings.protect
    assert (protect.protected, protect.prod.cpu_percent) == ((), 90)


def test_a_file_that_somebody_still_writes_is_awaited(
    careful: tuple[SettingsKeeper, Path], qtbot: QtBot
) -> None:
    keeper, file = careful
    heard: list[Loaded] = []
    keeper.changed.connect(heard.append)
    keeper.watch()
    lines = CAREFUL.replace('"prod"', '"test"').splitlines(keepends=True)
    file.write_text("")
    for line in lines:  # the monitor looks between any two lines
        with file.open("a") as half:
            half.write(line)
        qtbot.wait(50)
        keeper.look()
    qtbot.waitUntil(lambda: keeper.loaded.settings.mode is Mode.TEST, timeout=20_000)
    assert [(each.settings.mode, each.problems) for each in heard] == [(Mode.TEST, ())]
    keeper.stop()


@pytest.mark.expect_log("for this run only")
def test_what_a_full_disk_refused_is_saved_once_there_is_room(
    careful: tuple[SettingsKeeper, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, *_: object, **__: object) -> None:
        raise StorageError(path, OSError(errno.ENOSPC, "full"))

    keeper, file = careful
    with monkeypatch.context() as broken:
        broken.setattr("omnitray.settings.file.write_atomic", full)
        assert keeper.change({"mode": "test"}) is not None
        keeper.retry()
        assert [each.fault for each in keeper.loaded.problems] == [Fault.UNSAVED]
        assert keeper.loaded.settings.mode is Mode.TEST
    keeper.retry()
    assert keeper.loaded.problems == ()
    assert file.read_text() == CAREFUL.replace("prod", "test", 1)


@pytest.mark.expect_log("settings:")
def test_it_knows_what_is_in_force_where_the_file_says_something_else(
    careful: tuple[SettingsKeeper, Path], qtbot: QtBot
) -> None:
    keeper, file = careful
    values, why = keeper.in_force()
    assert (values["protect.state"], values["api.port"], why) == (ProtectState.WATCH, 8137, {})
    file.write_text('mode = "prod"\n[api]\nport = 9123\n[thresholds.cpu]\nwarning = 300\n')
    _taken(keeper, qtbot)
    values, why = keeper.in_force()
    assert (values["protect.state"], values["api.port"]) == (ProtectState.WATCH, 8137)
    assert why["protect.state"] == Fault.VANISHED.value
    assert why["api.port"] == Fault.LATER.value
    assert why["thresholds.cpu.warning"] == Fault.NOT_ALLOWED.value
    file.unlink()
    _taken(keeper, qtbot)
    values, why = keeper.in_force()
    assert (values["mode"], why["mode"]) == (Mode.PROD, Fault.GONE.value)
    keeper.stop()

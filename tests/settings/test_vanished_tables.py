"""Servers and webhooks that the file has lost by accident: they stay, and are written back."""

import errno
from pathlib import Path

import pytest

from omnitray.base.durable import StorageError
from omnitray.runtime.settings_keeper import SettingsKeeper
from omnitray.settings.continuity import AS_BEFORE
from omnitray.settings.faults import Fault
from omnitray.settings.file import fields_to_write, load

TABLES = """\
[[server]]
name = "web"
command = ["serve", "--port", "8000"]
env = { DEBUG = "1" }
health = { command = ["pg_isready"] }
[[webhook]]
name = "team"
kind = "ntfy"
url = "http://127.0.0.1:9/alerts"
from = "warning"
types = ["SERVER_DOWN"]
quiet = ["22:00-07:00"]
"""
KEYS = 'mode = "test"\n'


def look(keeper: SettingsKeeper) -> None:
    keeper.look()
    keeper._settle.stop()
    keeper.look()


@pytest.mark.parametrize("text", [TABLES, KEYS + TABLES])
@pytest.mark.parametrize("is_emptied_first", [True, False])
@pytest.mark.expect_log("settings: ")
@pytest.mark.usefixtures("qapp")
def test_a_file_that_goes_costs_no_server_and_no_webhook(
    tmp_path: Path, text: str, *, is_emptied_first: bool
) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    keeper = SettingsKeeper(path)
    before = keeper.loaded
    if is_emptied_first:
        path.write_text("")
        look(keeper)
        assert keeper.loaded.webhooks == before.webhooks
        assert keeper.loaded.problems[0].fault is Fault.EMPTY
    path.unlink()
    look(keeper)
    assert (keeper.loaded.servers, keeper.loaded.webhooks) == (before.servers, before.webhooks)
    assert keeper.loaded.problems[0].fault is Fault.GONE
    assert keeper.change({"look": "light"}) is None
    for found in (keeper.loaded, load(path)):  # in force, and after the next start
        assert (found.servers, found.webhooks) == (before.servers, before.webhooks)
        assert found.settings.mode is before.settings.mode
        assert found.settings.look == "light"
        assert found.problems == ()


@pytest.mark.parametrize("text", [TABLES, KEYS + TABLES])
@pytest.mark.expect_log("settings: ")
@pytest.mark.usefixtures("qapp")
def test_a_webhook_that_the_person_removes_goes_also_where_the_file_is_gone(
    tmp_path: Path, text: str
) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    keeper = SettingsKeeper(path)
    before = keeper.loaded
    path.unlink()
    look(keeper)
    assert keeper.remove_webhook("team") is None
    for found in (keeper.loaded, load(path)):
        assert (found.servers, found.webhooks) == (before.servers, ())
        assert found.settings.mode is before.settings.mode
    assert keeper.change({"look": "light"}) is None
    assert keeper.loaded.webhooks == ()


@pytest.mark.expect_log("settings: ")
@pytest.mark.usefixtures("qapp")
def test_adding_one_where_the_file_is_gone_keeps_the_others(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(KEYS + TABLES)
    keeper = SettingsKeeper(path)
    path.unlink()
    look(keeper)
    added = {"name": "ops", "kind": "ntfy", "url": "http://127.0.0.1:9/ops"}
    assert keeper.change_webhook(added) is None
    assert [each.name for each in load(path).webhooks] == ["team", "ops"]
    assert [each.name for each in keeper.loaded.webhooks] == ["team", "ops"]


@pytest.mark.expect_log("settings")
@pytest.mark.usefixtures("qapp")
def test_what_a_full_disk_refused_to_write_back_comes_with_what_is_saved_once_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, *_: object) -> None:
        raise StorageError(path, OSError(errno.ENOSPC, "full"))

    path = tmp_path / "config.toml"
    path.write_text(KEYS + TABLES)
    keeper = SettingsKeeper(path)
    before = keeper.loaded
    path.unlink()
    look(keeper)
    with monkeypatch.context() as broken:
        broken.setattr("omnitray.settings.file.write_atomic", full)
        assert keeper.change({"look": "light"}) is not None
    keeper.retry()
    for found in (keeper.loaded, load(path)):
        assert (found.servers, found.webhooks) == (before.servers, before.webhooks)
        assert found.settings.look == "light"
        assert found.problems == ()


@pytest.mark.parametrize(
    "slip",
    [
        ('kind = "ntfy"', 'kind = "ntfi"'),
        ('from = "warning"', "from = 3"),
        ('url = "http://127.0.0.1:9/alerts"', 'uri = "http://127.0.0.1:9/alerts"'),
        ('name = "team"', ""),
        ('name = "team"', 'name = "te/am"'),
        ('name = "team"', "name = 7"),
    ],
)
@pytest.mark.expect_log("settings: ")
@pytest.mark.usefixtures("qapp")
def test_a_slip_in_its_table_ends_no_webhook(tmp_path: Path, slip: tuple[str, str]) -> None:
    path = tmp_path / "config.toml"
    path.write_text(KEYS + TABLES)
    keeper = SettingsKeeper(path)
    before = keeper.loaded
    path.write_text((KEYS + TABLES).replace(*slip))
    look(keeper)
    assert (keeper.loaded.servers, keeper.loaded.webhooks) == (before.servers, before.webhooks)
    (problem,) = keeper.loaded.problems
    assert (problem.key.partition(".")[0], problem.used) == ("webhook", AS_BEFORE)
    path.write_text(KEYS + TABLES.replace("9/alerts", "9/others"))
    look(keeper)
    assert keeper.loaded.webhooks[0].url == "http://127.0.0.1:9/others"
    assert keeper.loaded.problems == ()


@pytest.mark.parametrize("slip", ["kind = 1", "", 'kind = "json"'])
@pytest.mark.parametrize("name", ["other", "web", "team"])
@pytest.mark.expect_log("settings: ")
@pytest.mark.usefixtures("qapp")
def test_one_that_is_taken_out_goes_whatever_fault_another_has(
    tmp_path: Path, slip: str, name: str
) -> None:
    path = tmp_path / "config.toml"
    first = '[[webhook]]\nname = "first"\nkind = "json"\nurl = "http://127.0.0.1:9/"\n'
    path.write_text(first + TABLES)
    keeper = SettingsKeeper(path)
    path.write_text(f'{TABLES}[[webhook]]\nname = "{name}"\n{slip}\n')
    look(keeper)
    assert [each.name for each in keeper.loaded.webhooks] == ["team"]
    assert all(each.used == "without this webhook" for each in keeper.loaded.problems)


@pytest.mark.expect_log("settings: ")
@pytest.mark.usefixtures("qapp")
def test_one_that_the_person_removes_goes_although_a_table_without_a_name_stands_beside_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f'{TABLES}[[webhook]]\nkind = "json"\n[[server]]\ncommand = "x"\n')
    keeper = SettingsKeeper(path)
    assert keeper.remove_webhook("team") is None
    assert keeper.remove_server("web") is None
    assert (keeper.loaded.webhooks, keeper.loaded.servers) == ((), ())


def test_what_is_written_back_says_only_what_differs(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(TABLES)
    assert fields_to_write(load(path).webhooks[0]) == {
        "name": "team",
        "kind": "ntfy",
        "url": "http://127.0.0.1:9/alerts",
        "from": "warning",
        "types": ["SERVER_DOWN"],
        "quiet": ["22:00-07:00"],
    }

"""What ``omnitray uninstall`` takes away, keeps and says."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from omnitray import platforms
from omnitray.base.facts import ProcessIdentity
from omnitray.base.paths import find_paths, resource
from omnitray.cli import parser
from omnitray.cli.commands import uninstall
from omnitray.servers.memory import StoredServer, StoredServers
from omnitray.servers.processes import boot_id
from omnitray.settings.webhook_secrets import WebhookSecrets
from support.desktop import Desktop
from support.keyring_service import KeyringService


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person's home with everything that OmniTray writes; systemctl is not there."""
    for name in ("OMNITRAY_HOME", "OMNITRAY_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("XDG_DATA_DIRS", str(tmp_path / "system"))
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    (tmp_path / "run").mkdir(mode=0o700)
    platform = platforms.current()
    platform.autostart(("omnitray",)).enable()
    platform.menu_entry(("omnitray",), resource("omnitray.desktop").parent).ensure()
    for folder in ("config", "data", "state"):
        (tmp_path / folder / "omnitray").mkdir(parents=True)
        (tmp_path / folder / "omnitray" / "file").touch()
    return tmp_path


def left(home: Path) -> set[str]:
    kept = {"config/omnitray/file", "data/omnitray/file", "state/omnitray/file"}
    found = {str(each.relative_to(home)) for each in home.rglob("*") if each.is_file()}
    return {each for each in found if each in kept or "omnitray.desktop" in each or "png" in each}


DATA = {"config/omnitray/file", "data/omnitray/file", "state/omnitray/file"}


def test_a_dry_run_says_everything_and_removes_nothing(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = left(home)
    assert parser.main(["uninstall", "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "start at login" in said
    assert "the entry in the menu of programs and its icons" in said
    assert f"{home}/config/omnitray (1 file)" in said
    assert "Nothing was removed." in said
    assert left(home) == before


@pytest.mark.parametrize("deletes", [False, True])
def test_a_dry_run_tells_a_program_what_would_go_and_what_would_stay(
    home: Path, capsys: pytest.CaptureFixture[str], *, deletes: bool
) -> None:
    before = left(home)
    words = ["uninstall", "--dry-run", "--json", *(["--delete-data"] if deletes else [])]
    assert parser.main(words) == 0
    said = json.loads(capsys.readouterr().out)
    folders = {f"{home}/{each}/omnitray" for each in ("config", "data", "state")}
    goes = set(said["would_remove"])
    assert "start at login" in goes
    assert any(each.startswith("the entry in the menu of programs") for each in goes)
    assert goes & folders == (folders if deletes else set())
    assert set(said["kept"]) == (set() if deletes else folders)
    assert said["removed"] == []
    assert left(home) == before


def test_data_is_kept_unless_the_person_says_otherwise(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert parser.main(["uninstall", "--yes"]) == 0
    assert left(home) == DATA
    assert "The program itself goes with: " in capsys.readouterr().out


def test_everything_goes_when_that_is_said(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert parser.main(["uninstall", "--yes", "--delete-data", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["kept"] == said["failed"] == []
    assert len(said["removed"]) == 5
    assert left(home) == set()


def test_without_a_terminal_nothing_goes_without_a_word(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = left(home)
    assert parser.main(["uninstall", "--json"]) == 2
    assert parser.main(["uninstall", "--delete-data"]) == 2
    assert "nothing was removed: say --yes" in capsys.readouterr().err
    assert left(home) == before


@pytest.mark.parametrize(
    ("answers", "kept"), [(("n",), None), (("", ""), DATA), (("y", "n"), DATA), (("y", "y"), set())]
)
def test_at_a_terminal_it_asks_before_and_once_more_for_the_data(
    home: Path, monkeypatch: pytest.MonkeyPatch, answers: tuple[str, ...], kept: set[str] | None
) -> None:
    before, said = left(home), list(answers)
    monkeypatch.setattr(uninstall, "_may_ask", lambda _context: True)
    monkeypatch.setattr("builtins.input", lambda _question: said.pop(0))
    assert parser.main(["uninstall"]) == 0
    assert left(home) == (before if kept is None else kept)
    assert not said


def test_what_cannot_be_removed_is_said_and_the_rest_goes(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(folder: Path) -> None:
        raise OSError(f"{folder} is busy")

    monkeypatch.setattr(shutil, "rmtree", refuse)
    assert parser.main(["uninstall", "--yes", "--delete-data"]) == 1
    assert "is busy" in capsys.readouterr().err
    assert left(home) == DATA


def test_a_link_in_place_of_a_folder_is_left_alone(home: Path) -> None:
    (home / "elsewhere").mkdir()
    (home / "data" / "omnitray" / "file").unlink()
    (home / "data" / "omnitray").rmdir()
    (home / "data" / "omnitray").symlink_to(home / "elsewhere")
    assert parser.main(["uninstall", "--yes", "--delete-data"]) == 0
    assert (home / "elsewhere").is_dir()


def test_the_command_that_removes_the_program_is_that_of_its_installer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "prefix", "/home/me/.local/pipx/venvs/omnitray")
    assert uninstall.removing_command() == "pipx uninstall omnitray"
    monkeypatch.setattr(sys, "prefix", "/opt/env")
    assert uninstall.removing_command().endswith("-m pip uninstall omnitray")


@pytest.fixture
def desktop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desktop]:
    """Before ``home``: a bus is started from what is installed."""
    found = Desktop(tmp_path_factory.mktemp("desktop"), None)
    yield found
    found.stop()


@pytest.fixture
def secrets(
    desktop: Desktop, home: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[KeyringService]:
    """A keyring with an entry of the settings, one that was left over, and one of the person's."""
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", desktop.bus_address)
    with KeyringService(desktop.bus_address) as service:
        kept = WebhookSecrets(home / "unused")
        fields = {"name": "team", "kind": "json", "url": "https://hooks.example/verysecretpart"}
        named = kept.keep(fields, "keyring")["url_keyring"]
        kept.keep(fields | {"name": "of another run"}, "keyring")
        mine = {"application": "omnitray", "entry": "mine", "xdg:schema": "org.freedesktop.Generic"}
        service.entries["/mine"] = (mine, b"the person's")
        declared = f'[[webhook]]\nname = "team"\nkind = "json"\nurl_keyring = "{named}"\n'
        (home / "config" / "omnitray" / "config.toml").write_text(declared)
        yield service


def test_secrets_in_the_keyring_are_kept_with_the_settings_and_go_with_them(
    secrets: KeyringService, capsys: pytest.CaptureFixture[str]
) -> None:
    assert parser.main(["uninstall", "--yes", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert "2 addresses and keys of webhooks in the keyring" in said["kept"]
    assert len(secrets.entries) == 3

    assert parser.main(["uninstall", "--yes", "--delete-data", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert "2 addresses and keys of webhooks in the keyring" in said["removed"]
    assert list(secrets.entries) == ["/mine"]
    assert parser.main(["uninstall", "--dry-run"]) == 0
    assert "keyring" not in capsys.readouterr().out


def test_with_a_home_of_its_own_only_what_its_settings_name_goes(
    secrets: KeyringService, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(home / "config" / "omnitray", home / "own" / "config")
    monkeypatch.setenv("OMNITRAY_HOME", str(home / "own"))
    assert parser.main(["uninstall", "--yes", "--delete-data"]) == 0
    left_over = [attributes["entry"] for attributes, _ in secrets.entries.values()]
    assert [each.partition(".")[0] for each in left_over] == ["of-another-run", "mine"]


def test_a_locked_keyring_is_said_and_the_rest_goes(
    secrets: KeyringService, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secrets.locked = True
    assert parser.main(["uninstall", "--yes", "--delete-data"]) == 1
    assert (
        "2 addresses and keys of webhooks in the keyring: the keyring is locked"
        in capsys.readouterr().err
    )
    assert left(home) == set()


def test_the_sockets_go_and_servers_that_run_on_are_named(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = home / "run" / "omnitray"
    run.mkdir(mode=0o700)
    (run / "api.json").touch()
    with subprocess.Popen(["/bin/sleep", "60"]) as sleeper:
        stat = Path(f"/proc/{sleeper.pid}/stat").read_text().rpartition(")")[2].split()
        process = ProcessIdentity(pid=sleeper.pid, start_ticks=int(stat[19]), exe="/bin/sleep")
        stored = StoredServers(
            boot=boot_id(),
            servers=(StoredServer(name="web", owner="settings", process=process),),
        )
        memory = find_paths().servers_file
        memory.write_bytes(msgspec.json.encode(stored))
        assert parser.main(["uninstall", "--yes"]) == 0
        sleeper.kill()
    said = capsys.readouterr().out
    assert f"removed: its sockets: {run}" in said
    assert f"The server web runs on (pid {sleeper.pid}): it is yours" in said
    assert not run.exists()


def test_an_extension_of_an_editor_stays_and_is_named(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for above in (".vscode", ".vscode-server", ".local/share/code-server"):
        (home / above / "extensions" / "omnitray.omnitray-0.1.0").mkdir(parents=True)
        (home / above / "extensions" / "other.omnitray").mkdir()
    assert parser.main(["uninstall", "--dry-run", "--json"]) == 0
    stays = json.loads(capsys.readouterr().out)["stays"]
    assert sorted(stays) == [
        f"The extension of VS Code stays in {home}/{above}/extensions: its editor removes it."
        for above in (".local/share/code-server", ".vscode-server", ".vscode")
    ]

"""What a shell is offered of what is so now: ids, jobs, servers, settings, and nothing harmful."""

import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from omnitray.cli import values
from omnitray.cli.parser import COMPLETED, main
from omnitray.settings.model import FIELDS
from support import fake_door
from support.api_server import Running


def offered(*words: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    assert values.main([*words]) == 0
    return capsys.readouterr().out.split("\n")[:-1]


def test_what_there_is_of_each_kind_is_offered(
    api: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    open_one = api.door.stored[0]
    over = msgspec.structs.replace(open_one, id="over", state="resolved")
    api.door.stored.append(over)
    assert offered("alerts", capsys=capsys) == [open_one.id]
    assert offered("jobs", capsys=capsys) == [fake_door.job().name]
    assert offered("questions", capsys=capsys) == [each.id for each in api.door.asked]
    assert offered("servers", capsys=capsys) == [fake_door.server().name]
    assert offered("webhooks", capsys=capsys) == ["team"]
    held = [each.action_id for each in fake_door.protection().held]
    assert offered("actions", capsys=capsys) == ["all", *held]


def test_settings_are_offered_though_nothing_runs(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert home.exists()
    assert offered("settings", capsys=capsys) == [field.key for field in FIELDS]
    assert offered("jobs", capsys=capsys) == []
    assert offered("nonsense", capsys=capsys) == []


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("mode", ["dev", "test", "prod", "default"]),
        ("api.enabled", ["true", "false", "default"]),
        ("thresholds.cpu.warning", ["70", "default"]),
        ("protect.protected", ["default"]),
    ],
)
def test_behind_the_key_of_a_setting_stand_its_values(
    key: str, expected: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert offered("settings", key, capsys=capsys) == expected
    assert offered("settings", "70", capsys=capsys) == [field.key for field in FIELDS]


@pytest.mark.parametrize("name", ["cargo build", "$(touch x)", "`id`", "-rf", "a;b", "~me", "*"])
def test_a_name_that_a_shell_would_expand_is_told_by_its_pid(
    api: Running, name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = msgspec.structs.replace(fake_door.job(), name=name)
    monkeypatch.setattr(api.door, "jobs", lambda: (job,))
    assert offered("jobs", capsys=capsys) == [str(job.leader_pid)]


def test_two_jobs_of_one_name_are_told_by_their_pids(
    api: Running, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = fake_door.job()
    other = msgspec.structs.replace(one, key="other", leader_pid=one.leader_pid + 1)
    monkeypatch.setattr(api.door, "jobs", lambda: (one, other))
    assert offered("jobs", capsys=capsys) == [str(one.leader_pid), str(other.leader_pid)]


@pytest.fixture
def on_the_path(tmp_path: Path) -> Path:
    """A folder with a real ``omnitray``."""
    command = tmp_path / "bin" / "omnitray"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m omnitray "$@"\n')
    command.chmod(0o755)
    return command.parent


def script_of(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["completion", shell]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("server", "restart", ""), [fake_door.server().name]),
        (("settings", "protect.state", ""), ["on", "watch", "off", "default"]),
        (("settings", "mode", "test", "protect.sta"), ["protect.state"]),
    ],
)
def test_bash_offers_what_the_program_says(
    api: Running,
    capsys: pytest.CaptureFixture[str],
    on_the_path: Path,
    words: tuple[str, ...],
    expected: list[str],
) -> None:
    """A real bash, a real ``omnitray`` on its path, the real API."""
    bash = shutil.which("bash")
    assert bash is not None
    typed = ("omnitray", *words)
    ask = f"""
        PATH={on_the_path}:$PATH
        {script_of("bash", capsys)}
        COMP_WORDS=({" ".join(f"'{word}'" for word in typed)})
        COMP_CWORD={len(typed) - 1}
        COMP_LINE='{" ".join(typed)}'
        COMP_POINT=${{#COMP_LINE}}
        _shtab_omnitray
        printf '%s\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run([bash, "-c", ask], capture_output=True, text=True, check=True)
    assert done.stdout.split() == expected
    assert api.door.asked  # nothing was answered or changed by asking


def test_no_shell_asks_when_its_script_is_loaded(capsys: pytest.CaptureFixture[str]) -> None:
    """What is so then would be offered for as long as that shell lives."""
    zsh = script_of("zsh", capsys)
    specs, functions = zsh.partition("# Custom Preamble")[::2]
    assert "omnitray _values" not in specs
    assert functions.count("omnitray _values") == len(values.KINDS)
    for line in script_of("bash", capsys).splitlines():
        assert "omnitray _values" not in line or line.startswith("_omnitray_")


def test_every_kind_that_an_argument_has_is_known() -> None:
    assert set(COMPLETED.values()) - {"file"} == set(values.KINDS)


def test_it_loads_neither_the_parser_nor_the_shapes_of_the_api() -> None:
    code = "import sys, omnitray.cli.values; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {"argparse", "omnitray.cli.parser", "omnitray.api.wire", "asyncio", "ssl"}
    assert not any(name.startswith("PySide6") for name in loaded)

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


def offered(kind: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    assert values.main([kind]) == 0
    return capsys.readouterr().out.split("\n")[:-1]


def test_what_there_is_of_each_kind_is_offered(
    api: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    open_one = api.door.stored[0]
    over = msgspec.structs.replace(open_one, id="over", state="resolved")
    api.door.stored.append(over)
    assert offered("alerts", capsys) == [open_one.id]
    assert offered("jobs", capsys) == [fake_door.job().name]
    assert offered("questions", capsys) == [each.id for each in api.door.asked]
    assert offered("servers", capsys) == [fake_door.server().name]
    assert offered("webhooks", capsys) == ["team"]
    held = [each.action_id for each in fake_door.protection().held]
    assert offered("actions", capsys) == ["all", *held]


def test_settings_are_offered_though_nothing_runs(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert home.exists()
    assert offered("settings", capsys) == [field.key for field in FIELDS]
    assert offered("jobs", capsys) == []
    assert offered("nonsense", capsys) == []


@pytest.mark.parametrize("name", ["cargo build", "$(touch x)", "`id`", "-rf", "a;b", "~me", "*"])
def test_a_name_that_a_shell_would_expand_is_told_by_its_pid(
    api: Running, name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = msgspec.structs.replace(fake_door.job(), name=name)
    monkeypatch.setattr(api.door, "jobs", lambda: (job,))
    assert offered("jobs", capsys) == [str(job.leader_pid)]


def test_two_jobs_of_one_name_are_told_by_their_pids(
    api: Running, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = fake_door.job()
    other = msgspec.structs.replace(one, key="other", leader_pid=one.leader_pid + 1)
    monkeypatch.setattr(api.door, "jobs", lambda: (one, other))
    assert offered("jobs", capsys) == [str(one.leader_pid), str(other.leader_pid)]


def test_bash_offers_what_the_program_says(
    api: Running, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A real bash, a real ``omnitray`` on its path, the real API."""
    assert main(["completion", "bash"]) == 0
    script = capsys.readouterr().out
    command = tmp_path / "bin" / "omnitray"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m omnitray "$@"\n')
    command.chmod(0o755)
    bash = shutil.which("bash")
    assert bash is not None
    words = ("omnitray", "server", "restart", "")
    ask = f"""
        PATH={command.parent}:$PATH
        {script}
        COMP_WORDS=({" ".join(f"'{word}'" for word in words)})
        COMP_CWORD={len(words) - 1}
        COMP_LINE='{" ".join(words)}'
        COMP_POINT=${{#COMP_LINE}}
        _shtab_omnitray
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run([bash, "-c", ask], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [fake_door.server().name]
    assert api.door.asked  # nothing was answered or changed by asking


def test_every_kind_that_an_argument_has_is_known() -> None:
    assert set(COMPLETED.values()) - {"file"} == set(values.KINDS)


def test_it_loads_neither_the_parser_nor_the_shapes_of_the_api() -> None:
    code = "import sys, omnitray.cli.values; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {"argparse", "omnitray.cli.parser", "omnitray.api.wire", "asyncio", "ssl"}
    assert not any(name.startswith("PySide6") for name in loaded)

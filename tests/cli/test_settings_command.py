"""``omnitray settings``: pairs, defaults, and what is in force beside a file that is broken."""

from pathlib import Path

import pytest

from support.api_server import Running
from support.command_line import Run

BAND = "thresholds.memory"


def test_a_pair_of_settings_is_judged_on_what_would_be_in_force(omnitray: Run, home: Path) -> None:
    file = home / "config" / "config.toml"
    assert omnitray("settings", f"{BAND}.warning", "15", f"{BAND}.critical", "18").out == (
        f"{BAND}.warning = 15\n{BAND}.critical = 18\n"
    )
    refused = omnitray("settings", f"{BAND}.warning", "default")
    assert refused.code == 1
    assert "= 75 and 18: the values do not go together" in refused.err
    assert "; using 15 and 18; both can be set at once: " in refused.err
    back = omnitray(
        "settings", f"{BAND}.warning", "default", f"{BAND}.critical", "default", "--json"
    )
    assert back.json == {f"{BAND}.warning": 75, f"{BAND}.critical": 90}
    assert "warning" not in file.read_text()
    assert "critical" not in file.read_text()
    half = omnitray("settings", f"{BAND}.warning", "15", f"{BAND}.critical")
    assert (half.code, half.out) == (2, "")


def test_a_default_takes_the_line_out_of_what_steers_the_protector_too(
    omnitray: Run, home: Path
) -> None:
    file = home / "config" / "config.toml"
    omnitray("settings", "protect.dev.memory_percent", "17", "mode", "test")
    assert omnitray("settings", "protect.dev.memory_percent", "default").code == 0
    assert "memory_percent" not in file.read_text()
    assert 'mode = "test"' in file.read_text()


@pytest.mark.parametrize(
    ("running_says", "used"),
    [
        (None, "the defaults, but protection only watches"),
        ((), "what was in force before"),
        (("…; using what was in force before",), "what was in force before"),
        (
            ("…; using the defaults, but protection only watches",),
            "the defaults, but protection only watches",
        ),
    ],
)
def test_what_is_in_force_beside_a_broken_file_is_what_the_program_says(
    omnitray: Run,
    home: Path,
    request: pytest.FixtureRequest,
    running_says: tuple[str, ...] | None,
    used: str,
) -> None:
    file = home / "config" / "config.toml"
    if running_says is not None:
        api: Running = request.getfixturevalue("api")
        api.door.settings_problems = running_says
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text('mode = "dev\n')
    refused = omnitray("settings", "look", "light")
    assert refused.code == 1
    assert 'a quote (") is missing' in refused.err
    assert refused.err.endswith(f"; using {used}; nothing was changed\n")
    assert file.read_text() == 'mode = "dev\n'


def test_a_program_that_runs_has_taken_up_a_default_before_its_line_goes(
    omnitray: Run, api: Running, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = home / "config" / "config.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("[protect.dev]\nmemory_percent = 17\n")
    seen: list[str] = []

    def look(_: float) -> None:
        seen.append(file.read_text())
        api.door.in_force = {"protect.dev.memory_percent": 80.0}

    monkeypatch.setattr("omnitray.cli.commands.preferences.time.sleep", look)
    api.door.in_force = {"protect.dev.memory_percent": 17.0}
    assert omnitray("settings", "protect.dev.memory_percent", "default").code == 0
    assert seen == ["[protect.dev]\nmemory_percent = 80.0\n"]
    assert "memory_percent" not in file.read_text()

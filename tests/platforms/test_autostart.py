"""Start at login on macOS and Windows, as far as it can be driven from anywhere."""

import plistlib
from pathlib import Path

import pytest

from omnitray.platforms.autostart import AutostartError
from omnitray.platforms.macos import LABEL, MacAutostart
from omnitray.platforms.windows import (
    APPROVED_KEY,
    RUN_KEY,
    VALUE,
    WindowsAutostart,
    WindowsPlatform,
)


class FakeRegistry:
    def __init__(self) -> None:
        self.values: dict[tuple[str, str], str | bytes] = {}
        self.refuses = False

    def read(self, key: str, name: str) -> str | bytes | None:
        self._check()
        return self.values.get((key, name))

    def write(self, key: str, name: str, value: str) -> None:
        self._check()
        self.values[key, name] = value

    def delete(self, key: str, name: str) -> None:
        self._check()
        self.values.pop((key, name), None)

    def _check(self) -> None:
        if self.refuses:
            raise PermissionError("access denied")


def test_a_launch_agent_is_written_and_removed(tmp_path: Path) -> None:
    agent = MacAutostart(tmp_path / "LaunchAgents", ["/Applications/Omni Tray", "-v"])
    assert not agent.is_enabled()
    agent.enable()
    assert agent.is_enabled()
    written = plistlib.loads((tmp_path / "LaunchAgents" / f"{LABEL}.plist").read_bytes())
    assert written["ProgramArguments"] == ["/Applications/Omni Tray", "-v"]
    assert written["RunAtLoad"] is True
    agent.disable()
    agent.disable()
    assert not agent.is_enabled()


def test_a_damaged_agent_counts_as_not_there(tmp_path: Path) -> None:
    for damage in (b"", b"<plist", b"bplist00", plistlib.dumps(["a list"])):
        (tmp_path / f"{LABEL}.plist").write_bytes(damage)
        assert not MacAutostart(tmp_path, ["omnitray"]).is_enabled()


def test_an_agent_whose_program_moved_is_repaired(tmp_path: Path) -> None:
    MacAutostart(tmp_path, [str(tmp_path / "gone")]).enable()
    agent = MacAutostart(tmp_path, [str(tmp_path)])
    assert agent.heal()
    assert not agent.heal()


def test_an_agent_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AutostartError, match="cannot write"):
        MacAutostart(tmp_path / "file" / "agents", ["omnitray"]).enable()


def test_the_run_key_holds_a_quoted_command_line() -> None:
    registry = FakeRegistry()
    entry = WindowsAutostart(registry, [r"C:\Program Files\OmniTray\omnitray.exe", "-v"])
    assert not entry.is_enabled()
    entry.enable()
    assert entry.is_enabled()
    assert registry.values[RUN_KEY, VALUE] == r'"C:\Program Files\OmniTray\omnitray.exe" -v'
    entry.disable()
    assert not entry.is_enabled()


def test_what_the_task_manager_switched_off_is_off_until_asked_for_again() -> None:
    registry = FakeRegistry()
    entry = WindowsAutostart(registry, ["omnitray.exe"])
    entry.enable()
    registry.values[APPROVED_KEY, VALUE] = b"\x03\x00\x00\x00"
    assert not entry.is_enabled()
    registry.values[APPROVED_KEY, VALUE] = b"\x02\x00\x00\x00"
    assert entry.is_enabled()
    registry.values[APPROVED_KEY, VALUE] = b"\x03\x00\x00\x00"
    entry.enable()
    assert entry.is_enabled()


def test_a_run_entry_whose_program_moved_is_repaired(tmp_path: Path) -> None:
    registry = FakeRegistry()
    WindowsAutostart(registry, [str(tmp_path / "a b" / "gone.exe")]).enable()
    there = tmp_path / "omni tray.exe"
    there.write_text("")
    entry = WindowsAutostart(registry, [str(there)])
    assert entry.heal()
    assert not entry.heal()


def test_a_registry_that_refuses_is_one_sentence() -> None:
    registry = FakeRegistry()
    registry.refuses = True
    entry = WindowsAutostart(registry, ["omnitray.exe"])
    assert not entry.is_enabled()
    assert not entry.heal()
    for change in (entry.enable, entry.disable):
        with pytest.raises(AutostartError, match="Run key"):
            change()


def test_without_a_registry_nothing_is_enabled() -> None:
    entry = WindowsPlatform().autostart(["omnitray.exe"])
    assert not entry.is_enabled()
    with pytest.raises(AutostartError):
        entry.enable()

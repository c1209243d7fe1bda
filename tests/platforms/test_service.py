"""Running headless as a service: what is written, and what the system is told."""

import plistlib
from collections.abc import Sequence
from pathlib import Path

from omnitray.base.paths import resource
from omnitray.platforms import current
from omnitray.platforms.autostart import Ran, run
from omnitray.platforms.linux.autostart import SystemdService
from omnitray.platforms.macos import LaunchdService
from omnitray.platforms.windows import ScheduledTask

TEMPLATE = resource("service/omnitray.service").read_text(encoding="utf-8")


class System:
    """Commands that were asked for; each one works or not."""

    def __init__(self, *, works: bool = True, said: str = "") -> None:
        self.asked: list[tuple[str, ...]] = []
        self.ran = Ran(works=works, said=said)

    def __call__(self, command: Sequence[str]) -> Ran:
        self.asked.append(tuple(command))
        return self.ran


def test_a_unit_is_written_enabled_and_removed(tmp_path: Path) -> None:
    system = System(said="active")
    service = SystemdService(tmp_path, ["/opt/my tools/omnitray"], TEMPLATE, system)
    done = service.install()
    assert done.works
    assert done.done[0] == f"wrote {tmp_path / 'omnitray.service'}"
    text = (tmp_path / "omnitray.service").read_text()
    assert 'ExecStart="/opt/my tools/omnitray" --headless' in text
    assert "NoNewPrivileges=yes" in text
    assert system.asked[-1] == ("systemctl", "--user", "enable", "--now", "omnitray.service")
    assert service.status().done[-1] == "active"
    assert service.remove().works
    assert not (tmp_path / "omnitray.service").exists()
    assert service.remove().done == ("there is no service to remove",)
    assert not service.status().works


def test_without_systemd_nothing_is_written_and_a_sentence_says_why(tmp_path: Path) -> None:
    system = System(works=False, said="Failed to connect to bus")
    done = SystemdService(tmp_path / "units", ["omnitray"], TEMPLATE, system).install()
    assert not done.works
    (sentence,) = done.done
    assert sentence.startswith(
        "no service was installed: no systemd of this user answers here (Failed to connect to bus)"
    )
    assert not (tmp_path / "units").exists()


def test_a_folder_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    system = System()
    assert not SystemdService(tmp_path / "file", ["omnitray"], TEMPLATE, system).install().works
    assert system.asked == [("systemctl", "--user", "show-environment")]


def test_what_systemd_would_expand_is_escaped(tmp_path: Path) -> None:
    SystemdService(tmp_path, ["/a%b/$c"], TEMPLATE, System()).install()
    assert "ExecStart=/a%%b/$$c --headless" in (tmp_path / "omnitray.service").read_text()


def test_a_launch_agent_is_written_loaded_and_removed(tmp_path: Path) -> None:
    system = System()
    service = LaunchdService(tmp_path, ["/opt/omnitray"], system)
    assert service.install().works
    agent = plistlib.loads((tmp_path / "org.omnitray.headless.plist").read_bytes())
    assert agent["ProgramArguments"] == ["/opt/omnitray", "--headless"]
    assert service.status().done[-1] == "loaded"
    assert service.remove().works
    assert not service.status().works
    assert [command[1] for command in system.asked] == ["bootstrap", "print", "bootout"]


def test_a_logon_task_is_created_and_deleted() -> None:
    system = System(said="OmniTray headless  Ready")
    task = ScheduledTask([r"C:\Program Files\OmniTray\omnitray.exe"], system)
    assert task.install().works
    assert '"C:\\Program Files\\OmniTray\\omnitray.exe" --headless' in system.asked[0]
    assert task.status().done == ("OmniTray headless  Ready",)
    assert task.remove().works


def test_this_platform_has_a_service() -> None:
    assert callable(current().service(["omnitray"], TEMPLATE).status)


def test_a_command_that_is_not_there_is_a_failure_with_its_name() -> None:
    ran = run(["omnitray-no-such-command"])
    assert (ran.works, ran.said.startswith("omnitray-no-such-command")) == (False, True)
    assert run(["true"]).works

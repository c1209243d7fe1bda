"""The platforms that run on this machine, each over real processes: Linux, and psutil alone."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from omnitray.base.clock import SystemClock
from omnitray.platforms import Platform
from omnitray.platforms.linux.platform import LinuxPlatform
from omnitray.platforms.portable import PortablePlatform
from omnitray.processes.process_table import ProcessTable
from omnitray.protector.actuators.executor import ActionPerformer
from omnitray.protector.actuators.journal import ActionJournal
from omnitray.protector.actuators.system import System
from omnitray.protector.model import ActuatorKind

Only = Callable[[ActuatorKind], ActionPerformer]


@pytest.fixture(params=[LinuxPlatform, PortablePlatform], ids=["linux", "portable"])
def platform(request: pytest.FixtureRequest) -> Platform:
    made: Platform = request.param()
    return made


@pytest.fixture
def system(platform: Platform) -> Iterator[System]:
    made = platform.system()
    yield made
    close(made)


@pytest.fixture
def table(platform: Platform) -> Iterator[ProcessTable]:
    made = platform.process_table()
    yield made
    close(made)


def close(made: object) -> None:
    """Linux keeps descriptors; psutil has nothing to close."""
    if callable(end := getattr(made, "close", None)):
        end()


@pytest.fixture
def actions(platform: Platform, system: System, tmp_path: Path) -> Iterator[ActionPerformer]:
    path = tmp_path / "actions.jsonl"
    watchdog = platform.watchdog(path)
    made = ActionPerformer(
        ActionJournal(path), platform.actuators(system), system, SystemClock(), watchdog
    )
    yield made
    made.undo_all("the test is over")
    close(watchdog)


@pytest.fixture
def only(platform: Platform, system: System, tmp_path: Path) -> Only:
    """An ActionPerformer with this actuator alone."""

    def made(kind: ActuatorKind) -> ActionPerformer:
        actuators = [each for each in platform.actuators(system) if each.kind is kind]
        journal = ActionJournal(tmp_path / "actions.jsonl")
        return ActionPerformer(journal, actuators, system, SystemClock())

    return made

"""A session bus that takes connections and says nothing does not hold the program up."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.desktop import Desktop, wait_until
from support.running import OmniTray


@pytest.fixture
def hung_bus(tmp_path: Path) -> Iterator[str]:
    """Its address."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "hung"))
        listening.listen(100)
        yield f"unix:path={tmp_path / 'hung'}"


def test_it_starts_answers_and_ends_with_a_bus_that_hangs(desktop: Desktop, hung_bus: str) -> None:
    """Qt alone waited for 110 s; ours gives the bus 5 s."""
    desktop.environment["DBUS_SESSION_BUS_ADDRESS"] = hung_bus
    program = OmniTray(desktop)
    program.start(answering=False)
    wait_until(lambda: program.address().get("pid"), "it is found", timeout_s=60)
    program.wait_until_it_answers()
    assert "no icon in the tray until a new start" in program.log
    assert program.end() == 0

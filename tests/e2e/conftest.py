"""A real desktop on a machine without a screen: see ``support/desktop.py``."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.dbus_service import Caller
from support.desktop import Desktop, Display
from support.memory_room import MemoryRoom
from support.notification_server import NotificationServer
from support.tray_host import TrayWatcher
from support.world import World


@pytest.fixture(scope="session")
def display(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Display]:
    """One X server for all tests; each test has a desktop of its own on it."""
    server = Display(tmp_path_factory.mktemp("display"))
    yield server
    server.stop()


@pytest.fixture
def desktop(tmp_path: Path, display: Display) -> Iterator[Desktop]:
    """A session of this test's own: bus, folders, display."""
    session = Desktop(tmp_path, display)
    yield session
    session.stop()


@pytest.fixture
def caller(desktop: Desktop) -> Iterator[Caller]:
    """Calls services on the desktop's bus."""
    connection = Caller(desktop.bus_address)
    yield connection
    connection.close()


@pytest.fixture
def notification_server(desktop: Desktop) -> Iterator[NotificationServer]:
    """A notification service that records; it is running and nothing may violate the protocol."""
    server = NotificationServer(desktop.bus_address)
    server.start()
    yield server
    server.die()
    assert server.violations == []


@pytest.fixture
def tray_watcher(desktop: Desktop) -> Iterator[TrayWatcher]:
    """A tray host that speaks StatusNotifierItem; it is running."""
    watcher = TrayWatcher(desktop.bus_address)
    watcher.start()
    yield watcher
    watcher.die()


@pytest.fixture
def world() -> Iterator[World]:
    """A PID namespace and mounts of this test's own."""
    ours = World()
    yield ours
    ours.end()


@pytest.fixture
def room() -> Iterator[World]:
    """Such a world with a gigabyte of memory."""
    limit = MemoryRoom(1 << 30)
    small = World(limit.prefix)
    yield small
    small.end()
    limit.end()

"""The pytest plugin: reports failed, hanging and crashed tests, and restarts the server under test.

It does nothing unless ``--omnitray`` is given or the ini file says ``omnitray = true``: then
:mod:`.session` is imported and registered. Until then this module imports pytest alone.
"""

import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from omnitray.pytest_plugin.server import ServerUnderTest

MARKER = "omnitray_server: this test needs the server; with any such marker only these tests probe"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options ``--omnitray…`` and the ini keys of the same names."""
    group = parser.getgroup("omnitray", "OmniTray: alerts about tests, and their server")
    group.addoption("--omnitray", action="store_true", help="report to OmniTray, running or not")
    group.addoption(
        "--omnitray-server", metavar="NAME-OR-COMMAND", help="the server that the tests need"
    )
    group.addoption(
        "--omnitray-health", metavar="H", help="http:// or tcp:// address that tells it is well"
    )
    group.addoption(
        "--omnitray-slow", metavar="SECONDS", type=float, help="report a test that takes longer"
    )
    parser.addini("omnitray", "report to OmniTray", type="bool", default=False)
    parser.addini("omnitray_server", "name or command of the server that the tests need")
    parser.addini("omnitray_health", "http:// or tcp:// address that tells it is well")
    parser.addini("omnitray_slow", "seconds after which a test is reported as slow")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and the plugin itself where it is asked for."""
    config.addinivalue_line("markers", MARKER)
    if config.getoption("omnitray") or config.getini("omnitray"):
        _register(config)


def _register(config: pytest.Config) -> None:
    """What is wrong with us (no folder at all, half an installation) is one line, and no more."""
    try:
        from omnitray.pytest_plugin.session import register  # noqa: PLC0415 - only when it is on

        register(config)
    except pytest.UsageError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the tests do not need us
        if (stderr := sys.stderr) is not None:
            stderr.write(f"omnitray: not followed: {type(error).__name__}: {error}\n")


@pytest.fixture(scope="session")
def omnitray_server(request: pytest.FixtureRequest) -> "ServerUnderTest":
    """The server that the tests need: ``.url``, ``.pid``, ``.log``, ``.restart()``."""
    plugin = request.config.pluginmanager.get_plugin("omnitray-server")
    if plugin is None:
        pytest.fail("omnitray_server needs --omnitray and --omnitray-server=NAME-OR-COMMAND")
    server: ServerUnderTest = plugin.server
    return server

"""Tests of window and tray run on Qt's offscreen platform, which says each time what it lacks."""

from pathlib import Path

import pytest

_HERE = Path(__file__).parent
_OFFSCREEN = (
    "This plugin does not support (propagateSizeHints|raise)",
    r"No such signal QPlatformNativeInterface::systemTrayWindowChanged",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.qt_log_ignore(*_OFFSCREEN))

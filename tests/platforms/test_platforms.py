import sys
from typing import cast

import pytest

from omnitray import platforms
from omnitray.platforms import Platform, macos, windows
from omnitray.platforms.linux import capabilities as linux

EVERYTHING = [name for name in vars(Platform) if not name.startswith("_")]
TO_LOOK = ["machine", "process_table", "process_details", "has_display", "keep_own_priority"]


@pytest.mark.parametrize("name", EVERYTHING)
def test_linux_has_everything(name: str) -> None:
    assert callable(getattr(linux, name))


@pytest.mark.parametrize("module", [macos, windows])
@pytest.mark.parametrize("name", TO_LOOK)
def test_every_platform_can_look_at_its_machine(module: object, name: str) -> None:
    assert callable(getattr(module, name))


@pytest.mark.parametrize(
    ("name", "module"), [("linux", linux), ("darwin", macos), ("win32", windows)]
)
def test_the_platform_is_chosen_by_what_this_is(
    monkeypatch: pytest.MonkeyPatch, name: str, module: object
) -> None:
    monkeypatch.setattr(sys, "platform", name)
    assert platforms.current() is module


def test_an_unknown_platform_is_said_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "plan9")
    with pytest.raises(RuntimeError, match="plan9"):
        platforms.current()


@pytest.mark.parametrize("module", [linux, macos, windows])
def test_what_a_platform_gives_works_here_as_far_as_psutil_goes(module: object) -> None:
    platform = cast("Platform", module)
    assert platform.machine().memory() is not None
    scan = platform.process_table().scan()
    assert scan
    assert platform.process_details().exe(scan[0]) is None or scan[0].pid

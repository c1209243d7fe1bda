import os

import psutil
import pytest

from omnitray.platforms import programs
from omnitray.platforms.linux import active_window
from omnitray.platforms.macos import MacosPlatform
from omnitray.platforms.windows import WindowsPlatform
from support.psutil_stand_in import StandIn, thing


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({}, False),
        ({"DISPLAY": ""}, False),
        ({"DISPLAY": ":0"}, True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, True),
    ],
)
def test_a_screen_on_linux_is_in_the_environment(
    environment: dict[str, str], *, found: bool
) -> None:
    assert active_window.has_display(environment) is found


def test_elsewhere_there_is_a_screen_but_for_logins_over_the_network_and_services() -> None:
    assert MacosPlatform().has_display({})
    assert not MacosPlatform().has_display({"SSH_CONNECTION": "x"})
    assert WindowsPlatform().has_display({})
    assert not WindowsPlatform().has_display({"SESSIONNAME": "Services"})


def test_a_normal_priority_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getpriority", lambda *_: 0)
    monkeypatch.delattr(os, "setpriority")
    assert programs.keep_own_priority() is None


def test_a_low_priority_is_raised_where_that_is_allowed_and_said_where_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raised = []
    monkeypatch.setattr(os, "getpriority", lambda *_: 10)
    monkeypatch.setattr(os, "setpriority", lambda *wanted: raised.append(wanted))
    assert programs.keep_own_priority() is None
    assert raised == [(os.PRIO_PROCESS, 0, 0)]

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "setpriority", refuse)
    assert programs.keep_own_priority() == (
        "started at priority 10, which only an administrator can raise again"
    )


def test_on_windows_a_low_class_is_raised_and_a_normal_one_left() -> None:
    system = StandIn()
    asked: list[int] = []

    def nice(value: int | None = None) -> int:
        if value is not None:
            asked.append(value)
        return 0x4000 if not asked else 0x20

    system.answers["own"] = thing(nice=nice)
    assert WindowsPlatform().keep_own_priority(system=system) is None
    assert WindowsPlatform().keep_own_priority(system=system) is None
    assert asked == [0x20]


def test_on_windows_a_refusal_is_said() -> None:
    system = StandIn()

    def nice(value: int | None = None) -> int:
        if value is not None:
            raise psutil.AccessDenied(1)
        return 0x40

    system.answers["own"] = thing(nice=nice)
    assert "cannot be raised" in (WindowsPlatform().keep_own_priority(system=system) or "")

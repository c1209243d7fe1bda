import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnitray.processes.cgroup_units import UnitKind, unit_of

USER = "/user.slice/user-1000.slice/user@1000.service"


@pytest.mark.parametrize(
    ("path", "kind", "name"),
    [
        (f"{USER}/app.slice/app-gnome-firefox-1234.scope", UnitKind.APP, "firefox"),
        (f"{USER}/app.slice/app-flatpak-org.gimp.GIMP-12.scope", UnitKind.APP, "org.gimp.GIMP"),
        (f"{USER}/app.slice/app-firefox@a1b2.service", UnitKind.APP, "firefox"),
        (f"{USER}/app.slice/app-org.kde.konsole-7.scope", UnitKind.TERMINAL, "org.kde.konsole"),
        (
            f"{USER}/app.slice/app-gnome-sublime\\x2dtext-7.scope/sub",
            UnitKind.APP,
            "sublime-text",
        ),
        (
            f"{USER}/app.slice/snap.code.code-0a1b2c3d-0000-0000-0000-000000000000.scope",
            UnitKind.APP,
            "code",
        ),
        (f"{USER}/session.slice/pipewire.service", UnitKind.SERVICE, "pipewire"),
        ("/system.slice/ssh.service", UnitKind.SYSTEM, "ssh"),
        ("/system.slice/system-getty.slice/getty@tty1.service", UnitKind.SYSTEM, "getty"),
        ("/system.slice/docker-0123456789abcdef.scope", UnitKind.SERVICE, ""),
        ("/user.slice/user-1000.slice/session-2.scope", UnitKind.MIXED, ""),
        (f"{USER}/app.slice/vte-spawn-1-2-3.scope", UnitKind.MIXED, ""),
        (f"{USER}/app.slice/run-r0a1.scope", UnitKind.MIXED, ""),
        (f"{USER}/app.slice/omnitray-job-1.scope", UnitKind.MIXED, ""),
        (f"{USER}/init.scope", UnitKind.MIXED, ""),
        (USER, UnitKind.MIXED, ""),
        ("/", UnitKind.MIXED, ""),
        (None, UnitKind.MIXED, ""),
        ("/docker/abc", UnitKind.MIXED, ""),
    ],
)
def test_a_path_says_who_is_in_it(path: str | None, kind: UnitKind, name: str) -> None:
    unit = unit_of(path)
    assert (unit.kind, unit.name) == (kind, name)


@given(st.text(max_size=60))
def test_any_path_is_survived(path: str) -> None:
    assert unit_of(path).name.isprintable() or not path.isprintable()

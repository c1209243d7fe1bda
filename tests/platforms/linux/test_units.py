"""Units over a stand-in for the bus; the real ones are proved in a machine of their own."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import pytest

from omnitray.base.dbus import BlockingSessionBus, BusError, BusReply, SessionBus
from omnitray.base.facts import ProcessIdentity
from omnitray.platforms.linux.units import NOT_SET, UserUnits, unit_in
from omnitray.protector.actuators.system import AccessRefused, Gone

WHO = ProcessIdentity(pid=7, start_ticks=1)
UID = os.getuid()
HOME = f"/user.slice/user-{UID}.slice/user@{UID}.service"


class FakeBus(BlockingSessionBus):
    """Remembers calls; ``errors`` by method, ``properties`` by name."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.errors: dict[str, BusError] = {}
        self.properties: dict[str, Any] = {}
        self.adopted: Path | None = None

    def call(
        self,
        target: object,
        method: str,
        signature: str | None = None,
        *body: Any,
        answer: tuple[Any, ...] = (),
    ) -> tuple[Any, ...]:
        del target, signature, answer
        self.calls.append((method, body))
        if method in self.errors:
            raise self.errors[method]
        if self.adopted and method in {"StartTransientUnit", "AttachProcessesToUnit"}:
            self.adopted.write_text(f"0::{HOME}/app.slice/{body[0]}\n")
        return ("/org/freedesktop/systemd1/unit/x",)

    def property(self, target: object, name: str, kind: Any) -> Any:
        del target, kind
        return self.properties[name]


@pytest.fixture
def bus() -> FakeBus:
    return FakeBus()


@pytest.fixture
def units(bus: FakeBus, tmp_path: Path) -> UserUnits:
    (tmp_path / "cgroup.controllers").touch()
    (tmp_path / "7").mkdir()
    bus.adopted = tmp_path / "7/cgroup"
    bus.adopted.write_text("0::/user.slice/user-1000.slice/session-2.scope\n")
    return UserUnits(bus, tmp_path, tmp_path, patience_s=0.05)


@pytest.mark.parametrize(
    ("path", "unit"),
    [
        (f"{HOME}/app.slice/app-x-1.scope", "app-x-1.scope"),
        (f"{HOME}/app.slice/app-term.slice/vte-spawn-1.scope", "vte-spawn-1.scope"),
        (f"{HOME}/app.slice/a.service/inner", "a.service"),
        ("/user.slice/user-1000.slice/session-2.scope", None),
        ("/user.slice/user-91001.slice/user@91001.service/app.slice/x.scope", None),
        ("/system.slice/cron.service", None),
        ("/", None),
    ],
)
def test_only_what_the_persons_own_manager_holds_is_a_unit(path: str, unit: str | None) -> None:
    assert unit_in(path) == unit


def test_adoption_waits_until_the_kernel_shows_it(units: UserUnits, bus: FakeBus) -> None:
    units.adopt("omnitray-job-1.scope", [WHO], "x")
    method, body = bus.calls[-1]
    assert method == "StartTransientUnit"
    assert body[:2] == ("omnitray-job-1.scope", "fail")
    assert ("PIDs", ("au", [7])) in body[2]


def test_a_scope_that_is_there_takes_more_in(units: UserUnits, bus: FakeBus) -> None:
    bus.errors["StartTransientUnit"] = BusError("there", "UnitExists")
    units.adopt("omnitray-job-1.scope", [WHO], "x")
    assert bus.calls[-1] == ("AttachProcessesToUnit", ("omnitray-job-1.scope", "", [7]))


def test_adoption_that_does_not_happen_is_refused(units: UserUnits, bus: FakeBus) -> None:
    bus.adopted = None
    with pytest.raises(AccessRefused, match="did not get its processes"):
        units.adopt("omnitray-job-1.scope", [WHO], "x")


def test_not_set_is_none_both_ways(units: UserUnits, bus: FakeBus) -> None:
    bus.properties = {"CPUWeight": NOT_SET, "MemoryHigh": 5}
    assert units.cpu_weight("x.scope") is None
    assert units.memory_high("x.scope") == 5
    units.set_cpu_weight("x.scope", None)
    assert bus.calls[-1][1] == ("x.scope", True, [("CPUWeight", ("t", NOT_SET))])


def test_a_unit_that_ended_is_gone_and_other_errors_are_refusals(
    units: UserUnits, bus: FakeBus
) -> None:
    bus.errors["FreezeUnit"] = BusError("no", "AccessDenied")
    bus.errors["ThawUnit"] = BusError("no", "NoSuchUnit")
    bus.properties = {"FreezerState": "running"}
    with pytest.raises(AccessRefused, match=r"x\.scope: no"):
        units.freeze("x.scope")
    with pytest.raises(Gone):
        units.thaw("x.scope")


def test_what_the_manager_wrongly_believes_frozen_is_thawed_first(
    units: UserUnits, bus: FakeBus
) -> None:
    bus.properties = {"FreezerState": "frozen"}
    units.freeze("x.scope")
    assert [method for method, _ in bus.calls] == ["GetUnit", "ThawUnit", "FreezeUnit"]


def test_without_a_manager_it_says_why(units: UserUnits, bus: FakeBus) -> None:
    assert units.why_not() == ""
    bus.errors["GetUnit"] = BusError("no bus")
    assert units.why_not() == "no systemd user session: no bus"
    bus.errors["GetUnit"] = BusError("not there", "NoSuchUnit")
    assert units.why_not() == ""
    bus.errors["GetUnit"] = BusError("not provided by any .service files", "ServiceUnknown")
    assert units.why_not() == "this session is not run by systemd"


def test_other_cgroups_than_the_unified_ones_are_named(units: UserUnits, tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").unlink()
    assert units.why_not() == "no cgroups are mounted here"
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu/cgroup.procs").touch()
    assert units.why_not() == "cgroups are of version 1 here; units need version 2"
    (tmp_path / "unified").mkdir()
    (tmp_path / "unified/cgroup.controllers").touch()
    wanted = "cgroups are of both versions here (hybrid); units need version 2 alone"
    assert units.why_not() == wanted


def test_a_controller_that_the_manager_is_not_given_is_named(
    units: UserUnits, tmp_path: Path
) -> None:
    assert units.why_not("cpu") == ""
    manager = tmp_path / HOME.lstrip("/")
    manager.mkdir(parents=True)
    (manager / "cgroup.controllers").write_text("memory pids\n")
    assert units.why_not("memory") == ""
    assert units.why_not("cpu") == "the session's manager is not given the cpu controller"


def test_the_units_place_is_looked_into_without_the_manager(
    units: UserUnits, bus: FakeBus, tmp_path: Path
) -> None:
    path = f"{HOME}/app.slice/app-x-1.scope/inner"
    (tmp_path / "7/cgroup").write_text(f"0::{path}\n")
    inner = tmp_path / path.lstrip("/")
    inner.mkdir(parents=True)
    (inner / "cgroup.procs").write_text("7\n8\n")
    (inner.parent / "cgroup.procs").write_text("9\n")
    group = units.group_of(WHO)
    assert group == f"{tmp_path}{HOME}/app.slice/app-x-1.scope"
    assert units.group_members(group) == {7, 8, 9}
    assert not units.is_held(WHO)
    (inner / "cgroup.events").write_text("populated 1\nfrozen 1\n")
    assert units.is_held(WHO)
    with pytest.raises(AccessRefused, match="No such file"):
        units.end_group(group)
    (inner.parent / "cgroup.kill").touch()
    units.end_group(group)
    assert (inner.parent / "cgroup.kill").read_text() == "1"
    assert bus.calls == []


def test_what_is_in_no_unit_has_no_place(units: UserUnits) -> None:
    assert units.group_of(WHO) == ""
    assert units.group_of(ProcessIdentity(pid=99, start_ticks=1)) == ""
    assert not units.is_held(ProcessIdentity(pid=99, start_ticks=1))


def test_a_bus_of_which_nobody_says_the_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    with pytest.raises(BusError, match="no session bus: DBUS_SESSION_BUS_ADDRESS is not set"):
        BlockingSessionBus().name_owners()


def test_a_bus_that_is_not_there_is_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/does/not/exist")
    with pytest.raises(BusError, match="does not answer"):
        BlockingSessionBus().name_owners()


def test_what_somebody_has_set_is_read_up_to_where_our_own_scopes_stand(
    units: UserUnits, tmp_path: Path
) -> None:
    files = {
        f"{HOME}/memory.max": "9000\n",  # of the whole session: a move keeps it
        f"{HOME}/app.slice/cpu.weight": "20\n",  # likewise
        f"{HOME}/app.slice/small.slice/memory.high": "5000\n",
        f"{HOME}/app.slice/small.slice/a.scope/memory.max": "max\n",
        f"{HOME}/app.slice/small.slice/a.scope/cpu.max": "50000 100000\n",
        f"{HOME}/app.slice/b.scope/cpu.weight": "100\n",
        f"{HOME}/app.slice/b.scope/pids.max": "9000\n",
    }
    for name, text in files.items():
        (tmp_path / name[1:]).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name[1:]).write_text(text)
    assert units.limits_of(f"{tmp_path}{HOME}/app.slice/small.slice/a.scope") == (
        "cpu.max",
        "memory.high",
    )
    assert units.limits_of(f"{tmp_path}{HOME}/app.slice/b.scope") == ()
    assert units.limits_of("") == ()


class LyingBus:
    """Answers everything with one body."""

    lost = False

    def __init__(self, body: tuple[Any, ...], error: str | None) -> None:
        self._reply = BusReply(error=error, body=body)

    def ask(self, *_: Any) -> BusReply:
        return self._reply

    def close(self) -> None:
        """There is nothing to close."""


LIES: tuple[tuple[Any, ...], ...] = (
    (), (None,), (7,), ("x",), (b"x",), ([],), (["x", 1],), ({"a": 1},), (("s", "/"),),
    (("t", -1),), (("t", "x"),), (("u",),), ("/x", "/y", "/z"), (True,), (1.5,),
    (("s", "/../../../etc"),),
)  # fmt: skip


@pytest.mark.parametrize("body", LIES)
@pytest.mark.parametrize("error", [None, "org.freedesktop.DBus.Error.NoReply", "", "x"])
def test_whatever_the_manager_answers_is_a_fact_or_a_refusal(
    body: tuple[Any, ...], error: str | None, tmp_path: Path
) -> None:
    (tmp_path / "cgroup.controllers").touch()
    (tmp_path / "7").mkdir()
    (tmp_path / "7/cgroup").write_text("0::/\n")
    bus = BlockingSessionBus(connect=lambda _: cast("SessionBus", LyingBus(body, error)))
    units = UserUnits(bus, tmp_path, tmp_path, patience_s=0.001)
    asked: list[Callable[[], object]] = [
        lambda: units.why_not("cpu"),
        lambda: units.adopt("x.scope", [WHO], "x"),
        lambda: units.members("x.scope"),
        lambda: units.cpu_weight("x.scope"),
        lambda: units.set_cpu_weight("x.scope", 5),
        lambda: units.memory_high("x.scope"),
        lambda: units.memory_current("x.scope"),
        lambda: units.is_frozen("x.scope"),
        lambda: units.folder("x.scope"),
        lambda: units.freeze("x.scope"),
        lambda: units.thaw("x.scope"),
    ]
    for ask in asked:
        with suppress(Gone, AccessRefused):
            ask()
    with suppress(BusError):
        assert all(isinstance(pid, int) for pid in bus.name_owners())

"""A server's scope, and a run's, against a bus and cgroups that the test holds."""

import os
from pathlib import Path
from typing import Any

import pytest

from omnitray.base.facts import ProcessIdentity
from omnitray.platforms.linux.run_scopes import UnitRunScope
from omnitray.platforms.linux.units import ServerScopes
from omnitray.protector.actuators.system import AccessRefused
from omnitray.runs.watch import RunPlan


class Units:
    """The user's manager, as far as scopes are concerned."""

    def __init__(self, root: Path, why_not: str = "", refuses: str = "") -> None:
        self.root = root
        self.adopted: dict[str, tuple[list[int], dict[str, int]]] = {}
        self.ended: list[str] = []
        self._why_not, self._refuses = why_not, refuses

    def why_not(self, controller: str = "") -> str:
        del controller
        return self._why_not

    def adopt(
        self,
        unit: str,
        processes: list[ProcessIdentity],
        description: str,
        limits: dict[str, int] | None = None,
    ) -> None:
        if self._refuses:
            raise AccessRefused(self._refuses)
        assert description
        self.adopted[unit] = [each.pid for each in processes], dict(limits or {})
        (self.root / unit).mkdir()

    def folder(self, unit: str) -> tuple[int, str]:
        return 1, str(self.root / unit)

    def group_members(self, group: str) -> frozenset[int]:
        return frozenset(map(int, (Path(group) / "cgroup.procs").read_text().split()))

    def end_group(self, group: str) -> None:
        self.ended.append(group)


def scopes_of(units: Units) -> ServerScopes:
    scopes = ServerScopes()
    scopes._units = units  # type: ignore[assignment]  # the manager of the test
    return scopes


def test_a_server_gets_a_scope_with_its_name(tmp_path: Path) -> None:
    units = Units(tmp_path)
    scopes = scopes_of(units)
    own = os.getpid()
    group = scopes.adopt("api", own)
    unit = f"omnitray-server-api-{own}.scope"
    assert (group, units.adopted) == (str(tmp_path / unit), {unit: ([own], {})})
    (tmp_path / unit / "cgroup.procs").write_text("7\n8\n")
    assert scopes.members(group) == {7, 8}


@pytest.mark.parametrize("refusal", [{"why_not": "no session"}, {"refuses": "no"}])
def test_without_a_manager_a_server_stays_where_it_is(tmp_path: Path, refusal: Any) -> None:
    assert scopes_of(Units(tmp_path, **refusal)).adopt("api", os.getpid()) == ""


def plan(**changed: Any) -> RunPlan:
    found = RunPlan(["make"], {})
    for name, value in changed.items():
        setattr(found, name, value)
    return found


def run_scope(units: Units, asked: RunPlan) -> UnitRunScope:
    return UnitRunScope(asked, units)  # type: ignore[arg-type]  # the manager of the test


@pytest.mark.parametrize(
    ("asked", "limits"),
    [
        (
            {"memory_bytes": 1000, "cpu_percent": 150.0},
            {"MemoryHigh": 1000, "MemoryMax": 1100, "CPUQuotaPerSecUSec": 1_500_000},
        ),
        ({"memory_bytes": 1000, "may_end": False}, {"MemoryHigh": 1000}),
        ({"cpu_percent": 50.0}, {"CPUQuotaPerSecUSec": 500_000}),
    ],
)
def test_a_run_gets_its_budget_from_the_kernel(
    tmp_path: Path, asked: dict[str, Any], limits: dict[str, int]
) -> None:
    units = Units(tmp_path)
    scope = run_scope(units, plan(**asked))
    assert scope.hold(os.getpid())
    ((pids, given),) = units.adopted.values()
    assert (pids, given) == ([os.getpid()], limits)


def test_a_runs_figures_are_those_of_its_cgroup(tmp_path: Path) -> None:
    units = Units(tmp_path)
    scope = run_scope(units, plan(memory_bytes=1000))
    assert scope.usage() is None
    assert scope.hold(os.getpid())
    (folder,) = tmp_path.iterdir()
    for name, text in {
        "memory.current": "900\n",
        "memory.peak": "1050\n",
        "cpu.stat": "usage_usec 2500000\nthrottled_usec 1000000\n",
        "memory.events": "high 5\noom_kill 1\n",
        "memory.pressure": "some avg10=0 total=9\nfull avg10=0.00 total=500000\n",
    }.items():
        (folder / name).write_text(text)
    assert scope.usage() == (900, 2.5, 1.5)
    assert (scope.peak_bytes(), scope.oom_kills()) == (1050, 1)
    assert scope.is_empty()
    (folder / "cgroup.events").write_text("populated 1\nfrozen 0\n")
    assert not scope.is_empty()
    scope.signal(9)
    assert units.ended == [str(folder)]


@pytest.mark.parametrize("refusal", [{"why_not": "no session"}, {"refuses": "no"}])
def test_without_a_manager_a_run_has_no_scope(tmp_path: Path, refusal: Any) -> None:
    assert not run_scope(Units(tmp_path, **refusal), plan(memory_bytes=1)).hold(os.getpid())

"""Whether others wait for a processor has one judge: the monitor's side and the protector agree."""

import ast
from itertools import product
from pathlib import Path

import pytest

from omnitray.alerts.resource_alerts import ResourceAlert, ResourceAlerts
from omnitray.api.status import Status, sentence
from omnitray.base.facts import (
    Job,
    JobKind,
    Mode,
    MonitorLevel,
    PressureFacts,
    PressurePair,
    Probe,
    Resource,
    Snapshot,
)
from omnitray.base.policy import ProtectPolicy
from omnitray.monitor.monitor import MonitorStep
from omnitray.monitor.thresholds import AlarmLevel, Transition
from omnitray.protector.model import Facts
from omnitray.protector.protector import ResourceProtector
from support.scenes import job, process, reading

PACKAGE = Path(__file__).parents[1] / "omnitray"
JUDGE = PACKAGE / "base" / "conditions.py"
PRIVATE = {"CPU_PRESSURE_PERCENT", "PROBE_RATIO", "PROBE_LEAST_MS", "waits_for_itself"}
NOW_S, CORES = 100.0, 2
PRESSURES = (None, 0.0, 39.9, 40.0, 95.0)
PROBES = (
    None,
    Probe(now_ms=9.0, quiet_ms=4.0, measured_mono_s=NOW_S),
    Probe(now_ms=40.0, quiet_ms=4.0, measured_mono_s=NOW_S - 4.0),
    Probe(now_ms=40.0, quiet_ms=4.0, measured_mono_s=NOW_S - 60.0),
)


def crowd(kind: JobKind, count: int) -> Job:
    running = [process(100 + number, state="R") for number in range(count)]
    return job("j", *running, kind=kind, cpu=190.0)


JOBS = [crowd(kind, count) for kind in (JobKind.BUILD, JobKind.COMMAND) for count in (2, 16)]


def of_protector(pressure: float | None, probe: Probe | None, one: Job) -> bool:
    facts = Facts(
        reading=reading(NOW_S, cpu=97.0, cpu_pressure=pressure),
        jobs=(one,),
        cores=CORES,
        probe=probe,
    )
    protector = ResourceProtector("t")
    protector.decide(facts, ProtectPolicy(), NOW_S)
    return protector.context(facts, ProtectPolicy(), NOW_S).cpu_contention


def of_monitor(pressure: float | None, probe: Probe | None, one: Job) -> tuple[bool, bool]:
    """What the alert says, and what the status sentence says."""
    pair = None if pressure is None else PressurePair(some_avg10=pressure)
    shot = Snapshot(
        taken_at=NOW_S,
        monotonic_s=NOW_S,
        level=MonitorLevel.NORMAL,
        cpu_percent=97.0,
        cpu_per_core_percent=(97.0,) * CORES,
        pressure=PressureFacts(cpu=pair),
    )
    moved = Transition(
        resource=Resource.CPU,
        before=AlarmLevel.CLEAR,
        after=AlarmLevel.CRITICAL,
        value=97.0,
        threshold=85.0,
    )
    step = MonitorStep(
        snapshot=shot,
        jobs=(one,),
        transitions=(moved,),
        level_changes=(),
        report=None,
        next_delay_s=1.0,
    )
    alerts = ResourceAlerts()
    (alert,) = alerts.take(step, Mode.DEV, probe)
    assert isinstance(alert, ResourceAlert)
    said = sentence(Status(snapshot=shot, others_wait=alerts.others_wait))
    return alert.context["others_wait"] is True, "others have to wait" in said.headline


@pytest.mark.parametrize(("pressure", "probe", "one"), list(product(PRESSURES, PROBES, JOBS)))
def test_alert_status_and_protector_say_the_same(
    pressure: float | None, probe: Probe | None, one: Job
) -> None:
    alert, status = of_monitor(pressure, probe, one)
    protector = of_protector(pressure, probe, one)

    assert status is protector
    is_known = pressure is not None or probe in PROBES[1:3]
    assert alert is (protector if is_known else True)  # what nothing can tell is told


def chained(node: ast.AST) -> str:
    return ast.unparse(node) if isinstance(node, ast.Attribute) else ""


def judges_for_itself(tree: ast.AST) -> list[str]:
    """Lines that compare what only the judge compares, or take its private parts."""
    found = []
    for node in ast.walk(tree):
        names = [each.name for each in node.names] if isinstance(node, ast.ImportFrom) else []
        parts = list(ast.walk(node)) if isinstance(node, ast.Compare) else []
        wrong = [each for each in parts if chained(each).endswith((".cpu.some_avg10", ".now_ms"))]
        taken = PRIVATE & {node.attr} if isinstance(node, ast.Attribute) else PRIVATE & {*names}
        if wrong or taken:
            found.append(ast.unparse(node))
    return found


def test_no_other_module_compares_what_the_judge_compares() -> None:
    wrong = {
        str(path.relative_to(PACKAGE)): lines
        for path in sorted(PACKAGE.rglob("*.py"))
        if path != JUDGE and (lines := judges_for_itself(ast.parse(path.read_text())))
    }
    assert wrong == {}


@pytest.mark.parametrize(
    "second",
    [
        "waits = shot.pressure.cpu.some_avg10 >= 40.0",
        "waits = probe.now_ms > 2 * probe.quiet_ms",
        "from omnitray.base.conditions import waits_for_itself",
        "own = conditions.waits_for_itself(jobs, cores)",
    ],
)
def test_a_second_judge_would_be_found(second: str) -> None:
    assert judges_for_itself(ast.parse(second)) != []

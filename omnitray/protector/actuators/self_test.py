"""Which actuators work here, found out by trying each on a child of our own.

Apply, read back, restore, read back again. The child is started by the caller (it sleeps, in a
session of its own, and is gone afterwards); nothing else is touched.
"""

import msgspec

from omnitray.base.facts import ProcessIdentity
from omnitray.protector.actuators.actuator import ActuationPlan, Actuator, Applied, Fate, Target
from omnitray.protector.actuators.system import AccessRefused, Gone, System
from omnitray.protector.model import ActuatorKind

NAMES = {
    ActuatorKind.CPU_WEIGHT: "Scope CPU weight",
    ActuatorKind.MEMORY_HIGH: "Scope memory limit",
    ActuatorKind.FREEZE: "Scope freezer",
    ActuatorKind.AUTOGROUP: "Session autogroup",
    ActuatorKind.BACKGROUND: "Background class",
    ActuatorKind.NICE: "Nice",
    ActuatorKind.IO_CLASS: "Disk I/O class",
    ActuatorKind.STOP: "Pause by signal",
    ActuatorKind.END: "End",
}


class ActuatorRow(msgspec.Struct, frozen=True, kw_only=True):
    """One actuator on this machine; ``why_not`` is one sentence where it does not work.

    ``note`` says what has to be known of one that works.
    """

    kind: ActuatorKind
    name: str
    works: bool
    why_not: str = ""
    note: str = ""


def actuators_report(
    levers: tuple[Actuator, ...], system: System, child: ProcessIdentity
) -> tuple[ActuatorRow, ...]:
    """A row for each actuator, in their order."""
    target = Target(job_key="self-test", title="OmniTray's own test", processes=(child,))
    return tuple(_row(lever, system, target) for lever in levers)


def no_child(levers: tuple[Actuator, ...], why_not: str) -> tuple[ActuatorRow, ...]:
    """The rows where there was nothing to try them on."""
    return tuple(
        ActuatorRow(
            kind=lever.kind,
            name=NAMES[lever.kind],
            works=False,
            why_not=why_not,
        )
        for lever in levers
    )


def _row(lever: Actuator, system: System, target: Target) -> ActuatorRow:
    why_not, notes = _try(lever, target)
    if not why_not and not system.is_there(target.processes[0]):
        why_not = "the test's own process has ended"
    return ActuatorRow(
        kind=lever.kind,
        name=NAMES[lever.kind],
        works=not why_not,
        why_not=why_not,
        note="" if why_not else "; ".join(notes),
    )


def _try(lever: Actuator, target: Target) -> tuple[str, tuple[str, ...]]:
    """Why it does not work, and what the plan says."""
    try:
        plan = lever.plan(target)
        lever.prepare(plan)
    except (Gone, AccessRefused) as refused:
        return str(refused), ()
    return _applied(lever, plan), plan.notes


def _applied(lever: Actuator, plan: ActuationPlan) -> str:
    applied = lever.apply(plan)
    if applied.failures or not applied.changes:
        return "; ".join(applied.failures) or "nothing was changed"
    works = lever.read_back(applied)
    restored = lever.restore(applied.changes)
    if not works:
        return "it does not read back"
    if restored.notes and set(restored.fates) != {Fate.ONE_WAY}:
        return restored.notes[0]
    return _not_back(lever, applied)


def _not_back(lever: Actuator, applied: Applied) -> str:
    if lever.reversible and lever.read_back(applied):
        return "it cannot be taken back"
    return ""

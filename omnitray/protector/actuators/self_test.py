"""Which levers work here, found out by pulling each on a child of our own.

Apply, read back, restore, read back again. The child is started by the caller (it sleeps, in a
session of its own, and is gone afterwards); nothing else is touched.
"""

import msgspec

from omnitray.base.readings import Identity
from omnitray.protector.actuators.actuator import Applied, Fate, Lever, Target
from omnitray.protector.actuators.system import Gone, Refused, System
from omnitray.protector.steps import LeverKind

NAMES = {
    LeverKind.CPU_WEIGHT: "Scope CPU weight",
    LeverKind.MEMORY_HIGH: "Scope memory limit",
    LeverKind.FREEZE: "Scope freezer",
    LeverKind.AUTOGROUP: "Session autogroup",
    LeverKind.BACKGROUND: "Background class",
    LeverKind.NICE: "Nice",
    LeverKind.IO_CLASS: "Disk I/O class",
    LeverKind.STOP: "Pause by signal",
    LeverKind.END: "End",
}


class LeverRow(msgspec.Struct, frozen=True, kw_only=True):
    """One lever on this machine; ``why_not`` is one sentence where it does not work."""

    kind: LeverKind
    name: str
    works: bool
    reversible: bool
    why_not: str = ""


def levers_report(
    levers: tuple[Lever, ...], system: System, child: Identity
) -> tuple[LeverRow, ...]:
    """A row for each lever, in their order."""
    target = Target(job_key="self-test", title="OmniTray's own test", processes=(child,))
    return tuple(_row(lever, system, target) for lever in levers)


def no_child(levers: tuple[Lever, ...], why_not: str) -> tuple[LeverRow, ...]:
    """The rows where there was nothing to try them on."""
    return tuple(
        LeverRow(
            kind=lever.kind,
            name=NAMES[lever.kind],
            works=False,
            reversible=lever.reversible,
            why_not=why_not,
        )
        for lever in levers
    )


def _row(lever: Lever, system: System, target: Target) -> LeverRow:
    why_not = _try(lever, target)
    if not why_not and not system.is_there(target.processes[0]):
        why_not = "the test's own process has ended"
    return LeverRow(
        kind=lever.kind,
        name=NAMES[lever.kind],
        works=not why_not,
        reversible=lever.reversible,
        why_not=why_not,
    )


def _try(lever: Lever, target: Target) -> str:
    try:
        plan = lever.plan(target)
        lever.prepare(plan)
    except (Gone, Refused) as refused:
        return str(refused)
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


def _not_back(lever: Lever, applied: Applied) -> str:
    if lever.reversible and lever.read_back(applied):
        return "it cannot be taken back"
    return ""

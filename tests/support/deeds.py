"""Orders and actions over a fake system, for tests."""

from collections.abc import Iterable
from pathlib import Path

from omnitray.base.facts import ProcessIdentity, Resource
from omnitray.protector.actuators.actuator import Target
from omnitray.protector.actuators.executor import ActionPerformer, linux_actuators
from omnitray.protector.actuators.journal import ActionJournal, Line
from omnitray.protector.actuators.results import ActionRequest
from omnitray.protector.actuators.signals import Spares
from omnitray.protector.model import Action, EscalationStep, Evidence, ProtectReason, Signal
from support.clock import FakeClock
from support.fake_system import FakeProcess, FakeSystem


class FakeGuard:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.held: dict[str, list[object]] = {}
        self.was_told: list[str] = []
        self.is_dead = False

    def hold(
        self,
        action_id: str,
        processes: Iterable[tuple[int, int]] = (),
        cgroups: Iterable[tuple[int, str]] = (),
    ) -> None:
        self.held.setdefault(action_id, []).extend([*processes, *cgroups])
        self.was_told.append(action_id)

    def release(self, action_id: str) -> None:
        self.held.pop(action_id, None)

    def tend(self) -> bool:
        replaced, self.is_dead = self.is_dead, False
        return replaced


class HastyJournal(ActionJournal):
    """Does not wait for the disk, for tests that write thousands of lines."""

    def append(self, line: Line, *, sync: bool = True) -> bool:
        del sync
        return super().append(line, sync=False)


class Bench:
    """An ActionPerformer with everything around them, all of it at hand."""

    def __init__(
        self,
        folder: Path,
        system: FakeSystem | None = None,
        *,
        sync: bool = True,
        spares: Spares = lambda _who: "",
    ) -> None:
        self.sync = sync
        self.system = system or FakeSystem()
        self.clock = FakeClock()
        self.guard = FakeGuard()
        self.journal = (ActionJournal if sync else HastyJournal)(folder / "actions.jsonl")
        self.actions = ActionPerformer(
            self.journal, linux_actuators(self.system), self.system, self.clock, self.guard, spares
        )

    def restarted(self, folder: Path) -> "Bench":
        """Another run on the same journal and system, after this one died."""
        return Bench(folder, self.system, sync=self.sync)


def action(
    targets: tuple[ProcessIdentity, ...],
    step: EscalationStep,
    resource: Resource = Resource.CPU,
    *,
    action_id: str = "run.1-1",
    dry_run: bool = False,
) -> Action:
    """What was decided about a job."""
    return Action(
        id=action_id,
        step=step,
        resource=resource,
        reason=ProtectReason.CPU_OVER,
        evidence=Evidence(signal=Signal.CPU, value=97.0, threshold=75.0, held_s=3.0),
        job_key="job",
        title="pytest · ~/shop",
        targets=targets,
        dry_run=dry_run,
    )


def order(
    processes: Iterable[ProcessIdentity],
    step: EscalationStep = EscalationStep.SLOW_DOWN,
    resource: Resource = Resource.CPU,
    *,
    dry_run: bool = False,
) -> ActionRequest:
    """An order for a job named pytest."""
    target = Target(job_key="job", title="pytest · ~/shop", processes=tuple(processes))
    evidence = {"cpu_percent": 97.0}
    return ActionRequest(
        target=target,
        step=step,
        resource=resource,
        reason="CPU over its limit",
        evidence=evidence,
        dry_run=dry_run,
    )


def job(system: FakeSystem, count: int = 3, session: int = 50) -> list[FakeProcess]:
    """A leader and its workers in a session of their own."""
    leader = system.add(50, session=session)
    return [leader, *(system.add(51 + n, parent=50, session=session) for n in range(count - 1))]

"""A system that is told what to be: processes, units, sessions, and who refuses."""

from collections.abc import Iterable

from omnitray.base.facts import ProcessIdentity
from omnitray.processes.process_roles import ShellJob, Tie
from omnitray.protector.actuators.system import AccessRefused, Gone, IoPriority, OneWay, Sign


class FakeProcess:
    """One process; ``ignores_term`` and ``unkillable`` say what it does with signals."""

    def __init__(self, pid: int, parent: int = 1, start_ticks: int = 100, session: int = 1) -> None:
        self.identity = ProcessIdentity(pid=pid, start_ticks=start_ticks, exe=f"/usr/bin/p{pid}")
        self.parent = parent
        self.session = session
        self.nice = 0
        self.nice_limit = 20  # the lowest value that its own limit allows again
        self.io = IoPriority(0)
        self.stopped = False
        self.alive = True
        self.ties: frozenset[Tie] = frozenset()
        self.shell_job = ShellJob.NONE
        self.unit: str | None = None
        self.ignores_term = False
        self.unkillable = False
        self.untouchable = False
        self.heard: list[Sign] = []


class FakeUnits:
    """The session's manager. ``absent`` is why there is none, ``refuses`` what it will not do."""

    def __init__(self, system: "FakeSystem") -> None:
        self._system = system
        self.lacks: dict[str, str] = {}
        self.absent = "no unified cgroup hierarchy here"
        self.refuses: set[str] = set()
        self.weights: dict[str, int | None] = {}
        self.limits: dict[str, int | None] = {}
        self.holds: dict[str, int] = {}
        self.frozen: set[str] = set()
        self.ignores_weight = False
        self.ended: list[str] = []
        self.set_by_somebody: dict[str, tuple[str, ...]] = {}  # by unit

    def why_not(self, controller: str = "") -> str:
        return self.absent or self.lacks.get(controller, "")

    def unit_of(self, process: ProcessIdentity) -> str | None:
        return self._system.process(process).unit

    def members(self, unit: str) -> frozenset[int]:
        living = (each for each in self._system.processes.values() if each.alive)
        return frozenset(each.identity.pid for each in living if each.unit == unit)

    def group_of(self, process: ProcessIdentity) -> str:
        return self.unit_of(process) or ""

    def limits_of(self, group: str) -> tuple[str, ...]:
        return self.set_by_somebody.get(group, ())

    def group_members(self, group: str) -> frozenset[int]:
        return self.members(group)

    def end_group(self, group: str) -> None:
        if "end" in self.refuses:
            raise AccessRefused("this kernel cannot end a cgroup")
        self.ended.append(group)
        for pid in self.members(group):
            self._system.send(self._system.processes[pid].identity, Sign.KILL)

    def is_held(self, process: ProcessIdentity) -> bool:
        return self.unit_of(process) in self.frozen

    def adopt(self, unit: str, processes: Iterable[ProcessIdentity], description: str) -> None:
        assert description
        if "adopt" in self.refuses:
            raise AccessRefused("permission denied")
        if not self.members(unit):  # one of that name that has ended is forgotten
            for values in (self.weights, self.limits):
                values.pop(unit, None)
            self.frozen.discard(unit)
        for process in processes:
            self._system.process(process).unit = unit

    def cpu_weight(self, unit: str) -> int | None:
        self._require(unit)
        return self.weights.get(unit)

    def set_cpu_weight(self, unit: str, weight: int | None) -> None:
        self._require(unit)
        if not self.ignores_weight:
            self.weights[unit] = weight

    def memory_high(self, unit: str) -> int | None:
        self._require(unit)
        return self.limits.get(unit)

    def set_memory_high(self, unit: str, limit_bytes: int | None) -> None:
        self._require(unit)
        self.limits[unit] = limit_bytes

    def memory_current(self, unit: str) -> int | None:
        self._require(unit)
        return self.holds.get(unit)

    def is_frozen(self, unit: str) -> bool:
        self._require(unit)
        return unit in self.frozen

    def freeze(self, unit: str) -> None:
        self._require(unit)
        if "freeze" in self.refuses:
            raise AccessRefused("the freezer is not there")
        self.frozen.add(unit)

    def thaw(self, unit: str) -> None:
        self._require(unit)
        self.frozen.discard(unit)

    def folder(self, unit: str) -> tuple[int, str]:
        self._require(unit)
        return 7, f"/sys/fs/cgroup/{unit}"

    def _require(self, unit: str) -> None:
        if not self.members(unit):
            raise Gone(f"{unit} has ended")


class FakeSystem:
    """``core.system.System`` over fake processes. ``autogroup`` None means that it is off."""

    def __init__(self) -> None:
        self.processes: dict[int, FakeProcess] = {}
        self.units = FakeUnits(self)
        self.autogroup: dict[int, int] | None = None
        self.privileged = False
        self.boot = "boot-1"
        self.forks_when_stopped: FakeProcess | None = None

    def add(
        self, pid: int, *, parent: int = 1, start_ticks: int = 100, session: int = 1
    ) -> FakeProcess:
        """A process begins, or takes over a pid that was free."""
        process = FakeProcess(pid, parent, start_ticks, session)
        self.processes[pid] = process
        return process

    def process(self, identity: ProcessIdentity) -> FakeProcess:
        """That very one; raises Gone."""
        found = self.processes.get(identity.pid)
        if not found or not found.alive or found.identity.start_ticks != identity.start_ticks:
            raise Gone(f"process {identity.pid} has ended")
        return found

    def boot_id(self) -> str:
        return self.boot

    def wait(self, seconds: float) -> None:
        assert seconds > 0

    def is_there(self, identity: ProcessIdentity) -> bool:
        try:
            self.process(identity)
        except Gone:
            return False
        return True

    def identify(self, pids: Iterable[int]) -> tuple[ProcessIdentity, ...]:
        found = (self.processes.get(pid) for pid in sorted(pids))
        return tuple(each.identity for each in found if each and each.alive)

    def family(self, identities: Iterable[ProcessIdentity]) -> tuple[ProcessIdentity, ...]:
        order = [each for each in identities if self.is_there(each)]
        for known in order:
            for process in self.processes.values():
                is_child = process.parent == known.pid and process.alive
                if is_child and process.identity not in order:
                    order.append(process.identity)
        return tuple(order)

    def ties(self, identities: Iterable[ProcessIdentity]) -> dict[int, frozenset[Tie]]:
        return {each.pid: self.processes[each.pid].ties for each in identities}

    def send(self, identity: ProcessIdentity, sign: Sign) -> None:
        process = self.process(identity)
        if process.untouchable:
            raise AccessRefused(f"process {identity.pid} belongs to another user")
        process.heard.append(sign)
        if sign is Sign.STOP:
            self._fork_before_stop(process)
            process.stopped = True
            if process.shell_job is ShellJob.FOREGROUND:  # the shell takes the terminal
                process.shell_job = ShellJob.BACKGROUND
        elif sign is Sign.CONT:
            process.stopped = False
        self._end(process)

    def is_stopped(self, identity: ProcessIdentity) -> bool:
        return self.process(identity).stopped

    def shell_job(self, identity: ProcessIdentity) -> ShellJob:
        return self.process(identity).shell_job

    def nice(self, identity: ProcessIdentity) -> int:
        return self.process(identity).nice

    def set_nice(self, identity: ProcessIdentity, nice: int) -> None:
        process = self.process(identity)
        if nice < process.nice and not self.may_set_nice(identity, nice):
            raise OneWay("without privilege a nice value cannot be lowered again")
        process.nice = nice

    def may_set_nice(self, identity: ProcessIdentity, nice: int) -> bool:
        return self.privileged or nice >= self.process(identity).nice_limit

    def io_priority(self, identity: ProcessIdentity) -> IoPriority:
        return self.process(identity).io

    def set_io_priority(self, identity: ProcessIdentity, priority: IoPriority) -> None:
        self.process(identity).io = priority

    def session(self, identity: ProcessIdentity) -> int:
        return self.process(identity).session

    def session_members(self, session: int) -> frozenset[int]:
        living = (each for each in self.processes.values() if each.alive)
        return frozenset(each.identity.pid for each in living if each.session == session)

    def autogroup_why_not(self, identity: ProcessIdentity) -> str:
        self.process(identity)
        return "" if self.autogroup is not None else "autogroup is switched off here"

    def autogroup_nice(self, identity: ProcessIdentity) -> int:
        return (self.autogroup or {}).get(self.session(identity), 0)

    def set_autogroup_nice(self, identity: ProcessIdentity, nice: int) -> None:
        assert self.autogroup is not None
        self.autogroup[self.session(identity)] = nice

    def _fork_before_stop(self, process: FakeProcess) -> None:
        child, self.forks_when_stopped = self.forks_when_stopped, None
        if child is not None:
            child.parent = process.identity.pid
            self.processes[child.identity.pid] = child

    @staticmethod
    def _end(process: FakeProcess) -> None:
        if process.unkillable:
            return
        killed = Sign.KILL in process.heard
        asked = Sign.TERM in process.heard and not process.stopped and not process.ignores_term
        process.alive = not (killed or asked)

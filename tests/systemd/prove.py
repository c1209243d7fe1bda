"""Proves the levers in a real systemd user session, as an ordinary user from a login session.

Run inside the machine that ``packaging/systemd_vm.py`` boots. Prints what was measured and
``ok`` or ``FAILED`` for each claim; the exit status is 1 when one failed. Times are those of an
emulated machine: they compare with each other only.
"""
# ruff: noqa: T201 - what it prints is what it is for

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from omnitray.base.clock import SystemClock
from omnitray.base.facts import Resource
from omnitray.platforms.linux.platform import LinuxPlatform
from omnitray.platforms.linux.system import LinuxSystem
from omnitray.protector.actuators.actuator import Target
from omnitray.protector.actuators.executor import ActionPerformer
from omnitray.protector.actuators.journal import ActionJournal
from omnitray.protector.actuators.results import ActionRequest, ActuationResult
from omnitray.protector.actuators.system import System
from omnitray.protector.model import ActuatorKind, EscalationStep

linux = LinuxPlatform()

HERE = Path(__file__).parent
WORKLOAD = [sys.executable, str(HERE / "workload.py")]
PROBE_S = 4.0
ROUNDS = 3
PATIENCE_S = 60.0
Waits = tuple[float, float]
AUTOGROUP = Path("/proc/sys/kernel/sched_autogroup_enabled")


class Proof:
    """Collects the claims."""

    def __init__(self) -> None:
        self.failed = 0
        self.folder = Path(tempfile.mkdtemp())
        self.system = LinuxSystem(patience_s=PATIENCE_S)
        journal = self.folder / "actions.jsonl"
        self.guard = linux.watchdog(journal)
        self.actions = self._actions(journal, self.system)

    def _actions(self, journal: Path, system: System) -> ActionPerformer:
        levers = linux.actuators(system)
        return ActionPerformer(ActionJournal(journal), levers, system, SystemClock(), self.guard)

    def claim(self, text: str, *, holds: bool) -> None:
        """One line."""
        self.failed += not holds
        print(f"  {'ok    ' if holds else 'FAILED'} {text}")

    def perform(
        self,
        pid: int,
        step: EscalationStep,
        resource: Resource,
        actions: ActionPerformer | None = None,
    ) -> tuple[ActuationResult, ...]:
        """An order on one process and its family."""
        processes = self.system.identify([pid])
        target = Target(job_key=str(pid), title="a job", processes=processes)
        order = ActionRequest(target=target, step=step, resource=resource, reason="a proof")
        return (actions or self.actions).perform(order)


@contextmanager
def workload(*arguments: str, through: Sequence[str] = ()) -> Iterator[subprocess.Popen[str]]:
    """Started from this login session, as a person would from a shell."""
    with subprocess.Popen(
        [*through, *WORKLOAD, *arguments], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            time.sleep(1.5)
            yield process
        finally:
            os.killpg(process.pid, 9)


def cgroup(pid: int) -> str:
    """The last part of its path."""
    return Path(f"/proc/{pid}/cgroup").read_text().strip().rpartition("/")[2]


def eventually(what: Callable[[], bool]) -> bool:
    """Whether it comes true before patience ends."""
    deadline = time.monotonic() + PATIENCE_S
    while not what() and time.monotonic() < deadline:
        time.sleep(0.05)
    return what()


def probe() -> Waits:
    """Median and 95th percentile of what a small task takes, in multiples of its own work.

    It runs in a scope beside the applications'.
    """
    command = ["systemd-run", "--user", "--scope", "--quiet", *WORKLOAD, "probe", str(PROBE_S)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    waited = [float(each) for each in said.split()]
    return statistics.median(waited), waited[int(len(waited) * 0.95)]


def middle(probes: list[Waits]) -> Waits:
    """The middle of several, each figure by itself."""
    medians, highs = zip(*probes, strict=True)
    return statistics.median(medians), statistics.median(highs)


def prove_report(proof: Proof) -> None:
    """Which levers work."""
    print("levers, as the self-test finds them")
    rows = linux.check_actuators(linux.actuators(proof.system), proof.system)
    for row in rows:
        print(f"    {row.name:20} {'works' if row.works else row.why_not}")
    works = {row.kind for row in rows if row.works}
    wanted = {
        ActuatorKind.CPU_WEIGHT,
        ActuatorKind.MEMORY_HIGH,
        ActuatorKind.FREEZE,
        ActuatorKind.STOP,
    }
    proof.claim("weight, memory limit, freezer and signals work", holds=wanted <= works)


def prove_adoption(proof: Proof) -> None:
    """Out of the login session into a scope, and what the weight does for others."""
    print("weight, for a job of the login session")
    with workload("busy", "6") as hogs:
        home = cgroup(hogs.pid)
        proof.claim(f"the hogs run in the login session ({home})", holds=home.startswith("session"))
        before, held, after = weigh(proof, hogs.pid)
        weight = proof.system.units.cpu_weight(cgroup(hogs.pid))
    proof.claim("slowed down, they make others wait less", holds=held < 0.6 * before)
    proof.claim(f"afterwards it is as it was (weight {weight})", holds=held < after < 2.5 * before)


def prove_own_scope(proof: Proof) -> None:
    """The same for a job that has a scope of its own beside the applications'."""
    print("weight, for a job with a scope of its own")
    command = ["systemd-run", "--user", "--scope", "--quiet"]
    with workload("busy", "6", through=command) as hogs:
        home = cgroup(hogs.pid)
        before, held, after = weigh(proof, hogs.pid)
        proof.claim(f"it stays in {home}", holds=cgroup(hogs.pid) == home)
        reset = proof.system.units.cpu_weight(home) is None
    proof.claim("slowed down, they make others wait less", holds=held < 0.3 * before)
    proof.claim("undo takes the weight back", holds=reset and after > held)


def weigh(proof: Proof, pid: int) -> tuple[float, float, float]:
    """What a task waits at its 95th percentile before, while slowed down, and after undo."""
    before, slowed, after = probe(), [], []
    for turn in range(ROUNDS):
        (done,) = proof.perform(pid, EscalationStep.SLOW_DOWN, Resource.CPU)
        if turn == 0:
            claim_adopted(proof, pid, done)
        slowed.append(probe())
        proof.actions.undo(done.action_id, "calm")
        after.append(probe())
    for name, (median, high) in (
        ("beside 6 hogs", before),
        ("hogs slowed down", middle(slowed)),
        ("after undo", middle(after)),
    ):
        print(f"    a task takes {name:18} p50 {median:5.2f}   p95 {high:5.2f} times its work")
    return before[1] - 1.0, middle(slowed)[1] - 1.0, middle(after)[1] - 1.0


def claim_adopted(proof: Proof, pid: int, done: ActuationResult) -> None:
    """All of the job's processes are in a scope of its own."""
    family = proof.system.family(proof.system.identify([pid]))
    homes = {cgroup(each.pid) for each in family}
    print(f"    {done.lever} took {done.took_s * 1000:.0f} ms; others: {done.others}")
    together = len(homes) == 1 and not homes & {"session-1.scope"}
    proof.claim(f"all {len(family)} processes are in {', '.join(homes)}", holds=together)


def growth(sizes: Path, seconds: float) -> float:
    """MB a second over so long."""
    before = int(sizes.read_text() or 0)
    time.sleep(seconds)
    return (int(sizes.read_text() or 0) - before) / 2**20 / seconds


def prove_memory(proof: Proof) -> None:
    """A growing job meets its soft limit, and grows again after undo."""
    print("soft memory limit")
    sizes = proof.folder / "sizes"
    sizes.write_text("0")
    with workload("grow", str(sizes)) as job:
        eventually(lambda: int(sizes.read_text() or 0) > 0)  # a busy host starts it late
        before = growth(sizes, 2.0)
        weight, limit = proof.perform(job.pid, EscalationStep.SLOW_DOWN, Resource.MEMORY)
        print(f"    {weight.lever} and {limit.lever} took {limit.took_s * 1000:.0f} ms")
        time.sleep(3.0)
        held = growth(sizes, 4.0)
        proof.actions.undo(weight.action_id, "calm")
        reset = proof.system.units.memory_high(cgroup(job.pid)) is None
        time.sleep(2.0)
        after = growth(sizes, 1.0)
    print(f"    growth {before:.1f} MB/s, limited {held:.1f} MB/s, after undo {after:.1f} MB/s")
    proof.claim("growth is throttled", holds=held < 0.5 * before)
    proof.claim("undo takes the limit back", holds=reset and after > held)


def prove_freezer(proof: Proof) -> None:
    """Nothing moves while frozen, everything after."""
    print("freezer")
    counter = proof.folder / "count"
    with workload("count", str(counter)) as job:
        (done,) = proof.perform(job.pid, EscalationStep.PAUSE, Resource.MEMORY)
        proof.claim(
            f"the freezer is chosen ({done.others})", holds=done.lever is ActuatorKind.FREEZE
        )
        before = counter.read_text()
        time.sleep(1.0)
        proof.claim("it stands still", holds=counter.read_text() == before)
        proof.actions.undo(done.action_id, "calm")
        proof.claim("it goes on", holds=eventually(lambda: counter.read_text() != before))


def prove_crash(proof: Proof) -> None:
    """Killed while a scope is frozen: the guardian thaws it, the manager agrees."""
    print("kill -9 while a job is frozen")
    counter = proof.folder / "count"
    journal = proof.folder / "crash.jsonl"
    with workload("count", str(counter)) as job:
        command = [sys.executable, str(HERE / "crasher.py"), "pause", str(journal), str(job.pid)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as crasher:
            assert crasher.stdout is not None
            lever = crasher.stdout.readline().strip()
            before = counter.read_text()
            time.sleep(0.5)
            proof.claim(f"paused by {lever}", holds=counter.read_text() == before)
            crasher.kill()
            killed = time.monotonic()
        runs = eventually(lambda: counter.read_text() != before)
        print(f"    it ran again {(time.monotonic() - killed) * 1000:.0f} ms after the kill")
        proof.claim("the guardian thawed it", holds=runs)
        unit = cgroup(job.pid)
        (done,) = proof.perform(job.pid, EscalationStep.PAUSE, Resource.MEMORY)
        frozen = proof.system.units.is_frozen(unit)
        proof.actions.undo(done.action_id, "calm")
        thawed = not proof.system.units.is_frozen(unit)
        proof.claim("the manager can freeze and thaw it again", holds=frozen and thawed)
        record = ActionJournal(journal).records()[-1]
        who = record.undone.who if record.undone else "nobody"
        proof.claim(f"the journal says who: {who}", holds=who == "guardian")


def prove_half(proof: Proof) -> None:
    """Killed between the adoption and the weight: the next start leaves nothing of it."""
    print("kill -9 between adoption and weight")
    journal = proof.folder / "half.jsonl"
    with workload("busy", "1") as job:
        crasher = [sys.executable, str(HERE / "crasher.py"), "half", str(journal), str(job.pid)]
        died = subprocess.run(crasher, check=False, timeout=PATIENCE_S).returncode
        unit = cgroup(job.pid)
        proof.claim(f"killed ({died}) with the job in {unit}", holds="omnitray-job" in unit)
        (back,) = proof._actions(journal, proof.system).restore_after_crash()
        units = proof.system.units
        weight, high = units.cpu_weight(unit), units.memory_high(unit)
        proof.claim(f"{back.outcome}: weight {weight}, limit {high}", holds=weight in {None, 100})
        proof.claim("no limit, not frozen", holds=high is None and not units.is_frozen(unit))
        proof.claim(
            "nothing is left to restore", holds=not ActionJournal(journal).unfinished(boot(proof))
        )


KNOBS = {  # what a cgroup says where nothing was set; a file that is not there says the same
    "cpu.weight": "100",
    "cpu.max": "max 100000",
    "memory.high": "max",
    "memory.max": "max",
    "memory.low": "0",
    "memory.swap.max": "max",
    "pids.max": "max",
    "cgroup.freeze": "0",
}
SET_BY_THE_PERSON = (
    *("-p", "MemoryMax=400M", "-p", "MemoryHigh=350M", "-p", "CPUQuota=80%"),
    *("-p", "CPUWeight=50", "-p", "TasksMax=200"),
)


def knobs(pid: int) -> dict[str, str]:
    """The cgroup of a process, and what stands in its files."""
    path = Path(f"/proc/{pid}/cgroup").read_text().strip().rpartition(":")[2]
    folder = Path("/sys/fs/cgroup") / path.lstrip("/")
    found = {
        name: (folder / name).read_text().strip() if (folder / name).exists() else usual
        for name, usual in KNOBS.items()
    }
    return found | {"cgroup": path}


def prove_undo(proof: Proof) -> None:
    """After each undo every file of the job's cgroup says what it said before."""
    print("undo equals before, for each lever of a scope")
    orders = (
        (EscalationStep.SLOW_DOWN, Resource.CPU),
        (EscalationStep.SLOW_DOWN, Resource.MEMORY),
        (EscalationStep.PAUSE, Resource.MEMORY),
    )
    for words in ((), SET_BY_THE_PERSON):
        command = ["systemd-run", "--user", "--scope", "--quiet", *words]
        with workload("busy", "1", through=command) as job:
            before = knobs(job.pid)
            for step, resource in orders:
                done = proof.perform(job.pid, step, resource)
                held = knobs(job.pid)
                proof.actions.undo(done[0].action_id, "calm")
                back = eventually(lambda: knobs(job.pid) == before)  # noqa: B023 - asked at once
                after = knobs(job.pid)
                said = {name: (before[name], after[name]) for name in before}
                wrong = {name: each for name, each in said.items() if each[0] != each[1]}
                changed = sorted(name for name in before if before[name] != held[name])
                levers = ", ".join(str(each.lever) for each in done)
                what = (
                    f"{levers} changed {', '.join(changed)}; left otherwise: {wrong or 'nothing'}"
                )
                proof.claim(
                    f"{'with limits, ' if words else ''}{what}", holds=back and bool(changed)
                )


def boot(proof: Proof) -> str:
    """This boot's name."""
    return proof.system.boot_id()


def prove_meddling(proof: Proof) -> None:
    """What somebody else has set meanwhile stays."""
    print("another program changes the value before undo")
    command = ["systemctl", "--user", "set-property", "--runtime"]
    with workload("busy", "1") as job:
        weight, limit = proof.perform(job.pid, EscalationStep.SLOW_DOWN, Resource.MEMORY)
        unit = cgroup(job.pid)
        subprocess.run([*command, unit, "CPUWeight=50", "MemoryHigh=900M"], check=True)
        back = proof.actions.undo(weight.action_id, "calm")
        units = proof.system.units
        found = units.cpu_weight(unit), units.memory_high(unit)
        proof.claim(f"{limit.lever}: {[each.outcome for each in back]}", holds=len(back) == 2)
        proof.claim(f"weight and limit stay {found}", holds=found == (50, 900 << 20))
        (done,) = proof.perform(job.pid, EscalationStep.PAUSE, Resource.MEMORY)
        subprocess.run(["systemctl", "--user", "thaw", unit], check=True)
        (thawed,) = proof.actions.undo(done.action_id, "calm")
        proof.claim(f"a thaw by hand: {thawed.outcome}", holds=thawed.outcome == "changed")


def prove_end(proof: Proof) -> None:
    """A scope that forks on and ignores TERM is ended by the kernel as one."""
    print("end of a job that forks on and ignores TERM")
    command = ["systemd-run", "--user", "--scope", "--quiet"]
    with workload("fork", through=command) as job:
        group = proof.system.units.group_of(proof.system.identify([job.pid])[0])
        members = proof.system.units.group_members
        forks = eventually(lambda: len(members(group)) > 3)
        proof.claim(f"{len(members(group))} processes", holds=forks)
        (done,) = proof.perform(job.pid, EscalationStep.END, Resource.MEMORY)
        proof.claim(f"{done.outcome}: {done.notes or done.others}", holds=done.outcome == "applied")
        time.sleep(1.0)
        proof.claim("TERM does not end them", holds=len(members(group)) > 3)
        proof.actions.step(hurry=True)
        proof.claim("KILL leaves nobody", holds=eventually(lambda: not members(group)))
        over = eventually(lambda: proof.actions.step().next_s is None)
        result = ActionJournal(proof.folder / "actions.jsonl").records()[-1].result
        proof.claim(f"the end is over: {result.notes if result else ''}", holds=over)


def prove_nice_limit(proof: Proof) -> None:
    """The limit of the process itself says whether nice can be taken back."""
    print("nice where the process's own limit allows it")
    with workload("busy", "1") as job:
        (who,) = proof.system.identify([job.pid])
        before = proof.system.may_set_nice(who, 0)
        subprocess.run(["sudo", "prlimit", "--nice=20:20", f"--pid={job.pid}"], check=True)
        after = proof.system.may_set_nice(who, 0)
        proof.system.set_nice(who, 19)
        proof.system.set_nice(who, 0)
        nice = proof.system.nice(who)
    proof.claim(f"{before} before, {after} after; nice is {nice}", holds=after and nice == 0)


def prove_choice(proof: Proof) -> None:
    """The same order by other levers, as the machine differs."""
    print("choice of lever")
    bus, run = (os.environ.pop(name) for name in ("DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR"))
    alone = LinuxSystem(patience_s=PATIENCE_S)  # it cannot reach the session's manager
    actions = proof._actions(proof.folder / "choice.jsonl", alone)
    for switch in ("0", "1"):
        subprocess.run(
            ["sudo", "tee", AUTOGROUP], input=switch, text=True, stdout=-3, stderr=-3, check=True
        )
        with workload("busy", "1") as hog:  # which may be given nice 0 again
            subprocess.run(["sudo", "prlimit", "--nice=20:20", f"--pid={hog.pid}"], check=True)
            (done,) = proof.perform(hog.pid, EscalationStep.SLOW_DOWN, Resource.CPU, actions)
            print(f"    autogroup {switch}, no manager: {done.lever}; {done.others}")
            wanted = ActuatorKind.NICE
            proof.claim(f"{wanted}, for a cpu cgroup schedules it", holds=done.lever is wanted)
    os.environ.update(DBUS_SESSION_BUS_ADDRESS=bus, XDG_RUNTIME_DIR=run)
    with workload("busy", "1") as hog:
        (done,) = proof.perform(hog.pid, EscalationStep.SLOW_DOWN, Resource.CPU)
        chosen = done.lever is ActuatorKind.CPU_WEIGHT
        proof.claim(f"autogroup 1, manager: {done.lever}; {done.others}", holds=chosen)
        proof.actions.undo_all("calm")


def main() -> int:
    """Prove it all."""
    proof = Proof()
    release = os.uname().release
    print(f"kernel {release}, autogroup {AUTOGROUP.read_text().strip()}, uid {os.getuid()}")
    for prove in (
        prove_report,
        prove_adoption,
        prove_own_scope,
        prove_memory,
        prove_freezer,
        prove_crash,
        prove_half,
        prove_undo,
        prove_meddling,
        prove_end,
        prove_nice_limit,
        prove_choice,
    ):
        prove(proof)
    proof.actions.undo_all("the proof is over")
    print("everything holds" if not proof.failed else f"{proof.failed} claims failed")
    return 1 if proof.failed else 0


if __name__ == "__main__":
    sys.exit(main())

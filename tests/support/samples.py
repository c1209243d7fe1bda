"""Sample facts: a made-up machine on a busy afternoon, for pictures and for tests of the window.

Nothing here was measured. The jobs, alerts and figures are invented so that every page has
something to show; they are the same in every run.
"""

import math
import random
from collections.abc import Iterable

import msgspec

from omnitray.alerts.model import Alert
from omnitray.alerts.storage.query import AlertQuery, fits
from omnitray.api.status import Status
from omnitray.base.clock import epoch, timestamp
from omnitray.base.facts import (
    AlertType,
    DiskFacts,
    Job,
    JobKind,
    MemoryFacts,
    MonitorLevel,
    OwnCost,
    PressureFacts,
    PressurePair,
    ProcessFacts,
    Severity,
    Snapshot,
)
from omnitray.processes.process_table import identity
from omnitray.protector.inspection import JobInspection
from omnitray.protector.view import (
    ActionOutcome,
    BreakerView,
    Considered,
    Effect,
    Explanation,
    HeldAction,
    HoldKind,
    JournalLine,
    Means,
    Protected,
    ProtectionView,
    QuestionView,
)

NOW = 1_795_356_131.0  # a November day in 2026, 14:02:11 UTC
GB = 1_000_000_000
MB = 1_000_000
_TOTAL = 32 * GB


class ListedAlerts:
    """An alert source over a list, newest first."""

    def __init__(self, alerts: Iterable[Alert] = ()) -> None:
        self.alerts = sorted(alerts, key=lambda alert: alert.last_seen, reverse=True)
        self.asked: list[AlertQuery] = []

    def query(self, query: AlertQuery) -> list[Alert]:
        """What fits, cut to the page."""
        self.asked.append(query)
        found = [alert for alert in self.alerts if fits(alert, query)]
        end = None if query.limit is None else query.offset + query.limit
        return found[query.offset : end]


def snapshots(count: int = 720, step_s: float = 5.0) -> list[Snapshot]:
    """An hour of readings with a hill of CPU, growing memory and a gap of half a minute."""
    chance = random.Random(7)  # noqa: S311 - made-up figures
    made, noise, missed = [], 0.0, False
    for number in range(count):
        ago_s = (count - 1 - number) * step_s
        if 210 < ago_s < 245:
            missed = True
            continue
        noise = 0.75 * noise + chance.uniform(-3.5, 3.5)
        made.append(_snapshot(ago_s, noise, chance, None if missed else step_s))
        missed = False
    return made


def _snapshot(
    ago_s: float, noise: float, chance: random.Random, interval_s: float | None
) -> Snapshot:
    cpu = 36 + noise + _hill(ago_s, 145, 26, 52) + _hill(ago_s, 1800, 140, 38)
    memory = 51 + 0.3 * noise + 27 / (1 + math.exp((ago_s - 75) / 28))
    return Snapshot(
        taken_at=NOW - ago_s,
        monotonic_s=90_000.0 - ago_s,
        level=MonitorLevel.NORMAL,
        interval_s=interval_s,
        cpu_percent=min(max(cpu, 2.0), 97.0),
        cpu_per_core_percent=(43.0,) * 8,
        load=(6.1, 5.2, 4.4),
        memory=MemoryFacts(
            total_bytes=_TOTAL,
            available_bytes=round(_TOTAL * (1 - memory / 100)),
            swap_total_bytes=8 * GB,
            swap_free_bytes=round(7.4 * GB),
        ),
        disks=(_disk("/home", 61.0), _disk("/", 48.0)),
        disk_read_bps=max(0.0, (38 + 6 * noise + _hill(ago_s, 260, 20, 45)) * MB),
        disk_write_bps=max(0.0, (52 + chance.uniform(-22, 22) + _hill(ago_s, 20, 18, 60)) * MB),
        net_recv_bps=max(0.0, (1.6 + 0.16 * noise + _hill(ago_s, 92, 14, 6.4)) * MB),
        net_sent_bps=max(0.0, (0.5 + chance.uniform(-0.3, 0.3)) * MB),
        connections=214,
        pressure=PressureFacts(
            cpu=PressurePair(some_avg10=12.0),
            memory=PressurePair(some_avg10=2.0, full_avg10=1.0),
            io=PressurePair(some_avg10=4.0, full_avg10=2.0),
        ),
        processes=412,
        cost_s=0.004,
    )


def _disk(mount: str, used: float) -> DiskFacts:
    total = 512 * GB
    return DiskFacts(
        mount=mount,
        filesystem="ext4",
        total_bytes=total,
        free_bytes=round(total * (1 - used / 100)),
        used_percent=used,
    )


def _hill(ago_s: float, middle_s: float, width_s: float, height: float) -> float:
    return height * math.exp(-(((ago_s - middle_s) / width_s) ** 2))


def job(  # noqa: PLR0913, PLR0917 - a job has that many sides
    name: str,
    project: str | None,
    kind: JobKind,
    pid: int,
    count: int,
    cpu: float,
    rss_bytes: float,
    growth_bps: float = 0.0,
    worker: str = "",
) -> Job:
    """A job whose processes share its CPU and memory unevenly."""
    shares = [1 / (place + 1.4) for place in range(count)]
    processes = tuple(
        ProcessFacts(
            pid=pid + 3 * place,
            ppid=pid if place else 1,
            start_ticks=1000 + place,
            name=name if place == 0 else worker or name,
            state="S",
            cpu_percent=cpu * share / sum(shares),
            rss_bytes=round(rss_bytes * share / sum(shares)),
        )
        for place, share in enumerate(shares)
    )
    return Job(
        key=f"{name}:{pid}",
        name=name,
        project=project,
        kind=kind,
        leader_pid=pid,
        processes=processes,
        cpu_percent=cpu,
        rss_bytes=round(rss_bytes),
        growth_bps=growth_bps,
    )


def jobs() -> tuple[Job, ...]:
    """Eleven jobs."""
    return (
        job("pytest", "~/shop", JobKind.TEST_RUN, 41207, 9, 480, 14.2 * GB, 310 * MB, "pytest gw"),
        job("cargo build", "~/engine", JobKind.BUILD, 40551, 23, 210, 3.1 * GB, 0, "rustc"),
        job("Firefox", None, JobKind.APP, 2210, 31, 14, 2.4 * GB, 0, "Web Content"),
        job("code", "~/shop", JobKind.APP, 3105, 18, 9, 1.9 * GB, 0, "code helper"),
        job("agent", "~/engine", JobKind.AGENT, 39920, 4, 22, 0.9 * GB, 12 * MB, "node"),
        job("docker", None, JobKind.SERVICE, 1210, 12, 6, 1.2 * GB, 0, "containerd-shim"),
        job("postgres", "~/shop", JobKind.SERVICE, 1502, 8, 3, 0.4 * GB),
        job("vite", "~/shop/web", JobKind.COMMAND, 38110, 3, 4, 0.5 * GB, 0, "node"),
        job("Terminal", None, JobKind.APP, 2901, 6, 1, 0.2 * GB, 0, "bash"),
        job("Session", None, JobKind.SYSTEM, 1801, 42, 5, 0.8 * GB, 0, "gvfsd"),
        job("sshd", None, JobKind.SERVICE, 902, 2, 0, 0.01 * GB),
    )


def alert(  # noqa: PLR0913, PLR0917 - an alert has that many sides
    number: int,
    ago_s: float,
    type_: AlertType,
    severity: Severity,
    title: str,
    message: str,
    state: str = "resolved",
    count: int = 1,
    context: dict[str, object] | None = None,
    source: str = "monitor",
) -> Alert:
    """One alert, ``ago_s`` before NOW."""
    return msgspec.convert(
        {
            "id": f"a{number:05d}",
            "type": type_,
            "severity": severity,
            "state": state,
            "title": title,
            "message": message,
            "source": source,
            "fingerprint": f"{type_}/{title}",
            "count": count,
            "first_seen": timestamp(NOW - ago_s - 60.0 * (count - 1)),
            "last_seen": timestamp(NOW - ago_s),
            "resolved_at": timestamp(NOW - ago_s + 90) if state == "resolved" else None,
            "context": context or {},
            "channels": ["desktop", "file"],
        },
        Alert,
    )


def _memory_context() -> dict[str, object]:
    return {
        "cpu": 91.2,
        "memory": 93.0,
        "disk": 61.5,
        "level": "critical",
        "mode": "dev",
        "culprits": [
            {"job": "pytest gw3", "cpu": 98.0, "rss_bytes": 9.8 * GB, "pid": 41213},
            {"job": "pytest gw1", "cpu": 97.0, "rss_bytes": 2.1 * GB, "pid": 41210},
            {"job": "Firefox", "cpu": 14.0, "rss_bytes": 2.4 * GB, "pid": 2210},
        ],
        "actions": [
            "13:58:44 slowed down pytest · ~/shop (scope weight 100 → 5)",
            "13:59:02 paused gw3 · memory stopped growing after 0.2 s",
            "14:01:10 resumed by you",
        ],
    }


def alerts() -> list[Alert]:
    """Two days of alerts, newest first."""
    types, bad = AlertType, Severity
    return [
        alert(
            1,
            141,
            types.SERVER_DOWN,
            bad.CRITICAL,
            "Server “api” is down",
            "after test_checkout_total",
            "firing",
            source="server:api",
        ),
        alert(
            2,
            9,
            types.RESOURCE_CRITICAL,
            bad.CRITICAL,
            "Memory 93 %: pytest · ~/shop",
            "Available memory fell under 7 % and had been falling by 310 MB/s for 20 s. "
            "Memory full in 20 to 40 s if it goes on.",
            "firing",
            4,
            _memory_context(),
        ),
        alert(
            3,
            3008,
            types.TEST_FAILED,
            bad.WARNING,
            "3 tests failed in ~/shop",
            "test_cart, test_tax, test_total",
            "acknowledged",
            3,
            source="pytest",
        ),
        alert(
            4,
            8504,
            types.RESOURCE_CRITICAL,
            bad.WARNING,
            "CPU 88 % for 12 s: cargo build · ~/engine",
            "Slowed down; 8 % after.",
        ),
        alert(
            5,
            17781,
            types.RESOURCE_CRITICAL,
            bad.INFO,
            "Disk 81 %: cleaned 6.2 GB",
            "pip, uv, ccache",
        ),
        alert(
            6,
            81000,
            types.TEST_TIMEOUT,
            bad.CRITICAL,
            "Test timed out: test_import_big",
            "Worker gw3 had not answered for 120 s.",
            source="pytest",
        ),
        alert(
            7,
            83200,
            types.SERVER_SLOW,
            bad.WARNING,
            "Server “api” started slowly",
            "97 s instead of 12 s",
            count=2,
            source="server:api",
        ),
        alert(
            8,
            90100,
            types.PERMISSION_ERROR,
            bad.WARNING,
            "No permission to bind port 80",
            "Server “web” asked for a port below 1024.",
            source="server:web",
        ),
        alert(
            9,
            172000,
            types.CRITICAL,
            bad.CRITICAL,
            "Deploy check failed",
            "Raised by scripts/check.sh",
            source="cli",
        ),
    ]


def many_alerts(count: int) -> list[Alert]:
    """As many alerts as wanted, a minute apart."""
    kinds, bad = list(AlertType), list(Severity)
    return [
        alert(
            number,
            60.0 * number,
            kinds[number % len(kinds)],
            bad[number % len(bad)],
            f"Alert number {number}",
            "Something was wrong for a while.",
        )
        for number in range(count)
    ]


def status(**changes: object) -> Status:
    """The state that goes with the sample facts."""
    firing = tuple(each for each in alerts() if each.state == "firing")
    base = Status(
        interval_s=5.0,
        snapshot=snapshots(3)[-1],
        open_alerts=firing,
        holding=("pytest · ~/shop slowed down",),
        own=OwnCost(cpu_percent=0.12, rss_bytes=71 * MB),
    )
    return msgspec.structs.replace(base, **changes)


def protection() -> ProtectionView:
    """Two things held, one explained."""
    return ProtectionView(
        breaker=BreakerView(),
        held=(
            HeldAction(
                action_id="x1",
                job_key="pytest:41207",
                title="pytest · ~/shop",
                grip=HoldKind.SLOWED,
                since=NOW - 190,
                means="weight 100 → 5",
                why="CPU 96 %, limit 75 %",
                process_count=9,
            ),
            HeldAction(
                action_id="x2",
                job_key="pytest:41207/gw3",
                title="pytest gw3",
                grip=HoldKind.PAUSED,
                since=NOW - 48,
                means="scope freezer",
                why="memory full in 20 to 40 s",
            ),
        ),
        explanations=(_explanation(),),
        means=(
            Means(name="scope weight", works=True),
            Means(name="soft memory limit", works=True),
            Means(name="freezer", works=True),
            Means(name="end", works=True),
            Means(name="autogroup", works=False, why_not="off on this kernel"),
        ),
        journal=_journal(),
        protected=(
            Protected(job_key="Firefox:2210", why="has windows"),
            Protected(job_key="code:3105", why="editor"),
            Protected(job_key="postgres:1502", why="database"),
            Protected(job_key="Session:1801", why="the session’s own"),
            Protected(job_key="Terminal:2901", why="terminal"),
        ),
    )


def look() -> JobInspection:
    """What a closer look at the jobs has seen."""
    shares = {"pytest": 41 * MB, "cargo build": 96 * MB, "postgres": 3 * MB, "docker": 1.2 * MB}
    everybody = [(job, process) for job in jobs() for process in job.processes]
    return JobInspection(
        judged=frozenset(job.key for job in jobs()),
        io_bps={
            identity(process): shares.get(job.name, 0.0) / job.process_count
            for job, process in everybody
        },
        growth_bps={
            identity(process): (job.growth_bps or 0.0) * process.rss_bytes / job.rss_bytes
            for job, process in everybody
        },
        pss_bytes={
            identity(process): round(0.8 * process.rss_bytes)
            for job, process in everybody
            if job.name == "pytest"
        },
    )


def _explanation() -> Explanation:
    return Explanation(
        action_id="x2",
        title="pytest gw3",
        text="It holds 9.8 of the 14.2 GB of its job and grew by 290 of 310 MB/s. "
        "Pausing it was enough: nothing had to be ended.",
        considered=(
            Considered(
                title="pytest gw3",
                rss_bytes=round(9.8 * GB),
                growth_bps=290 * MB,
                verdict="paused",
                chosen=True,
            ),
            Considered(
                title="pytest (controller)",
                rss_bytes=300 * MB,
                growth_bps=0.0,
                verdict="parent of the run",
            ),
            Considered(
                title="Firefox", rss_bytes=round(2.4 * GB), growth_bps=0.0, verdict="has windows"
            ),
            Considered(
                title="code", rss_bytes=round(1.9 * GB), growth_bps=0.0, verdict="editor, protected"
            ),
        ),
        effects=(
            Effect(name="Available memory", figure="1.9 → 2.0 GB"),
            Effect(name="Memory pressure", figure="31 → 2 %"),
            Effect(name="Time to relief", figure="0.21 s"),
            Effect(name="A key press takes", figure="38 → 6 ms"),
        ),
    )


def _journal() -> tuple[JournalLine, ...]:
    today = epoch(timestamp(NOW))
    return (
        JournalLine(
            action_id="x2",
            at=today - 189,
            what="paused pytest gw3",
            why="memory forecast 20 to 40 s",
            outcome=ActionOutcome.REVERSIBLE,
        ),
        JournalLine(
            action_id="x1",
            at=today - 207,
            what="slowed down pytest · ~/shop",
            why="CPU 96 %, 4 s over 75 %",
            outcome=ActionOutcome.REVERSIBLE,
        ),
        JournalLine(
            action_id="x0",
            at=today - 8500,
            what="slowed down cargo build · ~/engine, restored after 38 s",
            why="CPU 88 %",
            outcome=ActionOutcome.UNDONE,
        ),
        JournalLine(
            action_id="w9",
            at=today - 17780,
            what="cleaned 6.2 GB of caches: pip, uv, ccache",
            why="disk 81 %",
            outcome=ActionOutcome.FINAL,
        ),
    )


def question() -> QuestionView:
    """Something the protector asks."""
    return QuestionView(
        id="q1",
        job_key="pytest:41207",
        title="pytest · ~/shop",
        text="pytest · ~/shop still keeps others waiting after being slowed down.",
        unanswered="it stays slowed down",
    )

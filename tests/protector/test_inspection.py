import pytest

from omnitray.base.facts import Job, JobKind, OwnFacts, ProcessFacts
from omnitray.protector.exclusions.programs import LINUX
from omnitray.protector.exclusions.rules import ExclusionRules
from omnitray.protector.inspection import JobInspection, JobInspector, Wanted
from support.clock import FakeClock
from support.processes import FakeProcesses

MB = 1_000_000


class Counted(FakeProcesses):
    """Processes that count how often they are asked for what they moved."""

    def __init__(self) -> None:
        super().__init__()
        self.io_asked = 0
        self.maps_read = 0

    def pss_bytes(self, process: ProcessFacts, /) -> int | None:
        self.maps_read += 1
        return super().pss_bytes(process)

    def io_bytes(self, process: ProcessFacts, /) -> int | None:
        self.io_asked += 1
        return super().io_bytes(process)


class Desk:
    """Processes that a test starts, and a looker over them."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.processes = Counted()
        protection = ExclusionRules(LINUX, "/home/me")
        own = OwnFacts(uid=1000)
        self.looker = JobInspector(self.processes, protection, lambda: own, self.clock)
        self.work = self.start("/usr/bin/make")

    def start(self, command: str) -> int:
        return self.processes.start(command, 7, cpu_percent=50.0, rss_bytes=100 * MB)

    def job(self, name: str, *pids: int, project: str | None = None) -> Job:
        found = {each.pid: each for each in self.processes.scan()}
        return Job(
            key=name,
            name=name,
            project=project,
            kind=JobKind.COMMAND,
            leader_pid=pids[0],
            processes=tuple(found[pid] for pid in pids),
            cpu_percent=50.0,
            rss_bytes=sum(found[pid].rss_bytes for pid in pids),
        )

    def look(self, *jobs: Job, chosen: str = "", protected: tuple[str, ...] = ()) -> JobInspection:
        seen = self.looker.look(Wanted(jobs, chosen, protected))
        self.clock.advance(5.0)
        return seen

    def key(self, pid: int) -> tuple[int, int]:
        return (pid, pid)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_what_is_read_and_written_is_a_rate_from_the_second_look_on(desk: Desk) -> None:
    desk.processes.moved[desk.work] = 10 * MB
    assert desk.look(desk.job("make", desk.work)).io_bps == {}
    desk.processes.moved[desk.work] = 60 * MB
    assert desk.look(desk.job("make", desk.work)).io_bps == {desk.key(desk.work): 10 * MB}


def test_a_process_that_used_no_processor_is_not_asked_again(desk: Desk) -> None:
    desk.processes.moved[desk.work] = MB
    desk.look(desk.job("make", desk.work))
    desk.processes.change(desk.work, cpu_percent=0.0)
    assert desk.look(desk.job("make", desk.work)).io_bps == {desk.key(desk.work): 0.0}
    assert desk.processes.io_asked == 1
    desk.processes.change(desk.work, state="D")  # it waits for a disk: that is news
    desk.look(desk.job("make", desk.work))
    assert desk.processes.io_asked == 2


def test_what_may_not_be_read_has_no_rate(desk: Desk) -> None:
    desk.look(desk.job("make", desk.work))
    assert desk.look(desk.job("make", desk.work)).io_bps == {}


def test_looks_in_quick_succession_keep_the_rate(desk: Desk) -> None:
    job = desk.job("make", desk.work)
    desk.processes.moved[desk.work] = 0
    desk.look(job)
    desk.processes.moved[desk.work] = 5 * MB
    before = desk.look(job)
    desk.clock.advance(-4.9)
    desk.processes.moved[desk.work] = 500 * MB
    assert desk.look(job).io_bps == before.io_bps == {desk.key(desk.work): MB}


def test_growth_is_told_of_each_process_and_not_from_the_same_scan_twice(desk: Desk) -> None:
    desk.look(desk.job("make", desk.work))
    desk.processes.change(desk.work, rss_bytes=150 * MB)
    grown = desk.job("make", desk.work)
    jobs = (grown,)
    first = desk.looker.look(Wanted(jobs))
    desk.clock.advance(5)
    assert first.growth_bps == {desk.key(desk.work): 10 * MB}
    assert desk.looker.look(Wanted(jobs)).growth_bps == first.growth_bps


def test_shared_pages_are_counted_for_the_chosen_job_alone_and_seldom(desk: Desk) -> None:
    desk.processes.pss[desk.work] = 40 * MB
    job = desk.job("make", desk.work)
    assert desk.look(job).pss_bytes == {}
    desk.clock.advance(-4)
    assert desk.look(job, chosen="make").pss_bytes == {desk.key(desk.work): 40 * MB}
    desk.clock.advance(-4)
    desk.processes.pss[desk.work] = 50 * MB
    assert desk.look(job, chosen="make").pss_bytes == {desk.key(desk.work): 40 * MB}
    desk.clock.advance(5)
    assert desk.look(job, chosen="make").pss_bytes == {desk.key(desk.work): 50 * MB}


def test_a_job_is_protected_when_nothing_of_it_may_be_touched(desk: Desk) -> None:
    shell = desk.start("bash")
    database = desk.start("/usr/lib/postgresql/16/bin/postgres")
    seen = desk.look(
        desk.job("make", shell, desk.work), desk.job("postgres", database), desk.job("sh", shell)
    )
    assert {key: each.why for key, each in seen.protected.items()} == {
        "postgres": "a database",
        "sh": "a shell",
    }
    assert not any(each.by_person for each in seen.protected.values())


def test_what_the_person_protects_says_by_which_entries(desk: Desk) -> None:
    words = ("~/shop", "make", "~/other", "*/ma?e")
    job = desk.job("make", desk.work, project="~/shop")
    badge = desk.look(job, protected=words).protected["make"]
    assert badge.by_person
    assert badge.why == "protected by you"
    assert badge.words == ("~/shop", "make", "*/ma?e")


def test_who_is_protected_is_found_out_without_reading_maps(desk: Desk) -> None:
    many = [desk.start("/usr/bin/cc1") for _ in range(8)]
    job = desk.job("make", desk.work, *many)
    desk.looker.look(Wanted((job,), figures=False))
    assert desk.processes.maps_read == 0


def test_a_job_that_is_new_is_judged_within_some_seconds_and_has_no_badge_before(
    desk: Desk,
) -> None:
    first = desk.job("make", desk.work)
    desk.looker.look(Wanted((first,)))
    other = desk.job("cc", desk.start("/usr/bin/cc1"))
    desk.clock.advance(1.0)
    assert desk.looker.look(Wanted((first, other))).judged == {"make"}
    desk.clock.advance(4.0)
    assert desk.looker.look(Wanted((first, other))).judged == {"make", "cc"}

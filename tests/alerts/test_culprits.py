"""Who is named for a shortage: of this moment, a good part of it, and never we ourselves."""

import msgspec
import pytest

from omnitray.alerts.culprits import explained
from omnitray.base.facts import (
    Job,
    JobKind,
    MemoryFacts,
    MonitorLevel,
    ProcessFacts,
    Resource,
    Snapshot,
)

GB = 10**9
OWN = 900
BUSY = Snapshot(
    taken_at=0.0,
    monotonic_s=0.0,
    level=MonitorLevel.NORMAL,
    cpu_percent=100.0,
    cpu_per_core_percent=(100.0,) * 8,
    memory=MemoryFacts(total_bytes=20 * GB, available_bytes=4 * GB),
)


def job(name: str, cpu: float = 0.0, rss: float = 0.0, growth: float = 0.0, pid: int = 1) -> Job:
    process = ProcessFacts(
        pid=pid, ppid=1, start_ticks=1, name=name, state="R", cpu_percent=cpu, rss_bytes=int(rss)
    )
    return Job(
        key=name,
        name=name,
        project=None,
        kind=JobKind.COMMAND,
        leader_pid=pid,
        processes=(process,),
        cpu_percent=cpu,
        rss_bytes=int(rss),
        growth_bps=growth,
    )


def named(resource: Resource, *jobs: Job) -> dict[str, str]:
    """Each culprit and its figure, the first to be named first."""
    found = explained(resource, jobs, BUSY, OWN)
    return {each.culprit.job: each.culprit.figure for each in found}


def heads(resource: Resource, *jobs: Job) -> list[str]:
    return [each.key for each in explained(resource, jobs, BUSY, OWN) if each.heads]


def test_figures_say_of_what_they_are_and_add_up() -> None:
    assert named(Resource.CPU, job("make", 480), job("pytest", 240)) == {
        "make": "480 % of one core, 60 % of what is in use",
        "pytest": "240 % of one core, 30 % of what is in use",
    }
    assert named(Resource.MEMORY, job("pytest", rss=8 * GB, growth=310e6)) == {
        "pytest": "8.0 GB, 50 % of what is in use, grows by 310 MB/s"
    }


def test_of_many_small_ones_none_explains_it() -> None:
    many = [job(f"j{number}", 75) for number in range(10)]
    assert named(Resource.CPU, *many) == {}
    assert heads(Resource.CPU, *[job(f"j{number}", 160) for number in range(5)]) == []


def test_what_takes_a_fortieth_of_the_largest_is_no_culprit() -> None:
    assert list(named(Resource.CPU, job("hog", 600), job("player", 90))) == ["hog"]


def test_a_small_job_that_does_the_growing_is_named_first() -> None:
    jobs = job("browser", rss=6 * GB), job("pytest", rss=2 * GB, growth=500e6)
    assert heads(Resource.MEMORY, *jobs) == ["pytest", "browser"]


def test_shared_pages_count_once_where_they_were_measured() -> None:
    browser = msgspec.structs.replace(job("Chromium", rss=16 * GB), pss_bytes=int(2.6 * GB))
    assert named(Resource.MEMORY, browser) == {"Chromium": "2.6 GB, 16 % of what is in use"}


def test_without_a_measure_no_job_holds_more_than_there_is_in_use() -> None:
    assert named(Resource.MEMORY, job("Chromium", rss=40 * GB)) == {
        "Chromium": "16.0 GB, 100 % of what is in use"
    }


def ours_with_a_cleaner(*others: ProcessFacts) -> Job:
    own = job("omnitray", 5, pid=OWN)
    cleaner = msgspec.structs.replace(
        own.processes[0], pid=901, ppid=OWN, name="pip", cpu_percent=700.0, rss_bytes=9 * GB
    )
    below = msgspec.structs.replace(cleaner, pid=902, ppid=901, cpu_percent=50.0)
    processes = (*own.processes, below, cleaner, *others)
    return msgspec.structs.replace(
        own,
        processes=processes,
        cpu_percent=sum(each.cpu_percent or 0.0 for each in processes),
        rss_bytes=sum(each.rss_bytes for each in processes),
    )


@pytest.mark.parametrize("resource", [Resource.CPU, Resource.MEMORY])
def test_neither_we_nor_what_we_clean_with_is_blamed(resource: Resource) -> None:
    assert named(resource, ours_with_a_cleaner()) == {}


def test_who_shares_a_job_with_us_is_blamed_for_its_own_part() -> None:
    loop = msgspec.structs.replace(job("loop", 400, pid=77).processes[0], ppid=1)
    assert named(Resource.CPU, ours_with_a_cleaner(loop)) == {
        "omnitray": "400 % of one core, 50 % of what is in use"
    }


def test_a_disk_and_a_machine_that_cannot_be_read_have_no_culprit() -> None:
    blind = msgspec.structs.replace(BUSY, cpu_percent=None, memory=None)
    assert explained(Resource.DISK, [job("dd", 90)], BUSY) == ()
    assert explained(Resource.CPU, [job("dd", 90)], blind) == ()
    assert explained(Resource.MEMORY, [job("dd", rss=GB)], blind) == ()

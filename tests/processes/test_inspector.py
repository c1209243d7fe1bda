import msgspec

from omnitray.base.facts import Job, JobKind, ProcessFacts
from omnitray.processes.inspector import Inspector, weightiest
from omnitray.processes.process_roles import Tie
from support.processes import FakeProcesses


def process(pid: int, *, ticks: int = 1, name: str = "python3", rss_bytes: int = 0) -> ProcessFacts:
    return ProcessFacts(
        pid=pid, ppid=1, start_ticks=ticks, name=name, state="R", rss_bytes=rss_bytes
    )


def job(key: str, *processes: ProcessFacts, rss: int = 0, growth: float | None = None) -> Job:
    return Job(
        key=key,
        name=key,
        project=None,
        kind=JobKind.COMMAND,
        leader_pid=processes[0].pid if processes else 0,
        processes=processes,
        cpu_percent=0.0,
        rss_bytes=rss,
        growth_bps=growth,
    )


class Asked:
    """Counts what it is asked for."""

    def __init__(self) -> None:
        self.ties: list[tuple[int, ...]] = []
        self.details = FakeProcesses()
        self.inspector = Inspector(self.details, self.ties_of, self.details.written_bytes)

    def ties_of(self, pids: tuple[int, ...]) -> dict[int, frozenset[Tie]]:
        self.ties.append(pids)
        return {pid: frozenset({Tie.SOUND}) for pid in pids}


def test_a_process_is_looked_at_once_until_it_becomes_another_program_or_another_process() -> None:
    asked = Asked()
    shell = process(7, name="sh")
    for seen in (shell, shell):
        asked.inspector.look([job("a", seen)], 0.0)
    first = asked.details.asked
    asked.inspector.look([job("a", process(7, name="python3"))], 0.0)
    after_exec = asked.details.asked
    found = asked.inspector.look([job("a", process(7, ticks=2))], 0.0)
    assert 0 < first < after_exec < asked.details.asked
    assert found.details[7].start_ticks == 2


def test_sizes_without_shared_pages_are_read_of_a_few_of_jobs_of_many_and_kept() -> None:
    asked = Asked()
    asked.details.pss = dict.fromkeys(range(1, 30), 70)
    many = job("many", *(process(n, rss_bytes=100) for n in range(1, 20)), rss=1900)
    alone = job("alone", process(25, rss_bytes=2000), rss=2000)
    first = asked.inspector.look([many, alone], 0.0).pss_bytes
    asked.details.pss = {}

    assert set(first.values()) == {70}
    assert 0 < len(first) <= 3
    assert 25 not in first
    assert asked.inspector.look([many, alone], 1.0).pss_bytes == first


def test_what_a_process_grows_by_after_its_pages_were_read_is_its_own() -> None:
    asked = Asked()
    asked.details.pss = dict.fromkeys(range(1, 5), 70)
    sizes = (100, 150)
    before, after = (
        job("a", *(process(n, rss_bytes=size) for n in range(1, 5)), rss=4 * size) for size in sizes
    )
    first = asked.inspector.look([before], 0.0).pss_bytes
    later = asked.inspector.look([after], 1.0).pss_bytes
    assert first.keys() == later.keys()
    assert set(later.values()) == {120}


def test_ties_are_asked_for_the_weightiest_jobs_and_kept_for_a_moment() -> None:
    asked = Asked()
    jobs = [job(str(n), process(n), rss=n) for n in range(1, 30)]
    found = asked.inspector.look(jobs, 0.0)
    asked.inspector.look(jobs, 1.0)
    assert len(asked.ties) == 1
    assert found.ties[29] == {Tie.SOUND}
    assert len(found.ties) < 15
    asked.inspector.look(jobs, 3.0)
    assert len(asked.ties) == 2


def test_ties_of_all_are_asked_for_where_a_person_or_a_rule_may_name_any() -> None:
    asked = Asked()
    jobs = [job(str(n), process(n), rss=n) for n in range(1, 30)]
    found = asked.inspector.look(jobs, 0.0, every_tie=True)
    assert set(found.ties) == set(range(1, 30))


def test_a_new_heavy_process_is_asked_about_at_once() -> None:
    asked = Asked()
    asked.inspector.look([job("a", process(1))], 0.0)
    assert 2 in asked.inspector.look([job("a", process(1), process(2))], 0.1).ties


def test_writing_is_a_rate_between_two_looks_at_the_same_process() -> None:
    asked = Asked()
    seen = process(7)
    asked.details.written[7] = 1000
    first = asked.inspector.look([job("a", seen)], 0.0, filling=("/",))
    asked.details.written[7] = 5000
    second = asked.inspector.look([job("a", seen)], 2.0, filling=("/",))
    other = asked.inspector.look([job("a", process(7, ticks=9))], 3.0, filling=("/",))
    assert [each.details[7].write_bps for each in (first, second, other)] == [None, 2000.0, None]


def test_the_weightiest_are_those_by_cpu_memory_and_growth_together() -> None:
    quiet = [job(f"q{n}", rss=n) for n in range(9)]
    grows = job("grows", growth=9e9)
    busy = msgspec.structs.replace(job("busy"), cpu_percent=900.0)
    chosen = {each.key for each in weightiest([*quiet, grows, busy])}
    assert {"grows", "busy", "q8"} <= chosen


def test_only_of_those_who_write_much_it_is_asked_where() -> None:
    asked = Asked()
    asked.details.writes = {7: frozenset({"/", "/home"}), 8: frozenset({"/"})}
    run = job("a", process(7), process(8))
    asked.details.written = {7: 0, 8: 0}
    asked.inspector.look([run], 0.0, filling=("/",))
    asked.details.written = {7: 50_000_000, 8: 1000}
    found = asked.inspector.look([run], 1.0, filling=("/",)).details
    assert found[7].writes_to == frozenset({"/"})
    assert (found[7].writes_in, found[8].writes_in) == ("/mnt/data", None)
    assert found[8].writes_to is None

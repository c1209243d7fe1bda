import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from omnitray.base.facts import ProcessFacts
from omnitray.platforms.linux.processes import LinuxProcessTable, NewestPid, clock_of
from support.clock import FakeClock
from support.fake_proc import FakeRoot

SECOND = 1_000_000_000


class Bench:
    """A table over a fake /proc, with clocks that the test turns."""

    def __init__(
        self,
        path: Path,
        *,
        with_clocks: bool = True,
        newest: Callable[[], bytes | None] | None = None,
    ) -> None:
        self.root = FakeRoot(path)
        self.clock = FakeClock()
        self.used_ns: dict[int, int] = {clock_of(os.getpid()): 1}
        self.root.write("proc/meminfo", "MemTotal: 1 kB\n")
        (self.root.proc / "self").mkdir()
        self.table = LinuxProcessTable(
            self.root.proc,
            monotonic_ns=lambda: round(self.clock.monotonic() * SECOND),
            cpu_clock=self._cpu_clock if with_clocks else None,
            newest_pid=newest or (lambda: None),
        )

    def _cpu_clock(self, clock: int) -> int:
        try:
            return self.used_ns[clock]
        except KeyError:
            raise OSError(errno.EINVAL, "gone") from None

    def process(self, pid: int, name: bytes | str = "sleep", **fields: int | str) -> None:
        self.root.process(pid, name, **fields)
        self.used_ns.setdefault(clock_of(pid), 1)

    def work(self, pid: int, seconds: float) -> None:
        self.used_ns[clock_of(pid)] += round(seconds * SECOND)

    def end(self, pid: int) -> None:
        (self.root.proc / str(pid) / "stat").unlink()
        (self.root.proc / str(pid)).rmdir()
        del self.used_ns[clock_of(pid)]

    def scan(self, after: float = 1.0) -> dict[int, ProcessFacts]:
        self.clock.advance(after)
        return {facts.pid: facts for facts in self.table.scan()}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.table.close()


@pytest.fixture
def without_clocks(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path, with_clocks=False)
    yield bench
    bench.table.close()


def test_only_processes_are_listed_and_first_sight_has_no_cpu(bench: Bench) -> None:
    bench.process(10)
    bench.process(11, "make")
    found = bench.scan()
    assert set(found) == {10, 11}
    assert [facts.cpu_percent for facts in found.values()] == [None, None]
    assert found[10].uid == os.getuid()


def test_cpu_is_measured_and_of_one_core(bench: Bench) -> None:
    bench.process(10, threads=4)
    bench.scan()
    bench.work(10, 4.8)
    assert bench.scan(after=2.0)[10].cpu_percent == pytest.approx(240.0)


def test_who_slept_is_at_zero_and_then_measured_since_the_last_scan(bench: Bench) -> None:
    bench.process(10)
    bench.scan()
    assert bench.scan(after=5.0)[10].cpu_percent == 0.0
    bench.work(10, 0.5)
    assert bench.scan(after=1.0)[10].cpu_percent == pytest.approx(50.0)
    assert bench.scan(after=1.0)[10].cpu_percent == 0.0


def test_who_did_not_run_is_not_read(bench: Bench) -> None:
    bench.process(10, rss=10)
    first = bench.scan()[10]
    bench.process(10, rss=99)
    assert bench.scan()[10].rss_bytes == first.rss_bytes
    bench.work(10, 0.001)
    assert bench.scan()[10].rss_bytes == 99 * os.sysconf("SC_PAGE_SIZE")


def test_what_others_may_have_changed_is_read_anew_after_a_while(bench: Bench) -> None:
    bench.process(10, nice=0)
    bench.scan()
    bench.process(10, nice=19)
    assert bench.scan(after=1)[10].nice == 0
    assert bench.scan(after=360)[10].nice == 19


def test_a_thread_of_the_kernel_is_measured_but_not_read_again(bench: Bench) -> None:
    bench.process(10, "kworker/0:1", ppid=2, rss=0, state="I")
    bench.scan()
    bench.process(10, "kworker/0:1-events", ppid=2, rss=0, state="I")
    bench.work(10, 0.5)
    found = bench.scan(after=1.0)[10]
    assert found.name == "kworker/0:1"
    assert found.cpu_percent == pytest.approx(50.0)
    bench.work(10, 0.2)
    assert bench.scan(after=2.0)[10].cpu_percent == pytest.approx(10.0)
    assert bench.scan()[10].cpu_percent == 0.0
    bench.work(10, 0.2)
    assert bench.scan(after=20.0)[10].cpu_percent == pytest.approx(1.0)
    assert bench.scan()[10].name == "kworker/0:1-events"


def test_a_thread_of_the_kernel_that_sleeps_is_not_read_however_long_ago_it_was(
    bench: Bench,
) -> None:
    bench.process(10, "kworker/0:1", ppid=2, rss=0, state="I")
    bench.scan()
    bench.process(10, "kworker/0:1-events", ppid=2, rss=0, state="I")
    assert bench.scan(after=30.0)[10].name == "kworker/0:1"
    assert bench.scan(after=30.0)[10].cpu_percent == 0.0


def test_an_orphan_shows_its_new_parent_at_once(bench: Bench) -> None:
    bench.process(10)
    bench.process(11, ppid=10)
    bench.process(12, ppid=1)
    bench.scan()
    bench.end(10)
    bench.process(11, ppid=1)
    found = bench.scan()
    assert found[11].ppid == 1
    assert set(found) == {11, 12}


def test_a_pid_that_was_given_to_another_is_another_process(bench: Bench) -> None:
    bench.process(10, "make", start=5)
    bench.scan()
    bench.process(10, "bash", start=9)
    bench.work(10, 3.0)
    other = bench.scan()[10]
    assert (other.name, other.start_ticks) == ("bash", 9)
    assert other.cpu_percent == pytest.approx(300.0)  # all that it used, it used since


def test_a_process_that_vanishes_between_listing_and_reading_is_left_out(bench: Bench) -> None:
    (bench.root.proc / "10").mkdir()
    bench.process(11)
    assert set(bench.scan()) == {11}


def test_a_line_of_garbage_is_left_out(bench: Bench) -> None:
    bench.root.write("proc/10/stat", b"\xff\x00 not (a line")
    bench.process(11)
    assert set(bench.scan()) == {11}


def test_who_starts_another_program_may_be_another_user_from_then_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    uids = iter([1000, 0, 5])
    monkeypatch.setattr(LinuxProcessTable, "_uid", lambda *_: next(uids))
    bench.process(10, "bash")
    assert bench.scan()[10].uid == 1000
    bench.work(10, 0.1)
    assert bench.scan()[10].uid == 1000
    bench.process(10, "passwd")
    bench.work(10, 0.1)
    assert bench.scan()[10].uid == 0


def test_the_user_of_a_process_that_hides_itself_is_told_by_its_status(bench: Bench) -> None:
    # Its folder belongs to root (to whoever runs this test, here), its status says who it is.
    bench.process(10)
    bench.root.write("proc/10/status", "Name:\tx\nUid:\t1000\t1001\t1000\t1000\nGid:\t0\n")
    assert bench.scan()[10].uid == (1001 if os.getuid() == 0 else os.getuid())


def test_without_clocks_every_line_is_read_and_ticks_count(without_clocks: Bench) -> None:
    bench = without_clocks
    bench.process(10, utime=100)
    bench.process(11)
    assert bench.scan()[10].cpu_percent is None
    bench.process(10, utime=150, stime=25, rss=77)
    found = bench.scan(after=1.5)
    assert found[10].cpu_percent == pytest.approx(50.0)
    assert found[10].rss_bytes == 77 * os.sysconf("SC_PAGE_SIZE")
    assert found[11].cpu_percent == 0.0


def test_clocks_that_may_not_be_asked_are_done_without(tmp_path: Path) -> None:
    def refuse(_: int) -> int:
        raise PermissionError

    table = LinuxProcessTable(FakeRoot(tmp_path).proc, cpu_clock=refuse)
    assert table._cpu_clock is None
    table.close()


class Listings:
    """A /proc whose newest pid the test says, and which counts how often it is listed."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.newest = b"10"
        self.count = 0
        self.bench = Bench(path, newest=lambda: self.newest)
        listdir = os.listdir

        def counted(folder: int) -> list[str]:
            self.count += 1
            return listdir(folder)

        monkeypatch.setattr(os, "listdir", counted)

    def scan(self, after: float = 1.0) -> set[int]:
        return set(self.bench.scan(after))


@pytest.fixture
def listings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Listings]:
    made = Listings(tmp_path, monkeypatch)
    made.bench.process(10)
    yield made
    made.bench.table.close()


def test_processes_are_listed_only_where_one_may_have_come(listings: Listings) -> None:
    for _ in range(5):
        assert listings.scan() == {10}
    assert listings.count == 2  # one more: a process has its pid before it is listed
    listings.bench.process(11)
    listings.newest = b"11"
    assert listings.scan() == {10, 11}
    assert listings.count == 3


def test_a_process_that_is_listed_a_moment_after_its_pid_is_found(listings: Listings) -> None:
    listings.scan()
    listings.newest = b"11"
    assert listings.scan() == {10}
    listings.bench.process(11)
    assert listings.scan() == {10, 11}


def test_who_ends_is_missed_without_a_listing(listings: Listings) -> None:
    listings.bench.process(11, ppid=10)
    for _ in range(3):
        listings.scan()
    count = listings.count
    listings.bench.end(10)
    listings.bench.process(11, ppid=1)
    assert listings.bench.scan()[11].ppid == 1
    assert listings.scan() == {11}
    assert listings.count == count


def test_who_came_without_a_new_pid_is_found_within_half_a_minute(listings: Listings) -> None:
    for _ in range(3):
        listings.scan()
    listings.bench.process(5)
    assert listings.scan(after=31.0) == {5, 10}


def test_a_scan_that_fails_is_followed_by_a_listing(
    listings: Listings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        listings.scan()
    listings.bench.process(11)
    listings.newest = b"11"
    with monkeypatch.context() as patched:
        patched.setattr(LinuxProcessTable, "_read", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            listings.scan()
    assert listings.scan() == {10, 11}


def test_the_newest_pid_is_that_of_who_was_started_last() -> None:
    newest = NewestPid()
    before = newest.read()
    child = os.posix_spawn("/bin/true", ["true"], {})
    assert newest.read() != before
    os.waitpid(child, 0)
    newest.close()


def test_a_newest_pid_that_never_changes_says_nothing(tmp_path: Path) -> None:
    loads = tmp_path / "loadavg"
    loads.write_text("0.00 0.00 0.00 0/0 0\n")  # as gVisor has it
    newest = NewestPid(tmp_path)
    assert [newest.read() for _ in range(3)] == [None] * 3
    loads.write_text("0.00 0.00 0.00 0/0 7\n")
    assert newest.read() == newest.read() == b"7\n"
    newest.close()


def test_a_file_laid_over_the_kernels_own_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "loadavg").symlink_to("/proc/loadavg")  # of another device than its folder
    assert NewestPid(tmp_path).read() is None
    assert NewestPid(tmp_path / "missing").read() is None

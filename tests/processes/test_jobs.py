from pathlib import Path

import pytest

from omnitray.processes.jobs import Growths
from support.scenes import MB, job, process
from support.session import Desk

MIB = 1 << 20


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_projects_are_git_roots_else_folders(desk: Desk) -> None:
    loose = desk.home / "notes"
    loose.mkdir()
    desk.table.typed("python a.py", desk.shell, cwd=str(loose))
    desk.table.typed("python b.py", desk.shell, cwd="/net/big/thing")
    desk.table.typed("python c.py", desk.shell, cwd=str(desk.home))
    titles = set(desk.jobs())
    assert {"python a.py · ~/notes", "python b.py · /net/big/thing", "python c.py · ~"} <= titles


def test_a_line_that_goes_to_a_folder_has_the_project_of_what_it_runs(desk: Desk) -> None:
    line = ["bash", "-c", "cd ~/shop && python3 eater.py; omnitray explain"]
    above = desk.table.start(line, desk.manager, group=7, session=7, cwd="/")
    assert desk.job_of(above).title == "python eater.py"
    eater = desk.table.start("python3 eater.py", above, cwd=str(desk.shop / "tests"))
    assert desk.job_of(eater).title == "python eater.py · ~/shop"
    asks = desk.table.start("python3 /v/bin/omnitray explain", above, name="omnitray")
    assert desk.job_of(asks).name == "omnitray explain"
    desk.table.end(eater)
    assert desk.job_of(above).title == "python eater.py · ~/shop"


def test_a_command_of_ours_is_known_whatever_it_is_called_and_a_run_is_what_it_runs(
    desk: Desk,
) -> None:
    undo = desk.table.typed("python3 /v/bin/omnitray undo 27d02c-15", desk.shell, name="omnitray")
    assert desk.job_of(undo).is_own_command
    run = desk.table.typed(
        ["python3", "/v/bin/omnitray", "run", "--name", "omnitray undo", "--", "python3", "hog.py"],
        desk.shell,
        name="omnitray",
    )
    hog = desk.table.start("python3 hog.py", run)
    assert desk.job_of(hog).name == "omnitray undo"
    assert not desk.job_of(hog).is_own_command
    other = desk.table.typed("python3 eater.py", desk.shell)
    assert not desk.job_of(other).is_own_command


def test_what_reads_the_output_of_a_command_of_ours_belongs_to_it(desk: Desk) -> None:
    asks = desk.table.typed("python3 /v/bin/omnitray explain", desk.shell, name="omnitray")
    head = desk.table.start("head -3", desk.shell, group=asks, rss_bytes=2 << 20)
    assert desk.job_of(asks).key == desk.job_of(head).key
    assert desk.job_of(asks).is_own_command
    desk.table.change(head, rss_bytes=2 << 30)  # no page of text
    assert not desk.job_of(asks).is_own_command
    other = desk.table.typed("python3 /v/bin/omnitray explain", desk.shell, name="omnitray")
    desk.table.start("python3 eater.py", desk.shell, group=other)
    assert not desk.job_of(other).is_own_command


def test_a_time_limit_in_a_line_makes_no_second_job(desk: Desk) -> None:
    line = ["bash", "-c", "cd ~/shop; timeout 9 python3 crunch.py; sleep 9"]
    above = desk.table.start(line, desk.manager, group=7, session=7, cwd="/")
    limit = desk.table.start("timeout 9 python3 crunch.py", above, group=8, cwd=str(desk.shop))
    crunch = desk.table.start("python3 crunch.py", limit, cwd=str(desk.shop))
    assert {above, limit, crunch} <= {each.pid for each in desk.job_of(crunch).processes}
    assert desk.job_of(above).title == "python crunch.py · ~/shop"


def test_a_shell_that_becomes_its_command_has_the_commands_project(desk: Desk) -> None:
    line = ["bash", "-c", "cd ~/shop; python3 eater.py"]
    run = desk.table.start(line, desk.manager, group=7, session=7, cwd="/")
    assert desk.job_of(run).title == "python eater.py"
    desk.table.execute(run, "python3 eater.py", cwd=str(desk.shop))
    assert desk.job_of(run).title == "python eater.py · ~/shop"


def test_what_has_ended_and_is_not_collected_is_no_job(desk: Desk) -> None:
    gone = desk.table.typed("python sleeper.py", desk.shell)
    desk.table.change(gone, state="Z", rss_bytes=0)
    # Its first thread has ended, the others run on.
    alive = desk.table.typed("python server.py", desk.shell)
    desk.table.change(alive, state="Z", rss_bytes=0, threads=3)
    titles = set(desk.jobs())
    assert "python server.py · ~/shop" in titles
    assert "python sleeper.py · ~/shop" not in titles


def test_cpu_and_memory_are_sums_and_the_heaviest_comes_first(desk: Desk) -> None:
    run = desk.table.typed("make", desk.shell, cpu_percent=None)
    desk.table.start("cc1", run, cpu_percent=90.0, rss_bytes=300 * MIB)
    desk.table.start("cc1", run, cpu_percent=60.0, rss_bytes=200 * MIB)
    desk.jobs()
    desk.clock.advance(1)
    first = desk.tracker.update(desk.table.scan())[0]
    assert first.title == "make · ~/shop"
    assert first.cpu_percent == 150.0
    assert first.rss_bytes == 501 * MIB


def test_cpu_is_unknown_until_one_process_was_measured(desk: Desk) -> None:
    desk.table.typed("make", desk.shell, cpu_percent=None)
    assert desk.jobs()["make · ~/shop"].cpu_percent is None


def test_growth_is_told_after_some_readings_and_one_jump_does_not_count(desk: Desk) -> None:
    run = desk.table.typed("python leak.py", desk.shell)
    seen = []
    for second in range(8):
        jump = 5000 if second >= 4 else 0
        desk.table.change(run, rss_bytes=(100 + 10 * second + jump) * MIB)
        seen.append(desk.jobs()["python leak.py · ~/shop"].growth_bps)
    assert seen[:2] == [None, None]
    assert seen[3] == pytest.approx(10 * MIB)
    steady = desk.table.typed("sleep 5", desk.shell)
    for _ in range(4):
        job = desk.job_of(steady)
    assert job.growth_bps == 0.0


def test_proportional_memory_is_asked_for_the_first_few_only(desk: Desk) -> None:
    run = desk.table.typed("pytest", desk.shell, rss_bytes=900 * MIB)
    worker = desk.table.start("python", run, rss_bytes=800 * MIB)
    desk.table.pss = {run: 500 * MIB, worker: 100 * MIB, desk.terminal: 1}
    desk.clock.advance(1)
    jobs = desk.tracker.with_pss(desk.tracker.update(desk.table.scan()), count=1)
    assert jobs[0].pss_bytes == 600 * MIB
    assert [job.pss_bytes for job in jobs[1:]] == [None] * (len(jobs) - 1)


def test_the_unshared_part_of_a_job_is_measured_again_after_ten_seconds(desk: Desk) -> None:
    run = desk.table.typed("pytest", desk.shell, rss_bytes=800 * MIB)

    def measured() -> int | None:
        job = desk.job_of(run)
        return desk.tracker.with_pss([job])[0].pss_bytes

    desk.table.pss = {run: 400 * MIB}
    assert measured() == 400 * MIB
    desk.table.pss = {run: 200 * MIB}
    desk.table.change(run, rss_bytes=1000 * MIB)
    assert measured() == 500 * MIB
    desk.clock.advance(11)
    assert measured() == 200 * MIB


def test_nothing_is_asked_twice_about_who_has_not_changed(desk: Desk) -> None:
    for number in range(20):
        run = desk.table.typed(f"python job{number}.py", desk.shell)
        for _ in range(10):
            desk.table.start("python", run)
    desk.jobs()
    for _ in range(8):
        desk.jobs()
    asked = desk.table.asked
    for _ in range(5):
        desk.jobs()
    assert desk.table.asked == asked


def test_what_was_known_of_the_gone_is_forgotten(desk: Desk) -> None:
    for _ in range(300):
        run = desk.table.typed("make", desk.shell)
        desk.jobs()
        desk.table.end(run)
    tracker = desk.tracker
    assert len(tracker._known) < 20
    assert len(tracker._project_of) < 40
    assert len(tracker._cache._arguments) < 40


def test_a_rate_is_known_from_the_second_look() -> None:
    growths = Growths()
    growths.observe((job("run", process(1, rss_bytes=100 * MB)),), 10.0)
    assert growths.of(1, 1) is None
    assert growths.of_job("run") == 0.0

    growths.observe((job("run", process(1, rss_bytes=150 * MB)),), 10.5)

    assert growths.of(1, 1) == pytest.approx(100.0 * MB)
    assert growths.of_job("run") == pytest.approx(100.0 * MB)


def test_rates_are_smoothed() -> None:
    growths = Growths()
    for at, size in enumerate((100, 200, 200)):
        growths.observe((job("run", process(1, rss_bytes=size * MB)),), float(at))

    assert growths.of(1, 1) == pytest.approx(40.0 * MB)


def saw(growths: Growths, leak_bps: float = 0.0, seconds: int = 60) -> list[float]:
    """2.5 GB, and 80 MB more for a second in each five; the rates after the first tooth."""
    rates = []
    for tick in range(2 * seconds):
        now_s = tick / 2
        size = 2560 * MB + int(leak_bps * now_s) + (80 * MB if now_s % 5 >= 4 else 0)
        growths.observe((job("run", process(1, rss_bytes=size)),), now_s)
        rates.append(growths.faster("run", 100.0 * MB if now_s % 5 >= 4 else 0.0))
    return rates[14:]  # the first fall is at 5 s


def test_what_comes_back_to_a_size_that_it_had_does_not_grow() -> None:
    assert max(saw(Growths())) == 0.0


def test_what_grows_from_tooth_to_tooth_does() -> None:
    assert max(saw(Growths(), leak_bps=2.0 * MB)) == pytest.approx(2.0 * MB, rel=0.5)


def test_what_is_left_of_a_job_may_grow_under_its_former_height() -> None:
    growths = Growths()
    sizes = [(4096, 100), (4096, 100), *((0, size) for size in range(200, 1200, 100))]
    for at, (gone, left) in enumerate(sizes):
        both = (process(1, rss_bytes=gone * MB), process(2, rss_bytes=left * MB))
        lost = frozenset({"run"}) if at == 2 else frozenset[str]()
        growths.observe((job("run", *both[0 if gone else 1 :]),), float(at), lost)
    assert growths.faster("run", None) > 0.0
    assert growths.of(2, 2) == pytest.approx(100.0 * MB, rel=0.1)


def test_a_look_that_comes_too_soon_changes_nothing() -> None:
    growths = Growths()
    growths.observe((job("run", process(1, rss_bytes=100 * MB)),), 1.0)
    growths.observe((job("run", process(1, rss_bytes=900 * MB)),), 1.01)

    assert growths.of(1, 1) is None


def test_a_recycled_pid_is_somebody_else() -> None:
    growths = Growths()
    growths.observe((job("run", process(1, start=5, rss_bytes=100 * MB)),), 1.0)
    growths.observe((job("run", process(1, start=9, rss_bytes=900 * MB)),), 2.0)

    assert growths.of(1, 9) is None


def test_small_processes_are_not_followed_but_their_number_is_growth_of_the_job() -> None:
    growths = Growths()
    small = [process(pid, rss_bytes=10 * MB) for pid in range(1, 21)]
    growths.observe((job("bomb", *small[:10]),), 1.0)
    growths.observe((job("bomb", *small),), 2.0)

    assert growths.of(1, 1) is None
    assert growths.of_job("bomb") == pytest.approx(100.0 * MB)

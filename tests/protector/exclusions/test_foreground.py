"""What counts as in front: the window's process and its own helpers, nothing that it runs."""

from omnitray.base.facts import Job, JobKind, ProcessDetail, ProcessFacts
from omnitray.protector.exclusions.foreground import foreground_pids

WINDOW = frozenset({10})


def front(*processes: tuple[int, int, str], window: frozenset[int] = WINDOW) -> frozenset[int]:
    """Processes are pid, parent and program."""
    job = Job(
        key="job",
        name="job",
        kind=JobKind.APP,
        project=None,
        leader_pid=10,
        cpu_percent=0.0,
        rss_bytes=0,
        processes=tuple(
            ProcessFacts(pid=pid, ppid=parent, start_ticks=1, name="x", state="S")
            for pid, parent, _ in processes
        ),
    )
    details = {pid: ProcessDetail(start_ticks=1, exe=exe) for pid, _, exe in processes}
    return foreground_pids(window, (job,), details)


def test_a_browser_s_processes_of_the_same_program_count() -> None:
    firefox = "/usr/lib/firefox/firefox"
    processes = ((10, 1, firefox), (11, 10, firefox), (12, 11, firefox), (13, 10, "/usr/bin/gs"))
    assert front(*processes) == {10, 11, 12}


def test_loops_in_a_terminal_in_front_do_not_count() -> None:
    python = "/usr/bin/python3.11"
    loops = tuple((pid, 11, python) for pid in range(20, 28))
    assert front((10, 1, "/usr/bin/xterm"), (11, 10, "/usr/bin/bash"), *loops) == {10}


def test_a_terminal_that_was_started_in_a_terminal_is_no_helper_of_it() -> None:
    xterm = "/usr/bin/xterm"
    assert front((10, 1, xterm), (11, 10, "/usr/bin/bash"), (12, 11, xterm)) == {10}


def test_another_instance_that_the_window_s_process_has_not_started_does_not_count() -> None:
    viewer = "/usr/bin/viewer"
    assert front((10, 1, viewer), (11, 1, viewer)) == {10}


def test_workers_of_a_script_with_a_window_do_not_count() -> None:
    python = "/usr/bin/python3.11"
    assert front((10, 1, python), (11, 10, python), (12, 10, python)) == {10}


def test_a_window_of_a_process_that_nobody_has_looked_at_counts_alone() -> None:
    assert front((20, 1, "/usr/bin/viewer")) == {10}
    assert front((10, 1, ""), (11, 10, "")) == {10}


def test_parents_in_a_circle_come_to_an_end() -> None:
    viewer = "/usr/bin/viewer"
    assert front((10, 1, viewer), (11, 12, viewer), (12, 11, viewer)) == {10}


def test_without_an_active_window_nothing_counts() -> None:
    assert front((10, 1, "/usr/bin/viewer"), window=frozenset()) == frozenset()

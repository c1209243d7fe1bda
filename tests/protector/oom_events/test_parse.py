"""What others ended, read from lines as they really wrote them."""

import pytest

from omnitray.base.facts import Severity
from omnitray.protector.notices import Notice, NoticeOver, foreign_notices
from omnitray.protector.oom_events.parse import Because, ForeignEnd, UnnamedEnd, foreign_ends

# nohang 0.2.0, --monitor, its own configuration with the line at 99 %
NOHANG = """\
>>=== STARTING implement_corrective_action() ====>>
Memory status that requires corrective actions:
  MemAvailable [23203 MiB, 96.3 %] <= soft_threshold_min_mem [23865 MiB, 99.0 %]
  SwapFree [0 MiB, 0.0 %] <= soft_threshold_min_swap [0 MiB, - %]
Found 3 tasks with non-zero oom_score (except init and self) in 0ms
TOP-3 tasks by badness:
  Name                PID badness
  --------------- ------- -------
  python3               4     674
  timeout               6     666
  head                  7     666
TOP printed in 0ms; process with highest badness:
  PID: 4, name: python3, badness: 674
Recheck memory levels...
Victim status (found in 0ms):
  PID:       4, name: python3, state: S (sleeping), EUID: 0, SID: 0 (), lifetime: 2.1s
  badness:   674, oom_score:  674, oom_score_adj:  0
  Vm, MiB:   Size: 301, RSS: 295 (Anon: 290, File: 5, Shmem: 0), Swap: 0
  exe realpath: /usr/bin/python3.11
Implementing a corrective action:
  Sending SIGTERM to the victim
OK; total response time: 1ms
What happened in the last 0.0s:
  [ OK ] Sending SIGTERM to python3: 1
The victim died in 0.041s
<<=== FINISHING implement_corrective_action() ===<<
"""
# earlyoom 1.7, -m 99 -s 100 -r 0 --prefer python3
EARLYOOM = """\
earlyoom v1.7
Preferring to kill process names that match regex 'python3'
mem total: 24105 MiB, swap total:    0 MiB
sending SIGTERM when mem <= 99.00% and swap <= 100.00%,
        SIGKILL when mem <= 49.50% and swap <= 50.00%
mem avail: 23169 of 24105 MiB (96.11%), swap free:    0 of    0 MiB ( 0.00%)
low memory! at or below SIGTERM limits: mem 99.00%, swap 100.00%
sending SIGTERM to process 4 uid 0 "python3": badness 974, VmRSS 295 MiB
process exited after 0.1 seconds
mem avail: 23169 of 24105 MiB (96.12%), swap free:    0 of    0 MiB ( 0.00%)
Could not find a process to kill. Sleeping 1 second.
"""


@pytest.mark.parametrize(("log", "by"), [(NOHANG, "nohang"), (EARLYOOM, "earlyoom")])
def test_a_whole_log_of_a_guardian_tells_of_one_end(log: str, by: str) -> None:
    (end,) = foreign_ends(log.splitlines())
    assert end == ForeignEnd(by=by, name="python3", pid=4, rss_bytes=295 << 20)
    assert end.sentence == f"{by} ended python3, which held 309 MB, because memory ran out"


@pytest.mark.parametrize(
    ("line", "by", "pid", "name", "rss_mb", "because"),
    [
        (
            "Out of memory: Killed process 9277 (tail) total-vm:7837636kB, anon-rss:7832636kB, f",
            *("the kernel", 9277, "tail", 7649, Because.MEMORY_OUT),
        ),
        (
            "Memory cgroup out of memory: Killed process 42 (a) b) total-vm:4kB, anon-rss:2048kB,",
            *("the kernel", 42, "a) b", 2, Because.LIMIT),
        ),
        (
            'sending SIGKILL to process 1234 "a\x1b[31m": badness 880, VmRSS 901 MiB',
            *("earlyoom", 1234, "a?[31m", 901, Because.MEMORY_OUT),
        ),
    ],
)
def test_who_did_it_to_whom_and_why_is_read_from_a_line(
    line: str, by: str, pid: int, name: str, rss_mb: int, because: Because
) -> None:
    (end,) = foreign_ends([line])
    assert (end.by, end.pid, end.name, end.because) == (by, pid, name, because)
    assert (end.rss_bytes or 0) >> 20 == rss_mb


@pytest.mark.parametrize(
    "lines",
    [
        (  # earlyoom 1.7 as an ordinary user
            'sending SIGTERM to process 4 uid 0 "omnitray": badness 668, VmRSS 65 MiB',
            "kill failed: Operation not permitted",
        ),
        (
            "  PID:       4, name: python3, state: S (sleeping), EUID: 0",
            "  Sending SIGTERM to the victim",
            "Cannot send a signal: PermissionError",
        ),
    ],
)
def test_what_came_to_nothing_is_no_end(lines: tuple[str, ...]) -> None:
    assert foreign_ends(lines) == ()
    (before,) = foreign_ends([KILLED, *lines])
    assert before.by == "the kernel"


KILLED = "Out of memory: Killed process 7 (hog) total-vm:4kB, anon-rss:2048kB, file-rss:0kB"
SCOPE = "/user.slice/user-1000.slice/user@1000.service/app.slice/vte-spawn-1.scope"


@pytest.mark.parametrize(
    ("line", "because"),
    [
        (
            (
                f"Killed {SCOPE} due to memory used (1) / total (2) and swap used (3) / total (4) "
                "being more than 90.00%"
            ),
            Because.MEMORY_OUT,
        ),
        (
            (
                f"Killed {SCOPE} due to memory pressure for /user.slice/user-1000.slice/"
                "user@1000.service being 51.07% > 50.00% for > 20s with reclaim activity"
            ),
            Because.PRESSURE,
        ),
        (
            (
                f"Marked {SCOPE} for killing due to memory pressure for /user.slice being 85.03% > "
                "80.00% for > 2s with reclaim activity"
            ),
            Because.PRESSURE,
        ),
        ("vte-spawn-1.scope: systemd-oomd killed 12 process(es) in this unit.", Because.MEMORY_OUT),
    ],
)
def test_a_whole_unit_can_be_ended(line: str, because: Because) -> None:
    (end,) = foreign_ends([line])
    assert (end.by, end.pid, end.name) == ("systemd-oomd", None, "vte-spawn-1.scope")
    assert end.sentence == f"systemd-oomd ended vte-spawn-1.scope because {because.sentence}"


UNIT = "run-r1.scope: A process of this unit has been killed by the OOM killer."


def test_the_manager_s_word_about_its_unit_counts_where_the_kernel_names_nobody() -> None:
    (alone,) = foreign_ends([UNIT])
    assert (alone.by, alone.name, alone.pid) == ("the kernel", "a process of run-r1.scope", None)
    (named,) = foreign_ends([KILLED, UNIT])
    assert named.name == "hog"


@pytest.mark.parametrize(
    "line",
    [
        "",
        "usb 1-1: new device",
        "Killed process 1 (x)",
        "user.slice: A process of this unit has been killed by the OOM killer.",
        "user@1000.service: A process of this unit has been killed by the OOM killer.",
        "  Sending SIGTERM to the victim",
        "  PID:       4, name: python3, state: S (sleeping), EUID: 0",
        "mem avail: 23169 of 24105 MiB (96.11%), swap free:    0 of    0 MiB ( 0.00%)",
    ],
)
def test_other_lines_say_nothing(line: str) -> None:
    assert foreign_ends([line]) == ()


def test_what_is_not_known_for_certain_is_said_so() -> None:
    told, over = foreign_notices(ForeignEnd(by="earlyoom", name="hog", unread="it is closed"))
    assert isinstance(told, Notice)
    assert over == NoticeOver(labels=told.labels)  # a line in the history, no pop-up
    assert (told.severity, told.context["others_wait"]) == (Severity.INFO, False)
    assert told.title == "Earlyoom probably ended hog"
    assert told.message.endswith("because memory ran out. Its log could not be read: it is closed.")


def test_an_end_without_a_name_says_what_is_gone_and_why_nobody_names_it() -> None:
    (told,) = foreign_notices(UnnamedEnd(gone=("hog (2.1 GB)",), why_not="the log is closed"))
    assert isinstance(told, Notice)
    assert told.message == (
        "The kernel ended a process because memory ran out. Gone meanwhile: hog (2.1 GB). "
        "Which one could not be read: the log is closed."
    )

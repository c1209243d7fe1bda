"""The journal, asked through a stand-in for its command and through the real one."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from omnitray.platforms.linux.logs import (
    KernelLog,
    KillCount,
    LinuxLogs,
    SystemdJournal,
    log_sources,
    matches,
)
from omnitray.protector.oom_events.parse import foreign_ends
from omnitray.protector.oom_events.watch import LogFindings
from support.desktop import wait_until

REMOTE = Path("/lib/systemd/systemd-journal-remote")
NOW_S = 1_790_000_000.0
LINE = 'sending SIGTERM to process 70 uid 0 "hog": badness 974, VmRSS 295 MiB'


def stand_in(folder: Path, code: str) -> tuple[str, ...]:
    """A program that is called as journalctl is."""
    script = folder / "journalctl"
    script.write_text(f"#!{sys.executable} -IS\nimport sys, time\n{code}\n")
    script.chmod(0o755)
    return (str(script),)


def asked(journal: SystemdJournal, ago_s: float = 20.0) -> LogFindings:
    journal.ask(ago_s)
    return wait_until(journal.answer, "the journal answers")


def test_what_the_command_prints_is_the_answer_once(tmp_path: Path) -> None:
    command = stand_in(tmp_path, "print(*sys.argv[1:], sep='\\n')")
    journal = SystemdJournal((tmp_path,), command, lambda: NOW_S)
    assert journal.answer() is None
    answer = asked(journal, 20.0)
    assert f"--since=@{NOW_S - 20.0:.0f}" in answer.lines
    assert "_TRANSPORT=kernel" in answer.lines
    assert journal.answer() is None


def test_whoever_asks_does_not_wait_and_closing_ends_the_search(tmp_path: Path) -> None:
    journal = SystemdJournal((tmp_path,), stand_in(tmp_path, "time.sleep(600)"))
    journal.ask(1.0)
    journal.ask(1.0)
    assert journal.answer() is None
    journal.close()
    answer = journal.answer()
    assert answer is not None
    assert answer.lines == ()


def test_output_is_bounded_and_may_be_anything(tmp_path: Path) -> None:
    code = "sys.stdout.buffer.write(b'\\xff\\x00\\n' + b'x\\n' * 10_000)"
    answer = asked(SystemdJournal((tmp_path,), stand_in(tmp_path, code)))
    assert len(answer.lines) == 4000


def test_where_there_is_no_command_the_answer_says_so(tmp_path: Path) -> None:
    answer = asked(SystemdJournal((tmp_path,), (str(tmp_path / "journalctl"),)))
    assert answer.lines == ()
    assert answer.why_not.startswith("there is no systemd journal here; without one")


def test_it_is_told_who_may_read_the_journal_and_what_helps(tmp_path: Path) -> None:
    command = stand_in(tmp_path, "")
    kept = tmp_path / "journal" / "machine"
    kept.mkdir(parents=True)
    journal = SystemdJournal((tmp_path / "journal", tmp_path / "nowhere"), command)
    assert journal.source().why_not == "there is no systemd journal here"
    (kept / "system.journal").write_text("")
    assert journal.why_not == ""


def test_a_closed_journal_is_not_taken_for_none(tmp_path: Path) -> None:
    kept = tmp_path / "machine"
    kept.mkdir()
    closed = SystemdJournal((tmp_path,), stand_in(tmp_path, ""), may=lambda *_: False)
    assert "usermod -aG systemd-journal" in closed.why_not
    (kept / "system.journal").write_text("")
    assert "usermod -aG systemd-journal" in closed.why_not


def entry(seconds: int, message: str, **fields: str) -> str:
    """One entry as ``journalctl --output=export`` writes it."""
    own = {"MESSAGE": message, "_BOOT_ID": "0" * 32, "_MACHINE_ID": "1" * 32, **fields}
    head = f"__REALTIME_TIMESTAMP={seconds}000000\n__MONOTONIC_TIMESTAMP={seconds}\n"
    return head + "".join(f"{key}={value}\n" for key, value in own.items()) + "\n"


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A real journal file with lines of friends and strangers."""
    if not REMOTE.exists() or shutil.which("journalctl") is None:
        pytest.skip("needs journalctl and systemd-journal-remote")
    now = int(NOW_S)
    oomd = "Killed /user.slice/a.scope due to memory pressure for /user.slice being 60% > 50%"
    entries = [
        entry(now - 600, LINE.replace("70", "69"), _SYSTEMD_UNIT="earlyoom.service"),
        entry(now - 5, LINE, _SYSTEMD_UNIT="earlyoom.service"),
        entry(now - 4, LINE.replace("70", "71"), SYSLOG_IDENTIFIER="earlyoom", _COMM="logger"),
        entry(now - 3, oomd, _COMM="systemd-oomd"),
        entry(
            now - 2,
            "Out of memory: Killed process 72 (hög) total-vm:4kB, anon-rss:2048kB,",
            _TRANSPORT="kernel",
        ),
        entry(
            now - 1,
            "run-r1.scope: A process of this unit has been killed by the OOM killer.",
            MESSAGE_ID="fe6faa94e7774663a0da52717891d8ef",
        ),
    ]
    folder = tmp_path / ("1" * 32)
    folder.mkdir()
    subprocess.run(
        [REMOTE, "--output", folder / "system.journal", "-"],
        input="".join(entries).encode(),
        check=True,
        capture_output=True,
    )
    return folder


def test_a_real_journal_tells_of_ends_and_believes_no_stranger(kept: Path) -> None:
    command = ("journalctl", f"--directory={kept}")
    answer = asked(SystemdJournal((kept.parent,), command, lambda: NOW_S))
    ends = foreign_ends(answer.lines)
    assert [(end.by, end.pid) for end in ends] == [
        ("earlyoom", 70),
        ("systemd-oomd", None),
        ("the kernel", 72),
    ]
    assert answer.why_not == ""


def test_every_one_that_is_listened_to_is_an_alternative() -> None:
    words = matches()
    assert words[1::2] == ["+"] * (len(words) // 2)
    assert all("=" in word for word in words[::2])


def test_the_kernel_s_count_is_read_and_that_of_a_container_preferred(tmp_path: Path) -> None:
    count = KillCount(tmp_path)
    assert count.read() is None
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "vmstat").write_text("nr_free_pages 1\noom_kill 7\nnuma_hit 3\n")
    assert count.read() == 7
    count.close()
    (tmp_path / "sys/fs/cgroup").mkdir(parents=True)
    (tmp_path / "sys/fs/cgroup/memory.events").write_text("oom 3\noom_kill 2\noom_group_kill 0\n")
    count = KillCount(tmp_path)
    assert count.read() == 2
    count.close()


def test_the_real_count_is_a_number() -> None:
    count = KillCount()
    assert count.read() is not None
    count.close()


def test_all_of_them_together(tmp_path: Path) -> None:
    kmsg = tmp_path / "kmsg"
    kmsg.write_text("")
    logs = LinuxLogs(
        KillCount(tmp_path),
        KernelLog(kmsg),
        SystemdJournal((tmp_path,), stand_in(tmp_path, f"print({LINE!r})")),
    )
    with kmsg.open("a") as file:
        file.write("3,2,3,-;usb\n")
    assert logs.lines() == ("usb",)
    logs.ask(5.0)
    assert wait_until(logs.answer, "the journal answers").lines == (LINE,)
    assert [each.name for each in logs.sources()] == ["kernel log", "journal"]
    logs.close()


def test_what_can_be_read_here_is_told() -> None:
    assert [each.name for each in log_sources()] == ["kernel log", "journal"]

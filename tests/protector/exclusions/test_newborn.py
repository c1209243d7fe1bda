"""What a victim started and must outlive it."""

import pytest

from omnitray.base.facts import ProcessIdentity
from omnitray.protector.exclusions.programs import LINUX
from omnitray.protector.exclusions.rules import ExclusionRules, child_exclusion_check
from support.processes import FakeProcesses


@pytest.mark.parametrize(
    ("command", "protected", "why"),
    [
        ("/usr/bin/python3.11 worker.py", (), ""),
        ("/usr/lib/postgresql/15/bin/postgres -D x", (), "a database"),
        ("/bin/bash", (), "a shell"),
        ("/bin/bash -c make", (), ""),
        ("/opt/mine/trainer", ("trainer",), "protected by you"),
        ("/opt/mine/trainer", ("/opt/mine/*",), "protected by you"),
        ("/opt/mine/trainer", ("other",), ""),
    ],
)
def test_its_program_says_so(command: str, protected: tuple[str, ...], why: str) -> None:
    processes = FakeProcesses()
    pid = processes.start(command)
    who = ProcessIdentity(pid=pid, start_ticks=pid, exe=command.split(maxsplit=1)[0])
    spared = child_exclusion_check(ExclusionRules(LINUX, "/home/ann"), processes, lambda: protected)
    assert spared(who) == why


def test_whose_program_cannot_be_looked_up_is_spared() -> None:
    spared = child_exclusion_check(ExclusionRules(LINUX, "/home/ann"), FakeProcesses(), tuple)
    assert spared(ProcessIdentity(pid=7, start_ticks=7)) == "its program cannot be looked up"

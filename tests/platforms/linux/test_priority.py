"""Nice without privilege: what the limit of the very process allows, the kernel allows."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from omnitray.base.facts import ProcessIdentity
from omnitray.platforms.linux.proc import Proc
from omnitray.platforms.linux.system import Priorities
from omnitray.protector.actuators.system import OneWay

ROOT = Path(__file__).parents[2]
_NICE_0 = 20  # the limit that allows nice 0
# Says the limit it has, whether nice 0 could be had again, then whether the kernel gives it.
ASKS = """
import os, resource, sys
sys.path[:0] = sys.argv[1].split(os.pathsep)
from omnitray.protector.actuators.system import OneWay
from omnitray.platforms.linux.system import LinuxSystem
system, limit = LinuxSystem(), int(sys.argv[2])
try:
    resource.setrlimit(resource.RLIMIT_NICE, (limit, limit))
except ValueError:
    pass  # root without that privilege: the limit that there is has to do
limit, _ = resource.getrlimit(resource.RLIMIT_NICE)
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 65534)
(own,) = system.identify([os.getpid()])
said = system.may_set_nice(own, 0)
system.set_nice(own, 19)
try:
    system.set_nice(own, 0)
except OneWay:
    print(limit, said, False)
else:
    print(limit, said, True)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="gives up its privilege")
@pytest.mark.parametrize("wanted", [20, 0])
def test_the_kernel_agrees(wanted: int) -> None:
    path = os.pathsep.join([str(ROOT), *(each for each in sys.path if "site-packages" in each)])
    done = subprocess.run(
        [sys.executable, "-S", "-c", ASKS, path, str(wanted)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    limit, said, given = done.stdout.split()
    may = str(int(limit) >= _NICE_0)
    assert (said, given) == (may, may)


@pytest.mark.parametrize(
    ("users", "capabilities", "may"),
    [
        ("0 0 4294967295", "000001ffffffffff", True),
        ("0 0 4294967295", "0000000000000000", False),
        ("0 1000 1", "000001ffffffffff", False),
    ],
)
def test_the_privilege_of_a_container_is_none_here(
    tmp_path: Path, users: str, capabilities: str, *, may: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "self"
    own.mkdir()
    (own / "uid_map").write_text(f"         {users}\n")
    (own / "status").write_text(f"Name:\tx\nCapEff:\t{capabilities}\n")
    monkeypatch.setattr(resource, "prlimit", lambda _pid, _which: (0, 0))
    who = ProcessIdentity(pid=1, start_ticks=1)
    assert Priorities(Proc(tmp_path), tmp_path).may_set_nice(who, 0) is may


def test_a_refusal_to_go_down_is_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: int) -> None:
        raise PermissionError

    system = Priorities(Proc())
    (own,) = Proc().identify([os.getpid()])
    monkeypatch.setattr(os, "setpriority", refused)
    with pytest.raises(OneWay, match="cannot be lowered again"):
        system.set_nice(ProcessIdentity(pid=own.pid, start_ticks=own.start_ticks), 0)

"""Proves that ends by others are told, to an ordinary user and to one who may read the journal.

Run inside the machine that ``packaging/systemd_vm.py`` boots, in a login session. The kernel ends
a process that reaches the memory limit of its scope; a stand-in for earlyoom, a service with its
name, says earlyoom's line and ends another. What is told to whom is what is claimed.
"""
# ruff: noqa: T201 - what it prints is what it is for

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from omnitray.platforms.linux.logs import KernelLog
from omnitray.platforms.linux.platform import LinuxPlatform
from omnitray.platforms.linux.system import LinuxSystem
from omnitray.protector.environment import Environment, EnvironmentPorts
from omnitray.protector.notices import Notice
from omnitray.protector.oom_events.daemons import other_oom_daemons

linux = LinuxPlatform()

HERE = Path(__file__).parent
PATIENCE_S = 120.0
STEP_S = 1.0
_KEPT = ("PYTHONPATH", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS")  # sudo drops them
HOLDS = "import time; held = b'x' * 100_000_000; print(flush=True); time.sleep(600)"
EARLYOOM = """#!/bin/sh
# earlyoom -m 99 PID: says what earlyoom 1.7 says, and does it
sleep 8
echo "sending SIGTERM to process $3 uid 1000 \\"python3\\": badness 974, VmRSS 98 MiB"
kill -TERM "$3"
sleep 60
"""


class Proof:
    """Watches as the program does."""

    def __init__(self) -> None:
        self.failed = 0
        self.source = linux.guard_source()
        self.table = linux.process_table()
        details = linux.process_details()
        around = EnvironmentPorts(
            neighbours=lambda: other_oom_daemons(
                self.table.scan(), details.cmdline, linux.small_text
            ),
            logs=linux.foreign_logs(),
            is_there=LinuxSystem().is_there,
        )
        self._make: Callable[[], Environment] = lambda: Environment(around)
        self.surroundings = self._make()

    def claim(self, text: str, *, holds: bool) -> None:
        """One line."""
        self.failed += not holds
        print(f"  {'ok    ' if holds else 'FAILED'} {text}")

    def begin_again(self) -> None:
        """As after a start: the other_oom_daemons are met anew."""
        self.surroundings = self._make()

    def told(self) -> Notice | None:
        """The first that is told before patience ends."""
        began = time.monotonic()
        while time.monotonic() - began < PATIENCE_S:
            reading = self.source.read()
            if reading is not None:
                self.surroundings.meet(reading.monotonic_s)
                told = self.surroundings.ended(reading, self.table.scan(), frozenset())
                first = next((each for each in told if isinstance(each, Notice)), None)
                if first is not None:
                    print(f"    {first.title}: {first.message}")
                    return first
            time.sleep(STEP_S)
        return None


def prove_limit(proof: Proof, *, member: bool) -> None:
    """The kernel ends what reaches the limit of its scope."""
    print(f"the kernel ends a process, {'with' if member else 'without'} the journal's group")
    proof.begin_again()
    sizes = Path(tempfile.mkdtemp()) / "sizes"
    command = ["systemd-run", "--user", "--scope", "--quiet", "-p", "MemoryMax=30M"]
    command += ["-p", "MemorySwapMax=0"]
    command += [sys.executable, str(HERE / "workload.py"), "grow", str(sizes)]
    reading = proof.source.read()
    if reading is not None:
        proof.surroundings.ended(reading, (), frozenset())
    done = subprocess.run(command, capture_output=True, check=False, timeout=PATIENCE_S)
    print(f"    it ended with status {done.returncode}")
    told = proof.told()
    by = told.context["ended_by"] if told else None
    proof.claim(f"the kernel is named as who did it ({by})", holds=by == "the kernel")
    if member:
        named = told is not None and told.context["name"] == "python3"
        proof.claim("the process is named, with its pid", holds=named and bool(told))
        limit = told is not None and "limit" in told.message
        proof.claim("it is said that its limit was the reason", holds=limit)


def prove_guardian(proof: Proof, *, member: bool) -> None:
    """A service named earlyoom ends a large process."""
    print(f"earlyoom ends a process, {'with' if member else 'without'} the journal's group")
    script = Path(tempfile.mkdtemp()) / "earlyoom"
    script.write_text(EARLYOOM)
    script.chmod(0o755)
    script.parent.chmod(0o755)
    with subprocess.Popen([sys.executable, "-c", HOLDS], stdout=subprocess.PIPE) as hog:
        assert hog.stdout is not None
        hog.stdout.readline()
        unit = ["sudo", "systemd-run", "--quiet", "--collect", "--unit=earlyoom"]
        subprocess.run([*unit, str(script), "-m", "99", str(hog.pid)], check=True)
        time.sleep(2.0)
        proof.begin_again()
        told = proof.told()
        hog.kill()
    subprocess.run(["sudo", "systemctl", "stop", "earlyoom"], check=False)
    by = told.context["ended_by"] if told else None
    same = told is not None and told.context["pid"] == hog.pid
    proof.claim(f"earlyoom is named, and whom it ended ({by})", holds=by == "earlyoom" and same)
    certain = told is not None and "probably" not in told.title
    proof.claim(
        f"that it is {'certain' if member else 'probable'} is said", holds=certain is member
    )


def main(*, member: bool) -> int:
    """Prove it, as the one or the other."""
    proof = Proof()
    logs = {each.name: each.why_not for each in linux.log_sources()}
    print(f"uid {os.getuid()}, groups {os.getgroups()}; {logs}")
    proof.claim("the kernel's own log is closed to us", holds=bool(KernelLog().why_not))
    proof.claim(
        f"the journal is {'open' if member else 'closed'} to us",
        holds=(logs["journal"] == "") is member,
    )
    prove_limit(proof, member=member)
    prove_guardian(proof, member=member)
    proof.surroundings.close()
    if not member:
        kept = [f"{name}={os.environ[name]}" for name in _KEPT]
        again = ["sudo", "-u", "dev", "-g", "systemd-journal", "env", *kept]
        again += [sys.executable, "-u", __file__, "member"]
        subprocess.run(["sudo", "usermod", "-aG", "systemd-journal", "dev"], check=True)
        proof.failed += subprocess.run(again, check=False).returncode
        print("everything holds" if not proof.failed else f"{proof.failed} claims failed")
    return min(proof.failed, 99)


if __name__ == "__main__":
    sys.exit(main(member="member" in sys.argv))

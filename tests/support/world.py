"""A world of its own: a PID namespace in which only the test's processes exist.

What runs inside sees nobody else in /proc and can signal nobody else, so that a protector can be
armed there however busy the rest of the machine is. CPU and memory are the machine's own. It has
mounts of its own as well: small disks that nobody outside sees, gone with it.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

import psutil
import pytest

from support.desktop import tool, wait_until

PUSHED_NICE = -10
_PATIENCE_S = 10.0
_PACE_S, _TICKS = 0.05, 5
# Whoever loses its parent is this one's, and leaves nothing behind at its end.
_INIT = "import signal, time; signal.signal(signal.SIGCHLD, signal.SIG_IGN); time.sleep(900)"
_AS_LEADER = "import os, sys; os.setsid(); os.execv(sys.argv[1], sys.argv[2:])"


class World:
    """The namespace; it ends with everything in it.

    ``through`` is what a command has to go through first, such as a cgroup with a limit.
    """

    def __init__(self, through: tuple[str, ...] = ()) -> None:
        if os.geteuid() != 0:
            pytest.skip("a PID namespace of its own needs root")
        unshare = (tool("unshare"), "--pid", "--fork", "--kill-child", "--mount-proc")
        self._holder = subprocess.Popen(
            [*unshare, sys.executable, "-I", "-S", "-c", _INIT],
            start_new_session=True,
        )
        self._init = wait_until(lambda: _children(self._holder.pid), "the namespace is there")[0]
        self.prefix = (
            *through,
            tool("nsenter"),
            f"--target={self._init}",
            "--pid",
            "--mount",
            "--",
        )

    def run(self, *command: str) -> None:
        """Run a command inside to its end."""
        subprocess.run((*self.prefix, *command), check=True, timeout=_PATIENCE_S)

    def mount_disk(self, folder: Path, size_mb: int) -> None:
        """A small disk of its own, with a real file system, on a folder."""
        image = folder.with_suffix(".img")
        with image.open("wb") as file:
            file.truncate(size_mb << 20)
        folder.mkdir(parents=True, exist_ok=True)
        self.run(tool("mkfs.ext4", "/sbin/mkfs.ext4"), "-q", "-F", "-m", "0", str(image))
        self.run(tool("mount"), "-o", "loop", str(image), str(folder))

    def seen(self, path: Path) -> Path:
        """What stands under this path inside, to be looked at from outside."""
        return Path(f"/proc/{self._init}/root") / path.relative_to("/")

    def hold_processors(self, folder: Path) -> "HeldProcessors":
        """Let what runs inside read of the processors what the test says, not what others use."""
        file = folder / "stat"
        held = HeldProcessors(file)
        self.run(tool("mount"), "--bind", str(file), "/proc/stat")
        return held

    def hold_cpu_pressure(self, folder: Path, some_percent: float = 0.0) -> None:
        """Let what runs inside read how much tasks wait for a processor, whoever waits outside."""
        file = folder / "cpu-pressure"
        average = "avg10={0:.2f} avg60={0:.2f} avg300={0:.2f} total=0".format
        file.write_text(f"some {average(some_percent)}\nfull {average(0.0)}\n")
        file.chmod(0o444)
        self.run(tool("mount"), "--bind", str(file), "/proc/pressure/cpu")
        self.run(tool("mount"), "-o", "remount,bind,ro", "/proc/pressure/cpu")

    def use_next(self, pid: int) -> None:
        """Let the next process inside get this pid, if it is free."""
        self.run("/bin/sh", "-c", f"echo {pid - 1} > /proc/sys/kernel/ns_last_pid")

    def end(self) -> None:
        """Kill everything inside."""
        self._holder.kill()
        self._holder.wait(_PATIENCE_S)


class HeldProcessors:
    """A ``/proc/stat`` of the test's own.

    It stands still, so that nothing is known of the processors; in its context they work or rest,
    as :attr:`busy` says.
    """

    def __init__(self, file: Path) -> None:
        whole = Path("/proc/stat").read_text().splitlines(keepends=True)
        self._cores = sum(line.startswith("cpu") for line in whole) - 1
        self._rest = "".join(line for line in whole if not line.startswith("cpu"))
        self._busy_ticks = self._idle_ticks = 1
        self._file = file
        self.busy = False
        self._over = threading.Event()
        self._pacer = threading.Thread(target=self._go_on, name="held processors")
        self._write()

    def __enter__(self) -> Self:
        self._pacer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._pacer.join()

    def _go_on(self) -> None:
        # Every reading needs progress: a few ticks between any two of them.
        while not self._over.wait(_PACE_S):
            if self.busy:
                self._busy_ticks += _TICKS
            else:
                self._idle_ticks += _TICKS
            self._write()

    def _write(self) -> None:
        def line(name: str, times: int) -> str:
            busy, idle = self._busy_ticks * times, self._idle_ticks * times
            return f"{name} {busy:018} 0 0 {idle:018} 0 0 0 0 0 0\n"

        cores = "".join(line(f"cpu{number}", 1) for number in range(self._cores))
        text = line("cpu ", self._cores) + cores + self._rest
        # In place and of one length: a reader keeps the file open and never finds it cut short.
        file = os.open(self._file, os.O_WRONLY | os.O_CREAT, 0o644)
        try:
            os.pwrite(file, text.encode(), 0)
        finally:
            os.close(file)


class Inmate:
    """A load in a session of its own in the world; it ends with everything that it started."""

    def __init__(self, world: World, command: Sequence[str], program: str | None = None) -> None:
        start = (sys.executable, "-I", "-S", "-c", _AS_LEADER, program or command[0])
        self._outer = subprocess.Popen([*world.prefix, *start, *command], cwd="/")
        self._inner = inside(self._outer.pid)
        self.pid = self._inner.pid
        wait_until(lambda: self._inner.cmdline() == list(command), "it has become the load")

    @property
    def pid_inside(self) -> int:
        """Its pid as the program in the world knows it."""
        text = Path(f"/proc/{self.pid}/status").read_text()
        line = next(each for each in text.splitlines() if each.startswith("NSpid:"))
        return int(line.split()[-1])

    def weight(self, lever: str) -> int:
        """What the kernel has for it: the nice value of its session, or its own."""
        if lever == "autogroup":
            return int(Path(f"/proc/{self.pid}/autogroup").read_text().split()[-1])
        return int(self._inner.nice())

    def set_weight(self, lever: str, nice: int) -> None:
        """Somebody sets it."""
        if lever == "autogroup":
            Path(f"/proc/{self.pid}/autogroup").write_text(str(nice))
        else:
            self._inner.nice(nice)

    def push(self) -> None:
        """Give it weight, so that it gets processors beside whatever else runs on this machine."""
        file = Path(f"/proc/{self.pid}/autogroup")
        if file.exists():
            file.write_text(str(PUSHED_NICE))

    def stop(self) -> None:
        """Somebody stops it."""
        self._inner.suspend()
        wait_until(self.is_paused, "it stands still")

    def go_on(self) -> None:
        """Somebody continues it."""
        self._inner.resume()

    @property
    def workers(self) -> list[psutil.Process]:
        """Its living children."""
        found = self._inner.children()
        return [each for each in found if each.status() != psutil.STATUS_ZOMBIE]

    @property
    def rss_bytes(self) -> int:
        """Resident memory of itself alone."""
        return int(self._inner.memory_info().rss)

    def state(self) -> str:
        """In psutil's words."""
        return str(self._inner.status())

    def is_paused(self) -> bool:
        """Whether a signal has stopped it."""
        return self.state() == psutil.STATUS_STOPPED

    def lives(self) -> bool:
        """Whether it has not ended."""
        return self._inner.is_running() and self.state() != psutil.STATUS_ZOMBIE

    def end(self) -> None:
        """Kill it and what it has started."""
        family = [self._inner]
        try:
            self._inner.suspend()  # it starts no more
            family += self._inner.children(recursive=True)
        except psutil.NoSuchProcess:
            pass
        for process in family:
            with suppress(psutil.NoSuchProcess):  # it has ended by itself in between
                process.kill()
        self._outer.kill()  # it stops itself together with what it waits for
        self._outer.wait(_PATIENCE_S)
        psutil.wait_procs(family, _PATIENCE_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


def inside(outer: int) -> psutil.Process:
    """The process that a command with the prefix became."""
    return psutil.Process(wait_until(lambda: _children(outer), "it has entered")[0])


def _children(pid: int) -> list[int]:
    return [child.pid for child in psutil.Process(pid).children()]

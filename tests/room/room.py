"""A small machine in which real programs run under the armed protector.

A PID namespace of an ordinary user in a cgroup whose memory limit stands for the machine's: what
runs out there runs out nowhere else, and what is ended there is in there. What is started is given
a role, which its children inherit with the environment, so that whatever is acted on can be named.
Linux, as root.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import msgspec
import psutil

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(__file__).parent / "programs"
FOLDER = Path("/var/tmp/omnitray-rooms")
USER, STRANGER = 2001, 65534
_CGROUPS = Path("/sys/fs/cgroup")
_LOOK_S = 0.25
_BUSY = 503
# Nice is what there is for slowing down where the kernel does not schedule by session, and is not
# used where it could not be given back: so OmniTray runs as a service with this capability does.
_MAY_SET_NICE = ("--inh-caps=+sys_nice", "--ambient-caps=+sys_nice")
_MOST_SHARES, _MOST_WEIGHT = 1 << 18, 10_000  # of the kernel's cpu controllers
_ROLE = "ROOM_ROLE="
OURS = "omnitray"


class Seen(msgspec.Struct):
    """A process of the room: what is known of it while it lives, and for how long it did."""

    pid: int  # in the room
    role: str
    name: str
    words: str
    nice: int
    autogroup: str
    io_class: str
    stopped: bool
    first_s: float
    last_s: float
    largest: int = 0

    @property
    def settings(self) -> tuple[int, str, str, bool]:
        """What the protector may change and has to give back."""
        return self.nice, self.autogroup, self.io_class, self.stopped


class Room:
    """One machine, from its making to its end."""

    def __init__(
        self,
        name: str,
        size_bytes: int,
        most_threads: int,
        settings: str,
        tools: Path,
        display: int | None = None,
        *,
        goes_first: bool = False,
        may_set_nice: bool = False,
    ) -> None:
        self.folder = FOLDER / name
        self.tools = tools
        shutil.rmtree(self.folder, ignore_errors=True)
        for each in ("home", "omni/config", "xdg", "log"):
            (self.folder / each).mkdir(parents=True)
        (self.folder / "omni/config/config.toml").write_text(settings)
        for path in (self.folder, *self.folder.rglob("*")):
            os.chown(path, USER, USER)
        (self.folder / "xdg").chmod(0o700)
        self.home = self.folder / "home"
        self._limited: Path | None = None  # a group with a limit of its own
        self._cgroups = _made_cgroups(name, size_bytes, most_threads, goes_first=goes_first)
        self._may_set_nice = may_set_nice
        self.environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.home),
            "SHELL": "/bin/bash",
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "OMNITRAY_HOME": str(self.folder / "omni"),
            "XDG_RUNTIME_DIR": str(self.folder / "xdg"),
            "TMUX_TMPDIR": str(self.folder / "xdg"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "NO_COLOR": "1",
        }
        if display is not None:
            self.environment["DISPLAY"] = f":{display}"
        self._init = subprocess.Popen(
            ["unshare", "--fork", "--pid", "--mount-proc", "--kill-child", "sleep", "7200"],
            preexec_fn=self._enter,  # noqa: PLW1509 - no threads in the child before exec
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._one = self._first_process()
        self._name_users()
        self.began_s = time.monotonic()
        self.seen: dict[int, Seen] = {}
        self._roles: dict[int, str] = {}  # by the pid outside
        self.baseline: dict[int, tuple[int, str, str, bool]] = {}
        self.others_percent = 0.0  # of the processors, taken by what is outside
        self.window = ""  # in which something goes on being typed
        self.notes: list[str] = []  # what a room measured of its own
        self.own_cpu: list[tuple[float, float]] = []  # when, per cent of one core
        self._own: tuple[float, float] | None = None
        self._swept_s = 0.0  # when the last whole look at all processes began
        self._ends = threading.Event()
        self._sampler = threading.Thread(target=self._sample, daemon=True)
        self._sampler.start()

    def _enter(self) -> None:
        for each in self._cgroups:
            (each / "cgroup.procs").write_text(str(os.getpid()))

    def _first_process(self) -> int:
        children = Path(f"/proc/{self._init.pid}/task/{self._init.pid}/children")
        for _ in range(200):
            found = children.read_text().split()
            if found and Path(f"/proc/{found[0]}/comm").read_text().strip() == "sleep":
                return int(found[0])
            time.sleep(0.05)
        raise TimeoutError("the room has no first process")

    def _name_users(self) -> None:
        """The room's user has a name in there: some programs, like initdb, ask for it."""
        known = self.folder / "passwd"
        lines = Path("/etc/passwd").read_text().splitlines()
        others = [line for line in lines if line.split(":")[2] != str(USER)]
        user = f"room:x:{USER}:{USER}::{self.home}:/bin/bash"
        known.write_text("\n".join([*others, user, ""]))
        enter = ("nsenter", "-t", str(self._one), "-m", "--")
        subprocess.run([*enter, "mount", "--bind", known, "/etc/passwd"], check=True)

    @property
    def now_s(self) -> float:
        """Since the room was made."""
        return time.monotonic() - self.began_s

    def run(self, command: str, role: str = "tool", user: int = USER, timeout_s: float = 60) -> str:
        """A command in there; what it prints."""
        words = [
            *("nsenter", "-t", str(self._one), "-p", "-m", "--"),
            *("setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"),
            *(_MAY_SET_NICE if self._may_set_nice and role == OURS else ()),
            "--",
            *("bash", "-c", f"cd {self.home}; {command}"),
        ]
        done = subprocess.run(
            words,
            env={**self.environment, _ROLE[:-1]: role},
            preexec_fn=self._enter,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
            start_new_session=True,
        )
        return done.stdout

    def start(self, role: str, command: str, user: int = USER) -> None:
        """A program in a session of its own."""
        log = self.folder / "log" / f"{role}.log"
        log.touch()
        os.chown(log, user, user)
        quoted = command.replace("'", "'\\''")
        self.run(f"setsid bash -c 'exec {quoted}' </dev/null >>{log} 2>&1 &", role, user)

    def run_limited(self, role: str, command: str, limit_bytes: int) -> None:
        """A program in a memory group of its own below the room's, as a container has one."""
        self._limited = self._cgroups[0] / "limited"
        self._limited.mkdir()
        old, new = (self._limited / each for each in ("memory.limit_in_bytes", "memory.max"))
        if new.exists():
            (self._cgroups[0] / "cgroup.subtree_control").write_text("+memory")
        (old if old.exists() else new).write_text(str(limit_bytes))
        self.start(role, f'bash -c "sleep 1; {command}"')
        self.wait(lambda: bool(self.alive(role)), 10)
        for host, known in list(self._roles.items()):
            if known == role:
                (self._limited / "cgroup.procs").write_text(str(host))

    def limited_ends(self) -> int:
        """How many the kernel has ended in that group."""
        return _oom_kills(self._limited) if self._limited else 0

    def type(self, role: str, command: str) -> str:
        """Type a command at a shell's prompt, in a window of its own; the window's name."""
        if "terminal" not in {each.role for each in self.seen.values()}:
            self.run("tmux new-session -d -s room -x 110 -y 50", "terminal")
        window = self.run("tmux new-window -t room -P -F '#{window_id}'", "terminal").strip()
        time.sleep(0.5)
        self.keys(window, f"{_ROLE}{role} {command}")
        if not self.wait(lambda: bool(self.alive(role)), 10):
            raise TimeoutError(f"{role} did not start: {command}")
        return window

    def keys(self, window: str, text: str) -> None:
        """Type a line into what runs in a window."""
        quoted = text.replace("'", "'\\''")
        self.run(f"tmux send-keys -t '{window}' '{quoted}' Enter", "tool")

    def program(self, name: str) -> str:
        """The path of a program of the room."""
        return str(PROGRAMS / name)

    def start_omnitray(self) -> None:
        """Armed, with its default limits, and recording from its first moments."""
        python = f"env PYTHONPATH={ROOT} {self.tools}/omnitray/bin/python"
        self.start(OURS, f"{python} -m omnitray --headless")
        self.wait((self.folder / "omni/run/api.json").exists, 30)
        time.sleep(1.0)
        self.recording = self.ask("POST", "record", {"for_s": 3600})["done"][0]

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Ask OmniTray's local API."""
        known = json.loads((self.folder / "omni/run/api.json").read_text())
        request = urllib.request.Request(  # noqa: S310 - its own address
            f"{known['url']}/api/monitoring/{path}",
            method=method,
            data=None if body is None and method == "GET" else json.dumps(body or {}).encode(),
            headers={
                "Authorization": f"Bearer {known['token']}",
                "Content-Type": "application/json",
            },
        )
        for _ in range(5):
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - as above
                    return json.loads(answer.read())
            except urllib.error.HTTPError as error:
                if error.code != _BUSY:  # which says: try again
                    raise TimeoutError(f"{method} {path}: {error}") from error
                self.notes.append(f"OmniTray was too busy for {path}")
                time.sleep(1.0)
        raise TimeoutError(f"OmniTray stayed too busy for {path}")

    def wait(self, condition: Any, timeout_s: float) -> bool:
        """Until it is so, or the time is over; whether it is."""
        until = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > until:
                return False
            time.sleep(_LOOK_S)
        return True

    def alive(self, role: str) -> list[Seen]:
        """The processes of a role that live."""
        swept_s = self._swept_s
        return [
            each
            for each in list(self.seen.values())
            if each.role == role and each.last_s >= swept_s
        ]

    def journal(self) -> list[dict[str, Any]]:
        """The lines of the undo journal."""
        file = self.folder / "omni/data/actions.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def cpu_s(self) -> tuple[float, float]:
        """What the room has taken of the processors, and what all of the machine has."""
        old, new = (self._cgroups[-1] / each for each in ("cpuacct.usage", "cpu.stat"))
        if old.exists():
            own = int(old.read_text()) / 1e9
        else:
            own = int(new.read_text().split("usage_usec")[1].split()[0]) / 1e6
        ticks = [int(each) for each in Path("/proc/stat").read_text().split("\n")[0].split()[1:8]]
        return own, (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")

    def used_percent(self) -> float:
        """Memory of the room that is used, without cached files."""
        folder = self._cgroups[0]
        if (folder / "memory.max").exists():
            limit = int((folder / "memory.max").read_text())
            used = int((folder / "memory.current").read_text())
        else:
            limit = int((folder / "memory.limit_in_bytes").read_text())
            used = int((folder / "memory.usage_in_bytes").read_text())
        stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        cached = sum(int(stat.get(f"{kind}_file", 0)) for kind in ("active", "inactive"))
        return 100.0 * (used - cached) / limit

    def kernel_ends(self) -> int:
        """How many the kernel has ended for want of memory."""
        return _oom_kills(self._cgroups[0])

    def end(self) -> None:
        """End everything in there."""
        self._ends.set()
        self._sampler.join()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._one, signal.SIGKILL)
        self._init.kill()
        self._init.wait()
        for each in filter(None, (self._limited, *self._cgroups)):
            for _ in range(100):
                if not (each / "cgroup.procs").read_text():
                    break
                time.sleep(0.1)
            each.rmdir()

    # Looking

    def take_baseline(self) -> None:
        """What is so before anything is done; younger processes count from the usual values."""
        self.baseline = {pid: each.settings for pid, each in list(self.seen.items())}

    def _sample(self) -> None:
        while not self._ends.wait(_LOOK_S):
            began_s = self.now_s
            for host in self._hosts():
                with contextlib.suppress(OSError, psutil.Error, ValueError, IndexError):
                    self._look(int(host))
            self._swept_s = began_s  # of hundreds of processes a sweep takes a second

    def _hosts(self) -> list[str]:
        groups = filter(None, (self._cgroups[0], self._limited))
        return [pid for each in groups for pid in (each / "cgroup.procs").read_text().split()]

    def _look(self, host: int) -> None:
        stat = Path(f"/proc/{host}/stat").read_text()
        fields = stat[stat.rindex(")") + 2 :].split()
        if fields[0] in "ZX":
            return
        status = Path(f"/proc/{host}/status").read_text()
        pid = int(
            status.partition("NSpid:")[2].split("\n")[0].split()[1]
        )  # a container in it has its own
        known = self.seen.get(pid)
        now = self.now_s
        group = Path(f"/proc/{host}/autogroup")
        found = Seen(
            pid=pid,
            role=known.role if known and now - known.first_s > 1.0 else self._role(host, fields[1]),
            name=stat[stat.index("(") + 1 : stat.rindex(")")],
            words=Path(f"/proc/{host}/cmdline").read_text().replace("\0", " ")[:200],
            nice=int(fields[16]),
            autogroup=group.read_text().strip().rpartition(" ")[2] if group.exists() else "0",
            io_class=str(psutil.Process(host).ionice().ioclass),
            stopped=fields[0] in "Tt",
            first_s=now if known is None else known.first_s,
            last_s=now,
            largest=max(known.largest if known else 0, int(fields[21]) * 4096),
        )
        self.seen[pid] = found
        if found.role == OURS and "-m omnitray" in found.words:
            self._measure(int(fields[11]) + int(fields[12]), now)

    def _measure(self, ticks: int, now: float) -> None:
        used_s = ticks / os.sysconf("SC_CLK_TCK")
        if self._own is not None and now - self._own[0] >= 2.0:
            self.own_cpu.append((now, 100.0 * (used_s - self._own[1]) / (now - self._own[0])))
            self._own = (now, used_s)
        self._own = self._own or (now, used_s)

    def _role(self, host: int, parent: str) -> str:
        """From its environment, or where it has overwritten that, as before, or its parent's."""
        words = Path(f"/proc/{host}/environ").read_text(errors="replace").split("\0")
        role = next((each for each in words if each.startswith(_ROLE)), "").removeprefix(_ROLE)
        known = self._roles.get(host) or self._roles.get(int(parent), "unknown")
        self._roles[host] = role or known
        return self._roles[host]


def _oom_kills(group: Path) -> int:
    old, new = (group / each for each in ("memory.oom_control", "memory.events"))
    text = (new if new.exists() else old).read_text()
    return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("oom_kill "))


def _made_cgroups(
    name: str, size_bytes: int, most_threads: int, *, goes_first: bool
) -> tuple[Path, ...]:
    """One for memory, one for the number of threads, one that counts; all one on cgroup v2.

    ``goes_first``: what runs outside gets of the processors what the room leaves. The kernel does
    not schedule by session in there then.
    """
    is_old = (_CGROUPS / "memory").is_dir()
    values: list[tuple[Path, str, int]]
    if is_old:
        values = [
            (_CGROUPS / "memory", "memory.limit_in_bytes", size_bytes),
            (_CGROUPS / "pids", "pids.max", most_threads),
            *([(_CGROUPS / "cpu", "cpu.shares", _MOST_SHARES)] if goes_first else []),
            (_CGROUPS / "cpuacct", "", 0),
        ]
    else:
        values = [(_CGROUPS, "memory.max", size_bytes), (_CGROUPS, "pids.max", most_threads)]
        values += [(_CGROUPS, "cpu.weight", _MOST_WEIGHT)] if goes_first else []
    made: dict[Path, None] = {}
    for above, limit, value in values:
        folder = above / f"small-room-{name}-{os.getpid()}"  # a name of ours is no limit to it
        folder.mkdir(exist_ok=True)
        if limit:
            (folder / limit).write_text(str(value))
        made[folder] = None
    return tuple(made)

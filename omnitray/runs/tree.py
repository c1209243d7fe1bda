"""Memory and CPU of a process and all that it has started, read from /proc.

Pages that processes share are counted once, as forked workers do: the private ones of all, and the
shared ones of the process that has most of them. What has lost its parent is followed further where
it was seen before.
"""

import os

from omnitray.runs.light import signal

# In /proc/PID/stat, after the name (proc(5)); the second line is of children that were waited for.
_PPID, _GROUP, _TERMINAL, _UTIME, _STIME, _START = 1, 2, 4, 11, 12, 19
_CUTIME, _CSTIME = 13, 14
_RESIDENT, _SHARED = 1, 2  # in /proc/PID/statm
_DEAD = frozenset({"Z", "X", "x"})


class Member:
    """One process of a tree; ``start`` tells it from a later one with its pid.

    ``waited_cpu_s`` is what children of it took that have ended and were waited for.
    """

    __slots__ = (
        "cpu_s",
        "pid",
        "private_bytes",
        "shared_bytes",
        "start",
        "state",
        "waited_cpu_s",
    )

    def __init__(self, pid: int, start: int, state: str, cpu_s: float, waited_cpu_s: float) -> None:
        self.pid = pid
        self.start = start
        self.state = state
        self.cpu_s = cpu_s
        self.waited_cpu_s = waited_cpu_s
        self.private_bytes = self.shared_bytes = 0

    @property
    def rss_bytes(self) -> int:
        """What it holds, shared pages included."""
        return self.private_bytes + self.shared_bytes


class RunTree:
    """Samples the tree below ``root``, the root included."""

    def __init__(self, root: int) -> None:
        self.root = root
        self.rss_bytes = self.peak_bytes = 0
        self.worker_bytes = 0  # the most that one process below the root has held, among several
        self.members: list[Member] = []  # parents before their children
        self._cpu_of: dict[tuple[int, int], float] = {}
        self._counted_cpu_s = 0.0
        self._page = os.sysconf("SC_PAGE_SIZE")
        self._ticks = os.sysconf("SC_CLK_TCK")

    @property
    def cpu_s(self) -> float:
        """Seconds of processor time, of those that have ended too.

        Neither way to count is whole: what lived between two looks was seen by its parent alone,
        and what lost its parent by the looks alone. Neither counts too much.
        """
        return max(self._counted_cpu_s, sum(self._cpu_of.values()))

    def sample(self) -> "list[Member]":
        """Look at all of them once."""
        self.members = self.look()
        private = shared = below = 0
        counted_s = 0.0
        for each in self.members:
            self._measure(each)
            private += each.private_bytes
            shared = max(shared, each.shared_bytes)
            self._cpu_of[each.pid, each.start] = each.cpu_s
            counted_s += each.cpu_s + each.waited_cpu_s
            if each.pid != self.root:
                below = max(below, each.rss_bytes)
        self._counted_cpu_s = max(self._counted_cpu_s, counted_s)
        self.rss_bytes = private + shared
        self.peak_bytes = max(self.peak_bytes, self.rss_bytes)
        if len(self.members) > 2:  # noqa: PLR2004 - the root and one other are no pool of workers
            self.worker_bytes = max(self.worker_bytes, below)
        return self.members

    def look(self) -> "list[Member]":
        """Who belongs to it now, without their memory."""
        left = {(each.pid, each.start) for each in self.members}
        found: list[Member] = []
        seen: set[int] = set()
        queue = [self.root, *(pid for pid, _ in sorted(left) if pid != self.root)]
        known = len(queue)
        listed = None if _has_children_files() else _children_by_scan()
        for position, pid in enumerate(queue):
            is_known = 0 < position < known
            if pid in seen:
                continue
            member = self._read(pid)
            if member is None or (is_known and (pid, member.start) not in left):
                continue
            seen.add(pid)
            found.append(member)
            queue += children_of(pid) if listed is None else listed.get(pid, [])
        return found

    def _read(self, pid: int) -> "Member | None":
        fields = _stat(pid)
        if fields is None or fields[0] in _DEAD:
            return None
        cpu_s = (int(fields[_UTIME]) + int(fields[_STIME])) / self._ticks
        waited_s = (int(fields[_CUTIME]) + int(fields[_CSTIME])) / self._ticks
        return Member(pid, int(fields[_START]), fields[0], cpu_s, waited_s)

    def _measure(self, member: Member) -> None:
        pages = _read_text(f"/proc/{member.pid}/statm").split()
        if len(pages) > _SHARED:
            member.shared_bytes = int(pages[_SHARED]) * self._page
            member.private_bytes = int(pages[_RESIDENT]) * self._page - member.shared_bytes


def send(member: Member, number: int) -> bool:
    """Signal that very process; False where it has ended or is not ours to signal."""
    opened = getattr(os, "pidfd_open", None)
    try:
        handle = opened(member.pid) if opened is not None else -1
    except OSError:
        return False
    try:
        if start_of(member.pid) != member.start:
            return False
        if handle < 0:
            os.kill(member.pid, number)
        else:
            signal.pidfd_send_signal(handle, number)
    except (ProcessLookupError, PermissionError):
        return False
    finally:
        if handle >= 0:
            os.close(handle)
    return True


def let_run(members: "list[Member]", root: int) -> None:
    """Continue what is stopped, by any program, children first; thaw what is frozen.

    A job that a shell among them has stopped stays so: on a terminal, in a group of its own.
    """
    top = _stat(root)
    for each in reversed(members):
        fields = _stat(each.pid)
        thaw(each.pid)
        if fields is None or fields[0] != "T":
            continue
        if top is None or fields[_TERMINAL] == "0" or fields[_GROUP] == top[_GROUP]:
            send(each, signal.SIGCONT)


def thaw(pid: int, proc: str = "/proc") -> None:
    """Its cgroup and those above, by the file of version 2: as far as they are ours to write."""
    mount = _line_with(" - cgroup2 ", f"{proc}/self/mountinfo").split()
    group = _line_with("0::/", f"{proc}/{pid}/cgroup").removeprefix("0::").rstrip("/")
    while mount and group:
        place = f"{mount[4]}{group}/cgroup.freeze"
        if _read_text(place).strip() == "1":
            try:
                with open(place, "w", encoding="ascii") as file:
                    file.write("0")
            except OSError:  # another user's, who holds more than this run
                return
        group = group.rpartition("/")[0]


def _line_with(words: str, path: str) -> str:
    return next((line for line in _read_text(path).splitlines() if words in line), "")


def is_stopped(pid: int) -> bool:
    """Whether a process stands still by a signal."""
    fields = _stat(pid)
    return fields is not None and fields[0] in "Tt"


def is_still_stopped(pid: int) -> bool:
    """Whether a child of ours stands still by the stop that was waited for, and by no later one."""
    later = os.WSTOPPED | os.WNOHANG | os.WNOWAIT
    return is_stopped(pid) and os.waitid(os.P_PID, pid, later) is None


def start_of(pid: int) -> int:
    """The start time of a process in clock ticks since boot; 0 for one that is not there."""
    fields = _stat(pid)
    return int(fields[_START]) if fields is not None and fields[0] not in _DEAD else 0


def descendants(pid: int) -> "list[int]":
    """The process and all below it that can be seen, parents first."""
    return [each.pid for each in RunTree(pid).look()]


def _stat(pid: int) -> "list[str] | None":
    fields = _read_text(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return fields if len(fields) > _START else None


def children_of(pid: int) -> "list[int]":
    """By ``/proc/PID/task/TID/children``: some 20 µs a process, whatever else runs (proc(5))."""
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:  # it has ended
        return []
    found: list[int] = []
    for thread in threads:
        found += map(int, _read_text(f"/proc/{pid}/task/{thread}/children").split())
    return found


def _has_children_files() -> bool:
    return os.path.exists(f"/proc/self/task/{os.getpid()}/children")


def _children_by_scan() -> "dict[int, list[int]]":
    """All parents of this machine, where the kernel is built without the files above."""
    found: dict[int, list[int]] = {}
    for name in os.listdir("/proc") if os.path.isdir("/proc") else ():
        if name.isdecimal() and (fields := _stat(int(name))) is not None:
            found.setdefault(int(fields[_PPID]), []).append(int(name))
    return found


def _read_text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""

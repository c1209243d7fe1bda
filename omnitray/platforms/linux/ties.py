"""What ties a process to the person, as far as Linux lets an ordinary user find out.

- Display and sound: the process holds a socket whose peer is the display's or the sound server's.
  Every X11 client counts, with a window or not: a clipboard owner has none to see.
- A virtual machine: it holds ``/dev/kvm`` open.
- A well-known name on the session bus: the bus is asked who owns its names.
- Typed into: the process is in its terminal's foreground group, and the terminal is in raw mode
  (an editor, a pager, a prompt), or something has read from it since the process began, or the
  process waits for a line from it. A build that merely runs in a terminal is not typed into.
- Unknown: the process is in a network namespace of its own, whose sockets the kernel does not show
  to us, or in a mount namespace of its own, where the display may be reached through a proxy's
  socket of any name (flatpak, firejail, containers). Such a process without a single connection to
  a unix socket reaches no display and is not tied.
"""

import contextlib
import errno
import os
import re
import socket
import struct
import termios
import time
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path

import msgspec

from omnitray.processes.process_roles import Tie

_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_REQUEST_DUMP = 0x301  # NLM_F_REQUEST | NLM_F_ROOT | NLM_F_MATCH
_REQUEST_ONE = 0x1  # NLM_F_REQUEST
_ANY_COOKIE = 0xFFFFFFFF
# Reading the list of a desk's thousand sockets takes as long as asking about some dozens of them.
_ONE_BY_ONE = 32
_SHOW_NAME_AND_PEER = 0x1 | 0x4
_ERROR, _DONE = 2, 3
_ANSWER_S = 1.0
_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_REQUEST = struct.Struct("=BBHIIIII")  # family, protocol, pad, states, inode, show, cookie
_MESSAGE = struct.Struct("=BBBBIII")  # family, type, state, pad, inode, cookie
_ATTRIBUTE = struct.Struct("=HH")  # length, type
_NAME, _PEER = 0, 2


UNSEEN = b"\0unseen"  # no address: those have no NUL inside
_PEERS = (
    (re.compile(rb"(^|/)(\.X11-unix/X\d+|wayland-\d+|gamescope-\d+)$"), Tie.DISPLAY),
    (re.compile(rb"(^|/)(pipewire-\d+(-manager)?|pulse/native)$"), Tie.SOUND),
)
# Servers of the system, which are no way to a display: systemd-journald, notify, nscd, the bus.
_NO_WAY_TO_A_DISPLAY = re.compile(
    rb"^/(run/systemd/(journal/|notify)|dev/log|(var/)?run/(nscd/|dbus/system_bus_socket))"
)
_UNIX_INODE = re.compile(rb"^[0-9a-f]+: [0-9A-F]+ [0-9A-F]+ [0-9A-F]+ \d+ \d+ +(\d+)", re.MULTILINE)
_MACHINES = frozenset(("/dev/kvm", "anon_inode:kvm-vm", "/dev/vboxdrv"))
_READ_SLACK_S = 10.0  # the kernel keeps a terminal's read time in steps of 8 s
_PTS_MAJORS = range(136, 144)
_READ_CALLS = {"x86_64": "0", "aarch64": "63", "riscv64": "63"}
_LOCAL_FLAGS = 3  # the index of the local modes in what tcgetattr gives


def peer_names(inodes: AbstractSet[int]) -> dict[int, bytes]:
    """For each connected unix socket among these inodes, the name of the other end's address.

    ``UNSEEN`` where the other end is not listed: it is in another network namespace, or was not
    accepted yet. An end without a name is left out. Raises OSError where the kernel has no socket
    diagnosis.
    """
    if not inodes:
        return {}
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as diagnosis:
        diagnosis.settimeout(_ANSWER_S)
        if len(inodes) <= _ONE_BY_ONE:
            return _named_one_by_one(diagnosis, inodes)
        known = dict(_answers(diagnosis, _REQUEST_DUMP, 0))
    peers = {inode: _peer(known[inode]) for inode in inodes & known.keys()}
    return {
        inode: known[peer][_NAME].strip(b"\0") if peer in known else UNSEEN
        for inode, peer in peers.items()
        if peer is not None and (peer not in known or _NAME in known[peer])
    }


def _named_one_by_one(diagnosis: socket.socket, inodes: AbstractSet[int]) -> dict[int, bytes]:
    """The same where few are asked about: of a desk's thousand sockets the rest is no matter."""
    names = {}
    for inode in inodes:
        own = dict(_answers(diagnosis, _REQUEST_ONE, inode)).get(inode)
        peer = None if own is None else _peer(own)
        if peer is None:
            continue
        other = dict(_answers(diagnosis, _REQUEST_ONE, peer)).get(peer) if peer else None
        if other is None:
            names[inode] = UNSEEN
        elif _NAME in other:
            names[inode] = other[_NAME].strip(b"\0")
    return names


def _peer(attributes: dict[int, bytes]) -> int | None:
    """The inode of the other end; 0 where it was not accepted yet, None without one."""
    return int.from_bytes(attributes[_PEER][:4], "little") if _PEER in attributes else None


def _answers(
    diagnosis: socket.socket, flags: int, inode: int
) -> Iterator[tuple[int, dict[int, bytes]]]:
    """What the kernel says of one unix socket, or of all; nothing of one that is not there."""
    request = _REQUEST.pack(
        socket.AF_UNIX, 0, 0, 0xFFFFFFFF, inode, _SHOW_NAME_AND_PEER, _ANY_COOKIE, _ANY_COOKIE
    )
    length = _HEADER.size + len(request)
    header = _HEADER.pack(length, _SOCK_DIAG_BY_FAMILY, flags, 1, 0)
    diagnosis.sendto(header + request, (0, 0))
    while True:
        for kind, payload in messages(diagnosis.recv(1 << 18)):
            if kind == _DONE:
                return
            if kind == _ERROR:
                if -int.from_bytes(payload[:4], "little", signed=True) == errno.ENOENT:
                    return
                raise OSError("the kernel has no diagnosis of unix sockets")
            yield _MESSAGE.unpack_from(payload)[4], dict(attributes(payload[_MESSAGE.size :]))
            if flags == _REQUEST_ONE:
                return


def messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The (type, payload) of each netlink message."""
    while len(data) >= _HEADER.size:
        length, kind, *_ = _HEADER.unpack_from(data)
        yield kind, data[_HEADER.size : length]
        data = data[_aligned(max(length, _HEADER.size)) :]


def attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The (type, value) of each attribute."""
    while len(data) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(data)
        yield kind, data[_ATTRIBUTE.size : length]
        data = data[_aligned(max(length, _ATTRIBUTE.size)) :]


def _aligned(length: int) -> int:
    return (length + 3) & ~3


class _OpenFiles(msgspec.Struct, frozen=True):
    """The inodes of a process's sockets, and whether it holds virtual machines open."""

    sockets: frozenset[int] = frozenset()
    machine: bool = False
    gone: bool = False
    hidden: bool = False  # it may not be looked up


class Ties:
    """Finds the ties of processes; one look at sockets and names serves a whole job.

    ``name_owners`` gives the pids that own names on the session bus, ``peers`` the peer's
    address of each of some unix sockets. What holds no socket has neither: what a build or a fork
    bomb starts all the time costs no question.
    """

    def __init__(
        self,
        name_owners: Callable[[], frozenset[int]],
        peers: Callable[[AbstractSet[int]], dict[int, bytes]] = peer_names,
        proc: Path = Path("/proc"),
    ) -> None:
        self._name_owners = name_owners
        self._peers = peers
        self._proc = proc

    def of(self, pids: tuple[int, ...]) -> dict[int, frozenset[Tie]]:
        """The ties of each process; one that is gone has none."""
        opened = {pid: self._opened(pid) for pid in pids}
        inodes = frozenset().union(*(each.sockets for each in opened.values()))
        peers: dict[int, bytes] | None = {}
        owners: frozenset[int] = frozenset()
        if inodes:
            owners = self._name_owners()
            try:
                peers = self._peers(inodes)
            except OSError:
                peers = None
        return {pid: self._ties(pid, each, peers, owners) for pid, each in opened.items()}

    def _opened(self, pid: int) -> "_OpenFiles":
        """What a process holds open; without anything where that cannot be looked up."""
        try:
            return self._open(pid)
        except (FileNotFoundError, ProcessLookupError):
            return _OpenFiles(gone=True)
        except (OSError, ValueError):
            return _OpenFiles(hidden=True)

    def _ties(
        self,
        pid: int,
        opened: "_OpenFiles",
        peers: dict[int, bytes] | None,
        owners: frozenset[int],
    ) -> frozenset[Tie]:
        if opened.gone:
            return frozenset()
        ties = {Tie.BUS_NAME} if pid in owners else set()
        if opened.hidden or (peers is None and opened.sockets):
            return frozenset(ties | {Tie.UNKNOWN})
        try:
            ties |= self._socket_ties(pid, opened, peers or {})
            if self._is_typed_into(pid):
                ties.add(Tie.TYPED_INTO)
        except (FileNotFoundError, ProcessLookupError):
            return frozenset()
        except (OSError, ValueError):
            ties.add(Tie.UNKNOWN)
        return frozenset(ties)

    def _socket_ties(self, pid: int, opened: "_OpenFiles", peers: dict[int, bytes]) -> set[Tie]:
        inodes = opened.sockets
        names = {peers.get(inode, b"") for inode in inodes}
        ties = {tie for pattern, tie in _PEERS for name in names if pattern.search(name)}
        if not ties and self._may_hide_a_display(pid, inodes, names - {b""}):
            ties = {Tie.UNKNOWN}
        return ties | {Tie.MACHINE} if opened.machine else ties

    def _may_hide_a_display(self, pid: int, inodes: frozenset[int], names: set[bytes]) -> bool:
        """Whether a connection that cannot be followed may lead to a display."""
        if UNSEEN in names:
            return True
        if self._is_apart(pid, "net") and inodes & self._unix_inodes(pid):
            return True
        ways = {name for name in names if not _NO_WAY_TO_A_DISPLAY.match(name)}
        return bool(ways) and self._is_apart(pid, "mnt")

    def _is_apart(self, pid: int, kind: str) -> bool:
        """Whether its namespace is not ours. Raises OSError where that cannot be looked up."""
        try:
            ours = os.readlink(f"{self._proc}/self/ns/{kind}")  # noqa: PTH115 - no path
        except FileNotFoundError:
            return False  # a kernel without such namespaces
        return os.readlink(f"{self._proc}/{pid}/ns/{kind}") != ours  # noqa: PTH115 - no path

    def _unix_inodes(self, pid: int) -> set[int]:
        """The unix sockets of its network namespace: what leads to a display is one of them."""
        listed = (self._proc / str(pid) / "net/unix").read_bytes()
        return {int(inode) for inode in _UNIX_INODE.findall(listed)}

    def _open(self, pid: int) -> "_OpenFiles":
        """The inodes of its sockets, and whether it holds the kernel's virtual machines open."""
        inodes, machine = set(), False
        folder = f"{self._proc}/{pid}/fd"
        for name in os.listdir(folder):  # noqa: PTH208 - a process may have a thousand of them
            with contextlib.suppress(FileNotFoundError):
                target = os.readlink(f"{folder}/{name}")  # noqa: PTH115 - a process may have a thousand of them
                if target.startswith("socket:["):
                    inodes.add(int(target[8:-1]))
                machine |= target in _MACHINES
        return _OpenFiles(sockets=frozenset(inodes), machine=machine)

    def _is_typed_into(self, pid: int) -> bool:
        fields = (self._proc / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()
        group, terminal, foreground = int(fields[2]), int(fields[4]), int(fields[5])
        if terminal == 0 or group != foreground:
            return False
        path = _terminal_path(terminal)
        if path is None or _is_raw(path):
            return True
        return _was_read_since(path, _started_at(int(fields[19]))) or self._waits_for(pid, path)

    def _waits_for(self, pid: int, terminal: Path) -> bool:
        """Whether it reads from its terminal just now, where the kernel lets us see that."""
        try:
            call, descriptor, *_ = (self._proc / str(pid) / "syscall").read_text().split()
            if call != _READ_CALLS.get(os.uname().machine):
                return False
            opened = os.readlink(f"{self._proc}/{pid}/fd/{int(descriptor, 16)}")  # noqa: PTH115
        except (OSError, ValueError):
            return False
        return opened in {str(terminal), "/dev/tty"}


def _started_at(start_ticks: int) -> float:
    """A start time as wall-clock seconds; ticks count from the machine's start."""
    booted_at = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    return booted_at + start_ticks / os.sysconf("SC_CLK_TCK")


def _terminal_path(device: int) -> Path | None:
    """A pseudo terminal's path; None for a console, which someone sits at."""
    major, minor = os.major(device), os.minor(device)
    if major not in _PTS_MAJORS:
        return None
    return Path(f"/dev/pts/{(major - _PTS_MAJORS.start) * 256 + minor}")


def _is_raw(path: Path) -> bool:
    try:
        terminal = os.open(path, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError:
        return True  # another user's: leave it alone
    try:
        return not termios.tcgetattr(terminal)[_LOCAL_FLAGS] & termios.ICANON
    except termios.error:
        return True
    finally:
        os.close(terminal)


def _was_read_since(path: Path, moment_at: float) -> bool:
    try:
        return path.stat().st_atime > moment_at + _READ_SLACK_S
    except OSError:
        return True

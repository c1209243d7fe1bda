"""One server's real process, log and probes, under the machine that decides about them.

Everything but :meth:`ServerHandle.probe_now` runs on the supervisor's thread.

After a crash loop a change to a file of the project is worth another try (:func:`stamp_of`). Only
files that a person edits count, known by their ending: what a program writes (databases, logs,
caches) would set it off. The walk is bounded, so that a home folder as ``cwd`` costs little.
"""

import errno
import logging
import os
import signal
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from omnitray.base.bounded import oom_kills, rose
from omnitray.base.clock import Clock
from omnitray.base.durable import StorageError
from omnitray.base.facts import ProcessIdentity
from omnitray.base.process_environment import expanded
from omnitray.servers import health, memory, permissions, processes
from omnitray.servers.logs import ServerLog, cause_in
from omnitray.servers.machine import ServerMachine
from omnitray.servers.memory import StoredServer
from omnitray.servers.model import (
    BY_OMNITRAY,
    Owner,
    PermissionFault,
    PortOwner,
    Probed,
    ProbeResult,
    ServerExit,
    ServerState,
    local_port,
)
from omnitray.servers.processes import Scopes
from omnitray.servers.reports import TAIL_LINES
from omnitray.settings.servers import ServerSettings

log = logging.getLogger(__name__)

# A socket changes hands only after it was closed, which an unanswered probe shows: while all is
# well its owner is looked up once a minute (1 ms and more each time).
VERIFY_EVERY = 12
NOT_KNOWN = "how it ended is not known: OmniTray was started after it"
# That it was this very one is not said in the count; a journal, where it may be read, names it.
BY_THE_KERNEL = "killed when the kernel ran out of memory and ended a process"
# A signal that others send: what the server wrote last is not why.
FROM_OUTSIDE = frozenset({"SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"})
# The program or the folder is not there, or may not be used: no other try ends differently.
FOR_GOOD = frozenset(
    {errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EPERM, errno.ENOEXEC, errno.ELOOP}
)
OF_A_RUN_LOOK_S = 2.0  # while a test run has a server of that name; a look reads its small files
LEAVING_LOOK_S = 0.1  # while a server that we end has its port; a look costs 20 ms
AWAY = "it ended while OmniTray was not running"


class OtherServers(msgspec.Struct, frozen=True, kw_only=True):
    """What a server has to know of others; the functions are called on any thread.

    The name of the server that a process belongs to, whether that process belongs to one that is
    being ended, and whether a test run has a server of this name now.
    """

    server_of: Callable[[int], str] = lambda _pid: ""
    is_leaving: Callable[[int], bool] = lambda _pid: False
    is_of_a_run: Callable[[str], bool] = lambda _name: False


ALONE = OtherServers()


class ServerHandle:
    """See the module."""

    def __init__(
        self,
        spec: ServerSettings,
        owner: Owner,
        clock: Clock,
        *,
        log_folder: Path,
        scopes: Scopes,
        stored: StoredServer | None = None,
        others: OtherServers = ALONE,
    ) -> None:
        self.log = ServerLog(log_folder, spec.name)
        self.machine = ServerMachine(
            spec,
            owner,
            clock,
            remembered=stored.remembered if stored else None,
            log_file=str(self.log.path),
        )
        self.pidfd: int | None = None
        self.child: subprocess.Popen[bytes] | None = None
        self.removed = False  # forgotten as soon as its tree is gone
        self._clock = clock
        self._scopes = scopes
        self._others = others
        self._root: ProcessIdentity | None = None
        self._session = 0
        self._group = ""
        self._rest: set[ProcessIdentity] = set()
        self._log_start = 0
        self._probes = 0
        self._kills = oom_kills()  # at the last look that found it well

    @property
    def spec(self) -> ServerSettings:
        """Its declaration."""
        return self.machine.spec

    @property
    def folder(self) -> Path:
        """Its working folder."""
        return expanded(self.spec.cwd)

    def change_stamp(self) -> object:
        """Another value once a try may end otherwise: of its project, its program, its folder."""
        folder = self.folder
        return stamp_of(folder), folder.is_dir(), processes.program_stamp(self.spec, folder)

    @property
    def running(self) -> bool:
        """Whether a process of ours is, or was and is not yet dealt with."""
        return self._root is not None

    def adopt(self, stored: StoredServer) -> bool:
        """Take over the process of before, if it is that very one; whether it was."""
        process = stored.process
        now = processes.identity_of(process.pid) if process else None
        if process is None or now is None or now.start_ticks != process.start_ticks:
            return False
        if not processes.same_program(process, now):
            return False
        try:
            self.pidfd = processes.open_pidfd(now)
        except OSError:
            return False
        self._root, self._session, self._group = now, stored.session, stored.group
        self._log_start = self.log.size()
        self.machine.adopted(now, stored.up_since_at, stored.remembered)
        return True

    def resume(self, stored: StoredServer, same_boot: bool) -> None:  # noqa: FBT001 - what is known
        """Go on with it as the last OmniTray left it."""
        machine, before, spec = self.machine, stored.remembered, self.spec
        starts = spec.autostart and not spec.watch_only
        ran = stored.process is not None or before.state is ServerState.UP
        if same_boot and self.adopt(stored):
            if not stored.wanted:
                machine.stop()  # its end was under way
        elif starts and not same_boot:
            machine.start()
        elif same_boot and stored.wanted and ran and not spec.watch_only:
            machine.wanted = True
            ended = ServerExit(at=self._clock.wall(), reason=AWAY)
            machine.exited(ended, None, self.log.tail(TAIL_LINES))
        else:
            machine.stand(
                memory.without_process(
                    before,
                    wanted=stored.wanted,
                    watch_only=spec.watch_only,
                    same_boot=same_boot,
                )
            )
            if starts and not machine.wanted:
                machine.start()

    def spawn(self) -> None:
        """Start it, unless a test run has it or another process its port."""
        if self._others.is_of_a_run(self.spec.name):
            self.machine.spawn_after(OF_A_RUN_LOOK_S)  # there are never two of them
            return
        port = local_port(self.spec)
        taken = processes.owners_of(port) if port is not None else ()
        if taken and all(
            each.pid is not None and self._others.is_leaving(each.pid) for each in taken
        ):
            self.machine.spawn_after(LEAVING_LOOK_S)  # no fault, and over in 10 s at most
            return
        if taken and port is not None:
            self.machine.port_taken(self._named(taken[0]), port)
            return
        try:
            descriptor = self.log.open()
            try:
                self._log_start = self.log.size()
                self.child = processes.spawn(
                    self.spec.command,
                    self.folder,
                    {**self.spec.env, processes.MARK: str(self.log.path)},
                    descriptor,
                )
            finally:
                os.close(descriptor)
        except StorageError as error:
            self.machine.not_spawned(f"its log cannot be written: {error}", None)
            return
        except (OSError, ValueError) as error:
            self._not_spawned(error)
            return
        self._root = processes.child(self.child.pid)
        self._session = self.child.pid
        opened = getattr(os, "pidfd_open", None)
        self.pidfd = opened(self.child.pid) if opened else None
        self._group = self._scopes.adopt(self.spec.name, self.child.pid)
        self._rest = set()
        self._probes = 0
        self.machine.spawned(self._root)

    def look_whether_ended(self) -> None:
        """Report an exit, if there was one."""
        if self._root is None or self.machine.process is None:
            return
        code = processes.ended(self.child) if self.child is not None else None
        gone = code is not None if self.child is not None else not processes.lives(self._root)
        if not gone:
            return
        self._rest |= self._identities(self._tree())
        tail = self.log.tail(TAIL_LINES, since=self._log_start, own=False)
        found = self._exit_of(code, tail)
        fault = None
        if not self.machine.ending:
            fault = permissions.from_exit(self.spec, self.folder, code, tail)
        self.close_pidfd()
        self.machine.exited(found, fault, tail)

    def signal_tree(self, number: signal.Signals) -> None:
        """Send a signal to all of its tree; what is stopped goes on, to be able to end."""
        self._rest |= self._identities(self._tree())
        for process in self._rest:
            processes.send(process, number)
            processes.send(process, signal.SIGCONT)

    def look_whether_tree_is_gone(self) -> None:
        """Report the end of a tree that is being ended."""
        self._rest |= self._identities(self._tree())
        self._rest = {each for each in self._rest if processes.lives(each)}
        if self._rest:
            return
        if self.child is not None:
            self.child.wait()
        self.child, self._root, self._session, self._group = None, None, 0, ""
        self.close_pidfd()
        self.machine.tree_gone()

    def probe_now(self, timeout_s: float = health.TIMEOUT_S) -> Probed:
        """Probe; on any thread."""
        spec, root = self.spec, self._root
        self._probes += 1
        if spec.health:
            env = {**os.environ, **spec.env}
            found = health.check(spec.health, timeout_s, cwd=str(self.folder), env=env)
        else:
            found = self._listens()
        settled = self.machine.state is ServerState.UP and found.result is ProbeResult.OK
        if not settled or self._probes % VERIFY_EVERY == 0:
            found = self._verified(found, root)
        if found.result is ProbeResult.OK:
            self._kills = oom_kills()
        if found.result is not ProbeResult.OK and root is not None and processes.is_paused(root):
            return msgspec.structs.replace(found, paused=True)
        return found

    def stored(self) -> StoredServer:
        """What the next OmniTray needs to know."""
        view = self.machine.view
        process = processes.identity_of(view.pid) if view.identity and view.pid else None
        return StoredServer(
            name=self.spec.name,
            owner=self.machine.owner,
            wanted=self.machine.wanted,
            process=process,
            session=self._session,
            group=self._group,
            up_since_at=view.up_since_at,
            remembered=self.machine.remembered(),
            spec=None if self.machine.owner == "settings" else self.spec,
        )

    def leave(self) -> None:
        """Stop watching the process, which lives on."""
        self.close_pidfd()
        if self.child is not None:
            # Not waited for and not complained about: it is meant to outlive this object.
            self.child.returncode = 0
            self.child = None

    def has(self, pid: int) -> bool:
        """Whether a process is of this server: in its session, as nothing else is."""
        try:
            return self._root is not None and os.getsid(pid) == self._session
        except OSError:
            return False

    def close_pidfd(self) -> None:
        """Give the descriptor back."""
        if self.pidfd is not None:
            os.close(self.pidfd)
            self.pidfd = None

    def _tree(self) -> set[int]:
        """Pids of its tree. The id of the session is ours while its leader is not waited for."""
        ours = self.child is not None or (self._root is not None and processes.lives(self._root))
        group = self._scopes.members(self._group) if self._group else frozenset()
        session = self._session if ours or not self._rest else -1
        return processes.tree_of(self._root, session, group) if session else set()

    def _named(self, owner: PortOwner) -> PortOwner:
        """With the watched server that it belongs to."""
        if owner.pid is None:
            return owner
        server = self._others.server_of(owner.pid)
        ours = not server and processes.mark_of(owner.pid) == str(self.log.path)
        return PortOwner(pid=owner.pid, name=owner.name, server=server, in_background=ours)

    @staticmethod
    def _identities(pids: Iterable[int]) -> set[ProcessIdentity]:
        found = (processes.identity_of(pid) for pid in pids)
        # Without the executable, which may change: it is the same process all the same.
        return {
            ProcessIdentity(pid=each.pid, start_ticks=each.start_ticks) for each in found if each
        }

    def _not_spawned(self, error: OSError | ValueError) -> None:
        folder = self.folder
        fault: PermissionFault | None = None
        reason = f"it cannot be started: {error}"
        for_good = isinstance(error, ValueError) or error.errno in FOR_GOOD
        if isinstance(error, OSError):
            fault = permissions.from_spawn(self.spec, folder, error)
            if not folder.is_dir():
                reason = f"its folder {folder} is not there or may not be entered"
            elif isinstance(error, FileNotFoundError):
                reason = f"the program {self.spec.command[0]} was not found"
        self.machine.not_spawned(reason, fault, for_good=for_good)

    def _exit_of(self, code: int | None, tail: tuple[str, ...]) -> ServerExit:
        at = self._clock.wall()
        if code is None:
            return ServerExit(at=at, reason=NOT_KNOWN)
        why = BY_OMNITRAY if self.machine.ending else cause_in(tail)
        if code >= 0:
            # 128 + n is how a shell passes a signal of its child on.
            why = why if code or self.machine.ending else ""
            return ServerExit(code=code, at=at, reason=why)
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        if name == "SIGKILL" and not self.machine.ending:
            why = BY_THE_KERNEL if rose(self._kills, oom_kills()) else "killed, not by OmniTray"
        elif name in FROM_OUTSIDE and not self.machine.ending:
            why = "not by OmniTray"
        return ServerExit(signal=name, at=at, reason=why)

    def _listens(self) -> Probed:
        """Without a declared health: alive and listening."""
        ports = processes.listening(self._tree())
        if not ports:
            return Probed(result=ProbeResult.REFUSED, detail="it listens on no port")
        return Probed(result=ProbeResult.OK, url=f"http://127.0.0.1:{min(ports)}")

    def _verified(self, found: Probed, root: ProcessIdentity | None) -> Probed:
        """Whose socket it was that answered."""
        port = local_port(self.spec)
        if port is None or found.result is ProbeResult.REFUSED:
            return found
        tree = self._tree() if root is not None else set()
        if port in processes.listening(tree):
            return found
        owners = processes.owners_of(port)
        if root is None:
            return msgspec.structs.replace(found, owner_pid=owners[0].pid if owners else None)
        known = [each for each in owners if each.pid is not None]
        # A process of another user is not shown to us: a container's port is held by its daemon.
        if known and len(known) == len(owners) and not any(each.pid in tree for each in known):
            return msgspec.structs.replace(found, taken_by=self._named(known[0]))
        return found


LOOK_S = 2.0
MAX_ENTRIES = 5000
_SKIPPED = {"node_modules", "__pycache__", "venv", "target", "build", "dist", "site-packages"}
_ENDINGS = (
    *(".py", ".pyi", ".js", ".mjs", ".cjs", ".ts", ".tsx", ".jsx", ".go", ".rs", ".rb", ".php"),
    *(".java", ".kt", ".cs", ".c", ".h", ".cc", ".cpp", ".ex", ".exs", ".lua", ".sh", ".toml"),
    *(".json", ".yaml", ".yml", ".ini", ".cfg", ".conf", ".env", ".html", ".css", ".sql", ".xml"),
)
Stamp = tuple[int, int, int]


def stamp_of(folder: Path) -> Stamp:
    """What tells one state of a project from another: count, newest change, sum of sizes."""
    count = newest = total = 0
    waiting = [str(folder)]
    seen = 0
    while waiting and seen < MAX_ENTRIES:
        try:
            entries = list(os.scandir(waiting.pop()))
        except OSError:
            continue
        for entry in entries:
            seen += 1
            if _is_folder(entry):
                if entry.name not in _SKIPPED and not entry.name.startswith("."):
                    waiting.append(entry.path)
            elif entry.name.endswith(_ENDINGS):
                found = _stat(entry)
                if found is not None:
                    count += 1
                    newest = max(newest, found.st_mtime_ns)
                    total += found.st_size
    return count, newest, total


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _stat(entry: "os.DirEntry[str]") -> os.stat_result | None:
    try:
        return entry.stat(follow_symlinks=False)
    except OSError:
        return None

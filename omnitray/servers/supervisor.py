"""The thread that drives all watched servers: exits, appointments, probes, commands.

It sleeps until a process ends (its pidfd becomes readable), something is due, or it is asked for
something. Probes run on threads of their own, so that a server that hangs delays no other.
Callbacks are called on this thread; a receiver on another thread hands them on.
"""

import contextlib
import logging
import os
import queue
import selectors
import signal
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from omnitray.base.clock import Clock, SystemClock
from omnitray.base.durable import StorageError
from omnitray.base.facts import ProcessIdentity
from omnitray.servers import processes
from omnitray.servers.handling import ALONE, LOOK_S, OtherServers, ServerHandle
from omnitray.servers.memory import ServerMemory, StoredServer, StoredServers
from omnitray.servers.model import (
    AlertNews,
    EffectKind,
    LogLine,
    Owner,
    Probed,
    ProbeResult,
    ServerRefusal,
    ServerView,
    UnknownServer,
)
from omnitray.servers.processes import NoScopes, Scopes
from omnitray.servers.reports import TAIL_LINES
from omnitray.settings.servers import ServerSettings

log = logging.getLogger(__name__)

Verb = Literal["start", "stop", "restart"]
R = TypeVar("R")
# Without pidfds exits are looked for; an exit is to be seen within 250 ms.
EXIT_LOOK_S = 0.1
TREE_LOOK_S = 0.05
REST_S = 3600.0
STOP_S = 2.0  # as every thread of the program: two seconds
PROBE_THREADS = 4


class Supervisor:
    """See the module. ``on_change`` gets each new view, ``on_alert`` what to raise and resolve."""

    def __init__(
        self,
        *,
        memory: Path,
        logs: Path,
        clock: Clock | None = None,
        scopes: Scopes | None = None,
        elsewhere: OtherServers = ALONE,
        on_change: Callable[[ServerView], None] = lambda _view: None,
        on_removed: Callable[[str], None] = lambda _name: None,
        on_alert: Callable[[AlertNews], None] = lambda _news: None,
    ) -> None:
        self._memory = ServerMemory(memory)
        self._logs = logs
        self._clock = clock or SystemClock()
        self._scopes = scopes or NoScopes()
        self._elsewhere = elsewhere  # servers of other programs
        self._others = OtherServers(
            server_of=self._server_of,
            is_leaving=self._is_leaving,
            is_of_a_run=elsewhere.is_of_a_run,
        )
        self._on_change = on_change
        self._on_removed = on_removed
        self._on_alert = on_alert
        self._servers: dict[str, ServerHandle] = {}
        self._views: dict[str, ServerView] = {}
        self._stored: dict[str, StoredServer] = {}
        self._same_boot = False
        self._queue: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._stopping = self._left = False
        self._wake_lock = threading.Lock()  # a late probe must not write to a reused descriptor
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._wake_read, selectors.EVENT_READ, None)
        self._watched: dict[int, ProcessIdentity] = {}  # by pidfd
        self._projects: dict[str, object] = {}
        self._project_due_m: float | None = None
        self._pool = ThreadPoolExecutor(PROBE_THREADS, thread_name_prefix="server-probe")
        self._thread = threading.Thread(target=self._run, name="servers", daemon=True)

    # From any thread

    def start(self) -> None:
        """Read what is known from before and begin."""
        self._thread.start()

    def stop(self, *, end_servers: bool = False, patience_s: float = STOP_S) -> bool:
        """Stop watching; the servers live on unless ``end_servers``. False: not in time."""
        if not self._thread.is_alive():
            return True
        if end_servers:
            self._end_all(patience_s)
        self._call(self._begin_to_stop)
        self._thread.join(patience_s)
        return not self._thread.is_alive()

    def declare(self, specs: Iterable[ServerSettings]) -> "Future[None]":
        """The settings declare these, and no others."""
        wanted = tuple(specs)
        return self._submit(lambda: self._declare(wanted))

    def add(self, spec: ServerSettings, owner: Owner) -> "Future[ServerView]":
        """Watch one that no settings declare, and start it; may hold :class:`ServerRefusal`."""
        return self._submit(lambda: self._add(spec, owner))

    def remove(self, name: str) -> "Future[ServerView]":
        """End a server that no settings declare and forget it; how it stood, being ended."""
        return self._submit(lambda: self._remove(name))

    def command(self, name: str, verb: Verb) -> "Future[ServerView]":
        """Start, stop or restart; may hold :class:`UnknownServer`, :class:`ServerRefusal`."""
        return self._submit(lambda: self._command(name, verb))

    def views(self) -> tuple[ServerView, ...]:
        """All servers as they stand, in order of declaration."""
        return tuple(self._views.values())

    def view(self, name: str) -> ServerView:
        """One of them; raises :class:`UnknownServer`."""
        try:
            return self._views[name]
        except KeyError:
            raise UnknownServer(f"There is no server {name}.") from None

    def log_tail(self, name: str, lines: int) -> tuple[str, ...]:
        """The last lines of its log; raises :class:`UnknownServer`."""
        self.view(name)
        return self._servers[name].log.tail(lines)

    def probe(self, name: str, timeout_s: float) -> Probed:
        """Probe it now, on the caller's thread; raises :class:`UnknownServer`."""
        view = self.view(name)
        handle = self._servers[name]
        if view.pid is None and not view.spec.watch_only:
            return Probed(result=ProbeResult.REFUSED, detail="it does not run")
        return handle.probe_now(timeout_s)

    def _call(self, action: Callable[[], None]) -> None:
        self._queue.put(action)
        with self._wake_lock:
            if not self._left:
                with contextlib.suppress(BlockingIOError):  # full: it wakes up anyway
                    os.write(self._wake_write, b"\0")

    def _submit(self, action: Callable[[], R]) -> "Future[R]":
        future: Future[R] = Future()

        def carry_out() -> None:
            try:
                result = action()
            except Exception as error:  # noqa: BLE001 - it belongs to the caller
                future.set_exception(error)
            else:
                future.set_result(result)

        self._call(carry_out)
        return future

    def _end_all(self, patience_s: float) -> None:
        gone = threading.Event()

        def end() -> None:
            for handle in self._servers.values():
                if handle.running:
                    handle.machine.stop()
            self._settle()

        def look() -> None:
            if not any(handle.running for handle in self._servers.values()):
                gone.set()

        self._call(end)
        waited = 0.0
        while waited < patience_s and self._thread.is_alive():
            self._call(look)
            if gone.wait(TREE_LOOK_S):
                return
            waited += TREE_LOOK_S

    # On the thread

    def _run(self) -> None:
        self._recall()
        while not self._stopping:
            try:
                self._round()
            except Exception:  # the watcher must outlive a bad moment
                log.exception("a step of the servers failed")
        self._leave()

    def _round(self) -> None:
        for key, _ in self._selector.select(self._sleep_s()):
            if key.data is None:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._wake_read, 4096)
        while True:
            try:
                action = self._queue.get_nowait()
            except queue.Empty:
                break
            action()
        self._settle()
        self._look_at_projects()

    def _settle(self) -> None:
        """Let every machine do what is due, and carry it out, until nothing is left to do."""
        for handle in tuple(self._servers.values()):
            handle.look_whether_ended()
            if handle.machine.ending:
                self._carry_out(handle)
                handle.look_whether_tree_is_gone()
            due = handle.machine.next_due_m
            if due is not None and due <= self._clock.monotonic():
                handle.machine.tick()
            self._carry_out(handle)
            if handle.removed and not handle.running:
                self._forget(handle)
        self._watch_pidfds()
        self._publish()

    def _sleep_s(self) -> float:
        now = self._clock.monotonic()
        waits = [REST_S]
        for handle in self._servers.values():
            if (due := handle.machine.next_due_m) is not None:
                waits.append(max(0.0, due - now))
            if handle.machine.ending:
                waits.append(TREE_LOOK_S)
            elif handle.running and handle.pidfd is None:
                waits.append(EXIT_LOOK_S)
        if self._project_due_m is not None:
            waits.append(max(0.0, self._project_due_m - now))
        return min(waits)

    def _carry_out(self, handle: ServerHandle) -> None:
        while effects := handle.machine.take_effects():
            for effect in effects:
                if isinstance(effect, AlertNews):
                    self._publish()  # who hears of it may look at the server
                    self._on_alert(_with_log(effect, handle))
                elif isinstance(effect, LogLine):
                    self._write(handle, effect.text)
                else:
                    self._effect(handle, effect)

    def _effect(self, handle: ServerHandle, effect: EffectKind) -> None:
        if effect is EffectKind.SPAWN:
            handle.spawn()
        elif effect is EffectKind.END_TREE:
            handle.signal_tree(signal.SIGTERM)
        elif effect is EffectKind.KILL_TREE:
            handle.signal_tree(signal.SIGKILL)
        else:
            self._pool.submit(self._probe, handle)

    def _probe(self, handle: ServerHandle) -> None:
        """On a thread of the pool."""
        try:
            found = handle.probe_now()
            handle.log.rotate()
        except Exception as error:  # whatever it is, the next probe must come
            log.exception("the probe of %s failed", handle.spec.name)
            found = Probed(result=ProbeResult.BAD_ANSWER, detail=f"the probe failed: {error}")
        self._call(lambda: handle.machine.probed(found))

    @staticmethod
    def _write(handle: ServerHandle, text: str) -> None:
        try:
            handle.log.say(text)
        except (OSError, StorageError) as error:
            log.warning("the log of %s: %s", handle.spec.name, error)

    def _watch_pidfds(self) -> None:
        """Wake up when a process ends. The number of a descriptor is soon another process's."""
        wanted = {
            handle.pidfd: handle.machine.process
            for handle in self._servers.values()
            if handle.pidfd is not None and handle.machine.process is not None
        }
        for descriptor, process in tuple(self._watched.items()):
            if wanted.get(descriptor) != process:
                with contextlib.suppress(KeyError, ValueError, OSError):  # it was closed
                    self._selector.unregister(descriptor)
                del self._watched[descriptor]
        for descriptor, process in wanted.items():
            if descriptor not in self._watched:
                self._selector.register(descriptor, selectors.EVENT_READ, process)
                self._watched[descriptor] = process

    def _publish(self) -> None:
        views = {name: handle.machine.view for name, handle in self._servers.items()}
        changed = {name: view for name, view in views.items() if self._views.get(name) != view}
        if not changed:
            return
        # Who is killed right after it has shown a server finds it again; a failure is said first.
        runs = any(view.pid is not None for view in changed.values())
        if runs:
            self._remember()
        for name, view in changed.items():
            handle = self._servers[name]
            self._views = {**self._views, name: view}
            self._on_change(view)
            if handle.machine.waits_for_change and name not in self._projects:
                self._projects[name] = handle.change_stamp()
                self._project_due_m = self._clock.monotonic() + LOOK_S
        if not runs:
            self._remember()

    def _remember(self) -> None:
        servers = tuple(handle.stored() for handle in self._servers.values())
        self._memory.save(StoredServers(boot=processes.boot_id(), servers=servers))

    def _recall(self) -> None:
        stored = self._memory.load()
        self._same_boot = stored.boot == processes.boot_id()
        self._stored = {each.name: each for each in stored.servers}
        for each in stored.servers:
            if each.spec is not None:
                self._take_in(each.spec, each.owner)
        self._settle()

    def _take_in(self, spec: ServerSettings, owner: Owner) -> ServerHandle:
        stored = self._stored.pop(spec.name, None)
        handle = ServerHandle(
            spec,
            owner,
            self._clock,
            log_folder=self._logs,
            scopes=self._scopes,
            stored=stored,
            others=self._others,
        )
        self._servers[spec.name] = handle
        handle.resume(stored or StoredServer(name=spec.name, owner=owner), self._same_boot)
        return handle

    def _declare(self, specs: tuple[ServerSettings, ...]) -> None:
        names = {spec.name for spec in specs}
        renamed = self._renamed(specs)
        for name, handle in tuple(self._servers.items()):
            if handle.machine.owner == "settings" and name not in names:
                self._let_go(handle)
        for spec in specs:
            known = self._servers.get(spec.name)
            if known is None or known.removed:
                handle = self._take_in(spec, "settings")
                if spec.name in renamed and not spec.watch_only:
                    handle.machine.start()
                continue
            known.machine.owner = "settings"
            if known.spec != spec:
                known.machine.set_spec(spec)
        order = [spec.name for spec in specs]
        rest = [name for name in self._servers if name not in names]
        self._servers = {name: self._servers[name] for name in (*order, *rest)}
        self._views = {name: self._views[name] for name in self._servers if name in self._views}
        self._settle()

    def _add(self, spec: ServerSettings, owner: Owner) -> ServerView:
        known = self._servers.get(spec.name)
        if known is not None and known.machine.owner == "settings":
            raise ServerRefusal(f"The settings declare a server {spec.name}: start that one.")
        if known is not None and known.running:
            raise ServerRefusal(f"A server {spec.name} runs already; stop it first.")
        if known is None:
            known = self._take_in(spec, owner)
        else:
            known.machine.owner = owner
            known.machine.set_spec(spec)
        if not spec.watch_only:
            return self._command(spec.name, "start")
        self._settle()
        return known.machine.view

    def _remove(self, name: str) -> ServerView:
        handle = self._known(name)
        if handle.machine.owner == "settings":
            raise ServerRefusal(f"The settings declare {name}: remove it there.")
        self._let_go(handle)
        view = handle.machine.view
        self._settle()
        return view

    def _server_of(self, pid: int) -> str:
        """The server that a process belongs to; on any thread."""
        found = (name for name, each in tuple(self._servers.items()) if each.has(pid))
        return next(found, "") or self._elsewhere.server_of(pid)

    def _is_leaving(self, pid: int) -> bool:
        """Whether a process belongs to a server that is being ended."""
        return any(each.machine.ending and each.has(pid) for each in self._servers.values())

    def _renamed(self, specs: Iterable[ServerSettings]) -> set[str]:
        """New names of servers that are meant to run and have another name now, and all else same.

        The one of the old name is ended, the one of the new name is started.
        """
        wanted = [each.spec for each in self._servers.values() if each.machine.wanted]
        return {
            spec.name
            for spec in specs
            if spec.name not in self._servers
            and any(msgspec.structs.replace(spec, name=each.name) == each for each in wanted)
        }

    def _let_go(self, handle: ServerHandle) -> None:
        handle.machine.stop()
        handle.removed = True

    def _forget(self, handle: ServerHandle) -> None:
        name = handle.spec.name
        if self._servers.get(name) is handle:
            del self._servers[name]
        self._projects.pop(name, None)
        self._views = {each: view for each, view in self._views.items() if each != name}
        self._on_removed(name)
        self._remember()

    def _known(self, name: str) -> ServerHandle:
        try:
            return self._servers[name]
        except KeyError:
            raise UnknownServer(f"There is no server {name}.") from None

    def _command(self, name: str, verb: Verb) -> ServerView:
        handle = self._known(name)
        if handle.spec.watch_only and not (verb == "stop" and handle.running):
            raise ServerRefusal(f"{name} is only watched: watch_only = true in its declaration.")
        self._projects.pop(name, None)
        getattr(handle.machine, verb)()
        self._settle()
        return handle.machine.view

    def _look_at_projects(self) -> None:
        """Servers that were given up are tried again when a file of their project changed."""
        now = self._clock.monotonic()
        if self._project_due_m is None or now < self._project_due_m:
            return
        self._project_due_m = now + LOOK_S if self._projects else None
        for name, before in tuple(self._projects.items()):
            handle = self._servers.get(name)
            if handle is None or not handle.machine.waits_for_change:
                self._projects.pop(name)
            elif handle.change_stamp() != before:
                self._projects.pop(name)
                handle.machine.project_changed()
                self._settle()

    def _begin_to_stop(self) -> None:
        self._stopping = True

    def _leave(self) -> None:
        self._remember()
        self._pool.shutdown(wait=False, cancel_futures=True)
        for handle in self._servers.values():
            handle.leave()
        self._selector.close()
        with self._wake_lock:
            self._left = True
            os.close(self._wake_read)
            os.close(self._wake_write)


def _with_log(news: AlertNews, handle: ServerHandle) -> AlertNews:
    """The end of the log, where an alert that wants it was raised without an exit."""
    if news.context.get("log_tail") != []:
        return news
    tail = handle.log.tail(TAIL_LINES, own=False)
    return msgspec.structs.replace(news, context={**news.context, "log_tail": list(tail)})

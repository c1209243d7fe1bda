"""One watched server as a state machine: inputs are facts, outputs are effects. No threads.

Three clocks: *starting* (health does not count as a fault, an exit counts at once), *running* (a
probe every 5 s), *stopping* (TERM to the tree, KILL after 10 s). The supervisor calls an input,
then carries out :meth:`ServerMachine.take_effects`, and calls :meth:`tick` at ``next_due_m``.
"""

import random
from collections.abc import Callable

from omnitray.base.amounts import duration
from omnitray.base.clock import Clock
from omnitray.base.facts import ProcessIdentity
from omnitray.servers import memory, reports
from omnitray.servers.model import (
    ENDED_BY_ITSELF,
    ON_REQUEST,
    TROUBLED,
    Effect,
    EffectKind,
    LogLine,
    Owner,
    PermissionFault,
    PortOwner,
    Probed,
    ProbeResult,
    Remembered,
    ServerExit,
    ServerState,
    ServerView,
    url_of,
)
from omnitray.servers.timing import (
    FIRST_PROBE_S,
    HEALTHY_RESET_S,
    LIMITS_S,
    PROBE_S,
    Appointments,
    ProbeWindow,
    Restarts,
    StartTimes,
    probe_pause_s,
)
from omnitray.settings.servers import ServerSettings

KILL_AFTER_S = 10.0  # as the protector's own ends: TERM becomes KILL after 10 s
_STARTING = frozenset({ServerState.STARTING, ServerState.SLOW})
_COUNTED = frozenset({ServerState.UP, ServerState.DOWN})  # where probes without an answer count


class ServerMachine:
    """See the module. ``wanted`` is whether it is meant to run."""

    def __init__(
        self,
        spec: ServerSettings,
        owner: Owner,
        clock: Clock,
        *,
        remembered: Remembered | None = None,
        log_file: str = "",
        chance: Callable[[], float] = random.random,
    ) -> None:
        known = remembered or Remembered()
        self.spec = spec
        self.owner = owner
        self.state = ServerState.STOPPED
        self.wanted = False
        self.process: ProcessIdentity | None = None
        self.starts = StartTimes(known.starts)
        self._clock = clock
        self._log_file = log_file
        self._restarts = Restarts(chance)
        self._window = ProbeWindow()
        self._due = Appointments()
        self._restart_count = known.restarts
        self._last_exit = known.last_exit
        self._since_at = clock.wall()
        self._detail = ""
        self._started_m = self._started_at = self._probed_m = 0.0
        self._started_in_s: float | None = None
        self._up_since_at: float | None = None
        self._pid: int | None = None  # of a watch-only server
        self._url = url_of(spec)
        self._attempt = 0
        self._end_why = ""  # why we end it, where it was not asked for
        self._adopted = self._ending = self._probing = False
        self._cannot_start = False  # its program or folder is not there
        self._reports = reports.Reports(spec.name)
        self._effects: list[Effect] = []
        if spec.watch_only:
            self._due.probe = clock.monotonic()

    # What a person or a program asks

    def start(self) -> None:
        """Start it; what went wrong before no longer counts."""
        self._act()
        self.wanted = True
        if self.process is None or self._ending:
            self._move(ServerState.STARTING, "")
            self.spawn_after(0.0)
        self._report(self._reports.tried_again(self.view))

    def stop(self) -> None:
        """End it and its tree, and leave it ended."""
        self._act()
        self.wanted, self._end_why = False, ""
        self._due.clear()
        self._report(self._reports.clear())
        self._move(ServerState.STOPPED, "" if self.process is None else "it is being ended")
        self._up_since_at = None
        if self.process is not None:
            self._say("stopped on request")
            self._end_tree()

    def restart(self) -> None:
        """End its tree, then start it, without a wait."""
        self._act()
        self.wanted = True
        if self.process is None and not self._ending:
            self.start()
            return
        self._say("restarted on request")
        self._due.clear()
        self._up_since_at, self._end_why = None, ""
        self._due.spawn = self._now()
        self._move(ServerState.RESTARTING, ON_REQUEST)
        self._report(self._reports.tried_again(self.view))
        if self.process is not None:
            self._end_tree()

    def project_changed(self) -> None:
        """A file of its project is another: worth one more try where it was given up."""
        if self.waits_for_change:
            self._say("a file of the project changed")
            self.start()

    def set_spec(self, spec: ServerSettings) -> None:
        """Another declaration counts from the next start."""
        before, self.spec = self.spec, spec
        self._url = url_of(spec)
        if self._cannot_start and self.wanted and not spec.watch_only:
            self.start()
        if spec.watch_only and not before.watch_only:
            self._due.spawn = None
            self._due.probe = self._now()
        elif before.watch_only and not spec.watch_only and self.process is None:
            self._pid = None
            self.stop()

    # What happened

    def spawned(self, process: ProcessIdentity) -> None:
        """It runs; its start has begun."""
        now = self._now()
        self.process = process
        self._adopted = False
        self._started_m, self._started_at = now, self._clock.wall()
        self._up_since_at = None
        self._window.clear()
        self._due.spawn = self._due.healthy = None
        self._due.probe = now + FIRST_PROBE_S
        self._due.slow = now + self.starts.slow_after_s()
        self._due.limit = now + self.start_limit_s
        self._move(ServerState.STARTING, "")
        self._say(f"started: {' '.join(self.spec.command)} · pid {process.pid}")

    def not_spawned(
        self, reason: str, permission: PermissionFault | None, *, for_good: bool = False
    ) -> None:
        """It could not be started at all; ``for_good``: another try would end the same way."""
        self._say(reason)
        self._cannot_start = for_good
        self._failed(ServerExit(at=self._clock.wall(), reason=reason), permission, ())

    def port_taken(self, owner: PortOwner, port: int) -> None:
        """Another process has its port; we look again."""
        self._due.spawn = self._now() + PROBE_S
        self._to_foreign(owner, port)

    def adopted(self, process: ProcessIdentity, up_since_at: float | None, was: Remembered) -> None:
        """It lives from before: its next probe says how it is."""
        now = self._now()
        self.process = process
        self._adopted = True
        self._started_at = was.started_at or self._clock.wall()
        self._started_m = now - max(0.0, self._clock.wall() - self._started_at)
        self._started_in_s = self.starts.known[-1] if self.starts.known else None
        self._up_since_at = up_since_at
        self._due.probe = now
        self._due.limit = now + self.start_limit_s
        if up_since_at is None and was.state is ServerState.STARTING:
            self._due.slow = self._started_m + self.starts.slow_after_s()
        self.stand(memory.found(was))
        self._say(f"found again · pid {process.pid}")

    def stand(self, standing: memory.Standing) -> None:
        """Go on as it stood before OmniTray was restarted."""
        self.wanted, self._cannot_start = standing.wanted, standing.cannot_start
        self._move(standing.state, standing.detail)
        self._since_at = standing.since_at or self._since_at
        self._reports.is_down = standing.state in TROUBLED
        if standing.starts:
            self.spawn_after(0.0)

    def exited(
        self, found: ServerExit, permission: PermissionFault | None, tail: tuple[str, ...]
    ) -> None:
        """Its process has ended; what is left of its tree is ended too."""
        asked = self._ending
        self._say(reports.exit_words(found))
        self._last_exit = found.because(self._end_why) if asked else found
        self.process, self._end_why = None, ""
        if not asked:
            self._end_tree()
            self._failed(found, permission, tail)

    def tree_gone(self) -> None:
        """Nothing of its tree lives any more."""
        self._ending = False
        self._due.kill = None
        self.process = None
        if self.state is ServerState.STOPPED:
            self._detail = ""
        elif self.state is ServerState.DOWN and self._due.spawn is not None:
            self._move(ServerState.RESTARTING, self._detail)

    def probed(self, probe: Probed) -> None:
        """The answer to PROBE."""
        self._probing = False
        if self._ending or (self.process is None and not self.spec.watch_only):
            return
        # From the beginning of the last one: a time-out does not slow the pace down.
        self._due.probe = max(self._now(), self._probed_m + self._probe_pause())
        if probe.taken_by is not None and self.process is not None:
            self._to_foreign(probe.taken_by, None)
        elif probe.result is ProbeResult.OK:
            self._answered(probe)
        else:
            self._unanswered(probe)

    def tick(self) -> None:
        """Do what is due."""
        now = self._now()

        def due(moment: float | None) -> bool:
            return moment is not None and moment <= now

        if due(self._due.kill):
            self._due.kill = now + KILL_AFTER_S
            self._effects.append(EffectKind.KILL_TREE)
        if due(self._due.spawn) and not self._ending:
            self._due.spawn = None
            self._effects.append(EffectKind.SPAWN)
        if due(self._due.probe) and not self._probing and not self._ending:
            self._probing = True
            self._probed_m = now
            self._due.probe = None
            self._effects.append(EffectKind.PROBE)
        self._watch_clocks(due)

    def _watch_clocks(self, due: Callable[[float | None], bool]) -> None:
        if due(self._due.slow):
            self._due.slow = None
            self._is_slow()
        if due(self._due.limit):
            self._due.limit = None
            self._not_ready_in_time()
        if due(self._due.healthy):
            self._due.healthy = None
            self._restarts.reset()

    # What comes out

    @property
    def next_due_m(self) -> float | None:
        """When to call :meth:`tick`; None: nothing waits."""
        return self._due.kill if self._ending else self._due.next()

    @property
    def ending(self) -> bool:
        """Whether its tree is being ended: call :meth:`tree_gone` when it is gone."""
        return self._ending

    @property
    def waits_for_change(self) -> bool:
        """Whether it is not tried again before a file changes or a person acts."""
        return self.wanted and (self._cannot_start or self.state is ServerState.CRASH_LOOP)

    @property
    def given_up(self) -> bool:
        """Whether nothing starts it again by itself; see :class:`ServerView`."""
        if self.state is ServerState.DOWN:
            return not self._ending and self._due.spawn is None
        return self.state in {ServerState.STOPPED, ServerState.CRASH_LOOP}

    @property
    def start_limit_s(self) -> float:
        """How long the present or next start may take."""
        return self.starts.limit_s(self._attempt, self.spec.start_limit_s)

    def take_effects(self) -> list[Effect]:
        """What is to be done, in order; each once."""
        effects, self._effects = self._effects, []
        return effects

    def remembered(self) -> Remembered:
        """What the next OmniTray should know."""
        return Remembered(
            starts=self.starts.known,
            restarts=self._restart_count,
            last_exit=self._last_exit,
            state=self.state,
            detail=self._detail,
            since_at=self._since_at,
            started_at=self._started_at,
            cannot_start=self._cannot_start,
        )

    @property
    def view(self) -> ServerView:
        """How it stands."""
        return ServerView(
            name=self.spec.name,
            state=self.state,
            owner=self.owner,
            spec=self.spec,
            pid=self.process.pid if self.process else self._pid,
            url=self._url,
            up_since_at=self._up_since_at,
            started_in_s=self._started_in_s,
            start_limit_s=self.start_limit_s,
            restarts=self._restart_count,
            last_exit=self._last_exit,
            log_file=self._log_file,
            since_at=self._since_at,
            detail=self._detail,
            given_up=self.given_up,
            usual_s=self.starts.usual_s,
            identity=self.process,
        )

    # Inside

    def _now(self) -> float:
        return self._clock.monotonic()

    def _act(self) -> None:
        """A person's act: counting begins again."""
        self._restarts.reset()
        self._attempt = 0
        self._restart_count = 0
        self._cannot_start = False

    def _move(self, state: ServerState, detail: str) -> None:
        if state is not self.state:
            self._since_at = self._clock.wall()
        self.state, self._detail = state, detail

    def _say(self, text: str) -> None:
        self._effects.append(LogLine(text))

    def _report(self, news: list[Effect]) -> None:
        self._effects += news

    def spawn_after(self, delay_s: float) -> None:
        """Try to start it then."""
        self._due.spawn = self._now() + delay_s

    def _end_tree(self) -> None:
        self._ending = True
        self._due.kill = self._now() + KILL_AFTER_S
        self._effects.append(EffectKind.END_TREE)

    def _probe_pause(self) -> float:
        starts = self.state in _STARTING and self.process is not None
        return probe_pause_s(self._now() - self._started_m) if starts else PROBE_S

    def _may_restart(self) -> bool:
        return self.wanted and self.spec.restart != "never" and not self.spec.watch_only

    def _answered(self, probe: Probed) -> None:
        self._url = self._url or probe.url
        self._pid = probe.owner_pid
        if self.state is ServerState.UP:
            self._window.add(probe.result)
            return
        self._window.clear()  # what was refused while it started says nothing
        now, was = self._now(), self.state
        if was in _STARTING and self.process is not None and not self._adopted:
            self._started_in_s = now - self._started_m
            self.starts.add(self._started_in_s)
            usual_s = self.starts.usual_s or self._started_in_s
            self._say(f"up after {duration(self._started_in_s)} (usually {duration(usual_s)})")
        else:
            self._say("answers again" if was is ServerState.DOWN else "up")
        self._up_since_at = self._up_since_at or self._clock.wall()
        self._attempt = 0
        self._due.slow = self._due.limit = None
        self._due.probe = now + PROBE_S
        self._due.healthy = now + HEALTHY_RESET_S
        self._move(ServerState.UP, "")
        self._report(self._reports.clear())

    def _unanswered(self, probe: Probed) -> None:
        if self.state is ServerState.FOREIGN and self.process is not None:
            self._move(ServerState.STARTING, "")
            self._due.limit = self._now() + self.start_limit_s
        if self.state is ServerState.DOWN and (probe.paused or not self._may_restart()):
            self._window.clear()  # it was reported, and nothing can be done
            return
        was_up = self._adopted and self._up_since_at is not None
        if not (was_up or self.state in _COUNTED) or not self._window.add(probe.result):
            return
        why = "its process is paused" if probe.paused else probe.detail or probe.result.value
        self._unhealthy(why, may_end=not probe.paused)

    def _is_slow(self) -> None:
        if self.state is not ServerState.STARTING:
            return
        so_far = self._now() - self._started_m
        self._move(ServerState.SLOW, f"not ready after {duration(so_far)}")
        self._report(self._reports.slow(so_far, self.starts.usual_s))

    def _not_ready_in_time(self) -> None:
        if self.state not in _STARTING:
            return
        limit = self.start_limit_s
        self._attempt += 1
        why = f"not ready within {limit:.0f} s"
        self._unhealthy(why, may_end=True, give_up=self._attempt >= len(LIMITS_S))

    def _unhealthy(self, why: str, *, may_end: bool, give_up: bool = False) -> None:
        """Alive, and no good: ended and started again where that is allowed."""
        self._up_since_at = self._pid = None
        self._due.healthy = None
        self._window.clear()
        self._move(ServerState.DOWN, why)
        self._say(f"down: {why}")
        if self.process is None or not may_end or not self._may_restart():
            self._report(self._reports.down(self.view, why, None, ()))
            return
        self._end_why = why
        self._due.clear()
        self._end_tree()
        self._again(why, (), give_up=give_up)

    def _failed(
        self, found: ServerExit, permission: PermissionFault | None, tail: tuple[str, ...]
    ) -> None:
        """It ended by itself, or did not start."""
        why, clean = reports.exit_words(found), found.code == 0 and self._up_since_at is not None
        self._up_since_at = None
        self._due.clear()
        if permission is not None:
            self._report(self._reports.permission(permission, tail))
        if clean and self.spec.restart != "always":
            self.wanted = False
            self._move(ServerState.STOPPED, ENDED_BY_ITSELF)
            self._report(self._reports.ended_by_itself(self.view, why))
            return
        self._move(ServerState.DOWN, why)
        if self.spec.watch_only:
            self._due.probe = self._now() + PROBE_S
        if self._cannot_start and not self.spec.watch_only:
            self._report(self._reports.cannot_start(self.view, why, permission))
        elif self._may_restart():
            self._again(why, tail)
        else:
            self._report(self._reports.down(self.view, why, None, tail))

    def _again(self, why: str, tail: tuple[str, ...], *, give_up: bool = False) -> None:
        """Start it once more after the back-off, or give up."""
        if self._restarts.record(self._now()) or give_up:
            self._move(ServerState.CRASH_LOOP, why)
            self._say("given up after repeated failures")
            self._report(self._reports.crash_loop(self.view, why, tail))
            return
        delay_s = self._restarts.delay_s()
        self._restart_count += 1
        self.spawn_after(delay_s)
        if not self._ending:
            self._move(ServerState.RESTARTING, why)
        self._say(f"restart {self._restart_count} in {duration(delay_s)}")
        self._report(self._reports.down(self.view, why, delay_s, tail))

    def _to_foreign(self, owner: PortOwner, port: int | None) -> None:
        words = owner.words
        if self.state is ServerState.FOREIGN and self._detail == words:
            return
        where = f"port {port}" if port else "its port"
        self._up_since_at = None
        self._due.slow = self._due.limit = self._due.healthy = None
        self._window.clear()
        self._move(ServerState.FOREIGN, words)
        self._say(f"{where} is taken by {words}")
        self._report(self._reports.foreign(self.view, where, owner))

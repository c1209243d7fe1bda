"""A server's state machine on a clock that the test turns, and what it asked for."""

from typing import Any

from omnitray.base.facts import AlertType, ProcessIdentity
from omnitray.servers.machine import ServerMachine
from omnitray.servers.model import (
    AlertNews,
    EffectKind,
    LogLine,
    Probed,
    ProbeResult,
    Remembered,
    ServerExit,
    ServerState,
)
from omnitray.settings.servers import ServerSettings
from support.clock import FakeClock

HEALTH = "http://127.0.0.1:8000/health"
OK = Probed(result=ProbeResult.OK)
REFUSED = Probed(result=ProbeResult.REFUSED, detail="refused")
TIMEOUT = Probed(result=ProbeResult.TIMEOUT, detail="no answer within 4 s")
CRASH = ServerExit(code=1, at=0.0, reason="exit 1")


class Bench:
    """A machine, its clock, and what it asked for; trees end at once unless told otherwise.

    ``before`` is what it remembers.
    """

    def __init__(self, before: Remembered | None = None, **spec: Any) -> None:
        self.clock = FakeClock()
        fields = {"name": "api", "command": ("serve",), "health": HEALTH, **spec}
        self.machine = ServerMachine(
            ServerSettings(**fields),
            "settings",
            self.clock,
            remembered=before,
            chance=lambda: 0.5,
        )
        self.raised: list[AlertNews] = []
        self.closed: list[AlertNews] = []
        self.effects: list[EffectKind] = []
        self.said: list[str] = []
        self.answer = OK
        self.lingers = False
        self.pids = iter(range(100, 10**9))
        self.spawns_m: list[float] = []

    def stands(self) -> ServerState:
        return self.machine.state

    @property
    def open(self) -> set[AlertType]:
        return {each.type for each in self.raised} - {each.type for each in self.closed}

    def carry_out(self) -> None:
        while effects := self.machine.take_effects():
            for effect in effects:
                self._one(effect)

    def _one(self, effect: object) -> None:
        match effect:
            case AlertNews(resolved=True):
                self.closed.append(effect)
                self.raised = [each for each in self.raised if each.type != effect.type]
            case AlertNews():
                self.closed = [each for each in self.closed if each.type != effect.type]
                self.raised.append(effect)
            case LogLine(text):
                self.said.append(text)
            case EffectKind.SPAWN:
                self.effects.append(effect)
                self.spawns_m.append(self.clock.monotonic())
                self.machine.spawned(ProcessIdentity(pid=next(self.pids), start_ticks=1))
            case EffectKind.PROBE:
                self.machine.probed(self.answer)
            case EffectKind.END_TREE | EffectKind.KILL_TREE:
                self.effects.append(effect)
                if not self.lingers or effect is EffectKind.KILL_TREE:
                    self.machine.tree_gone()

    def run(self, seconds: float) -> None:
        """Let time pass, appointment by appointment."""
        end = self.clock.monotonic() + seconds
        while (due := self.machine.next_due_m) is not None and due <= end:
            self.clock.advance(max(0.0, due - self.clock.monotonic()))
            self.machine.tick()
            self.carry_out()
        self.clock.advance(end - self.clock.monotonic())

    def up(self, after_s: float = 1.0) -> None:
        self.answer = REFUSED
        self.machine.start()
        self.run(after_s)
        self.answer = OK
        self.run(1.0)
        assert self.stands() is ServerState.UP

    def crash(self, found: ServerExit = CRASH, tail: tuple[str, ...] = ()) -> None:
        self.machine.exited(found, None, tail)
        self.carry_out()

"""Facts about watched servers: states, exits, probes, and what a machine asks for.

``*_m`` are monotonic seconds, ``*_at`` wall-clock seconds since the epoch.
"""

import enum
from typing import Any, Literal

import msgspec

from omnitray.base.facts import AlertType, ProcessIdentity, Severity
from omnitray.settings.servers import CommandHealth, ServerSettings, address_of

Owner = Literal["settings", "serve", "pytest"]
ENDED_BY_ITSELF = "it ended by itself"  # the detail of one that has ended well and stays stopped
ON_REQUEST = "on request"  # the detail of a restart that was asked for
BY_OMNITRAY = "ended by OmniTray"  # the reason of an exit
LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1", "0.0.0.0", "::")  # noqa: S104 - compared, not bound


class UnknownServer(LookupError):  # noqa: N818 - an answer, not a fault
    """There is no server of that name."""


class ServerRefusal(ValueError):  # noqa: N818 - an answer, not a fault
    """Something that is not done with this server; the text says why."""


class ServerState(enum.StrEnum):
    """Where a server stands; FOREIGN: port taken, by another process."""

    STOPPED = "stopped"
    STARTING = "starting"
    UP = "up"
    SLOW = "slow"
    DOWN = "down"
    RESTARTING = "restarting"
    CRASH_LOOP = "crash_loop"
    FOREIGN = "foreign"

    @property
    def words(self) -> str:
        """For a person, in a column: ``crash loop``."""
        return _WORDS.get(self, self.value)

    @property
    def predicate(self) -> str:
        """For a person, behind the server's name: ``is in a crash loop``."""
        return _PREDICATES.get(self, f"is {self.value}")


_WORDS = {ServerState.CRASH_LOOP: "crash loop", ServerState.FOREIGN: "port taken"}
_PREDICATES = {
    ServerState.SLOW: "is slow to start",
    ServerState.RESTARTING: "is down and starts again",
    ServerState.CRASH_LOOP: "is in a crash loop",
    ServerState.FOREIGN: "finds its port taken",
}

# What counts as a fault: shown first, with a line in the menu.
TROUBLED = frozenset(
    {ServerState.DOWN, ServerState.RESTARTING, ServerState.CRASH_LOOP, ServerState.FOREIGN}
)


class ServerExit(msgspec.Struct, frozen=True, kw_only=True):
    """How it ended last: ``code`` or ``signal`` where one is known, and the cause in words."""

    code: int | None = None
    signal: str | None = None
    at: float = 0.0
    reason: str = ""

    def because(self, why: str) -> "ServerExit":
        """The same with what it was ended for."""
        return msgspec.structs.replace(self, reason=f"{self.reason}: {why}") if why else self


class Remembered(msgspec.Struct, frozen=True, kw_only=True):
    """What the next OmniTray knows of a server: what was learnt, and how it stood."""

    starts: tuple[float, ...] = ()
    restarts: int = 0
    last_exit: ServerExit | None = None
    state: ServerState = ServerState.STOPPED
    detail: str = ""
    since_at: float = 0.0
    started_at: float = 0.0  # of its process
    cannot_start: bool = False


class PortOwner(msgspec.Struct, frozen=True, kw_only=True):
    """Who listens on an address; ``pid`` None: a process of another user, which is not shown.

    ``server`` is the watched server that it belongs to; ``in_background`` that the server itself
    has started it and ended.
    """

    pid: int | None = None
    name: str = ""
    server: str = ""
    in_background: bool = False

    @property
    def words(self) -> str:
        """For a sentence."""
        if self.pid is None:
            return "a process of another user"
        if self.server:
            return f"your server {self.server} (process {self.pid})"
        who = f"{self.name or 'a process'} (process {self.pid})"
        return f"{who}, which it has left in the background" if self.in_background else who


class ProbeResult(enum.StrEnum):
    """What a probe found."""

    OK = "ok"
    REFUSED = "refused"
    BAD_ANSWER = "bad answer"
    TIMEOUT = "time-out"


class Probed(msgspec.Struct, frozen=True, kw_only=True):
    """One probe. ``taken_by`` is another process on the port, ``paused``: ours is held still."""

    result: ProbeResult
    detail: str = ""
    taken_by: PortOwner | None = None
    owner_pid: int | None = None
    paused: bool = False
    url: str | None = None


class PermissionFault(msgspec.Struct, frozen=True, kw_only=True):
    """What was not allowed, and what helps."""

    what: str
    path: str = ""
    mode: str = ""
    owner: str = ""
    remedy: str = ""

    @property
    def sentences(self) -> str:
        """All of it for a message."""
        found = f" It has mode {self.mode} and belongs to {self.owner}." if self.mode else ""
        return f"{self.what}{found} {self.remedy}".strip()


class EffectKind(enum.Enum):
    """What a machine asks its supervisor to do."""

    SPAWN = "spawn"
    END_TREE = "end the tree"
    KILL_TREE = "kill the tree"
    PROBE = "probe"


class AlertNews(msgspec.Struct, frozen=True, kw_only=True):
    """An alert to raise, or (``resolved``) to close; of each type a server has one incident.

    ``escalates``: the open incident has become worse, and is announced again.
    """

    server: str
    type: AlertType
    resolved: bool = False
    severity: Severity | None = None
    title: str = ""
    message: str = ""
    context: dict[str, Any] = {}
    escalates: bool = False

    @property
    def source(self) -> str:
        """The alert's source."""
        return f"server:{self.server}"

    @property
    def labels(self) -> dict[str, str]:
        """What makes two alerts the same incident."""
        return {"server": self.server}


class LogLine(msgspec.Struct, frozen=True):
    """A line of ours for the server's log."""

    text: str


Effect = EffectKind | AlertNews | LogLine


class ServerView(msgspec.Struct, frozen=True, kw_only=True):
    """A server as it stands now, for window, API and command line.

    ``since_at`` is when the state began, ``detail`` what is behind it in words, ``usual_s`` the
    median of its good starts. ``given_up``: it does not run, and OmniTray does not start it again
    before it is asked to or a file changes.
    """

    name: str
    state: ServerState
    owner: Owner
    spec: ServerSettings
    pid: int | None = None
    url: str | None = None
    up_since_at: float | None = None
    started_in_s: float | None = None
    start_limit_s: float = 90.0
    restarts: int = 0
    last_exit: ServerExit | None = None
    log_file: str = ""
    since_at: float = 0.0
    detail: str = ""
    given_up: bool = False
    usual_s: float | None = None
    identity: ProcessIdentity | None = None

    @property
    def is_stopped(self) -> bool:
        """Whether it is stopped because that was asked for, or was never started."""
        return self.state is ServerState.STOPPED and self.detail != ENDED_BY_ITSELF

    @property
    def health(self) -> str | None:
        """The declared health in one line."""
        return health_text(self.spec.health) or None


def health_text(health: str | CommandHealth) -> str:
    """``http://…``, ``tcp://…``, or the words of a command."""
    return " ".join(health.command) if isinstance(health, CommandHealth) else health


def address_in(spec: ServerSettings) -> tuple[str, int] | None:
    """Host and port of the health address, where there is one."""
    if isinstance(spec.health, CommandHealth) or not spec.health:
        return None
    _, host, port, _ = address_of(spec.health)
    return host, port


def local_port(spec: ServerSettings) -> int | None:
    """The port on this machine that its socket must be on."""
    address = address_in(spec)
    if address is None or not (address[0] in LOCAL_HOSTS or address[0].startswith("127.")):
        return None
    return address[1]


def url_of(spec: ServerSettings) -> str | None:
    """What a person opens."""
    if isinstance(spec.health, CommandHealth) or not spec.health:
        return None
    scheme, host, port, _ = address_of(spec.health)
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}:{port}"

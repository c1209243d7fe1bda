"""What the Protection page shows: frozen facts that the protector fills and the window paints.

Everything here is already decided and already said: figures carry their unit in the name,
``str`` fields hold words for people (plain text, never markup). The window formats the figures,
orders nothing and concludes nothing. ``at`` and ``since`` are wall-clock seconds.

One :class:`ProtectionView` is the whole page; send a new one whenever something in it changed.
"""

import enum
from collections.abc import Iterable

import msgspec

from omnitray.base.facts import Mode, ProtectState, Resource


class HoldKind(enum.StrEnum):
    """How tightly a job is held; the value is the word that is shown."""

    SLOWED = "slowed down"
    PAUSED = "paused"
    ENDING = "ending"
    WOULD = "would be held"  # watch only: nothing was touched


class HeldAction(msgspec.Struct, frozen=True, kw_only=True):
    """One row of *Under action now*: an action that can still be taken back, or is under way."""

    action_id: str
    job_key: str
    title: str  # "pytest · ~/shop", or "pytest gw3" for a single worker
    grip: HoldKind
    since: float
    means: str = ""  # "scope weight 100 → 5"
    why: str = ""  # "CPU 96 %, limit 75 %"
    process_count: int = 1
    undoable: bool = True
    pids: tuple[int, ...] = ()  # the processes that it was done to


class Considered(msgspec.Struct, frozen=True, kw_only=True):
    """One candidate in an explanation; ``verdict`` is why it was chosen or excluded.

    Of a job right now there is more: its part (0 to 1) in what is short, how far it may be touched
    and why not further, what would be next and when.
    """

    title: str
    rss_bytes: int
    growth_bps: float | None = None
    cpu_percent: float | None = None  # of one core
    verdict: str  # "paused", or "parent of the run", "has windows", "editor, protected"
    chosen: bool = False
    cause_share: float | None = None
    may: str = ""
    next_step: str = ""


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """One line of *What it did for you*: ``Memory pressure``, ``31 → 2 %``."""

    name: str
    figure: str


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Why an action was taken, in words and in figures."""

    action_id: str
    title: str  # of what was acted on
    text: str  # one to three sentences
    considered: tuple[Considered, ...] = ()
    effects: tuple[Effect, ...] = ()


def pid_words(pids: Iterable[int]) -> str:
    """`` (pid 4711 and 7 more)``: two jobs of the same name are two lines that differ."""
    first, *more = sorted(pids) or (0,)
    if not first:
        return ""
    return f" (pid {first} and {len(more)} more)" if more else f" (pid {first})"


class Means(msgspec.Struct, frozen=True, kw_only=True):
    """One actuator on this machine; ``why_not`` is empty where it works, ``note`` says how."""

    name: str
    works: bool
    why_not: str = ""
    note: str = ""


class ActionOutcome(enum.StrEnum):
    """What became of an action; the value is the word that is shown."""

    REVERSIBLE = "reversible"
    UNDONE = "undone"
    ENDED = "ended"
    WOULD_HAVE = "would have"
    FAILED = "failed"
    FINAL = "not reversible"


class JournalLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the journal, the newest first; ``steps`` are those of its actions, in order."""

    action_id: str
    at: float
    what: str  # "paused pytest gw3"
    why: str  # "memory forecast 20 to 40 s"
    outcome: ActionOutcome
    steps: tuple[str, ...] = ()
    undone_at: float | None = None  # when the last of it was given back; not where it had ended


class BreakerState(enum.StrEnum):
    """The circuit breaker on ends."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class BreakerView(msgspec.Struct, frozen=True, kw_only=True):
    """How many ends are left, and when an open breaker lets one through again."""

    state: BreakerState = BreakerState.CLOSED
    ends_left: int = 3
    ends_allowed: int = 3
    window_s: float = 600.0
    until: float | None = None  # wall clock, while open
    why: str = ""  # "an end freed almost nothing"


class Protected(msgspec.Struct, frozen=True, kw_only=True):
    """A job that is never acted on, and why: ``editor``, ``protected by you``.

    ``by_person``: the person wanted it and can take it back; ``words`` are the entries of the list
    in the settings that mean it.
    """

    job_key: str
    why: str
    by_person: bool = False
    words: tuple[str, ...] = ()


class WayBack(enum.StrEnum):
    """How the person can take back what was just done."""

    NONE = "none"
    UNDO = "undo"  # by the id of the action
    UNPROTECT = "unprotect"  # by the key of the job


class ActionFeedback(msgspec.Struct, frozen=True, kw_only=True):
    """What came of something that the person asked for, in one sentence, and the way back.

    ``done`` is False where what was asked for is not so: refused, failed, or only watched.
    """

    sentence: str
    done: bool = True
    job_key: str = ""
    action_id: str = ""
    way_back: WayBack = WayBack.NONE


class Answer(enum.StrEnum):
    """The answers a question can offer."""

    SLOW_DOWN = "slow_down"
    PAUSE = "pause"
    END = "end"
    LEAVE_ALONE = "leave_alone"  # for 1 h
    NEVER = "never"  # protect it from now on


class QuestionView(msgspec.Struct, frozen=True, kw_only=True):
    """Something the protector asks; ``deadline`` (wall clock) None means that it waits.

    ``unanswered`` says what happens without an answer: ``stays slowed down``, ``is paused``;
    ``paused`` whether the job is paused while it is asked; ``anyway`` whether it is left alone and
    may be ended all the same.
    """

    id: str
    job_key: str
    title: str
    text: str
    answers: tuple[Answer, ...] = tuple(Answer)
    deadline: float | None = None
    unanswered: str = ""
    paused: bool = False
    anyway: bool = False
    resource: Resource = Resource.MEMORY
    mount: str = ""


def not_asked(question_id: str, open_: tuple[QuestionView, ...]) -> str:
    """Why there is nothing to answer, and what could be; ``open_`` has the newest last."""
    said = f"Nothing is asked under {question_id}; it may be answered or over."
    if not open_:
        return said
    newest = open_[-1]
    return f"{said} Asked now: {newest.id}, about {newest.title}."


class ProtectionView(msgspec.Struct, frozen=True, kw_only=True):
    """The whole Protection page."""

    state: ProtectState = ProtectState.ON
    mode: Mode = Mode.DEV
    manner: str = ""  # "asks; without an answer nothing is ended": what this mode does by itself
    paused_until: float | None = None  # wall clock, when switched off for a while
    breaker: BreakerView = BreakerView()
    held: tuple[HeldAction, ...] = ()
    explanations: tuple[Explanation, ...] = ()  # the one to show first stands first
    means: tuple[Means, ...] = ()
    journal: tuple[JournalLine, ...] = ()
    protected: tuple[Protected, ...] = ()
    neighbours: tuple[str, ...] = ()  # "earlyoom runs here; our thresholds come before its own"
